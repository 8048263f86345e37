/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClassAds, the language in which HTCondor's users say what a task needs and what a computer is
 * (HTCondor manual, "ClassAd Mechanism" and "Predefined Functions"; values as its version 23.9.6
 * gives them).
 *
 * An ad is a set of named expressions. An expression is compiled once and evaluated many times,
 * alone, within an ad (MY) or within a pair of ads (MY and TARGET). Evaluation is total: whatever
 * goes wrong in it is the value ERROR, and what is not known is UNDEFINED. It is bounded, too: an
 * expression that nests too deep, refers to itself or does too much work is an ERROR.
 *
 * Two spellings are read and written. The new one, "[ a = 1; b = x is undefined ]", has C's escapes
 * in its strings. The old one has a line per attribute, in strings only \" is special, and the
 * comparisons without type are =?= and =!=; files that people write are of the old one.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define CLASSAD_TEXT_SIZE_MAX ((size_t)1024 * 1024)
/* Parentheses, lists, ads and calls within each other. */
#define CLASSAD_NESTING_MAX 200u
/* Attributes that refer to attributes, as in HTCondor. */
#define CLASSAD_REFERENCE_DEPTH_MAX 400u
/* Nodes visited by one evaluation; attributes that refer to two others double with each step. */
#define CLASSAD_STEP_COUNT_MAX ((uint32_t)1000 * 1000)
/* Nodes that classad_resolve() makes. */
#define CLASSAD_RESOLVED_NODES_MAX 2000u
/* What the strings and lists of one evaluation may take together. */
#define CLASSAD_VALUE_SIZE_MAX ((size_t)16 * 1024 * 1024)

enum classad_spelling { CLASSAD_NEW, CLASSAD_OLD };

enum classad_type {
    CLASSAD_UNDEFINED,
    CLASSAD_ERROR,
    CLASSAD_BOOLEAN,
    CLASSAD_INTEGER,
    CLASSAD_REAL,
    CLASSAD_STRING,
    CLASSAD_ABSOLUTE_TIME,
    CLASSAD_RELATIVE_TIME,
    CLASSAD_LIST,
    CLASSAD_AD,
};

/*
 * A value is two words, so that it travels in registers. Lists and ads hold expressions: these are
 * evaluated when they are looked at, where they stand.
 */
struct classad_value {
    enum classad_type type;
    union {
        uint32_t length;        /* CLASSAD_STRING */
        int32_t offset_seconds; /* CLASSAD_ABSOLUTE_TIME: of the zone that it is shown in, east of
                                   Greenwich */
    };
    union {
        bool boolean;
        int64_t integer;
        double real;        /* CLASSAD_REAL; CLASSAD_RELATIVE_TIME: seconds */
        int64_t seconds;    /* CLASSAD_ABSOLUTE_TIME: since 1970, in UTC */
        const char *string; /* `length` bytes without a NUL among them; maybe none behind, too */
        const struct classad_list *list;
        const struct classad_scope *ad;
    };
};

/* The text of a CLASSAD_STRING. */
static inline struct slice classad_value_text(const struct classad_value *value)
{
    return (struct slice){.data = value->string, .length = value->length};
}

/* What cannot be understood in a text, and where. */
struct classad_failure {
    const char *at;      /* in the text that was given */
    const char *message; /* "expected ')' here" */
};

/* An expression, or a part of one; whoever owns the whole owns it. */
struct classad_node;
/* The owner of one expression. */
struct classad_expression;

/*
 * Compiles an expression, the whole text. Returns 0, or -EINVAL, or -E2BIG (CLASSAD_TEXT_SIZE_MAX)
 * with `ret_failure` set. The text is not needed afterwards.
 */
int classad_expression_parse(struct slice text, enum classad_spelling spelling,
                             struct classad_expression **ret_expression,
                             struct classad_failure *ret_failure);
void classad_expression_free(struct classad_expression *expression);
DEFINE_CLEANUP(struct classad_expression *, classad_expression_free);
#define _cleanup_classad_expression_ _cleanup_(classad_expression_free_p)

const struct classad_node *classad_expression_node(const struct classad_expression *expression);

/* Appends the expression so that it reads back to the same one. */
void classad_node_print(const struct classad_node *node, enum classad_spelling spelling,
                        struct buffer *text);
/* Whether the two are written the same way, but for white space and the case of names. */
bool classad_node_is_same(const struct classad_node *left, const struct classad_node *right);

enum classad_side {
    CLASSAD_SIDE_EITHER, /* a bare name: MY's if it has it, else TARGET's */
    CLASSAD_SIDE_MY,
    CLASSAD_SIDE_TARGET,
    CLASSAD_SIDE_SELECTED, /* x.name and x["name"], of whichever ad x turns out to be */
};

/*
 * Calls back with each attribute that the expression names, in the order of its text, as often as
 * it stands there; of names within nested ads, too. An empty name, SELECTED, is told for what can
 * look at attributes that the text does not name: eval(), x[y], and MY or TARGET as a value.
 */
typedef void classad_name_callback(void *user_data, enum classad_side side, struct slice name);
void classad_node_walk_names(const struct classad_node *node, classad_name_callback *callback,
                             void *user_data);

/* Whether it is a literal, in parentheses or not: the same value everywhere. */
bool classad_node_is_constant(const struct classad_node *node);

/*
 * What must be true, each for itself: the operands of the && at the top of the expression, in
 * order, without parentheses around them and around all. An expression without && has one.
 */
