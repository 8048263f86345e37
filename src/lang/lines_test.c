/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/lines.h"
#include "lang/submit.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

/* All lines, with '|' behind each; and what a message about `mark` looks like, if it is found. */
static char *read_all(const char *text, bool keep_comments, const char *mark)
{
    struct sources sources = SOURCES_INIT;
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    struct buffer joined = BUFFER_INIT;
    struct line_reader reader;
    struct slice line;

    line_reader_init(&reader, &sources, &arena, sources_add(&sources, "t", slice_from_text(text)));
    reader.keep_comments = keep_comments;
    while (line_reader_next(&reader, &line, NULL) > 0) {
        const char *found = mark ? memchr(line.data, *mark, line.length) : NULL;

        if (!mark)
            buffer_appendf(&joined, "%.*s|", (int)line.length, line.data);
        if (found)
            sources_describe(&sources, found, "here", &joined);
    }
    sources_deinit(&sources);
    return buffer_take(&joined);
}

#define ASSERT_LINES(text, keep_comments, mark, expected)                                          \
    do {                                                                                           \
        _cleanup_free_ char *lines_ = read_all((text), (keep_comments), (mark));                   \
        assert_string_equal(lines_, (expected));                                                   \
    } while (0)

static void lines_are_trimmed_and_empty_ones_passed_over(void **state)
{
    (void)state;
    ASSERT_LINES(" a \r\n\r\n\t\n b\n# c\nd", false, NULL, "a|b|d|");
    ASSERT_LINES("", false, NULL, "");
    ASSERT_LINES("\n\n", false, NULL, "");
}

static void a_backslash_at_the_end_joins(void **state)
{
    (void)state;
    ASSERT_LINES("a \\\n  b\\ \n c\nd\\", false, NULL, "a bc|d|");
    ASSERT_LINES("a\\\n\nb", false, NULL, "a|b|");
    ASSERT_LINES("a\\\\\n\nb", false, NULL, "a\\|b|");
    ASSERT_LINES("\\\n\\\n\n", false, NULL, "");
}

static void a_comment_neither_continues_nor_ends_a_line(void **state)
{
    (void)state;
    ASSERT_LINES("# a \\\nb \\\n # c \\\n d\n", false, NULL, "b d|");
}

static void where_comments_are_kept_they_are_text(void **state)
{
    (void)state;
    ASSERT_LINES("# a\nb\\\n#c\n", true, NULL, "# a|b#c|");
}

static void a_place_in_a_joined_line_is_where_it_was_written(void **state)
{
    (void)state;
    ASSERT_LINES("one\ntwo \\\n\tthree X four \\\nfive\n", false, "X",
                 "t:3:8: here\n\tthree X four \\\n\t      ^");
    ASSERT_LINES("two \\\nX\n", false, "X", "t:2:1: here\nX\n^");
}

static void columns_count_characters(void **state)
{
    (void)state;
    ASSERT_LINES("\xc3\xa4\xe2\x82\xac X\n", false, "X",
                 "t:1:4: here\n\xc3\xa4\xe2\x82\xac X\n   ^");
}

static void of_long_lines_only_the_part_around_the_place_is_shown(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, expected = BUFFER_INIT;

    (void)state;
    for (int i = 0; i < 1000; i++)
        buffer_append_text(&text, i == 500 ? "X" : "-");
    buffer_append_text(&expected, "t:1:501: here\n");
    for (int i = 0; i < 120; i++)
        buffer_append_text(&expected, i == 60 ? "X" : "-");
    buffer_append_character(&expected, '\n');
    for (int i = 0; i < 60; i++)
        buffer_append_character(&expected, ' ');
    buffer_append_character(&expected, '^');
    ASSERT_LINES(buffer_text(&text), false, "X", buffer_text(&expected));
}

static void a_line_has_a_largest_length(void **state)
{
    _cleanup_free_ char *text = memory_allocate(SUBMIT_LINE_LENGTH_MAX + 8);
    struct sources sources = SOURCES_INIT;
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    struct line_reader reader;
    struct slice line;

    (void)state;
    memset(text, 'a', SUBMIT_LINE_LENGTH_MAX);
    line_reader_init(&reader, &sources, &arena, sources_add(&sources, "t", slice_from_text(text)));
    assert_int_equal(line_reader_next(&reader, &line, NULL), 1);
    memcpy(text + SUBMIT_LINE_LENGTH_MAX, "\\\nb", 4);
    line_reader_init(&reader, &sources, &arena, sources_add(&sources, "t", slice_from_text(text)));
    assert_int_equal(line_reader_next(&reader, &line, NULL), -E2BIG);
    sources_deinit(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_trimmed_and_empty_ones_passed_over),
        cmocka_unit_test(a_backslash_at_the_end_joins),
        cmocka_unit_test(a_comment_neither_continues_nor_ends_a_line),
        cmocka_unit_test(where_comments_are_kept_they_are_text),
        cmocka_unit_test(a_place_in_a_joined_line_is_where_it_was_written),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(of_long_lines_only_the_part_around_the_place_is_shown),
        cmocka_unit_test(a_line_has_a_largest_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
