/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See authority.h. The order at the first start: the key is written before the certificate, so a
 * crash between the two leaves a key that nobody has trusted yet, and the next start completes it.
 * The other half alone, a certificate without its key, can only come from a loss and is an error.
 * A certificate made anew for the same key has the same subject and key identifier, so whatever
 * the key has signed stays good.
 */
#include "authority.h"

#include "base/memory.h"
#include "openssl.h"
#include "sys/file.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * The authority must not end before the pool does, because whoever trusts it has it in his folder
 * and in his token's fingerprint. The server's certificate is ours to renew at any start.
 */
enum {
    DAY_S = 86400,
    AUTHORITY_VALIDITY_DAYS = 30 * 365,
    SERVER_VALIDITY_DAYS = 2 * 365,
    BACKDATE_S = 2 * DAY_S,     /* a clock that is set back later must not make it invalid */
    NAME_LENGTH_MAX = 64,       /* ub-common-name, RFC 5280 appendix A.1 */
    HOST_NAME_LENGTH_MAX = 253, /* RFC 1035 */
    KEY_SECURITY_BITS_MIN = 112 /* RSA 2048, EC P-224: NIST SP 800-57 */
};

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
    char *key_path, *pem_path;
    char *server_key_path, *server_pem_path;
    struct certificate described;
};

struct authority *authority_free(struct authority *authority)
{
    if (!authority)
        return NULL;
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    free(authority->pem);
    free(authority->key_path);
    free(authority->pem_path);
    free(authority->server_key_path);
    free(authority->server_pem_path);
    certificate_deinit(&authority->described);
    free(authority);
    return NULL;
}

const char *authority_pem(const struct authority *authority)
{
    return authority->pem;
}

const char *authority_fingerprint(const struct authority *authority)
{
    return authority->described.fingerprint;
}

const char *authority_pem_path(const struct authority *authority)
{
    return authority->pem_path;
}

const char *authority_server_pem_path(const struct authority *authority)
{
    return authority->server_pem_path;
}

const char *authority_server_key_path(const struct authority *authority)
{
    return authority->server_key_path;
}

/*
 * The extension `nid` with a value in OpenSSL's notation, all of it ours: it cannot fail. "keyid"
 * is read from the issuer's subject key identifier, so the issuer must have its own by then.
 */
static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    int added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert(extension);
    added = X509_add_ext(certificate, extension, -1);
    assert(added);
    X509_EXTENSION_free(extension);
}

/*
 * Random, because a counter would have to be on the disk before each signature: a number that was
 * given twice would withdraw two certificates at once. It must be positive and have at most 20
 * bytes (RFC 5280, 4.1.2.2); the top bit is set so that all have the same length.
 */
static int set_random_serial(X509 *certificate, struct error *err)
{
    _cleanup_(BN_free_p) BIGNUM *number = BN_new();

    if (!BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) ||
        !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)))
        return openssl_error(err, -EIO, "cannot draw a serial number");
    return 0;
}

/* In UTF-8 (MBSTRING_UTF8 checks that it is): people's names need not be ASCII. */
static bool add_name(X509 *certificate, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), field, MBSTRING_UTF8,
                                      (const unsigned char *)text, -1, -1, 0) == 1;
}

/* What all certificates have in common; `unit` may be NULL. */
static int begin_certificate(EVP_PKEY *key, const char *unit, const char *name, int64_t validity_s,
                             X509 **ret_certificate, struct error *err)
{
    _cleanup_(X509_free_p) X509 *certificate = X509_new();
    time_t from = time(NULL) - BACKDATE_S;
    time_t until = time(NULL) + (time_t)validity_s;
    int r;

    assert(certificate);
    r = set_random_serial(certificate, err);
    if (r < 0)
        return r;
    /* One that is over already, as the tests want it, still ends behind its beginning. */
    if (until < from)
        from = until - BACKDATE_S;
    if (!X509_set_version(certificate, X509_VERSION_3) || !X509_set_pubkey(certificate, key) ||
        !ASN1_TIME_set(X509_getm_notBefore(certificate), from) ||
        !ASN1_TIME_set(X509_getm_notAfter(certificate), until))
        return openssl_error(err, -EINVAL, "cannot make a certificate for '%s'", name);
    if ((unit && !add_name(certificate, "OU", unit)) || !add_name(certificate, "CN", name))
        return openssl_error(err, -EINVAL, "'%s' cannot be a certificate's name", name);
    *ret_certificate = take_pointer(certificate);
    return 0;
}

