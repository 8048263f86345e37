/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_task_internal.h: how much of a node a task asks for. A number counts at once. An
 * expression may ask for all that the job has as an attribute, wherever that stands in the text: to
 * HTCondor the job is whole before anybody evaluates it. So it is settled behind everything else.
 *
 * It is settled before the first run. What only a run can tell (MemoryUsage) is UNDEFINED then, and
 * a size that comes to that stays the default; the expression stays in the job as it is.
 *
 * Whoever divides a job into tasks with equal requests has to know whether they differ, which is
 * not seen in the expression itself if it asks for an attribute that does.
 */
#include "submit_task_internal.h"

#include "classad.h"
#include "text.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* What may be looked at to find out whether a request differs; beyond that it is said to. */
enum { NAME_COUNT_MAX = 1000 };

/* The fields are those of struct submit_task; a task without a core cannot run. */
static const struct request {
    const char *attribute;
    enum command command;
    uint64_t unit;    /* of a size, in bytes; 0: it comes in whole pieces */
    const char *what; /* of these pieces */
    uint32_t least;
    size_t amount_offset, expression_offset;
} requests[REQUEST_COUNT] = {
    [REQUEST_CPUS] = {"RequestCpus", COMMAND_REQUEST_CPUS, 0, "cores", 1,
                      offsetof(struct submit_task, request_cpus),
                      offsetof(struct submit_task, request_cpus_expression)},
    [REQUEST_GPUS] = {"RequestGPUs", COMMAND_REQUEST_GPUS, 0, "GPUs", 0,
                      offsetof(struct submit_task, request_gpus),
                      offsetof(struct submit_task, request_gpus_expression)},
    [REQUEST_MEMORY] = {"RequestMemory", COMMAND_REQUEST_MEMORY, 1024 * 1024, NULL, 0,
                        offsetof(struct submit_task, request_memory_bytes),
                        offsetof(struct submit_task, request_memory_expression)},
    [REQUEST_DISK] = {"RequestDisk", COMMAND_REQUEST_DISK, 1024, NULL, 0,
                      offsetof(struct submit_task, request_disk_bytes),
                      offsetof(struct submit_task, request_disk_expression)},
};

static uint64_t *amount_of(struct submit_task *task, enum request_kind kind)
{
    return (uint64_t *)(void *)((char *)task + requests[kind].amount_offset);
}

static const char **expression_of(struct submit_task *task, enum request_kind kind)
{
    return (const char **)(void *)((char *)task + requests[kind].expression_offset);
}

static int size_error(struct task_reader *reader)
{
    error_hint(reader->err, "write a number with a unit, such as 512MB or 2GB, or an expression "
                            "whose value is a number");
    return -EINVAL;
}

/* The value of what was `written`, in units or pieces; NAN if it is no number. */
static int set_amount(struct task_reader *reader, enum request_kind kind, struct slice written,
                      double number)
{
    const struct request *request = &requests[kind];
    double bytes = number * (double)request->unit;

    if (request->unit == 0) {
        /* HTCondor would give a core silently to who asks for none. */
        if (!(number >= request->least && number <= UINT32_MAX) ||
            number != (double)(uint32_t)number)
            return value_error(reader, "'%.*s' is not a number of %s", SLICE_SHOWN(written),
                               request->what);
        *amount_of(reader->task, kind) = (uint64_t)number;
        return 0;
    }
    /* Below 2^63, where a double still converts, and where JSON's integers end. */
    if (number >= 0 && bytes < 0x1p63) {
        *amount_of(reader->task, kind) = (uint64_t)bytes;
        return 0;
    }
    value_error(reader, "'%.*s' is not a size", SLICE_SHOWN(written));
    return size_error(reader);
}

/* What was said before does not count any more, be it by the command or by the attribute. */
static int read_request(struct task_reader *reader, enum request_kind kind, struct slice value)
{
    uint64_t unit = requests[kind].unit, count;
    const char **expression = expression_of(reader->task, kind);
    int r;

    *expression = NULL;
    reader->deferred[kind] = NULL;
    /* Expressions have no units. */
    if (unit > 0 && number_parse_size(value, unit, amount_of(reader->task, kind)) == 0)
        return 0;
    if (unit == 0 && number_parse_u64(value, &count) == 0) {
        /* Of GPUs the number, too: without it none were asked for. */
        if (kind == REQUEST_GPUS)
            *expression = task_keep(reader, value);
        return set_amount(reader, kind, value, (double)count);
    }
    r = read_expression(reader, value, expression);
    if (r < 0)
        return unit > 0 ? size_error(reader) : r;
    if (!slice_equals_ignoring_case(value, "undefined"))
        reader->deferred[kind] = reader->definition;
    return 0;
}

int read_request_cpus(struct task_reader *reader, struct slice value)
{
    return read_request(reader, REQUEST_CPUS, value);
}