typedef void classad_condition_callback(void *user_data, const struct classad_node *condition);
void classad_node_walk_conditions(const struct classad_node *node,
                                  classad_condition_callback *callback, void *user_data);

struct classad;

struct classad *classad_new(void);
void classad_free(struct classad *ad);
DEFINE_CLEANUP(struct classad *, classad_free);
#define _cleanup_classad_ _cleanup_(classad_free_p)

/*
 * Sets an attribute; case of names is ignored, and the last value counts. Returns 0, -EINVAL or
 * -E2BIG with `ret_failure` set, as classad_expression_parse(); the ad is unchanged then.
 */
int classad_set(struct classad *ad, struct slice name, struct slice expression,
                enum classad_spelling spelling, struct classad_failure *ret_failure);
void classad_set_string(struct classad *ad, const char *name, struct slice value);
void classad_set_integer(struct classad *ad, const char *name, int64_t value);
void classad_set_real(struct classad *ad, const char *name, double value);
void classad_set_boolean(struct classad *ad, const char *name, bool value);
/* Takes it out if it is there. */
void classad_remove(struct classad *ad, const char *name);

/*
 * Adds the attributes of a text: "[ a = 1; ... ]", or one "name = expression" a line with '#'
 * comments. Returns as classad_set(), with what came before set.
 */
int classad_read(struct classad *ad, struct slice text, enum classad_spelling spelling,
                 struct classad_failure *ret_failure);
/* The same of old lines that others wrote: one that cannot be read is passed over. */
void classad_read_tolerantly(struct classad *ad, struct slice lines);
/* Appends the ad: "[ a = 1; b = 2 ]" on one line, or a line per attribute. */
void classad_print(const struct classad *ad, enum classad_spelling spelling, struct buffer *text);

/* In the order in which they were set first. */
size_t classad_count(const struct classad *ad);
struct slice classad_name(const struct classad *ad, size_t index);
const struct classad_node *classad_at(const struct classad *ad, size_t index);
/* The attribute's expression, which stays the ad's; NULL if there is none of that name. */
const struct classad_node *classad_get(const struct classad *ad, const char *name);

/* What an evaluation may know of the world, and its memory. */
struct classad_evaluator {
    int64_t now_seconds;        /* since 1970 */
    int32_t utc_offset_seconds; /* of the zone here, east of Greenwich */
    uint64_t seed;              /* of random(), which changes it */
    uint32_t step_count_max;    /* of one evaluation; 0: CLASSAD_STEP_COUNT_MAX */
    uint64_t steps_spent;       /* by all its evaluations so far */
    struct arena arena;         /* holds the values of the last evaluation */
};

#define CLASSAD_EVALUATOR_INIT      ((struct classad_evaluator){0})
#define _cleanup_classad_evaluator_ _cleanup_(classad_evaluator_deinit)
void classad_evaluator_deinit(struct classad_evaluator *evaluator);

/*
 * Evaluates an expression in `my` and `target`, which may be NULL. The value lives until the next
 * evaluation with this evaluator, and no longer than the expression and the ads.
 */
struct classad_value classad_evaluate(struct classad_evaluator *evaluator,
                                      const struct classad_node *node, const struct classad *my,
                                      const struct classad *target);
/* Evaluates an attribute of `my`; UNDEFINED if it has none of that name. */
struct classad_value classad_evaluate_attribute(struct classad_evaluator *evaluator,
                                                const char *name, const struct classad *my,
                                                const struct classad *target);

/*
 * Whether the expression looks, also through attributes of `my`, at a name that `my` does not have
 * or at one of TARGET. What eval() and a whole ad as a value look at does not count.
 */
bool classad_node_leads_out(const struct classad_node *node, const struct classad *my);
/* Calls back with each of these names, as often as one stands there. */
typedef void classad_outer_callback(void *user_data, struct slice name);
void classad_node_walk_outer(const struct classad_node *node, const struct classad *my,
                             classad_outer_callback *callback, void *user_data);
/*
 * Appends the expression, in the old spelling, as it is for those who have the other ad of the pair
 * and not `my`: what hangs on `my` alone is the value that it has now, and names that are left are
 * TARGET's. Of a condition less is left: it is true where the expression is; where that is not
 * true, it may be not true in another way, and at places where a part of it is ERROR, it may be
 * true. Returns whether TARGET still has a say. What would take too much work or more than size_max
 * bytes is "error".
 */
bool classad_resolve(struct classad_evaluator *evaluator, const struct classad_node *node,
                     const struct classad *my, bool is_condition, size_t size_max,
                     struct buffer *text);

/* Appends the value so that it reads back to the same value. */
void classad_value_print(const struct classad_value *value, enum classad_spelling spelling,
                         struct buffer *text);
/* Whether both are of one type and equal; lists and ads if they are written the same. */
bool classad_value_is_same(const struct classad_value *left, const struct classad_value *right);
/*
 * What counts as true and false in conditions: booleans and numbers, 0 being false. Returns false
 * for anything else, which is neither.
 */
static inline bool classad_value_as_boolean(const struct classad_value *value, bool *ret_boolean)
{
    if (value->type == CLASSAD_BOOLEAN)
        *ret_boolean = value->boolean;
    else if (value->type == CLASSAD_INTEGER)
        *ret_boolean = value->integer != 0;
    else if (value->type == CLASSAD_REAL)
        *ret_boolean = value->real != 0;
    else
        return false;
    return true;
}

/* A boolean or a number as a real; false for anything else. */
bool classad_value_as_real(const struct classad_value *value, double *ret_real);
