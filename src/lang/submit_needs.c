/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_task_internal.h: what a task needs of the node that runs it. The kind of node (its
 * "universe", in HTCondor's word), the image, and how much of the node.
 */
#include "submit_task_internal.h"

#include "classad.h"
#include "text.h"

#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/*
 * What may be asked of the job itself in an expression. So much is known before it has ever run:
 * what it asks for, and the sizes that HTCondor would have measured.
 */
static struct classad *known_of_job(const struct task_reader *reader)
{
    const struct submit_task *task = reader->task;
    struct classad *ad = classad_new();

    classad_set_integer(ad, "ImageSize", SUBMIT_MEMORY_DEFAULT / 1024);
    classad_set_integer(ad, "DiskUsage", SUBMIT_DISK_DEFAULT / 1024);
    classad_set_integer(ad, "RequestCpus", (int64_t)task->request_cpus);
    if (task->request_gpus_expression)
        classad_set_integer(ad, "RequestGPUs", (int64_t)task->request_gpus);
    classad_set_integer(ad, "RequestMemory", (int64_t)(task->request_memory_bytes >> 20));
    return ad;
}

/*
 * The value of an expression before the first run, NAN if it is no number; 1 if it is UNDEFINED,
 * because it asks for what only a run can tell. It stays in the job as it is.
 */
static int evaluate(struct task_reader *reader, struct slice value, const char **ret_expression,
                    double *ret_number)
{
    _cleanup_classad_ struct classad *ad = known_of_job(reader);
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    struct classad_failure failure;
    struct classad_value result;
    int r = read_expression(reader, value, ret_expression);

    if (r < 0)
        return r;
    if (classad_expression_parse(value, CLASSAD_OLD, &expression, &failure) < 0)
        return value_error(reader, "%s, in: %.*s", failure.message, SLICE_SHOWN(value));
    result = classad_evaluate(&evaluator, classad_expression_node(expression), ad, NULL);
    if (result.type == CLASSAD_UNDEFINED)
        return 1;
    if (!classad_value_as_real(&result, ret_number))
        *ret_number = NAN;
    return 0;
}

/* A number with a unit, or an expression in units. */
static int read_size(struct task_reader *reader, struct slice value, uint64_t unit,
                     uint64_t *ret_bytes, const char **ret_expression)
{
    double number;
    int r;

    /* The common case first; expressions have no units. */
    if (number_parse_size(value, unit, ret_bytes) == 0)
        return 0;
    r = evaluate(reader, value, ret_expression, &number);
    if (r > 0)
        return 0;
    /* Below 2^63, where a double still converts, and where JSON's integers end. */
    if (r == 0 && number >= 0 && number * (double)unit < 0x1p63) {
        *ret_bytes = (uint64_t)(number * (double)unit);
        return 0;
    }
    if (r == 0)
        value_error(reader, "'%.*s' is not a size", SLICE_SHOWN(value));
    error_hint(reader->err, "write a number with a unit, such as 512MB or 2GB, or an expression "
                            "whose value is a number");
    return -EINVAL;
}

int read_request_memory(struct task_reader *reader, struct slice value)
{
    return read_size(reader, value, 1024 * 1024, &reader->task->request_memory_bytes,
                     &reader->task->request_memory_expression);
}

int read_request_disk(struct task_reader *reader, struct slice value)
{
    return read_size(reader, value, 1024, &reader->task->request_disk_bytes,
                     &reader->task->request_disk_expression);
}

/*
 * A count of what comes in whole pieces, not less than `least`. Of usage there is none in it, so
 * what is not known now will not be known later.
 */
static int read_count(struct task_reader *reader, struct slice value, const char *what,
                      uint32_t least, uint64_t *ret_count, const char **ret_expression)
{
    uint64_t count;
    double number;
    int r = number_parse_u64(value, &count);

    number = (double)count;
    if (r < 0)
        r = evaluate(reader, value, ret_expression, &number);
    if (r < 0 || slice_equals_ignoring_case(value, "undefined"))
        return r < 0 ? r : 0;
    if (r > 0 || !(number >= least && number <= UINT32_MAX) || number != (double)(uint32_t)number)
        return value_error(reader, "'%.*s' is not a number of %s", SLICE_SHOWN(value), what);
    *ret_count = (uint64_t)number;
    return 0;
}

/* A task without a core cannot run; HTCondor would give it one silently. */
int read_request_cpus(struct task_reader *reader, struct slice value)
{
    return read_count(reader, value, "cores", 1, &reader->task->request_cpus,
                      &reader->task->request_cpus_expression);
}

int read_request_gpus(struct task_reader *reader, struct slice value)
{
    reader->task->request_gpus_expression = task_keep(reader, value);
    return read_count(reader, value, "GPUs", 0, &reader->task->request_gpus,
                      &reader->task->request_gpus_expression);
}

int read_request_attribute(struct task_reader *reader, const char *name, struct slice value)
{
    static const struct {
        const char *name;
        int (*read)(struct task_reader *reader, struct slice value);
    } requests[] = {
        {"RequestCpus", read_request_cpus},
        {"RequestMemory", read_request_memory},
        {"RequestDisk", read_request_disk},
        {"RequestGPUs", read_request_gpus},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), requests[i].name))
            return requests[i].read(reader, value);
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

