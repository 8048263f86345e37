/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: stories in a world without chance, and the trace that they must give.
 *
 * A line is a command and its words; `#` begins a comment. The first command is `agents`. Time
 * passes only in `run` and `finish`. Computers are pc1, pc2, ...; jobs are 1, 2, ... in the order
 * of their submits; durations are 500ms, 30s, 5m, 1h. scenario_command.c has a function for each:
 *
 *     agents 3 cpus 2                       the world: three computers with two CPUs each
 *     submit 5 tasks 60s [cpus N] [priority N] [saving 10s] [held]
 *     run 30s                               lets time pass
 *     finish                                lets time pass until all is over, and checks the end
 *     hold 1.2 | release 1 | remove 1       one task or a job
 *     owner pc3 returns|leaves
 *     crash server 20s                      and for how long it stays away
 *     crash server before-commit|after-commit 20s     at the next one that saves anything
 *     stall server 3m                       it stands still, and then goes on
 *     kill agent pc1 5s | leave pc1 5s      the agent ends at once, or in good order
 *     off pc2 | on pc2 | lid pc2 closed|open
 *     sleeper pc2 5m                        idle for so long, it goes to sleep; packets wake it
 *     cut pc2 [in|out] | heal pc2           one way or both
 *     lose start|stop|forget|renewal|report|welcome|hello pc1         the next of these
 *     late report pc1 33s                   it arrives so much later; likewise
 *     clone pc1 [same-computer]             a copy of its identity dials in
 *     forget pc1 | enrol pc1
 */
#include "scenario.h"

#include "base/memory.h"
#include "base/spelling.h"

#include <errno.h>
#include <string.h>

static int split(char *line, struct words *words, struct error *err)
{
    char *comment = strchr(line, '#'), *rest = NULL;

    if (comment)
        *comment = '\0';
    *words = (struct words){0};
    for (char *word = strtok_r(line, " \t\r\n", &rest); word;
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (words->count == ARRAY_LENGTH(words->items))
            return error_set(err, -EINVAL, "there are too many words");
        words->items[words->count++] = slice_from_text(word);
    }
    return 0;
}

static int unknown_command(const char *name, struct error *err)
{
    _cleanup_free_ const char **names = memory_allocate(scenario_command_count * sizeof(*names));
    const char *nearest;
    int r = error_set(err, -EINVAL, "there is no command '%s'", name);

    for (size_t i = 0; i < scenario_command_count; i++)
        names[i] = scenario_commands[i].name;
    nearest = spelling_nearest(name, names, scenario_command_count);
    if (nearest)
        error_hint(err, "Did you mean '%s'?", nearest);
    return r;
}

static int run_words(struct scenario *scenario, const struct words *words, struct error *err)
{
    const struct scenario_command *command = NULL;

    for (size_t i = 0; i < scenario_command_count; i++)
        if (slice_equals(words->items[0], scenario_commands[i].name))
            command = &scenario_commands[i];
    if (!command)
        return unknown_command(words->items[0].data, err);
    if (words->count < command->least || words->count > command->most)
        return error_set(err, -EINVAL, "it is: %s %s", command->name, command->usage);
    if (!scenario->begun && command != &scenario_commands[0])
        return error_set(err, -EINVAL, "'%s' must come first", scenario_commands[0].name);
    return command->run(scenario, words, err);
}

static int run_line(struct scenario *scenario, char *line, struct error *err)
{
    _cleanup_free_ char *shown = slice_copy(slice_trim(slice_from_text(line)));
    struct words words;
    int r = split(line, &words, err);

    if (r < 0 || words.count == 0)
        return r;
    if (scenario->begun)
        world_trace(&scenario->world, "> %s", shown);
    return run_words(scenario, &words, err);
}

static int run_file(struct scenario *scenario, FILE *file, struct error *err)
{
    _cleanup_free_ char *line = NULL;
    size_t capacity = 0, number = 0;
    int r = 0;

    while (r == 0 && getline(&line, &capacity, file) >= 0) {
        number++;
        r = run_line(scenario, line, err);
    }
    return r < 0 ? error_prefix(err, r, "line %zu", number) : 0;
}

static int play(const char *path, FILE *trace, struct error *err)
{
    struct scenario scenario = {.trace = trace};
    FILE *file = fopen(path, "re");
    int r;

    if (!file)
        return error_set_errno(err, -errno, "cannot read '%s'", path);
    r = run_file(&scenario, file, err);
    fclose(file);
    if (scenario.begun)
        world_deinit(&scenario.world);
    return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* x.scenario -> x.trace */
static char *trace_path(const char *path)
{
    struct buffer buffer = BUFFER_INIT;
    size_t length = strlen(path), ending = strlen(".scenario");

    if (length > ending && strcmp(path + length - ending, ".scenario") == 0)
        length -= ending;
    buffer_append(&buffer, path, length);
    buffer_append_text(&buffer, ".trace");
    return buffer_take(&buffer);
}

static void strip_line_end(char *line)
{
    line[strcspn(line, "\n")] = '\0';
}

/* The first line in which what happened is not what was expected. */
static int compare(FILE *expected, FILE *actual, const char *path, struct error *err)
{
    _cleanup_free_ char *expected_line = NULL, *actual_line = NULL;
    size_t expected_capacity = 0, actual_capacity = 0;

    for (size_t number = 1;; number++) {
        bool more_expected = getline(&expected_line, &expected_capacity, expected) >= 0;
        bool more_actual = getline(&actual_line, &actual_capacity, actual) >= 0;

        if (!more_expected && !more_actual)
            return 0;
        if (more_expected)
            strip_line_end(expected_line);
        if (more_actual)
            strip_line_end(actual_line);
        if (more_expected && more_actual && strcmp(expected_line, actual_line) == 0)
            continue;
        error_set(err, -EBADMSG, "%s, line %zu: expected '%s', but there was '%s'", path, number,
                  more_expected ? expected_line : "the end", more_actual ? actual_line : "the end");
        error_hint(err, "If the new trace is right, write it with --update.");
        return -EBADMSG;
    }
}

static int compare_with_file(const char *path, char *trace, size_t size, struct error *err)
{
    FILE *expected = fopen(path, "re");
    FILE *actual;
    int r;

    if (!expected)
        return error_set_errno(err, -errno, "cannot read '%s'", path);
    actual = fmemopen(trace, size, "r");
    r = actual ? compare(expected, actual, path, err)
               : error_set_errno(err, -errno, "cannot read the trace");
    if (actual)
        fclose(actual);
    fclose(expected);
    return r;
}

static int write_file(const char *path, const char *trace, size_t size, struct error *err)
{
    FILE *file = fopen(path, "we");
    bool written;

    if (!file)
        return error_set_errno(err, -errno, "cannot write '%s'", path);
    written = fwrite(trace, 1, size, file) == size;
    if (fclose(file) != 0 || !written)
        return error_set_errno(err, -errno, "cannot write '%s'", path);
    return 0;
}

int sim_play(const char *path, FILE *trace, bool update, struct error *err)
{
    _cleanup_free_ char *beside = trace_path(path);
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *memory;
    int r;

    if (trace)
        return play(path, trace, err);
    memory = open_memstream(&text, &size);
    if (!memory)
        return error_set_errno(err, -errno, "cannot keep the trace");
    r = play(path, memory, err);
    fclose(memory);
    if (r < 0)
        return r;
    return update ? write_file(beside, text, size, err)
                  : compare_with_file(beside, text, size, err);
}
