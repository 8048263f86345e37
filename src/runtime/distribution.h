/* SPDX-License-Identifier: Apache-2.0 */
/* Which Linux this is: os-release(5) in HTCondor's words. */
#pragma once

#include "base/attributes.h"

#include <stdint.h>

struct distribution {
    char *name; /* "Debian", "RedHat", "openSUSE"; "LINUX" if unknown; owned, as the next two */
    char *long_name; /* "Debian GNU/Linux 12 (bookworm)" */
    char *versioned; /* name and major version: "Debian12" */
    uint64_t major;  /* 0: it has no version */
    uint64_t minor;  /* two digits at most: 4 of "22.04" */
};

#define DISTRIBUTION_INIT ((struct distribution){0})

void distribution_read(const char *os_release, struct distribution *ret_distribution);
void distribution_deinit(struct distribution *distribution);
