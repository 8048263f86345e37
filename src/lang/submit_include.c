/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements with a ':' (condor_submit(1), "Including commands from elsewhere", and HTCondor's
 * manual on SUBMIT_TEMPLATE_NAMES):
 *
 *     include : FILE                    lines of a file
 *     include ifexist : FILE            likewise, if there is one
 *     include command : COMMAND         lines that a command prints; "include : COMMAND |" too
 *     include command into FILE : COMMAND   likewise, kept in the file, which counts from then on
 *     use TEMPLATE : NAME(a, b), NAME   lines that somebody keeps for all
 *     use STRICT : true                 a template of HTCondor's own
 *     error : TEXT, warning : TEXT      which the reader says
 *
 * All of it happens on the submitter's side, through the world: the lines become part of the
 * submit as if they had stood there.
 */
#include "submit_internal.h"
#include "text.h"

#include <errno.h>
#include <string.h>

/* As deep as HTCondor goes. */
enum { INCLUDE_DEPTH_MAX = 20 };

struct statement {
    struct slice line;
    struct slice words; /* between the keyword and the ':' */
    struct slice rest;  /* behind the ':' */
};

/* Reads a source as lines, one level deeper; it may be as long as all that is included together. */
static int read_deeper(struct submit_reader *reader, struct slice text, const char *place)
{
    struct line_reader outer = reader->lines;
    size_t base = reader->condition_base;
    int r;

    if (reader->depth == INCLUDE_DEPTH_MAX)
        return reader_error(reader, place, -E2BIG, "includes are nested more than %d deep",
                            INCLUDE_DEPTH_MAX);
    if (text.length > SUBMIT_TEXT_SIZE_MAX - reader->included_size)
        return reader_error(reader, place, -E2BIG, "more than 64 MiB are included");
    reader->included_size += text.length;
    reader->depth++;
    reader->condition_base = reader->condition_count;
    r = reader_read_lines(reader, text);
    reader_end_conditions(reader, reader->condition_base);
    reader->condition_base = base;
    reader->depth--;
    reader->lines = outer;
    return r;
}

/* What an include statement asks for. */
struct include {
    bool may_be_missing; /* then there are no lines, and nobody is told */
    bool is_command;
    struct slice into; /* where the lines are kept; empty if nowhere */
    struct slice name; /* of the file, or the command */
};

/* Forgets an error about what need not be there. */
static int forgive(struct submit_reader *reader, int code)
{
    if (reader->err)
        error_clear(reader->err);
    return code;
}

/* Keeps what a command printed, for the next time that the text is read. */
static int write_included(struct submit_reader *reader, struct slice into, struct slice text)
{
    const struct submit_world *world = reader->submit->macros.world;
    _cleanup_free_ char *path = slice_copy(into);
    int r;

    if (!world->write_file)
        return reader_error(reader, into.data, -EINVAL, "files cannot be written here");
    r = world->write_file(world->user_data, path, text, reader->err);
    return r < 0 ? reader_blame_world(reader, into.data, r, "cannot keep what is included") : 0;
}

/*
 * As in HTCondor, a file that is there counts, however old, and the command is not run; the user
 * removes the file to have it run again. One that is there but cannot be read is not replaced.
 * Returns 1 if there is nothing to include and that is no mistake.
 */
static int load_included(struct submit_reader *reader, const struct include *include,
                         struct slice *ret_text)
{
    static const char what[] = "cannot include";
    int r;

    if (include->into.length > 0) {
        r = reader_load(reader, include->into, false, what, ret_text);
        if (r != -ENOENT)
            return r;
        (void)forgive(reader, r);
    }
    r = reader_load(reader, include->name, include->is_command, what, ret_text);
    /* A command that fails is missing, too. */
    if (include->may_be_missing && (r == -ENOENT || r == -ECHILD))
        return forgive(reader, 1);
    /* To forgive an error of this would lose what the command printed. */
    if (r == 0 && include->into.length > 0)
        r = write_included(reader, include->into, *ret_text);
    return r;
}

/* Takes the words between "include" and ':' off the front of *words, each of which may be there. */
static int read_include_words(struct submit_reader *reader, struct slice *words,
                              struct include *ret_include)
{
    struct slice word = text_take_word(words, "");
    int r = 0;

