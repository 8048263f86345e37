/* SPDX-License-Identifier: Apache-2.0 */
/* libwebsockets on a libuv loop that somebody else owns. Only for this room. */
#pragma once

#include "base/error.h"

#include <libwebsockets.h>
#include <uv.h>

/*
 * Fills in what every context of ours has (loop, explicit vhosts, TLS, logging, sizes) beside what
 * `info` says, and creates it.
 */
int loop_context_new(uv_loop_t *loop, struct lws_context_creation_info *info,
                     struct lws_context **ret_context, struct error *err);
/*
 * Makes libwebsockets look at its timers in the next turn. It does so only behind events of its
 * own; what is set from elsewhere on a connection that then keeps quiet would be seen much later.
 */
void loop_context_wake(struct lws_context *context);
/*
 * For a vhost or a connection: libwebsockets shall not ping by itself. Without a policy it would,
 * every 300 s, and keep a timer for it.
 */
extern const lws_retry_bo_t loop_context_no_pings;
/*
 * Closes all connections with their callbacks and frees the context. Runs the loop until the
 * handles of libwebsockets are gone: not from within a callback. Accepts NULL.
 */
void loop_context_free(uv_loop_t *loop, struct lws_context *context);
