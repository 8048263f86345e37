/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the classad_*.c share.
 *
 * An expression is a tree of nodes in an arena (classad_lex.c, classad_parse.c). Operators of one
 * precedence that stand beside each other are one node with many operands, so only what stands in
 * parentheses makes a tree deep, and walking it needs no more stack than the nesting allows. It is
 * evaluated by walking it (classad_evaluate.c); operators and functions compute with values
 * (classad_operate.c, classad_function*.c).
 */
#pragma once

#include "classad.h"

#include "date.h"
#include "text.h"

enum classad_operator {
    OPERATOR_LESS,
    OPERATOR_LESS_OR_EQUAL,
    OPERATOR_NOT_EQUAL,
    OPERATOR_EQUAL,
    OPERATOR_GREATER_OR_EQUAL,
    OPERATOR_GREATER,
    OPERATOR_IS,
    OPERATOR_ISNT,
    OPERATOR_ADD,
    OPERATOR_SUBTRACT,
    OPERATOR_MULTIPLY,
    OPERATOR_DIVIDE,
    OPERATOR_MODULUS,
    OPERATOR_OR,
    OPERATOR_AND,
    OPERATOR_BIT_OR,
    OPERATOR_BIT_XOR,
    OPERATOR_BIT_AND,
    OPERATOR_SHIFT_LEFT,
    OPERATOR_SHIFT_RIGHT,
    OPERATOR_SHIFT_RIGHT_UNSIGNED,
    OPERATOR_PLUS, /* the unary ones */
    OPERATOR_MINUS,
    OPERATOR_NOT,
    OPERATOR_BIT_NOT,
};

enum token_kind {
    TOKEN_END,
    TOKEN_WRONG, /* `message` says why */
    TOKEN_UNDEFINED,
    TOKEN_ERROR,
    TOKEN_BOOLEAN,
    TOKEN_INTEGER,
    TOKEN_REAL,
    TOKEN_STRING,
    TOKEN_NAME,
    TOKEN_OPERATOR,
    TOKEN_ASSIGN,
    TOKEN_QUESTION,
    TOKEN_COLON,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_OPEN_PARENTHESIS,
    TOKEN_CLOSE_PARENTHESIS,
    TOKEN_OPEN_BRACKET,
    TOKEN_CLOSE_BRACKET,
    TOKEN_OPEN_BRACE,
    TOKEN_CLOSE_BRACE,
};

struct token {
    enum token_kind kind;
    const char *at; /* in the text */
    const char *end;
    struct slice text;               /* of a string or a name; in the text or the arena */
    struct classad_value value;      /* of a number or a boolean */
    bool too_large;                  /* an integer that is cut to the largest one */
    enum classad_operator operation; /* PLUS and MINUS for both of their meanings */
    const char *message;
};

struct lexer {
    const char *at;
    const char *end;
    enum classad_spelling spelling;
    struct arena *arena; /* strings with escapes */
};

struct token classad_lex(struct lexer *lexer);
/* Whether it is read as a name without quotes around it. */
bool classad_word_is_name(struct slice word);

/* A name, and the hash of its letters in lower case. */
struct name {
    struct slice text;
    uint64_t hash;
};

struct name name_from_slice(struct slice text);
/* Of names above eight letters and of one length. */
bool name_equals_long(struct slice left, struct slice right);

/* A third of an evaluation is this. A short name's hash is that of no other name of its length. */
static inline bool name_equals(const struct name *left, const struct name *right)
{
    if (left->hash != right->hash || left->text.length != right->text.length)
        return false;
    return left->text.length <= sizeof(left->hash) || name_equals_long(left->text, right->text);
}

enum node_kind {
    NODE_LITERAL,
    NODE_ATTRIBUTE,   /* name */
    NODE_ROOT,        /* .name */
    NODE_SELECT,      /* operand.name */
    NODE_SELECT_SIDE, /* likewise, of MY or TARGET, which is `side` */
    NODE_SUBSCRIPT,   /* operand[index] */
    NODE_UNARY,       /* operator operand */
    NODE_CHAIN,       /* operand operator operand ... */
    NODE_CONDITIONAL, /* operand ? operand : operand */
    NODE_DEFAULT,     /* operand ?: operand */
    NODE_PARENTHESES, /* (operand) */
    NODE_CALL,        /* name(operand, ...) */
    NODE_LIST,        /* {operand, ...} */
    NODE_AD,          /* [name = operand; ...] */
};