    if (slice_equals_ignoring_case(word, "ifexist") ||
        slice_equals_ignoring_case(word, "ifexists")) {
        ret_include->may_be_missing = true;
        word = text_take_word(words, "");
    }
    if (slice_equals_ignoring_case(word, "command") || slice_equals_ignoring_case(word, "output")) {
        ret_include->is_command = true;
        word = text_take_word(words, "");
    }
    if (ret_include->is_command && slice_equals_ignoring_case(word, "into")) {
        ret_include->into = text_take_word(words, "");
        r = reader_expand(reader, &ret_include->into, false);
        if (r == 0 && ret_include->into.length == 0)
            r = reader_error(reader, ret_include->into.data, -EINVAL,
                             "behind 'into' a file is missing");
        word = text_take_word(words, "");
    }
    if (r < 0 || word.length == 0)
        return r;
    reader_error(reader, word.data, -EINVAL, "'%.*s' cannot stand behind 'include'",
                 SLICE_SHOWN(word));
    error_hint(reader->err, "write 'include [ifexist] [command [into FILE]] : NAME'");
    return -EINVAL;
}

static int read_include(struct submit_reader *reader, struct statement *statement)
{
    struct slice words = statement->words, name = statement->rest, text;
    struct include include = {0};
    int r = read_include_words(reader, &words, &include);

    if (r == 0)
        r = reader_expand(reader, &name, false);
    if (r < 0)
        return r;
    if (name.length == 0)
        return reader_error(reader, name.data, -EINVAL, "behind 'include :' a file is missing");
    include.name = name;
    if (name.data[name.length - 1] == '|') {
        include.is_command = true;
        include.name = slice_trim((struct slice){name.data, name.length - 1});
    }
    r = load_included(reader, &include, &text);
    if (r != 0)
        return r < 0 ? r : 0;
    return read_deeper(reader, text, name.data);
}

/* The argument of that number, from 1, or with `and_rest` all from there on; empty if none. */
static struct slice find_argument(struct slice arguments, uint64_t number, bool and_rest)
{
    const char *end = arguments.data + arguments.length;
    struct slice argument;

    while (text_take_item(&arguments, ",", &argument)) {
        if (--number > 0)
            continue;
        if (and_rest)
            argument.length = (size_t)(end - argument.data);
        return slice_trim(argument);
    }
    return (struct slice){"", 0};
}

static uint64_t count_arguments(struct slice arguments)
{
    struct slice argument;
    uint64_t count = 0;

    while (text_take_item(&arguments, ",", &argument))
        count++;
    return count;
}

/* "$(1)", "$(1?)", "$(1+)", "$(0#)" or "$(1:fallback)", as HTCondor's metaknobs have them. */
struct placeholder {
    uint64_t number;
    char kind; /* '?', '+', '#' or 0 */
    struct slice fallback;
    size_t length; /* of the whole */
};

/* A fallback may hold parentheses in pairs. */
static bool read_placeholder(struct slice text, struct placeholder *placeholder)
{
    size_t at = 2, open = 0, start;

    *placeholder = (struct placeholder){0};
    if (text.length < 4 || text.data[0] != '$' || text.data[1] != '(')
        return false;
    for (; at < text.length && text_is_digit(text.data[at]) && at < 6; at++)
        placeholder->number = placeholder->number * 10 + (uint64_t)(text.data[at] - '0');
    if (at == 2)
        return false;
    if (at < text.length && memchr("?+#", text.data[at], 3))
        placeholder->kind = text.data[at++];
    start = at;
    for (; at < text.length && !(text.data[at] == ')' && open == 0); at++)
        open += text.data[at] == '(' ? 1 : text.data[at] == ')' ? (size_t)-1 : 0;
    if (at == text.length || (at > start && text.data[start] != ':'))
        return false;
    if (at > start)
        placeholder->fallback = (struct slice){text.data + start + 1, at - start - 1};
    placeholder->length = at + 1;
    return true;
}

static void append_placeholder(const struct placeholder *placeholder, struct slice arguments,
                               struct buffer *text)
{
    bool is_rest = placeholder->kind == '+' || placeholder->kind == '#';
    struct slice value;

    if (placeholder->number == 0 && is_rest) {
        buffer_appendf(text, "%llu", (unsigned long long)count_arguments(arguments));
        return;
    }
    value = placeholder->number == 0 ? slice_trim(arguments)
                                     : find_argument(arguments, placeholder->number, is_rest);
    if (placeholder->kind == '?')
        buffer_append_text(text, value.length > 0 ? "1" : "0");
    else
        buffer_append_slice(text, value.length > 0 ? value : placeholder->fallback);
}

