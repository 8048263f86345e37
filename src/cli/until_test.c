/* SPDX-License-Identifier: Apache-2.0 */
#include "until.h"

#include "base/test.h"
#include "exit_code.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2001-09-09 01:46:40 in UTC. */
static const double now = 1000000000;

static double end_of(const char *first, const char *second)
{
    char *words[] = {(char *)first, (char *)second};
    double end = 0;

    assert_int_equal(until_parse(words, second ? 2 : 1, now, &end, NULL), 0);
    return end;
}

static void a_duration_counts_from_now(void **state)
{
    (void)state;
    assert_true(end_of("2h", NULL) == now + 7200);
    assert_true(end_of("250ms", NULL) == now + 0.25);
}

static void a_time_of_day_is_the_next_one(void **state)
{
    (void)state;
    assert_true(end_of("until", "18:00") == 1000058400);
    assert_true(end_of("until", "1:47") == 1000000020);
    assert_true(end_of("until", "01:46") == 999999960 + 86400);
    assert_true(end_of("until", "00:00") == 999993600 + 86400);
}

/* In the night to 2001-03-25 an hour was left out in Berlin: 18:00 is 23 hours after 18:00. */
static void summer_time_does_not_shift_it(void **state)
{
    char *words[] = {(char *)"until", (char *)"18:00"};
    double end = 0;

    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    assert_int_equal(until_parse(words, 2, 985453200, &end, NULL), 0);
    assert_true(end == 985453200 + 23 * 3600);
    setenv("TZ", "UTC", 1);
    tzset();
}

static void what_is_neither_is_refused_with_what_would_be_right(void **state)
{
    static const char *const wrong[][2] = {
        {"soon", NULL},    {"0s", NULL},         {"2h", "more"},     {"until", NULL},
        {"until", "18"},   {"until", "24:00"},   {"until", "18:60"}, {"until", "18:0"},
        {"until", "x:00"}, {"until", "18:00:0"}, {"till", "18:00"},  {"until", ":30"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        char *words[] = {(char *)wrong[i][0], (char *)wrong[i][1]};
        _cleanup_error_ struct error err = ERROR_INIT;
        double end;

        assert_int_equal(until_parse(words, words[1] ? 2 : 1, now, &end, &err), FAILURE_USAGE);
        assert_non_null(strstr(err.hint, "until 18:00"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_counts_from_now),
        cmocka_unit_test(a_time_of_day_is_the_next_one),
        cmocka_unit_test(summer_time_does_not_shift_it),
        cmocka_unit_test(what_is_neither_is_refused_with_what_would_be_right),
    };

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
