/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task is held to, with groups and without; and that what keepers make to hold tasks goes
 * when they go, and nothing else does.
 */
#define _GNU_SOURCE
#include "keeper_test.h"

#include "cgroup_places.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { TASK = 7, OTHER_TASK = 8, TASK_UID = 61200, MEGABYTE = 1024 * 1024 };

/* ---- what this program does when it is a task ---- */

/* A megabyte at a time, until somebody objects. */
static int eat(void)
{
    for (;;) {
        char *piece =
            mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (piece == MAP_FAILED)
            return 1;
        memset(piece, 1, MEGABYTE);
        /* As long as a look may take to come; a task that is quicker is a matter of luck. */
        poll(NULL, 0, 5);
    }
}

/* The child eats, its parent is innocent and would end well. */
static int eat_in_child(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(eat());
    waitpid(child, NULL, 0);
    pause();
    return 0;
}

/* A tree whose processes together seem to have five times what they have. */
static int share(void)
{
    char *memory =
        mmap(NULL, 24 * MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return 1;
    memset(memory, 1, 24 * MEGABYTE);
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pause();
        }
    poll(NULL, 0, 2500); /* through two looks, which nobody announces */
    return 5;
}

static int run_as_task(const char *command)
{
    if (strcmp(command, "eat") == 0)
        return eat();
    if (strcmp(command, "eat-in-child") == 0)
        return eat_in_child();
    return strcmp(command, "share") == 0 ? share() : 2;
}

static void ask_limited(struct fixture *fixture, const char *command, uint64_t memory_max)
{
    static char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct keeper_spawn spawn = SPAWN_INIT;

    assert_true(length > 0);
    self[length] = '\0';
    spawn.memory_max = memory_max;
    ask_spawn(fixture, TASK, spawn, (const char *[]){self, command, NULL});
}

/* ---- memory ---- */

static void assert_over_memory(struct fixture *fixture)
{
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(fixture->last.news.result.over_memory);
    assert_true(WIFSIGNALED(fixture->last.news.result.wait_status));
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGKILL);
    assert_true(fixture->last.news.result.memory_peak_bytes >= 28 * MEGABYTE);
}

static void a_task_that_uses_too_much_memory_is_ended(void **state)
{
    ask_limited(*state, "eat", 32 * MEGABYTE);
    assert_over_memory(*state);
}

static void a_task_whose_child_uses_too_much_memory_is_ended_as_a_whole(void **state)
{
    ask_limited(*state, "eat-in-child", 32 * MEGABYTE);
    assert_over_memory(*state);
}

static void memory_that_processes_share_counts_once(void **state)
{
    struct fixture *fixture = *state;

    ask_limited(fixture, "share", 64 * MEGABYTE);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_false(fixture->last.news.result.over_memory);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 5);
    assert_true(fixture->last.news.result.memory_peak_bytes >= 24 * MEGABYTE);
}

/* One task's limit is not the next one's, though it may get the same group. */
static void the_next_task_has_a_limit_of_its_own(void **state)
{
    struct fixture *fixture = *state;

    ask_limited(fixture, "share", 16 * MEGABYTE);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(fixture->last.news.result.over_memory);
    keeper_client_forget(fixture->client, TASK);
    ask_limited(fixture, "share", 0);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_false(fixture->last.news.result.over_memory);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 5);
}

static void a_frugal_task_does_not_inherit_the_peak_of_another(void **state)
{
    struct fixture *fixture = *state;

    ask_limited(fixture, "share", 0);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    run_shell(fixture, OTHER_TASK, "exit 0");
    assert_true(fixture->last.news.result.memory_peak_bytes > 0);
    assert_true(fixture->last.news.result.memory_peak_bytes < 16 * MEGABYTE);
}

/* ---- processes and processors ---- */

