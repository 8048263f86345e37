/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See platform.h. HTCondor's names of distributions are not those of os-release(5): requirements
 * of decades compare with them, so the ones that it knows are translated.
 */
#include "platform.h"

#include "base/memory.h"
#include "file.h"

#include <string.h>
#include <sys/utsname.h>

enum { OS_RELEASE_SIZE_MAX = 64 * 1024 };

static const char *const distributions[][2] = {
    {"almalinux", "AlmaLinux"}, {"amzn", "AmazonLinux"}, {"centos", "CentOS"},
    {"debian", "Debian"},       {"fedora", "Fedora"},    {"opensuse-leap", "openSUSE"},
    {"rhel", "RedHat"},         {"rocky", "Rocky"},      {"scientific", "SL"},
    {"sles", "SLES"},           {"ubuntu", "Ubuntu"},
};

void platform_deinit(struct platform *platform)
{
    free(platform->arch);
    free(platform->opsys);
    free(platform->opsys_and_version);
    *platform = PLATFORM_INIT;
}

/* The value of KEY=value or KEY="value"; empty if there is none. */
static struct slice find_value(struct slice text, const char *key)
{
    size_t length = strlen(key);

    while (text.length > 0) {
        const char *end = memchr(text.data, '\n', text.length);
        struct slice line = {text.data, end ? (size_t)(end - text.data) : text.length};
        size_t taken = line.length + (end ? 1 : 0);

        text = (struct slice){text.data + taken, text.length - taken};
        if (line.length <= length || memcmp(line.data, key, length) != 0 ||
            line.data[length] != '=')
            continue;
        line = slice_trim((struct slice){line.data + length + 1, line.length - length - 1});
        if (line.length > 1 && line.data[0] == '"' && line.data[line.length - 1] == '"')
            line = (struct slice){line.data + 1, line.length - 2};
        return line;
    }
    return (struct slice){"", 0};
}

/* Takes a number off the front, no larger than any version has. */
static uint32_t take_number(struct slice *text)
{
    uint32_t value = 0;

    while (text->length > 0 && text->data[0] >= '0' && text->data[0] <= '9' && value < 100000) {
        value = value * 10 + (uint32_t)(text->data[0] - '0');
        *text = (struct slice){text->data + 1, text->length - 1};
    }
    return value;
}

static void append_distribution(struct slice id, struct buffer *text)
{
    for (size_t i = 0; i < ARRAY_LENGTH(distributions); i++)
        if (slice_equals(id, distributions[i][0])) {
            buffer_append_text(text, distributions[i][1]);
            return;
        }
    buffer_append_slice(text, id);
    if (id.length == 0)
        buffer_append_text(text, "Unknown");
}

void platform_describe(const char *machine, struct slice os_release, struct platform *platform)
{
    struct slice version = find_value(os_release, "VERSION_ID");
    struct buffer name = BUFFER_INIT;
    uint32_t minor = 0;

    platform->arch = memory_copy_string(strcmp(machine, "x86_64") == 0               ? "X86_64"
                                        : machine[0] == 'i' && strstr(machine, "86") ? "INTEL"
                                                                                     : machine);
    platform->opsys = memory_copy_string("LINUX");
    platform->major = take_number(&version);
    if (version.length > 1 && version.data[0] == '.') {
        version = (struct slice){version.data + 1, version.length - 1};
        minor = take_number(&version);
    }
    platform->version = platform->major * 100 + minor % 100;
    append_distribution(find_value(os_release, "ID"), &name);
    if (platform->major > 0)
        buffer_appendf(&name, "%u", platform->major);
    platform->opsys_and_version = buffer_take(&name);
}

void platform_read(struct platform *platform)
{
    _cleanup_buffer_ struct buffer release = BUFFER_INIT;
    struct utsname names;

    if (file_read("/etc/os-release", OS_RELEASE_SIZE_MAX, &release, NULL) < 0)
        buffer_clear(&release);
    platform_describe(uname(&names) == 0 ? names.machine : "Unknown",
                      (struct slice){buffer_text(&release), release.length}, platform);
}
