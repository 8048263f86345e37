/* SPDX-License-Identifier: Apache-2.0 */
#include "attributes.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

struct fixture {
    struct attributes set, other, changes;
    struct buffer lines;
    struct error err;
};

static int start(void **state)
{
    static struct fixture fixture;

    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    attributes_deinit(&fixture->set);
    attributes_deinit(&fixture->other);
    attributes_deinit(&fixture->changes);
    buffer_deinit(&fixture->lines);
    error_clear(&fixture->err);
    return 0;
}

static void read_lines(struct attributes *set, const char *lines)
{
    assert_int_equal(attributes_read(set, slice_from_text(lines), NULL), 0);
}

static const char *written(struct fixture *fixture, const struct attributes *set)
{
    buffer_clear(&fixture->lines);
    attributes_write(set, &fixture->lines);
    return buffer_text(&fixture->lines);
}

static void what_was_set_last_counts_whatever_the_case_of_its_name(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(attributes_set(&fixture->set, "Memory", "1", NULL), 0);
    assert_int_equal(attributes_set(&fixture->set, "arch", "\"X86_64\"", NULL), 0);
    assert_int_equal(attributes_set(&fixture->set, "MEMORY", "Cpus * 2", NULL), 0);
    assert_string_equal(attributes_get(&fixture->set, "memory"), "Cpus * 2");
    assert_null(attributes_get(&fixture->set, "Memor"));
    assert_string_equal(written(fixture, &fixture->set), "arch = \"X86_64\"\nMemory = Cpus * 2\n");
}

static void names_and_values_that_would_not_read_back_are_refused(void **state)
{
    static const char *const names[] = {"",           "1st",  "a b",    "a.b",
                                        "h\xc3\xa4s", "TRUE", "target", "has-matlab"};
    static const char *const values[] = {"", " ", "a\nb", "a\x01", "\"\xff\"", "x\x7f"};
    struct fixture *fixture = *state;
    _cleanup_free_ char *name = memory_allocate(ATTRIBUTE_NAME_LENGTH_MAX + 2);
    _cleanup_free_ char *value = memory_allocate(ATTRIBUTE_VALUE_LENGTH_MAX + 2);

    memset(name, 'n', ATTRIBUTE_NAME_LENGTH_MAX + 1);
    memset(value, '1', ATTRIBUTE_VALUE_LENGTH_MAX + 1);
    assert_int_equal(attributes_set(&fixture->set, name, "1", NULL), -EINVAL);
    assert_int_equal(attributes_set(&fixture->set, "a", value, NULL), -EINVAL);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        assert_int_equal(attributes_set(&fixture->set, names[i], "1", NULL), -EINVAL);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        assert_int_equal(attributes_set(&fixture->set, "a", values[i], NULL), -EINVAL);
    assert_int_equal(fixture->set.count, 0);
    name[ATTRIBUTE_NAME_LENGTH_MAX] = value[ATTRIBUTE_VALUE_LENGTH_MAX] = '\0';
    assert_int_equal(attributes_set(&fixture->set, name, value, NULL), 0);
}

static void a_text_becomes_a_literal(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(attributes_set_text(&fixture->set, "a", "say \"no\" \\d\n\\", NULL), 0);
    assert_int_equal(attributes_set_text(&fixture->set, "b", "h\xc3\xa4", NULL), 0);
    assert_int_equal(attributes_set_text(&fixture->set, "c", "h\xff", NULL), 0);
    assert_string_equal(attributes_get(&fixture->set, "a"), "\"say \\\"no\\\" \\d??\"");
    assert_string_equal(attributes_get(&fixture->set, "b"), "\"h\xc3\xa4\"");
    assert_string_equal(attributes_get(&fixture->set, "c"), "\"h?\"");
}

static void there_are_never_too_many(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;

    for (int i = 0; i < ATTRIBUTES_MAX; i++) {
        buffer_clear(&name);
        buffer_appendf(&name, "a%d", i);
        assert_int_equal(attributes_set(&fixture->set, name.data, "1", NULL), 0);
    }
    assert_int_equal(attributes_set(&fixture->set, "one_more", "1", NULL), -E2BIG);
    assert_int_equal(attributes_set(&fixture->set, "a0", "2", NULL), 0);
    read_lines(&fixture->changes, "b = 1\n");
    assert_int_equal(attributes_apply(&fixture->set, &fixture->changes, NULL), -E2BIG);
    assert_null(attributes_get(&fixture->set, "b"));
    /* One goes, so the other has room. */
    assert_int_equal(attributes_set_change(&fixture->changes, "a7", NULL, NULL), 0);
    assert_int_equal(attributes_apply(&fixture->set, &fixture->changes, NULL), 0);
    assert_string_equal(attributes_get(&fixture->set, "b"), "1");
}

