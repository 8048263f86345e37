/* SPDX-License-Identifier: Apache-2.0 */
/* See oom_score.h. */
#include "oom_score.h"

#include "sys/descriptor.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool oom_score_set(const char *adjustment)
{
    _cleanup_fd_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, adjustment, strlen(adjustment)) >= 0;
}
