/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See platform.h. HTCondor looks for names in the line of /etc/issue; the ID of os-release(5) is
 * what that line stood for, and one that HTCondor does not know is written as its bearers mostly
 * do. Requirements of decades compare with these names.
 */
#include "platform.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "file.h"

#include <string.h>
#include <sys/utsname.h>

enum { OS_RELEASE_SIZE_MAX = 64 * 1024, VERSION_STEP = 100 };

static const struct {
    const char *id, *name;
} names[] = {
    {"rhel", "RedHat"},
    {"centos", "CentOS"},
    {"almalinux", "AlmaLinux"},
    {"rocky", "Rocky"},
    {"scientific", "SL"},
    {"ol", "OracleLinux"},
    {"amzn", "AmazonLinux"},
    {"opensuse", "openSUSE"},
    {"opensuse-leap", "openSUSE"},
    {"opensuse-tumbleweed", "openSUSE"},
    {"sles", "SUSE"},
    {"sled", "SUSE"},
};

void platform_deinit(struct platform *platform)
{
    free(platform->arch);
    free(platform->opsys);
    free(platform->name);
    free(platform->long_name);
    free(platform->versioned);
    *platform = PLATFORM_INIT;
}

/* Without the quotes; what a shell would make of '\' does not occur in these. "" if absent. */
static char *find_value(const char *os_release, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = os_release; *line;) {
        struct slice whole = {line, strcspn(line, "\n")}, value;

        if (whole.length > length && line[length] == '=' && memcmp(line, key, length) == 0) {
            value = slice_trim((struct slice){line + length + 1, whole.length - length - 1});
            if (value.length >= 2 && (value.data[0] == '"' || value.data[0] == '\''))
                value = (struct slice){value.data + 1, value.length - 2};
            return slice_copy(value);
        }
        line += whole.length + (line[whole.length] == '\n');
    }
    return memory_copy_string("");
}

static char *describe_name(const char *id)
{
    char *name;

    if (id[0] == '\0')
        return memory_copy_string("LINUX");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(id, names[i].id) == 0)
            return memory_copy_string(names[i].name);
    name = memory_copy_string(id);
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    return name;
}

static char *describe_machine(const char *machine)
{
    if (strcmp(machine, "x86_64") == 0)
        return memory_copy_string("X86_64");
    if (machine[0] == 'i' && strstr(machine, "86"))
        return memory_copy_string("INTEL");
    return memory_copy_string(machine);
}

/* As many digits as a version may have; returns where they end. */
static const char *read_digits(const char *text, size_t digits_max, uint32_t *ret_number)
{
    uint32_t number = 0;

    for (; digits_max > 0 && *text >= '0' && *text <= '9'; digits_max--, text++)
        number = number * 10 + (uint32_t)(*text - '0');
    *ret_number = number;
    return text;
}

void platform_describe(const char *machine, const char *os_release, struct platform *platform)
{
    _cleanup_free_ char *id = find_value(os_release, "ID");
    _cleanup_free_ char *version = find_value(os_release, "VERSION_ID");
    struct buffer versioned = BUFFER_INIT;
    const char *rest;

    *platform = (struct platform){.arch = describe_machine(machine),
                                  .opsys = memory_copy_string("LINUX"),
                                  .name = describe_name(id),
                                  .long_name = find_value(os_release, "PRETTY_NAME")};
    rest = read_digits(version, 6, &platform->major);
    if (*rest == '.')
        read_digits(rest + 1, 2, &platform->minor);
    if (platform->long_name[0] == '\0') {
        free(platform->long_name);
        platform->long_name = memory_copy_string(platform->name);
    }
    buffer_append_text(&versioned, platform->name);
    if (platform->major > 0)
        buffer_appendf(&versioned, "%u", platform->major);
    platform->versioned = buffer_take(&versioned);
}

void platform_read(struct platform *platform)
{
    _cleanup_buffer_ struct buffer release = BUFFER_INIT;
    struct utsname names_of_kernel;

    if (file_read("/etc/os-release", OS_RELEASE_SIZE_MAX, &release, NULL) < 0)
        buffer_clear(&release);
    platform_describe(uname(&names_of_kernel) == 0 ? names_of_kernel.machine : "Unknown",
                      buffer_text(&release), platform);
}

uint32_t platform_version(const struct platform *platform)
{
    return platform->major * VERSION_STEP + platform->minor;
}
