/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "launch.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char state[32];
    struct attempt attempt;
    struct arena arena;
    struct keeper_spawn spawn;
    struct containing containing;
    struct error err;
};

static void strings_add(struct wire_strings *strings, const char *text)
{
    strings->items = memory_resize(strings->items, strings->count + 1, sizeof(char *));
    strings->items[strings->count++] = memory_copy_string(text);
}

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));
    struct wire_start *order = &fixture->attempt.start;

    *fixture = (struct fixture){.state = "/tmp/launch-test-XXXXXX"};
    if (!mkdtemp(fixture->state))
        return -1;
    order->job = 17;
    order->task = 3;
    order->attempt = 2;
    order->request = (struct resources){.cpus = 4, .memory = 1024};
    order->user = memory_copy_string("anna");
    order->program = memory_copy_string("sh");
    *state = fixture;
    return scratch_make(fixture->state, "17.3-2", geteuid(), getegid(), &fixture->attempt.scratch,
                        NULL);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    scratch_free(fixture->attempt.scratch);
    wire_start_deinit(&fixture->attempt.start);
    arena_deinit(&fixture->arena);
    error_clear(&fixture->err);
    file_remove_tree(fixture->state, NULL);
    free(fixture);
    return 0;
}

static int prepare_on(struct fixture *fixture, const struct gpu_list *gpus)
{
    const struct launch_node node = {
        .name = "pc1", .containing = &fixture->containing, .gpus = gpus};

    error_clear(&fixture->err);
    return launch_prepare(&fixture->attempt, &node, &fixture->arena, &fixture->spawn,
                          &fixture->err);
}

static int prepare(struct fixture *fixture)
{
    static const struct gpu_list none = GPU_LIST_INIT;

    return prepare_on(fixture, &none);
}

static void set_program(struct fixture *fixture, const char *program)
{
    free(fixture->attempt.start.program);
    fixture->attempt.start.program = memory_copy_string(program);
}

/* How many variables have this name, and the value of the last of them. */
static size_t count_variable(const struct fixture *fixture, const char *name, const char **ret)
{
    size_t length = strlen(name), count = 0;

    for (const char *const *at = (const char *const *)fixture->spawn.environment; *at; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') {
            *ret = *at + length + 1;
            count++;
        }
    return count;
}

static void assert_variable(const struct fixture *fixture, const char *name, const char *expected)
{
    const char *value = NULL;

    assert_int_equal(count_variable(fixture, name, &value), 1);
    assert_string_equal(value, expected);
}

static void a_task_learns_what_it_is_and_where(void **state)
{
    struct fixture *fixture = *state;
    const char *work = scratch_work(fixture->attempt.scratch);

    assert_int_equal(prepare(fixture), 0);
    assert_variable(fixture, "DUSK_JOB", "17");
    assert_variable(fixture, "DUSK_TASK", "3");
    assert_variable(fixture, "DUSK_ATTEMPT", "2");
    assert_variable(fixture, "DUSK_NODE", "pc1");
    assert_variable(fixture, "DUSK_CPUS", "4");
    assert_variable(fixture, "DUSK_MEMORY", "1024");
    assert_variable(fixture, "OMP_NUM_THREADS", "4");
    assert_variable(fixture, "HOME", work);
    assert_variable(fixture, "_CONDOR_SCRATCH_DIR", work);
    assert_variable(fixture, "_CONDOR_JOB_IWD", work);
    assert_variable(fixture, "TMPDIR", scratch_temporary(fixture->attempt.scratch));
    assert_variable(fixture, "USER", "anna");
    assert_string_equal(fixture->spawn.folder, work);
}

static void the_agents_environment_stays_with_the_agent(void **state)
{
    struct fixture *fixture = *state;
    const char *value;

    setenv("DUSK_TOKEN", "secret", 1);
    assert_int_equal(prepare(fixture), 0);
    assert_int_equal(count_variable(fixture, "DUSK_TOKEN", &value), 0);
    unsetenv("DUSK_TOKEN");
}

static void the_tasks_own_variables_win(void **state)
{
    struct fixture *fixture = *state;

    strings_add(&fixture->attempt.start.environment, "HOME=/elsewhere");
    strings_add(&fixture->attempt.start.environment, "HOMER=simpson");
    strings_add(&fixture->attempt.start.environment, "EMPTY=");
    strings_add(&fixture->attempt.start.environment, "none");
    assert_int_equal(prepare(fixture), 0);
    assert_variable(fixture, "HOME", "/elsewhere");
    assert_variable(fixture, "HOMER", "simpson");
    assert_variable(fixture, "EMPTY", "");
}

static void what_dusk_says_of_the_attempt_stands(void **state)
{
    struct fixture *fixture = *state;
    const char *value;

    strings_add(&fixture->attempt.start.environment, "DUSK_TASK=99");
    strings_add(&fixture->attempt.start.environment, "DUSK_KEEPER=another");
    strings_add(&fixture->attempt.start.environment, "TMPDIR=/elsewhere");
    strings_add(&fixture->attempt.start.environment, "_CONDOR_SCRATCH_DIR=/elsewhere");
    strings_add(&fixture->attempt.start.environment, "_CONDOR_OTHER=1");
    strings_add(&fixture->attempt.start.environment, "OMP_NUM_THREADS=1");
    assert_int_equal(prepare(fixture), 0);
    assert_variable(fixture, "DUSK_TASK", "3");
    assert_int_equal(count_variable(fixture, "DUSK_KEEPER", &value), 0);
    assert_variable(fixture, "TMPDIR", scratch_temporary(fixture->attempt.scratch));
    assert_variable(fixture, "_CONDOR_SCRATCH_DIR", scratch_work(fixture->attempt.scratch));
    assert_variable(fixture, "_CONDOR_OTHER", "1");
    assert_variable(fixture, "OMP_NUM_THREADS", "1");
}

