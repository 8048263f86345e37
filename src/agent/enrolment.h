/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a computer becomes a node: with a token it asks the server for a certificate of its own.
 *
 * Whom to trust is in the token: dusk1.ID.SECRET.FINGERPRINT, where the last part is the SHA-256 of
 * the authority's certificate. The certificate is fetched from whoever answers and compared, and
 * only then is the secret sent, to a server that this authority vouches for.
 */
#pragma once

#include "base/error.h"
#include "net/certificate.h"

#include <stdint.h>

/* What went wrong, where it will not go wrong again later. */
enum { ENROLMENT_NOT_NOW = 1 };

struct enrolment {
    const char *host;
    uint16_t port;
    const char *token;
    const char *name;
    const char *machine;         /* 16 hexadecimal digits */
    const char *identity_folder; /* where key and certificates go */
};

/*
 * Waits for the server's answers. Returns 0 when the identity is in its folder, ENROLMENT_NOT_NOW
 * if there was no answer or the server could not do it just now (`err` says why), or a negative
 * errno if it was refused for good.
 */
int enrolment_try(const struct enrolment *enrolment, struct error *err);

/* The fingerprint in a token; -EINVAL if it is none. */
int enrolment_read_fingerprint(const char *token, char ret_fingerprint[FINGERPRINT_TEXT_SIZE],
                               struct error *err);
