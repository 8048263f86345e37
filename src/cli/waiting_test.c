/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include "base/test.h"
#include "exit_code.h"
#include "watch_view.h"

#include <string.h>

static enum verdict verdict_of(const char *job)
{
    json_t *object = json_loads(job, 0, NULL);
    struct progress progress;

    assert_non_null(object);
    progress_of_job(object, &progress);
    json_decref(object);
    return progress_verdict(&progress);
}

static enum verdict verdict_of_state(const char *state)
{
    json_t *object = json_pack("{s:s}", "state", state);
    struct progress progress;

    progress_of_task(object, &progress);
    json_decref(object);
    return progress_verdict(&progress);
}

static void a_job_is_complete_when_all_its_tasks_are(void **state)
{
    (void)state;
    assert_int_equal(verdict_of("{\"tasks\":2,\"completed\":2,\"over\":true}"), VERDICT_COMPLETED);
    assert_int_equal(verdict_of("{\"tasks\":2,\"completed\":1,\"removed\":1,\"over\":true}"),
                     VERDICT_REMOVED);
    assert_int_equal(verdict_of("{\"tasks\":2,\"completed\":1,\"running\":1,\"over\":false}"),
                     VERDICT_GOES_ON);
}

static void a_job_is_not_over_before_the_server_says_so(void **state)
{
    (void)state;
    assert_int_equal(verdict_of("{\"tasks\":2,\"completed\":2,\"over\":false}"), VERDICT_GOES_ON);
}

static void held_tasks_end_a_wait_only_when_nothing_else_moves(void **state)
{
    (void)state;
    assert_int_equal(verdict_of("{\"tasks\":2,\"held\":1,\"idle\":1,\"over\":false}"),
                     VERDICT_GOES_ON);
    assert_int_equal(verdict_of("{\"tasks\":2,\"held\":1,\"suspended\":1,\"over\":false}"),
                     VERDICT_GOES_ON);
    assert_int_equal(verdict_of("{\"tasks\":2,\"held\":1,\"completed\":1,\"over\":false}"),
                     VERDICT_HELD);
}

static void a_task_alone_is_judged_by_its_state(void **state)
{
    (void)state;
    assert_int_equal(verdict_of_state("Idle"), VERDICT_GOES_ON);
    assert_int_equal(verdict_of_state("Running"), VERDICT_GOES_ON);
    assert_int_equal(verdict_of_state("Suspended"), VERDICT_GOES_ON);
    assert_int_equal(verdict_of_state("Held"), VERDICT_HELD);
    assert_int_equal(verdict_of_state("Completed"), VERDICT_COMPLETED);
    assert_int_equal(verdict_of_state("Removed"), VERDICT_REMOVED);
}

static void progress_is_one_clause(void **state)
{
    const struct progress progress = {.tasks = 46, .completed = 12, .running = 8, .held = 1};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    (void)state;
    progress_append(&text, &progress);
    assert_string_equal(text.data, "12 of 46 tasks completed, 8 running, 1 held");
}

static json_t *some_nodes(void)
{
    return json_loads("[{\"name\":\"pc1\",\"state\":\"Claimed\",\"cpus\":4,\"cpus_claimed\":2,"
                      "\"tasks\":[\"17.3\",\"17.4\"]},"
                      "{\"name\":\"pc2\",\"state\":\"Offline\",\"cpus\":2,\"tasks\":[]},"
                      "{\"name\":\"pc3\",\"state\":\"Claimed\",\"cpus\":16,\"cpus_claimed\":16,"
                      "\"tasks\":[\"17.5\"]}]",
                      0, NULL);
}

static struct watch_view some_view(const json_t *nodes)
{
    return (struct watch_view){
        .job = 17,
        .name = "sweep",
        .elapsed = 75,
        .progress = {.tasks = 46, .completed = 23, .running = 3},
        .nodes = nodes,
    };
}

static void the_line_of_a_watch_sums_up(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    json_t *nodes = some_nodes();
    struct watch_view view = some_view(nodes);

    (void)state;
    watch_view_append_line(&text, &view);
    assert_string_equal(text.data, "job 17 (sweep): 23 of 46 tasks completed, 3 running; nodes: "
                                   "2 Claimed, 1 Offline");
    json_decref(nodes);
}

static void the_picture_of_a_watch_has_a_bar_and_the_nodes(void **state)
{
    const struct terminal terminal = {.interactive = true, .width = 60, .height = 24};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    json_t *nodes = some_nodes();
    struct watch_view view = some_view(nodes);

    (void)state;
    watch_view_append_picture(&text, &view, terminal);
    assert_string_equal(text.data, "job 17 (sweep): 23 of 46 tasks completed, 3 running\n"
                                   "[####################....................]  50%  1:15\n"
                                   "\n"
                                   "NODE  STATE     CPUS  TASKS\n"
                                   "pc1   Claimed    2/4  17.3 17.4\n"
                                   "pc2   Offline    0/2  -\n"
                                   "pc3   Claimed  16/16  17.5\n");
    json_decref(nodes);
}

static void a_picture_is_never_higher_than_the_terminal(void **state)
{
    const struct terminal terminal = {.interactive = true, .width = 60, .height = 8};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    json_t *nodes = some_nodes();
    struct watch_view view = some_view(nodes);
    size_t lines = 0;

    (void)state;
    watch_view_append_picture(&text, &view, terminal);
    for (size_t i = 0; i < text.length; i++)
        lines += text.data[i] == '\n';
    assert_true(lines < terminal.height);
    assert_non_null(strstr(text.data, "and 1 more\n"));
    json_decref(nodes);
}

static void failures_have_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(FAILURE_USAGE), 2);
    assert_int_equal(exit_code_of(FAILURE_NO_SERVER), 3);
    assert_int_equal(exit_code_of(FAILURE_NOT_FOUND), 4);
    assert_int_equal(exit_code_of(FAILURE_NOT_ALLOWED), 5);
    assert_int_equal(exit_code_of(FAILURE_TIMEOUT), 124);
    assert_int_equal(exit_code_of(FAILURE_HELP_SHOWN), 0);
    assert_int_equal(exit_code_of(-EIO), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_complete_when_all_its_tasks_are),
        cmocka_unit_test(a_job_is_not_over_before_the_server_says_so),
        cmocka_unit_test(held_tasks_end_a_wait_only_when_nothing_else_moves),
        cmocka_unit_test(a_task_alone_is_judged_by_its_state),
        cmocka_unit_test(progress_is_one_clause),
        cmocka_unit_test(the_line_of_a_watch_sums_up),
        cmocka_unit_test(the_picture_of_a_watch_has_a_bar_and_the_nodes),
        cmocka_unit_test(a_picture_is_never_higher_than_the_terminal),
        cmocka_unit_test(failures_have_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