/* Also where its submitter had another one's variables. */
static void a_task_is_told_of_its_gpus(void **state)
{
    struct fixture *fixture = *state;
    struct gpu_list gpus = GPU_LIST_INIT;
    const char *value;

    gpu_list_extend(&gpus, 2);
    fixture->attempt.start.gpus_given = true;
    strings_add(&fixture->attempt.start.environment, "CUDA_VISIBLE_DEVICES=7");
    assert_int_equal(prepare(fixture), 0);
    assert_variable(fixture, "DUSK_GPUS", "0");
    assert_int_equal(count_variable(fixture, "_CONDOR_AssignedGPUs", &value), 0);
    fixture->attempt.gpus = (char *)"GPU1";
    fixture->attempt.start.request.gpus = 1;
    assert_int_equal(prepare_on(fixture, &gpus), 0);
    assert_variable(fixture, "DUSK_GPUS", "1");
    assert_variable(fixture, "CUDA_VISIBLE_DEVICES", "1");
    assert_variable(fixture, "_CONDOR_AssignedGPUs", "GPU1");
    gpu_list_deinit(&gpus);
}

/* It would take them from the very tasks that asked for some. */
static void a_server_that_knows_of_no_gpus_hides_none(void **state)
{
    struct fixture *fixture = *state;
    struct gpu_list gpus = GPU_LIST_INIT;
    const char *value;

    gpu_list_extend(&gpus, 1);
    strings_add(&fixture->attempt.start.environment, "HIP_VISIBLE_DEVICES=7");
    assert_int_equal(prepare_on(fixture, &gpus), 0);
    assert_int_equal(count_variable(fixture, "CUDA_VISIBLE_DEVICES", &value), 0);
    assert_int_equal(count_variable(fixture, "DUSK_GPUS", &value), 0);
    assert_variable(fixture, "HIP_VISIBLE_DEVICES", "7");
    gpu_list_deinit(&gpus);
}

static void a_bare_program_is_looked_up_in_the_tasks_path(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(prepare(fixture), 0);
    assert_true(fixture->spawn.program[0] == '/');
    assert_string_equal(fixture->spawn.arguments[0], "sh");
    assert_null(fixture->spawn.arguments[1]);
    strings_add(&fixture->attempt.start.environment, "PATH=relative::/nowhere");
    assert_int_equal(prepare(fixture), -ENOENT);
    assert_non_null(strstr(error_text(&fixture->err), "'sh'"));
}

/* Runs only where the agent is root: it sees more than the task. */
static void a_folder_that_is_closed_to_the_task_hides_nothing(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *closed = file_join(fixture->state, "closed");
    _cleanup_free_ char *program = file_join(closed, "sh");
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    assert_int_equal(chmod(fixture->state, 0755), 0);
    assert_int_equal(file_make_folders(closed, 0700, NULL), 0);
    assert_int_equal(file_replace(program, "", 0, 0755, false, NULL), 0);
    buffer_appendf(&path, "PATH=%s:/usr/bin:/bin", closed);
    strings_add(&fixture->attempt.start.environment, buffer_text(&path));
    fixture->attempt.identity = (struct identity){true, 61234, 61234};
    assert_int_equal(prepare(fixture), 0);
    assert_string_not_equal(fixture->spawn.program, program);
    assert_int_equal(chmod(closed, 0755), 0);
    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.program, program);
    assert_int_equal(chmod(program, 0700), 0);
    assert_int_equal(prepare(fixture), 0);
    assert_string_not_equal(fixture->spawn.program, program);
}

static void a_program_with_a_path_is_taken_as_it_is(void **state)
{
    struct fixture *fixture = *state;

    set_program(fixture, "/does/not/exist");
    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.program, "/does/not/exist");
}

static void a_program_that_came_along_is_run_from_its_folder(void **state)
{
    struct fixture *fixture = *state;

    fixture->attempt.start.program_is_input = true;
    set_program(fixture, "walk");
    strings_add(&fixture->attempt.start.arguments, "a b");
    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.program, "./walk");
    assert_string_equal(fixture->spawn.arguments[0], "walk");
    assert_string_equal(fixture->spawn.arguments[1], "a b");
}

static void streams_that_nobody_wants_go_nowhere(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.input, "");
    assert_string_equal(fixture->spawn.output, "");
    assert_string_equal(fixture->spawn.error, "");
    fixture->attempt.start.keep_stdout = true;
    fixture->attempt.start.keep_stderr = true;
    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.output, LAUNCH_STDOUT);
    assert_string_equal(fixture->spawn.error, LAUNCH_STDERR);
    fixture->attempt.start.join_stderr = true;
    assert_int_equal(prepare(fixture), 0);
    assert_string_equal(fixture->spawn.error, LAUNCH_STDOUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_learns_what_it_is_and_where),
        TEST(the_agents_environment_stays_with_the_agent),
        TEST(the_tasks_own_variables_win),
        TEST(what_dusk_says_of_the_attempt_stands),
        TEST(a_task_is_told_of_its_gpus),
        TEST(a_server_that_knows_of_no_gpus_hides_none),
        TEST(a_bare_program_is_looked_up_in_the_tasks_path),
        TEST(a_folder_that_is_closed_to_the_task_hides_nothing),
        TEST(a_program_with_a_path_is_taken_as_it_is),
        TEST(a_program_that_came_along_is_run_from_its_folder),
        TEST(streams_that_nobody_wants_go_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