static int sign_certificate(X509 *certificate, EVP_PKEY *key, struct error *err)
{
    if (X509_sign(certificate, key, EVP_sha256()) == 0)
        return openssl_error(err, -EIO, "cannot sign a certificate");
    return 0;
}

static int make_key(struct authority *authority, struct error *err)
{
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    r = openssl_make_key(&authority->key, err);
    if (r < 0)
        return r;
    openssl_write_key(authority->key, &pem);
    r = file_replace(authority->key_path, pem.data, pem.length, 0600, true, err);
    OPENSSL_cleanse(pem.data, pem.capacity);
    return r;
}

/*
 * Signed by itself. It may sign what is at the end of a chain and no further authority (pathlen 0),
 * so a certificate that was given to a node can never give certificates itself. Its key identifier
 * is a hash of the key: made anew for the same key, it is still found by what the key has signed.
 */
static int make_certificate(struct authority *authority, struct error *err)
{
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    r = begin_certificate(authority->key, NULL, "dusk pool authority",
                          (int64_t)AUTHORITY_VALIDITY_DAYS * DAY_S, &certificate, err);
    if (r < 0)
        return r;
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    r = sign_certificate(certificate, authority->key, err);
    if (r < 0)
        return r;
    openssl_write_certificate(certificate, &pem);
    r = file_replace(authority->pem_path, pem.data, pem.length, 0644, true, err);
    if (r == 0)
        authority->certificate = take_pointer(certificate);
    return r;
}

static int load_certificate(struct authority *authority, struct error *err)
{
    int r = openssl_load_certificate(authority->pem_path, &authority->certificate, err);

    if (r < 0)
        return r;
    if (X509_check_private_key(authority->certificate, authority->key) == 1)
        return 0;
    /* Its own words, "key values mismatch", say less than ours; but its queue must be emptied. */
    openssl_error(NULL, -EKEYREJECTED, "does not fit");
    return error_set(err, -EKEYREJECTED, "the key '%s' does not belong to the certificate '%s'",
                     authority->key_path, authority->pem_path);
}

static int load_or_make(struct authority *authority, struct error *err)
{
    bool has_key = access(authority->key_path, F_OK) == 0;
    bool has_certificate = access(authority->pem_path, F_OK) == 0;
    int r;

    /* Never a new key here: every node and user would be locked out without a word of warning. */
    if (has_certificate && !has_key) {
        error_set(err, -ENOENT, "the pool's authority has lost its key '%s'", authority->key_path);
        error_hint(err,
                   "restore the key from a backup, or remove '%s' to begin a new pool, which "
                   "every node and user must join again",
                   authority->pem_path);
        return -ENOENT;
    }
    r = has_key ? openssl_load_key(authority->key_path, &authority->key, err)
                : make_key(authority, err);
    if (r < 0)
        return r;
    return has_certificate ? load_certificate(authority, err) : make_certificate(authority, err);
}

int authority_open(const char *folder, struct authority **ret_authority, struct error *err)
{
    _cleanup_(authority_free_p) struct authority *authority = memory_allocate(sizeof(*authority));
    struct buffer pem = BUFFER_INIT;
    int r;

    authority->key_path = file_join(folder, "authority-key.pem");
    authority->pem_path = file_join(folder, "authority.pem");
    authority->server_key_path = file_join(folder, "server-key.pem");
    authority->server_pem_path = file_join(folder, "server.pem");
    r = file_make_folders(folder, 0700, err);
    if (r == 0)
        r = load_or_make(authority, err);
    if (r < 0)
        return r;
    openssl_write_certificate(authority->certificate, &pem);
    authority->pem = buffer_take(&pem);
    openssl_describe(authority->certificate, &authority->described);
    *ret_authority = take_pointer(authority);
    return 0;
}

