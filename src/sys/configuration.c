/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See configuration.h. The command line is taken apart first, because it names the file; nothing
 * of it is set before its turn. What was set of each key, and by whom, is kept for --show-config.
 */
#define _GNU_SOURCE
#include "configuration.h"

#include "base/json_write.h"
#include "base/memory.h"
#include "base/spelling.h"
#include "file.h"
#include "terminal.h"
#include "text.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_HELP = 'h',
    OPTION_CONFIG = 'c',
    OPTION_SHOW = 256,
    OPTION_JSON,
    OPTION_SET,
    OPTION_KEY
};
enum { OPTIONS_OF_ALL = 5, SUMMARY_COLUMN = 28 };

struct value {
    char *text;   /* owned; NULL: nobody said anything */
    char *origin; /* owned; for people: "--cpus", "DUSK_TOKEN", a path */
};

/* One of a family that somebody named. */
struct member {
    size_t key;
    char *name; /* owned */
    struct value value;
};

struct given {
    size_t key;
    const char *text; /* of argv */
};

struct reading {
    const struct configuration *configuration;
    void *target;
    struct value *values;   /* owned, one a key */
    struct member *members; /* owned, in the order in which they were named first */
    size_t member_count, member_capacity;
    struct option *options; /* owned, with the names: getopt's table */
    struct given *given;    /* owned: the command line, in its order */
    size_t given_count, given_capacity;
    char *file;      /* owned; NULL: there is none to read */
    bool wants_help; /* nothing else counts then */
    bool wants_values;
    bool wants_json;
    int result; /* of on_pair() */
    struct error *err;
};

/* cache_size -> cache-size */
static char *option_name(const struct configuration_key *key)
{
    char *name = memory_copy_string(key->name);

    for (char *at = strchr(name, '_'); at; at = strchr(at, '_'))
        *at = '-';
    return name;
}

static struct option *make_options(const struct configuration *configuration)
{
    static const struct option of_all[OPTIONS_OF_ALL] = {
        {"help", no_argument, NULL, OPTION_HELP},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"show-config", no_argument, NULL, OPTION_SHOW},
        {"json", no_argument, NULL, OPTION_JSON},
        {"set", required_argument, NULL, OPTION_SET},
    };
    size_t count = configuration->key_count;
    struct option *options =
        memory_allocate((count + OPTIONS_OF_ALL + 1) * sizeof(*options)); /* zeros: the end */

    for (size_t i = 0; i < count; i++)
        options[i] = (struct option){.name = option_name(&configuration->keys[i]),
                                     .has_arg = required_argument,
                                     .val = OPTION_KEY + (int)i};
    memcpy(options + count, of_all, sizeof(of_all));
    return options;
}

static void reading_deinit(struct reading *reading)
{
    for (size_t i = 0; i < reading->member_count; i++) {
        free(reading->members[i].name);
        free(reading->members[i].value.text);
        free(reading->members[i].value.origin);
    }
    free(reading->members);
    for (size_t i = 0; i < reading->configuration->key_count; i++) {
        free(reading->values[i].text);
        free(reading->values[i].origin);
        free((char *)reading->options[i].name);
    }
    free(reading->values);
    free(reading->options);
    free(reading->given);
    free(reading->file);
}

/* ---- one value ---- */

static void remember(struct value *value, const char *text, const char *origin, bool is_list)
{
    struct buffer all = BUFFER_INIT;

    if (is_list && value->text)
        buffer_appendf(&all, "%s ", value->text);
    buffer_append_text(&all, text);
    free(value->text);
    free(value->origin);
    value->text = buffer_take(&all);
    value->origin = memory_copy_string(origin);
}

/* NULL if nobody named it yet. Case does not count: it does not for attributes. */
static struct member *find_member(const struct reading *reading, size_t key, struct slice name)
{
    for (size_t i = 0; i < reading->member_count; i++)
        if (reading->members[i].key == key &&
            slice_equals_ignoring_case(name, reading->members[i].name))
            return &reading->members[i];
    return NULL;
}

