/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few compiler attributes and tiny macros that every room uses.
 *
 * Cleanup: `_cleanup_(f)` runs f(&variable) when a local leaves its scope, so that early returns
 * need no labels. A function that hands such a local to its caller ends with
 * `*ret_x = take_pointer(x)`: publish and null.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define _cleanup_(f)   __attribute__((__cleanup__(f)))
#define _printf_(f, a) __attribute__((__format__(__printf__, f, a)))
#define _unused_       __attribute__((__unused__))
#define _noreturn_     __attribute__((__noreturn__))
#define _must_check_   __attribute__((__warn_unused_result__))

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Evaluates to the pointer and leaves NULL behind, so that a cleanup attribute finds nothing. */
#define take_pointer(p)                                                                            \
    __extension__({                                                                                \
        __auto_type taken_ = (p);                                                                  \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* Defines `static inline void name_p(type *p)`, for _cleanup_(), around a destructor. */
#define DEFINE_CLEANUP(type, destroy)                                                              \
    static inline void destroy##_p(type *p)                                                        \
    {                                                                                              \
        if (*p)                                                                                    \
            destroy(*p);                                                                           \
    }                                                                                              \
    struct destroy##_semicolon_

static inline void free_p(void *p)
{
    free(*(void **)p);
}

#define _cleanup_free_ _cleanup_(free_p)
