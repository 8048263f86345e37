/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue statements (condor_submit(1), "queue"):
 *
 *     queue [count] [variables] in|from|matching [which] items
 *
 * Here the line is divided, and its count and variables are read; queue_items.c reads the items.
 * The macros of the statement's own line are expanded first, as HTCondor does it.
 */
#include "classad.h"
#include "queue_internal.h"
#include "text.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <errno.h>
#include <string.h>

/* The name stands in the frozen text once per statement, whose line must not become too long. */
enum { VARIABLE_LENGTH_MAX = 1000 };

static const char *const list_words[] = {
    [LIST_NONE] = "", [LIST_IN] = "in", [LIST_FROM] = "from", [LIST_MATCHING] = "matching"};

static void queue_deinit(struct queue *queue)
{
    free(queue->fields);
}

/* Finds the word that begins the list, and what stands before and behind it. */
static void queue_divide(struct queue *queue, struct slice text)
{
    struct slice rest = text;

    /* The first such word counts; a variable that is called "in" or "from" cannot be had. */
    queue->head = text;
    while (rest.length > 0) {
        struct slice word = text_take_word(&rest, "([");

        for (enum list_kind kind = LIST_IN; kind <= LIST_MATCHING; kind++)
            if (slice_equals_ignoring_case(word, list_words[kind])) {
                queue->kind = kind;
                queue->head.length = (size_t)(word.data - text.data);
                queue->list = slice_trim(rest);
                return;
            }
        /* A parenthesis where no list begins: it is passed over, and refused with the head. */
        if (word.length == 0 && rest.length > 0)
            rest = text_behind(rest, 1);
    }
}

/* Then there is no number: the first variable begins. */
static bool begins_with_name(struct slice text)
{
    return text.length > 0 && macro_name_is_valid((struct slice){text.data, 1});
}

/*
 * Where nothing but the number can stand it may be any ClassAd expression, as in HTCondor:
 * "queue ifThenElse(...)". False if it is none that gives an integer.
 */
static bool count_from_expression(struct queue *queue, struct slice text)
{
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    struct classad_failure failure;
    struct classad_value value;

    if (classad_expression_parse(text, CLASSAD_OLD, &expression, &failure) < 0)
        return false;
    value = classad_evaluate(&evaluator, classad_expression_node(expression), NULL, NULL);
    if (value.type != CLASSAD_INTEGER || value.integer < 0)
        return false;
    queue->count = (uint64_t)value.integer;
    return true;
}

/* The number in front, if there is one: an expression of integers. */
static int queue_read_count(struct queue *queue, struct slice *head)
{
    struct submit_reader *reader = queue->reader;
    struct arithmetic_failure failure;
    const char *at = head->data;
    struct number count;
    int r;

    queue->count = 1;
    if (queue->kind == LIST_NONE && head->length > 0 && count_from_expression(queue, *head)) {
        *head = text_behind(*head, head->length);
        return 0;
    }
    if (head->length == 0 || begins_with_name(*head))
        return 0;
    /* "queue = 10" looks like all the other lines, and is what beginners write. */
    if (head->data[0] == '=') {
        reader_error(reader, head->data, -EINVAL, "a queue statement has no '='");
        error_hint(reader->err, "write 'queue' and a number, as in 'queue 10'");
        return -EINVAL;
    }
    r = arithmetic_constant(&at, head->data + head->length, &count, &failure);
    if (r < 0)
        return reader_error(reader, failure.at, -EINVAL, "%s", failure.message);
    /* Rounding would make another number of tasks than was written. */
    if (count.is_real || count.integer < 0)
        return reader_error(reader, head->data, -EINVAL,
                            "the number of tasks must be a whole number, not negative");
    queue->count = (uint64_t)count.integer;
    *head = slice_trim(text_behind(*head, (size_t)(at - head->data)));
    return 0;
}

/* The task's own number would mean two things; "row" and "step" are popular, and HTCondor's word.
 */
static bool is_taken(enum macro_builtin builtin)
{
    return builtin != BUILTIN_NONE && builtin != BUILTIN_ROW && builtin != BUILTIN_STEP;
}

