/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros: names with values that refer to other names.
 *
 * Every value is compiled once into a template, a list of segments: plain text, $(Name), $(Name:
 * fallback), $ENV(NAME), functions such as $Fn(Name), and arithmetic. Names are looked up when a
 * template is expanded, because what they mean depends on the queue statement: the last definition
 * before it counts. Only a reference of a definition to its own name means, as in HTCondor, the
 * definition before.
 *
 * A name is looked up in this order: the queue statement's variables; Cluster, Process and the
 * like; definitions; what the submitter's side says of itself (Year, ARCH); the fallback, which as
 * in HTCondor also stands in for a value that is empty.
 *
 * What is drawn by lot ($RANDOM_INTEGER() and the like) depends on the seed, the task, and where in
 * which definition it stands: a task always draws the same, however often it is expanded.
 */
#pragma once

#include "arithmetic.h"
#include "source.h"
#include "submit.h"

#include "base/arena.h"
#include "base/map.h"

#define MACRO_DEFINITION_COUNT_MAX ((size_t)100 * 1000)
/* Of all templates together: what they may cost in memory. */
#define MACRO_SEGMENT_COUNT_MAX ((size_t)5 * 1000 * 1000)
/* Segments visited for one task; X = $(Y)$(Y), Y = $(Z)$(Z), ... doubles with each line. */
#define MACRO_STEP_COUNT_MAX ((uint64_t)1000 * 1000)
/* Definitions within definitions; what is deeper is nearly always a circle. */
#define MACRO_DEPTH_MAX 64u
#define MACRO_NONE      UINT32_MAX
/* Linux's own limit for one variable (MAX_ARG_STRLEN). */
#define ENVIRONMENT_VALUE_SIZE_MAX ((size_t)128 * 1024)

enum segment_kind {
    SEGMENT_TEXT,
    SEGMENT_MACRO,
    SEGMENT_ENVIRONMENT,
    SEGMENT_ARITHMETIC,
    SEGMENT_FUNCTION,
    SEGMENT_COMPUTED, /* $($(kind)_size): a name that is made of macros */
};

struct template
{
    const struct segment *segments; /* in the arena */
    uint32_t count;
};

struct segment {
    enum segment_kind kind;
    struct slice text;               /* the plain text; else the place, for messages */
    uint32_t index;                  /* SEGMENT_MACRO: symbol; SEGMENT_ENVIRONMENT: variable */
    bool may_draw;                   /* SEGMENT_TEXT: "random" is in it, for $EVAL() */
    bool is_own;                     /* SEGMENT_MACRO: the name that is being defined here, */
    uint32_t previous;               /* whose definition before is this one, or MACRO_NONE */
    const struct template *fallback; /* what stands behind ':', or NULL */
    const struct macro_arithmetic *arithmetic;
    const struct macro_function *function;
    const struct template *computed; /* SEGMENT_COMPUTED: what gives the name */
};

/* What the queue statement knows and no definition can change. */
enum macro_builtin {
    BUILTIN_NONE,
    BUILTIN_CLUSTER,
    BUILTIN_PROCESS,
    BUILTIN_STEP,
    BUILTIN_ROW,
    BUILTIN_DOLLAR,
};

struct symbol {
    const char *name; /* as first written; in the arena */
    enum macro_builtin builtin;
    bool is_variable;      /* of at least one queue statement */
    bool is_referenced;    /* as $(name), by another name's value */
    const char *automatic; /* what it is without a definition, or NULL; in the arena */
    bool automatic_is_used;
    const struct template *standard; /* likewise, for all submits alike: JobId; or NULL */
    uint32_t *definitions;           /* owned; ascending */
    size_t definition_count;
    size_t definition_capacity;
};

struct definition {
    uint32_t symbol;
    struct slice name;  /* as written, with its place */
    struct slice value; /* likewise */
    struct template template;
};

enum environment_state { ENVIRONMENT_UNKNOWN, ENVIRONMENT_UNSET, ENVIRONMENT_SET };

/* A variable of the submitter's environment, asked for once. */
struct environment_variable {
    const char *name; /* in the arena */
    enum environment_state state;
    const char *value; /* if ENVIRONMENT_SET: the second half of `entry` */
    const char *entry; /* "NAME=value", in the arena */
    bool may_draw;     /* "random" is in the value */
};

struct macros {
    struct sources *sources;
    struct arena *arena;
    const struct submit_world *world; /* while parsing; may be NULL */
    bool allow_undefined;

