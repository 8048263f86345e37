/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See column.h. One table per kind of thing names its columns: by the members of the server's JSON,
 * and by HTCondor's attributes, so that the -af of old scripts goes on. Two kinds are no member:
 * the run time, which grows while a task runs, and what lies one object deeper, written with a dot.
 *
 * A value is printed in two ways. Scripts get it as JSON has it, in bytes and seconds, and
 * HTCondor's word "undefined" where there is none; people get what is rounded, and a dash.
 */
#include "column.h"

#include "base/memory.h"
#include "base/spelling.h"
#include "exit_code.h"
#include "format.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <string.h>

/* The first column of each table is the name of the thing: -af:j puts that one in front. */
static const struct column task_columns[] = {
    {"id", "JobId", "ID", COLUMN_TEXT, false},
    {"job", "ClusterId", "JOB", COLUMN_NUMBER, false},
    {"task", "ProcId", "TASK", COLUMN_NUMBER, false},
    {"user", "Owner", "USER", COLUMN_TEXT, false},
    {"state", "JobStatus", "STATE", COLUMN_TEXT, false},
    {"node", "RemoteHost", "NODE", COLUMN_TEXT, true},
    {"attempts", "NumJobStarts", "ATTEMPTS", COLUMN_NUMBER, false},
    {"checkpoints", "NumCkpts", "CHECKPOINTS", COLUMN_NUMBER, false},
    {"exit_code", "ExitCode", "EXIT", COLUMN_NUMBER, false},
    {"exit_signal", "ExitSignal", "SIGNAL", COLUMN_NUMBER, false},
    {"reason", "HoldReason RemoveReason", "REASON", COLUMN_TEXT, true},
    {"submitted_at", "QDate", "SUBMITTED", COLUMN_TIME, false},
    {"started_at", "JobStartDate", "STARTED", COLUMN_TIME, false},
    {"ended_at", "CompletionDate", "ENDED", COLUMN_TIME, false},
    {"run_time", "RemoteWallClockTime", "RUN TIME", COLUMN_RUN_TIME, false},
    {"wall_seconds", NULL, "WALL", COLUMN_DURATION, false},
    {"cpu_seconds", "RemoteUserCpu", "CPU", COLUMN_DURATION, false},
    {"memory_peak", "MemoryUsage", "MEMORY", COLUMN_SIZE, false},
    {"executable", "Cmd", "EXECUTABLE", COLUMN_TEXT, true},
    {"arguments", "Args", "ARGUMENTS", COLUMN_TEXT, true},
};

const struct column_set columns_of_tasks = {
    .what = "task",
    .columns = task_columns,
    .count = ARRAY_LENGTH(task_columns),
    .usual = "id,user,submitted_at,state,node,attempts,run_time,reason",
    .selectable = true,
};

const struct column_set columns_of_held_tasks = {
    .what = "task",
    .columns = task_columns,
    .count = ARRAY_LENGTH(task_columns),
    .usual = "id,user,submitted_at,attempts,reason",
    .selectable = true,
};

const struct column_set columns_of_finished_tasks = {
    .what = "task",
    .columns = task_columns,
    .count = ARRAY_LENGTH(task_columns),
    .usual = "id,user,ended_at,state,exit_code,exit_signal,node,run_time,cpu_seconds,"
             "memory_peak",
    .selectable = true,
};

static const struct column job_columns[] = {
    {"job", "ClusterId", "JOB", COLUMN_NUMBER, false},
    {"name", "JobBatchName", "NAME", COLUMN_TEXT, true},
    {"user", "Owner", "USER", COLUMN_TEXT, false},
    {"submitted_at", "QDate", "SUBMITTED", COLUMN_TIME, false},
    {"tasks", "TotalSubmitProcs", "TASKS", COLUMN_NUMBER, false},
    {"completed", "JobsCompleted", "DONE", COLUMN_NUMBER, false},
    {"running", "JobsRunning", "RUN", COLUMN_NUMBER, false},
    {"idle", "JobsIdle", "IDLE", COLUMN_NUMBER, false},
    {"suspended", "JobsSuspended", "SUSP", COLUMN_NUMBER, false},
    {"held", "JobsHeld", "HELD", COLUMN_NUMBER, false},
    {"removed", "JobsRemoved", "REMOVED", COLUMN_NUMBER, false},
    {"reason", "HoldReason RemoveReason", "REASON", COLUMN_TEXT, true},
};

