/* SPDX-License-Identifier: Apache-2.0 */
/* The picture that `dusk watch` shows: a job's progress as a bar, and the nodes at work. */
#pragma once

#include "sys/terminal.h"
#include "waiting.h"

#include "base/buffer.h"

#include <jansson.h>

struct watch_view {
    uint64_t job;     /* 0: all that are not over */
    const char *name; /* the job's; "" if it has none */
    double elapsed;   /* seconds since it was submitted; below 0: not known */
    struct progress progress;
    const json_t *nodes; /* the array of the interface */
};

/* Several lines, each no wider than the terminal, all of them no more than it is high. */
void watch_view_append_picture(struct buffer *text, const struct watch_view *view,
                               struct terminal terminal);

/* One line without line feed, for logs. */
void watch_view_append_line(struct buffer *text, const struct watch_view *view);

/* "3 Claimed, 1 Offline": how many nodes are in which state, in the order of their first. */
void watch_view_append_nodes(struct buffer *text, const json_t *nodes);
