/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See settings.h. Every source is brought to pairs of key and text, and settings_set() is the one
 * place that understands them. Applied in order: defaults, file, environment, command line.
 */
#define _GNU_SOURCE
#include "settings.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"
#include "sys/file.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_PORT = 7433, NAME_LENGTH_MAX = 64, TOKEN_SIZE_MAX = 4096 };

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

struct key {
    const char *name;
    const char *argument;
    const char *default_text; /* NULL: settings_fill() says; else applied first of all */
    const char *summary;
    int (*set)(struct settings *settings, const char *text, struct error *err);
};

void settings_deinit(struct settings *settings)
{
    free(settings->state);
    free(settings->host);
    free(settings->name);
    free(settings->token);
    *settings = SETTINGS_INIT;
}

/* ---- values ---- */

static void replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

static int set_state(struct settings *settings, const char *text, struct error *err)
{
    _cleanup_free_ char *current = getcwd(NULL, 0);

    if (text[0] == '\0' || !current)
        return error_set(err, -EINVAL, "there is no such folder");
    replace(&settings->state, file_join(current, text));
    return 0;
}

static int set_server(struct settings *settings, const char *text, struct error *err)
{
    char *host;
    int r = address_split(text, DEFAULT_PORT, &host, &settings->port, err);

    if (r == 0)
        replace(&settings->host, host);
    return r;
}

static int set_name(struct settings *settings, const char *text, struct error *err)
{
    size_t length = strlen(text);

    if (length == 0 || length > NAME_LENGTH_MAX || strspn(text, NAME_CHARACTERS) != length)
        return error_set(err, -EINVAL, "a name has 1 to %d letters, digits, '-', '.' and '_'",
                         NAME_LENGTH_MAX);
    replace(&settings->name, memory_copy_string(text));
    return 0;
}

static int set_token(struct settings *settings, const char *text, struct error *err)
{
    if (strlen(text) > TOKEN_SIZE_MAX)
        return error_set(err, -EINVAL, "that is too long to be a token");
    replace(&settings->token, slice_copy(slice_trim(slice_from_text(text))));
    return 0;
}

static int set_token_file(struct settings *settings, const char *text, struct error *err)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    int r = file_read(text, TOKEN_SIZE_MAX, &content, err);

    return r < 0 ? r : set_token(settings, buffer_text(&content), err);
}

static int set_cpus(struct settings *settings, const char *text, struct error *err)
{
    uint64_t cpus;

    if (number_parse_u64(slice_from_text(text), &cpus) < 0 || cpus == 0 || cpus > UINT16_MAX)
        return error_set(err, -EINVAL, "'%s' is no number from 1 to %d", text, UINT16_MAX);
    settings->cpus = (uint32_t)cpus;
    return 0;
}

static int parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
    /* INT64_MAX, because JSON carries no more. */
    if (number_parse_size(slice_from_text(text), 1, ret_bytes) < 0 || *ret_bytes > INT64_MAX)
        return error_set(err, -EINVAL, "'%s' is no size such as 500M, 8G or 1.5T", text);
    return 0;
}

static int set_memory(struct settings *settings, const char *text, struct error *err)
{
    return parse_size(text, &settings->memory, err);
}

static int set_disk(struct settings *settings, const char *text, struct error *err)
{
    return parse_size(text, &settings->disk, err);
}

static int set_cache_size(struct settings *settings, const char *text, struct error *err)
{
    return parse_size(text, &settings->cache_size, err);
}

static int parse_duration(const char *text, uint64_t *ret_ms, struct error *err)
{
    if (number_parse_duration(slice_from_text(text), ret_ms) < 0 || *ret_ms > INT32_MAX)
        return error_set(err, -EINVAL, "'%s' is no duration such as 10s, 5m or 2h", text);
    return 0;
}

static int set_grace(struct settings *settings, const char *text, struct error *err)
{
    return parse_duration(text, &settings->grace_ms, err);
}

static int set_suspend_for(struct settings *settings, const char *text, struct error *err)
{
    return parse_duration(text, &settings->suspend_for_ms, err);
}

static int set_keep_lapsed(struct settings *settings, const char *text, struct error *err)
{
    return parse_duration(text, &settings->keep_lapsed_ms, err);
}

