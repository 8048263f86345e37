/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper promises about living tasks; each test runs with groups of either version and
 * without. */
#define _GNU_SOURCE
#include "keeper_test.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { TASK = 7, OTHER_TASK = 8, BATCH = 200, LARGE_SIZE = 256 << 20, GENERATIONS = 3000 };

/* ---- what this program does when it is a task ---- */

static void await_file(const char *name)
{
    while (access(name, F_OK) < 0)
        wait_a_moment();
}

/* Takes so much memory that giving it back takes a while, and says so. */
static void become_large(void)
{
    (void)mmap(NULL, LARGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
               -1, 0);
    close(open("large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

/*
 * Leaves a daemon behind, in the old style: two forks and a session of its own. Where the parent
 * takes long to die, the daemon is not the keeper's yet when the leader has ended.
 */
static int leave_daemon(bool cleans_environment, bool parent_is_large)
{
    if (fork() > 0) {
        await_file(parent_is_large ? "large" : "daemon");
        return 0;
    }
    setsid();
    if (fork() > 0) {
        if (parent_is_large) {
            await_file("daemon");
            become_large();
        }
        return 0;
    }
    if (cleans_environment)
        execle("/bin/sh", "sh", "-c", "echo $$ > daemon.new; mv daemon.new daemon; sleep 1000",
               NULL, (char *[]){NULL});
    execl("/bin/sh", "sh", "-c", "echo $$ > daemon.new; mv daemon.new daemon; sleep 1000", NULL);
    return 1;
}

/*
 * Flies on for ever: each process begins a session, has a child and ends, so that none lives for
 * long and each is an orphan. All of them share one open file with a lock, which tells whether one
 * lives. One that nobody could catch ends when the test has removed that file, or after some
 * seconds.
 */
static int fly_as_comet(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("comet.lock", O_RDWR | O_CREAT, 0600);
    struct stat status;

    if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
        return 1;
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        if (generation == 20)
            close(open("comet", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        wait_a_moment();
        setsid();
        if (fork() != 0 || fstat(fd, &status) < 0 || status.st_nlink == 0)
            _exit(0);
    }
    return 0;
}

/* Starts it with nothing in its environment but, where there is one, a marker that is no one's. */
static int leave_comet(const char *variable)
{
    if (fork() == 0) {
        execle("/proc/self/exe", "comet", "fly", NULL, (const char *[]){variable, NULL});
        _exit(1);
    }
    await_file("comet");
    return 0;
}

/* Kills the process between it and the keeper, when a daemon without environment is there. */
static int kill_warden(void)
{
    pid_t warden = getppid();

    if (fork() == 0)
        _exit(leave_daemon(true, false));
    await_file("daemon");
    kill(warden, SIGKILL);
    for (;;)
        pause();
}

/* Writes a byte again and again. */
static int count(void)
{
    int fd = open("count", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    while (write(fd, "x", 1) == 1)
        wait_a_moment();
    return 1;
}

static int run_as_task(const char *command)
{
    if (strcmp(command, "daemon") == 0)
        return leave_daemon(false, false);
    if (strcmp(command, "clean-daemon") == 0)
        return leave_daemon(true, false);
    if (strcmp(command, "late-daemon") == 0)
        return leave_daemon(false, true);
    if (strcmp(command, "comet") == 0)
        return leave_comet(NULL);
    if (strcmp(command, "forged-comet") == 0)
        return leave_comet("DUSK_KEEPER=another");
    if (strcmp(command, "fly") == 0)
        return fly_as_comet();
    if (strcmp(command, "kill-warden") == 0)
        return kill_warden();
    return strcmp(command, "count") == 0 ? count() : 2;
}

/* ---- ends ---- */

static void an_exit_status_is_reported(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK, "exit 3");
    assert_int_equal(fixture->counts[KEEPER_NEWS_STARTED], 1);
    assert_true(WIFEXITED(fixture->last.news.result.wait_status));
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 3);
    assert_true(fixture->last.news.result.wall_us > 0);
    assert_true(fixture->last.news.result.memory_peak_bytes > 0);
}

static void a_signal_that_ends_a_task_is_reported(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK, "kill -USR1 $$");
    assert_true(WIFSIGNALED(fixture->last.news.result.wait_status));
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGUSR1);
}

static void a_signal_reaches_the_whole_tree(void **state)
{
    struct fixture *fixture = *state;

    ask_shell(fixture, TASK,
              "trap 'wait; exit 5' TERM; sh -c 'trap \"echo 1 > child; exit\" TERM;"
              "echo 1 > ready; while :; do sleep 0.01; done' & wait");
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    await_number(fixture, "ready");
    keeper_client_signal(fixture->client, TASK, SIGTERM);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 5);
    assert_work(fixture, "child", "1\n");
}

