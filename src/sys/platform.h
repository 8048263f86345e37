/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of computer this is, in HTCondor's words: the values of its attributes Arch, OpSys,
 * OpSysAndVer, OpSysMajorVer and OpSysVer (HTCondor manual, "Machine ClassAd Attributes").
 */
#pragma once

#include "base/buffer.h"

struct platform {
    char *arch;              /* owned; "X86_64", "aarch64" */
    char *opsys;             /* owned; "LINUX" */
    char *opsys_and_version; /* owned; "Debian12" */
    uint32_t major;          /* 12 */
    uint32_t version;        /* 1205: the minor one in the last two digits */
};

#define PLATFORM_INIT      ((struct platform){0})
#define _cleanup_platform_ _cleanup_(platform_deinit)

void platform_deinit(struct platform *platform);
/* Of this computer; what cannot be found out is "Unknown" and 0. */
void platform_read(struct platform *platform);
/* The same of what uname(2) calls the machine and what os-release(5) says. */
void platform_describe(const char *machine, struct slice os_release, struct platform *platform);
