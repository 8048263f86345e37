/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "base/test.h"
#include "sys/text.h"

#include <string.h>

static const struct table_column columns[] = {
    {"ID", false, false},
    {"SIZE", true, false},
    {"REASON", false, true},
};

static void append(void *userdata, const char *text, size_t length)
{
    buffer_append(userdata, text, length);
}

static struct table *start(struct buffer *output, size_t width)
{
    const struct terminal terminal = {.interactive = width > 0, .utf8 = true, .width = width};

    return table_new(columns, ARRAY_LENGTH(columns), terminal, append, output);
}

static void add(struct table *table, const char *id, const char *size, const char *reason)
{
    const char *const cells[] = {id, size, reason};

    table_add(table, cells);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    _cleanup_(table_free_p) struct table *table = start(&output, 0);

    (void)state;
    add(table, "17.3", "5", "a");
    add(table, "1.0", "12345", "the owner returned");
    table_end(table);
    assert_string_equal(output.data, "ID     SIZE  REASON\n"
                                     "17.3      5  a\n"
                                     "1.0   12345  the owner returned\n");
}

static void a_table_without_rows_is_its_headings(void **state)
{
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    _cleanup_(table_free_p) struct table *table = start(&output, 80);

    (void)state;
    table_end(table);
    assert_string_equal(output.data, "ID  SIZE  REASON\n");
}

static void on_a_terminal_the_flexible_column_is_cut_first(void **state)
{
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    _cleanup_(table_free_p) struct table *table = start(&output, 24);

    (void)state;
    add(table, "17.3", "12345", "its lease ended and nothing was heard");
    table_end(table);
    assert_string_equal(output.data, "ID     SIZE  REASON\n"
                                     "17.3  12345  its lease …\n");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (size_t width = 1; width < 60; width++) {
        _cleanup_buffer_ struct buffer output = BUFFER_INIT;
        _cleanup_(table_free_p) struct table *table = start(&output, width);

        for (int i = 0; i < 3000; i++)
            add(table, i == 2500 ? "a very late and very long name" : "日本.3", "1234567",
                "für eine Weile nichts");
        table_end(table);
        for (char *line = output.data; *line;) {
            size_t length = strcspn(line, "\n");

            line[length] = '\0';
            assert_true(text_width(line, true) <= width);
            line += length + 1;
        }
    }
}

static void rows_are_written_before_the_end_of_a_long_table(void **state)
{
    _cleanup_buffer_ struct buffer output = BUFFER_INIT;
    _cleanup_(table_free_p) struct table *table = start(&output, 0);
    size_t before;

    (void)state;
    for (int i = 0; i < 1000; i++)
        add(table, "17.3", "1", "x");
    before = output.length;
    assert_true(before > 0);
    add(table, "17.3", "1", "longer than any before");
    assert_string_equal(output.data + before, "17.3     1  longer than any before\n");
    table_end(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(a_table_without_rows_is_its_headings),
        cmocka_unit_test(on_a_terminal_the_flexible_column_is_cut_first),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(rows_are_written_before_the_end_of_a_long_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