/* -E2BIG if it becomes too long; a template that doubles its argument is no reason to run out. */
static int fill_template(struct slice text, struct slice arguments, struct buffer *filled)
{
    while (text.length > 0) {
        struct placeholder placeholder;

        if (text.data[0] == '$' && read_placeholder(text, &placeholder)) {
            append_placeholder(&placeholder, arguments, filled);
            text = text_behind(text, placeholder.length);
        } else {
            buffer_append_character(filled, text.data[0]);
            text = text_behind(text, 1);
        }
        if (filled->length > SUBMIT_TEXT_SIZE_MAX)
            return -E2BIG;
    }
    return 0;
}

/* The name decides about a file's: no way leads out of the folder of templates. */
static bool template_name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!text_is_of_name(name.data[i]) && name.data[i] != '-')
            return false;
    return name.length > 0;
}

/* Returns 0 with the template's text, 1 if there is none of that name. */
static int load_template(struct submit_reader *reader, struct slice name, struct buffer *text)
{
    const struct submit_world *world = reader->submit->macros.world;
    _cleanup_free_ char *copy = slice_copy(name);
    int r;

    if (!template_name_is_valid(name))
        return reader_error(reader, name.data, -EINVAL, "'%.*s' is not a name of a template",
                            SLICE_SHOWN(name));
    if (!world || !world->read_template)
        return reader_error(reader, name.data, -EINVAL, "templates cannot be read here");
    r = world->read_template(world->user_data, copy, text, reader->err);
    return r < 0 ? reader_blame_world(reader, name.data, r, "cannot use the template") : r;
}

int reader_find_template(struct submit_reader *reader, struct slice text, bool *ret_found)
{
    struct slice category = slice_trim(text_take(&text, ':'));
    _cleanup_buffer_ struct buffer template = BUFFER_INIT;
    int r;

    *ret_found = slice_equals_ignoring_case(category, "template");
    text = slice_trim(text);
    if (!*ret_found || text.length == 0)
        return 0;
    r = load_template(reader, text, &template);
    *ret_found = r == 0;
    return r < 0 ? r : 0;
}

static int use_template(struct submit_reader *reader, struct slice name, struct slice arguments)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, filled = BUFFER_INIT, source = BUFFER_INIT;
    struct slice lines;
    int r;

    r = load_template(reader, name, &text);
    if (r < 0)
        return r;
    if (r > 0) {
        reader_error(reader, name.data, -EINVAL, "there is no template '%.*s'", SLICE_SHOWN(name));
        error_hint(reader->err, "templates are files of that name in the folder 'templates' of "
                                "dusk's configuration");
        return -EINVAL;
    }
    if (fill_template((struct slice){buffer_text(&text), text.length}, arguments, &filled) < 0)
        return reader_error(reader, name.data, -E2BIG,
                            "with its arguments the template is longer "
                            "than 64 MiB");
    buffer_appendf(&source, "template '%.*s'", SLICE_SHOWN(name));
    r = reader_add_source(reader, buffer_text(&source),
                          (struct slice){buffer_text(&filled), filled.length}, name.data, &lines);
    return r < 0 ? r : read_deeper(reader, lines, name.data);
}

/* Takes "(a, b)" off the front, with parentheses in pairs; *ret_arguments is what is inside. */
static int take_arguments(struct submit_reader *reader, struct slice *text,
                          struct slice *ret_arguments)
{
    size_t open = 0, at = 0;

    *text = slice_trim(*text);
    *ret_arguments = (struct slice){"", 0};
    if (text->length == 0 || text->data[0] != '(')
        return 0;
    do {
        open += text->data[at] == '(' ? 1 : text->data[at] == ')' ? (size_t)-1 : 0;
        at++;
    } while (at < text->length && open > 0);
    if (open > 0)
        return reader_error(reader, text->data, -EINVAL, "this parenthesis is never closed");
    *ret_arguments = (struct slice){text->data + 1, at - 2};
    *text = text_behind(*text, at);
    return 0;
}

