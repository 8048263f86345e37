/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See openssl.h. OpenSSL keeps what went wrong in a queue per thread, and SSL_get_error() looks
 * into it: what one failure leaves there is taken for the end of the next connection that is read.
 * So every failure here ends in openssl_error(), which empties it, also where nobody wants the
 * words.
 */
#include "openssl.h"

#include "base/memory.h"
#include "sys/file.h"

#include <assert.h>
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <string.h>

int openssl_error(struct error *err, int code, const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    /* The last one is what the function that was called says; those before it are details. */
    unsigned long reason = ERR_peek_last_error();
    const char *words = reason ? ERR_reason_error_string(reason) : NULL;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    ERR_clear_error();
    if (words)
        return error_set(err, code, "%s: %s", buffer_text(&text), words);
    return error_set(err, code, "%s", buffer_text(&text));
}

/*
 * A stream over somebody's text; it never writes there. Lengths are int for OpenSSL: a text that is
 * too long to be meant reads as an empty one, and so as none of what was looked for.
 */
static BIO *text_stream(const char *text)
{
    size_t length = strlen(text);
    BIO *stream = BIO_new_mem_buf(text, length > PEM_FILE_SIZE_MAX ? 0 : (int)length);

    assert(stream);
    return stream;
}

int openssl_read_certificate(const char *pem, X509 **ret_certificate, struct error *err)
{
    _cleanup_(BIO_free_all_p) BIO *stream = text_stream(pem);
    X509 *certificate = PEM_read_bio_X509(stream, NULL, NULL, NULL);

    if (!certificate)
        return openssl_error(err, -EINVAL, "this is no certificate in PEM form");
    *ret_certificate = certificate;
    return 0;
}

/* Without this callback OpenSSL would ask the terminal for the passphrase of an encrypted key. */
static int refuse_passphrase(char *text, int size, int writing, void *userdata)
{
    (void)text, (void)size, (void)writing, (void)userdata;
    return -1;
}

int openssl_read_key(const char *pem, EVP_PKEY **ret_key, struct error *err)
{
    _cleanup_(BIO_free_all_p) BIO *stream = text_stream(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(stream, NULL, refuse_passphrase, NULL);

    if (!key)
        return openssl_error(err, -EINVAL, "this is no private key in PEM form");
    *ret_key = key;
    return 0;
}

int openssl_read_request(const char *pem, X509_REQ **ret_request, struct error *err)
{
    _cleanup_(BIO_free_all_p) BIO *stream = text_stream(pem);
    X509_REQ *request = PEM_read_bio_X509_REQ(stream, NULL, NULL, NULL);

    if (!request)
        return openssl_error(err, -EINVAL, "this is no certificate request in PEM form");
    *ret_request = request;
    return 0;
}

int openssl_load_certificate(const char *path, X509 **ret_certificate, struct error *err)
{
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    r = file_read(path, PEM_FILE_SIZE_MAX, &pem, err);
    if (r < 0)
        return r;
    r = openssl_read_certificate(buffer_text(&pem), ret_certificate, err);
    return r < 0 ? error_prefix(err, r, "cannot use '%s'", path) : 0;
}

int openssl_load_key(const char *path, EVP_PKEY **ret_key, struct error *err)
{
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    r = file_read(path, PEM_FILE_SIZE_MAX, &pem, err);
    if (r < 0)
        return r;
    r = openssl_read_key(buffer_text(&pem), ret_key, err);
    /* Freed memory is handed out again, and may end in a core file or on its way to a peer. */
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.capacity);
    return r < 0 ? error_prefix(err, r, "cannot use '%s'", path) : 0;
}

/* A copy, because what BIO_get_mem_data() shows goes with the stream. */
static void take_stream(BIO *stream, struct buffer *pem)
{
    char *data = NULL;
    long length = BIO_get_mem_data(stream, &data);

    assert(length > 0);
    buffer_append(pem, data, (size_t)length);
}

void openssl_write_certificate(X509 *certificate, struct buffer *pem)
{
    _cleanup_(BIO_free_all_p) BIO *stream = BIO_new(BIO_s_mem());
    int written = PEM_write_bio_X509(stream, certificate);

    assert(written);
    take_stream(stream, pem);
}

void openssl_write_key(EVP_PKEY *key, struct buffer *pem)
{
    _cleanup_(BIO_free_all_p) BIO *stream = BIO_new(BIO_s_mem());
    int written = PEM_write_bio_PrivateKey(stream, key, NULL, NULL, 0, NULL, NULL);

    assert(written);
    take_stream(stream, pem);
}

void openssl_write_request(X509_REQ *request, struct buffer *pem)
{
    _cleanup_(BIO_free_all_p) BIO *stream = BIO_new(BIO_s_mem());
    int written = PEM_write_bio_X509_REQ(stream, request);

    assert(written);
    take_stream(stream, pem);
}

/* On a curve that TLS 1.3 must have (RFC 8446, 9.1): small, and cheap in 10,000 handshakes. */
int openssl_make_key(EVP_PKEY **ret_key, struct error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (!key)
        return openssl_error(err, -EIO, "cannot make a private key");
    *ret_key = key;
    return 0;
}

/*
 * The first entry of that kind in a name, as UTF-8; "" if there is none or it holds a NUL:
 * "root\0x" would be signed as one name and read as another by everything that is written in C.
 */
static char *name_entry(X509_NAME *name, int nid)
{
    int place = X509_NAME_get_index_by_NID(name, nid, -1);
    unsigned char *utf8 = NULL;
    char *text;
    int length;

    if (place < 0)
        return memory_copy_string("");
    length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, place)));
    if (length < 0 || memchr(utf8, '\0', (size_t)length))
        length = 0;
    text = length > 0 ? memory_copy_bytes(utf8, (size_t)length) : memory_copy_string("");
    OPENSSL_free(utf8);
    return text;
}

/* As authority_sign() writes it into the OU; the server's own certificate is of neither kind. */
static enum peer_kind kind_from_unit(const char *unit)
{
    if (strcmp(unit, "node") == 0)
        return PEER_NODE;
    return strcmp(unit, "user") == 0 ? PEER_USER : PEER_UNKNOWN;
}

/* By its difference to 1970, because a certificate may have a time in two notations. */
static int64_t seconds_since_1970(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, epoch, time);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

/* Hexadecimal by OpenSSL's own rules, the same when it is stored and when it is looked up. */
static char *serial_text(X509 *certificate)
{
    _cleanup_(BN_free_p) BIGNUM *number =
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    char *copy = memory_copy_string(hex ? hex : "");

    OPENSSL_free(hex);
    return copy;
}

void openssl_describe(X509 *certificate, struct certificate *ret_certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    _cleanup_free_ char *unit = name_entry(subject, NID_organizationalUnitName);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_length = 0;
    struct certificate described = {
        .kind = kind_from_unit(unit),
        .name = name_entry(subject, NID_commonName),
        .serial = serial_text(certificate),
        .valid_from = seconds_since_1970(X509_get0_notBefore(certificate)),
        .valid_until = seconds_since_1970(X509_get0_notAfter(certificate)),
    };

    /* Of the whole certificate in its binary form, as `openssl x509 -fingerprint -sha256`. */
    X509_digest(certificate, EVP_sha256(), digest, &digest_length);
    assert(2 * digest_length + 1 == FINGERPRINT_TEXT_SIZE);
    for (unsigned int i = 0; i < digest_length; i++) {
        described.fingerprint[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        described.fingerprint[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    *ret_certificate = described;
}