struct classad_function;

struct classad_node {
    enum node_kind kind;
    enum classad_operator operation; /* NODE_UNARY */
    enum classad_side side;          /* NODE_SELECT_SIDE */
    uint32_t count;                  /* of operands */
    const struct classad_node **operands;
    const enum classad_operator *operators; /* NODE_CHAIN: count - 1 */
    struct name name;
    struct classad_value value;              /* NODE_LITERAL */
    const struct classad_function *function; /* NODE_CALL; NULL: there is none of that name */
    const struct attributes *attributes;     /* NODE_AD */
    struct regexp *regexp; /* NODE_CALL: of its first argument, if that is a literal */
};

/* Attributes by name: an array in the order of insertion, and a hash table of places in it. */
struct attribute {
    struct name name;
    const struct classad_node *expression;
};

struct attributes {
    bool has_special; /* one of them is called as what has a meaning: MY, TARGET and the like */
    struct attribute *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* index plus one; 0: empty */
    uint32_t slot_count;
};

const struct classad_node *attributes_find(const struct attributes *attributes,
                                           const struct name *name);

extern const struct attributes classad_no_attributes;
const struct attributes *classad_attributes(const struct classad *ad);

/* In the arena; may replace what the attribute was. */
void attributes_put(struct attributes *attributes, struct arena *arena, const struct name *name,
                    const struct classad_node *expression);

struct classad_list {
    const struct classad_node *node;
    const struct classad_scope *scope; /* where its elements are evaluated */
};

/* An ad in which names are looked up: first in it, then around it, last in the other ad. */
struct classad_scope {
    const struct attributes *attributes;
    const struct classad_scope *parent;
    const struct classad_scope *target; /* of the outermost */
};

/* What nodes live in: they, their texts, and the regular expressions that they hold. */
struct node_store {
    struct arena arena;
    struct regexp *regexps; /* owned chain */
};

struct parser {
    struct lexer lexer;
    struct token token;
    uint32_t nesting;
    struct arena *arena;
    struct regexp **regexps; /* NULL: none are made beforehand */
    struct classad_failure *failure;
};

/*
 * NULL with the failure set if it cannot be understood. The text is copied into the arena; regular
 * expressions that are literals are chained to `regexps` if that is given.
 */
const struct classad_node *classad_parse_expression(struct slice text,
                                                    enum classad_spelling spelling,
                                                    struct arena *arena, struct regexp **regexps,
                                                    struct classad_failure *failure);
/* "[ ... ]", the whole text. Returns 0 or -EINVAL with the failure set. */
int classad_parse_ad(struct slice text, struct node_store *store, struct attributes *attributes,
                     struct classad_failure *failure);

/* What a name means where no attribute is called so. */
enum special {
    SPECIAL_NONE,
    SPECIAL_MY, /* the ad itself; and so on */
    SPECIAL_TARGET,
    SPECIAL_PARENT,
    SPECIAL_ROOT,
    SPECIAL_CURRENT_TIME,
};

enum special special_from_name(struct slice name);

const struct classad_node *classad_node_literal(struct arena *arena, struct classad_value value);

void classad_name_print(struct slice name, struct buffer *text);
void attributes_print(const struct attributes *attributes, enum classad_spelling spelling,
                      struct buffer *text);

/* One evaluation. */
struct evaluation {
    struct classad_evaluator *evaluator;
    const struct classad_scope *scope;
    uint64_t steps_left;
    size_t bytes_left;
    uint32_t depth_left;
    uint32_t references_left;
};

struct classad_value classad_node_evaluate(struct evaluation *evaluation,
                                           const struct classad_node *node);
