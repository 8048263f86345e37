/* SPDX-License-Identifier: Apache-2.0 */
/* Contained tasks, by a real keeper: what they find, what they may not, and how they end. */
#define _GNU_SOURCE
#include "container_test.h"

static void run_contained(struct fixture *fixture, const char *script)
{
    ask_contained(fixture, SPAWN_INIT, (const char *[]){"/bin/sh", "-c", script, NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
}

static void assert_status(const struct fixture *fixture, int status)
{
    assert_int_equal(fixture->last.news.result.wait_status, status);
}

/* ---- the end ---- */

static void the_exit_code_is_the_programs(void **state)
{
    run_contained(*state, "exit 200");
    assert_status(*state, 200 << 8);
}

static void a_signal_that_ends_the_program_is_told(void **state)
{
    run_contained(*state, "kill -SEGV $$");
    assert_status(*state, SIGSEGV);
}

static void an_exit_code_that_looks_like_a_signal_is_none(void **state)
{
    run_contained(*state, "exit 139");
    assert_status(*state, 139 << 8);
}

static void what_the_program_leaves_behind_ends_with_it(void **state)
{
    run_contained(*state, "(trap '' TERM HUP; exec sleep 1000) & exit 3");
    assert_status(*state, 3 << 8);
}

static void a_contained_task_freezes_and_dies(void **state)
{
    struct fixture *fixture = *state;

    ask_contained(fixture, SPAWN_INIT,
                  (const char *[]){"/bin/sh", "-c", "echo 1 >begun; while :; do :; done", NULL});
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    await_number(fixture, "begun");
    keeper_client_freeze(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_FROZEN, TASK);
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_status(fixture, SIGKILL);
}

/* ---- what does not start ---- */

static void assert_failure(struct fixture *fixture, enum keeper_step step, int error)
{
    await(fixture, KEEPER_NEWS_START_FAILED, TASK);
    assert_int_equal(fixture->last.news.failure.step, step);
    assert_int_equal(fixture->last.news.failure.error, error);
}

static void a_program_that_is_not_in_the_container_is_named(void **state)
{
    struct fixture *fixture = *state;

    ask_contained(fixture, SPAWN_INIT, (const char *[]){"/opt/missing", NULL});
    assert_failure(fixture, KEEPER_STEP_PROGRAM, ENOENT);
    assert_string_equal(fixture->last.path, "/opt/missing");
}

static void a_container_that_cannot_be_made_is_told(void **state)
{
    char saved = temporary[1];

    temporary[1] = '\1';
    ask_contained(*state, SPAWN_INIT, (const char *[]){"/bin/true", NULL});
    temporary[1] = saved;
    assert_failure(*state, KEEPER_STEP_CONTAINER, ENOENT);
}

static void a_program_is_looked_for_in_the_tasks_path(void **state)
{
    ask_contained(*state, SPAWN_INIT, (const char *[]){"true", NULL});
    await(*state, KEEPER_NEWS_EXITED, TASK);
    assert_status(*state, 0);
}

/* ---- what it finds ---- */

static void it_sees_no_processes_but_its_own(void **state)
{
    run_contained(*state, "set -- /proc/[0-9]*; echo $# $$");
    assert_work(*state, "out", "2 2\n");
}

static void it_can_write_to_its_own_folders_alone(void **state)
{
    run_contained(*state,
                  "for place in / /usr /etc /dev /proc /bin /.dusk; do "
                  "(: >$place/file) 2>/dev/null && echo wrote $place; done; "
                  ": >/job/file && : >/tmp/file && : >/dev/shm/file && : >/dev/null && echo own");
    assert_work(*state, "out", "own\n");
}

static void it_has_no_rights_and_cannot_get_any(void **state)
{
    run_contained(*state, "grep -E '^(NoNewPrivs|Seccomp|CapEff|CapPrm|CapBnd):' /proc/self/status "
                          "| tr -d '\\t '");
    assert_work(*state, "out",
                "CapPrm:0000000000000000\nCapEff:0000000000000000\n"
                "CapBnd:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n");
}

static void it_inherits_its_three_streams_alone(void **state)
{
    run_contained(*state, "exec 2>/dev/null; ls /proc/$$/fd | tr '\\n' ' '");
    assert_work(*state, "out", "0 1 2 ");
}

static void it_has_a_network_of_its_own(void **state)
{
    run_contained(*state, "grep -c : /proc/net/dev; hostname");
    assert_work(*state, "out", "1\nnode\n");
}

static void it_makes_no_namespaces_and_mounts_nothing(void **state)
{
    run_contained(*state, "unshare -U true 2>/dev/null && echo user; "
                          "mount -t tmpfs none /tmp 2>/dev/null && echo mounted; echo tried");
    assert_work(*state, "out", "tried\n");
}

static void its_files_belong_to_its_user(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = file_join(fixture->work, "made");
    struct stat status;

    run_contained(fixture, "umask 022; echo x >made");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, geteuid() == 0 ? TASK_UID : geteuid());
}

/* Tasks that an agent before this one began live in the same folder. */
static void a_root_that_is_made_again_stays_what_it_is(void **state)
{
    static const char *const names[] = {"bin", ".dusk/dusk-init"};
    static const char *const nothing[] = {NULL};
    struct stat before, after;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        _cleanup_free_ char *path = file_join(tree.root, names[i]);
        struct container_tree again;

        assert_int_equal(lstat(path, &before), 0);
        assert_int_equal(container_tree_of_node(tree.root, nothing, &again, NULL), 0);
        container_tree_deinit(&again);
        assert_int_equal(lstat(path, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        assert_int_equal(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
    }
}

#define TEST(test)                                                                                 \
    {#test, test, start_contained_groups, stop_contained, NULL},                                   \
    {                                                                                              \
#test "_by_session", test, start_contained_sessions, stop_contained, NULL                  \
    }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(the_exit_code_is_the_programs),
        TEST(a_signal_that_ends_the_program_is_told),
        TEST(an_exit_code_that_looks_like_a_signal_is_none),
        TEST(what_the_program_leaves_behind_ends_with_it),
        TEST(a_contained_task_freezes_and_dies),
        TEST(a_program_that_is_not_in_the_container_is_named),
        TEST(a_container_that_cannot_be_made_is_told),
        TEST(a_program_is_looked_for_in_the_tasks_path),
        TEST(it_sees_no_processes_but_its_own),
        TEST(it_can_write_to_its_own_folders_alone),
        TEST(it_has_no_rights_and_cannot_get_any),
        TEST(it_inherits_its_three_streams_alone),
        TEST(it_has_a_network_of_its_own),
        TEST(it_makes_no_namespaces_and_mounts_nothing),
        TEST(its_files_belong_to_its_user),
        TEST(a_root_that_is_made_again_stays_what_it_is),
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