    struct symbol *symbols; /* owned */
    size_t symbol_count;
    size_t symbol_capacity;
    struct string_map symbol_index;

    struct definition *definitions; /* owned */
    size_t definition_count;
    size_t definition_capacity;

    size_t segment_count;
    bool has_computed_names; /* then any name may be referred to */
    bool has_evaluations;    /* $EVAL(): then "random()" may draw */
    uint64_t seed;
    int64_t submit_seconds; /* what functions take for now, since 1970 */
    bool draws;             /* some value is drawn by lot, from the seed */

    struct environment_variable *environment; /* owned */
    size_t environment_count;
    size_t environment_capacity;
    struct string_map environment_index;
    bool environment_is_complete; /* what is not here is not set */
};

void macros_init(struct macros *macros, struct sources *sources, struct arena *arena);
void macros_deinit(struct macros *macros);

/* The length of the name at the front of a text: a letter or '_', then letters, digits, '_', '.'.
 */
size_t macro_name_length(struct slice text);
/* Whether $EVAL() may find an expression in the text whose value is drawn for each task. */
bool macro_text_may_draw(struct slice text);
/* Whether all of it is a name. */
bool macro_name_is_valid(struct slice name);
/* The number of a name, which is made if it is new; case is ignored. */
uint32_t macros_symbol(struct macros *macros, struct slice name);
/* The number of a name, or MACRO_NONE. */
uint32_t macros_find_symbol(const struct macros *macros, const char *name);

/*
 * Compiles a value, which must have a place in the sources; `own_symbol` is the name it defines, or
 * MACRO_NONE. Returns 0, -EINVAL for what cannot be understood, or -E2BIG for too many macros.
 */
int macros_compile(struct macros *macros, struct slice value, uint32_t own_symbol,
                   struct template *ret_template, struct error *err);
/*
 * Adds a definition of `symbol`; `name` is how it was written. Returns 0, -EINVAL, or -E2BIG if
 * there are too many.
 */
int macros_define(struct macros *macros, uint32_t symbol, struct slice name, struct slice value,
                  struct error *err);
/* Says what a name stands for where it has no definition. */
void macros_set_automatic(struct macros *macros, struct slice name, const char *value);
/* The same for all submits, with macros in `value`, which must stay: JobId. One macro and nothing
 * else is another name for it. */
int macros_set_standard(struct macros *macros, const char *name, const char *value);
/* The symbol's last definition before `horizon`, or MACRO_NONE. */
uint32_t macros_find_definition(const struct macros *macros, uint32_t symbol, uint32_t horizon);

/* The number of an environment variable, which the world is asked for if it is new. */
int macros_environment_variable(struct macros *macros, struct slice name, uint32_t *ret_variable,
                                struct error *err);
/* Whether this can be the name of an environment variable: no '=', ')' or control characters. */
bool environment_name_is_valid(struct slice name);
/* Says what the world would say; a NULL value: not set. What is known already stays. */
void macros_set_environment(struct macros *macros, const char *name, const char *value);

/* The value of a queue variable for one item: text, or a template if it holds macros. */
struct item_field {
    const char *data; /* in the sources or the arena; no NUL behind */
    uint32_t length;
    uint32_t template; /* index into the templates of the scope plus one; 0: none */
};

/* Where names are looked up: a queue statement, and one of its tasks if there is one. */
struct macro_scope {
    uint32_t horizon;          /* definitions with a smaller number count */
    const uint32_t *variables; /* symbols */
    size_t variable_count;
    const struct template *templates; /* that the fields refer to */
    const struct item_field *fields;  /* one per variable; NULL without a task */
    bool has_task;
    bool row_varies;
    uint64_t cluster;
    uint64_t process;
    uint64_t step;
    uint64_t row;
};

struct expansion {
    const struct macros *macros;
    const struct macro_scope *scope;
    uint64_t steps_left;
    uint32_t depth;
    bool allow_undefined; /* here, whatever the text says of it */
};

/*
 * Appends the value of a template. Returns 0; -EINVAL for an undefined macro or arithmetic that
 * fails; -E2BIG if it is too long, too deep or too much work.
 */
int macros_expand(struct expansion *expansion, const struct template *template, struct buffer *text,
                  struct error *err);

/*
 * Whether the template's value may differ between tasks of the scope. `marks` remembers answers
 * between calls for the same scope: one zeroed byte per definition.
 */
bool macros_vary(const struct macros *macros, const struct macro_scope *scope,
                 const struct template *template, uint8_t *marks);
