/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/test.h"

#include <errno.h>

static void an_error_carries_its_code_and_text(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(error_set(&err, -ENOENT, "cannot open '%s'", "x"), -ENOENT);
    assert_string_equal(error_text(&err), "cannot open 'x'");
}

static void the_systems_words_stand_behind(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(error_set_errno(&err, -ENOSPC, "cannot write '%s'", "x"), -ENOSPC);
    assert_string_equal(error_text(&err), "cannot write 'x': No space left on device");
}

static void callers_put_in_front_what_they_tried(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    error_set(&err, -EIO, "cannot read '%s'", "x");
    assert_int_equal(error_prefix(&err, -EIO, "cannot load job %d", 17), -EIO);
    assert_string_equal(error_text(&err), "cannot load job 17: cannot read 'x'");
}

static void a_new_error_drops_the_old_hint(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    error_set(&err, -EIO, "first");
    error_hint(&err, "try %s", "again");
    assert_string_equal(err.hint, "try again");
    error_set(&err, -EIO, "second");
    assert_null(err.hint);
    error_hint(&err, "one");
    error_set_errno(&err, -EIO, "third");
    assert_null(err.hint);
}

static void a_prefix_keeps_the_hint(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    error_set(&err, -EIO, "inner");
    error_hint(&err, "look there");
    error_prefix(&err, -EIO, "outer");
    assert_string_equal(err.hint, "look there");
}

static void the_old_text_may_be_part_of_the_new_one(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    error_set(&err, -EIO, "inner");
    error_set(&err, -EIO, "outer (%s)", error_text(&err));
    assert_string_equal(error_text(&err), "outer (inner)");
    error_set_errno(&err, -ENOENT, "most (%s)", error_text(&err));
    assert_string_equal(error_text(&err), "most (outer (inner)): No such file or directory");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -EIO, "x"), -EIO);
    assert_int_equal(error_set_errno(NULL, -EIO, "x"), -EIO);
    assert_int_equal(error_prefix(NULL, -EIO, "x"), -EIO);
    error_hint(NULL, "x");
    assert_string_equal(error_text(NULL), "no reason given");
}

static void set_success(void)
{
    error_set(NULL, 0, "fine");
}

static void success_is_no_error(void **state)
{
    (void)state;
    assert_true(test_aborts(set_success));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_its_code_and_text),
        cmocka_unit_test(the_systems_words_stand_behind),
        cmocka_unit_test(callers_put_in_front_what_they_tried),
        cmocka_unit_test(a_new_error_drops_the_old_hint),
        cmocka_unit_test(a_prefix_keeps_the_hint),
        cmocka_unit_test(the_old_text_may_be_part_of_the_new_one),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(success_is_no_error),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