static void every_task_of_a_batch_ends_once(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t key = 1; key <= BATCH; key++)
        ask_spawn(fixture, key, SPAWN_INIT, (const char *[]){"/bin/true", NULL});
    while (fixture->counts[KEEPER_NEWS_EXITED] < BATCH) {
        keeper_client_ask_list(fixture->client);
        await(fixture, KEEPER_NEWS_LISTED, 0);
    }
    fixture->counts[KEEPER_NEWS_TASK] = 0;
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_LISTED, 0);
    assert_int_equal(fixture->counts[KEEPER_NEWS_TASK], BATCH);
    assert_int_equal(fixture->counts[KEEPER_NEWS_EXITED], BATCH);
    assert_int_equal(fixture->counts[KEEPER_NEWS_STARTED], BATCH);
}

static void an_ended_task_is_kept_until_it_is_forgotten(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK, "exit 4");
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, TASK);
    assert_int_equal(fixture->last.news.state, KEEPER_STATE_ENDED);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 4);
    keeper_client_forget(fixture->client, TASK);
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_UNKNOWN, TASK);
}

static void a_key_that_is_in_use_is_refused(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK, "exit 4");
    ask_shell(fixture, TASK, "exit 5");
    await(fixture, KEEPER_NEWS_START_FAILED, TASK);
    assert_int_equal(fixture->last.news.failure.step, KEEPER_STEP_KEY);
}

/* ---- trees ---- */

static void a_killed_task_takes_its_children_with_it(void **state)
{
    struct fixture *fixture = *state;
    int child, grandchild;

    ask_shell(fixture, TASK,
              "sh -c 'sleep 1000 & echo $! > grandchild; wait' & echo $! > child; wait");
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    child = await_number(fixture, "child");
    grandchild = await_number(fixture, "grandchild");
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGKILL);
    assert_true(is_gone(child));
    assert_true(is_gone(grandchild));
}

static void what_a_task_leaves_behind_is_killed_before_its_end_is_told(void **state)
{
    struct fixture *fixture = *state;
    int daemon;

    ask_self(fixture, TASK, "daemon");
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(fixture->last.news.result.wait_status, 0);
    daemon = await_number(fixture, "daemon");
    assert_true(is_gone(daemon));
}

static void a_daemon_that_hides_is_killed_as_well(void **state)
{
    struct fixture *fixture = *state;

    ask_self(fixture, TASK, "clean-daemon");
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(fixture->last.news.result.wait_status, 0);
    assert_true(is_gone(await_number(fixture, "daemon")));
}

static void a_daemon_with_a_false_marker_is_killed_as_well(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK,
              "DUSK_KEEPER=another setsid sh -c 'echo $$ > new; mv new daemon; exec sleep 1000' &\n"
              "while [ ! -s daemon ]; do sleep 0.01; done");
    assert_int_equal(fixture->last.news.result.wait_status, 0);
    assert_true(is_gone(await_number(fixture, "daemon")));
}

