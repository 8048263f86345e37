/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper.h: the keeper's life, its sockets and its loop. What it keeps is in kept.c.
 *
 * One epoll waits for the agent, for new agents, for SIGCHLD, for the nearest deadline, and for
 * what kept.c waits for. Each round handles what came, takes pending tasks on, sets the timer and
 * sends the news, all of a round in one write. It ends when it has neither task nor agent; when
 * all its tasks lapsed long ago and no agent has spoken since; or at SIGTERM. It kills what lives
 * then.
 */
#define _GNU_SOURCE
#include "keeper.h"

#include "base/memory.h"
#include "base/number.h"
#include "kept.h"
#include "oom_score.h"
#include "priority.h"
#include "process_tree.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    READ_SIZE = 64 * 1024,
    NEWS_SIZE_MAX = 16 * 1024 * 1024, /* an agent that reads no more is given up */
    AGAIN_MS = 5,                     /* how soon trees that wake nobody are looked at again */
    FIRST_AGENT_MS = 30000,           /* how long a new keeper waits for its first agent */
    STARTER_PATIENCE_MS = 5000,       /* for a process that is about to end */
    PATHS_SIZE_MAX = 16 * 1024,       /* of keeper.group */
};

/* What an event of the epoll is about. */
enum wake { WAKE_KEPT = KEPT_WAKE, WAKE_LISTENER, WAKE_AGENT, WAKE_SIGNAL, WAKE_TIMER };

struct keeper {
    struct kept kept;
    struct buffer requests; /* received, not yet whole */
    struct buffer news;     /* not yet sent */
    char *group_file;       /* owned; STATE/keeper.group remembers the groups for the next keeper */
    int epoll, listener, agent, signals, timer;
    bool sends; /* the epoll waits until the agent takes more news */
    bool is_asked_to_end;
    uint64_t timer_at;    /* UINT64_MAX while it is not set */
    uint64_t heard_at_ms; /* when an agent last said a word, or left */
    bool is_doubted;      /* it has been silent for half of the time that it may be */
    uint64_t abandon_after_ms;
};

