/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClassAds under any text: nothing may crash, hang or leak, and what is printed of an expression
 * and of a value must read back to the same. The first byte says how the text is read.
 */
#include "base/buffer.h"
#include "lang/classad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _noreturn_ void give_up(const char *what, const struct buffer *text)
{
    fprintf(stderr, "%s: %s\n", what, buffer_text(text));
    abort();
}

static struct classad_expression *parse(struct slice text, enum classad_spelling spelling)
{
    struct classad_expression *expression = NULL;
    struct classad_failure failure;

    if (classad_expression_parse(text, spelling, &expression, &failure) == 0)
        return expression;
    if (!failure.message || failure.at < text.data || failure.at > text.data + text.length)
        abort();
    return NULL;
}

static void check_printing(const struct classad_node *node)
{
    _cleanup_buffer_ struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    _cleanup_classad_expression_ struct classad_expression *copy = NULL;

    classad_node_print(node, CLASSAD_NEW, &once);
    if (once.length > CLASSAD_TEXT_SIZE_MAX)
        return;
    copy = parse((struct slice){buffer_text(&once), once.length}, CLASSAD_NEW);
    if (!copy)
        give_up("what was printed cannot be read", &once);
    classad_node_print(classad_expression_node(copy), CLASSAD_NEW, &twice);
    if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0)
        give_up("what was printed reads back to something else", &once);
}

static void count_name(void *user_data, enum classad_side side, struct slice name)
{
    (void)side;
    *(size_t *)user_data += name.length;
}

/*
 * What is too long or nests too deep to be read is let pass, and names in quotes, which the old
 * spelling has no escapes for.
 */
static bool can_be_read(const struct buffer *text, enum classad_spelling spelling)
{
    size_t depth = 0, deepest = 0;

    if (spelling == CLASSAD_OLD && memchr(text->data, '\'', text->length))
        return false;
    for (size_t i = 0; i < text->length; i++) {
        if (strchr("([{.?", text->data[i]))
            deepest = ++depth > deepest ? depth : deepest;
        else if (strchr(")]}", text->data[i]) && depth > 0)
            depth--;
    }
    return text->length < 100000 && deepest < CLASSAD_NESTING_MAX;
}

/* Prints the value, reads that and prints its value. */
static void check_value(const struct classad_value *value, enum classad_spelling spelling)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = {.seed = 1};
    _cleanup_buffer_ struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    _cleanup_classad_expression_ struct classad_expression *copy = NULL;
    struct classad_value read;

    classad_value_print(value, spelling, &once);
    if (!can_be_read(&once, spelling))
        return;
    copy = parse((struct slice){once.data, once.length}, spelling);
    if (!copy)
        give_up("the value that was printed cannot be read", &once);
    read = classad_evaluate(&evaluator, classad_expression_node(copy), NULL, NULL);
    classad_value_print(&read, spelling, &twice);
    if (strcmp(once.data, twice.data) != 0)
        give_up("the value that was printed reads back to another one", &once);
    /* Lists hold expressions, and NaN is not equal to itself. */
    if (value->type < CLASSAD_LIST && !classad_value_is_same(value, &read) &&
        classad_value_is_same(value, value))
        give_up("the value that was printed reads back to an unequal one", &once);
}

static void evaluate(const struct classad_node *node, const struct classad *my,
                     const struct classad *target)
{
    struct classad_evaluator evaluator = {.now_seconds = 1234567890, .seed = 1};
    struct classad_value value = classad_evaluate(&evaluator, node, my, target);

    if (!classad_value_is_same(&value, &value) && value.type < CLASSAD_LIST &&
        value.real == value.real)
        abort();
    check_value(&value, CLASSAD_NEW);
    check_value(&value, CLASSAD_OLD);
    classad_evaluator_deinit(&evaluator);
}

static void check_condition(void *user_data, const struct classad_node *condition)
{
    (void)user_data;
    check_printing(condition);
}

static void try_expression(struct slice text)
{
    _cleanup_classad_expression_ struct classad_expression *expression = parse(text, CLASSAD_NEW);
    _cleanup_classad_ struct classad *ad = classad_new();
    struct classad_failure failure;
    const struct classad_node *node;
    size_t names = 0;

    if (!expression)
        return;
    node = classad_expression_node(expression);
    check_printing(node);
    classad_node_walk_names(node, count_name, &names);
    classad_node_walk_conditions(node, check_condition, NULL);
    evaluate(node, NULL, NULL);
    if (classad_set(ad, slice_from_text("a"), text, CLASSAD_OLD, &failure) == 0)
        evaluate(node, ad, ad);
}

/* Whatever became of it can be read. */
static void resolve(const struct classad_node *node, const struct classad *my)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = {.seed = 1};
    _cleanup_classad_expression_ struct classad_expression *copy = NULL;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    bool is_open = classad_resolve(&evaluator, node, my, true, 4096, &text);

    if (is_open && !classad_node_leads_out(node, my))
        give_up("nothing leads out of the ad, and something is left", &text);
    copy = parse((struct slice){buffer_text(&text), text.length}, CLASSAD_OLD);
    if (!copy)
        give_up("what is left cannot be read", &text);
}

static void try_ad(struct slice text, enum classad_spelling spelling)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    _cleanup_buffer_ struct buffer printed = BUFFER_INIT;
    struct classad_failure failure;

    (void)classad_read(ad, text, spelling, &failure);
    for (size_t i = 0; i < classad_count(ad) && i < 20; i++) {
        evaluate(classad_at(ad, i), ad, NULL);
        resolve(classad_at(ad, i), ad);
    }
    classad_print(ad, spelling, &printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data + 1, size - 1};

    if (size == 0)
        return 0;
    if (data[0] == '[')
        try_ad((struct slice){(const char *)data, size}, CLASSAD_NEW);
    else if (data[0] == '#')
        try_ad(text, CLASSAD_OLD);
    else
        try_expression((struct slice){(const char *)data, size});
    return 0;
}