/* Root is held by no limit on a user's processes, so the task is somebody. */
static void fork_as_user(struct fixture *fixture, uint64_t processes_max)
{
    struct keeper_spawn spawn = SPAWN_INIT;

    assert_int_equal(chown(fixture->work, TASK_UID, TASK_UID), 0);
    spawn.becomes_user = true;
    spawn.uid = spawn.gid = TASK_UID;
    spawn.processes_max = processes_max;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c",
                               "i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i + 1));"
                               "echo $i > count; done",
                               NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
}

static void a_task_that_forks_too_much_is_refused(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() != 0)
        TEST_SKIP("only root runs tasks as users of their own");
    fork_as_user(fixture, 20);
    /* Its own process counts, too; the shell gives up when it is refused another. */
    if (keeper_client_means(fixture->client)->limits_processes) {
        assert_int_equal(await_number(fixture, "count"), 19);
        assert_true(fixture->last.news.result.refused_processes > 0);
    } else if (fixture->last.news.result.refused_processes == 0) {
        assert_in_range(await_number(fixture, "count"), 19, 80);
    }
}

static void one_that_is_refused_a_process_does_not_try_for_ever(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    if (geteuid() != 0)
        TEST_SKIP("only root runs tasks as users of their own");
    assert_int_equal(chown(fixture->work, TASK_UID, TASK_UID), 0);
    spawn.becomes_user = true;
    spawn.uid = spawn.gid = TASK_UID;
    spawn.processes_max = 20;
    spawn.memory_max = 1 << 30;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c",
                               "while :; do (while :; do sleep 1000 & done) 2>/dev/null; done",
                               NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(fixture->last.news.result.wait_status, SIGKILL);
    assert_true(fixture->last.news.result.refused_processes > 0);
    assert_false(fixture->last.news.result.over_memory);
}

/* The file of the task's group, wherever the controller is; false if it is nowhere. */
static bool read_cpu_share(struct fixture *fixture, const char **ret_expected, char share[32])
{
    _cleanup_cgroup_places_ struct cgroup_places mine = CGROUP_PLACES_INIT;
    _cleanup_buffer_ struct buffer mounts = BUFFER_INIT, text = BUFFER_INIT;
    _cleanup_free_ char *groups = read_work(fixture, "groups"), *file = NULL;
    bool is_old;

    assert_int_equal(file_read("/proc/self/mountinfo", 1 << 20, &mounts, NULL), 0);
    cgroup_places_parse(buffer_text(&mounts), groups, &mine);
    is_old = mine.by_controller[CGROUP_CPUS].mount != NULL;
    file = is_old ? file_join(mine.by_controller[CGROUP_CPUS].own, "cpu.shares")
                  : file_join(mine.unified.own, "cpu.weight");
    if (file_read(file, 32, &text, NULL) < 0)
        return false;
    *ret_expected = is_old ? "3072\n" : "300\n";
    snprintf(share, 32, "%s", buffer_text(&text));
    return true;
}

static void a_task_has_its_share_of_the_processors(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;
    const char *expected;
    char share[32];

    if (!keeper_client_means(fixture->client)->shares_cpus)
        TEST_SKIP("there is no control group for processors");
    spawn.cpus = 3;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c",
                               "cat /proc/self/cgroup > groups; echo 1 > ready; sleep 1000", NULL});
    await_number(fixture, "ready");
    assert_true(read_cpu_share(fixture, &expected, share));
    assert_string_equal(share, expected);
}

/* More than the leader could have used, and those that it waited for. */
static void assert_has_burnt(struct fixture *fixture)
{
    const struct keeper_result *result = &fixture->last.news.result;

    assert_true(result->user_us + result->system_us >= 50000);
}

