/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See launch.h. Nothing of the agent's own environment reaches a task but its PATH, because only
 * that says where the node keeps its programs.
 */
#define _GNU_SOURCE
#include "launch.h"

#include "gpus.h"
#include "limits.h"

#include "base/memory.h"

#include <errno.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Variables, one after the other; the room for them was made before. */
struct words {
    const char **items;
    size_t count;
};

enum { STANDARD_VARIABLES = 24 + GPUS_VARIABLES_MAX };

static char *arena_printf(struct arena *arena, const char *format, ...) _printf_(2, 3);

static char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    char *text;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    text = arena_allocate(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

/* ---- environment ---- */

static size_t name_length(const char *variable)
{
    return strcspn(variable, "=");
}

/* Whether one of them has the name of this variable. */
static bool are_naming(const char *const *variables, size_t count, const char *variable)
{
    size_t length = name_length(variable) + 1;

    for (size_t i = 0; i < count; i++)
        if (strncmp(variables[i], variable, length) == 0)
            return true;
    return false;
}

/* Each name appears once: programs differ in which of two they take. */
static void add_standard(struct words *words, const struct wire_start *start, const char *variable)
{
    if (!are_naming((const char *const *)start->environment.items, start->environment.count,
                    variable))
        words->items[words->count++] = variable;
}

static void add_fixed(struct words *words, const char *variable)
{
    words->items[words->count++] = variable;
}

static const char *default_path(void)
{
    const char *path = getenv("PATH");

    return path && path[0] != '\0' ? path : _PATH_DEFPATH;
}

/*
 * What dusk says about the attempt, in its own words and in HTCondor's. It stands whatever the
 * submitter has: one who submits from within a task with getenv has all of these, and they speak of
 * another attempt, on another node.
 */
static void add_description(struct words *words, const struct attempt *attempt,
                            const struct launch_node *node, struct arena *arena)
{
    const struct wire_start *start = &attempt->start;
    const struct resources *request = &start->request;
    const char *work = containing_work(node->containing, attempt);

    add_fixed(words, arena_printf(arena, "DUSK_JOB=%u", start->job));
    add_fixed(words, arena_printf(arena, "DUSK_TASK=%u", start->task));
    add_fixed(words, arena_printf(arena, "DUSK_ATTEMPT=%u", start->attempt));
    add_fixed(words, arena_printf(arena, "DUSK_NODE=%s", node->name));
    add_fixed(words, arena_printf(arena, "DUSK_CPUS=%u", request->cpus));
    add_fixed(words, arena_printf(arena, "DUSK_MEMORY=%llu", (unsigned long long)request->memory));
    add_fixed(words,
              arena_printf(arena, "TMPDIR=%s", containing_temporary(node->containing, attempt)));
    add_fixed(words, arena_printf(arena, "_CONDOR_SCRATCH_DIR=%s", work));
    add_fixed(words, arena_printf(arena, "_CONDOR_JOB_IWD=%s", work));
    /* A server that knows of no GPUs keeps no task from them. */
    if (!start->gpus_given)
        return;
    add_fixed(words, arena_printf(arena, "DUSK_GPUS=%u", request->gpus));
    words->count += gpus_variables(node->gpus, attempt->gpus ? attempt->gpus : "", arena,
                                   words->items + words->count);
}

/*
 * What the submitter gives. The names that begin with DUSK_ are dusk's, also those that only the
 * keeper knows: it finds by one of them what a keeper before it left.
 */
static void add_own(struct words *words, const struct wire_start *start)
{
    const size_t standard_count = words->count;

    for (size_t i = 0; i < start->environment.count; i++) {
        const char *variable = start->environment.items[i];

        if (strchr(variable, '=') && strncmp(variable, "DUSK_", strlen("DUSK_")) != 0 &&
            !are_naming(words->items, standard_count, variable))
            words->items[words->count++] = variable;
    }
}

/* NULL at the end: what every task gets, and over it the task's own. */
static const char **make_environment(const struct attempt *attempt, const struct launch_node *node,
                                     struct arena *arena)
{
    const struct wire_start *start = &attempt->start;
    const char *work = containing_work(node->containing, attempt);
    size_t count_max = STANDARD_VARIABLES + start->environment.count;
    struct words words = {.items = arena_allocate(arena, count_max, sizeof(*words.items))};

    add_standard(&words, start, arena_printf(arena, "PATH=%s", default_path()));
    add_standard(&words, start, arena_printf(arena, "HOME=%s", work));
    add_standard(&words, start, arena_printf(arena, "USER=%s", start->user));
    add_standard(&words, start, arena_printf(arena, "LOGNAME=%s", start->user));
    add_standard(&words, start, "LANG=C.UTF-8");
    add_standard(&words, start, "SHELL=" _PATH_BSHELL);
    add_standard(&words, start, arena_printf(arena, "OMP_NUM_THREADS=%u", start->request.cpus));
    add_description(&words, attempt, node, arena);
    add_own(&words, start);
    words.items[words.count] = NULL;
    return words.items;
}

/* ---- program ---- */

static bool is_program(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & 0111;
}

/* Whether the mode gives the right to execute or to pass. The task's user has no further groups. */
static bool may_pass(const char *path, const struct identity *identity)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return false;
    if (status.st_uid == identity->uid)
        return status.st_mode & S_IXUSR;
    return status.st_mode & (status.st_gid == identity->gid ? S_IXGRP : S_IXOTH);
}

