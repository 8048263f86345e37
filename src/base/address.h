/* SPDX-License-Identifier: Apache-2.0 */
/* A computer's address as people write it: HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
#pragma once

#include "error.h"

#include <stdint.h>

/*
 * Splits the text; without a port the default counts. A bare IPv6 address needs no brackets, but
 * cannot carry a port then. The host becomes the caller's, without brackets. -EINVAL if there is
 * no host, or no port from 1 to 65535 behind the colon. The host itself is not judged.
 */
int address_split(const char *text, uint16_t default_port, char **ret_host, uint16_t *ret_port,
                  struct error *err);
