/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_task_internal.h: what a task needs of the node that runs it. The kind of node (its
 * "universe", in HTCondor's word) and the image.
 */
#include "submit_task_internal.h"

#include "text.h"

#include <errno.h>
#include <string.h>

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
