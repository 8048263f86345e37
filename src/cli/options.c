/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See options.h. The words are first brought into the form that getopt_long() knows: one dash
 * becomes two before a known long word, and the words of an OPTION_WORDS become one value.
 */
#define _GNU_SOURCE
#include "options.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/spelling.h"
#include "command.h"
#include "exit_code.h"

#include <getopt.h>
#include <string.h>

const struct option_word options_of_server[2] = {
    {"server", KEY_SERVER, OPTION_VALUE, "HOST[:PORT]", "the pool's server, instead of a socket"},
    {"socket", KEY_SOCKET, OPTION_VALUE, "PATH", "the server's socket on this computer"},
};
const struct option_word options_of_all[1] = {
    {"help", 'h', OPTION_FLAG, NULL, "this text"},
};

struct options {
    const struct command *command;
    struct arena arena;
    const struct option_word *words; /* the command's and the common ones */
    size_t word_count;
    struct option *long_options;
    const char *short_options;
    char **argv; /* argv[0] is the command's name; a NULL behind */
    int argc;
    int first_operand;
};

/* The command's own words and the common ones; those of a server only where one is asked. */
static void collect_words(struct options *options)
{
    const struct command *command = options->command;
    size_t count =
        command->option_count + ARRAY_LENGTH(options_of_all) + ARRAY_LENGTH(options_of_server);
    struct option_word *words = arena_allocate(&options->arena, count, sizeof(*words));

    count = command->option_count;
    if (count > 0)
        memcpy(words, command->options, count * sizeof(*words));
    if (!command->is_local)
        for (size_t i = 0; i < ARRAY_LENGTH(options_of_server); i++)
            words[count++] = options_of_server[i];
    for (size_t i = 0; i < ARRAY_LENGTH(options_of_all); i++)
        words[count++] = options_of_all[i];
    options->words = words;
    options->word_count = count;
}

/* The tables of getopt_long(3). A leading '+' stops at the first operand, ':' asks to be told. */
static void build_tables(struct options *options)
{
    struct option *table = arena_allocate(&options->arena, options->word_count + 1, sizeof(*table));
    char *letters = arena_allocate(&options->arena, 2 * options->word_count + 3, 1);
    size_t length = 0;

    if (options->command->stops_at_operand)
        letters[length++] = '+';
    letters[length++] = ':';
    for (size_t i = 0; i < options->word_count; i++) {
        const struct option_word *word = &options->words[i];
        int has_value = word->kind == OPTION_FLAG ? no_argument : required_argument;

        table[i] = (struct option){.name = word->name, .has_arg = has_value, .val = word->key};
        if (word->key >= KEY_SERVER || !word->summary)
            continue;
        letters[length++] = (char)word->key;
        if (has_value != no_argument)
            letters[length++] = ':';
    }
    letters[length] = '\0';
    table[options->word_count] = (struct option){0};
    options->long_options = table;
    options->short_options = letters;
}

/* The long option that "-word", "--word", "--word=value" or "-af:jh" names exactly. */
static const struct option_word *find_long(const struct options *options, const char *argument)
{
    const char *name = argument + strspn(argument, "-");
    size_t length = strcspn(name, "=:");

    if (name == argument || length < 2)
        return NULL;
    for (size_t i = 0; i < options->word_count; i++)
        if (strlen(options->words[i].name) == length &&
            memcmp(options->words[i].name, name, length) == 0)
            return &options->words[i];
    return NULL;
}

static const struct option_word *word_of_key(const struct options *options, int key)
{
    for (size_t i = 0; i < options->word_count; i++)
        if (options->words[i].key == key)
            return &options->words[i];
    return NULL;
}

/* Whether a cluster of letters as "-fn" ends with an option whose value is the next word. */
static bool cluster_wants_value(const struct options *options, const char *argument)
{
    for (const char *letter = argument + 1; *letter; letter++) {
        const struct option_word *word = word_of_key(options, (unsigned char)*letter);

        /* What follows such a letter in its own word is its value: "-n5". */
        if (word && word->kind != OPTION_FLAG)
            return letter[1] == '\0';
    }
    return false;
}

static void add_word(struct options *options, const char *text)
{
    options->argv[options->argc++] = arena_copy(&options->arena, slice_from_text(text));
}

/*
 * Adds argv[i] in the form of getopt_long(), with what else belongs to it; returns how many words
 * were used up.
 */
