/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a person becomes known to a pool from afar: a token is turned into a certificate of his own.
 * The token ends with the fingerprint of the pool's authority (dusk1.ID.SECRET.FINGERPRINT); what
 * whoever answers calls its authority is compared with that before the secret is sent.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct enrolling {
    const char *host;
    uint16_t port;
    const char *token;
    const char *user;            /* the name to ask for; the token may know better */
    const char *identity_folder; /* where key and certificates go; the key never leaves it */
    uint64_t timeout_ms;
};

/* *ret_name, the name that the pool gave, becomes the caller's. FAILURE_USAGE if it is no token. */
int enrolling_run(const struct enrolling *enrolling, char **ret_name, struct error *err);
