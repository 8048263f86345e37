/* SPDX-License-Identifier: Apache-2.0 */
#include "id.h"

#include "base/test.h"
#include "exit_code.h"

static void jobs_and_tasks_are_told_apart(void **state)
{
    struct id id;

    (void)state;
    assert_int_equal(id_parse("17", &id, NULL), 0);
    assert_int_equal(id.job, 17);
    assert_false(id.has_task);
    assert_int_equal(id_parse("17.3", &id, NULL), 0);
    assert_int_equal(id.job, 17);
    assert_true(id.has_task);
    assert_int_equal(id.task, 3);
}

static void what_is_neither_is_refused(void **state)
{
    static const char *const wrong[] = {"",     ".",    "17.",  ".3",  "17.3.4",
                                        " 17",  "17 ",  "+17",  "-1",  "x",
                                        "17.x", "0x11", "17#2", "1e3", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        struct id id = {.job = 5};

        assert_int_equal(id_parse(wrong[i], &id, &err), FAILURE_USAGE);
        assert_int_equal(id.job, 5);
        assert_non_null(err.hint);
    }
}

static void an_id_is_written_as_it_is_read(void **state)
{
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;

    (void)state;
    id_append(&buffer, &(struct id){.job = 17});
    buffer_append_character(&buffer, ' ');
    id_append(&buffer, &(struct id){.job = 17, .task = 3, .has_task = true});
    id_append_task_query(&buffer, &(struct id){.job = 17}, '?');
    id_append_task_query(&buffer, &(struct id){.job = 17, .task = 3, .has_task = true}, '?');
    assert_string_equal(buffer.data, "17 17.3?task=3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_and_tasks_are_told_apart),
        cmocka_unit_test(what_is_neither_is_refused),
        cmocka_unit_test(an_id_is_written_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
