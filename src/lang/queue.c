/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue statements (condor_submit(1), "queue"):
 *
 *     queue [count] [variables] in (a, b, c)        tokens, also over several lines
 *     queue [count] [variables] from (              lines, up to one that begins with ')'
 *     queue [count] [variables] from FILE           lines of a file
 *     queue [count] [variables] from COMMAND |      lines that a command prints
 *
 * The macros of the statement's own line are expanded first, as HTCondor does it. A line is split
 * among several variables at commas and white space, the last one gets the rest. Items that hold
 * macros are compiled, so that expanding a task need not look for them.
 *
 * Two forms exist for programs: ASCII's unit separator (0x1f) in a line separates its fields, as
 * in HTCondor; and a line in record separators (0x1e) is never a comment nor an end of the list.
 *
 * Files and commands are read here and never again: the items become part of the submit, and the
 * frozen text lists them. So a job does not change when the file does, and the server, which reads
 * that text, opens no files of anybody's.
 */
#include "submit_internal.h"
#include "text.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <errno.h>
#include <string.h>

/* The name stands in the frozen text once per statement, whose line must not become too long. */
enum { VARIABLE_LENGTH_MAX = 1000 };

enum list_kind { LIST_NONE, LIST_IN, LIST_FROM, LIST_MATCHING };

static const char *const list_words[] = {
    [LIST_NONE] = "", [LIST_IN] = "in", [LIST_FROM] = "from", [LIST_MATCHING] = "matching"};

/* One statement being read. */
struct queue {
    struct submit_reader *reader;
    const char *place;
    struct slice head; /* count and variables */
    enum list_kind kind;
    struct slice list; /* what stands behind the word */
    uint64_t count;
    uint32_t variables[VARIABLE_COUNT_MAX];
    size_t variable_count;
    struct item_field *fields; /* owned */
    size_t field_count;
    size_t field_capacity;
    size_t row_count;
    bool has_templates;
};

static void queue_deinit(struct queue *queue)
{
    free(queue->fields);
}

/* Takes the next word off the front of *text: up to white space, or one of `stops`. */
static struct slice take_word(struct slice *text, const char *stops)
{
    struct slice word = {0};

    *text = slice_trim(*text);
    word.data = text->data;
    while (word.length < text->length && !text_is_space(word.data[word.length]) &&
           !strchr(stops, word.data[word.length]))
        word.length++;
    *text = text_behind(*text, word.length);
    return word;
}

/* Replaces the macros in the statement's own line. */
static int queue_expand(struct queue *queue, struct slice *text)
{
    struct submit *submit = queue->reader->submit;
    struct macro_scope scope = {.horizon = (uint32_t)submit->macros.definition_count};
    struct expansion expansion = {
        .macros = &submit->macros, .scope = &scope, .steps_left = queue->reader->steps_left};
    _cleanup_buffer_ struct buffer expanded = BUFFER_INIT;
    struct template template;
    const char *origin = text->data;
    int r;

    /* Nothing to replace, and places stay exact. */
    if (!memchr(text->data, '$', text->length))
        return 0;
    r = macros_compile(&submit->macros, *text, MACRO_NONE, &template, queue->reader->err);
    if (r == 0)
        r = macros_expand(&expansion, &template, &expanded, queue->reader->err);
    if (r == 0)
        r = reader_count_size(queue->reader, expanded.length, origin);
    if (r < 0)
        return r;
    queue->reader->steps_left = expansion.steps_left;
    *text = (struct slice){.length = expanded.length};
    text->data = arena_copy(&submit->arena, (struct slice){expanded.data, expanded.length});
    sources_add_copy(&submit->sources, *text, origin, true);
    *text = slice_trim(*text);
    return 0;
}

/* Finds the word that begins the list, and what stands before and behind it. */
static void queue_divide(struct queue *queue, struct slice text)
{
    struct slice rest = text;

    /* The first such word counts; a variable that is called "in" or "from" cannot be had. */
    queue->head = text;
    while (rest.length > 0) {
        struct slice word = take_word(&rest, "([");

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

/* The number in front, if there is one: an expression of integers. */
static int queue_read_count(struct queue *queue, struct slice *head)
{
    struct submit_reader *reader = queue->reader;
    struct arithmetic_failure failure;
    const char *at = head->data;
    struct number count;
    int r;

    queue->count = 1;
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

/* Names that are set for each task anyway would be set twice. */
static int queue_add_variable(struct queue *queue, struct slice name)
{
    struct submit_reader *reader = queue->reader;
    struct macros *macros = &reader->submit->macros;
    uint32_t symbol;

    if (!macro_name_is_valid(name))
        return reader_error(reader, name.data, -EINVAL, "'%.*s' is not a name of a variable",
                            SLICE_SHOWN(name));
    symbol = macros_symbol(macros, name);
    if (macros->symbols[symbol].builtin != BUILTIN_NONE) {
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
        struct slice word = take_word(&rest, ",([");
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
        struct slice name = take_word(&head, ",");

        if (head.length > 0 && (head = slice_trim(head)).data[0] == ',')
            head = slice_trim(text_behind(head, 1));
        r = queue_add_variable(queue, name);
        if (r < 0)
            return r;
    }
    return queue->variable_count > 0 ? 0 : queue_add_variable(queue, slice_from_text("Item"));
}

/* Compiles a field if it holds macros. */
static int queue_compile_field(struct queue *queue, uint32_t variable, struct item_field *field)
{
    struct submit *submit = queue->reader->submit;
    struct slice value = {.data = field->data, .length = field->length};
    struct template template;
    int r;

    /* Most items are plain, and a list may have millions: those cost no template. */
    if (value.length == 0 || !memchr(value.data, '$', value.length))
        return 0;
    r = macros_compile(&submit->macros, value, variable, &template, queue->reader->err);
    if (r < 0)
        return r;
    array_reserve(submit->item_templates, submit->item_template_capacity,
                  submit->item_template_count + 1);
    submit->item_templates[submit->item_template_count++] = template;
    field->template = (uint32_t)submit->item_template_count;
    queue->has_templates = true;
    return 0;
}

/* Takes a field off the front of *line, and the separator behind it. */
static struct slice take_field(struct slice *line, bool separated, bool last)
{
    struct slice field;

    if (separated)
        return slice_trim(text_take(line, '\x1f'));
    /* The last variable gets the rest as it is, so that arguments with blanks can stand there. */
    if (last) {
        field = *line;
        *line = text_behind(*line, line->length);
        return field;
    }
    field = take_word(line, ",");
    *line = slice_trim(*line);
    if (line->length > 0 && line->data[0] == ',')
        *line = slice_trim(text_behind(*line, 1));
    return field;
}

/* A line that ends early leaves the variables behind it empty. */
static int queue_add_row(struct queue *queue, struct slice line)
{
    struct submit_reader *reader = queue->reader;
    bool separated = memchr(line.data, '\x1f', line.length) != NULL;
    size_t needed = queue->field_count + queue->variable_count;
    int r;

    if (needed > SUBMIT_FIELD_COUNT_MAX || queue->row_count == SUBMIT_TASK_COUNT_MAX)
        return reader_error(reader, line.data, -E2BIG, "this list of items is too long");
    if (line.length > SUBMIT_LINE_LENGTH_MAX - LINE_LENGTH_SPARE - VARIABLE_COUNT_MAX)
        return reader_error(reader, line.data, -E2BIG, "this item is too long");
    r = reader_count_size(reader, line.length + queue->variable_count + 3, line.data);
    if (r < 0)
        return r;
    /* As freezing writes what would not read back otherwise, a field that begins with '#' say. */
    if (line.length > 1 && line.data[0] == '\x1e' && line.data[line.length - 1] == '\x1e') {
        line = (struct slice){line.data + 1, line.length - 2};
        separated = true;
    }
    array_reserve(queue->fields, queue->field_capacity, needed);
    for (size_t i = 0; i < queue->variable_count; i++) {
        struct slice text = take_field(&line, separated, i + 1 == queue->variable_count);
        struct item_field field = {.data = text.data, .length = (uint32_t)text.length};

        r = queue_compile_field(queue, queue->variables[i], &field);
        if (r < 0)
            return r;
        queue->fields[queue->field_count++] = field;
    }
    queue->row_count++;
    return 0;
}

/* Adds each token of an 'in' list's line, or the line itself. */
static int queue_add_line(struct queue *queue, struct slice line)
{
    int r = 0;

    if (queue->kind == LIST_FROM)
        return line.length > 0 ? queue_add_row(queue, line) : 0;
    while (r == 0 && line.length > 0) {
        struct slice token = take_word(&line, ",");

        if (token.length > 0)
            r = queue_add_row(queue, token);
        else if (line.length > 0)
            line = text_behind(line, 1);
    }
    return r;
}

/* The list in parentheses: on this line, or up to a line that begins with ')'. */
static int queue_read_parentheses(struct queue *queue)
{
    struct slice inside = slice_trim(text_behind(queue->list, 1));
    struct slice line;
    int r;

    if (inside.length > 0 && inside.data[inside.length - 1] == ')') {
        inside.length--;
        return queue_add_line(queue, slice_trim(inside));
    }
    r = queue_add_line(queue, inside);
    while (r == 0) {
        r = line_reader_next(&queue->reader->lines, &line, queue->reader->err);
        if (r < 0)
            return r;
        if (r == 0) {
            reader_error(queue->reader, queue->list.data, -EINVAL,
                         "this list of items is never closed");
            error_hint(queue->reader->err, "put ')' on a line of its own behind the last item");
            return -EINVAL;
        }
        if (line.data[0] == ')')
            return 0;
        r = queue_add_line(queue, line);
    }
    return r;
}

/* The text of a file or of a command: '#' and ')' have no meaning there. */
static int queue_add_lines(struct queue *queue, const char *name, const struct buffer *text)
{
    struct submit *submit = queue->reader->submit;
    struct line_reader lines;
    struct slice copy, line;
    int r;

    if (text->length > SUBMIT_TEXT_SIZE_MAX)
        return reader_error(queue->reader, queue->list.data, -E2BIG,
                            "%s gives more than 64 MiB of items", name);
    copy = sources_add(&submit->sources, name, (struct slice){buffer_text(text), text->length});
    if (memchr(copy.data, '\0', copy.length))
        return reader_error(queue->reader, memchr(copy.data, '\0', copy.length), -EINVAL,
                            "this is not text: it holds a NUL byte");
    line_reader_init(&lines, &submit->sources, &submit->arena, copy);
    lines.keep_comments = true;
    do {
        r = line_reader_next(&lines, &line, queue->reader->err);
        if (r == 0)
            return 0;
        if (r > 0)
            r = queue_add_line(queue, line);
    } while (r == 0);
    return r;
}

/* Only the submitter can run it; the frozen text holds what it printed. */
static int queue_read_command(struct queue *queue, struct slice command)
{
    const struct submit_world *world = queue->reader->submit->macros.world;
    _cleanup_free_ char *copy = slice_copy(command);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, name = BUFFER_INIT;
    int r;

    if (!world || !world->run_command)
        return reader_error(queue->reader, command.data, -EINVAL, "commands cannot be run here");
    r = world->run_command(world->user_data, copy, &text, queue->reader->err);
    if (r < 0)
        return error_prefix(queue->reader->err, r, "cannot read the items of '%s'", copy);
    buffer_appendf(&name, "output of '%s'", copy);
    return queue_add_lines(queue, buffer_text(&name), &text);
}

static int queue_read_file(struct queue *queue)
{
    const struct submit_world *world = queue->reader->submit->macros.world;
    _cleanup_free_ char *path = slice_copy(queue->list);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r;

    if (!world || !world->read_file)
        return reader_error(queue->reader, queue->list.data, -EINVAL, "files cannot be read here");
    r = world->read_file(world->user_data, path, &text, queue->reader->err);
    if (r < 0)
        return error_prefix(queue->reader->err, r, "cannot read the items");
    return queue_add_lines(queue, path, &text);
}

/*
 * Behind the word: what is there, by its first or last character. What HTCondor has beyond that is
 * refused by name; taken for the name of a file it would only not be found.
 */
static int queue_read_list(struct queue *queue)
{
    struct submit_reader *reader = queue->reader;
    struct slice list = queue->list;

    if (queue->kind == LIST_MATCHING)
        return reader_error(reader, queue->place, -EINVAL, "'queue ... matching' is not there yet");
    if (list.length == 0)
        return reader_error(reader, list.data, -EINVAL, "behind '%s' the items are missing",
                            list_words[queue->kind]);
    if (list.data[0] == '[')
        return reader_error(reader, list.data, -EINVAL, "slices are not there yet");
    if (list.data[0] == '(')
        return queue_read_parentheses(queue);
    if (queue->kind == LIST_IN)
        return queue_add_line(queue, list);
    if (list.data[list.length - 1] == '|')
        return queue_read_command(queue, slice_trim((struct slice){list.data, list.length - 1}));
    return queue_read_file(queue);
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

    r = queue_expand(&queue, &arguments);
    if (r < 0)
        return r;
    queue_divide(&queue, arguments);
    r = queue_read_head(&queue);
    if (r == 0 && queue.kind != LIST_NONE)
        r = queue_read_list(&queue);
    return r < 0 ? r : queue_add_part(&queue);
}
