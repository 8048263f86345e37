/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See arithmetic.h. The compiler is a recursive descent over sums, products, signs and primaries
 * that writes postfix steps; nesting is bounded, and with it the C stack here and the value stack
 * of the evaluator.
 *
 * It is compiled because a job of ten million tasks evaluates the same expression as often, on the
 * submitter's computer and again on the server, each time with nothing but another Process.
 *
 * What it never does: wrap around, yield infinity or NaN, or go on with half a result. A wrong
 * number in an argument costs a whole computation, and nobody notices.
 */
#include "arithmetic.h"

#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    NESTING_MAX = 32,
    /* A level of parentheses holds two values back at most: a sum's left side, a product's. */
    STACK_SIZE = 2 * (NESTING_MAX + 2),
};

enum step_kind {
    STEP_NUMBER,
    STEP_OPERAND,
    STEP_NEGATE,
    STEP_ADD,
    STEP_SUBTRACT,
    STEP_MULTIPLY,
    STEP_DIVIDE,
    STEP_REMAINDER,
};

/* One step of the program; `at` is where it came from, for messages. */
struct step {
    enum step_kind kind;
    uint32_t operand;
    struct number number;
    const char *at;
};

struct arithmetic {
    const struct step *steps;
    size_t count;
};

/* The text that is left, and the program so far. */
struct compiler {
    const char *at;
    const char *end;
    const struct arithmetic_operands *operands;
    struct arithmetic_failure *failure;
    struct step *steps; /* owned */
    size_t count;
    size_t capacity;
    int nesting;
};

static void compiler_deinit(struct compiler *compiler)
{
    free(compiler->steps);
}

static int fail(struct arithmetic_failure *failure, const char *at, const char *message)
{
    *failure = (struct arithmetic_failure){.at = at, .message = message};
    return -EINVAL;
}

/* Counted while it grows: how long the program is can only be known at its end. */
static void compiler_emit(struct compiler *compiler, struct step step)
{
    array_reserve(compiler->steps, compiler->capacity, compiler->count + 1);
    compiler->steps[compiler->count++] = step;
}

/* The next character that is not white space, '\0' at the end; it is not consumed. */
static char compiler_peek(struct compiler *compiler)
{
    while (compiler->at < compiler->end && (*compiler->at == ' ' || *compiler->at == '\t'))
        compiler->at++;
    return compiler->at < compiler->end ? *compiler->at : '\0';
}

/* Digits, a fraction, an exponent: "12", "1.5", ".5", "1e-3". */
static const char *number_end(const char *at, const char *end)
{
    const char *exponent;

    while (at < end && (text_is_digit(*at) || *at == '.'))
        at++;
    if (at == end || (*at | 0x20) != 'e')
        return at;
    /* An 'e' without digits behind is no exponent: perhaps it begins a name. */
    exponent = at + 1;
    if (exponent < end && (*exponent == '+' || *exponent == '-'))
        exponent++;
    if (exponent == end || !text_is_digit(*exponent))
        return at;
    while (exponent < end && text_is_digit(*exponent))
        exponent++;
    return exponent;
}

/* Refuses what number_end() let through, such as "1.2.3". */
static int compile_number(struct compiler *compiler)
{
    const char *start = compiler->at;
    struct step step = {.kind = STEP_NUMBER, .at = start};
    int r;

    /* As long as it can be one; what stands behind must be an operator. */
    compiler->at = number_end(start, compiler->end);
    r = number_parse((struct slice){.data = start, .length = (size_t)(compiler->at - start)},
                     &step.number);
    if (r < 0)
        return fail(compiler->failure, start,
                    r == -ERANGE ? "this number is too large" : "this is not a number");
    compiler_emit(compiler, step);
    return 0;
}

static int compile_operand(struct compiler *compiler)
{
    struct step step = {.kind = STEP_OPERAND, .at = compiler->at};
    int r;

    /* Without a message: if the caller cannot read it, it says so itself. */
    *compiler->failure = (struct arithmetic_failure){.at = compiler->at};
    r = compiler->operands->read(compiler->operands->user_data, &compiler->at, compiler->end,
                                 &step.operand);
    if (r < 0)
        return r;
    compiler_emit(compiler, step);
    return 0;
}

static int compile_sum(struct compiler *compiler);

