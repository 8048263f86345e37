/* SPDX-License-Identifier: Apache-2.0 */
#include "run_job.h"

#include "base/test.h"
#include "exit_code.h"

#include <errno.h>
#include <stdlib.h>

/* What the server and the node make of it: from the frozen text, without this computer. */
static void expand(const struct run_job *job, struct submit **ret_submit, struct submit_task *task)
{
    struct origin origin = {.folder = "/"};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, frozen = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    const struct submit_options nothing = {0};

    if (run_job_parse(job, &origin, &text, &submit, &err) < 0)
        fail_msg("%s", error_text(&err));
    submit_freeze(submit, &frozen);
    if (submit_parse((struct slice){frozen.data, frozen.length}, "frozen", &nothing, ret_submit,
                     NULL, &err) < 0)
        fail_msg("%s", error_text(&err));
    submit_task_init(task);
    assert_int_equal(submit_expand(*ret_submit, 1, 0, task, NULL), 0);
}

static void arguments_arrive_as_they_were_typed(void **state)
{
    const char *const arguments[] = {"plain", "two words",  "",         "it's",       "\"quoted\"",
                                     "$HOME", "$(Process)", "back\\sl", "line\nfeed", "a=b # c",
                                     "für",   "tab\there",  " blanks ", NULL};
    struct run_job job = {.program = "/bin/echo", .arguments = (char *const *)arguments};
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    expand(&job, &submit, &task);
    assert_int_equal(task.arguments.count, ARRAY_LENGTH(arguments) - 1);
    for (size_t i = 0; arguments[i]; i++)
        assert_string_equal(task.arguments.items[i], arguments[i]);
    assert_string_equal(task.executable, "/bin/echo");
    assert_false(task.transfer_executable);
    assert_null(task.input);
    submit_task_deinit(&task);
}

static void variables_and_files_arrive(void **state)
{
    const char *const arguments[] = {NULL};
    struct run_job job = {.program = "./prog $x",
                          .transfer = true,
                          .arguments = (char *const *)arguments,
                          .stdin_path = "/tmp/in",
                          .memory = "2G"};
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    assert_int_equal(setenv("DUSK_TEST_VARIABLE", "it's \"here\"", 1), 0);
    assert_int_equal(run_job_add_variable(&job, "A=1 2", NULL), 0);
    assert_int_equal(run_job_add_variable(&job, "DUSK_TEST_VARIABLE", NULL), 0);
    buffer_append_text(&job.inputs, "a,b");
    expand(&job, &submit, &task);
    assert_string_equal(task.executable, "./prog $x");
    assert_true(task.transfer_executable);
    assert_string_equal(task.input, "/tmp/in");
    assert_int_equal(task.request_memory_bytes, (uint64_t)2 << 30);
    assert_int_equal(task.transfer_input.count, 2);
    assert_int_equal(task.environment.count, 2);
    assert_string_equal(task.environment.items[0], "A=1 2");
    assert_string_equal(task.environment.items[1], "DUSK_TEST_VARIABLE=it's \"here\"");
    submit_task_deinit(&task);
    run_job_deinit(&job);
}

static void a_variable_that_is_not_set_is_wrong_usage(void **state)
{
    struct run_job job = {0};

    (void)state;
    unsetenv("DUSK_TEST_VARIABLE");
    assert_int_equal(run_job_add_variable(&job, "DUSK_TEST_VARIABLE", NULL), FAILURE_USAGE);
}

static void programs_of_the_system_are_the_nodes_own(void **state)
{
    _cleanup_free_ char *path = NULL;
    bool transfer = true;

    (void)state;
    assert_int_equal(setenv("PATH", "/nowhere:/usr/bin:/bin", 1), 0);
    assert_int_equal(run_find_program("env", &path, &transfer, NULL), 0);
    assert_string_equal(path, "/usr/bin/env");
    assert_false(transfer);
}

static void programs_that_cannot_be_run_are_told_apart(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    char *path = NULL;
    bool transfer;

    (void)state;
    assert_int_equal(run_find_program("no-such-program", &path, &transfer, &err), -ENOENT);
    assert_int_equal(run_find_program("./no-such-program", &path, &transfer, &err), -ENOENT);
    assert_int_equal(run_find_program("/etc/passwd", &path, &transfer, &err), -EACCES);
    assert_int_equal(run_find_program("/usr", &path, &transfer, &err), -EACCES);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_arrive_as_they_were_typed),
        cmocka_unit_test(variables_and_files_arrive),
        cmocka_unit_test(a_variable_that_is_not_set_is_wrong_usage),
        cmocka_unit_test(programs_of_the_system_are_the_nodes_own),
        cmocka_unit_test(programs_that_cannot_be_run_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
