/* SPDX-License-Identifier: Apache-2.0 */
/* See processor.h. The kernel's names of the instructions are those of cpufeatures.h. */
#include "processor.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"

#include <string.h>

void processor_deinit(struct processor *processor)
{
    free(processor->model);
    free(processor->flags);
    *processor = PROCESSOR_INIT;
}

/* The value of the first line "key : value"; an empty slice if there is none. */
static struct slice find_value(const char *cpuinfo, const char *key)
{
    for (const char *line = cpuinfo; *line;) {
        struct slice whole = {line, strcspn(line, "\n")};
        const char *colon = memchr(line, ':', whole.length);
        size_t before = colon ? (size_t)(colon - line) : 0;

        if (colon && slice_equals(slice_trim((struct slice){line, before}), key))
            return slice_trim((struct slice){colon + 1, whole.length - before - 1});
        line += whole.length + (line[whole.length] == '\n');
    }
    return (struct slice){"", 0};
}

/* "8192 KB" is 8192 as well: what stands behind a blank is the unit. */
static uint64_t find_number(const char *cpuinfo, const char *key)
{
    struct slice value = find_value(cpuinfo, key);
    const char *blank = memchr(value.data, ' ', value.length);
    uint64_t number = 0;

    if (blank)
        value.length = (size_t)(blank - value.data);
    (void)number_parse_u64(value, &number);
    return number;
}

void processor_read(const char *cpuinfo, struct processor *ret_processor)
{
    *ret_processor = (struct processor){
        .model = slice_copy(find_value(cpuinfo, "model name")),
        .family = find_number(cpuinfo, "cpu family"),
        .model_number = find_number(cpuinfo, "model"),
        .cache_kb = find_number(cpuinfo, "cache size"),
        .flags = slice_copy(find_value(cpuinfo, "flags")),
    };
}

bool processor_has(const struct processor *processor, const char *flag)
{
    size_t length = strlen(flag);

    for (const char *at = processor->flags; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");

        if (word == length && memcmp(at, flag, length) == 0)
            return true;
        at += word;
    }
    return false;
}

static bool has_all(const struct processor *processor, const char *const *flags)
{
    for (; *flags; flags++)
        if (!processor_has(processor, *flags))
            return false;
    return true;
}

const char *processor_level(const struct processor *processor)
{
    static const char *const v2[] = {"cx16",   "lahf_lm", "popcnt", "pni",
                                     "sse4_1", "sse4_2",  "ssse3",  NULL};
    static const char *const v3[] = {"abm",  "avx", "avx2",  "bmi1",  "bmi2",
                                     "f16c", "fma", "movbe", "xsave", NULL};
    static const char *const v4[] = {"avx512bw", "avx512cd", "avx512dq",
                                     "avx512f",  "avx512vl", NULL};

    if (!processor_has(processor, "lm")) /* no 64-bit x86 */
        return NULL;
    if (!has_all(processor, v2))
        return "x86_64-v1";
    if (!has_all(processor, v3))
        return "x86_64-v2";
    return has_all(processor, v4) ? "x86_64-v4" : "x86_64-v3";
}