const struct column_set columns_of_jobs = {
    .what = "job",
    .columns = job_columns,
    .count = ARRAY_LENGTH(job_columns),
    .usual = "job,name,user,submitted_at,tasks,completed,running,idle,suspended,held",
};

static const struct column node_columns[] = {
    {"name", "Machine", "NAME", COLUMN_TEXT, true},
    {"state", "State", "STATE", COLUMN_TEXT, false},
    {"activity", "Activity", "ACTIVITY", COLUMN_TEXT, false},
    {"cpus", "Cpus", "CPUS", COLUMN_NUMBER, false},
    {"cpus_claimed", NULL, "CLAIMED", COLUMN_NUMBER, false},
    {"memory", "Memory", "MEMORY", COLUMN_SIZE, false},
    {"memory_claimed", NULL, "CLAIMED", COLUMN_SIZE, false},
    {"disk", "Disk", "DISK", COLUMN_SIZE, false},
    {"gpus", "GPUs", "GPUS", COLUMN_NUMBER, false},
    {"gpus_claimed", NULL, "CLAIMED", COLUMN_NUMBER, false},
    {"arch", "Arch", "ARCH", COLUMN_TEXT, false},
    {"os", "OpSys", "OS", COLUMN_TEXT, true},
    {"kernel", NULL, "KERNEL", COLUMN_TEXT, true},
    {"speed.integer", "Mips", "INTEGER", COLUMN_NUMBER, false},
    {"speed.floating", "KFlops", "FLOATING", COLUMN_NUMBER, false},
    {"speed.memory", NULL, "BANDWIDTH", COLUMN_NUMBER, false},
    {"limits.memory", NULL, "MEMORY LIMIT", COLUMN_TEXT, false},
    {"limits.disk", NULL, "DISK LIMIT", COLUMN_TEXT, false},
    {"limits.processes", NULL, "PROCESS LIMIT", COLUMN_TEXT, false},
    {"limits.cpus", NULL, "CPU LIMIT", COLUMN_TEXT, false},
    {"version", "CondorVersion", "VERSION", COLUMN_TEXT, false},
    {"last_seen_at", "LastHeardFrom", "LAST SEEN", COLUMN_TIME, false},
    {"drained", NULL, "DRAINED", COLUMN_TEXT, false},
    {"asleep", NULL, "ASLEEP", COLUMN_TEXT, false},
    {"reason", NULL, "REASON", COLUMN_TEXT, true},
    {"tasks", "JobId", "TASKS", COLUMN_LIST, true},
};

const struct column_set columns_of_nodes = {
    .what = "node",
    .columns = node_columns,
    .count = ARRAY_LENGTH(node_columns),
    .usual = "name,os,arch,state,activity,cpus,cpus_claimed,memory,last_seen_at,tasks",
};

static const struct column token_columns[] = {
    {"id", NULL, "ID", COLUMN_TEXT, false},
    {"kind", NULL, "KIND", COLUMN_TEXT, false},
    {"user", NULL, "USER", COLUMN_TEXT, false},
    {"created_at", NULL, "CREATED", COLUMN_TIME, false},
    {"expires_at", NULL, "EXPIRES", COLUMN_TIME, false},
    {"revoked", NULL, "REVOKED", COLUMN_TEXT, false},
    {"uses", NULL, "USES", COLUMN_NUMBER, false},
};

const struct column_set columns_of_tokens = {
    .what = "token",
    .columns = token_columns,
    .count = ARRAY_LENGTH(token_columns),
    .usual = "id,kind,user,created_at,expires_at,revoked,uses",
};

