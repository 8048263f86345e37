/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate says (X.509, RFC 5280): to look before it is used, and to explain to a person
 * why it is refused. The handshake itself is checked by OpenSSL.
 */
#pragma once

#include "base/error.h"
#include "peer.h"

#include <stdbool.h>
#include <stdint.h>

enum { FINGERPRINT_TEXT_SIZE = 65 }; /* 64 lower-case hexadecimal digits and the NUL */

struct certificate {
    enum peer_kind kind; /* PEER_NODE or PEER_USER by its OU; PEER_UNKNOWN for any other */
    char *name;          /* owned; the CN, "" if there is none */
    char *serial;        /* owned; upper-case hexadecimal */
    int64_t valid_from;  /* seconds since 1970 */
    int64_t valid_until;
    char fingerprint[FINGERPRINT_TEXT_SIZE]; /* SHA-256 of the DER form */
};

#define CERTIFICATE_INIT      ((struct certificate){0})
#define _cleanup_certificate_ _cleanup_(certificate_deinit)

void certificate_deinit(struct certificate *certificate);

/* Reads the first certificate of a PEM text; -EINVAL if it is none. */
int certificate_read(const char *pem, struct certificate *ret_certificate, struct error *err);

/*
 * Whether the certificate was signed by this authority and is valid at `now` (seconds since 1970,
 * 0: ask the clock). Returns 0, or a negative errno and a sentence: -EINVAL it is no certificate,
 * -EKEYEXPIRED it is over or not valid yet, -EKEYREJECTED another authority signed it.
 */
int certificate_check(const char *pem, const char *authority_pem, int64_t now, struct error *err);
