/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See loop_context.h. libwebsockets 4.1 ends on a foreign loop in two steps: a first
 * lws_context_destroy() closes its handles, which takes turns of the loop (connections first, then
 * its own idle and timer handles from the last connection's closing callback), and a second one,
 * not before all are closed, frees the memory.
 */
#include "loop_context.h"

#include "sys/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/*
 * A whole TLS record at a time: what OpenSSL holds back decrypted wakes no poll, and libwebsockets
 * 4.1 forgets it on a foreign loop.
 */
enum { READ_SIZE = 17 << 10 };

/* Its lines are for whoever looks for a bug: what goes wrong with a peer is no fault of ours. */
static void log_libwebsockets(int level, const char *line)
{
    (void)level;
    log_debug("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

int loop_context_new(uv_loop_t *loop, struct lws_context_creation_info *info,
                     struct lws_context **ret_context, struct error *err)
{
    void *loops[] = {loop};

    info->options |= LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                     LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                     LWS_SERVER_OPTION_VALIDATE_UTF8;
    info->foreign_loops = loops;
    info->pt_serv_buf_size = READ_SIZE;
    lws_set_log_level(LLL_ERR | LLL_WARN, log_libwebsockets);
    *ret_context = lws_create_context(info);
    if (*ret_context)
        return 0;
    error_set(err, -ENOSYS, "cannot start libwebsockets");
    error_hint(err, "its plugin for libuv must be installed (Debian: libwebsockets-evlib-uv)");
    return -ENOSYS;
}

const lws_retry_bo_t loop_context_no_pings = {.secs_since_valid_hangup = 0};

void loop_context_wake(struct lws_context *context)
{
    lws_cancel_service(context);
}

static void note_closing(uv_handle_t *handle, void *userdata)
{
    bool *closing = userdata;

    *closing = *closing || uv_is_closing(handle);
}

void loop_context_free(uv_loop_t *loop, struct lws_context *context)
{
    bool closing = true;

    if (!context)
        return;
    lws_context_destroy(context);
    while (closing) {
        uv_run(loop, UV_RUN_NOWAIT);
        closing = false;
        uv_walk(loop, note_closing, &closing);
    }
    lws_context_destroy(context);
}