/* "NAME = VALUE"; `set` has found that it is that. */
static void remember_member(struct reading *reading, size_t key, const char *text,
                            const char *origin)
{
    size_t length = strcspn(text, "=");
    struct slice name = slice_trim((struct slice){text, length});
    struct member *member = find_member(reading, key, name);
    _cleanup_free_ char *value =
        slice_copy(slice_trim(slice_from_text(text + length + (text[length] == '='))));

    if (!member) {
        array_reserve(reading->members, reading->member_capacity, reading->member_count + 1);
        member = &reading->members[reading->member_count++];
        *member = (struct member){.key = key, .name = slice_copy(name)};
    }
    remember(&member->value, value, origin, false);
}

static int set_value(struct reading *reading, size_t key, const char *text, const char *origin)
{
    const struct configuration_key *known = &reading->configuration->keys[key];
    int r = known->set(reading->target, text, reading->err);

    if (r == 0 && known->is_family)
        remember_member(reading, key, text, origin);
    else if (r == 0)
        remember(&reading->values[key], text, origin, known->is_list);
    return r;
}

/* The key's number, or the number of keys if there is none of that name. */
static size_t find_key(const struct configuration *configuration, const char *name)
{
    size_t key = 0;

    while (key < configuration->key_count && strcmp(configuration->keys[key].name, name) != 0)
        key++;
    return key;
}

/* "attribute.HasMatlab" is of the family "attribute": *ret_name is what follows the dot. */
static size_t find_family(const struct configuration *configuration, const char *name,
                          const char **ret_name)
{
    size_t length = strcspn(name, "."), key = 0;

    *ret_name = name[length] == '.' ? name + length + 1 : "";
    while (key < configuration->key_count &&
           (!configuration->keys[key].is_family || name[length] != '.' ||
            !slice_equals((struct slice){name, length}, configuration->keys[key].name)))
        key++;
    return key;
}

static char *default_of(const struct configuration_key *key)
{
    if (key->default_text)
        return memory_copy_string(key->default_text);
    return key->find_default ? key->find_default() : NULL;
}

static void hint_nearest(const struct configuration *configuration, const char *word,
                         struct error *err)
{
    const char **names = memory_allocate(configuration->key_count * sizeof(*names));
    const char *nearest;

    for (size_t i = 0; i < configuration->key_count; i++)
        names[i] = configuration->keys[i].name;
    nearest = spelling_nearest(word, names, configuration->key_count);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err, "see 'dusk %s --help'", configuration->program);
    free(names);
}

/* ---- the command line ---- */

static int refuse_option(const struct reading *reading, char **argv, int option)
{
    const char *word = optind > 1 ? argv[optind - 1] : "";

    if (option == ':')
        return error_set(reading->err, -EINVAL, "'%s' wants a value", word);
    error_set(reading->err, -EINVAL, "unknown option '%s'", word);
    hint_nearest(reading->configuration, word + strspn(word, "-"), reading->err);
    return -EINVAL;
}

static void give(struct reading *reading, size_t key, const char *text)
{
    array_reserve(reading->given, reading->given_capacity, reading->given_count + 1);
    reading->given[reading->given_count++] = (struct given){.key = key, .text = text};
}

/* "idle_after=1m" or "attribute.HasMatlab=true", as the file has them. */
static int take_setting(struct reading *reading, const char *text)
{
    const struct configuration *configuration = reading->configuration;
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = slice_copy(slice_trim((struct slice){text, length}));
    const char *member;
    size_t key = find_key(configuration, name);
    size_t family = find_family(configuration, name, &member);

    if (text[length] == '\0')
        return error_set(reading->err, -EINVAL, "'--set' wants KEY=VALUE, and not '%s'", text);
    if (family < configuration->key_count) {
        give(reading, family, text + strcspn(text, ".") + 1);
    } else if (key < configuration->key_count) {
        give(reading, key, text + length + 1 + strspn(text + length + 1, " "));
    } else {
        error_set(reading->err, -EINVAL, "--set: there is no key '%s'", name);
        hint_nearest(configuration, name, reading->err);
        return -EINVAL;
    }
    return 0;
}

