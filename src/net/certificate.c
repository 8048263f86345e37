/* SPDX-License-Identifier: Apache-2.0 */
/* See certificate.h. */
#include "certificate.h"

#include "openssl.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

void certificate_deinit(struct certificate *certificate)
{
    free(certificate->name);
    free(certificate->serial);
    *certificate = CERTIFICATE_INIT;
}

int certificate_read(const char *pem, struct certificate *ret_certificate, struct error *err)
{
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    int r;

    /* What stands behind the first certificate of the text, a chain perhaps, is not looked at. */
    r = openssl_read_certificate(pem, &certificate, err);
    if (r < 0)
        return r;
    openssl_describe(certificate, ret_certificate);
    return 0;
}

/* In UTC, as the certificate has it: the reader may sit elsewhere than the server. */
static void append_day(struct buffer *buffer, int64_t seconds)
{
    time_t moment = (time_t)seconds;
    char text[32] = "?";
    struct tm parts;

    if (gmtime_r(&moment, &parts))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
    buffer_append_text(buffer, text);
}

/*
 * The sentence for what OpenSSL's verification found. All authorities of dusk have the same name,
 * so which of the four codes in a row it gives for another pool's certificate depends on what it
 * looks at first: the names, the key identifiers, or only then the signature.
 */
static int verification_error(X509 *certificate, int verdict, struct error *err)
{
    _cleanup_certificate_ struct certificate described = CERTIFICATE_INIT;
    _cleanup_buffer_ struct buffer day = BUFFER_INIT;

    openssl_describe(certificate, &described);
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        append_day(&day, described.valid_until);
        return error_set(err, -EKEYEXPIRED, "the certificate of '%s' expired on %s", described.name,
                         buffer_text(&day));
    case X509_V_ERR_CERT_NOT_YET_VALID:
        /* Certificates begin before they are made (authority.c), so a clock must be far off. */
        append_day(&day, described.valid_from);
        error_set(err, -EKEYEXPIRED, "the certificate of '%s' is not valid before %s",
                  described.name, buffer_text(&day));
        error_hint(err, "check this computer's clock");
        return -EKEYEXPIRED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return error_set(err, -EKEYREJECTED,
                         "the certificate of '%s' was signed by another authority", described.name);
    default:
        return error_set(err, -EKEYREJECTED, "the certificate of '%s' is not acceptable: %s",
                         described.name, X509_verify_cert_error_string(verdict));
    }
}

int certificate_check(const char *pem, const char *authority_pem, int64_t now, struct error *err)
{
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_(X509_free_p) X509 *authority = NULL;
    _cleanup_(X509_STORE_free_p) X509_STORE *store = X509_STORE_new();
    _cleanup_(X509_STORE_CTX_free_p) X509_STORE_CTX *check = X509_STORE_CTX_new();
    int r, prepared;

    r = openssl_read_certificate(pem, &certificate, err);
    if (r == 0)
        r = openssl_read_certificate(authority_pem, &authority, err);
    if (r < 0)
        return r;
    /* A store of its own: of the system's authorities none may speak for a pool. */
    prepared = X509_STORE_add_cert(store, authority) &&
               X509_STORE_CTX_init(check, store, certificate, NULL);
    assert(prepared);
    if (now != 0)
        X509_STORE_CTX_set_time(check, 0, (time_t)now);
    if (X509_verify_cert(check) == 1)
        return 0;
    return verification_error(certificate, X509_STORE_CTX_get_error(check), err);
}
