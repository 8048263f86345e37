/* SPDX-License-Identifier: Apache-2.0 */
/* What macro_compile.c leaves for macro_expand.c. */
#pragma once

#include "macro.h"

struct macro_arithmetic {
    const struct arithmetic *program;
    const struct template *operands;
    uint32_t operand_count;
    struct number_format format;
};