static int set_presence(struct settings *settings, const char *text, struct error *err)
{
    (void)settings;
    if (strcmp(text, "none") == 0)
        return 0;
    error_set(err, -EINVAL, "there is no way '%s' to notice the owner", text);
    error_hint(err, "only 'none' exists: the owner is taken to be away");
    return -EINVAL;
}

static int set_log(struct settings *settings, const char *text, struct error *err)
{
    settings->verbose = strcmp(text, "debug") == 0;
    if (settings->verbose || strcmp(text, "notice") == 0)
        return 0;
    return error_set(err, -EINVAL, "'%s' is neither 'notice' nor 'debug'", text);
}

/* ---- the table ---- */

static const struct key keys[] = {
    {"state", "FOLDER", NULL, "where the agent remembers who it is", set_state},
    {"server", "HOST[:PORT]", "localhost:7433", "the pool's server", set_server},
    {"name", "NAME", NULL, "of this node in the pool (this computer's)", set_name},
    {"token", "TOKEN", NULL, "to join with; others see it here: rather DUSK_TOKEN", set_token},
    {"token_file", "FILE", NULL, "a file with the token", set_token_file},
    {"cpus", "N", NULL, "processors to lend (all)", set_cpus},
    {"memory", "SIZE", NULL, "memory to lend (all but 5 %)", set_memory},
    {"disk", "SIZE", NULL, "disk to lend (what is free)", set_disk},
    {"presence", "HOW", "none", "how the owner is noticed", set_presence},
    {"cache_size", "SIZE", "10G", "of inputs kept for later tasks", set_cache_size},
    {"grace", "TIME", "10s", "from the polite signal to the kill", set_grace},
    {"suspend_for", "TIME", "2m", "frozen this long for its owner, a task leaves", set_suspend_for},
    {"keep_lapsed", "TIME", "1h", "frozen this long without server or agent, it ends",
     set_keep_lapsed},
    {"log", "LEVEL", "notice", "or debug", set_log},
};

enum { OPTION_HELP = 'h', OPTION_CONFIG = 'c', OPTION_KEY = 256 };

static int settings_set(struct settings *settings, const struct key *key, const char *text,
                        struct error *err)
{
    return key->set(settings, text, err);
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int set_defaults(struct settings *settings, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(keys); i++)
        if (keys[i].default_text)
            r = settings_set(settings, &keys[i], keys[i].default_text, err);
    return r;
}

/* The defaults that depend on this computer and this user. */
static int fill_in(struct settings *settings, struct error *err)
{
    const char *home = getenv("HOME");
    _cleanup_free_ char *state = NULL;
    char hostname[NAME_LENGTH_MAX + 1] = "";

    if (!settings->state) {
        state = geteuid() == 0 || !home ? memory_copy_string("/var/lib/dusk/agent")
                                        : file_join(home, ".local/state/dusk/agent");
        settings->state = take_pointer(state);
    }
    if (settings->name)
        return 0;
    gethostname(hostname, sizeof(hostname) - 1);
    if (set_name(settings, hostname, NULL) == 0)
        return 0;
    error_set(err, -EINVAL, "the computer's name '%s' cannot be a node's", hostname);
    error_hint(err, "choose one with --name");
    return -EINVAL;
}

/* ---- the file ---- */

struct file_reading {
    struct settings *settings;
    struct error *err;
    int result;
};

static void hint_nearest(struct error *err, const char *word)
{
    const char *names[ARRAY_LENGTH(keys)];
    const char *nearest;

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        names[i] = keys[i].name;
    nearest = spelling_nearest(word, names, ARRAY_LENGTH(names));
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err, "see 'dusk agent --help'");
}

/* For inih, which wants 1 for "go on". The file may have sections for other programs. */
static int on_pair(void *userdata, const char *section, const char *name, const char *value)
{
    struct file_reading *reading = userdata;
    const struct key *key = find_key(name);

    if (strcmp(section, "agent") != 0)
        return 1;
    if (!key) {
        reading->result = error_set(reading->err, -EINVAL, "there is no key '%s'", name);
        hint_nearest(reading->err, name);
        return 0;
    }
    reading->result = settings_set(reading->settings, key, value, reading->err);
    if (reading->result < 0)
        error_prefix(reading->err, reading->result, "%s", name);
    return reading->result == 0;
}

