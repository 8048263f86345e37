/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/references.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

/* The node says Arch, and of an expression its text in angle brackets; "bad" fails. */
static int look_up(void *user_data, enum reference_kind kind, struct slice text,
                   struct buffer *value, struct error *err)
{
    (void)user_data;
    if (slice_equals(text, "bad"))
        return error_set(err, -EIO, "it broke");
    if (kind == REFERENCE_EXPRESSION)
        buffer_appendf(value, "<%.*s>", (int)text.length, text.data);
    else if (slice_equals_ignoring_case(text, "arch"))
        buffer_append_text(value, "$$(Arch)");
    else
        return 1;
    return 0;
}

static void assert_expanded(const char *text, const char *expected)
{
    _cleanup_buffer_ struct buffer expanded = BUFFER_INIT;

    assert_int_equal(references_expand(slice_from_text(text), 1000, look_up, NULL, &expanded, NULL),
                     0);
    assert_string_equal(buffer_text(&expanded), expected);
    assert_true(references_are_in(slice_from_text(text)) || strcmp(text, expected) == 0);
}

static void references_are_replaced_once(void **state)
{
    (void)state;
    assert_expanded("a $$(arch)b", "a $$(Arch)b");
    assert_expanded("$$(none:x y)|$$(none:)|$$(Arch:z)", "x y||$$(Arch)");
    assert_expanded("$$([ size({1}) + 2 ]) $$(dollardollar)(x)", "<size({1}) + 2> $$(x)");
}

static void what_is_no_reference_stays(void **state)
{
    static const char *const texts[] = {"",     "$",       "$$",     "$$(",  "$$(a",  "$(a)",
                                        "$$()", "$$(a b)", "$$([a)", "$$([", "$$(:x)"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_false(references_are_in(slice_from_text(texts[i])));
        assert_expanded(texts[i], texts[i]);
    }
}

/* Each beginning looks for its end: together they must not take a square of time. */
static void a_long_text_of_beginnings_is_passed_over(void **state)
{
    static const char *const beginnings[] = {"$$([", "$$(a:", "$$(a"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT, expanded = BUFFER_INIT;
        struct slice slice;

        for (int j = 0; j < 500000; j++)
            buffer_append_text(&text, beginnings[i]);
        slice = (struct slice){text.data, text.length};
        assert_false(references_are_in(slice));
        assert_int_equal(references_expand(slice, text.length, look_up, NULL, &expanded, NULL), 0);
        assert_string_equal(expanded.data, text.data);
    }
}

static void what_cannot_be_filled_in_is_an_error(void **state)
{
    _cleanup_buffer_ struct buffer expanded = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(
        references_expand(slice_from_text("x $$(Gpu)"), 1000, look_up, NULL, &expanded, &err),
        -EINVAL);
    assert_string_equal(error_text(&err), "the node has no attribute 'Gpu'");
    assert_string_equal(err.hint,
                        "give it a fallback as in $$(Gpu:value), or require the attribute");
    assert_int_equal(
        references_expand(slice_from_text("$$(bad:x)"), 1000, look_up, NULL, &expanded, NULL),
        -EIO);
    assert_int_equal(
        references_expand(slice_from_text("$$(arch)$$(arch)"), 10, look_up, NULL, &expanded, NULL),
        -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_replaced_once),
        cmocka_unit_test(what_is_no_reference_stays),
        cmocka_unit_test(a_long_text_of_beginnings_is_passed_over),
        cmocka_unit_test(what_cannot_be_filled_in_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
