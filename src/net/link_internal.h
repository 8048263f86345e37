/* SPDX-License-Identifier: Apache-2.0 */
/* How listener and dialer make and drive links over libwebsockets. Only for this room. */
#pragma once

#include "link.h"
#include "peer_record.h"

#include <libwebsockets.h>

/*
 * A link on an established WebSocket. It asks the record for its peer and takes it over. The
 * handlers are only pointed to.
 */
struct link *link_new(struct lws *wsi, struct peer_record *record,
                      const struct link_handlers *handlers, void *handlers_userdata);
/* Announces it; after this on_closed will come. */
void link_connect(struct link *link);
/* The three things that libwebsockets reports. What they return goes back to libwebsockets. */
int link_receive(struct link *link, const void *data, size_t length);
int link_write(struct link *link);
void link_note_peer_close(struct link *link, const void *data, size_t length);
/* What TLS said about its end, if nobody closed it properly. */
void link_note_problem(struct link *link, const char *problem);
/* The WebSocket is gone: tells on_closed if the link was announced, and frees it. */
void link_end(struct link *link);
