/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See script.h. The parent looks at two pipes until both have ended, and then waits for the child:
 * each with a deadline. What the child could not do before its program ran stands on its standard
 * error, as if the program had said it.
 */
#define _GNU_SOURCE
#include "script.h"

#include "oom_score.h"
#include "priority.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* By Linux's custom, where no passwd names one: the id that user namespaces have for strangers. */
enum { NOBODY = 65534 };
enum { OUT, ERR, STREAMS, READ_SIZE = 4096, COMPLAINT_SIZE_MAX = 4096 };

struct user {
    bool is_to_become;
    uid_t uid;
    gid_t gid;
};

struct run {
    const char *path;
    uint64_t deadline_ms;
    pid_t child;
    int streams[STREAMS]; /* read ends; -1: over */
    struct buffer *output;
    struct buffer complaint;
    size_t output_size;
};

static struct user find_user(void)
{
    const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;

    return (struct user){.is_to_become = geteuid() == 0,
                         .uid = nobody ? nobody->pw_uid : NOBODY,
                         .gid = nobody ? nobody->pw_gid : NOBODY};
}

/* ---- the child ---- */

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* It ends with whoever waits for it: asked for last, because a change of user undoes that. */
static bool become(const struct user *user, pid_t parent)
{
    if (user->is_to_become &&
        (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
         setresuid(user->uid, user->uid, user->uid) < 0))
        return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
           getppid() == parent;
}

static _noreturn_ void run_child(const char *path, const struct user *user,
                                 const int writing[STREAMS], pid_t parent)
{
    static const struct rlimit no_core = {0, 0};
    char *arguments[] = {(char *)path, NULL};
    char *environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C.UTF-8",
                           NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const char *words;

    reset_signals();
    setsid();
    umask(077);
    setrlimit(RLIMIT_CORE, &no_core);
    priority_wait();
    /* As a task's: when memory runs out, the agent may be spared and this goes. */
    (void)oom_score_set(OOM_SCORE_FIRST_TO_GO);
    /* Ours are closed in any case; whoever started the agent may have left more. */
    if (descriptor_close_range(STDERR_FILENO + 1, UINT_MAX, true) == 0 && null >= 0 &&
        chdir("/") == 0 && dup2(null, STDIN_FILENO) >= 0 &&
        dup2(writing[OUT], STDOUT_FILENO) >= 0 && dup2(writing[ERR], STDERR_FILENO) >= 0 &&
        become(user, parent))
        execve(path, arguments, environment);
    words = strerrordesc_np(errno);
    (void)!write(writing[ERR], words, strlen(words));
    _exit(127);
}

/* ---- the parent ---- */

static int start(struct run *run, struct error *err)
{
    struct user user = find_user();
    int out[2], complaints[2], writing[STREAMS];
    pid_t parent = getpid();

    if (pipe2(out, O_CLOEXEC) < 0)
        return error_set_errno(err, -errno, "cannot make a pipe");
    run->streams[OUT] = out[0];
    if (pipe2(complaints, O_CLOEXEC) < 0) {
        descriptor_close(out[1]);
        return error_set_errno(err, -errno, "cannot make a pipe");
    }
    run->streams[ERR] = complaints[0];
    writing[OUT] = out[1];
    writing[ERR] = complaints[1];
    run->child = fork();
    if (run->child == 0)
        run_child(run->path, &user, writing, parent);
    descriptor_close(writing[OUT]);
    descriptor_close(writing[ERR]);
    return run->child < 0 ? error_set_errno(err, -errno, "cannot start a process") : 0;
}

static int time_left_ms(const struct run *run)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t left_ms = run->deadline_ms > now_ms ? run->deadline_ms - now_ms : 0;

    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static int refuse_time(const struct run *run, struct error *err)
{
    error_set(err, -ETIMEDOUT, "'%s' took too long and was killed", run->path);
    error_hint(err, "it must end, and so must all that holds its output open");
    return -ETIMEDOUT;
}

/* Complaints beyond a page are read and dropped, or their writer would wait for ever. */
static int read_stream(struct run *run, int stream, struct error *err)
{
    char piece[READ_SIZE];
    ssize_t n = read(run->streams[stream], piece, sizeof(piece));

    if (n < 0 && errno == EINTR)
        return 0;
    if (n <= 0) {
        run->streams[stream] = descriptor_close(run->streams[stream]);
    } else if (stream == ERR) {
        if (run->complaint.length + (size_t)n <= COMPLAINT_SIZE_MAX)
            buffer_append(&run->complaint, piece, (size_t)n);
    } else {
        run->output_size += (size_t)n;
        if (run->output_size > SCRIPT_OUTPUT_SIZE_MAX)
            return error_set(err, -EFBIG, "'%s' prints more than %d bytes", run->path,
                             SCRIPT_OUTPUT_SIZE_MAX);
        buffer_append(run->output, piece, (size_t)n);
    }
    return 0;
}

static int read_all(struct run *run, struct error *err)
{
    int r = 0;

    while (r == 0 && (run->streams[OUT] >= 0 || run->streams[ERR] >= 0)) {
        struct pollfd polled[STREAMS] = {{.fd = run->streams[OUT], .events = POLLIN},
                                         {.fd = run->streams[ERR], .events = POLLIN}};
        int n = poll(polled, STREAMS, time_left_ms(run));

        if (n == 0)
            return refuse_time(run, err);
        for (int i = 0; r == 0 && n > 0 && i < STREAMS; i++)
            if (polled[i].revents != 0)
                r = read_stream(run, i, err);
    }
    return r;
}

/* Without taking its status, so that its number still is its session's when that is killed. */
static int wait_for_end(const struct run *run, const sigset_t *child_signal, struct error *err)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        int left_ms = time_left_ms(run);
        struct timespec patience = {.tv_sec = left_ms / 1000,
                                    .tv_nsec = (long)(left_ms % 1000) * 1000000};

        if (waitid(P_PID, (id_t)run->child, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
            info.si_pid != 0)
            return 0;
        if (left_ms == 0)
            return refuse_time(run, err);
        (void)sigtimedwait(child_signal, NULL, &patience);
    }
}

static int judge(const struct run *run, int status, struct error *err)
{
    const char *complaint = buffer_text(&run->complaint);
    int length = (int)strcspn(complaint, "\n");

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return error_set(err, -ECANCELED, "'%s' was killed by signal %d", run->path,
                         WTERMSIG(status));
    return error_set(err, -ECANCELED, "'%s' ended with exit code %d%s%.*s", run->path,
                     WEXITSTATUS(status), length > 0 ? ": " : "", length, complaint);
}

int script_run(const char *path, uint64_t timeout_ms, struct buffer *output, struct error *err)
{
    struct run run = {.path = path,
                      .deadline_ms = clock_boot_ms() + timeout_ms,
                      .streams = {-1, -1},
                      .output = output};
    sigset_t child_signal, before;
    int r, status = 0;

    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, &before);
    r = start(&run, err);
    if (r == 0)
        r = read_all(&run, err);
    if (r == 0)
        r = wait_for_end(&run, &child_signal, err);
    if (run.child > 0) {
        kill(-run.child, SIGKILL);
        kill(run.child, SIGKILL); /* it may not have a session yet */
        while (waitpid(run.child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        r = judge(&run, status, err);
    descriptor_close(run.streams[OUT]);
    descriptor_close(run.streams[ERR]);
    buffer_deinit(&run.complaint);
    return r;
}