int queue_add_variable(struct queue *queue, struct slice name)
{
    struct submit_reader *reader = queue->reader;
    struct macros *macros = &reader->submit->macros;
    uint32_t symbol;

    if (!macro_name_is_valid(name))
        return reader_error(reader, name.data, -EINVAL, "'%.*s' is not a name of a variable",
                            SLICE_SHOWN(name));
    symbol = macros_symbol(macros, name);
    if (is_taken(macros->symbols[symbol].builtin)) {
        reader_error(reader, name.data, -EINVAL, "'%.*s' is set for each task already",
                     SLICE_SHOWN(name));
        error_hint(reader->err, "choose another name for the variable");
        return -EINVAL;
    }
    if (name.length > VARIABLE_LENGTH_MAX)
        return reader_error(reader, name.data, -E2BIG, "this name is longer than %d characters",
                            VARIABLE_LENGTH_MAX);
    /* Which of the two columns would count, nobody could say. */
    for (size_t i = 0; i < queue->variable_count; i++)
        if (queue->variables[i] == symbol)
            return reader_error(reader, name.data, -EINVAL, "variable '%.*s' is named twice",
                                SLICE_SHOWN(name));
    if (queue->variable_count == VARIABLE_COUNT_MAX)
        return reader_error(reader, name.data, -E2BIG, "there are more than %d variables",
                            VARIABLE_COUNT_MAX);
    /* Only such names are looked for among the variables. */
    macros->symbols[symbol].is_variable = true;
    queue->variables[queue->variable_count++] = symbol;
    return 0;
}

/* Words remain but no list begins: was one of them meant to begin it? */
static int queue_refuse_rest(struct queue *queue, struct slice rest)
{
    struct submit_reader *reader = queue->reader;
    const char *place = rest.data;
    int r;

    r = reader_error(reader, place, -EINVAL,
                     "here 'in', 'from' or the end of the line is expected");
    while (rest.length > 0) {
        struct slice word = text_take_word(&rest, ",([");
        _cleanup_free_ char *copy = slice_copy(word);
        const char *nearest = spelling_nearest(copy, list_words + 1, ARRAY_LENGTH(list_words) - 1);

        if (nearest && word.length > 1) {
            error_hint(reader->err, "did you mean '%s' by '%s'?", nearest, copy);
            break;
        }
        if (word.length == 0)
            rest = text_behind(rest, 1);
    }
    return r;
}

/* Without a word that begins a list, all there may be is a number. */
static int queue_read_head(struct queue *queue)
{
    struct slice head = slice_trim(queue->head);
    int r;

    r = reader_count_size(queue->reader, LINE_LENGTH_SPARE + head.length + 2, queue->place);
    if (r == 0)
        r = queue_read_count(queue, &head);
    if (r < 0)
        return r;
    if (queue->kind == LIST_NONE)
        return head.length > 0 ? queue_refuse_rest(queue, head) : 0;
    while (head.length > 0) {
        struct slice name = text_take_word(&head, ",");

        if (head.length > 0 && (head = slice_trim(head)).data[0] == ',')
            head = slice_trim(text_behind(head, 1));
        r = queue_add_variable(queue, name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What has grown goes where it stays. */
static void *arena_keep(struct arena *arena, const void *items, size_t count, size_t size)
{
    void *copy = arena_allocate(arena, count, size);

    if (count > 0)
        memcpy(copy, items, count * size);
    return copy;
}

/* Makes the part, unless it has no tasks. */
static int queue_add_part(struct queue *queue)
{
    struct submit *submit = queue->reader->submit;
    size_t rows = queue->kind == LIST_NONE ? 1 : queue->row_count;
    struct part part = {
        .repeat = queue->count,
        .variable_count = queue->variable_count,
        .row_count = rows,
        .has_templates = queue->has_templates,
        .horizon = (uint32_t)submit->macros.definition_count,
        .place = queue->place,
    };

    part.range.first = submit->task_count;
    if (__builtin_mul_overflow(queue->count, rows, &part.range.count) ||
        part.range.count > SUBMIT_TASK_COUNT_MAX - submit->task_count)
        return reader_error(queue->reader, queue->place, -E2BIG, "there are more than %llu tasks",
                            (unsigned long long)SUBMIT_TASK_COUNT_MAX);
    /* "queue 0" and an empty list are allowed: scripts make such files. */
    if (part.range.count == 0)
        return 0;
    if (submit->part_count == SUBMIT_PART_COUNT_MAX)
        return reader_error(queue->reader, queue->place, -E2BIG,
                            "there are more than %zu queue statements", SUBMIT_PART_COUNT_MAX);
    part.variables = arena_keep(&submit->arena, queue->variables, queue->variable_count,
                                sizeof(*queue->variables));
    part.fields =
        arena_keep(&submit->arena, queue->fields, queue->field_count, sizeof(*queue->fields));
    array_reserve(submit->parts, submit->part_capacity, submit->part_count + 1);
    submit->parts[submit->part_count++] = part;
    submit->task_count += part.range.count;
    return part_settle(queue->reader, &submit->parts[submit->part_count - 1]);
}

int queue_read(struct submit_reader *reader, struct slice arguments)
{
    _cleanup_(queue_deinit) struct queue queue = {.reader = reader, .place = arguments.data};
    int r;

    r = reader_expand(reader, &arguments, false);
    if (r < 0)
        return r;
    queue_divide(&queue, arguments);
    r = queue_read_head(&queue);
    if (r == 0 && queue.kind != LIST_NONE)
        r = queue_read_items(&queue, list_words[queue.kind]);
    return r < 0 ? r : queue_add_part(&queue);
}
