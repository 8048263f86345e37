/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spelling.h"
#include "base/test.h"

#include <string.h>

static const char *const commands[] = {"submit", "status", "history", "hold", "q", "rm"};

static const char *nearest(const char *word)
{
    return spelling_nearest(word, commands, ARRAY_LENGTH(commands));
}

static void one_slip_is_forgiven(void **state)
{
    (void)state;
    assert_string_equal(nearest("sumbit"), "submit");
    assert_string_equal(nearest("submitt"), "submit");
    assert_string_equal(nearest("submt"), "submit");
    assert_string_equal(nearest("stotus"), "status");
    assert_string_equal(nearest("histroy"), "history");
}

static void case_does_not_count(void **state)
{
    (void)state;
    assert_string_equal(nearest("HISTORY"), "history");
}

static void what_is_far_away_was_not_meant(void **state)
{
    (void)state;
    assert_null(nearest("frobnicate"));
    assert_null(nearest("held down"));
    assert_null(nearest(""));
    assert_null(nearest("x"));
    assert_null(spelling_nearest("x", commands, 0));
}

static void of_equals_the_first_wins(void **state)
{
    static const char *const twins[] = {"bat", "cat", "rat"};

    (void)state;
    assert_string_equal(spelling_nearest("hat", twins, ARRAY_LENGTH(twins)), "bat");
    assert_string_equal(spelling_nearest("rat", twins, ARRAY_LENGTH(twins)), "rat");
}

static void words_of_any_length_are_safe(void **state)
{
    char word[100001];
    const char *const candidates[] = {word};

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_ptr_equal(spelling_nearest(word, candidates, 1), word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_forgiven),
        cmocka_unit_test(case_does_not_count),
        cmocka_unit_test(what_is_far_away_was_not_meant),
        cmocka_unit_test(of_equals_the_first_wins),
        cmocka_unit_test(words_of_any_length_are_safe),
    };

    return cmocka_run_group_tests_name("spelling", tests, NULL, NULL);
}
