/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about certificates share of OpenSSL 3: reading, writing and making keys and
 * certificates. Only for this room.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);
DEFINE_CLEANUP(BIGNUM *, BN_free);
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free);
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);

enum { PEM_FILE_SIZE_MAX = 64 << 10 };

/* Like error_set(), with OpenSSL's own reason behind; empties OpenSSL's queue of errors. */
int openssl_error(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* From PEM texts; -EINVAL. What comes back is the caller's. */
int openssl_read_certificate(const char *pem, X509 **ret_certificate, struct error *err);
int openssl_read_key(const char *pem, EVP_PKEY **ret_key, struct error *err);
int openssl_read_request(const char *pem, X509_REQ **ret_request, struct error *err);

/* From files; the errors of file_read(), or -EINVAL. */
int openssl_load_certificate(const char *path, X509 **ret_certificate, struct error *err);
int openssl_load_key(const char *path, EVP_PKEY **ret_key, struct error *err);

/* To PEM texts. These fail only without memory, and then the process ends. */
void openssl_write_certificate(X509 *certificate, struct buffer *pem);
void openssl_write_key(EVP_PKEY *key, struct buffer *pem);
void openssl_write_request(X509_REQ *request, struct buffer *pem);

/* A new EC key on P-256. */
int openssl_make_key(EVP_PKEY **ret_key, struct error *err);

/* What certificate_read() says, from a certificate that is parsed already. */
void openssl_describe(X509 *certificate, struct certificate *ret_certificate);