static const struct column image_columns[] = {
    {"names", NULL, "NAMES", COLUMN_LIST, true},
    {"sha256", NULL, "SHA256", COLUMN_TEXT, true},
    {"kind", NULL, "KIND", COLUMN_TEXT, false},
    {"size", NULL, "SIZE", COLUMN_SIZE, false},
    {"user", NULL, "USER", COLUMN_TEXT, false},
    {"added_at", NULL, "ADDED", COLUMN_TIME, false},
    {"complete", NULL, "COMPLETE", COLUMN_TEXT, false},
};

const struct column_set columns_of_images = {
    .what = "image",
    .columns = image_columns,
    .count = ARRAY_LENGTH(image_columns),
    .usual = "names,kind,size,user,added_at,complete,sha256",
};

static const struct column output_columns[] = {
    {"task", NULL, "TASK", COLUMN_TEXT, false}, {"name", NULL, "NAME", COLUMN_TEXT, true},
    {"size", NULL, "SIZE", COLUMN_SIZE, false}, {"mode", NULL, "MODE", COLUMN_MODE, false},
    {"kind", NULL, "KIND", COLUMN_TEXT, false}, {"path", NULL, "PATH", COLUMN_TEXT, true},
};

const struct column_set columns_of_outputs = {
    .what = "output",
    .columns = output_columns,
    .count = ARRAY_LENGTH(output_columns),
    .usual = "task,size,mode,path",
};

/* HTCondor may have two attributes for what is one thing here. */
static bool alias_has(const char *alias, struct slice name)
{
    bool found = false;

    for (const char *at = alias; at && *at && !found; at += strspn(at, " ")) {
        _cleanup_free_ char *one = memory_copy_bytes(at, strcspn(at, " "));

        found = slice_equals_ignoring_case(name, one);
        at += strlen(one);
    }
    return found;
}

/* In any case, as HTCondor's attributes are written by people. */
static const struct column *find_column(const struct column_set *set, struct slice name)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct column *column = &set->columns[i];

        if (slice_equals_ignoring_case(name, column->name) || alias_has(column->alias, name))
            return column;
    }
    return NULL;
}

/* A number is nearly always a job that stands behind -af, which takes all words for columns. */
static int refuse_column(const struct column_set *set, struct slice name, struct error *err)
{
    _cleanup_free_ char *text = slice_copy(name);
    _cleanup_free_ const char **candidates = memory_resize(NULL, 2 * set->count, sizeof(char *));
    _cleanup_buffer_ struct buffer all = BUFFER_INIT;
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++) {
        candidates[count++] = set->columns[i].name;
        if (set->columns[i].alias)
            candidates[count++] = set->columns[i].alias;
        buffer_appendf(&all, "%s%s", i > 0 ? ", " : "", set->columns[i].name);
    }
    nearest = spelling_nearest(text, candidates, count);
    error_set(err, FAILURE_USAGE, "a %s has no column '%s'", set->what, text);
    if (text[0] >= '0' && text[0] <= '9')
        error_hint(err, "-af takes all words behind it: write '%s' in front of it", text);
    else if (nearest)
        error_hint(err, "did you mean '%s'? The columns are: %s", nearest, all.data);
    else
        error_hint(err, "the columns are: %s", all.data);
    return FAILURE_USAGE;
}

int columns_choose(const struct column_set *set, const char *names,
                   const struct column ***ret_chosen, size_t *ret_count, struct error *err)
{
    _cleanup_free_ const struct column **chosen = NULL;
    size_t count = 0, capacity = 0;

    for (const char *at = names; *(at += strspn(at, ", ")) != '\0';) {
        struct slice name = {.data = at, .length = strcspn(at, ", ")};
        const struct column *column = find_column(set, name);

        if (!column)
            return refuse_column(set, name, err);
        array_reserve(chosen, capacity, count + 1);
        chosen[count++] = column;
        at += name.length;
    }
    if (count == 0)
        return refuse_column(set, slice_from_text(""), err);
    *ret_chosen = take_pointer(chosen);
    *ret_count = count;
    return 0;
}

const char *column_members(const struct column *column)
{
    return column->kind == COLUMN_RUN_TIME ? "started_at,ended_at" : column->name;
}