static void what_one_task_leaves_behind_does_not_harm_another(void **state)
{
    struct fixture *fixture = *state;

    ask_shell(fixture, OTHER_TASK, "sleep 1000 & (sleep 1000 &) ; echo 1 > ready; wait");
    await_number(fixture, "ready");
    ask_self(fixture, TASK, "daemon");
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(is_gone(await_number(fixture, "daemon")));
    keeper_client_ask_usage(fixture->client, OTHER_TASK);
    await(fixture, KEEPER_NEWS_USAGE, OTHER_TASK);
    assert_int_equal(fixture->last.news.result.processes, 3);
    assert_true(fixture->last.news.result.memory_peak_bytes > 0);
}

static void a_daemon_whose_parent_takes_long_to_die_is_killed_as_well(void **state)
{
    struct fixture *fixture = *state;

    ask_shell(fixture, OTHER_TASK, "echo 1 > ready; sleep 1000");
    await_number(fixture, "ready");
    ask_self(fixture, TASK, "late-daemon");
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(is_gone(await_number(fixture, "daemon")));
}

/* Whether no process has the comet's file open any more. */
static bool comet_is_gone(struct fixture *fixture)
{
    _cleanup_free_ char *path = file_join(fixture->work, "comet.lock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void assert_is_killed_beside_another(struct fixture *fixture, const char *comet)
{
    ask_shell(fixture, OTHER_TASK, "echo 1 > ready; sleep 1000");
    await_number(fixture, "ready");
    ask_self(fixture, TASK, comet);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(fixture->last.news.result.wait_status, 0);
    assert_true(comet_is_gone(fixture));
    keeper_client_ask_usage(fixture->client, OTHER_TASK);
    await(fixture, KEEPER_NEWS_USAGE, OTHER_TASK);
    assert_int_equal(fixture->last.news.result.processes, 2);
}

static void a_comet_without_environment_is_killed_as_well(void **state)
{
    assert_is_killed_beside_another(*state, "comet");
}

static void a_comet_with_a_false_marker_is_killed_as_well(void **state)
{
    assert_is_killed_beside_another(*state, "forged-comet");
}

/* A task of the keeper's own user can do so. Only without groups is there a warden. */
static void what_a_task_that_killed_its_warden_leaves_is_killed(void **state)
{
    struct fixture *fixture = *state;

    ask_shell(fixture, OTHER_TASK, "echo 1 > ready; sleep 1000");
    await_number(fixture, "ready");
    ask_self(fixture, TASK, "kill-warden");
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGKILL);
    assert_true(is_gone(await_number(fixture, "daemon")));
    keeper_client_ask_usage(fixture->client, OTHER_TASK);
    await(fixture, KEEPER_NEWS_USAGE, OTHER_TASK);
    assert_int_equal(fixture->last.news.result.processes, 2);
}

/* ---- freezing ---- */

static size_t count_size(struct fixture *fixture)
{
    _cleanup_free_ char *path = file_join(fixture->work, "count");
    struct stat status = {0};

    stat(path, &status);
    return (size_t)status.st_size;
}

static void await_counting(struct fixture *fixture)
{
    size_t before = count_size(fixture);
    uint64_t end = clock_boot_ms() + PATIENCE_MS;

    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    while (count_size(fixture) <= before && clock_boot_ms() < end)
        wait_a_moment();
    assert_true(count_size(fixture) > before);
}

/* Another task's whole life passes, and the counter does not move. */
static void assert_stands(struct fixture *fixture)
{
    size_t before = count_size(fixture);

    run_shell(fixture, OTHER_TASK, "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
    keeper_client_forget(fixture->client, OTHER_TASK);
    assert_int_equal(count_size(fixture), before);
}

static void a_frozen_task_stands_still_until_it_is_thawed(void **state)
{
    struct fixture *fixture = *state;

    ask_self(fixture, TASK, "count");
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    await_counting(fixture);
    for (int round = 0; round < 3; round++) {
        keeper_client_freeze(fixture->client, TASK);
        await(fixture, KEEPER_NEWS_FROZEN, TASK);
        assert_stands(fixture);
        keeper_client_thaw(fixture->client, TASK, 0);
        await(fixture, KEEPER_NEWS_THAWED, TASK);
        await_counting(fixture);
    }
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(fixture->last.news.result.frozen_us > 0);
    assert_true(fixture->last.news.result.frozen_us < fixture->last.news.result.wall_us);
}

static void a_task_that_is_frozen_at_once_still_starts(void **state)
{
    struct fixture *fixture = *state;

    ask_self(fixture, TASK, "count");
    keeper_client_freeze(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_FROZEN, TASK);
    assert_int_equal(fixture->counts[KEEPER_NEWS_STARTED], 1);
    assert_stands(fixture);
}

static void a_frozen_task_can_be_killed_and_its_place_used_again(void **state)
{
    struct fixture *fixture = *state;

    ask_self(fixture, TASK, "count");
    keeper_client_freeze(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_FROZEN, TASK);
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGKILL);
    run_shell(fixture, OTHER_TASK, "exit 6");
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 6);
}

