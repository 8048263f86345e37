/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a computer or a person becomes known to a pool: a token is turned into a certificate
 * (doc/specification/api.md, /v1/enrol).
 *
 * Whom to trust is in the token: dusk1.ID.SECRET.FINGERPRINT, where the last part is the SHA-256 of
 * the authority's certificate. That is fetched from whoever answers and compared, and only then is
 * the secret sent, to a server that this authority vouches for.
 */
#pragma once

#include "base/error.h"
#include "peer.h"

#include <stdint.h>

struct enrolment {
    const char *host;
    uint16_t port;
    const char *token;
    enum peer_kind kind;         /* PEER_NODE or PEER_USER: what the token must be for */
    const char *name;            /* to ask for; a user's token may know better */
    const char *machine;         /* a node's fingerprint, 16 hexadecimal digits; a user's is "" */
    const char *identity_folder; /* where key and certificates go; the key never leaves it */
    uint32_t protocol;           /* as in client_options */
    uint64_t timeout_ms;         /* likewise */
};

/* The status when there was no answer, or none of a server of dusk. */
enum { ENROLMENT_NO_STATUS = 0 };

/*
 * Waits for the server's answers, and puts the identity into its folder. *ret_name, the name that
 * the pool gave, becomes the caller's. *ret_status is always set: the status of the last answer.
 *
 * -ENOKEY: that is no token (the caller hints at where there are some). -EILSEQ: token or name are
 * no text. -ENOTCONN: nobody answers. -EPROTO: what answers is no server of dusk, or is not
 * understood. -EKEYREJECTED: another server than the one that made the token. -EACCES with a
 * status: refused, in the server's own words. Else what identity_make_request() and
 * identity_store() say.
 */
int enrolment_run(const struct enrolment *enrolment, char **ret_name, unsigned int *ret_status,
                  struct error *err);