static void they_are_never_too_large_together(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *value = memory_allocate(ATTRIBUTE_VALUE_LENGTH_MAX + 1);
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    int r = 0, count;

    memset(value, '1', ATTRIBUTE_VALUE_LENGTH_MAX);
    for (count = 0; r == 0; count++) {
        buffer_clear(&name);
        buffer_appendf(&name, "a%d", count);
        r = attributes_set(&fixture->set, name.data, value, &fixture->err);
    }
    assert_int_equal(r, -E2BIG);
    assert_int_equal(count, ATTRIBUTES_SIZE_MAX / ATTRIBUTE_VALUE_LENGTH_MAX);
}

static void a_comparison_applied_makes_the_one_of_the_other(void **state)
{
    struct fixture *fixture = *state;

    read_lines(&fixture->set, "A = 1\nB = 2\nD = 4\nE = 5\n");
    read_lines(&fixture->other, "B = 2\nC = 3\nd = 4\nE = 6\n");
    attributes_compare(&fixture->set, &fixture->other, &fixture->changes);
    assert_int_equal(fixture->changes.count, 4);
    assert_null(attributes_get(&fixture->changes, "A"));
    assert_int_equal(attributes_apply(&fixture->set, &fixture->changes, NULL), 0);
    assert_string_equal(written(fixture, &fixture->set), "B = 2\nC = 3\nd = 4\nE = 6\n");
    attributes_deinit(&fixture->changes);
    attributes_compare(&fixture->set, &fixture->other, &fixture->changes);
    assert_int_equal(fixture->changes.count, 0);
}

static void all_may_go_and_as_many_come(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer old = BUFFER_INIT, new = BUFFER_INIT;

    for (int i = 0; i < ATTRIBUTES_MAX; i++) {
        buffer_appendf(&old, "old_%d = 1\n", i);
        buffer_appendf(&new, "new_%d = 1\n", i);
    }
    read_lines(&fixture->set, old.data);
    read_lines(&fixture->other, new.data);
    attributes_compare(&fixture->set, &fixture->other, &fixture->changes);
    assert_int_equal(attributes_apply(&fixture->set, &fixture->changes, NULL), 0);
    assert_int_equal(fixture->set.count, ATTRIBUTES_MAX);
    assert_string_equal(attributes_get(&fixture->set, "new_0"), "1");
}

static void lines_are_read_as_scripts_print_them(void **state)
{
    struct fixture *fixture = *state;

    read_lines(&fixture->set, "# comment\r\n\n  HasMatlab=true\r\n- update:true\n"
                              "Licences = 3 >= 2 ? \"a=b\" : undefined");
    assert_string_equal(written(fixture, &fixture->set),
                        "HasMatlab = true\nLicences = 3 >= 2 ? \"a=b\" : undefined\n");
}

static void a_line_that_makes_no_sense_is_named(void **state)
{
    static const char with_nul[] = "A = 1\0\n";
    struct fixture *fixture = *state;

    assert_int_equal(
        attributes_read(&fixture->set, slice_from_text("A = 1\nnonsense\n"), &fixture->err),
        -EINVAL);
    assert_string_equal(error_text(&fixture->err), "'nonsense' is not 'Name = expression'");
    assert_int_equal(attributes_read(&fixture->set, slice_from_text("A =\n"), NULL), -EINVAL);
    assert_int_equal(attributes_read(&fixture->set, slice_from_text("= 1\n"), NULL), -EINVAL);
    assert_int_equal(
        attributes_read(&fixture->set, (struct slice){with_nul, sizeof(with_nul) - 1}, NULL),
        -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_set_last_counts_whatever_the_case_of_its_name),
        TEST(names_and_values_that_would_not_read_back_are_refused),
        TEST(a_text_becomes_a_literal),
        TEST(there_are_never_too_many),
        TEST(they_are_never_too_large_together),
        TEST(a_comparison_applied_makes_the_one_of_the_other),
        TEST(all_may_go_and_as_many_come),
        TEST(lines_are_read_as_scripts_print_them),
        TEST(a_line_that_makes_no_sense_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