static int add_option(struct options *options, int argc, char *const *argv, int i)
{
    const struct option_word *word = find_long(options, argv[i]);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const char *value;
    int used = 1;

    if (!word) {
        add_word(options, argv[i]);
        if (cluster_wants_value(options, argv[i]) && i + used < argc)
            add_word(options, argv[i + used++]);
        return used;
    }
    value = strpbrk(argv[i], "=:");
    buffer_appendf(&text, "--%s", word->name);
    if (value)
        buffer_appendf(&text, "=%s", *value == ':' ? value : value + 1);
    if (word->kind == OPTION_WORDS) {
        buffer_append_text(&text, value ? "" : "=");
        for (; i + used < argc && argv[i + used][0] != '-'; used++)
            buffer_appendf(&text, "%s%s", used > 1 || value ? " " : "", argv[i + used]);
    }
    add_word(options, text.data);
    if (word->kind == OPTION_VALUE && !value && i + used < argc)
        add_word(options, argv[i + used++]);
    return used;
}

/* A "-" alone is an operand, standard input; behind "--" everything is. */
static void translate(struct options *options, int argc, char *const *argv)
{
    bool all_operands = false;

    options->argv = arena_allocate(&options->arena, (size_t)argc + 2, sizeof(*options->argv));
    add_word(options, options->command->name);
    for (int i = 0; i < argc;) {
        bool is_operand = argv[i][0] != '-' || argv[i][1] == '\0';

        if (strcmp(argv[i], "--") == 0 || (is_operand && options->command->stops_at_operand))
            all_operands = true;
        if (all_operands || is_operand)
            add_word(options, argv[i++]);
        else
            i += add_option(options, argc, argv, i);
    }
    options->argv[options->argc] = NULL;
}

struct options *options_new(const struct command *command, int argc, char *const *argv)
{
    struct options *options = memory_allocate(sizeof(*options));

    options->command = command;
    collect_words(options);
    build_tables(options);
    translate(options, argc, argv);
    optind = 0; /* getopt(3): begins anew */
    opterr = 0;
    return options;
}

struct options *options_free(struct options *options)
{
    if (options)
        arena_deinit(&options->arena);
    free(options);
    return NULL;
}

int options_refuse(const struct command *command, struct error *err, const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    error_set(err, FAILURE_USAGE, "%s", buffer_text(&text));
    error_hint(err, "see 'dusk %s --help'", command->name);
    return FAILURE_USAGE;
}

/* getopt(3) tells three mistakes by one answer; optopt tells them apart. */
static int refuse_unknown(struct options *options, struct error *err)
{
    const char *name = options->command->name, *given = options->argv[optind - 1], *nearest;
    size_t length = strcspn(given, "=");
    _cleanup_free_ const char **candidates = NULL;
    _cleanup_free_ char *word = NULL;

    if (optopt != 0 && (optopt < KEY_SERVER && given[0] == '-' && given[1] != '-'))
        return options_refuse(options->command, err, "'dusk %s' has no option '-%c'", name, optopt);
    if (optopt != 0)
        return options_refuse(options->command, err, "the option '%.*s' takes no value",
                              (int)length, given);
    word = memory_copy_bytes(given, length);
    candidates = memory_resize(NULL, options->word_count, sizeof(*candidates));
    for (size_t i = 0; i < options->word_count; i++)
        candidates[i] = options->words[i].name;
    nearest = spelling_nearest(word + strspn(word, "-"), candidates, options->word_count);
    options_refuse(options->command, err, "'dusk %s' has no option '%s'", name, word);
    if (nearest)
        error_hint(err, "did you mean '--%s'? See 'dusk %s --help'", nearest, name);
    return FAILURE_USAGE;
}

int options_next(struct options *options, const char **ret_value, struct error *err)
{
    int key = getopt_long(options->argc, options->argv, options->short_options,
                          options->long_options, NULL);

    if (key == -1) {
        options->first_operand = optind;
        return 0;
    }
    if (key == '?')
        return refuse_unknown(options, err);
    if (key == ':') {
        const struct option_word *word = word_of_key(options, optopt);

        return options_refuse(options->command, err, "the option '--%s' needs a value: %s",
                              word->name, word->argument);
    }
    *ret_value = optarg;
    return key;
}

char *const *options_operands(const struct options *options, size_t *ret_count)
{
    *ret_count = (size_t)(options->argc - options->first_operand);
    return options->argv + options->first_operand;
}