static int take_option(struct reading *reading, char **argv, int option)
{
    switch (option) {
    case OPTION_HELP:
        reading->wants_help = true;
        return 0;
    case OPTION_CONFIG:
        free(reading->file);
        reading->file = memory_copy_string(optarg);
        return 0;
    case OPTION_SHOW:
        reading->wants_values = true;
        return 0;
    case OPTION_JSON:
        reading->wants_json = true;
        return 0;
    case OPTION_SET:
        return take_setting(reading, optarg);
    default:
        if (option < OPTION_KEY)
            return refuse_option(reading, argv, option);
        give(reading, (size_t)(option - OPTION_KEY), optarg);
        return 0;
    }
}

static int read_command_line(struct reading *reading, int argc, char **argv)
{
    const char *program = reading->configuration->program;
    int option, r = 0;

    optind = 0; /* begins afresh: getopt(3), "Notes" */
    while (r == 0 && (option = getopt_long(argc, argv, "+:hc:", reading->options, NULL)) != -1)
        r = take_option(reading, argv, option);
    if (r < 0)
        return r;
    if (optind < argc) {
        error_set(reading->err, -EINVAL, "'%s': dusk %s takes options only", argv[optind], program);
        error_hint(reading->err, "see 'dusk %s --help'", program);
        return -EINVAL;
    }
    if (reading->wants_json && !reading->wants_values)
        return error_set(reading->err, -EINVAL, "'--json' goes with '--show-config'");
    return 0;
}

static int set_from_command_line(struct reading *reading)
{
    for (size_t i = 0; i < reading->given_count; i++) {
        const struct given *given = &reading->given[i];
        _cleanup_free_ char *name = option_name(&reading->configuration->keys[given->key]);
        _cleanup_buffer_ struct buffer origin = BUFFER_INIT;
        int r;

        buffer_appendf(&origin, "--%s", name);
        r = set_value(reading, given->key, given->text, origin.data);
        if (r < 0)
            return error_prefix(reading->err, r, "%s", origin.data);
    }
    return 0;
}

/* ---- the file ---- */

/* The last that the command line said of a key, or its default; NULL if there is neither. */
static char *expected_value(const struct reading *reading, size_t key)
{
    for (size_t i = reading->given_count; i-- > 0;)
        if (reading->given[i].key == key)
            return memory_copy_string(reading->given[i].text);
    return default_of(&reading->configuration->keys[key]);
}

/* Without --config: the one in the state folder, if it is there. */
static void find_file(struct reading *reading)
{
    size_t key = find_key(reading->configuration, "state");
    _cleanup_free_ char *state = NULL, *path = NULL;

    if (reading->file || key == reading->configuration->key_count)
        return;
    state = expected_value(reading, key);
    path = state ? file_join(state, reading->configuration->file_name) : NULL;
    if (path && access(path, F_OK) == 0)
        reading->file = take_pointer(path);
}

static int refuse_second(struct reading *reading)
{
    error_set(reading->err, -EINVAL, "it has a value already");
    error_hint(reading->err, "say it once, in one line; a line that begins with white space goes "
                             "on with the one above it");
    return -EINVAL;
}

/*
 * A line that begins with blanks goes on with the one above, and comes as one more of the same
 * name; one that says the same name again cannot be told from it.
 */
static int set_member(struct reading *reading, size_t key, const char *name, const char *text)
{
    const struct member *last =
        reading->member_count > 0 ? &reading->members[reading->member_count - 1] : NULL;
    bool goes_on = last && last->key == key && strcmp(last->name, name) == 0 &&
                   strcmp(last->value.origin, reading->file) == 0;
    const struct member *before = find_member(reading, key, slice_from_text(name));
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;

    if (before && !goes_on && strcmp(before->value.origin, reading->file) == 0)
        return refuse_second(reading);
    buffer_appendf(&line, "%s = %s%s%s", name, goes_on ? last->value.text : "", goes_on ? " " : "",
                   text);
    return set_value(reading, key, line.data, reading->file);
}

/*
 * The second of two lines would stand in place of the first, and so would one that goes on: the
 * half of what an admin wrote would count, and he would not hear of it.
 */
