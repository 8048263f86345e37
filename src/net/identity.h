/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent's or a user's side of the authority: a folder with key.pem (0600), certificate.pem and
 * authority.pem. Enrolling is: identity_make_request(), send it with a token, identity_store() what
 * comes back. The key never leaves the folder.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/*
 * Makes folder and key where they are missing and returns a certificate request (PKCS #10, PEM)
 * for `name`, which becomes the caller's. An existing key is used again.
 */
int identity_make_request(const char *folder, const char *name, char **ret_request_pem,
                          struct error *err);

/* Checks that the certificate fits key and authority, then puts both into the folder, durably. */
int identity_store(const char *folder, const char *certificate_pem, const char *authority_pem,
                   struct error *err);

/* Whether all three files are there (not whether they are any good). */
bool identity_exists(const char *folder);

/* The paths of the three files, owned. */
struct identity_paths {
    char *key;
    char *certificate;
    char *authority;
};

void identity_paths_init(struct identity_paths *paths, const char *folder);
void identity_paths_deinit(struct identity_paths *paths);
#define _cleanup_identity_paths_ _cleanup_(identity_paths_deinit)

/*
 * Whether the folder holds an identity that can be used now: complete, the key fits, signed by its
 * authority, not expired. -ENOENT if it is not there at all; else as certificate_check().
 */
int identity_check(const char *folder, struct error *err);
