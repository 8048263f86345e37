/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic as in $(1000 + 100 * $(Process)): integers of 64 bits and reals, + - * / %,
 * parentheses and signs. Integers stay integers (division truncates towards zero, as in C and in
 * ClassAds); an integer that meets a real becomes one. What does not fit, a division by zero and a
 * remainder of reals are errors.
 *
 * An expression is compiled once into a program for a stack machine and evaluated many times.
 * Operands that are not numbers belong to the caller, who reads and computes them.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

struct number {
    bool is_real;
    int64_t integer; /* if not is_real */
    double real;     /* if is_real; finite */
};

/* What is wrong and where; `message` is NULL if an operand function failed, which knows better. */
struct arithmetic_failure {
    const char *at;
    const char *message;
};

struct arithmetic_operands {
    void *user_data;
    /*
     * Reads an operand that begins at *at ('$' or a letter) and moves *at behind it. Returns 0 and
     * the number by which compute() will know it, or a negative errno value.
     */
    int (*read)(void *user_data, const char **at, const char *end, uint32_t *ret_operand);
    int (*compute)(void *user_data, uint32_t operand, struct number *ret_value);
};

struct arithmetic; /* lives in the arena that it was compiled into */

/*
 * Compiles the expression at *at and moves *at behind it, to `end` or to the first character that
 * cannot go on (')' or ','). Returns 0, -EINVAL with `ret_failure` set, or what read() returned.
 */
int arithmetic_compile(const char **at, const char *end, const struct arithmetic_operands *operands,
                       struct arena *arena, const struct arithmetic **ret_arithmetic,
                       struct arithmetic_failure *ret_failure);
/* Returns 0, -EINVAL with `ret_failure` set, or what compute() returned. */
int arithmetic_evaluate(const struct arithmetic *arithmetic,
                        const struct arithmetic_operands *operands, struct number *ret_value,
                        struct arithmetic_failure *ret_failure);

/*
 * Compiles and evaluates an expression without operands. Returns 0, or -EINVAL with `ret_failure`
 * set and a message in it.
 */
int arithmetic_constant(const char **at, const char *end, struct number *ret_value,
                        struct arithmetic_failure *ret_failure);

/* How to write a number: one conversion of printf(3). */
struct number_format {
    char flags[6];
    char conversion; /* one of d i u x X o e E f F g G; 0: as it is */
    int width;       /* at most NUMBER_FORMAT_MAX */
    int precision;   /* -1: none */
};

enum { NUMBER_FORMAT_MAX = 64 };

/* Reads "%05d". Returns 0, or -EINVAL if it is not exactly one known conversion. */
int number_format_parse(struct slice text, struct number_format *ret_format);
/*
 * Appends the number. Integer conversions cut the fraction off; with no conversion a real is
 * written with as few digits as read back to the same value, always with a '.' or an exponent.
 * Returns 0, or -ERANGE if a real does not fit the conversion.
 */
int number_format_append(const struct number_format *format, struct number value,
                         struct buffer *text);

/* Reads an integer or a real, the whole text. Returns 0, -EINVAL or -ERANGE. */
int number_parse(struct slice text, struct number *ret_value);