/*
 * OpenSSL would take any text. '*' is left out, because it would speak for computers that are not
 * the server; '_' is no part of a host name by RFC 952, but of many that are in use.
 */
static bool host_name_is_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 ".-_");

    return length > 0 && length <= HOST_NAME_LENGTH_MAX && name[length] == '\0';
}

/*
 * An address is another kind of name than a host's, and is never compared with one: clients that
 * dial 192.0.2.7 look for an iPAddress (RFC 5280, 4.2.1.6).
 */
static int add_alternative(GENERAL_NAMES *names, const char *text, struct error *err)
{
    GENERAL_NAME *name = NULL;
    unsigned char address[16];

    if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
        name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_IPADD, text, 0);
    else if (host_name_is_valid(text))
        name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_DNS, text, 0);
    if (!name)
        return error_set(err, -EINVAL, "'%s' is neither a host name nor an address", text);
    sk_GENERAL_NAME_push(names, name);
    return 0;
}

static int collect_alternatives(const char *const *names, size_t count,
                                GENERAL_NAMES **ret_alternatives, struct error *err)
{
    /* The server's own computer reaches it by these, whatever the admin calls it. */
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    _cleanup_(GENERAL_NAMES_free_p) GENERAL_NAMES *alternatives = GENERAL_NAMES_new();
    int r;

    for (size_t i = 0; i < ARRAY_LENGTH(always) + count; i++) {
        bool given = i >= ARRAY_LENGTH(always);

        r = add_alternative(alternatives, given ? names[i - ARRAY_LENGTH(always)] : always[i], err);
        if (r < 0)
            return r;
    }
    *ret_alternatives = take_pointer(alternatives);
    return 0;
}

/* In this order, which is always that of the settings: another order costs one renewal. */
static bool names_are(X509 *certificate, GENERAL_NAMES *wanted)
{
    _cleanup_(GENERAL_NAMES_free_p) GENERAL_NAMES *found =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = found ? sk_GENERAL_NAME_num(found) : -1;

    if (count != sk_GENERAL_NAME_num(wanted))
        return false;
    for (int i = 0; i < count; i++)
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(found, i), sk_GENERAL_NAME_value(wanted, i)))
            return false;
    return true;
}

/*
 * Whether the files are there, ours, for these names and good for a while. A third of the time is
 * left when it is renewed, because this is asked only when a server starts, and servers run long.
 * What cannot be read is made anew like what is missing: nothing depends on the old one.
 */
static bool server_is_current(const struct authority *authority, GENERAL_NAMES *names)
{
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    _cleanup_certificate_ struct certificate described = CERTIFICATE_INIT;
    int64_t left_s;
    bool current;

    if (openssl_load_certificate(authority->server_pem_path, &certificate, NULL) < 0 ||
        openssl_load_key(authority->server_key_path, &key, NULL) < 0)
        return false;
    openssl_describe(certificate, &described);
    left_s = described.valid_until - (int64_t)time(NULL);
    current = X509_check_private_key(certificate, key) == 1 &&
              X509_verify(certificate, authority->key) == 1 && names_are(certificate, names) &&
              left_s > (int64_t)SERVER_VALIDITY_DAYS * DAY_S / 3;
    openssl_error(NULL, -EKEYREJECTED, "not current"); /* only to empty OpenSSL's queue */
    return current;
}

static int write_server(const struct authority *authority, EVP_PKEY *key, X509 *certificate,
                        struct error *err)
{
    _cleanup_buffer_ struct buffer key_pem = BUFFER_INIT;
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    openssl_write_key(key, &key_pem);
    openssl_write_certificate(certificate, &pem);
    /* Two files cannot be replaced at once. A crash between the two leaves a key that does not fit,
     * which server_is_current() finds. */
    r = file_replace(authority->server_key_path, key_pem.data, key_pem.length, 0600, true, err);
    OPENSSL_cleanse(key_pem.data, key_pem.capacity);
    if (r < 0)
        return r;
    return file_replace(authority->server_pem_path, pem.data, pem.length, 0644, true, err);
}