/* The program with the task's eyes: where an agent that is root finds it, the task may not come. */
static bool may_run(const char *path, const struct identity *identity)
{
    _cleanup_free_ char *real = identity->becomes_user ? realpath(path, NULL) : NULL;
    bool may = true;

    if (!identity->becomes_user)
        return access(path, X_OK) == 0;
    while (real && may && real[0]) {
        may = may_pass(real, identity);
        *strrchr(real, '/') = '\0';
    }
    return real && may;
}

/*
 * As execvp() does it, but with the task's PATH, of which only absolute folders count. If none is
 * open to the task by its mode, the first one is named: an access list may open it, and if not, the
 * task's failure says which one is closed.
 */
static const char *find_in_path(const char *program, const char *path,
                                const struct identity *identity, struct arena *arena)
{
    const char *closed = NULL;

    while (*path) {
        size_t length = strcspn(path, ":");
        char *candidate = arena_printf(arena, "%.*s/%s", (int)length, path, program);

        if (candidate[0] == '/' && is_program(candidate)) {
            if (may_run(candidate, identity))
                return candidate;
            closed = closed ? closed : candidate;
        }
        path += length + (path[length] == ':');
    }
    return closed;
}

static const char *find_variable(const char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return "";
}

/* What stands in a container is found there, by its process 1. */
static int find_program(const struct attempt *attempt, const struct launch_node *node,
                        const char *const *environment, struct arena *arena,
                        const char **ret_program, struct error *err)
{
    const struct wire_start *start = &attempt->start;
    const char *path = find_variable(environment, "PATH");

    if (start->program_is_input)
        *ret_program = arena_printf(arena, "./%s", start->program);
    else if (node->containing->is_on || strchr(start->program, '/'))
        *ret_program = start->program;
    else
        *ret_program = find_in_path(start->program, path, &attempt->identity, arena);
    if (*ret_program)
        return 0;
    error_set(err, -ENOENT, "this node has no program '%s' in its PATH", start->program);
    error_hint(err, "name it by its path there, or let it be transferred");
    return -ENOENT;
}

static const char **make_arguments(const struct wire_start *start, struct arena *arena)
{
    const char **words = arena_allocate(arena, start->arguments.count + 2, sizeof(*words));

    words[0] = start->program;
    for (size_t i = 0; i < start->arguments.count; i++)
        words[i + 1] = start->arguments.items[i];
    words[start->arguments.count + 1] = NULL;
    return words;
}

int launch_prepare(const struct attempt *attempt, const struct launch_node *node,
                   struct arena *arena, struct keeper_spawn *ret_spawn, struct error *err)
{
    const struct wire_start *start = &attempt->start;
    const char **environment = make_environment(attempt, node, arena);
    struct keeper_container container;
    const char *program;
    int r = find_program(attempt, node, environment, arena, &program, err);

    if (r == 0)
        r = containing_fill(node->containing, attempt, node->image, node->name, arena, &container,
                            err);
    if (r < 0)
        return r;
    *ret_spawn = (struct keeper_spawn){
        .program = program,
        .arguments = make_arguments(start, arena),
        .environment = environment,
        .folder = scratch_work(attempt->scratch),
        .input = start->stdin_name ? start->stdin_name : "",
        .output = start->keep_stdout ? LAUNCH_STDOUT : "",
        .error = start->keep_stderr ? LAUNCH_STDERR : "",
        .keeps_output = start->checkpoint > 0,
        .becomes_user = attempt->identity.becomes_user,
        .uid = attempt->identity.uid,
        .gid = attempt->identity.gid,
        .memory_max = limits_memory(start),
        .processes_max = limits_processes(start),
        .cpus = start->request.cpus,
        .container = container,
    };
    if (start->join_stderr)
        ret_spawn->error = ret_spawn->output;
    return 0;
}