static int read_file(struct settings *settings, const char *path, struct error *err)
{
    struct file_reading reading = {.settings = settings, .err = err};
    int line = ini_parse(path, on_pair, &reading);

    if (reading.result < 0)
        return error_prefix(err, reading.result, "'%s', line %d", path, line);
    if (line < 0)
        return error_set_errno(err, -errno, "cannot read '%s'", path);
    if (line > 0)
        return error_set(err, -EINVAL, "'%s', line %d: it is neither [section] nor key = value",
                         path, line);
    return 0;
}

/* ---- the command line ---- */

static char *option_name(const struct key *key)
{
    char *name = memory_copy_string(key->name);

    for (char *at = strchr(name, '_'); at; at = strchr(at, '_'))
        *at = '-';
    return name;
}

struct option_table {
    struct option items[ARRAY_LENGTH(keys) + 3];
};

static void option_table_init(struct option_table *table)
{
    size_t count = 0;

    for (; count < ARRAY_LENGTH(keys); count++)
        table->items[count] = (struct option){.name = option_name(&keys[count]),
                                              .has_arg = required_argument,
                                              .val = OPTION_KEY + (int)count};
    table->items[count++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    table->items[count++] = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
    table->items[count] = (struct option){0};
}

static void option_table_deinit(struct option_table *table)
{
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
        free((char *)table->items[i].name);
}

static int refuse_option(char **argv, int option, struct error *err)
{
    const char *word = optind > 1 ? argv[optind - 1] : "";

    if (option == ':')
        return error_set(err, -EINVAL, "'%s' wants a value", word);
    error_set(err, -EINVAL, "unknown option '%s'", word);
    hint_nearest(err, word + strspn(word, "-"));
    return -EINVAL;
}

/*
 * One walk over the options; the file that is named there must be read before any of the others
 * counts, so there are two. getopt_long() begins afresh with optind = 0 (getopt(3)).
 */
static int walk_options(int argc, char **argv, const struct option_table *table, bool for_file,
                        struct settings *settings, struct error *err)
{
    int option, r = 0;

    optind = 0;
    while (r == 0 && (option = getopt_long(argc, argv, "+:hc:", table->items, NULL)) != -1) {
        if (option == OPTION_HELP) {
            settings->wants_help = true;
        } else if (option == OPTION_CONFIG) {
            r = for_file ? read_file(settings, optarg, err) : 0;
        } else if (option < OPTION_KEY) {
            r = refuse_option(argv, option, err);
        } else if (!for_file) {
            const struct key *key = &keys[option - OPTION_KEY];

            r = settings_set(settings, key, optarg, err);
            if (r < 0)
                error_prefix(err, r, "--%s", table->items[option - OPTION_KEY].name);
        }
    }
    if (r == 0 && optind < argc)
        return error_set(err, -EINVAL, "'%s': the agent takes options only", argv[optind]);
    return r;
}

int settings_read(int argc, char **argv, struct settings *settings, struct error *err)
{
    _cleanup_(option_table_deinit) struct option_table table;
    const char *token = getenv("DUSK_TOKEN");
    int r = set_defaults(settings, err);

    option_table_init(&table);
    if (r == 0)
        r = walk_options(argc, argv, &table, true, settings, err);
    if (r == 0 && token && token[0] != '\0')
        r = set_token(settings, token, err);
    if (r == 0)
        r = walk_options(argc, argv, &table, false, settings, err);
    if (r == 0)
        r = fill_in(settings, err);
    return r;
}

void settings_print_help(void)
{
    printf("Usage: dusk agent [OPTION]…\n"
           "\n"
           "Lends this computer to a pool: stays in the foreground, prints 'ready NAME' when the\n"
           "server has accepted it, and ends at SIGTERM when its tasks have left.\n"
           "\n"
           "Example:\n"
           "  DUSK_TOKEN=$(cat token) dusk agent --server big.example:7433 --name pc1 --cpus 2\n"
           "\n"
           "Options (in the section [agent] of a file for --config, too: cache_size = 20G):\n");
    printf("  -h, --help                %s\n", "show this");
    printf("  -c, --config FILE         %s\n", "an INI file with these keys");
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        _cleanup_free_ char *name = option_name(&keys[i]);
        int column = printf("      --%s %s", name, keys[i].argument);

        printf("%*s%s", column < 28 ? 28 - column : 1, "", keys[i].summary);
        if (keys[i].default_text)
            printf(" (%s)", keys[i].default_text);
        printf("\n");
    }
}
