/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk run: one program somewhere in the pool, as if it ran here: its standard input, output and
 * error, the files it makes, its exit status, Ctrl-C.
 *
 * It is a job of one task that is submitted like any other, so that it waits, moves and is shown
 * like others; but nobody else cares for it. So it is removed when it is held, and when this
 * command is told to end.
 */
#define _GNU_SOURCE
#include "session.h"

#include "exit_code.h"
#include "inputs.h"
#include "run_job.h"
#include "run_watch.h"
#include "submission.h"
#include "submit_here.h"
#include "sys/complain.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_word option_words[] = {
    {"cpus", 'c', OPTION_VALUE, "N", "processor cores; 1"},
    {"memory", 'm', OPTION_VALUE, "SIZE", "memory, as 500M or 2G; 128M"},
    {"disk", 'd', OPTION_VALUE, "SIZE", "room for its files, as 1G; 16M"},
    {"gpus", 'g', OPTION_VALUE, "N", "GPUs; none"},
    {"env", 'e', OPTION_VALUE, "NAME[=VALUE]", "a variable; without a value: as it is here"},
    {"input", 'i', OPTION_VALUE, "FILE", "a file or folder to send along; may be repeated"},
    {"no-stdin", 'n', OPTION_FLAG, NULL, "read nothing from standard input"},
};

struct run {
    struct run_job job;
    char *program;    /* owned */
    char *folder;     /* owned */
    char *stdin_file; /* owned; removed at the end; NULL: none */
    bool no_stdin;
};

static void run_deinit(struct run *run)
{
    if (run->stdin_file)
        (void)unlink(run->stdin_file);
    run_job_deinit(&run->job);
    free(run->program);
    free(run->folder);
    free(run->stdin_file);
}

static int take_option(struct run *run, int key, const char *value, struct error *err)
{
    struct buffer *inputs = &run->job.inputs;

    if (key == 'c')
        run->job.cpus = value;
    else if (key == 'm')
        run->job.memory = value;
    else if (key == 'd')
        run->job.disk = value;
    else if (key == 'g')
        run->job.gpus = value;
    else if (key == 'n')
        run->no_stdin = true;
    else if (key == 'e')
        return run_job_add_variable(&run->job, value, err);
    else
        buffer_appendf(inputs, "%s%s", inputs->length > 0 ? "," : "", value);
    return 0;
}

static int read_command_line(struct session *session, struct run *run, struct error *err)
{
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        r = take_option(run, key, value, err);
        if (r < 0)
            return r;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 1, SIZE_MAX - 1, "a program to run", err);
    if (r < 0)
        return r;
    run->job.arguments = session->operands + 1;
    r = run_find_program(session->operands[0], &run->program, &run->job.transfer, err);
    run->job.program = run->program;
    return r;
}

/* Whether there is anything to read that must be sent along. */
static bool wants_stdin(const struct run *run)
{
    struct stat status, null;

    if (run->no_stdin || isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &status) < 0)
        return false;
    return stat("/dev/null", &null) < 0 || !S_ISCHR(status.st_mode) ||
           status.st_rdev != null.st_rdev;
}

/* The whole of standard input in a file, because it is named by its hash before it travels. */
static int spool_stdin(struct run *run, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    _cleanup_fd_ int fd = -1;
    char *path;

    if (!wants_stdin(run))
        return 0;
    path = file_join(folder && *folder == '/' ? folder : "/tmp", "dusk-stdin-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        int r = error_set_errno(err, -errno, "cannot create '%s'", path);

        free(path);
        return r;
    }
    run->stdin_file = path;
    run->job.stdin_path = path;
    if (file_copy(STDIN_FILENO, fd, err) < 0)
        return error_prefix(err, -EIO, "cannot read standard input");
    return 0;
}

static int submit_run(struct session *session, struct run *run, struct run_watch *watch,
                      struct error *err)
{
    _cleanup_inputs_ struct inputs inputs = INPUTS_INIT;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_json_ json_t *reply = NULL;
    struct origin origin = {.folder = run->folder};
    struct submission submission = {.origin = &origin, .inputs = &inputs};
    int r;

