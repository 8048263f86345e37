/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's own certificate authority (CA): made at the first start in a folder of the server,
 * loaded at every later one. It signs the server's certificate and those of nodes and users (CN is
 * the name, OU is "node" or "user"). Keys are EC P-256 (fast handshakes, 100,000 of them).
 *
 * Files, below the folder: authority-key.pem (0600), authority.pem, server-key.pem (0600),
 * server.pem. Losing authority-key.pem means that every node and user must join again.
 */
#pragma once

#include "base/error.h"
#include "peer.h"

#include <stddef.h>
#include <stdint.h>

struct authority;

/*
 * Loads the authority from `folder` or makes it (and the folder) if nothing is there. Half of it,
 * or a key that does not fit, is an error and is never replaced.
 */
int authority_open(const char *folder, struct authority **ret_authority, struct error *err);
struct authority *authority_free(struct authority *authority);
DEFINE_CLEANUP(struct authority *, authority_free);

/* The CA's certificate as PEM and its SHA-256 fingerprint; both stay the authority's. */
const char *authority_pem(const struct authority *authority);
const char *authority_fingerprint(const struct authority *authority);
/* Where the files are that a listener needs; the texts stay the authority's. */
const char *authority_pem_path(const struct authority *authority);
const char *authority_server_pem_path(const struct authority *authority);
const char *authority_server_key_path(const struct authority *authority);

/*
 * Sees to the server's certificate: for these host names and addresses (as text) and always for
 * localhost, 127.0.0.1 and ::1. A new one is issued when there is none, when the names differ or
 * when less than a third of its two years is left; else the files stay. Call it before each listen.
 */
int authority_renew_server(struct authority *authority, const char *const *names, size_t count,
                           struct error *err);

/*
 * Signs a certificate request (PEM). Only its key is taken over; name and kind (PEER_NODE or
 * PEER_USER) are the caller's word. Valid from two days ago (clocks differ, and are set back) until
 * `validity_s` seconds from now; a negative number makes an expired one, for tests. The
 * certificate and its serial number (hexadecimal) become the caller's. -EINVAL if it is no
 * request, its signature is wrong or the name is empty or longer than 64 bytes (RFC 5280).
 */
int authority_sign(const struct authority *authority, const char *request_pem, enum peer_kind kind,
                   const char *name, int64_t validity_s, char **ret_pem, char **ret_serial,
                   struct error *err);
