/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of ClassAds, by recursive descent. Binary operators are read level by level, from ||
 * down to *; a run of one level becomes one chain node. How deep things stand within each other is
 * counted, so that neither reading nor walking the tree can use up the stack.
 */
#include "classad_internal.h"

#include "base/memory.h"

#include <errno.h>

enum { LEVEL_COUNT = 10 };

static const struct classad_node *parse_expression(struct parser *parser);

/* Keeps the first thing that went wrong, which is what the later ones come from. */
static const struct classad_node *fail_at(struct parser *parser, const char *at,
                                          const char *message)
{
    if (!parser->failure->message)
        *parser->failure = (struct classad_failure){.at = at, .message = message};
    return NULL;
}

static const struct classad_node *fail(struct parser *parser, const char *message)
{
    if (parser->token.kind == TOKEN_WRONG)
        message = parser->token.message;
    return fail_at(parser, parser->token.at, message);
}

static void advance(struct parser *parser)
{
    parser->token = classad_lex(&parser->lexer);
}

/* Goes on behind a token that must be there. */
static bool expect(struct parser *parser, enum token_kind kind, const char *message)
{
    if (parser->token.kind != kind) {
        fail(parser, message);
        return false;
    }
    advance(parser);
    return true;
}

static struct classad_node *make_empty(struct arena *arena, enum node_kind kind)
{
    struct classad_node *node = arena_allocate(arena, 1, sizeof(*node));

    *node = (struct classad_node){.kind = kind};
    return node;
}

const struct classad_node *classad_node_literal(struct arena *arena, struct classad_value value)
{
    struct classad_node *node = make_empty(arena, NODE_LITERAL);

    node->value = value;
    return node;
}

/* Operands as they come; they move into the arena when the node is made. */
struct operand_list {
    const struct classad_node **items; /* owned */
    size_t count;
    size_t capacity;
};

static void operand_list_deinit(struct operand_list *list)
{
    free(list->items);
}

