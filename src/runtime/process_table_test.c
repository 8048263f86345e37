/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/test.h"
#include "process_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* A shell that says that it is there, and ends when it hears an answer. */
struct child {
    pid_t pid;
    int fd;
};

static struct child start_child(void)
{
    struct child child;
    int ends[2];
    char byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    child.fd = ends[0];
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execle("/bin/sh", "sh", "-c", "echo; read line", NULL,
               (const char *[]){"AB=no", "A=yes=1", "EMPTY=", NULL});
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(child.fd, &byte, 1), 1);
    return child;
}

static void end_child(struct child child)
{
    close(child.fd);
    assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

static struct process *find(const struct process_table *table, pid_t pid)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].pid == pid)
            return &table->items[i];
    return NULL;
}

static void a_child_stands_in_the_table_with_its_parent(void **state)
{
    struct process_table table = PROCESS_TABLE_INIT;
    struct child child = start_child();
    const struct process *process;

    (void)state;
    assert_int_equal(process_table_read(&table), 0);
    process = find(&table, child.pid);
    assert_non_null(process);
    assert_int_equal(process->parent, getpid());
    assert_true(strchr("RSD", process->state) != NULL);
    assert_true(process_measure_memory(child.pid).own > 0);
    assert_true(process_measure_memory(child.pid).resident > process_measure_memory(child.pid).own);
    end_child(child);
    process_table_deinit(&table);
}

static void descendants_are_marked_and_nobody_else(void **state)
{
    struct process_table table = PROCESS_TABLE_INIT;
    struct child child = start_child();

    (void)state;
    assert_int_equal(process_table_read(&table), 0);
    find(&table, getpid())->marked = true;
    process_table_mark_descendants(&table);
    assert_true(find(&table, child.pid)->marked);
    assert_false(find(&table, getppid())->marked);
    end_child(child);
    process_table_deinit(&table);
}

static void a_variable_is_read_by_its_whole_name(void **state)
{
    struct child child = start_child();
    char *value = process_read_variable(child.pid, "A");

    (void)state;
    assert_string_equal(value, "yes=1");
    free(value);
    value = process_read_variable(child.pid, "EMPTY");
    assert_string_equal(value, "");
    free(value);
    assert_null(process_read_variable(child.pid, "B"));
    end_child(child);
    assert_null(process_read_variable(child.pid, "A"));
}

static void a_child_that_is_not_known_is_noticed(void **state)
{
    struct child child = start_child();

    (void)state;
    assert_false(process_has_other_children(&child.pid, 1));
    assert_true(process_has_other_children(NULL, 0));
    end_child(child);
}

static void a_signal_that_waits_is_seen(void **state)
{
    sigset_t set, before;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &before);
    assert_false(process_has_pending(getpid(), SIGUSR2));
    kill(getpid(), SIGUSR2);
    assert_true(process_has_pending(getpid(), SIGUSR2));
    sigwaitinfo(&set, NULL);
    assert_false(process_has_pending(getpid(), SIGUSR2));
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void a_process_that_only_forked_is_told_from_one_that_executed(void **state)
{
    struct child child = start_child();
    pid_t forked = fork();
    siginfo_t info;

    (void)state;
    if (forked == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)forked, &info, WEXITED | WNOWAIT), 0);
    assert_true(process_never_executed(forked));
    assert_false(process_never_executed(child.pid));
    waitpid(forked, NULL, 0);
    assert_false(process_never_executed(forked));
    end_child(child);
}

static void a_process_that_has_ended_and_was_not_reaped_is_in_the_table(void **state)
{
    struct process_table table = PROCESS_TABLE_INIT;
    struct child child = start_child();
    siginfo_t info;

    (void)state;
    assert_int_equal(process_table_read(&table), 0);
    assert_null(process_table_find(&table, -1));
    kill(child.pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_table_read(&table), 0);
    assert_int_equal(process_table_find(&table, child.pid)->state, 'Z');
    end_child(child);
    process_table_deinit(&table);
}

static void a_child_that_is_not_among_the_known_is_killed(void **state)
{
    struct child kept = start_child(), other = start_child();
    char byte;
    int status;

    (void)state;
    process_kill_other_children(&kept.pid, 1);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    close(other.fd);
    assert_int_equal(write(kept.fd, "\n", 1), 1);
    assert_int_equal(read(kept.fd, &byte, 1), 0);
    assert_int_equal(waitpid(kept.pid, &status, 0), kept.pid);
    assert_true(WIFEXITED(status));
    close(kept.fd);
}

/* Two forked processes seem to have twice what they have, and each has half. */
static void what_two_processes_share_is_parted_between_them(void **state)
{
    enum { SIZE = 32 << 20 };
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    pid_t forked;

    (void)state;
    assert_true(memory != MAP_FAILED);
    memset(memory, 1, SIZE);
    assert_int_equal(pipe(ends), 0);
    forked = fork();
    if (forked == 0) {
        close(ends[1]);
        _exit(read(ends[0], memory, 1) != 0);
    }
    assert_true(process_measure_memory(forked).resident >= SIZE);
    assert_in_range(process_measure_part(forked), SIZE / 2, SIZE * 3 / 4);
    assert_in_range(process_measure_part(getpid()), SIZE / 2, SIZE * 3 / 4);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(forked, NULL, 0), forked);
    assert_int_equal(process_measure_part(forked), 0);
    munmap(memory, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_stands_in_the_table_with_its_parent),
        cmocka_unit_test(a_process_that_has_ended_and_was_not_reaped_is_in_the_table),
        cmocka_unit_test(descendants_are_marked_and_nobody_else),
        cmocka_unit_test(a_variable_is_read_by_its_whole_name),
        cmocka_unit_test(a_child_that_is_not_known_is_noticed),
        cmocka_unit_test(a_child_that_is_not_among_the_known_is_killed),
        cmocka_unit_test(a_signal_that_waits_is_seen),
        cmocka_unit_test(what_two_processes_share_is_parted_between_them),
        cmocka_unit_test(a_process_that_only_forked_is_told_from_one_that_executed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
