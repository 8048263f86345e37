/* SPDX-License-Identifier: Apache-2.0 */
#include "column.h"

#include "base/test.h"
#include "exit_code.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void assert_columns(const char *names, const char *expected, const char *expected_raw)
{
    static const char text[] =
        "{\"id\":\"17.3\",\"state\":\"Completed\",\"node\":null,\"exit_code\":0,"
        "\"cpu_seconds\":61.5,\"memory_peak\":1048576,\"started_at\":100.25,\"ended_at\":130.75,"
        "\"reason\":\"\"}";
    _cleanup_buffer_ struct buffer line = BUFFER_INIT, raw = BUFFER_INIT;
    _cleanup_free_ const struct column **columns = NULL;
    json_t *object = json_loads(text, 0, NULL);
    size_t count = 0;

    assert_non_null(object);
    assert_int_equal(columns_choose(&columns_of_tasks, names, &columns, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(&line, i > 0 ? "|" : "");
        column_append(&line, columns[i], object, true);
        buffer_append_text(&raw, i > 0 ? "|" : "");
        column_append_raw(&raw, columns[i], object);
    }
    assert_string_equal(buffer_text(&line), expected);
    assert_string_equal(buffer_text(&raw), expected_raw);
    json_decref(object);
}

static void values_are_for_people_or_for_scripts(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    assert_columns("id,state node", "17.3|Completed|-", "17.3|Completed|undefined");
    assert_columns("exit_code,cpu_seconds,memory_peak", "0|1:02|1.0M", "0|61.5|1048576");
    assert_columns("started_at run_time", "1970-01-01 00:01:40|30.5s", "100.25|30.500");
    assert_columns("reason,attempts", "-|-", "|undefined");
}

static void names_of_htcondor_are_understood_in_any_case(void **state)
{
    (void)state;
    assert_columns("exitcode,JOBSTATUS", "0|Completed", "0|Completed");
}

static void a_wrong_name_is_answered_with_the_nearest_and_all(void **state)
{
    const struct column **columns = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    size_t count = 0;

    (void)state;
    assert_int_equal(columns_choose(&columns_of_tasks, "id,stat", &columns, &count, &err),
                     FAILURE_USAGE);
    assert_string_equal(error_text(&err), "a task has no column 'stat'");
    assert_non_null(strstr(err.hint, "did you mean 'state'?"));
    assert_non_null(strstr(err.hint, "memory_peak"));
    assert_int_equal(columns_choose(&columns_of_tasks, " , ", &columns, &count, &err),
                     FAILURE_USAGE);
    assert_null(columns);
}

static void the_usual_columns_of_every_set_exist(void **state)
{
    static const struct column_set *const sets[] = {
        &columns_of_tasks, &columns_of_finished_tasks, &columns_of_jobs,
        &columns_of_nodes, &columns_of_tokens,         &columns_of_outputs,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        const struct column **columns = NULL;
        size_t count = 0;

        assert_int_equal(columns_choose(sets[i], sets[i]->usual, &columns, &count, NULL), 0);
        assert_true(count > 0);
        free(columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_for_people_or_for_scripts),
        cmocka_unit_test(names_of_htcondor_are_understood_in_any_case),
        cmocka_unit_test(a_wrong_name_is_answered_with_the_nearest_and_all),
        cmocka_unit_test(the_usual_columns_of_every_set_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