static void the_time_of_what_nobody_waited_for_counts(void **state)
{
    struct fixture *fixture = *state;

    ask_shell(fixture, TASK,
              "mkfifo end; (sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done' > end &);"
              "cat end; echo 1 > ready; sleep 1000");
    await_number(fixture, "ready");
    keeper_client_ask_usage(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_USAGE, TASK);
    assert_has_burnt(fixture);
    keeper_client_kill(fixture->client, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_has_burnt(fixture);
    run_shell(fixture, OTHER_TASK, "exit 0");
    assert_true(fixture->last.news.result.user_us < 50000);
}

/* ---- which groups ---- */

/* Whether the task has a group of its own in the freezer's tree. */
static bool is_in_freezer(struct fixture *fixture)
{
    run_shell(fixture, TASK, "grep -q ':freezer:.*/dusk-.*/task-[0-9]*$' /proc/self/cgroup");
    return fixture->last.news.result.wait_status == 0;
}

static void where_there_is_version_2_nothing_joins_the_freezer(void **state)
{
    struct fixture *fixture = *state;

    if (keeper_client_means(fixture->client)->hold != KEEPER_HOLD_GROUPS)
        TEST_SKIP("the keeper has no control groups of version 2 here");
    assert_false(is_in_freezer(fixture));
}

static void where_there_is_only_version_1_its_freezer_holds_tasks(void **state)
{
    _cleanup_cgroup_places_ struct cgroup_places places = CGROUP_PLACES_INIT;
    struct fixture *fixture = *state;

    cgroup_places_read(&places);
    if (places.unified.own || !places.freezer.own || access(places.freezer.own, W_OK) < 0)
        TEST_SKIP("no freezer of version 1, or not this user's");
    assert_int_equal(keeper_client_means(fixture->client)->hold, KEEPER_HOLD_FREEZER);
    assert_true(is_in_freezer(fixture));
}

/* ---- groups come and go ---- */

static void kill_keeper(struct fixture *fixture)
{
    syscall(SYS_pidfd_send_signal, fixture->keeper, SIGKILL, NULL, 0);
    assert_true(process_ends(fixture->keeper));
    descriptor_close(fixture->keeper);
    fixture->client = keeper_client_free(fixture->client);
}

static void start_keeper(struct fixture *fixture)
{
    assert_true(connect_keeper(fixture));
    fixture->keeper = (int)syscall(SYS_pidfd_open, keeper_client_pid(fixture->client), 0);
    assert_true(fixture->keeper >= 0);
}

/* Stands for systemd-run: writes down how it was called, and does as it does. */
static void ask_for_scope(struct fixture *fixture, const char *script)
{
    kill_keeper(fixture);
    write_work(fixture, "scope", script, 0700);
    fixture->scope_program = file_join(fixture->work, "scope");
    start_keeper(fixture);
    free((char *)fixture->scope_program);
    fixture->scope_program = NULL;
    run_shell(fixture, TASK, "exit 3");
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 3);
}

static void a_keeper_gets_a_scope_where_there_is_one_to_be_had(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *said = NULL;

    ask_for_scope(fixture, "#!/bin/sh\necho \"$@\" > \"${0%/*}/said\"\n"
                           "while [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n");
    said = read_work(fixture, "said");
    assert_non_null(strstr(said, "--scope"));
    assert_non_null(strstr(said, "Delegate=yes"));
    assert_non_null(strstr(said, " keeper "));
}

static void a_scope_that_cannot_be_had_is_not_missed(void **state)
{
    ask_for_scope(*state, "#!/bin/sh\nexit 1\n");
}

static int count_named(const struct cgroup_place *place, const char *name_start)
{
    DIR *folder = place->own ? opendir(place->own) : NULL;
    struct dirent *entry;
    int count = 0;

    while (folder && (entry = readdir(folder)))
        count += strncmp(entry->d_name, name_start, strlen(name_start)) == 0;
    if (folder)
        closedir(folder);
    return count;
}