int authority_renew_server(struct authority *authority, const char *const *names, size_t count,
                           struct error *err)
{
    _cleanup_(GENERAL_NAMES_free_p) GENERAL_NAMES *alternatives = NULL;
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    int r;

    r = collect_alternatives(names, count, &alternatives, err);
    if (r < 0)
        return r;
    if (server_is_current(authority, alternatives))
        return 0;
    r = openssl_make_key(&key, err);
    if (r == 0)
        r = begin_certificate(key, "server", "dusk server", (int64_t)SERVER_VALIDITY_DAYS * DAY_S,
                              &certificate, err);
    if (r < 0)
        return r;
    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    add_extension(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature");
    /* OpenSSL refuses a certificate for another purpose: no node can pass for the server with the
     * one that it was given, though the same authority signed it. */
    add_extension(certificate, authority->certificate, NID_ext_key_usage, "serverAuth");
    add_extension(certificate, authority->certificate, NID_authority_key_identifier, "keyid");
    if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, alternatives, 0, 0) != 1)
        return openssl_error(err, -EINVAL, "cannot write the server's names");
    r = sign_certificate(certificate, authority->key, err);
    return r < 0 ? r : write_server(authority, key, certificate, err);
}

/*
 * The key inside, once the request proves that its sender owns it and it is strong enough. Nothing
 * else of the request counts, neither the name nor the extensions that it asks for.
 */
static int read_request_key(const char *request_pem, EVP_PKEY **ret_key, struct error *err)
{
    _cleanup_(X509_REQ_free_p) X509_REQ *request = NULL;
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    int r;

    r = openssl_read_request(request_pem, &request, err);
    if (r < 0)
        return r;
    key = X509_REQ_get_pubkey(request);
    if (!key || X509_REQ_verify(request, key) != 1)
        return openssl_error(err, -EINVAL, "the certificate request's signature is wrong");
    if (EVP_PKEY_get_security_bits(key) < KEY_SECURITY_BITS_MIN)
        return error_set(err, -EINVAL, "the key in the certificate request is too weak");
    *ret_key = take_pointer(key);
    return 0;
}

/* Names come from outside and end in logs and on terminals: no control characters. */
static int check_name(const char *name, struct error *err)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_LENGTH_MAX)
        return error_set(err, -EINVAL, "a name in a certificate has 1 to %d bytes, not %zu",
                         NAME_LENGTH_MAX, length);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return error_set(err, -EINVAL, "a name in a certificate has no control characters");
    return 0;
}

int authority_sign(const struct authority *authority, const char *request_pem, enum peer_kind kind,
                   const char *name, int64_t validity_s, char **ret_pem, char **ret_serial,
                   struct error *err)
{
    _cleanup_certificate_ struct certificate described = CERTIFICATE_INIT;
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    struct buffer pem = BUFFER_INIT;
    int r;

    assert(kind == PEER_NODE || kind == PEER_USER);
    r = check_name(name, err);
    if (r == 0)
        r = read_request_key(request_pem, &key, err);
    if (r == 0)
        r = begin_certificate(key, kind == PEER_NODE ? "node" : "user", name, validity_s,
                              &certificate, err);
    if (r < 0)
        return r;
    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    add_extension(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, authority->certificate, NID_ext_key_usage, "clientAuth");
    add_extension(certificate, authority->certificate, NID_authority_key_identifier, "keyid");
    r = sign_certificate(certificate, authority->key, err);
    if (r < 0)
        return r;
    openssl_describe(certificate, &described);
    openssl_write_certificate(certificate, &pem);
    /* As openssl_describe() writes it: it is compared as a text with what a peer shows. */
    *ret_pem = buffer_take(&pem);
    *ret_serial = take_pointer(described.serial);
    return 0;
}
