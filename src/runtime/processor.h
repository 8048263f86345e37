/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/cpuinfo (proc_cpuinfo(5)) says of the processor: of the first, if they differ. */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct processor {
    char *model;     /* "model name"; owned, as the flags; "" if unknown, and so on */
    uint64_t family; /* 0: unknown, as the next two */
    uint64_t model_number;
    uint64_t cache_kb;
    char *flags; /* of x86: with blanks between */
};

#define PROCESSOR_INIT ((struct processor){0})

void processor_read(const char *cpuinfo, struct processor *ret_processor);
void processor_deinit(struct processor *processor);

bool processor_has(const struct processor *processor, const char *flag);

/*
 * The level of the x86-64 psABI that it has all instructions of, as HTCondor spells it:
 * "x86_64-v1" to "x86_64-v4"; NULL for other processors.
 */
const char *processor_level(const struct processor *processor);