int read_request_gpus(struct task_reader *reader, struct slice value)
{
    return read_request(reader, REQUEST_GPUS, value);
}

int read_request_memory(struct task_reader *reader, struct slice value)
{
    return read_request(reader, REQUEST_MEMORY, value);
}

int read_request_disk(struct task_reader *reader, struct slice value)
{
    return read_request(reader, REQUEST_DISK, value);
}

int read_request_attribute(struct task_reader *reader, const char *name, struct slice value)
{
    for (enum request_kind kind = 0; kind < REQUEST_COUNT; kind++)
        if (text_compare_ignoring_case(name, requests[kind].attribute) == 0)
            return read_request(reader, kind, value);
    return 0;
}

/* Both count in kilobytes; memory is asked for in whole megabytes. */
void apply_sizes(struct task_reader *reader)
{
    const struct part *part = reader->part;

    for (size_t i = 0; i < reader->task->command_count; i++) {
        const struct submit_attribute *command = &reader->memory->commands[i];
        uint64_t kilobytes;

        if (!command->expression ||
            number_parse_u64(slice_from_text(command->expression), &kilobytes) < 0)
            continue;
        if (strcmp(command->name, "ImageSize") == 0 &&
            part->definitions[COMMAND_REQUEST_MEMORY] == MACRO_NONE)
            reader->task->request_memory_bytes = (kilobytes / 1024 + (kilobytes % 1024 ? 1 : 0))
                                                 << 20;
        if (strcmp(command->name, "DiskUsage") == 0 &&
            part->definitions[COMMAND_REQUEST_DISK] == MACRO_NONE)
            reader->task->request_disk_bytes = kilobytes << 10;
    }
}

/* One that cannot be understood is not known; whoever matches the task says what is wrong. */
static void add_attributes(struct classad *ad, const struct submit_attribute *attributes,
                           size_t count)
{
    struct classad_failure failure;

    for (size_t i = 0; i < count; i++)
        if (attributes[i].expression)
            (void)classad_set(ad, slice_from_text(attributes[i].name),
                              slice_from_text(attributes[i].expression), CLASSAD_OLD, &failure);
}

/*
 * What a request may ask of the job itself: what it asks for, the sizes that HTCondor would have
 * measured, and what its commands and custom attributes say, which overrule these.
 */
static struct classad *known_of_job(struct submit_task *task)
{
    struct classad *ad = classad_new();
    struct classad_failure failure;

    classad_set_integer(ad, "ProcId", (int64_t)task->process);
    classad_set_integer(ad, "ImageSize", SUBMIT_MEMORY_DEFAULT / 1024);
    classad_set_integer(ad, "DiskUsage", SUBMIT_DISK_DEFAULT / 1024);
    for (enum request_kind kind = 0; kind < REQUEST_COUNT; kind++) {
        uint64_t unit = requests[kind].unit > 0 ? requests[kind].unit : 1;
        uint64_t amount = *amount_of(task, kind);

        if (kind != REQUEST_GPUS || task->request_gpus_expression)
            classad_set_integer(ad, requests[kind].attribute,
                                (int64_t)(amount / unit + (amount % unit ? 1 : 0)));
    }
    add_attributes(ad, task->commands, task->command_count);
    add_attributes(ad, task->attributes, task->attribute_count);
    for (enum request_kind kind = 0; kind < REQUEST_COUNT; kind++)
        if (*expression_of(task, kind))
            (void)classad_set(ad, slice_from_text(requests[kind].attribute),
                              slice_from_text(*expression_of(task, kind)), CLASSAD_OLD, &failure);
    return ad;
}

static void note_name(void *user_data, enum classad_side side, struct slice name)
{
    (void)side;
    (void)name;
    *(bool *)user_data = true;
}

/* The ad is made for the first that asks for something: it costs more than all else. */
static int settle_request(struct task_reader *reader, enum request_kind kind, struct classad **ad)
{
    struct slice written = slice_from_text(*expression_of(reader->task, kind));
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    const struct classad_node *node;
    struct classad_failure failure;
    struct classad_value result;
    bool asks = false;
    double number = NAN;

    reader->definition = reader->deferred[kind];
    if (classad_expression_parse(written, CLASSAD_OLD, &expression, &failure) < 0)
        return value_error(reader, "%s, in: %.*s", failure.message, SLICE_SHOWN(written));
    node = classad_expression_node(expression);
    classad_node_walk_names(node, note_name, &asks);
    if (asks && !*ad)
        *ad = known_of_job(reader->task);
    result = classad_evaluate(&evaluator, node, asks ? *ad : NULL, NULL);
    /* Of usage there is nothing in a count: what is not known now will not be known later. */
    if (result.type == CLASSAD_UNDEFINED && requests[kind].unit > 0)
        return 0;
    (void)classad_value_as_real(&result, &number);
    return set_amount(reader, kind, written, number);
}

