/* SPDX-License-Identifier: Apache-2.0 */
#include "json_array.h"

#include "base/buffer.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

static int take(void *userdata, const json_t *element, struct error *err)
{
    _cleanup_free_ char *text = json_dumps(element, JSON_COMPACT);

    (void)err;
    buffer_appendf(userdata, "%s;", text);
    return strstr(text, "stop") ? -EINTR : 0;
}

/* Feeds the text in pieces of each size; all must give the same. */
static void assert_elements(const char *text, int expected_result, const char *expected)
{
    for (size_t size = 1; size <= strlen(text) + 1; size++) {
        _cleanup_buffer_ struct buffer elements = BUFFER_INIT;
        _cleanup_(json_array_free_p) struct json_array *array = json_array_new(take, &elements);
        int r = 0;

        for (size_t at = 0; r == 0 && at < strlen(text); at += size) {
            size_t left = strlen(text) - at;

            r = json_array_feed(array, text + at, size < left ? size : left, NULL);
        }
        if (r == 0)
            r = json_array_end(array, NULL);
        assert_int_equal(r, expected_result);
        assert_string_equal(buffer_text(&elements), expected);
    }
}

static void elements_come_one_by_one_however_the_text_is_cut(void **state)
{
    (void)state;
    assert_elements("[]", 0, "");
    assert_elements(" [\n]\n", 0, "");
    assert_elements("[{\"a\":1},\n{\"b\":[{},{}]}]", 0, "{\"a\":1};{\"b\":[{},{}]};");
}

static void brackets_in_texts_do_not_count(void **state)
{
    (void)state;
    assert_elements("[{\"a\":\"}]\\\"{\"},{\"b\":\"\\\\\"}]", 0,
                    "{\"a\":\"}]\\\"{\"};{\"b\":\"\\\\\"};");
}

static void an_array_that_breaks_off_is_an_error(void **state)
{
    (void)state;
    assert_elements("[{\"a\":1}", -EBADMSG, "{\"a\":1};");
    assert_elements("[{\"a\":1},{\"b\"", -EBADMSG, "{\"a\":1};");
    assert_elements("", -EBADMSG, "");
}

static void what_is_no_array_of_objects_is_an_error(void **state)
{
    (void)state;
    assert_elements("{\"a\":1}", -EBADMSG, "");
    assert_elements("[1]", -EBADMSG, "");
    assert_elements("[]x", -EBADMSG, "");
    assert_elements("[{a}]", -EBADMSG, "");
}

static void the_taker_may_end_it(void **state)
{
    (void)state;
    assert_elements("[{\"stop\":1},{}]", -EINTR, "{\"stop\":1};");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_one_by_one_however_the_text_is_cut),
        cmocka_unit_test(brackets_in_texts_do_not_count),
        cmocka_unit_test(an_array_that_breaks_off_is_an_error),
        cmocka_unit_test(what_is_no_array_of_objects_is_an_error),
        cmocka_unit_test(the_taker_may_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
