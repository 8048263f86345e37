/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a queue statement (condor_submit(1), "queue"):
 *
 *     in (a, b, c)                        tokens, also over several lines
 *     from (                              lines, up to one that begins with ')'
 *     from FILE                           lines of a file
 *     from COMMAND |                      lines that a command prints
 *     from TABLE FILE                     likewise; the first line names the variables
 *     matching [files|dirs|any] *.dat     what the patterns match, each name once
 *
 * [start:end:step] in front of the items chooses some of them, as in Python. A line is split among
 * several variables at commas and white space, the last one gets the rest. Items that hold macros
 * are compiled, so that expanding a task need not look for them.
 *
 * Two forms exist for programs: ASCII's unit separator (0x1f) in a line separates its fields, as
 * in HTCondor; and a line in record separators (0x1e) is never a comment nor an end of the list.
 *
 * Files and commands are read here and never again: the items become part of the submit, and the
 * frozen text lists them. So a job does not change when the file does, and the server, which reads
 * that text, opens no files of anybody's.
 */
#include "queue_internal.h"
#include "text.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

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

/* Takes a field off the front of *line, and the separator behind it; 0 is white space or a comma.
 */
static struct slice take_field(struct slice *line, char separator, bool last)
{
    struct slice field;

    /* The last variable gets the rest as it is, so that arguments with blanks can stand there. */
    if (last && separator != '\x1f') {
        field = *line;
        *line = text_behind(*line, line->length);
        return separator ? slice_trim(field) : field;
    }
    if (separator && separator != ' ')
        return slice_trim(text_take(line, separator));
    field = text_take_word(line, separator ? "" : ",");
    *line = slice_trim(*line);
    if (!separator && line->length > 0 && line->data[0] == ',')
        *line = slice_trim(text_behind(*line, 1));
    return field;
}

/* Where a line ends before its last variable. Told once: what is meant so is meant in many lines.
 */
static int queue_miss_field(struct queue *queue, uint32_t variable, const char *place)
{
    struct submit_reader *reader = queue->reader;
    const char *name = reader->submit->macros.symbols[variable].name;

    if (queue->rules.fails_for_no_field)
        return reader_error(reader, place, -EINVAL, "here a value for '%s' is missing", name);
    if (queue->rules.warns_of_no_field)
        reader_warn(reader, place, "here a value for '%s' is missing, so it is empty", name);
    queue->rules.warns_of_no_field = false;
    return 0;
}

/* A line that ends early leaves the variables behind it empty. */
static int queue_add_row(struct queue *queue, struct slice line)
{
    struct submit_reader *reader = queue->reader;
    char separator = memchr(line.data, '\x1f', line.length) ? '\x1f' : queue->separator;
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
        separator = '\x1f';
    }
    array_reserve(queue->fields, queue->field_capacity, needed);
    for (size_t i = 0; i < queue->variable_count; i++) {
        bool is_missing = line.length == 0;
        struct slice text = take_field(&line, separator, i + 1 == queue->variable_count);
        struct item_field field = {.data = text.data, .length = (uint32_t)text.length};

        if (is_missing)
            r = queue_miss_field(queue, queue->variables[i], text.data);
        if (r == 0)
            r = queue_compile_field(queue, queue->variables[i], &field);
        if (r < 0)
            return r;
        queue->fields[queue->field_count++] = field;
    }
    queue->row_count++;
    return 0;
}

/* The first line of a table: the names, between commas if there is one, else tabs or white space.
 */
static int queue_read_heading(struct queue *queue, struct slice line)
{
    static const char separators[] = "\x1f,\t";
    int r = 0;

    queue->separator = ' ';
    for (size_t i = 0; i < strlen(separators) && queue->separator == ' '; i++)
        if (memchr(line.data, separators[i], line.length))
            queue->separator = separators[i];
    while (r == 0 && line.length > 0)
        r = queue_add_variable(queue, take_field(&line, queue->separator, false));
    return r;
}

/* A line end could not be written down, white space around a name would be lost. */
static int queue_check_name(struct queue *queue, struct slice pattern, const char *name)
{
    struct slice whole = slice_from_text(name);

    bool holds_one = false;

    for (size_t i = 0; i < whole.length; i++)
        holds_one = holds_one || memchr("\n\r\x1e\x1f", name[i], 4);
    if (!holds_one && slice_trim(whole).length == whole.length && whole.length > 0)
        return 0;
    return reader_error(queue->reader, pattern.data, -EINVAL,
                        "'%.*s' cannot be an item: its name holds a line end or a separator, or "
                        "white space at an end",
                        SLICE_SHOWN(whole));
}

