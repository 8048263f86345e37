/* SPDX-License-Identifier: Apache-2.0 */
/* Days come and go; a clock that was wrong, a file that is broken, more users than there is room.
 */
#include "figures.h"

#include "base/memory.h"
#include "base/test.h"

#include <string.h>

enum { TODAY = 20783 }; /* 2026-11-26 */

#define _cleanup_figures_       _cleanup_(figures_deinit)
#define _cleanup_owner_figures_ _cleanup_(owner_figures_deinit)

static void add(struct figures *figures, int64_t day, const char *user, uint64_t tasks,
                uint64_t cpu_s)
{
    const struct figures_sum sum = {.tasks = tasks, .cpu_us = cpu_s * 1000000};

    figures_add(figures, day, user, &sum);
}

static void lend(struct figures *figures, int64_t day, uint64_t lent_s)
{
    const struct figures_sum sum = {.lent_us = lent_s * 1000000};

    figures_add(figures, day, "", &sum);
}

/* "1 - 60 0 0|1 marie 0 1 30|...": days, user, lent, tasks, processor seconds. */
static void assert_shown(const struct figures *figures, int64_t today, const char *expected)
{
    _cleanup_owner_figures_ struct owner_figures shown;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    figures_describe(figures, today, 8, &shown);
    for (size_t i = 0; i < shown.count; i++) {
        const struct owner_figure *figure = &shown.items[i];

        buffer_appendf(&text, "%u %s %.0f %llu %.0f|", figure->days,
                       figure->user ? figure->user : "-", figure->lent_s,
                       (unsigned long long)figure->tasks, figure->cpu_s);
        assert_true(figure->energy_wh == figure->cpu_s / 3600 * 8);
    }
    assert_string_equal(buffer_text(&text), expected);
}

static void assert_since(const struct figures *figures, int64_t today, const char *expected)
{
    _cleanup_owner_figures_ struct owner_figures shown;

    figures_describe(figures, today, 8, &shown);
    assert_string_equal(shown.since ? shown.since : "nothing", expected);
}

static void what_is_done_in_a_day_is_added_up(void **state)
{
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    lend(&figures, TODAY, 60);
    add(&figures, TODAY, "otto", 1, 10);
    add(&figures, TODAY, "marie", 1, 0);
    add(&figures, TODAY, "marie", 0, 30);
    lend(&figures, TODAY, 40);
    assert_int_equal(figures.count, 3);
    assert_shown(&figures, TODAY,
                 "1 - 100 2 40|1 marie 0 1 30|1 otto 0 1 10|"
                 "7 - 100 2 40|7 marie 0 1 30|7 otto 0 1 10|"
                 "30 - 100 2 40|30 marie 0 1 30|30 otto 0 1 10|"
                 "365 - 100 2 40|365 marie 0 1 30|365 otto 0 1 10|");
}

static void each_period_ends_today_and_has_the_shorter_ones_in_it(void **state)
{
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    add(&figures, TODAY - 365, "anna", 1, 1000);
    add(&figures, TODAY - 364, "anna", 1, 500);
    add(&figures, TODAY - 29, "bert", 1, 20);
    add(&figures, TODAY - 6, "carl", 1, 7);
    assert_shown(&figures, TODAY,
                 "1 - 0 0 0|7 - 0 1 7|7 carl 0 1 7|"
                 "30 - 0 2 27|30 bert 0 1 20|30 carl 0 1 7|"
                 "365 - 0 3 527|365 anna 0 1 500|365 bert 0 1 20|365 carl 0 1 7|");
    assert_since(&figures, TODAY, "2025-11-27");
}

static void what_is_older_than_a_year_is_forgotten(void **state)
{
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    figures_forget(&figures, TODAY);
    lend(&figures, TODAY - 400, 1);
    add(&figures, TODAY - 365, "anna", 1, 1);
    add(&figures, TODAY - 364, "bert", 1, 1);
    figures_forget(&figures, TODAY);
    assert_int_equal(figures.count, 1);
    assert_string_equal(figures.rows[0].user, "bert");
}

static void days_that_have_not_come_are_not_shown_but_kept(void **state)
{
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    assert_since(&figures, TODAY, "nothing");
    lend(&figures, TODAY + 1000, 9);
    assert_since(&figures, TODAY, "nothing");
    lend(&figures, TODAY, 5);
    figures_forget(&figures, TODAY);
    assert_int_equal(figures.rows[0].day, TODAY);
    assert_int_equal(figures.count, 2);
    assert_shown(&figures, TODAY, "1 - 5 0 0|7 - 5 0 0|30 - 5 0 0|365 - 5 0 0|");
}