bool column_is_right(const struct column *column)
{
    return column->kind == COLUMN_NUMBER || column->kind == COLUMN_SIZE ||
           column->kind == COLUMN_DURATION || column->kind == COLUMN_RUN_TIME;
}

/* The member, or NULL if it is missing or null. */
static const json_t *find_value(const struct column *column, const json_t *object)
{
    const char *dot = strchr(column->name, '.');
    const json_t *value;

    if (dot) {
        _cleanup_free_ char *outer = memory_copy_bytes(column->name, (size_t)(dot - column->name));

        value = json_object_get(json_object_get(object, outer), dot + 1);
    } else {
        value = json_object_get(object, column->name);
    }
    return json_is_null(value) ? NULL : value;
}

/* Seconds from the start to the end or to now; false if it has not started. */
static bool run_time(const json_t *object, double *ret_seconds)
{
    const json_t *started = json_object_get(object, "started_at");
    const json_t *ended = json_object_get(object, "ended_at");

    if (!json_is_number(started))
        return false;
    *ret_seconds = (json_is_number(ended) ? json_number_value(ended) : clock_wall_seconds()) -
                   json_number_value(started);
    return true;
}

static void append_list(struct buffer *buffer, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        buffer_appendf(buffer, "%s%s", i > 0 ? " " : "",
                       json_string_value(json_array_get(list, i)) ?: "?");
}

/* Whatever its kind: the value as JSON has it, without quotes. */
static void append_bare(struct buffer *buffer, const json_t *value)
{
    if (json_is_string(value))
        buffer_append_text(buffer, json_string_value(value));
    else if (json_is_integer(value))
        buffer_appendf(buffer, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        buffer_appendf(buffer, "%.15g", json_real_value(value));
    else if (json_is_array(value))
        append_list(buffer, value);
    else
        buffer_append_text(buffer, json_is_true(value) ? "true" : "false");
}

void column_append_raw(struct buffer *buffer, const struct column *column, const json_t *object)
{
    const json_t *value = find_value(column, object);
    double seconds;

    if (column->kind == COLUMN_RUN_TIME && run_time(object, &seconds))
        buffer_appendf(buffer, "%.3f", seconds);
    else if (value)
        append_bare(buffer, value);
    else
        buffer_append_text(buffer, "undefined");
}

/* A double, because JSON has no other numbers; one that does not fit becomes none at all. */
static void append_size(struct buffer *buffer, const json_t *value)
{
    double bytes = json_number_value(value);

    format_size(buffer, bytes > 0 && bytes < 0x1p63 ? (uint64_t)bytes : 0);
}

static void append_time(struct buffer *buffer, double seconds, bool complete)
{
    if (complete)
        format_time(buffer, seconds);
    else
        format_time_short(buffer, seconds, clock_wall_seconds());
}

/* What a person would see as a gap, in a table that may be pasted into a mail. */
static bool is_nothing(const json_t *value)
{
    return !value || (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

void column_append(struct buffer *buffer, const struct column *column, const json_t *object,
                   bool complete)
{
    const json_t *value = find_value(column, object);
    double seconds = 0;

    if (column->kind == COLUMN_RUN_TIME ? !run_time(object, &seconds) : is_nothing(value)) {
        buffer_append_text(buffer, "-");
        return;
    }
    switch (column->kind) {
    case COLUMN_TEXT:
    case COLUMN_LIST:
        append_bare(buffer, value);
        break;
    case COLUMN_NUMBER:
        if (json_is_real(value))
            buffer_appendf(buffer, "%.1f", json_real_value(value));
        else
            append_bare(buffer, value);
        break;
    case COLUMN_SIZE:
        append_size(buffer, value);
        break;
    case COLUMN_DURATION:
        format_duration(buffer, json_number_value(value));
        break;
    case COLUMN_TIME:
        append_time(buffer, json_number_value(value), complete);
        break;
    case COLUMN_MODE:
        buffer_appendf(buffer, "%04o", (unsigned int)json_integer_value(value));
        break;
    case COLUMN_RUN_TIME:
        format_duration(buffer, seconds);
        break;
    }
}