/* Each name once, whichever pattern it matched first. */
static int queue_add_names(struct queue *queue, struct slice pattern, const struct buffer *names)
{
    struct submit *submit = queue->reader->submit;
    _cleanup_buffer_ struct buffer source = BUFFER_INIT;
    struct slice rest = {buffer_text(names), names->length}, copy;
    int r = 0;

    buffer_appendf(&source, "matches of '%.*s'", SLICE_SHOWN(pattern));
    copy = sources_add(&submit->sources, buffer_text(&source), rest);
    while (r == 0 && copy.length > 0) {
        struct slice name = text_take(&copy, '\0');
        uint64_t seen;

        if (!queue->rules.allows_duplicates && string_map_get(&queue->matched, name.data, &seen)) {
            if (queue->rules.warns_of_duplicate)
                reader_warn(queue->reader, pattern.data,
                            "'%.*s' is matched a second time, and is one item", SLICE_SHOWN(name));
            continue;
        }
        string_map_put(&queue->matched, name.data, 1);
        r = queue_check_name(queue, pattern, name.data);
        if (r == 0)
            r = queue_add_row(queue, name);
    }
    return r;
}

/* One pattern; that nothing matches it is no error, as in HTCondor: the folder may be empty yet. */
static int queue_match(struct queue *queue, struct slice pattern)
{
    struct submit_reader *reader = queue->reader;
    const struct submit_world *world = reader->submit->macros.world;
    _cleanup_free_ char *copy = slice_copy(pattern);
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    int r;

    if (!world || !world->match_files)
        return reader_error(reader, pattern.data, -EINVAL, "files cannot be listed here");
    r = world->match_files(world->user_data, copy, queue->match, &names, reader->err);
    if (r < 0)
        return reader_blame_world(reader, pattern.data, r, "cannot list the items");
    if (names.length > SUBMIT_TEXT_SIZE_MAX)
        return reader_error(reader, pattern.data, -E2BIG, "this matches more than 64 MiB of names");
    if (names.length == 0 && queue->rules.fails_for_empty)
        return reader_error(reader, pattern.data, -EINVAL, "'%s' matches nothing", copy);
    if (names.length == 0 && queue->rules.warns_of_empty)
        reader_warn(reader, pattern.data, "'%s' matches nothing", copy);
    return queue_add_names(queue, pattern, &names);
}