/* The same, with names looked up in `scope`. */
struct classad_value classad_node_evaluate_in(struct evaluation *evaluation,
                                              const struct classad_node *node,
                                              const struct classad_scope *scope);
/* Memory for values; NULL if the evaluation has used up what it may. */
void *evaluation_allocate(struct evaluation *evaluation, size_t count, size_t size);
/* A list value, or ERROR. */
struct classad_value evaluation_list(struct evaluation *evaluation, const struct classad_node *node,
                                     const struct classad_scope *scope);
/* A string value with a copy of the text, or ERROR. */
struct classad_value evaluation_string(struct evaluation *evaluation, struct slice text);
/* Counts work beside nodes; false if there was too much. */
bool evaluation_spend(struct evaluation *evaluation, size_t steps);

static inline bool classad_node_is_reference(const struct classad_node *node)
{
    return node->kind == NODE_ATTRIBUTE || node->kind == NODE_SELECT ||
           node->kind == NODE_SELECT_SIDE;
}

/*
 * The expression that a name or a selection stands for, and where it is to be evaluated; NULL if
 * there is none.
 */
const struct classad_node *classad_node_dereference(struct evaluation *evaluation,
                                                    const struct classad_node *node,
                                                    const struct classad_scope **ret_scope);

#define VALUE_UNDEFINED ((struct classad_value){.type = CLASSAD_UNDEFINED})
#define VALUE_ERROR     ((struct classad_value){.type = CLASSAD_ERROR})

static inline struct classad_value value_boolean(bool boolean)
{
    return (struct classad_value){.type = CLASSAD_BOOLEAN, .boolean = boolean};
}

static inline struct classad_value value_integer(int64_t integer)
{
    return (struct classad_value){.type = CLASSAD_INTEGER, .integer = integer};
}

static inline struct classad_value value_real(double real)
{
    return (struct classad_value){.type = CLASSAD_REAL, .real = real};
}

static inline struct classad_value value_relative_time(double seconds)
{
    return (struct classad_value){.type = CLASSAD_RELATIVE_TIME, .real = seconds};
}

/* Texts are bounded far below what a length can say (CLASSAD_VALUE_SIZE_MAX). */
static inline struct classad_value value_string(struct slice text)
{
    return (struct classad_value){
        .type = CLASSAD_STRING,
        .length = (uint32_t)text.length,
        .string = text.data,
    };
}

static inline struct slice value_text(const struct classad_value *value)
{
    return classad_value_text(value);
}

static inline struct classad_value value_time(int64_t seconds, int32_t offset_seconds)
{
    return (struct classad_value){
        .type = CLASSAD_ABSOLUTE_TIME,
        .offset_seconds = offset_seconds,
        .seconds = seconds,
    };
}

static inline bool value_is_number(const struct classad_value *value)
{
    return value->type == CLASSAD_INTEGER || value->type == CLASSAD_REAL;
}

/* Lists and ads. */
static inline bool value_is_compound(const struct classad_value *value)
{
    return value->type == CLASSAD_LIST || value->type == CLASSAD_AD;
}

/* classad_operate.c */
struct classad_value classad_operate(enum classad_operator operation,
                                     const struct classad_value *left,
                                     const struct classad_value *right);
/* -1, 0 or 1, by bytes; ASCII's case may be ignored. */
int text_order(struct slice left, struct slice right, bool ignore_case);
struct classad_value classad_operate_unary(enum classad_operator operation,
                                           const struct classad_value *operand);

/* classad_convert.c: what int(), real() and string() make of a value; may be UNDEFINED or ERROR. */
struct classad_value value_to_integer(struct evaluation *evaluation,
                                      const struct classad_value *value);
struct classad_value value_to_real(struct evaluation *evaluation,
                                   const struct classad_value *value);
struct classad_value value_to_string(struct evaluation *evaluation,
                                     const struct classad_value *value);
/* What B, K, M, G or T right behind a number multiply it by; 0 for any other character. */
int64_t unit_factor(char letter);
/* Towards zero; what does not fit becomes the nearest that does, NaN becomes 0. */
int64_t real_to_integer(double real);
void real_print(double real, enum classad_spelling spelling, struct buffer *text);

