/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side: dials wss://HOST:PORT/v1/agent with the identity's certificate, trusts the
 * identity's authority and nothing else, and checks the server's name. Agents dial out, so they
 * need no open port. When to dial again is the caller's decision.
 *
 * One dial gives on_connected and later on_closed, or on_closed alone with a reason that a person
 * can read: unknown name, nobody answers, expired certificate, another authority. A server that
 * refuses the node itself (its certificate was withdrawn) first lets the link come up and closes
 * it with LINK_CLOSE_REFUSED and its reason: so wait longer before the next dial after that code.
 */
#pragma once

#include "base/error.h"
#include "link.h"

#include <uv.h>

struct dialer;

struct dialer_options {
    uv_loop_t *loop;
    const char *host;
    uint16_t port;
    const char *identity_folder; /* identity.h; read once, here */
    uint64_t connect_timeout_s;  /* 0: 15 */
    uint64_t ping_interval_s;    /* 0: 30; silence for twice as long closes the link */
    struct link_handlers handlers;
    void *userdata; /* the first argument of every handler */
};

/* Reads the identity (make a new dialer when it was renewed). The options' texts are copied. */
int dialer_new(const struct dialer_options *options, struct dialer **ret_dialer, struct error *err);

/* Starts one dial; -EALREADY while a link is up or on its way. The result comes by handlers. */
int dialer_dial(struct dialer *dialer, struct error *err);

/* The link, NULL unless it is up. */
struct link *dialer_link(const struct dialer *dialer);

/*
 * As listener_free(): outside of all callbacks; runs the loop until its handles are gone. A link
 * that is up gets its on_closed, a dial on its way ends without a word.
 */
struct dialer *dialer_free(struct dialer *dialer);
DEFINE_CLEANUP(struct dialer *, dialer_free);