/* What is frozen with the freezer of version 1 does not die, so nothing may freeze it again. */
static void a_task_that_is_killed_is_not_kept_from_dying_by_a_freeze(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t key = 1; key <= 20; key++) {
        ask_self(fixture, key, "count");
        keeper_client_freeze(fixture->client, key);
        keeper_client_kill(fixture->client, key);
        keeper_client_thaw(fixture->client, key, 0);
        keeper_client_freeze(fixture->client, key);
    }
    for (uint64_t key = 1; key <= 20; key++) {
        await(fixture, KEEPER_NEWS_EXITED, key);
        assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGKILL);
    }
}

static void a_task_whose_deadline_passes_is_frozen(void **state)
{
    struct fixture *fixture = *state;

    ask_self(fixture, TASK, "count");
    await_counting(fixture);
    keeper_client_set_deadline(fixture->client, TASK, clock_boot_ms() + 20);
    await(fixture, KEEPER_NEWS_LAPSED, TASK);
    await(fixture, KEEPER_NEWS_FROZEN, TASK);
    assert_stands(fixture);
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, TASK);
    assert_int_equal(fixture->last.news.state, KEEPER_STATE_FROZEN);
    assert_true(fixture->last.news.lapsed);
    keeper_client_thaw(fixture->client, TASK, clock_boot_ms() + PATIENCE_MS);
    await(fixture, KEEPER_NEWS_THAWED, TASK);
    await_counting(fixture);
    assert_int_equal(fixture->counts[KEEPER_NEWS_LAPSED], 1);
}

static void a_task_that_starts_too_late_lapses_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.deadline_boot_ms = 1;
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/bin/sleep", "1000", NULL});
    await(fixture, KEEPER_NEWS_LAPSED, TASK);
    await(fixture, KEEPER_NEWS_FROZEN, TASK);
}

/* ---- the agent comes and goes ---- */

static void an_agent_that_comes_back_finds_everything(void **state)
{
    struct fixture *fixture = *state;
    int pid;

    ask_shell(fixture, TASK, "echo $$ > pid; while [ ! -e gate ]; do sleep 0.01; done; exit 9");
    ask_self(fixture, OTHER_TASK, "count");
    keeper_client_freeze(fixture->client, OTHER_TASK);
    await(fixture, KEEPER_NEWS_FROZEN, OTHER_TASK);
    pid = await_number(fixture, "pid");
    fixture->client = keeper_client_free(fixture->client);
    write_work(fixture, "gate", "", 0600);
    await_gone(pid);

    assert_false(connect_keeper(fixture));
    do {
        keeper_client_ask_list(fixture->client);
        await(fixture, KEEPER_NEWS_TASK, TASK);
    } while (fixture->last.news.state != KEEPER_STATE_ENDED);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 9);
    assert_string_equal(fixture->last.note, "note");
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, OTHER_TASK);
    assert_int_equal(fixture->last.news.state, KEEPER_STATE_FROZEN);
}