/* The only way down again: nesting is counted here. */
static int compile_parentheses(struct compiler *compiler)
{
    const char *open = compiler->at++;
    int r;

    if (compiler->nesting == NESTING_MAX)
        return fail(compiler->failure, open, "parentheses are nested too deeply");
    compiler->nesting++;
    r = compile_sum(compiler);
    compiler->nesting--;
    if (r < 0)
        return r;
    if (compiler_peek(compiler) != ')')
        return fail(compiler->failure, open, "this parenthesis is never closed");
    compiler->at++;
    return 0;
}

/* Also names what is missing, at the place where it is missing. */
static int compile_primary(struct compiler *compiler)
{
    char next = compiler_peek(compiler);

    if (text_is_digit(next) || next == '.')
        return compile_number(compiler);
    if (next == '(')
        return compile_parentheses(compiler);
    /* A bare name is an operand: $(Process + 1) is what everybody tries first. */
    if (next == '$' || text_is_letter(next) || next == '_')
        return compile_operand(compiler);
    return fail(compiler->failure, compiler->at, "here a number or a macro is missing");
}

/* Signs: pairs of '-' cancel out, '+' says nothing. */
static int compile_signed(struct compiler *compiler)
{
    const char *start = compiler->at;
    bool negative = false;
    char next;
    int r;

    /* A loop and no recursion: a million signs in a row are as deep as one. */
    for (next = compiler_peek(compiler); next == '-' || next == '+';
         next = compiler_peek(compiler)) {
        if (next == '-')
            negative = !negative;
        compiler->at++;
    }
    r = compile_primary(compiler);
    if (r == 0 && negative)
        compiler_emit(compiler, (struct step){.kind = STEP_NEGATE, .at = start});
    return r;
}

/* Left to right, so that 8/4/2 is 1. A failure is noticed by the loop. */
static int compile_product(struct compiler *compiler)
{
    int r = compile_signed(compiler);

    while (r == 0) {
        char next = compiler_peek(compiler);
        struct step step = {.at = compiler->at};

        if (next != '*' && next != '/' && next != '%')
            return 0;
        step.kind = next == '*' ? STEP_MULTIPLY : next == '/' ? STEP_DIVIDE : STEP_REMAINDER;
        /* The step keeps the operator's place: there a division by zero will have happened. */
        compiler->at++;
        r = compile_signed(compiler);
        compiler_emit(compiler, step);
    }
    return r;
}

/* Left to right, so that 5-2-1 is 2. */
static int compile_sum(struct compiler *compiler)
{
    int r = compile_product(compiler);

    while (r == 0) {
        char next = compiler_peek(compiler);
        struct step step = {.at = compiler->at};

        if (next != '+' && next != '-')
            return 0;
        step.kind = next == '+' ? STEP_ADD : STEP_SUBTRACT;
        compiler->at++;
        r = compile_product(compiler);
        compiler_emit(compiler, step);
    }
    return r;
}

int arithmetic_compile(const char **at, const char *end, const struct arithmetic_operands *operands,
                       struct arena *arena, const struct arithmetic **ret_arithmetic,
                       struct arithmetic_failure *ret_failure)
{
    _cleanup_(compiler_deinit) struct compiler compiler = {
        .at = *at, .end = end, .operands = operands, .failure = ret_failure};
    struct arithmetic *arithmetic;
    struct step *steps;
    int r;

    r = compile_sum(&compiler);
    if (r < 0)
        return r;
    /* The white space behind belongs to the expression. */
    compiler_peek(&compiler);
    /* To where it stays as long as the text, in one piece. */
    steps = arena_allocate(arena, compiler.count, sizeof(*steps));
    memcpy(steps, compiler.steps, compiler.count * sizeof(*steps));
    arithmetic = arena_allocate(arena, 1, sizeof(*arithmetic));
    *arithmetic = (struct arithmetic){.steps = steps, .count = compiler.count};
    *at = compiler.at;
    *ret_arithmetic = arithmetic;
    return 0;
}

/* Rounds beyond 2^53, as ClassAds do. */
static double number_as_real(struct number value)
{
    return value.is_real ? value.real : (double)value.integer;
}

/* Returns what went wrong, or NULL. */
static const char *apply_to_integers(enum step_kind kind, int64_t *left, int64_t right)
{
    static const char overflow[] = "the result does not fit into 64 bits";

    if (kind == STEP_ADD)
        return __builtin_add_overflow(*left, right, left) ? overflow : NULL;
    if (kind == STEP_SUBTRACT)
        return __builtin_sub_overflow(*left, right, left) ? overflow : NULL;
    if (kind == STEP_MULTIPLY)
        return __builtin_mul_overflow(*left, right, left) ? overflow : NULL;
    if (right == 0)
        return "division by zero";
    /* The one quotient that does not fit. */
    if (*left == INT64_MIN && right == -1)
        return overflow;
    *left = kind == STEP_DIVIDE ? *left / right : *left % right;
    return NULL;
}