/* classad_time.c */
/* How far from Greenwich a zone can be: as far as four digits can say, "+99:99". */
enum { ZONE_SECONDS_MAX = 99 * 3600 + 99 * 60 };

/* An absolute time, or ERROR. */
struct classad_value absolute_time_parse(struct slice text, int32_t local_offset_seconds);
void absolute_time_print(const struct classad_value *time, struct buffer *text);
bool relative_time_parse(struct slice text, double *ret_seconds);
void relative_time_print(double seconds, struct buffer *text);

/* classad_time_format.c: appends it as strftime(3) does in the C locale. */
void date_format(const struct date *date, struct slice format, struct buffer *text);

/* classad_function.c: the table. */
struct call {
    struct evaluation *evaluation;
    const struct classad_node *node;
    const struct classad_node *const *arguments;
    uint32_t count;
    int variant;           /* which of the functions that share this code */
    struct regexp *regexp; /* owned; made for this call, because the node has none */
};

typedef struct classad_value classad_function_code(struct call *call);

struct classad_function {
    const char *name;
    classad_function_code *code;
    int variant;
    uint32_t count_min; /* of arguments; another number of them is ERROR */
    uint32_t count_max;
};

const struct classad_function *classad_function_find(struct slice name);
struct classad_value call_argument(struct call *call, uint32_t index);

/* The second of three expressions if the first is true, the third if it is false. */
struct classad_value evaluation_choose(struct evaluation *evaluation,
                                       const struct classad_node *const *operands);

/* Elements of a list value, evaluated. */
struct list_walk {
    struct evaluation *evaluation;
    const struct classad_node *node;
    const struct classad_scope *scope;
    uint32_t next;
};

struct list_walk list_walk_begin(struct evaluation *evaluation, const struct classad_value *list);
bool list_walk_next(struct list_walk *walk, struct classad_value *ret_value);

/* A list that is made of values. */
struct list_builder {
    struct evaluation *evaluation;
    const struct classad_node **items;
    size_t count;
    size_t capacity;
    bool failed; /* too large */
};

void list_builder_add(struct list_builder *builder, struct classad_value value);
struct classad_value list_builder_finish(struct list_builder *builder);

/* classad_function_regexp.c */
/*
 * Whether the text matches. ERROR if the pattern is none. `options` must be a string. Of all texts
 * that a call matches pattern and options must be the same: they are compiled once.
 */
struct classad_value regexp_match(struct call *call, const struct classad_value *pattern,
                                  const struct classad_value *options, struct slice text);
/* Makes the call's regular expression if it has one that never changes, and chains it. */
void classad_call_prepare(struct classad_node *call, struct regexp **regexps);
/* The whole chain; NULL is an empty one. */
void regexps_free(struct regexp *regexps);

classad_function_code classad_function_is_type, classad_function_if_then_else,
    classad_function_eval, classad_function_unparse, classad_function_unresolved,
    classad_function_debug, classad_function_each_context, classad_function_convert,
    classad_function_user;
classad_function_code classad_function_member, classad_function_size, classad_function_sum,
    classad_function_bound, classad_function_compare_all;
classad_function_code classad_function_concatenate, classad_function_join,
    classad_function_change_case, classad_function_substring, classad_function_compare_text,
    classad_function_compare_version, classad_function_version_in_range, classad_function_split,
    classad_function_split_at, classad_function_arguments, classad_function_environment;
classad_function_code classad_function_words_size, classad_function_words_sum,
    classad_function_words_member, classad_function_words_subset, classad_function_words_intersect;
classad_function_code classad_function_regexp, classad_function_regexp_member,
    classad_function_regexp_replace, classad_function_regexp_words;
classad_function_code classad_function_time, classad_function_make_time,
    classad_function_time_field, classad_function_split_time, classad_function_format_time,
    classad_function_interval;
classad_function_code classad_function_round, classad_function_power, classad_function_quantize,
    classad_function_random;