static int set_key(struct reading *reading, size_t key, const char *text)
{
    const char *origin = reading->values[key].origin;

    if (!reading->configuration->keys[key].is_list && origin && strcmp(origin, reading->file) == 0)
        return refuse_second(reading);
    return set_value(reading, key, text, reading->file);
}

/*
 * For inih, which wants 1 for "go on", and goes on after a mistake as well: the first one is told.
 * The file may have sections for other programs.
 */
static int on_pair(void *userdata, const char *section, const char *name, const char *text)
{
    struct reading *reading = userdata;
    const struct configuration *configuration = reading->configuration;
    const char *member;
    size_t key = find_key(configuration, name);
    size_t family = find_family(configuration, name, &member);

    if (reading->result < 0)
        return 0;
    if (strcmp(section, configuration->program) != 0)
        return 1;
    if (key == configuration->key_count && family == configuration->key_count) {
        reading->result = error_set(reading->err, -EINVAL, "there is no key '%s'", name);
        hint_nearest(configuration, name, reading->err);
        return 0;
    }
    reading->result = family < configuration->key_count ? set_member(reading, family, member, text)
                                                        : set_key(reading, key, text);
    if (reading->result < 0)
        error_prefix(reading->err, reading->result, "%s", name);
    return reading->result == 0;
}

static int set_from_file(struct reading *reading)
{
    const char *path = reading->file;
    int line = path ? ini_parse(path, on_pair, reading) : 0;

    if (reading->result < 0)
        return error_prefix(reading->err, reading->result, "'%s', line %d", path, line);
    if (line < 0)
        return error_set_errno(reading->err, -errno, "cannot read '%s'", path);
    if (line > 0)
        return error_set(reading->err, -EINVAL,
                         "'%s', line %d: it is neither [section] nor key = value", path, line);
    return 0;
}

/* ---- environment and defaults ---- */

static int set_from_environment(struct reading *reading)
{
    for (size_t i = 0; i < reading->configuration->key_count; i++) {
        const char *variable = reading->configuration->keys[i].variable;
        const char *text = variable ? getenv(variable) : NULL;
        int r = text && *text ? set_value(reading, i, text, variable) : 0;

        if (r < 0)
            return error_prefix(reading->err, r, "%s", variable);
    }
    return 0;
}

/* Last, and only where nobody said anything: a computer's own name need not be a good one. */
static int set_defaults(struct reading *reading)
{
    for (size_t i = 0; i < reading->configuration->key_count; i++) {
        const struct configuration_key *key = &reading->configuration->keys[i];
        _cleanup_free_ char *text = reading->values[i].text ? NULL : default_of(key);
        int r = text ? set_value(reading, i, text, "default") : 0;

        if (r < 0) {
            _cleanup_free_ char *name = option_name(key);

            error_prefix(reading->err, r, "the default of '%s'", key->name);
            error_hint(reading->err, "choose one with --%s", name);
            return r;
        }
    }
    return 0;
}

/* ---- printing ---- */

static void print_help(const struct configuration *configuration)
{
    printf("Usage: dusk %s [OPTION]...\n\n%s\nExample:\n  %s\n\n", configuration->program,
           configuration->introduction, configuration->example);
    printf("Options (also in the section [%s] of the file, as KEY = VALUE):\n",
           configuration->program);
    printf("  -h, --help                show this\n"
           "  -c, --config FILE         read this INI file (%s in the state folder)\n"
           "      --show-config         print what each is, and who said so; with --json too\n"
           "      --set KEY=VALUE       any of the following, by its name in the file\n",
           configuration->file_name);
    for (size_t i = 0; i < configuration->key_count; i++) {
        const struct configuration_key *key = &configuration->keys[i];
        _cleanup_free_ char *name = option_name(key);
        _cleanup_free_ char *here = default_of(key);
        const char *otherwise = here ? here : key->usual;
        int column = printf("      --%s %s", name, key->argument);

        printf("%*s%s", column < SUMMARY_COLUMN ? SUMMARY_COLUMN - column : 1, "", key->summary);
        if (otherwise)
            printf(" (%s)", otherwise);
        printf("\n");
    }
}