static void lines_come_back_as_they_were(void **state)
{
    _cleanup_figures_ struct figures figures = {0}, back = {0};
    _cleanup_buffer_ struct buffer lines = BUFFER_INIT, again = BUFFER_INIT;

    (void)state;
    lend(&figures, TODAY, 60);
    add(&figures, TODAY, "marie of the house", 2, 30);
    add(&figures, TODAY - 1, "a\nb", 1, 1);
    add(&figures, TODAY - 1, NULL, 1, 1);
    figures_write(&figures, &lines);
    assert_string_equal(lines.data, "20782 0 1 1000000 a?b\n"
                                    "20782 0 1 1000000 (others)\n"
                                    "20783 60000000 0 0 \n"
                                    "20783 0 2 30000000 marie of the house\n");
    assert_int_equal(figures_read(&back, (struct slice){lines.data, lines.length}), 0);
    figures_write(&back, &again);
    assert_string_equal(lines.data, again.data);
}

static void a_line_that_makes_no_sense_takes_no_other_with_it(void **state)
{
    static const char lines[] = "nonsense\n"
                                "\n"
                                "-1 0 1 1 marie\n"
                                "20783 0 1\n"
                                "20783 0 1 -1 marie\n"
                                "20783 0 1 18446744073709551615 marie\n"
                                "99999999999 0 1 1 marie\n"
                                "20783 0 1 1 a\0b\n"
                                "20783 0 1 1000000 otto\n"
                                "20783 0 1 1000000 otto";
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    assert_int_equal(figures_read(&figures, (struct slice){lines, sizeof(lines) - 1}), 8);
    assert_int_equal(figures.count, 1);
    assert_int_equal(figures.rows[0].sum.tasks, 2);
}

static void a_day_has_room_for_some_users_and_counts_the_others_together(void **state)
{
    _cleanup_figures_ struct figures figures = {0};

    (void)state;
    for (size_t i = 0; i < 3 * FIGURES_USERS_MAX; i++) {
        _cleanup_buffer_ struct buffer user = BUFFER_INIT;

        buffer_appendf(&user, "user%zu", i);
        add(&figures, TODAY, user.data, 1, 1);
    }
    lend(&figures, TODAY, 1);
    add(&figures, TODAY, "user0", 1, 1);
    assert_int_equal(figures.count, FIGURES_USERS_MAX + 2);
    assert_int_equal(figures.rows[0].sum.tasks, 2);
    assert_string_equal(figures.rows[FIGURES_USERS_MAX].user, FIGURES_OTHERS);
    assert_int_equal(figures.rows[FIGURES_USERS_MAX].sum.tasks, 2 * FIGURES_USERS_MAX);
}

static void so_many_are_shown_and_nothing_is_lost(void **state)
{
    _cleanup_figures_ struct figures figures = {0};
    _cleanup_owner_figures_ struct owner_figures shown;
    uint64_t tasks = 0;

    (void)state;
    for (int day = 0; day < 10; day++)
        for (size_t i = 0; i < FIGURES_USERS_MAX; i++) {
            _cleanup_buffer_ struct buffer user = BUFFER_INIT;

            buffer_appendf(&user, "user%zu-%d", i, day);
            add(&figures, TODAY - day, user.data, 1, 1);
        }
    add(&figures, TODAY, NULL, 1, 1);
    figures_describe(&figures, TODAY, 8, &shown);
    for (size_t i = 0; i < shown.count; i++)
        if (shown.items[i].days == 30 && shown.items[i].user)
            tasks += shown.items[i].tasks;
    assert_int_equal(tasks, 10 * FIGURES_USERS_MAX + 1);
    assert_in_range(shown.count, 1, OWNER_FIGURES_MAX);
}

static void a_long_name_is_cut(void **state)
{
    _cleanup_figures_ struct figures figures = {0};
    char name[1000];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    add(&figures, TODAY, name, 1, 1);
    assert_int_equal(strlen(figures.rows[0].user), FIGURES_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_in_a_day_is_added_up),
        cmocka_unit_test(each_period_ends_today_and_has_the_shorter_ones_in_it),
        cmocka_unit_test(what_is_older_than_a_year_is_forgotten),
        cmocka_unit_test(days_that_have_not_come_are_not_shown_but_kept),
        cmocka_unit_test(lines_come_back_as_they_were),
        cmocka_unit_test(a_line_that_makes_no_sense_takes_no_other_with_it),
        cmocka_unit_test(a_day_has_room_for_some_users_and_counts_the_others_together),
        cmocka_unit_test(so_many_are_shown_and_nothing_is_lost),
        cmocka_unit_test(a_long_name_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