    r = run_job_parse(&run->job, &origin, &text, &submit, err);
    if (r == 0)
        r = inputs_collect(submit, &origin, &inputs, err);
    if (r == 0)
        r = session_connect(session, &watch->connection, err);
    if (r < 0)
        return r;
    submission.submit = submit;
    /* From here on a signal must find a task that can be removed, or none at all. */
    run_watch_block_signals();
    r = submission_send(watch->connection, &submission, &reply, err);
    watch->task = (struct id){.job = json_member_number(reply, "job"), .has_task = true};
    return r;
}

/* The status that a shell would show for the program. */
static int status_of_task(struct run_watch *watch, struct error *err)
{
    _cleanup_json_ json_t *task = NULL;
    uint64_t signal;
    int r;

    r = waiting_get_task(watch->connection, &watch->task, &task, err);
    if (r < 0)
        return r;
    signal = json_member_number(task, "exit_signal");
    if (signal > 0)
        return EXIT_CODE_SIGNAL + (int)(signal & 0x7f);
    return (int)(json_member_number(task, "exit_code") & 0xff);
}

/* Held: nobody would release a task whose terminal is waiting for it. */
static int give_up(struct run_watch *watch, struct error *err)
{
    _cleanup_json_ json_t *task = NULL, *body = json_object();
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    r = waiting_get_task(watch->connection, &watch->task, &task, err);
    if (r < 0)
        return r;
    buffer_appendf(&path, "/v1/jobs/%llu/remove", (unsigned long long)watch->task.job);
    (void)connection_call(watch->connection, "POST", path.data, body, NULL, NULL);
    return error_set(err, -ECANCELED, "the program could not be run: %s",
                     json_member_text(task, "reason", "the task was held without a reason"));
}

/* Only of a program that ran to its end are there outputs and a status; else the words of the
 * failure. */
static int finish(struct run_watch *watch, enum run_end end, struct error *err)
{
    int r;

    switch (end) {
    case RUN_ENDED:
        r = run_watch_collect(watch, err);
        return r < 0 ? r : status_of_task(watch, err);
    case RUN_INTERRUPTED:
        return EXIT_CODE_SIGNAL + watch->signal;
    case RUN_REMOVED:
        return error_set(err, -ECANCELED, "the task was removed");
    case RUN_HELD:
        return give_up(watch, err);
    case RUN_FAILED:
        break;
    }
    error_set(err, FAILURE_NO_SERVER, "lost the server while the program ran");
    error_hint(err, "it is job %llu: see 'dusk q', and 'dusk fetch' for what it leaves",
               (unsigned long long)watch->task.job);
    return FAILURE_NO_SERVER;
}

static int run_run(struct session *session, struct error *err)
{
    _cleanup_(run_deinit) struct run run = {0};
    _cleanup_(run_watch_deinit) struct run_watch watch = {0};
    enum run_end end = RUN_FAILED;
    int r;

    r = read_command_line(session, &run, err);
    if (r == -ENOENT || r == -EACCES) {
        complain(err);
        return r == -ENOENT ? EXIT_CODE_NO_PROGRAM : EXIT_CODE_NOT_EXECUTABLE;
    }
    if (r == 0)
        r = submit_current_folder(&run.folder, err);
    if (r == 0)
        r = spool_stdin(&run, err);
    if (r == 0)
        r = run_watch_init(&watch, err);
    if (r == 0)
        r = submit_run(session, &run, &watch, err);
    if (r < 0)
        return r;
    watch.server = session->server;
    watch.socket = session->socket;
    r = run_watch_run(&watch, &end, err);
    return r < 0 ? r : finish(&watch, end, err);
}

const struct command command_run = {
    .name = "run",
    .summary = "runs one program in the pool as if it ran here",
    .synopsis = "[OPTION]... PROGRAM [ARGUMENT]...",
    .description =
        "Runs PROGRAM on some node of the pool. Standard input is sent along first,\n"
        "unless it is a terminal; standard output and error appear as they are written;\n"
        "files that the program makes arrive in the current folder; and the exit status\n"
        "is the program's, or 128 and the signal that ended it. Ctrl-C removes the task.\n"
        "\n"
        "PROGRAM is looked up in PATH. One of the operating system (in /usr, /bin, /opt)\n"
        "is the node's own; any other is sent along.\n",
    .examples = "  dusk run uname -n\n"
                "  dusk run -c 4 -m 2G ./simulate --steps 1000 <start.dat >end.dat\n"
                "  dusk run -e OMP_NUM_THREADS=4 -i table.csv python3 -c 'print(1)'\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .stops_at_operand = true,
    .run = run_run,
};
