/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a job to the server: the frozen text and the names of its content first; only what the
 * server does not have yet is uploaded, and then the same is said again.
 */
#pragma once

#include "connection.h"
#include "inputs.h"
#include "origin.h"

#include <stdbool.h>

struct submission {
    const struct submit *submit;
    const struct origin *origin;
    const struct inputs *inputs;
    json_t *images; /* as submit_images.h has them; NULL: none */
    bool deliver;   /* results go to the submitter's folders by themselves; on the socket only */
};

/* *ret_reply is what the server says of the new job; it becomes the caller's. */
int submission_send(struct connection *connection, const struct submission *submission,
                    json_t **ret_reply, struct error *err);
