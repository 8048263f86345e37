/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "state.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char above[32];
    char *folder;
    struct state state;
    struct error err;
};

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    *fixture = (struct fixture){.above = "/tmp/state-test-XXXXXX"};
    if (!mkdtemp(fixture->above))
        return -1;
    fixture->folder = file_join(fixture->above, "state");
    *state = fixture;
    return chmod(fixture->above, 0755);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    int r;

    state_deinit(&fixture->state);
    r = file_remove_tree(fixture->above, NULL);
    error_clear(&fixture->err);
    free(fixture->folder);
    free(fixture);
    return r;
}

/* A folder of this mode that was there before. */
static int open_existing(struct fixture *fixture, mode_t mode)
{
    assert_int_equal(mkdir(fixture->folder, 0700), 0);
    assert_int_equal(chmod(fixture->folder, mode), 0);
    return state_open(fixture->folder, &fixture->state, &fixture->err);
}

static mode_t mode_of(const struct fixture *fixture)
{
    struct stat status;

    assert_int_equal(stat(fixture->folder, &status), 0);
    return status.st_mode & 07777;
}

static void a_new_state_folder_lets_tasks_pass(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(state_open(fixture->folder, &fixture->state, NULL), 0);
    assert_int_equal(mode_of(fixture), 0711);
}

static void a_folder_that_was_there_keeps_its_mode(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(open_existing(fixture, 0755), 0);
    assert_int_equal(mode_of(fixture), 0755);
}

static void a_folder_to_which_others_may_write_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(open_existing(fixture, 01777), -EPERM);
    assert_int_equal(mode_of(fixture), 01777);
    assert_non_null(strstr(error_text(&fixture->err), "others may write"));
    assert_non_null(strstr(fixture->err.hint, "--state"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_state_folder_lets_tasks_pass),
        TEST(a_folder_that_was_there_keeps_its_mode),
        TEST(a_folder_to_which_others_may_write_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
