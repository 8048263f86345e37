/* SPDX-License-Identifier: Apache-2.0 */
/* A warden of the test's own, and below it what short-lived processes leave: times of the ended. */
#define _GNU_SOURCE
#include "base/test.h"
#include "process_tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BURN_US = 100000, TICK_US = 10000, US_PER_SECOND = 1000000 };

static uint64_t used_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * US_PER_SECOND + (uint64_t)used.tv_nsec / 1000;
}

/* A child that uses so much of a processor and ends. */
static pid_t start_burner(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        while (used_us() < BURN_US)
            ;
        _exit(0);
    }
    return pid;
}

static void wait_until_ended(pid_t pid)
{
    siginfo_t info;

    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

/* A grandchild whose parent is gone: the warden inherits it. */
static void leave_orphan(void)
{
    pid_t parent = fork();

    if (parent == 0) {
        start_burner();
        _exit(0);
    }
    waitpid(parent, NULL, 0);
}

/* The task: one that it waits for, one that it does not wait for, and one that it loses. */
static void run_task(int ready)
{
    waitpid(start_burner(), NULL, 0);
    wait_until_ended(start_burner());
    leave_orphan();
    (void)!write(ready, "", 1);
    pause();
}

/* Tells when the orphan has ended here, and the rest is ready. */
static pid_t start_warden(int ready)
{
    pid_t pid = fork(), task;
    int ends[2];
    char byte;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe(ends) < 0)
        _exit(1);
    task = fork();
    if (task == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_task(ends[1]);
        _exit(0);
    }
    (void)!read(ends[0], &byte, 1);
    waitpid(-1, NULL, 0);
    (void)!write(ready, "", 1);
    pause();
    _exit(0);
}

static void processes_that_have_ended_are_counted_once(void **state)
{
    struct keeper_result result = {0};
    struct process_tree tree = {0};
    uint64_t first_us;
    int ends[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    tree.warden.pid = start_warden(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    process_tree_measure(&tree, &result);
    first_us = result.user_us + result.system_us;
    assert_in_range(first_us, 3 * (BURN_US - TICK_US), 4 * BURN_US);
    assert_int_equal(result.processes, 1);
    kill(tree.warden.pid, SIGKILL);
    waitpid(tree.warden.pid, NULL, 0);
    process_tree_measure(&tree, &result);
    assert_int_equal(result.user_us + result.system_us, first_us);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_have_ended_are_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