static void a_second_agent_takes_the_place_of_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_client *first = fixture->client;

    run_shell(fixture, TASK, "exit 0");
    assert_false(connect_keeper(fixture));
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, TASK);
    {
        struct keeper_client *second = fixture->client;

        fixture->client = first;
        assert_int_equal(try_await(fixture, KEEPER_NEWS_EXITED, TASK), -ECONNRESET);
        fixture->client = second;
    }
    keeper_client_free(first);
}

static void an_agent_that_speaks_garbage_is_left_and_tasks_go_on(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = file_join(fixture->folder, "keeper.socket");
    _cleanup_fd_ int fd = -1;
    char byte;

    ask_self(fixture, TASK, "count");
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    fd = descriptor_connect_unix(path, SOCK_STREAM, NULL);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    while (recv(fd, &byte, 1, 0) == 1)
        ; /* the greeting, then the end */
    keeper_client_free(fixture->client);
    assert_false(connect_keeper(fixture));
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, TASK);
    assert_int_equal(fixture->last.news.state, KEEPER_STATE_RUNNING);
}

static void a_keeper_without_tasks_ends_with_its_agent(void **state)
{
    struct fixture *fixture = *state;

    run_shell(fixture, TASK, "exit 0");
    keeper_client_forget(fixture->client, TASK);
    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    fixture->client = keeper_client_free(fixture->client);
    assert_true(process_ends(fixture->keeper));
}

static void an_abandoned_keeper_kills_what_lapsed_and_ends(void **state)
{
    struct fixture *fixture = *state;
    bool avoids_groups = fixture->avoids_groups;
    int pid;

    fixture_free(fixture);
    *state = fixture = fixture_new(avoids_groups, 1);
    ask_shell(fixture, TASK, "echo $$ > pid; sleep 1000");
    pid = await_number(fixture, "pid");
    keeper_client_set_deadline(fixture->client, TASK, 1);
    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    fixture->client = keeper_client_free(fixture->client);
    assert_true(process_ends(fixture->keeper));
    assert_true(is_gone(pid));
}

/* It may hang, or be stopped; its socket is open, and nobody looks after the tasks. */
static void a_keeper_whose_agent_is_silent_kills_what_lapsed_and_ends(void **state)
{
    struct fixture *fixture = *state;
    bool avoids_groups = fixture->avoids_groups;
    int pid;

    fixture_free(fixture);
    *state = fixture = fixture_new(avoids_groups, 2);
    ask_shell(fixture, TASK, "echo $$ > pid; sleep 1000");
    pid = await_number(fixture, "pid");
    keeper_client_set_deadline(fixture->client, TASK, 1);
    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    assert_true(process_ends(fixture->keeper));
    assert_true(is_gone(pid));
}

/* A result waits for a server that is away for long; the agent has nothing else to say. */
static void a_keeper_whose_agent_speaks_now_and_then_keeps_what_ended(void **state)
{
    enum { ABANDON_MS = 2000 };
    struct fixture *fixture = *state;
    bool avoids_groups = fixture->avoids_groups;
    uint64_t end;

    fixture_free(fixture);
    *state = fixture = fixture_new(avoids_groups, ABANDON_MS);
    run_shell(fixture, TASK, "exit 4");
    keeper_client_set_deadline(fixture->client, TASK, 1);
    end = clock_boot_ms() + ABANDON_MS * 3 / 2;
    while (clock_boot_ms() < end) {
        keeper_client_say_alive(fixture->client);
        assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
        wait_a_moment();
    }
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_TASK, TASK);
    assert_int_equal(fixture->last.news.state, KEEPER_STATE_ENDED);
}

