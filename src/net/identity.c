/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See identity.h. The files come in the order in which they are worth something: the key, before
 * anything is asked for it; what the identity trusts; and last the certificate. An identity is all
 * three, so a crash while it is made leaves none, and enrolling again completes it.
 */
#include "identity.h"

#include "openssl.h"
#include "sys/file.h"

#include <errno.h>
#include <unistd.h>

void identity_paths_init(struct identity_paths *paths, const char *folder)
{
    *paths = (struct identity_paths){
        .key = file_join(folder, "key.pem"),
        .certificate = file_join(folder, "certificate.pem"),
        .authority = file_join(folder, "authority.pem"),
    };
}

void identity_paths_deinit(struct identity_paths *paths)
{
    free(paths->key);
    free(paths->certificate);
    free(paths->authority);
    *paths = (struct identity_paths){0};
}

bool identity_exists(const char *folder)
{
    _cleanup_identity_paths_ struct identity_paths paths;

    identity_paths_init(&paths, folder);
    return access(paths.key, F_OK) == 0 && access(paths.certificate, F_OK) == 0 &&
           access(paths.authority, F_OK) == 0;
}

/*
 * A key that is there is used again: the answer to an earlier request may have been lost on its
 * way, and whoever asks twice shall not be two. It is on the disk before the request goes out,
 * because a certificate whose key was lost in a crash can only be thrown away.
 */
static int load_or_make_key(const char *path, EVP_PKEY **ret_key, struct error *err)
{
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    if (access(path, F_OK) == 0)
        return openssl_load_key(path, ret_key, err);
    r = openssl_make_key(&key, err);
    if (r < 0)
        return r;
    openssl_write_key(key, &pem);
    r = file_replace(path, pem.data, pem.length, 0600, true, err);
    OPENSSL_cleanse(pem.data, pem.capacity);
    if (r == 0)
        *ret_key = take_pointer(key);
    return r;
}

int identity_make_request(const char *folder, const char *name, char **ret_request_pem,
                          struct error *err)
{
    _cleanup_identity_paths_ struct identity_paths paths;
    _cleanup_(X509_REQ_free_p) X509_REQ *request = X509_REQ_new();
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    struct buffer pem = BUFFER_INIT;
    int r;

    identity_paths_init(&paths, folder);
    r = file_make_folders(folder, 0700, err);
    if (r == 0)
        r = load_or_make_key(paths.key, &key, err);
    if (r < 0)
        return r;
    /* The name is only a wish: the token decides. The signature proves that the key is ours. */
    if (!X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)name, -1, -1, 0) ||
        !X509_REQ_set_pubkey(request, key) || !X509_REQ_sign(request, key, EVP_sha256()))
        return openssl_error(err, -EINVAL, "cannot make a certificate request for '%s'", name);
    openssl_write_request(request, &pem);
    *ret_request_pem = buffer_take(&pem);
    return 0;
}

static int check_key_fits(const char *key_path, const char *certificate_pem, struct error *err)
{
    _cleanup_(X509_free_p) X509 *certificate = NULL;
    _cleanup_(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    int r;

    r = openssl_load_key(key_path, &key, err);
    if (r == 0)
        r = openssl_read_certificate(certificate_pem, &certificate, err);
    if (r < 0)
        return r;
    if (X509_check_private_key(certificate, key) != 1)
        return openssl_error(err, -EKEYREJECTED, "the certificate does not belong to the key '%s'",
                             key_path);
    return 0;
}

int identity_store(const char *folder, const char *certificate_pem, const char *authority_pem,
                   struct error *err)
{
    _cleanup_identity_paths_ struct identity_paths paths;
    struct slice certificate = slice_from_text(certificate_pem);
    struct slice authority = slice_from_text(authority_pem);
    int r;

    identity_paths_init(&paths, folder);
    /* All of it came over the network: nothing is written that could not be used afterwards. */
    r = check_key_fits(paths.key, certificate_pem, err);
    if (r == 0)
        r = certificate_check(certificate_pem, authority_pem, 0, err);
    if (r == 0)
        r = file_replace(paths.authority, authority.data, authority.length, 0644, true, err);
    if (r == 0)
        r = file_replace(paths.certificate, certificate.data, certificate.length, 0644, true, err);
    return r;
}

int identity_check(const char *folder, struct error *err)
{
    _cleanup_identity_paths_ struct identity_paths paths;
    _cleanup_buffer_ struct buffer certificate = BUFFER_INIT;
    _cleanup_buffer_ struct buffer authority = BUFFER_INIT;
    int r;

    identity_paths_init(&paths, folder);
    if (!identity_exists(folder))
        return error_set(err, -ENOENT, "there is no identity in '%s'", folder);
    r = file_read(paths.certificate, PEM_FILE_SIZE_MAX, &certificate, err);
    if (r == 0)
        r = file_read(paths.authority, PEM_FILE_SIZE_MAX, &authority, err);
    if (r == 0)
        r = check_key_fits(paths.key, buffer_text(&certificate), err);
    if (r == 0)
        r = certificate_check(buffer_text(&certificate), buffer_text(&authority), 0, err);
    return r;
}
