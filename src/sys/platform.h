/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of computer this is, in HTCondor's words: the values of its attributes Arch, OpSys,
 * OpSysName, OpSysAndVer and so on (HTCondor manual, "Machine ClassAd Attributes").
 */
#pragma once

#include "base/attributes.h"

#include <stdint.h>

struct platform {
    char *arch;      /* "X86_64", "INTEL", "aarch64"; owned, as all texts here */
    char *opsys;     /* "LINUX" */
    char *name;      /* "Debian", "RedHat", "openSUSE"; "LINUX" if unknown */
    char *long_name; /* "Debian GNU/Linux 12 (bookworm)" */
    char *versioned; /* name and major version: "Debian12" */
    uint32_t major;  /* 0: it has no version */
    uint32_t minor;  /* two digits at most: 4 of "22.04" */
};

#define PLATFORM_INIT      ((struct platform){0})
#define _cleanup_platform_ _cleanup_(platform_deinit)

void platform_deinit(struct platform *platform);
/* Of this computer; what cannot be found out is "Unknown", "LINUX" and 0. */
void platform_read(struct platform *platform);
/* The same of what uname(2) calls the machine and what os-release(5) says. */
void platform_describe(const char *machine, const char *os_release, struct platform *platform);
/* OpSysVer: 2204 of "22.04". */
uint32_t platform_version(const struct platform *platform);
