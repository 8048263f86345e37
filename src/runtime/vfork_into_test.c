/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/test.h"
#include "sys/missing_call.h"
#include "vfork_into.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

enum { EXIT_STATUS = 42 };

struct note {
    pid_t child;
    int left;
};

static void leave_note(void *context)
{
    struct note *note = context;
    char deep[16 * 1024];

    memset(deep, 1, sizeof(deep));
    note->child = getpid();
    note->left = deep[sizeof(deep) - 1];
    syscall(SYS_exit_group, EXIT_STATUS);
}

static void become_true(void *context)
{
    const char *arguments[] = {"true", NULL};

    execve(context, (char *const *)arguments, (char *const *)(arguments + 1));
    syscall(SYS_exit_group, errno);
}

static int exit_status_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_parent_sees_what_the_child_left(void **state)
{
    struct note note = {0};
    pid_t pid = vfork_into(-1, leave_note, &note);

    (void)state;
    assert_true(pid > 0);
    assert_int_equal(note.child, pid);
    assert_int_equal(note.left, 1);
    assert_int_equal(exit_status_of(pid), EXIT_STATUS);
}

static void the_child_can_become_a_program(void **state)
{
    char program[] = "/bin/true", missing[] = "/missing/program";

    (void)state;
    assert_int_equal(exit_status_of(vfork_into(-1, become_true, program)), 0);
    assert_int_equal(exit_status_of(vfork_into(-1, become_true, missing)), ENOENT);
}

static void many_children_come_one_after_the_other(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct note note = {0};
        pid_t pid = vfork_into(-1, leave_note, &note);

        assert_int_equal(note.child, pid);
        assert_int_equal(exit_status_of(pid), EXIT_STATUS);
    }
}

static void a_folder_that_is_no_group_is_refused(void **state)
{
    struct note note = {0};
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(vfork_into(folder, leave_note, &note), -EBADF);
    assert_int_equal(note.child, 0);
    close(folder);
}

/* What a child of ours finds right is its exit status, because no assertion of its own is heard. */
static void without_clone3_it_is_the_same(void **state)
{
    struct note note = {0};
    char program[] = "/bin/true";
    pid_t pid = fork(), child;
    int status;

    (void)state;
    if (pid == 0) {
        if (!missing_call(SYS_clone3))
            _exit(EXIT_FAILURE);
        child = vfork_into(-1, leave_note, &note);
        if (child <= 0 || note.child != child || note.left != 1 ||
            waitpid(child, &status, 0) != child || WEXITSTATUS(status) != EXIT_STATUS)
            _exit(EXIT_FAILURE);
        child = vfork_into(-1, become_true, program);
        _exit(waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : EXIT_FAILURE);
    }
    assert_int_equal(exit_status_of(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parent_sees_what_the_child_left),
        cmocka_unit_test(the_child_can_become_a_program),
        cmocka_unit_test(many_children_come_one_after_the_other),
        cmocka_unit_test(a_folder_that_is_no_group_is_refused),
        cmocka_unit_test(without_clone3_it_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
