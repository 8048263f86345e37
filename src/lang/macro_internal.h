/* SPDX-License-Identifier: Apache-2.0 */
/* What the macro_*.c have in common: the compiler, and what it leaves for the expansion. */
#pragma once

#include "file_name.h"
#include "macro.h"

struct macro_arithmetic {
    const struct arithmetic *program;
    const struct template *operands;
    uint32_t operand_count;
    struct number_format format;
};

enum macro_function_kind {
    FUNCTION_FILE_NAME, /* $F, $BASENAME, $DIRNAME */
    FUNCTION_INT,
    FUNCTION_REAL,
    FUNCTION_STRING,
    FUNCTION_EVAL,
    FUNCTION_SUBSTR,
    FUNCTION_CHOICE,
    FUNCTION_RANDOM_CHOICE,
    FUNCTION_RANDOM_INTEGER,
};

/* One argument: a macro's name, or if that is defined nowhere or no name at all, a text. */
struct macro_argument {
    struct template text;
    const struct segment *name; /* NULL: it is none */
};

/* One conversion of printf(3) with text around it. */
struct macro_format {
    struct slice before;
    struct slice behind;
    struct number_format number; /* of $STRING(): width and precision alone */
    bool left;                   /* $STRING() */
};

struct macro_function {
    enum macro_function_kind kind;
    const struct macro_argument *arguments; /* those of $Ff() have folders behind them */
    uint32_t argument_count;
    uint32_t count; /* as written */
    struct file_name_parts parts;
    struct slice suffix;               /* that $BASENAME() takes off */
    const struct macro_format *format; /* NULL: none given */
    uint64_t draw;                     /* which drawing this is */
};

struct compiler {
    struct macros *macros;
    struct error *err;
    const char *at;
    const char *end;
    uint32_t own_symbol;
    int nesting;
    uint32_t draws;                /* so far, in this value */
    struct operand_list *operands; /* of the innermost arithmetic */
};

/* Where a template that is being read ends, at the latest at the end of the text. */
enum template_end { END_OF_TEXT, END_OF_PARENTHESES, END_OF_ARGUMENT, END_OF_NAME };

int compiler_error(struct compiler *compiler, const char *place, const char *format, ...)
    _printf_(3, 4);
int compiler_read_template(struct compiler *compiler, enum template_end end,
                           struct template *ret_template);
struct segment compiler_make_macro(struct compiler *compiler, struct slice name, const char *start);

/*
 * Reads $NAME(arguments); `name` begins at the compiler's place, and a '(' stands behind it.
 * Returns 0, a negative errno value, or 1 if there is no such function.
 */
int compiler_read_function(struct compiler *compiler, struct slice name, const char *start,
                           struct segment *ret_segment);

/* macros_expand() for one segment that is a function. */
int function_expand(struct expansion *expansion, const struct segment *segment, struct buffer *text,
                    struct error *err);

enum meaning_kind {
    MEANING_NOTHING,
    MEANING_TEXT,
    MEANING_NUMBER,
    MEANING_TEMPLATE,
};

/* What a name stands for in a scope. */
struct meaning {
    enum meaning_kind kind;
    struct slice text;
    uint64_t number;
    const struct template *template;
};

/* Whether a queue variable has that symbol, and in which column. */
bool macro_scope_find(const struct macro_scope *scope, uint32_t symbol, size_t *ret_column);
struct meaning expansion_find(const struct expansion *expansion, const struct segment *segment);
/* Appends what a name stands for; -EINVAL if that is nothing, unless it may be so. */
int expansion_append(struct expansion *expansion, const struct segment *segment,
                     struct meaning meaning, struct buffer *text, struct error *err);
int expansion_fail(struct expansion *expansion, const char *at, int code, struct error *err,
                   const char *format, ...) _printf_(5, 6);
/* Reads a number, or arithmetic without names; `segment` is what the text is the value of. */
int expansion_read_number(struct expansion *expansion, struct slice text,
                          const struct segment *segment, struct number *ret_value,
                          struct error *err);
