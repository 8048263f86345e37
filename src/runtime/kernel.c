/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kernel.h. openat2(2), Linux 5.6: what a task has made is opened without a way out of its
 * folder, whatever links it changes meanwhile. What could stand in its place follows no link at
 * all, or may be led outside between a look and the opening.
 */
#define _GNU_SOURCE
#include "kernel.h"

#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int kernel_check(struct error *err)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_MAGICLINKS};
    _cleanup_fd_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
    int r = fd < 0 ? -errno : 0;
    struct utsname name = {0};

    if (r == 0)
        return 0;
    uname(&name);
    error_set_errno(err, r, "this kernel (%s %s) refuses openat2(2)", name.sysname, name.release);
    error_hint(err, "an agent needs Linux 5.6 or later, and that call allowed where it is in a "
                    "container");
    return r;
}