/* Returns false if `operand` is NULL. */
static bool operand_list_add(struct operand_list *list, const struct classad_node *operand)
{
    if (!operand)
        return false;
    array_reserve(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = operand;
    return true;
}

static struct classad_node *make_node(struct parser *parser, enum node_kind kind,
                                      const struct operand_list *operands)
{
    struct classad_node *node = make_empty(parser->arena, kind);

    node->count = (uint32_t)operands->count;
    node->operands = arena_allocate(parser->arena, operands->count, sizeof(*node->operands));
    if (operands->count > 0)
        memcpy(node->operands, operands->items, operands->count * sizeof(*node->operands));
    return node;
}

static struct classad_node *make_node_of(struct parser *parser, enum node_kind kind, size_t count,
                                         const struct classad_node *first,
                                         const struct classad_node *second,
                                         const struct classad_node *third)
{
    const struct classad_node *items[] = {first, second, third};

    return make_node(parser, kind, &(struct operand_list){.items = items, .count = count});
}

static const struct classad_node *parse_literal(struct parser *parser, struct classad_value value)
{
    advance(parser);
    return classad_node_literal(parser->arena, value);
}

/* Expressions with commas between them, up to the token that closes them. */
static bool parse_operands(struct parser *parser, enum token_kind close, const char *message,
                           struct operand_list *operands)
{
    if (parser->token.kind == close) {
        advance(parser);
        return true;
    }
    for (;;) {
        if (!operand_list_add(operands, parse_expression(parser)))
            return false;
        if (parser->token.kind != TOKEN_COMMA)
            return expect(parser, close, message);
        advance(parser);
    }
}

static const struct classad_node *parse_call(struct parser *parser, struct slice name)
{
    _cleanup_(operand_list_deinit) struct operand_list operands = {0};
    struct classad_node *node;

    advance(parser);
    if (!parse_operands(parser, TOKEN_CLOSE_PARENTHESIS, "expected ',' or ')' here", &operands))
        return NULL;
    node = make_node(parser, NODE_CALL, &operands);
    node->name = name_from_slice(name);
    node->function = classad_function_find(name);
    if (node->function && parser->regexps)
        classad_call_prepare(node, parser->regexps);
    return node;
}

static const struct classad_node *parse_name(struct parser *parser)
{
    struct slice name = parser->token.text;
    struct classad_node *node;

    advance(parser);
    if (parser->token.kind == TOKEN_OPEN_PARENTHESIS)
        return parse_call(parser, name);
    node = make_empty(parser->arena, NODE_ATTRIBUTE);
    node->name = name_from_slice(name);
    return node;
}

/* .name */
static const struct classad_node *parse_root(struct parser *parser)
{
    struct classad_node *node = make_empty(parser->arena, NODE_ROOT);

    advance(parser);
    node->name = name_from_slice(parser->token.text);
    return expect(parser, TOKEN_NAME, "expected a name behind '.'") ? node : NULL;
}

static const struct classad_node *parse_parentheses(struct parser *parser)
{
    const struct classad_node *inner;

    advance(parser);
    inner = parse_expression(parser);
    if (!inner || !expect(parser, TOKEN_CLOSE_PARENTHESIS, "expected ')' here"))
        return NULL;
    return make_node_of(parser, NODE_PARENTHESES, 1, inner, NULL, NULL);
}

static const struct classad_node *parse_list(struct parser *parser)
{
    _cleanup_(operand_list_deinit) struct operand_list operands = {0};

    advance(parser);
    if (!parse_operands(parser, TOKEN_CLOSE_BRACE, "expected ',' or '}' here", &operands))
        return NULL;
    return make_node(parser, NODE_LIST, &operands);
}

static bool parse_attribute(struct parser *parser, struct attributes *attributes)
{
    struct name name = name_from_slice(parser->token.text);
    const struct classad_node *expression;

    if (!expect(parser, TOKEN_NAME, "expected the name of an attribute or ']' here") ||
        !expect(parser, TOKEN_ASSIGN, "expected '=' behind the name"))
        return false;
    expression = parse_expression(parser);
    if (expression)
        attributes_put(attributes, parser->arena, &name, expression);
    return expression;
}

/* "a = 1; b = 2 ]", with any number of semicolons. */
static bool parse_attributes(struct parser *parser, struct attributes *attributes)
{
    for (;;) {
        while (parser->token.kind == TOKEN_SEMICOLON)
            advance(parser);
        if (parser->token.kind == TOKEN_CLOSE_BRACKET)
            break;
        if (!parse_attribute(parser, attributes))
            return false;
        if (parser->token.kind != TOKEN_SEMICOLON)
            break;
    }
    return expect(parser, TOKEN_CLOSE_BRACKET, "expected ';' or ']' here");
}

static const struct classad_node *parse_ad(struct parser *parser)
{
    struct classad_node *node = make_empty(parser->arena, NODE_AD);
    struct attributes *attributes = arena_allocate(parser->arena, 1, sizeof(*attributes));

    *attributes = (struct attributes){0};
    node->attributes = attributes;
    advance(parser);
    return parse_attributes(parser, attributes) ? node : NULL;
}

static const struct classad_node *parse_primary(struct parser *parser)
{
    switch (parser->token.kind) {
    case TOKEN_UNDEFINED:
        return parse_literal(parser, VALUE_UNDEFINED);
    case TOKEN_ERROR:
        return parse_literal(parser, VALUE_ERROR);
    case TOKEN_BOOLEAN:
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        return parse_literal(parser, parser->token.value);
    case TOKEN_STRING:
        return parse_literal(parser, value_string(parser->token.text));
    case TOKEN_NAME:
        return parse_name(parser);
    case TOKEN_DOT:
        return parse_root(parser);
    case TOKEN_OPEN_PARENTHESIS:
        return parse_parentheses(parser);
    case TOKEN_OPEN_BRACE:
        return parse_list(parser);
    case TOKEN_OPEN_BRACKET:
        return parse_ad(parser);
    case TOKEN_END:
        return fail(parser, "the expression breaks off here");
    case TOKEN_WRONG:
    case TOKEN_OPERATOR:
    case TOKEN_ASSIGN:
    case TOKEN_QUESTION:
    case TOKEN_COLON:
    case TOKEN_COMMA:
    case TOKEN_SEMICOLON:
    case TOKEN_CLOSE_PARENTHESIS:
    case TOKEN_CLOSE_BRACKET:
    case TOKEN_CLOSE_BRACE:
        break;
    }
    return fail(parser, "expected a value here");
}

/* Whether it is MY or TARGET, from which nearly all selections are. */
static bool side_of(const struct classad_node *from, enum classad_side *ret_side)
{
    enum special special =
        from->kind == NODE_ATTRIBUTE ? special_from_name(from->name.text) : SPECIAL_NONE;

    *ret_side = special == SPECIAL_MY ? CLASSAD_SIDE_MY : CLASSAD_SIDE_TARGET;
    return special == SPECIAL_MY || special == SPECIAL_TARGET;
}

static const struct classad_node *parse_selection(struct parser *parser,
                                                  const struct classad_node *from)
{
    struct classad_node *node = make_node_of(parser, NODE_SELECT, 1, from, NULL, NULL);

    if (side_of(from, &node->side))
        node->kind = NODE_SELECT_SIDE;
    advance(parser);
    node->name = name_from_slice(parser->token.text);
    return expect(parser, TOKEN_NAME, "expected a name behind '.'") ? node : NULL;
}

static const struct classad_node *parse_subscript(struct parser *parser,
                                                  const struct classad_node *from)
{
    const struct classad_node *index;

    advance(parser);
    index = parse_expression(parser);
    if (!index || !expect(parser, TOKEN_CLOSE_BRACKET, "expected ']' here"))
        return NULL;
    return make_node_of(parser, NODE_SUBSCRIPT, 2, from, index, NULL);
}

/* a.b[1].c nests to the left without a parenthesis, so its length counts as depth. */
static const struct classad_node *parse_postfix(struct parser *parser)
{
    const struct classad_node *node = parse_primary(parser);
    uint32_t nesting = parser->nesting;

    while (node && (parser->token.kind == TOKEN_DOT || parser->token.kind == TOKEN_OPEN_BRACKET)) {
        if (parser->nesting++ == CLASSAD_NESTING_MAX)
            return fail(parser, "this nests too deep");
        node = parser->token.kind == TOKEN_DOT ? parse_selection(parser, node)
                                               : parse_subscript(parser, node);
    }
    parser->nesting = nesting;
    return node;
}

static bool unary_operator(const struct token *token, enum classad_operator *ret_operator)
{
    if (token->kind != TOKEN_OPERATOR)
        return false;
    *ret_operator = token->operation;
    if (token->operation == OPERATOR_ADD)
        *ret_operator = OPERATOR_PLUS;
    else if (token->operation == OPERATOR_SUBTRACT)
        *ret_operator = OPERATOR_MINUS;
    return *ret_operator == OPERATOR_PLUS || *ret_operator == OPERATOR_MINUS ||
           *ret_operator == OPERATOR_NOT || *ret_operator == OPERATOR_BIT_NOT;
}

/* A minus in front of a number becomes a part of it. */
static bool fold_minus(const struct classad_node *operand, struct classad_value *ret_value)
{
    if (operand->kind != NODE_LITERAL || !value_is_number(&operand->value))
        return false;
    *ret_value = classad_operate_unary(OPERATOR_MINUS, &operand->value);
    return true;
}

static const struct classad_node *parse_unary(struct parser *parser)
{
    enum classad_operator operation;
    const struct classad_node *operand;
    struct classad_value value;
    struct classad_node *node;

    if (!unary_operator(&parser->token, &operation))
        return parse_postfix(parser);
    if (parser->nesting == CLASSAD_NESTING_MAX)
        return fail(parser, "this nests too deep");
    advance(parser);
    /* So the smallest integer can be written, which has no positive counterpart. */
    if (operation == OPERATOR_MINUS && parser->token.kind == TOKEN_INTEGER &&
        parser->token.too_large)
        return parse_literal(parser, value_integer(INT64_MIN));
    parser->nesting++;
    operand = parse_unary(parser);
    parser->nesting--;
    if (!operand)
        return NULL;
    if (operation == OPERATOR_MINUS && fold_minus(operand, &value))
        return classad_node_literal(parser->arena, value);
    node = make_node_of(parser, NODE_UNARY, 1, operand, NULL, NULL);
    node->operation = operation;
    return node;
}

/* The level of a binary operator, 0 binding least; LEVEL_COUNT if it is none. */
static int operator_level(const struct token *token)
{
    if (token->kind != TOKEN_OPERATOR)
        return LEVEL_COUNT;
    switch (token->operation) {
    case OPERATOR_OR:
        return 0;
    case OPERATOR_AND:
        return 1;
    case OPERATOR_BIT_OR:
        return 2;
    case OPERATOR_BIT_XOR:
        return 3;
    case OPERATOR_BIT_AND:
        return 4;
    case OPERATOR_EQUAL:
    case OPERATOR_NOT_EQUAL:
    case OPERATOR_IS:
    case OPERATOR_ISNT:
        return 5;
    case OPERATOR_LESS:
    case OPERATOR_LESS_OR_EQUAL:
    case OPERATOR_GREATER:
    case OPERATOR_GREATER_OR_EQUAL:
        return 6;
    case OPERATOR_SHIFT_LEFT:
    case OPERATOR_SHIFT_RIGHT:
    case OPERATOR_SHIFT_RIGHT_UNSIGNED:
        return 7;
    case OPERATOR_ADD:
    case OPERATOR_SUBTRACT:
        return 8;
    case OPERATOR_MULTIPLY:
    case OPERATOR_DIVIDE:
    case OPERATOR_MODULUS:
        return 9;
    case OPERATOR_PLUS:
    case OPERATOR_MINUS:
    case OPERATOR_NOT:
    case OPERATOR_BIT_NOT:
        break;
    }
    return LEVEL_COUNT;
}

struct operator_list {
    enum classad_operator *items; /* owned */
    size_t count;
    size_t capacity;
};

static void operator_list_deinit(struct operator_list *list)
{
    free(list->items);
}

static const struct classad_node *parse_level(struct parser *parser, int level);

/* The rest of a run of operators of one level. */
static const struct classad_node *parse_chain(struct parser *parser, int level,
                                              const struct classad_node *first)
{
    _cleanup_(operand_list_deinit) struct operand_list operands = {0};
    _cleanup_(operator_list_deinit) struct operator_list operators = {0};
    struct classad_node *node;
    enum classad_operator *copy;

    operand_list_add(&operands, first);
    while (operator_level(&parser->token) == level) {
        array_reserve(operators.items, operators.capacity, operators.count + 1);
        operators.items[operators.count++] = parser->token.operation;
        advance(parser);
        if (!operand_list_add(&operands, parse_level(parser, level + 1)))
            return NULL;
    }
    node = make_node(parser, NODE_CHAIN, &operands);
    copy = arena_allocate(parser->arena, operators.count, sizeof(*copy));
    memcpy(copy, operators.items, operators.count * sizeof(*copy));
    node->operators = copy;
    return node;
}

/* An operand, and the operators behind it that bind at least as much as `level`. */
static const struct classad_node *parse_level(struct parser *parser, int level)
{
    const struct classad_node *node = parse_unary(parser);
    int next;

    while (node && (next = operator_level(&parser->token)) < LEVEL_COUNT && next >= level)
        node = parse_chain(parser, next, node);
    return node;
}

/* condition ? then : else, and condition ?: else. */
static const struct classad_node *parse_conditional(struct parser *parser)
{
    const struct classad_node *condition = parse_level(parser, 0), *then = NULL, *otherwise;

    if (!condition || parser->token.kind != TOKEN_QUESTION)
        return condition;
    advance(parser);
    if (parser->token.kind != TOKEN_COLON && !(then = parse_expression(parser)))
        return NULL;
    if (!expect(parser, TOKEN_COLON, "expected ':' here, as in a ? b : c"))
        return NULL;
    otherwise = parse_expression(parser);
    if (!otherwise)
        return NULL;
    if (!then)
        return make_node_of(parser, NODE_DEFAULT, 2, condition, otherwise, NULL);
    return make_node_of(parser, NODE_CONDITIONAL, 3, condition, then, otherwise);
}

static const struct classad_node *parse_expression(struct parser *parser)
{
    const struct classad_node *node;

    if (parser->nesting == CLASSAD_NESTING_MAX)
        return fail(parser, "this nests too deep");
    parser->nesting++;
    node = parse_conditional(parser);
    parser->nesting--;
    return node;
}

/* The failure's place is in the arena's copy; the caller knows his own text. */
static void relocate(struct classad_failure *failure, struct slice copy, struct slice text)
{
    failure->at = text.data + (failure->at - copy.data);
}

static struct parser begin(struct slice copy, enum classad_spelling spelling, struct arena *arena,
                           struct regexp **regexps, struct classad_failure *failure)
{
    struct parser parser = {
        .lexer = {.at = copy.data,
                  .end = copy.data + copy.length,
                  .spelling = spelling,
                  .arena = arena},
        .arena = arena,
        .regexps = regexps,
        .failure = failure,
    };

    *failure = (struct classad_failure){0};
    advance(&parser);
    return parser;
}

const struct classad_node *classad_parse_expression(struct slice text,
                                                    enum classad_spelling spelling,
                                                    struct arena *arena, struct regexp **regexps,
                                                    struct classad_failure *failure)
{
    struct slice copy = {arena_copy(arena, text), text.length};
    struct parser parser = begin(copy, spelling, arena, regexps, failure);
    const struct classad_node *node = parse_expression(&parser);

    if (node && parser.token.kind != TOKEN_END)
        node = fail(&parser, "expected an operator or the end here");
    if (!node)
        relocate(failure, copy, text);
    return node;
}

int classad_parse_ad(struct slice text, struct node_store *store, struct attributes *attributes,
                     struct classad_failure *failure)
{
    struct slice copy = {arena_copy(&store->arena, text), text.length};
    struct parser parser = begin(copy, CLASSAD_NEW, &store->arena, &store->regexps, failure);
    bool read = expect(&parser, TOKEN_OPEN_BRACKET, "expected '[' here") &&
                parse_attributes(&parser, attributes);

    if (read && parser.token.kind == TOKEN_END)
        return 0;
    fail(&parser, "expected the end here");
    relocate(failure, copy, text);
    return -EINVAL;
}