/* Adds each token of an 'in' list's line, what each pattern matches, or the line itself. */
static int queue_add_line(struct queue *queue, struct slice line)
{
    int r = 0;

    if (queue->kind == LIST_FROM && line.length == 0)
        return 0;
    if (queue->kind == LIST_FROM)
        return queue->is_table && queue->variable_count == 0 ? queue_read_heading(queue, line)
                                                             : queue_add_row(queue, line);
    while (r == 0 && line.length > 0) {
        struct slice token = text_take_word(&line, ",");

        if (token.length > 0)
            r = queue->kind == LIST_MATCHING ? queue_match(queue, token)
                                             : queue_add_row(queue, token);
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

/* "queue x from seq 0 99": a file with white space in its name is rarer than a forgotten '|'. */
static void queue_hint_at_command(struct queue *queue)
{
    struct slice rest = queue->list;
    struct slice word = text_take_word(&rest, "");

    if (rest.length > 0 && !memchr(word.data, '.', word.length))
        error_hint(queue->reader->err,
                   "if '%.*s' is a command that prints the items, put '|' behind it: from %.*s |",
                   SLICE_SHOWN(word), SLICE_SHOWN(queue->list));
}

/* The lines of a file, or those that a command prints: '#' and ')' have no meaning there. */
static int queue_read_lines(struct queue *queue, struct slice name, bool is_command)
{
    struct submit *submit = queue->reader->submit;
    struct line_reader lines;
    struct slice text, line;
    int r;

    r = reader_load(queue->reader, name, is_command, "cannot read the items", &text);
    if (r == -ENOENT && !is_command)
        queue_hint_at_command(queue);
    if (r < 0)
        return r;
    line_reader_init(&lines, &submit->sources, &submit->arena, text);
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

/* An integer with a sign, which may be missing; false if it is larger than any list. */
static bool take_bound(struct slice *text, bool *ret_given, int64_t *ret_value)
{
    bool negative;
    int64_t value = 0;
    size_t digits = 0;

    *text = slice_trim(*text);
    negative = text->length > 0 && text->data[0] == '-';
    if (negative || (text->length > 0 && text->data[0] == '+'))
        *text = text_behind(*text, 1);
    for (; digits < text->length && text_is_digit(text->data[digits]); digits++) {
        value = value * 10 + (text->data[digits] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *text = slice_trim(text_behind(*text, digits));
    *ret_given = digits > 0;
    *ret_value = negative ? -value : value;
    return digits > 0 || !negative;
}

/* "[start:end:step]", each of which may be missing; "[5]" is "[5:]", as in HTCondor. */
static int queue_read_choice(struct queue *queue)
{
    struct item_choice *choice = &queue->choice;
    struct slice inside = text_behind(queue->list, 1);
    const char *close = inside.length > 0 ? memchr(inside.data, ']', inside.length) : NULL;
    const char *place = inside.data;
    struct slice start, end;
    bool has_step, valid;

    if (!close)
        return reader_error(queue->reader, queue->list.data, -EINVAL, "this '[' is never closed");
    queue->list =
        slice_trim((struct slice){close + 1, (size_t)(inside.data + inside.length - close) - 1});
    inside.length = (size_t)(close - inside.data);
    start = text_take(&inside, ':');
    end = text_take(&inside, ':');
    valid = take_bound(&start, &choice->has_start, &choice->start) && start.length == 0 &&
            take_bound(&end, &choice->has_end, &choice->end) && end.length == 0;
    valid = valid && take_bound(&inside, &has_step, &choice->step) && inside.length == 0;
    if (!valid || (has_step && choice->step == 0)) {
        reader_error(queue->reader, place, -EINVAL, "this is no choice of items");
        error_hint(queue->reader->err, "write [start:end] or [start:end:step], all of them whole "
                                       "numbers, the step not 0");
        return -EINVAL;
    }
    choice->step = has_step ? choice->step : 1;
    choice->given = true;
    return 0;
}

/* "files", "dirs", "any" or "table", if the next word is that; each may stand there once. */
static bool queue_take_qualifier(struct queue *queue)
{
    static const char *const words[] = {
        [SUBMIT_MATCH_ANY] = "any", [SUBMIT_MATCH_FILES] = "files", [SUBMIT_MATCH_DIRS] = "dirs"};
    struct slice rest = queue->list, word = text_take_word(&rest, "([");

    /* Alone it is what the items are, and no word before them: a file called "table". */
    if (slice_trim(rest).length == 0)
        return false;
    if (queue->kind == LIST_FROM && !queue->is_table && slice_equals_ignoring_case(word, "table")) {
        queue->is_table = true;
        queue->list = slice_trim(rest);
        return true;
    }
    for (size_t i = 0; queue->kind == LIST_MATCHING && i < ARRAY_LENGTH(words); i++)
        if (slice_equals_ignoring_case(word, words[i])) {
            queue->match = (enum submit_match)i;
            queue->list = slice_trim(rest);
            return true;
        }
    return false;
}

static int queue_read_qualifiers(struct queue *queue)
{
    int r = 0;

    for (;;) {
        if (queue->list.length > 0 && queue->list.data[0] == '[' && !queue->choice.given)
            r = queue_read_choice(queue);
        else if (!queue_take_qualifier(queue))
            break;
        if (r < 0)
            return r;
    }
    if (queue->is_table && queue->variable_count > 0)
        return reader_error(
            queue->reader, queue->place, -EINVAL,
            "the first line of a table names the variables, so none can stand here");
    if (queue->variable_count == 0 && !queue->is_table)
        return queue_add_variable(queue, slice_from_text("Item"));
    return 0;
}

/* As Python does it: what lies outside of the list is cut off. */
static int64_t choice_bound(bool given, int64_t value, int64_t missing, int64_t low, int64_t high,
                            int64_t count)
{
    if (!given)
        return missing;
    if (value < 0)
        value += count;
    return value < low ? low : value > high ? high : value;
}

static void queue_choose(struct queue *queue)
{
    const struct item_choice *choice = &queue->choice;
    int64_t count = (int64_t)queue->row_count, step = choice->step, start, end;
    size_t width = queue->variable_count;
    struct item_field *chosen = NULL;
    size_t capacity = 0, rows = 0;

    if (!choice->given)
        return;
    start = step > 0
                ? choice_bound(choice->has_start, choice->start, 0, 0, count, count)
                : choice_bound(choice->has_start, choice->start, count - 1, -1, count - 1, count);
    end = step > 0 ? choice_bound(choice->has_end, choice->end, count, 0, count, count)
                   : choice_bound(choice->has_end, choice->end, -1, -1, count - 1, count);
    for (int64_t i = start; step > 0 ? i < end : i > end; i += step, rows++) {
        array_reserve(chosen, capacity, (rows + 1) * width);
        memcpy(chosen + rows * width, queue->fields + (size_t)i * width, width * sizeof(*chosen));
    }
    free(queue->fields);
    queue->fields = chosen;
    queue->field_count = rows * width;
    queue->field_capacity = capacity;
    queue->row_count = rows;
}

/* A truth value that is set under either of its names, before this statement. */
static int read_rule(struct queue *queue, const char *name, const char *other, bool *ret_value)
{
    struct submit_reader *reader = queue->reader;
    struct slice value;
    int r;

    r = reader_find_value(reader, name, other, &value);
    if (r <= 0)
        return r;
    if (boolean_parse(value, ret_value))
        return 0;
    return reader_error(reader, value.data, -EINVAL, "%s must be true or false", name);
}

/* Whether patterns match directories, unless the statement itself says. */
static int read_match_rule(struct queue *queue)
{
    static const struct {
        const char *word;
        enum submit_match match;
    } words[] = {
        {"never", SUBMIT_MATCH_FILES}, {"no", SUBMIT_MATCH_FILES}, {"false", SUBMIT_MATCH_FILES},
        {"only", SUBMIT_MATCH_DIRS},   {"yes", SUBMIT_MATCH_ANY},  {"true", SUBMIT_MATCH_ANY},
    };
    struct slice value;
    int r;

    r = reader_find_value(queue->reader, "SubmitMatchDirectories", "submit_match_directories",
                          &value);
    if (r <= 0)
        return r;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (slice_equals_ignoring_case(value, words[i].word)) {
            queue->match = words[i].match;
            return 0;
        }
    return reader_error(queue->reader, value.data, -EINVAL,
                        "SubmitMatchDirectories must be yes, no or only");
}

static int queue_read_rules(struct queue *queue)
{
    struct item_rules *rules = &queue->rules;
    int r;

    *rules = (struct item_rules){
        .warns_of_empty = true, .warns_of_duplicate = true, .warns_of_no_field = true};
    r = read_rule(queue, "SubmitFailEmptyFields", "submit_fail_empty_fields",
                  &rules->fails_for_no_field);
    if (r == 0)
        r = read_rule(queue, "SubmitWarnEmptyFields", "submit_warn_empty_fields",
                      &rules->warns_of_no_field);
    if (r < 0 || queue->kind != LIST_MATCHING)
        return r;
    r = read_rule(queue, "SubmitWarnEmptyMatches", "submit_warn_empty_matches",
                  &rules->warns_of_empty);
    if (r == 0)
        r = read_rule(queue, "SubmitFailEmptyMatches", "submit_fail_empty_matches",
                      &rules->fails_for_empty);
    if (r == 0)
        r = read_rule(queue, "SubmitWarnDuplicateMatches", "submit_warn_duplicate_matches",
                      &rules->warns_of_duplicate);
    if (r == 0)
        r = read_rule(queue, "SubmitAllowDuplicateMatches", "submit_allow_duplicate_matches",
                      &rules->allows_duplicates);
    return r == 0 ? read_match_rule(queue) : r;
}

/* What is there, by its first or last character. */
static int queue_read_list(struct queue *queue)
{
    struct slice list = queue->list;

    if (list.data[0] == '(')
        return queue_read_parentheses(queue);
    if (queue->kind != LIST_FROM)
        return queue_add_line(queue, list);
    if (list.data[list.length - 1] == '|')
        return queue_read_lines(queue, slice_trim((struct slice){list.data, list.length - 1}),
                                true);
    return queue_read_lines(queue, list, false);
}

int queue_read_items(struct queue *queue, const char *word)
{
    int r;

    string_map_init(&queue->matched, false);
    r = queue_read_rules(queue);
    if (r == 0)
        r = queue_read_qualifiers(queue);
    if (r == 0 && queue->list.length == 0)
        r = reader_error(queue->reader, queue->list.data, -EINVAL,
                         "behind '%s' the items are missing", word);
    if (r == 0)
        r = queue_read_list(queue);
    if (r == 0)
        queue_choose(queue);
    string_map_deinit(&queue->matched);
    return r;
}