static int watch(struct keeper *keeper, int operation, int fd, uint32_t events, enum wake wake)
{
    struct epoll_event event = {.events = events, .data.u64 = wake};

    return epoll_ctl(keeper->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* ---- the agent ---- */

static void hear(struct keeper *keeper)
{
    keeper->heard_at_ms = clock_boot_ms();
    keeper->is_doubted = false;
}

/* Half a request or half a piece of news is worth nothing to the next agent, which asks for all. */
static void leave_agent(struct keeper *keeper)
{
    if (keeper->agent < 0)
        return;
    keeper->agent = descriptor_close(keeper->agent);
    buffer_deinit(&keeper->requests);
    buffer_deinit(&keeper->news);
    keeper->kept.is_heard = false;
    keeper->sends = false;
    hear(keeper);
}

static void send_news(struct keeper *keeper)
{
    bool sends;
    ssize_t n = 0;

    if (keeper->agent < 0)
        return;
    if (keeper->news.length > 0)
        n = send(keeper->agent, keeper->news.data, keeper->news.length,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        buffer_consume(&keeper->news, (size_t)n);
    /* It does not read any more; what it asked for before is still to be read, up to its end. */
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        buffer_clear(&keeper->news);
    if (keeper->news.length > NEWS_SIZE_MAX) {
        leave_agent(keeper);
        return;
    }
    sends = keeper->news.length > 0;
    if (sends != keeper->sends)
        watch(keeper, EPOLL_CTL_MOD, keeper->agent, EPOLLIN | (sends ? EPOLLOUT : 0), WAKE_AGENT);
    keeper->sends = sends;
}

/* Handles all whole frames. Returns 0, or -EBADMSG if the agent speaks another language. */
static int handle_requests(struct keeper *keeper)
{
    size_t at = 0, length = 0;
    int r;

    for (;;) {
        struct slice rest = {.data = keeper->requests.data + at,
                             .length = keeper->requests.length - at};
        struct keeper_request request;

        r = keeper_message_find_frame(rest, &length);
        if (r <= 0)
            break;
        rest.length = length;
        r = keeper_message_decode_request(rest, &request);
        if (r < 0)
            break;
        kept_handle_request(&keeper->kept, &request);
        keeper_request_deinit(&request);
        at += length;
    }
    buffer_consume(&keeper->requests, at);
    return r;
}

static void read_agent(struct keeper *keeper)
{
    ssize_t n;

    buffer_reserve(&keeper->requests, READ_SIZE);
    n = recv(keeper->agent, keeper->requests.data + keeper->requests.length, READ_SIZE,
             MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        leave_agent(keeper);
        return;
    }
    hear(keeper);
    keeper->requests.length += (size_t)n;
    if (handle_requests(keeper) < 0) {
        log_error("keeper: the agent sent a message that cannot be read; disconnected");
        leave_agent(keeper);
    }
}

/* The socket's mode keeps others out already; but a folder's or a mount's may have been changed. */
static bool is_own_agent(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void accept_agent(struct keeper *keeper)
{
    static const enum keeper_hold holds[] = {[CGROUP_NONE] = KEEPER_HOLD_WARDENS,
                                             [CGROUP_VERSION_1] = KEEPER_HOLD_FREEZER,
                                             [CGROUP_VERSION_2] = KEEPER_HOLD_GROUPS};
    _cleanup_fd_ int fd = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const struct cgroup_root *groups = &keeper->kept.groups;
    struct keeper_news hello = {
        .type = KEEPER_NEWS_HELLO,
        .version = KEEPER_VERSION,
        .pid = getpid(),
        .means =
            {
                .hold = holds[groups->version],
                .limits_memory = cgroup_root_limits(groups, CGROUP_MEMORY),
                .limits_processes = cgroup_root_limits(groups, CGROUP_PROCESSES),
                .shares_cpus = cgroup_root_limits(groups, CGROUP_CPUS),
            },
    };

    if (fd < 0 || !is_own_agent(fd))
        return;
    leave_agent(keeper);
    if (watch(keeper, EPOLL_CTL_ADD, fd, EPOLLIN, WAKE_AGENT) < 0)
        return;
    keeper->agent = descriptor_take(&fd);
    keeper->kept.is_heard = true;
    keeper_message_encode_news(&hello, &keeper->news);
}

/* ---- the loop ---- */

static void read_signals(struct keeper *keeper)
{
    struct signalfd_siginfo info;

    while (read(keeper->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            kept_reap(&keeper->kept);
        else
            keeper->is_asked_to_end = true;
    }
}

/*
 * When the tasks are given up if no agent says a word; UINT64_MAX while there is no such time. One
 * that is connected is given up in two halves: when the computer wakes from a long sleep, agent and
 * keeper were both silent, and the agent shall have the time to say so.
 */
static uint64_t abandon_at(const struct keeper *keeper)
{
    uint64_t lapsed = kept_last_deadline(&keeper->kept);
    uint64_t since = lapsed > keeper->heard_at_ms ? lapsed : keeper->heard_at_ms;

    if (lapsed == UINT64_MAX || keeper->kept.task_count == 0)
        return UINT64_MAX;
    return since + (keeper->agent >= 0 ? keeper->abandon_after_ms / 2 : keeper->abandon_after_ms);
}

static void abandon(struct keeper *keeper)
{
    if (keeper->agent >= 0 && !keeper->is_doubted) {
        keeper->heard_at_ms = clock_boot_ms();
        keeper->is_doubted = true;
        return;
    }
    log_notice("keeper: no agent has spoken since all tasks lost their leases; they are ended");
    keeper->is_asked_to_end = true;
}

/* An absolute timer, so that time in suspend counts (timerfd_create(2)); the past fires at once. */
static void set_timer(struct keeper *keeper, bool again)
{
    uint64_t at = kept_first_deadline(&keeper->kept), abandon = abandon_at(keeper);
    uint64_t look = kept_next_look(&keeper->kept), hurry = hurry_next_ms(&keeper->kept.hurry);
    uint64_t expiry = kept_next_expiry(&keeper->kept);
    struct itimerspec when = {0};

    if (look < at)
        at = look;
    if (abandon < at)
        at = abandon;
    if (hurry < at)
        at = hurry;
    if (expiry < at)
        at = expiry;
    if (again && clock_boot_ms() + AGAIN_MS < at)
        at = clock_boot_ms() + AGAIN_MS;
    if (at != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(at / 1000);
        when.it_value.tv_nsec = (long)(at % 1000) * 1000000 + 1;
    }
    if (at != keeper->timer_at)
        timerfd_settime(keeper->timer, TFD_TIMER_ABSTIME, &when, NULL);
    keeper->timer_at = at;
}

static void read_timer(struct keeper *keeper)
{
    uint64_t count;

    if (read(keeper->timer, &count, sizeof(count)) < 0)
        return;
    keeper->timer_at = UINT64_MAX;
    kept_lapse(&keeper->kept, clock_boot_ms());
    kept_look(&keeper->kept, clock_boot_ms());
    kept_expire(&keeper->kept, clock_boot_ms());
    if (clock_boot_ms() >= abandon_at(keeper))
        abandon(keeper);
}

static void handle_event(struct keeper *keeper, const struct epoll_event *event)
{
    switch ((enum wake)(uint32_t)event->data.u64) {
    case WAKE_KEPT:
        kept_wake(&keeper->kept, event->data.u64 >> 32);
        break;
    case WAKE_LISTENER:
        accept_agent(keeper);
        break;
    case WAKE_AGENT:
        if (keeper->agent >= 0 && event->events & ~(uint32_t)EPOLLOUT)
            read_agent(keeper);
        break;
    case WAKE_SIGNAL:
        read_signals(keeper);
        break;
    case WAKE_TIMER:
        read_timer(keeper);
        break;
    }
}

/* One that was asked to end kills in each round again: a tree may grow while it is killed. */
static bool is_over(struct keeper *keeper)
{
    if (keeper->is_asked_to_end) {
        kept_kill_all(&keeper->kept);
        return keeper->kept.living_count == 0;
    }
    return keeper->agent < 0 && keeper->kept.task_count == 0;
}

static int run_loop(struct keeper *keeper)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        bool again = kept_continue(&keeper->kept);
        int count;

        send_news(keeper);
        if (is_over(keeper))
            return 0;
        set_timer(keeper, again);
        count = epoll_wait(keeper->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            return -errno;
        for (int i = 0; i < count; i++)
            handle_event(keeper, &events[i]);
    }
}

/* ---- the start ---- */

/* What an earlier keeper of this folder left when it was killed must not run beside new tasks. */
static void clean_up_stale(struct keeper *keeper)
{
    _cleanup_buffer_ struct buffer paths = BUFFER_INIT;

    if (file_read(keeper->group_file, PATHS_SIZE_MAX, &paths, NULL) == 0)
        cgroup_remove_stale(buffer_text(&paths), keeper->kept.marker_start);
    process_tree_kill_stale(keeper->kept.marker_start);
}

/*
 * What was made is written down before the first task can live in it, so that no keeper that is
 * killed leaves one in a group of which nobody knows.
 */
static void open_groups(struct keeper *keeper)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer paths = BUFFER_INIT;
    struct cgroup_root *groups = &keeper->kept.groups;

    if (cgroup_root_open(groups, keeper->kept.marker_start, &err) < 0) {
        log_notice("keeper: tasks are held by their wardens: %s", error_text(&err));
        return;
    }
    if (keeper->kept.gives_way) {
        cgroup_root_take_slice(groups);
        /*
         * Whatever else computes, it has to come to its turn; and in a slice that gives way it
         * would wait together with the tasks that it shall freeze.
         */
        if (!priority_go_before_all())
            groups->slice = descriptor_close(groups->slice);
        cgroup_root_set_way(groups, CGROUP_WAY_LAST);
        cgroup_root_yield_disk(groups);
    }
    cgroup_root_list(groups, &paths);
    if (file_replace(keeper->group_file, paths.data, paths.length, 0600, false, &err) < 0)
        log_warning("keeper: %s", error_text(&err));
}

/* The signals that the loop reads; all others as they are at birth, for the tasks as well. */
static int open_signals(void)
{
    sigset_t read_here;

    for (int number = 1; number < SIGRTMIN; number++)
        signal(number, SIG_DFL);
    sigemptyset(&read_here);
    sigaddset(&read_here, SIGCHLD);
    sigaddset(&read_here, SIGTERM);
    sigaddset(&read_here, SIGINT);
    if (sigprocmask(SIG_SETMASK, &read_here, NULL) < 0)
        return -errno;
    return signalfd(-1, &read_here, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_loop(struct keeper *keeper)
{
    keeper->epoll = epoll_create1(EPOLL_CLOEXEC);
    keeper->signals = open_signals();
    keeper->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (keeper->epoll < 0 || keeper->signals < 0 || keeper->timer < 0)
        return -errno;
    if (watch(keeper, EPOLL_CTL_ADD, keeper->listener, EPOLLIN, WAKE_LISTENER) < 0 ||
        watch(keeper, EPOLL_CTL_ADD, keeper->signals, EPOLLIN, WAKE_SIGNAL) < 0 ||
        watch(keeper, EPOLL_CTL_ADD, keeper->timer, EPOLLIN, WAKE_TIMER) < 0)
        return -errno;
    return 0;
}

/* The agent that started this keeper is in the listener's queue already. */
static int await_first_agent(struct keeper *keeper)
{
    struct epoll_event event;
    int r;

    do {
        r = epoll_wait(keeper->epoll, &event, 1, FIRST_AGENT_MS);
    } while (r < 0 && errno == EINTR);
    if (r > 0)
        handle_event(keeper, &event);
    return r < 0 ? -errno : 0;
}

static void keeper_deinit(struct keeper *keeper)
{
    leave_agent(keeper);
    kept_deinit(&keeper->kept);
    descriptor_close(keeper->epoll);
    descriptor_close(keeper->listener);
    descriptor_close(keeper->signals);
    descriptor_close(keeper->timer);
    free(keeper->group_file);
}

static int run(const char *state_folder, uint64_t abandon_after_ms, bool uses_groups,
               bool gives_way)
{
    struct keeper keeper = {.listener = KEEPER_LISTENER,
                            .agent = -1,
                            .abandon_after_ms = abandon_after_ms,
                            .timer_at = UINT64_MAX,
                            .heard_at_ms = clock_boot_ms(),
                            .group_file = file_join(state_folder, "keeper.group")};
    _cleanup_buffer_ struct buffer marker = BUFFER_INIT;
    int r = process_tree_make_marker(state_folder, &marker);

    if (r == 0)
        r = open_loop(&keeper);
    kept_init(&keeper.kept, keeper.epoll, &keeper.news, buffer_text(&marker));
    keeper.kept.gives_way = gives_way;
    if (r == 0) {
        clean_up_stale(&keeper);
        if (uses_groups)
            open_groups(&keeper);
        r = await_first_agent(&keeper);
    }
    if (r == 0)
        r = run_loop(&keeper);
    if (r < 0)
        kept_kill_all(&keeper.kept); /* and end at once: the next keeper finds the groups */
    else
        keeper_deinit(&keeper);
    return r;
}

/* To be killed for want of memory would cost all tasks; wishes, which an ordinary user has not. */
static void ask_for_resources(void)
{
    struct rlimit descriptors;

    priority_raise_session();
    if (!oom_score_set(OOM_SCORE_SPARED))
        log_debug("keeper: no protection when memory runs out");
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        setrlimit(RLIMIT_NOFILE, &descriptors);
    }
}

/* Only then is a keeper alone in a group that was made for it. */
static void await_end(int pidfd)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};

    if (pidfd >= 0)
        poll(&wait, 1, STARTER_PATIENCE_MS);
    descriptor_close(pidfd);
}

int keeper_main(int argc, char **argv)
{
    uint64_t abandon_after_ms;
    int starter;
    pid_t pid;
    int r;

    if (argc != 6 || number_parse_u64(slice_from_text(argv[2]), &abandon_after_ms) < 0) {
        log_error("'%s' is started by the agent only", KEEPER_COMMAND);
        return EXIT_FAILURE;
    }
    starter = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid = fork(); /* so that nobody but init has to wait for the keeper */
    if (pid != 0)
        _exit(pid < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    await_end(starter);
    fcntl(KEEPER_LISTENER, F_SETFD, FD_CLOEXEC);
    ask_for_resources();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        log_error("keeper: cannot become the parent of orphans: %s", strerror(errno));
    r = run(argv[5], abandon_after_ms, strcmp(argv[3], KEEPER_HOLDS_GROUPS) == 0,
            strcmp(argv[4], KEEPER_GIVES_WAY) == 0);
    if (r < 0)
        log_error("keeper: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