int settle_requests(struct task_reader *reader)
{
    _cleanup_classad_ struct classad *ad = NULL;
    int r = 0;

    for (enum request_kind kind = 0; r == 0 && kind < REQUEST_COUNT; kind++)
        if (reader->deferred[kind])
            r = settle_request(reader, kind, &ad);
    return r;
}

/* How a request's value comes about, being followed. */
struct dependence {
    const struct part *part;
    const struct submit_task *task;
    const struct classad *ad;
    enum mark { MARK_NONE, MARK_WANTED, MARK_DONE } * marks; /* by the ad's attributes */
    size_t names_left;
    bool varies;
};

static bool attribute_varies(const struct submit_attribute *attributes, size_t count,
                             struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (attributes[i].varies && slice_equals_ignoring_case(name, attributes[i].name))
            return true;
    return false;
}

static bool name_may_differ(const struct dependence *dependence, struct slice name)
{
    const struct submit_task *task = dependence->task;

    for (enum request_kind kind = 0; kind < REQUEST_COUNT; kind++)
        if (dependence->part->varies[requests[kind].command] &&
            slice_equals_ignoring_case(name, requests[kind].attribute))
            return true;
    return slice_equals_ignoring_case(name, "ProcId") ||
           attribute_varies(task->commands, task->command_count, name) ||
           attribute_varies(task->attributes, task->attribute_count, name);
}

/* An empty name stands for any. */
static void follow_name(void *user_data, enum classad_side side, struct slice name)
{
    struct dependence *dependence = user_data;
    _cleanup_free_ char *copy = NULL;

    if (side == CLASSAD_SIDE_TARGET || dependence->varies)
        return;
    copy = slice_copy(name);
    dependence->varies =
        name.length == 0 || dependence->names_left == 0 || name_may_differ(dependence, name);
    if (dependence->varies)
        return;
    dependence->names_left--;
    for (size_t i = 0; i < classad_count(dependence->ad); i++)
        if (dependence->marks[i] == MARK_NONE &&
            slice_equals_ignoring_case(classad_name(dependence->ad, i), copy))
            dependence->marks[i] = MARK_WANTED;
}

/* In rounds, because a recursion could go as deep as there are attributes. */
static void follow(struct dependence *dependence, const char *name)
{
    bool again = true;

    memset(dependence->marks, 0, classad_count(dependence->ad) * sizeof(*dependence->marks));
    dependence->names_left = NAME_COUNT_MAX;
    follow_name(dependence, CLASSAD_SIDE_MY, slice_from_text(name));
    while (again && !dependence->varies) {
        again = false;
        for (size_t i = 0; i < classad_count(dependence->ad); i++) {
            if (dependence->marks[i] != MARK_WANTED)
                continue;
            dependence->marks[i] = MARK_DONE;
            again = true;
            classad_node_walk_names(classad_at(dependence->ad, i), follow_name, dependence);
        }
    }
}

void part_find_request_variation(struct part *part, struct submit_task *task)
{
    _cleanup_classad_ struct classad *ad = NULL;
    _cleanup_free_ enum mark *marks = NULL;

    for (enum request_kind kind = 0; part->range.count > 1 && kind < REQUEST_COUNT; kind++) {
        struct dependence dependence = {.part = part, .task = task};

        if (!*expression_of(task, kind))
            continue;
        ad = ad ?: known_of_job(task);
        marks = marks ?: memory_allocate(classad_count(ad) * sizeof(*marks));
        dependence.ad = ad;
        dependence.marks = marks;
        follow(&dependence, requests[kind].attribute);
        if (dependence.varies)
            part->varies[requests[kind].command] = true;
    }
}

/* ---- what only dusk asks ---- */

/* No submit command of HTCondor's: those of its durations are limits, and this is none. */
int read_expected_duration(struct task_reader *reader, struct slice value)
{
    uint64_t duration_ms;

    if (number_parse_duration(value, &duration_ms) < 0 || duration_ms == 0 ||
        duration_ms > SUBMIT_DURATION_MAX_MS) {
        value_error(reader, "'%.*s' is no time that a task takes", SLICE_SHOWN(value));
        error_hint(reader->err, "write seconds, or 90m, 2h, 1.5d; a year is the most");
        return -EINVAL;
    }
    reader->task->expected_duration_ms = duration_ms;
    return 0;
}

int read_runtime(struct task_reader *reader, struct slice value)
{
    static const struct word words[] = {{"process", 0}, {"container", 1}};
    int found = 0, r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    if (r == 0)
        reader->task->runtime = words[found].word;
    return r;
}

int read_network(struct task_reader *reader, struct slice value)
{
    static const struct word words[] = {{"none", 0}, {"full", 1}};
    int found = 0, r = read_word(reader, value, words, ARRAY_LENGTH(words), &found);

    if (r == 0)
        reader->task->network = words[found].word;
    return r;
}