/* A line of what is shown. */
struct row {
    char *name;         /* owned */
    const char *value;  /* NULL: there is none */
    const char *origin; /* likewise */
    const char *usual;
};

static void add_row(struct row *rows, size_t *count, const struct configuration_key *key,
                    const char *member, const struct value *value)
{
    struct buffer name = BUFFER_INIT;

    buffer_appendf(&name, "%s%s%s", key->name, member ? "." : "", member ? member : "");
    rows[(*count)++] = (struct row){
        .name = buffer_take(&name),
        .value = value->text && key->is_secret ? "(secret)" : value->text,
        .origin = value->origin ? value->origin : "default",
        .usual = key->usual ? key->usual : "-",
    };
}

/* The keys in their order, each family's members in place of the family. */
static struct row *make_rows(const struct reading *reading, size_t *ret_count)
{
    size_t key_count = reading->configuration->key_count, count = 0;
    struct row *rows = memory_allocate((key_count + reading->member_count) * sizeof(*rows));

    for (size_t i = 0; i < key_count; i++) {
        const struct configuration_key *key = &reading->configuration->keys[i];

        if (!key->is_family)
            add_row(rows, &count, key, NULL, &reading->values[i]);
        for (size_t j = 0; j < reading->member_count; j++)
            if (reading->members[j].key == i)
                add_row(rows, &count, key, reading->members[j].name, &reading->members[j].value);
    }
    *ret_count = count;
    return rows;
}

static void print_json(const struct row *rows, size_t count)
{
    _cleanup_buffer_ struct buffer out = BUFFER_INIT;

    for (size_t i = 0; i < count; i++) {
        buffer_append_text(&out, i > 0 ? ",\n{" : "[{");
        json_write_name(&out, "key");
        json_write_text(&out, rows[i].name);
        json_write_name(&out, "value");
        json_write_text(&out, rows[i].value);
        json_write_name(&out, "origin");
        json_write_text(&out, rows[i].origin);
        buffer_append_character(&out, '}');
    }
    printf("%s]\n", buffer_text(&out));
}

static void print_values(const struct row *rows, size_t count)
{
    size_t name_width = 0, value_width = 0;
    bool utf8 = terminal_of_output().utf8;

    for (size_t i = 0; i < count; i++) {
        size_t name = text_width(rows[i].name, utf8);
        size_t value = text_width(rows[i].value ?: rows[i].usual, utf8);

        name_width = name > name_width ? name : name_width;
        value_width = value > value_width ? value : value_width;
    }
    for (size_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;

        text_append_fitted(&line, rows[i].name, name_width + 2, false, utf8);
        text_append_fitted(&line, rows[i].value ?: rows[i].usual, value_width + 2, false, utf8);
        text_append_printable(&line, rows[i].origin, utf8);
        printf("%s\n", line.data);
    }
}

static void print_all(const struct reading *reading)
{
    size_t count;
    struct row *rows = make_rows(reading, &count);

    if (reading->wants_json)
        print_json(rows, count);
    else
        print_values(rows, count);
    for (size_t i = 0; i < count; i++)
        free(rows[i].name);
    free(rows);
}

/* ---- the whole ---- */

static int read_all(struct reading *reading)
{
    int r;

    find_file(reading);
    r = set_from_file(reading);
    if (r == 0)
        r = set_from_environment(reading);
    if (r == 0)
        r = set_from_command_line(reading);
    if (r == 0)
        r = set_defaults(reading);
    return r;
}

int configuration_read(const struct configuration *configuration, int argc, char **argv,
                       void *target, struct error *err)
{
    _cleanup_(reading_deinit) struct reading reading = {
        .configuration = configuration,
        .target = target,
        .values = memory_allocate(configuration->key_count * sizeof(*reading.values)),
        .options = make_options(configuration),
        .err = err,
    };
    int r = read_command_line(&reading, argc, argv);

    if (r == 0 && reading.wants_help) {
        print_help(configuration);
        return CONFIGURATION_WAS_PRINTED;
    }
    if (r == 0)
        r = read_all(&reading);
    if (r < 0 || !reading.wants_values)
        return r;
    print_all(&reading);
    return CONFIGURATION_WAS_PRINTED;
}
