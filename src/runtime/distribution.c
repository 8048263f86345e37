/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See distribution.h. HTCondor looks for names in the line of /etc/issue; the ID is what that line
 * stood for, and one that HTCondor does not know is written as its bearers mostly do.
 */
#include "distribution.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <string.h>

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

void distribution_deinit(struct distribution *distribution)
{
    free(distribution->name);
    free(distribution->long_name);
    free(distribution->versioned);
    *distribution = DISTRIBUTION_INIT;
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

/* As many digits as a version may have; returns where they end. */
static const char *read_digits(const char *text, size_t digits_max, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (; digits_max > 0 && *text >= '0' && *text <= '9'; digits_max--, text++)
        number = number * 10 + (uint64_t)(*text - '0');
    *ret_number = number;
    return text;
}

void distribution_read(const char *os_release, struct distribution *ret_distribution)
{
    _cleanup_free_ char *id = find_value(os_release, "ID");
    _cleanup_free_ char *version = find_value(os_release, "VERSION_ID");
    struct distribution distribution = {.name = describe_name(id),
                                        .long_name = find_value(os_release, "PRETTY_NAME")};
    const char *rest = read_digits(version, 9, &distribution.major);
    struct buffer versioned = BUFFER_INIT;

    if (*rest == '.')
        read_digits(rest + 1, 2, &distribution.minor);
    if (distribution.long_name[0] == '\0') {
        free(distribution.long_name);
        distribution.long_name = memory_copy_string(distribution.name);
    }
    buffer_append_text(&versioned, distribution.name);
    if (distribution.major > 0)
        buffer_appendf(&versioned, "%llu", (unsigned long long)distribution.major);
    distribution.versioned = buffer_take(&versioned);
    *ret_distribution = distribution;
}