/* HTCondor's universes; those that are refused say what to use instead. */
static const struct {
    const char *name;
    const char *number; /* as JobUniverse has it, or NULL */
    enum submit_universe universe;
    const char *refusal;
} universes[] = {
    {"vanilla", "5", SUBMIT_VANILLA, NULL},
    {"container", NULL, SUBMIT_CONTAINER, NULL},
    {"docker", NULL, SUBMIT_DOCKER, NULL},
    {"parallel", "11", 0,
     "tasks that start together on several nodes are not there yet; leave the line out and use the "
     "cores of one node with request_cpus"},
    {"mpi", "8", 0, "HTCondor itself has given it up; programs that use MPI run with request_cpus"},
    {"pvm", "4", 0, "HTCondor itself has given it up; leave the line out"},
    {"vm", "13", 0,
     "tasks do not bring virtual machines of their own; run what is in it as a program"},
    {"local", "12", 0,
     "the server runs no programs of users; leave the line out and it runs on a node, or start it "
     "by hand"},
    {"scheduler", "7", 0,
     "the server runs no programs of users; leave the line out and it runs on a node, or start it "
     "by hand"},
    {"java", "10", 0,
     "give java as the executable: 'executable = /usr/bin/java', 'transfer_executable = false', "
     "'arguments = -jar PROGRAM.jar', 'transfer_input_files = PROGRAM.jar'"},
    {"grid", "9", 0,
     "dusk hands no jobs to other systems; leave the line and grid_resource out and they run in "
     "this pool"},
    {"globus", NULL, 0, "HTCondor itself has given it up; leave the line out"},
    {"standard", "1", 0,
     "HTCondor itself has given it up; leave the line out and the program needs no condor_compile"},
};

/* Each is refused in its own words: some will come, some never. */
int read_universe(struct task_reader *reader, struct slice value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(universes); i++) {
        if (!slice_equals_ignoring_case(value, universes[i].name) &&
            !(universes[i].number && slice_equals(value, universes[i].number)))
            continue;
        reader->task->universe = universes[i].universe;
        if (!universes[i].refusal)
            return 0;
        return value_error(reader, "there is no '%s' universe here: %s", universes[i].name,
                           universes[i].refusal);
    }
    value_error(reader, "there is no universe '%.*s'", SLICE_SHOWN(value));
    error_hint(reader->err, "leave the line out: programs run in the 'vanilla' universe");
    return -EINVAL;
}

int read_docker_image(struct task_reader *reader, struct slice value)
{
    reader->task->docker_image = task_keep(reader, without_quotes(value));
    return *reader->task->docker_image ? 0 : value_error(reader, "the image has no name");
}

/* Libraries of images that HTCondor cannot fetch from (condor_submit(1), "container_image"). */
int read_container_image(struct task_reader *reader, struct slice value)
{
    static const char *const refused[] = {"instance://", "library://", "shub://"};

    value = without_quotes(value);
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
        if (text_begins(value, refused[i]))
            return value_error(reader, "an image cannot be taken from '%s'", refused[i]);
    reader->task->container_image = task_keep(reader, value);
    return *reader->task->container_image ? 0 : value_error(reader, "the image has no name");
}

/* What an image is given without its universe means the same as with it. */
static int check_image(struct task_reader *reader)
{
    struct submit_task *task = reader->task;

    if (task->universe == SUBMIT_DOCKER && task->container_image) {
        (void)task_select(reader, COMMAND_CONTAINER_IMAGE);
        return value_error(reader, "the docker universe has docker_image instead; or write "
                                   "'universe = container'");
    }
    if (task->container_image && task->docker_image) {
        (void)task_select(reader, COMMAND_CONTAINER_IMAGE);
        return value_error(reader, "there is docker_image, too; a task runs in one image");
    }
    if (task->universe == SUBMIT_VANILLA && (task->container_image || task->docker_image))
        task->universe = SUBMIT_CONTAINER;
    if (task->universe == SUBMIT_VANILLA || task->container_image || task->docker_image)
        return 0;
    (void)task_select(reader, COMMAND_UNIVERSE);
    return value_error(reader, "this universe needs an image; add a line '%s = IMAGE'",
                       task->universe == SUBMIT_DOCKER ? "docker_image" : "container_image");
}

int check_universe(struct task_reader *reader)
{
    struct submit_task *task = reader->task;
    int r = check_image(reader);

    if (r < 0)
        return r;
    if (task->universe == SUBMIT_VANILLA) {
        /* It was defined, or there would be no part; but its value may be nothing for this task. */
        if (task->executable)
            return 0;
        (void)task_select(reader, COMMAND_EXECUTABLE);
        return value_error(reader, "the program's name is empty");
    }
    /* A program with its whole path is taken for one of the image. */
    if (!task->executable || (!reader->transfer_executable_given && task->executable[0] == '/'))
        task->transfer_executable = false;
    if (!task->executable)
        task->executable = "";
    return 0;
}