/* What HTCondor has for all by itself: how strict it is about the items of queue statements. */
static int use_strictness(struct submit_reader *reader, struct slice name)
{
    static const struct {
        const char *name;
        const char *lines;
    } kinds[] = {
        {"false", "SubmitWarnEmptyMatches = false\nSubmitFailEmptyMatches = false\n"
                  "SubmitWarnDuplicateMatches = false\n"
                  "SubmitWarnEmptyFields = false\nSubmitFailEmptyFields = false\n"},
        {"true", "SubmitWarnEmptyMatches = true\nSubmitFailEmptyMatches = true\n"
                 "SubmitWarnDuplicateMatches = true\n"
                 "SubmitWarnEmptyFields = true\nSubmitFailEmptyFields = false\n"},
        {"harsh", "SubmitWarnEmptyMatches = true\nSubmitFailEmptyMatches = true\n"
                  "SubmitWarnDuplicateMatches = true\n"
                  "SubmitWarnEmptyFields = true\nSubmitFailEmptyFields = true\n"},
    };

    static const char *const settings[] = {"SubmitWarnEmptyMatches", "SubmitFailEmptyMatches",
                                           "SubmitWarnDuplicateMatches", "SubmitWarnEmptyFields",
                                           "SubmitFailEmptyFields"};
    struct macros *macros = &reader->submit->macros;

    /* Nobody wrote their names, so nobody is told that nothing uses them. */
    for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
        uint32_t symbol = macros_symbol(macros, slice_from_text(settings[i]));

        macros->symbols[symbol].is_referenced = true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (slice_equals_ignoring_case(name, kinds[i].name))
            return read_deeper(reader,
                               sources_add(&reader->submit->sources, "use STRICT",
                                           slice_from_text(kinds[i].lines)),
                               name.data);
    reader_error(reader, name.data, -EINVAL, "there is no strictness '%.*s'", SLICE_SHOWN(name));
    error_hint(reader->err, "write 'use STRICT : true', false or harsh");
    return -EINVAL;
}

/* "NAME(a, b), NAME". */
static int read_use(struct submit_reader *reader, struct statement *statement)
{
    struct slice rest = statement->rest;
    int r;

    if (slice_equals_ignoring_case(statement->words, "strict"))
        return use_strictness(reader, rest);
    if (!slice_equals_ignoring_case(statement->words, "template")) {
        reader_error(reader, statement->words.length > 0 ? statement->words.data : rest.data,
                     -EINVAL, "only templates can be used");
        error_hint(reader->err, "write 'use TEMPLATE : NAME'");
        return -EINVAL;
    }
    r = reader_expand(reader, &rest, false);
    if (r == 0 && rest.length == 0)
        r = reader_error(reader, rest.data, -EINVAL, "behind 'use TEMPLATE :' a name is missing");
    while (r == 0 && rest.length > 0) {
        struct slice name = text_take_word(&rest, ",("), arguments;

        r = take_arguments(reader, &rest, &arguments);
        if (r == 0 && (name.length > 0 || arguments.length > 0))
            r = use_template(reader, name, arguments);
        rest = slice_trim(rest);
        if (rest.length > 0 && rest.data[0] == ',')
            rest = text_behind(rest, 1);
    }
    return r;
}

/* What the author of a text wants to be said is said whole, as far as anybody would read. */
#define MESSAGE_SHOWN(s) ((s).length < 1000 ? (int)(s).length : 1000), (s).data

static int read_error(struct submit_reader *reader, struct statement *statement)
{
    int r = reader_expand(reader, &statement->rest, true);

    return r < 0 ? r
                 : reader_error(reader, statement->line.data, -EINVAL, "%.*s",
                                MESSAGE_SHOWN(statement->rest));
}

static int read_warning(struct submit_reader *reader, struct statement *statement)
{
    int r = reader_expand(reader, &statement->rest, true);

    if (r == 0)
        reader_warn(reader, statement->line.data, "%.*s", MESSAGE_SHOWN(statement->rest));
    return r;
}

/* Whether the line is `word`, more words, ':', and the rest; the '@' in front says nothing. */
static bool divide(struct slice line, const char *word, struct statement *ret_statement)
{
    struct slice rest = line, first;
    size_t colon = 0;

    if (rest.length > 0 && rest.data[0] == '@')
        rest = text_behind(rest, 1);
    first = text_take_word(&rest, ":=@");
    if (!slice_equals_ignoring_case(first, word))
        return false;
    while (colon < rest.length && !memchr(":=@", rest.data[colon], 3))
        colon++;
    if (colon == rest.length || rest.data[colon] != ':')
        return false;
    *ret_statement = (struct statement){
        .line = line,
        .words = slice_trim((struct slice){rest.data, colon}),
        .rest = slice_trim(text_behind(rest, colon + 1)),
    };
    return true;
}

int reader_read_include(struct submit_reader *reader, struct slice line)
{
    static const struct {
        const char *word;
        int (*read)(struct submit_reader *reader, struct statement *statement);
    } kinds[] = {
        {"include", read_include},
        {"use", read_use},
        {"error", read_error},
        {"warning", read_warning},
    };
    struct statement statement;

    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (divide(line, kinds[i].word, &statement))
            return kinds[i].read(reader, &statement);
    return 1;
}