/* Infinity and NaN never come into being: what is not finite is an error. */
static const char *apply_to_reals(enum step_kind kind, double *left, double right)
{
    if (kind == STEP_REMAINDER)
        return "a remainder needs integers";
    if (kind == STEP_DIVIDE && right == 0)
        return "division by zero";
    if (kind == STEP_ADD)
        *left += right;
    else if (kind == STEP_SUBTRACT)
        *left -= right;
    else if (kind == STEP_MULTIPLY)
        *left *= right;
    else
        *left /= right;
    return isfinite(*left) ? NULL : "the result is too large";
}

/* Integers stay integers until they meet a real. */
static const char *apply(enum step_kind kind, struct number *left, struct number right)
{
    if (!left->is_real && !right.is_real)
        return apply_to_integers(kind, &left->integer, right.integer);
    *left = (struct number){.is_real = true, .real = number_as_real(*left)};
    return apply_to_reals(kind, &left->real, number_as_real(right));
}

/* 0 - value, but with the sign of a real zero kept as C keeps it. */
static const char *negate(struct number *value)
{
    struct number zero = {0};
    const char *message;

    if (value->is_real) {
        value->real = -value->real;
        return NULL;
    }
    /* By the way of all subtractions, which knows that the smallest integer has no negative. */
    message = apply(STEP_SUBTRACT, &zero, *value);
    *value = zero;
    return message;
}

/* The stack cannot overflow: its size follows from the nesting that the compiler allowed. */
int arithmetic_evaluate(const struct arithmetic *arithmetic,
                        const struct arithmetic_operands *operands, struct number *ret_value,
                        struct arithmetic_failure *ret_failure)
{
    struct number stack[STACK_SIZE];
    size_t depth = 0;

    for (size_t i = 0; i < arithmetic->count; i++) {
        const struct step *step = &arithmetic->steps[i];
        const char *message = NULL;
        int r;

        if (step->kind == STEP_NUMBER) {
            assert(depth < STACK_SIZE);
            stack[depth++] = step->number;
        } else if (step->kind == STEP_OPERAND) {
            assert(depth < STACK_SIZE);
            /* If it fails, the caller has its own words; the place is for him. */
            *ret_failure = (struct arithmetic_failure){.at = step->at};
            r = operands->compute(operands->user_data, step->operand, &stack[depth++]);
            if (r < 0)
                return r;
        } else if (step->kind == STEP_NEGATE) {
            message = negate(&stack[depth - 1]);
        } else {
            assert(depth >= 2);
            depth--;
            message = apply(step->kind, &stack[depth - 1], stack[depth]);
        }
        if (message)
            return fail(ret_failure, step->at, message);
    }
    assert(depth == 1);
    *ret_value = stack[0];
    return 0;
}

/* Without a message, which arithmetic_constant() gives: here a name is as wrong as a letter. */
static int refuse_operand(void *user_data, const char **at, const char *end, uint32_t *ret_operand)
{
    (void)user_data;
    (void)at;
    (void)end;
    (void)ret_operand;
    return -EINVAL;
}

int arithmetic_constant(const char **at, const char *end, struct number *ret_value,
                        struct arithmetic_failure *ret_failure)
{
    struct arithmetic_operands none = {.read = refuse_operand};
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    const struct arithmetic *program;
    int r;

    r = arithmetic_compile(at, end, &none, &arena, &program, ret_failure);
    if (r < 0 && !ret_failure->message)
        ret_failure->message = "this is not a number";
    return r < 0 ? r : arithmetic_evaluate(program, &none, ret_value, ret_failure);
}

/* An integer that is too large is an error and not a real: nobody wants its last digits lost. */
int number_parse(struct slice text, struct number *ret_value)
{
    int64_t integer;
    double real;
    int r;

    r = number_parse_i64(text, &integer);
    if (r == 0)
        *ret_value = (struct number){.integer = integer};
    /* Only what is no integer at all may still be a real. */
    if (r != -EINVAL)
        return r;
    r = number_parse_double(text, &real);
    if (r == 0)
        *ret_value = (struct number){.is_real = true, .real = real};
    return r;
}