/* How many groups of keepers of this folder there are, in all trees. */
static int count_groups(struct fixture *fixture)
{
    _cleanup_cgroup_places_ struct cgroup_places places = CGROUP_PLACES_INIT;
    struct stat status;
    char name[64];
    int count;

    assert_int_equal(stat(fixture->folder, &status), 0);
    snprintf(name, sizeof(name), "dusk-%llx-%llx-", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    cgroup_places_read(&places);
    count = count_named(&places.unified, name) + count_named(&places.freezer, name);
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        count += count_named(&places.by_controller[i], name);
    return count;
}

static void no_group_is_left_by_a_keeper_that_ends_or_is_killed(void **state)
{
    struct fixture *fixture = *state;
    int count = count_groups(fixture);

    ask_shell(fixture, TASK, "sleep 1000 & echo $! > child; wait");
    await_number(fixture, "child");
    kill_keeper(fixture);
    start_keeper(fixture);
    assert_int_equal(count_groups(fixture), count);
    fixture->client = keeper_client_free(fixture->client);
    assert_true(process_ends(fixture->keeper));
    assert_int_equal(count_groups(fixture), 0);
    start_keeper(fixture);
}

static void copy_state(const struct fixture *from, const struct fixture *to, const char *name)
{
    _cleanup_free_ char *source = file_join(from->folder, name);
    _cleanup_free_ char *target = file_join(to->folder, name);
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    assert_int_equal(file_read(source, 1 << 16, &content, NULL), 0);
    assert_true(content.length > 0);
    assert_int_equal(file_replace(target, content.data, content.length, 0600, false, NULL), 0);
}

/*
 * A state folder is copied while its agent is at work: the copy names the groups of the first, and
 * a keeper that begins there clears what its file names.
 */
static void a_keeper_whose_file_names_the_groups_of_another_leaves_them_alone(void **state)
{
    struct fixture *fixture = *state, *copy;
    int count = count_groups(fixture), leader, child;

    if (count == 0)
        TEST_SKIP("the keeper has no control groups here");
    ask_shell(fixture, TASK,
              "setsid sleep 1000 & echo $! > child; echo $$ > leader; while [ ! -e gate ]; do"
              " sleep 0.01; done; exit 9");
    leader = await_number(fixture, "leader");
    child = await_number(fixture, "child");
    copy = fixture_new(false, 0);
    kill_keeper(copy);
    copy_state(fixture, copy, "keeper.group");
    start_keeper(copy);
    assert_false(is_gone(leader));
    assert_false(is_gone(child));
    assert_int_equal(count_groups(fixture), count);
    write_work(fixture, "gate", "", 0600);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 9);
    fixture_free(copy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(a_task_that_uses_too_much_memory_is_ended),
        EACH_WAY(a_task_whose_child_uses_too_much_memory_is_ended_as_a_whole),
        BOTH_WAYS(memory_that_processes_share_counts_once),
        BOTH_WAYS(the_next_task_has_a_limit_of_its_own),
        BOTH_WAYS(a_frugal_task_does_not_inherit_the_peak_of_another),
        BOTH_WAYS(a_task_that_forks_too_much_is_refused),
        BOTH_WAYS(one_that_is_refused_a_process_does_not_try_for_ever),
        WITH_GROUPS(a_task_has_its_share_of_the_processors),
        WITH_FREEZER(a_task_has_its_share_of_the_processors),
        WITH_GROUPS(a_keeper_gets_a_scope_where_there_is_one_to_be_had),
        WITH_GROUPS(a_scope_that_cannot_be_had_is_not_missed),
        EACH_WAY(the_time_of_what_nobody_waited_for_counts),
        WITH_GROUPS(where_there_is_version_2_nothing_joins_the_freezer),
        WITH_FREEZER(where_there_is_only_version_1_its_freezer_holds_tasks),
        WITH_GROUPS(no_group_is_left_by_a_keeper_that_ends_or_is_killed),
        WITH_FREEZER(no_group_is_left_by_a_keeper_that_ends_or_is_killed),
        WITH_GROUPS(a_keeper_whose_file_names_the_groups_of_another_leaves_them_alone),
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (argc > 1)
        return run_as_task(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