static void kill_keeper_and_start_the_next(struct fixture *fixture)
{
    syscall(SYS_pidfd_send_signal, fixture->keeper, SIGKILL, NULL, 0);
    assert_int_equal(try_await(fixture, KEEPER_NEWS_EXITED, TASK), -ECONNRESET);
    keeper_client_free(fixture->client);
    descriptor_close(fixture->keeper);
    assert_true(connect_keeper(fixture));
    fixture->keeper = (int)syscall(SYS_pidfd_open, keeper_client_pid(fixture->client), 0);
}

/* The leader dies with its keeper, what it started is killed by the next keeper. */
static void assert_leaves_nothing(struct fixture *fixture, bool freezes)
{
    int leader, child;

    ask_shell(fixture, TASK, "setsid sleep 1000 & echo $! > child; echo $$ > leader; wait");
    leader = await_number(fixture, "leader");
    child = await_number(fixture, "child");
    if (freezes) {
        keeper_client_freeze(fixture->client, TASK);
        await(fixture, KEEPER_NEWS_FROZEN, TASK);
    }
    kill_keeper_and_start_the_next(fixture);
    await_gone(leader);
    await_gone(child);
    keeper_client_ask_list(fixture->client);
    await(fixture, KEEPER_NEWS_LISTED, 0);
    assert_int_equal(fixture->counts[KEEPER_NEWS_TASK], 0);
}

static void a_killed_keeper_leaves_nothing_to_the_next(void **state)
{
    assert_leaves_nothing(*state, false);
}

static void a_killed_keeper_leaves_nothing_that_is_frozen_to_the_next(void **state)
{
    assert_leaves_nothing(*state, true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        EACH_WAY(an_exit_status_is_reported),
        EACH_WAY(a_signal_that_ends_a_task_is_reported),
        EACH_WAY(a_signal_reaches_the_whole_tree),
        EACH_WAY(every_task_of_a_batch_ends_once),
        EACH_WAY(an_ended_task_is_kept_until_it_is_forgotten),
        EACH_WAY(a_key_that_is_in_use_is_refused),
        EACH_WAY(a_killed_task_takes_its_children_with_it),
        EACH_WAY(what_a_task_leaves_behind_is_killed_before_its_end_is_told),
        EACH_WAY(a_daemon_that_hides_is_killed_as_well),
        EACH_WAY(a_daemon_with_a_false_marker_is_killed_as_well),
        EACH_WAY(what_one_task_leaves_behind_does_not_harm_another),
        EACH_WAY(a_daemon_whose_parent_takes_long_to_die_is_killed_as_well),
        EACH_WAY(a_comet_without_environment_is_killed_as_well),
        EACH_WAY(a_comet_with_a_false_marker_is_killed_as_well),
        WITH_SESSIONS(what_a_task_that_killed_its_warden_leaves_is_killed),
        EACH_WAY(a_frozen_task_stands_still_until_it_is_thawed),
        EACH_WAY(a_task_that_is_frozen_at_once_still_starts),
        EACH_WAY(a_frozen_task_can_be_killed_and_its_place_used_again),
        EACH_WAY(a_task_that_is_killed_is_not_kept_from_dying_by_a_freeze),
        EACH_WAY(a_task_whose_deadline_passes_is_frozen),
        EACH_WAY(a_task_that_starts_too_late_lapses_at_once),
        EACH_WAY(an_agent_that_comes_back_finds_everything),
        EACH_WAY(a_second_agent_takes_the_place_of_the_first),
        EACH_WAY(an_agent_that_speaks_garbage_is_left_and_tasks_go_on),
        EACH_WAY(a_keeper_without_tasks_ends_with_its_agent),
        EACH_WAY(an_abandoned_keeper_kills_what_lapsed_and_ends),
        EACH_WAY(a_keeper_whose_agent_is_silent_kills_what_lapsed_and_ends),
        EACH_WAY(a_keeper_whose_agent_speaks_now_and_then_keeps_what_ended),
        EACH_WAY(a_killed_keeper_leaves_nothing_to_the_next),
        EACH_WAY(a_killed_keeper_leaves_nothing_that_is_frozen_to_the_next),
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (argc > 1)
        return run_as_task(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
