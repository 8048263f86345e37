/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the submit language: a small world with a few files, commands and environment
 * variables, and short ways to say "this text, that task".
 */
#pragma once

#include "lang/submit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*
 * Knows the files "items" (a 1, b 2, c 3), "table.csv" and others, the template Sizes, any `echo
 * TEXT` as a command, and HOME, LANG, FUNCTION.
 */
extern const struct submit_world fixture_world;

/* The submit of a text called "x.sub"; the test fails if it cannot be read. */
struct submit *fixture_parse(const char *text, const struct submit_options *options);
/* Error text, newline, "hint: ..." of a text that cannot be read. The caller frees it. */
char *fixture_error(const char *text, const struct submit_options *options);
/* Expands a task of cluster 17; the test fails if that fails. */
void fixture_expand(const struct submit *submit, uint64_t process, struct submit_task *task);
/* The arguments of all tasks, with '|' behind each. The caller frees them. */
char *fixture_arguments(const struct submit *submit);

/* Checks what becomes of `value` as the arguments of the first of three tasks. */
void assert_value(const char *definitions, const char *value, const char *expected);
void assert_list(struct submit_list list, const char *const *expected, size_t count);

#define ASSERT_LIST(list, ...)                                                                     \
    assert_list((list), (const char *const[]){__VA_ARGS__},                                        \
                ARRAY_LENGTH(((const char *const[]){__VA_ARGS__})))
/* Checks the whole message of a text that cannot be read. */
#define ASSERT_ERROR(text, expected)                                                               \
    do {                                                                                           \
        _cleanup_free_ char *error_ = fixture_error((text), NULL);                                 \
        assert_string_equal(error_, (expected));                                                   \
    } while (0)
