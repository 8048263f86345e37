/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tls_client.h. The SSL_CTX is made here and not by libwebsockets, which would load the
 * system's authorities (25 ms, and nobody of them may speak for a pool), report a bad file as
 * "failed" and never free it. Whoever hands it to libwebsockets sets DISABLE_OS_CA_CERTS as well.
 * The host name is compared here too: libwebsockets 4.1 compares names only, and a pool is often
 * known by an address.
 *
 * In TLS 1.3 the server refuses our certificate only after our side of the handshake is over, with
 * an alert; so alerts are listened for.
 */
#include "tls_client.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "identity.h"
#include "openssl.h"
#include "sys/file.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

struct tls_client {
    char *host;
    bool unverified;
    X509 *authority;
    X509 *certificate; /* with its key, or both NULL */
    EVP_PKEY *key;
    SSL_CTX *context;
    char *problem;
};

struct tls_client *tls_client_free(struct tls_client *client)
{
    if (!client)
        return NULL;
    X509_free(client->authority);
    X509_free(client->certificate);
    EVP_PKEY_free(client->key);
    SSL_CTX_free(client->context);
    free(client->host);
    free(client->problem);
    free(client);
    return NULL;
}

static int load_identity(struct tls_client *client, const char *folder, struct error *err)
{
    _cleanup_identity_paths_ struct identity_paths paths;
    int r;

    identity_paths_init(&paths, folder);
    r = identity_check(folder, err);
    if (r == 0)
        r = openssl_load_certificate(paths.authority, &client->authority, err);
    if (r == 0)
        r = openssl_load_certificate(paths.certificate, &client->certificate, err);
    if (r == 0)
        r = openssl_load_key(paths.key, &client->key, err);
    return r;
}

/*
 * libwebsockets judges the certificate once more by itself when the handshake is over, and knows
 * only these exceptions; without the flags it would refuse what tls_client_verify() has accepted.
 */
int tls_client_flags(const struct tls_client *client)
{
    int trust_anybody = LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;

    return LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
           (client->unverified ? trust_anybody : 0);
}

void tls_client_begin(struct tls_client *client)
{
    free(client->problem);
    client->problem = NULL;
}

const char *tls_client_problem(const struct tls_client *client)
{
    return client->problem;
}

/* The first problem is the cause, what follows are consequences. */
static void set_problem(struct tls_client *client, struct buffer *sentence)
{
    if (!client->problem)
        client->problem = buffer_take(sentence);
    buffer_deinit(sentence);
}

/*
 * Of the alert's two bytes the upper one is how bad it is, and in TLS 1.3 all but a farewell are
 * fatal (RFC 8446, 6). The server cannot say more than these words of the protocol.
 */
static void explain_alert(struct tls_client *client, int alert)
{
    struct buffer sentence = BUFFER_INIT;

    switch (alert & 0xff) {
    case SSL3_AD_CLOSE_NOTIFY:
        return;
    case TLS1_AD_UNKNOWN_CA:
        buffer_appendf(&sentence,
                       "the server '%s' does not know our certificate's authority: it "
                       "belongs to another pool",
                       client->host);
        break;
    case SSL3_AD_CERTIFICATE_EXPIRED:
        buffer_appendf(&sentence, "the server '%s' says that our certificate has expired",
                       client->host);
        break;
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_BAD_CERTIFICATE:
    case TLS1_AD_ACCESS_DENIED:
        buffer_appendf(&sentence, "the server '%s' refuses our certificate", client->host);
        break;
    case TLS1_AD_PROTOCOL_VERSION:
        buffer_appendf(&sentence, "the server '%s' does not speak TLS 1.3", client->host);
        break;
    default:
        buffer_appendf(&sentence, "the server '%s' broke off the handshake: %s", client->host,
                       SSL_alert_desc_string_long(alert));
    }
    set_problem(client, &sentence);
}

/* Called for every step of a handshake, and for alerts either way; only what came says why. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (client && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        explain_alert(client, value);
}

static void make_context(struct tls_client *client)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool done = context != NULL;

    client->context = context;
    /* The callback gets no pointer of ours; one context serves one client, so it can carry it. */
    SSL_CTX_set_app_data(context, client);
    SSL_CTX_set_info_callback(context, on_info);
    /* What libwebsockets does with a context of its own. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    done = done && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    if (client->authority)
        done = done && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), client->authority);
    if (client->certificate)
        done = done && SSL_CTX_use_certificate(context, client->certificate) &&
               SSL_CTX_use_PrivateKey(context, client->key);
    assert(done); /* all of it was read and checked before */
}

SSL_CTX *tls_client_context(struct tls_client *client)
{
    return client->context;
}

int tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
                   struct error *err)
{
    _cleanup_(tls_client_free_p) struct tls_client *client = memory_allocate(sizeof(*client));
    int r = 0;

    client->host = memory_copy_string(options->host);
    client->unverified = options->unverified;
    if (options->identity_folder)
        r = load_identity(client, options->identity_folder, err);
    else if (options->authority_pem)
        r = openssl_read_certificate(options->authority_pem, &client->authority, err);
    else if (!options->unverified)
        r = error_set(err, -EINVAL, "nothing is known about the server '%s'", options->host);
    if (r < 0)
        return r;
    make_context(client);
    *ret_client = take_pointer(client);
    return 0;
}

/* An address is another kind of name in a certificate, which X509_check_host() does not look at. */
static bool names_host(X509 *certificate, const char *host)
{
    unsigned char address[16];

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_check_ip_asc(certificate, host, 0) == 1;
    return X509_check_host(certificate, host, 0, 0, NULL) == 1;
}

static void explain_verdict(struct tls_client *client, int verdict)
{
    struct buffer sentence = BUFFER_INIT;

    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
        buffer_appendf(&sentence,
                       "the server's certificate is not for the name '%s': use one of its names, "
                       "or give it this one with 'dusk server --name'",
                       client->host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        buffer_appendf(&sentence, "the certificate of the server '%s' has expired", client->host);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        buffer_appendf(&sentence,
                       "the certificate of the server '%s' is not valid yet: check this "
                       "computer's clock",
                       client->host);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        buffer_appendf(&sentence,
                       "the certificate of the server '%s' was signed by another "
                       "authority than this pool's",
                       client->host);
        break;
    default:
        buffer_appendf(&sentence, "the certificate of the server '%s' is not acceptable: %s",
                       client->host, X509_verify_cert_error_string(verdict));
    }
    set_problem(client, &sentence);
}

/*
 * Comes once for each certificate of the chain, the authority's first. Only that at depth 0 is the
 * server's own, and only its name must be the host's. An error that is set here is what the
 * handshake ends with; one that was overruled must be taken back, or it is found again later.
 */
int tls_client_verify(struct tls_client *client, X509_STORE_CTX *check, bool verdict)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(check);

    if (client->unverified) {
        X509_STORE_CTX_set_error(check, X509_V_OK);
        return 0;
    }
    if (verdict && X509_STORE_CTX_get_error_depth(check) == 0 &&
        !names_host(certificate, client->host)) {
        X509_STORE_CTX_set_error(check, X509_V_ERR_HOSTNAME_MISMATCH);
        verdict = false;
    }
    if (verdict)
        return 0;
    explain_verdict(client, X509_STORE_CTX_get_error(check));
    return 1;
}
