/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images that a job's tasks run in, before it is sent: what is a path on the submitter's
 * computer is added to the server's images under its hash, what is a name the server resolves.
 */
#pragma once

#include "connection.h"
#include "origin.h"

/*
 * *ret_images says for each text in container_image and docker_image which image it means: its
 * hash, or null if the server is to find it. NULL if no task runs in an image. It becomes the
 * caller's.
 */
int submit_images_find(struct connection *connection, const struct submit *submit,
                       const struct origin *origin, json_t **ret_images, struct error *err);
