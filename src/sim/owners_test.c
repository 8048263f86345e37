/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t hour = 3600000, day = 24 * 3600000;

static const char table[] =
    "data_set,family,between_failures_h_p1,between_failures_h_p2,failure_duration_h_p1,"
    "failure_duration_h_p2\n"
    "Office,exponential,67.01,,16.49,\r\n"
    "Office,weibull,0.55,35.30,0.60,9.34\n"
    "Pool,weibull, 0.45 ,4.16,0.51,0.74\n"
    "Office,lognormal,2.62,1.84,-1.42,1.54\n"
    "Odd,weibull,0.45,4.16,0.51,\n"
    "Odd,gamma,0.45,0,0.51,1\n"
    "Odd,lognormal,x,1,0.51,1\n"
    "Short,weibull,1\n";

/* A name that nobody else has; the caller frees it. */
static char *write_table(void)
{
    char *path = memory_copy_string("/tmp/dusk-owners-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, table, sizeof(table) - 1), sizeof(table) - 1);
    close(fd);
    return path;
}

static int read_table(const char *like, struct owners *ret_owners, struct error *err)
{
    _cleanup_free_ char *path = write_table();
    int r = owners_read(path, like, ret_owners, err);

    unlink(path);
    return r;
}

static void a_place_is_found_in_the_table(void **state)
{
    struct owners owners = {.habits = 0.5};

    (void)state;
    assert_int_equal(read_table("Pool", &owners, NULL), 0);
    assert_int_equal(owners.absences.family, OWNERS_WEIBULL);
    assert_true(owners.absences.first == 0.45);
    assert_true(owners.absences.second == 4.16);
    assert_true(owners.presences.first == 0.51);
    assert_true(owners.presences.second == 0.74);
    assert_true(owners.habits == 0.5);
    assert_int_equal(read_table("Office/exponential", &owners, NULL), 0);
    assert_true(owners.presences.first == 16.49);
    assert_int_equal(read_table("Office/lognormal", &owners, NULL), 0);
    assert_true(owners.presences.first == -1.42);
}

static void assert_refused(const char *like, const char *why)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct owners owners = {.habits = 0.25};

    assert_true(read_table(like, &owners, &err) < 0);
    assert_non_null(strstr(error_text(&err), why));
    assert_true(owners.habits == 0.25 && owners.absences.first == 0);
}

static void what_the_table_does_not_have_is_said(void **state)
{
    (void)state;
    assert_refused("Home", "no line for 'Home' and weibull");
    assert_refused("Pool/gamma", "no line for 'Pool' and gamma");
    assert_refused("Office/wiebull", "no family of distributions 'wiebull'");
    assert_refused("Odd", "line 6: these are no parameters of a weibull");
    assert_refused("Odd/gamma", "line 7: these are no parameters of a gamma");
    assert_refused("Odd/lognormal", "line 8: these are no parameters of a lognormal");
    assert_refused("Short", "line 9: it has not six fields");
    assert_int_equal(owners_read("/nowhere/table", "Pool", &(struct owners){0}, NULL), -ENOENT);
}

static double length_h(enum owners_family family, double first, double second, double quantile)
{
    return owners_length_h(&(struct owners_lengths){family, first, second}, quantile);
}

static void assert_close(double actual, double expected)
{
    assert_true(fabs(actual - expected) < 1e-6 * fabs(expected));
}

/* By the formulas for medians, and tables of the chi-squared distribution. */
static void lengths_are_those_of_their_distributions(void **state)
{
    (void)state;
    assert_close(length_h(OWNERS_EXPONENTIAL, 7, 0, 0.5), 7 * log(2));
    assert_close(length_h(OWNERS_WEIBULL, 0.5, 7, 0.5), 7 * log(2) * log(2));
    assert_close(length_h(OWNERS_LOGNORMAL, 1.5, 2, 0.5), exp(1.5));
    assert_close(length_h(OWNERS_LOGNORMAL, 0, 1, 0.975), exp(1.959963985));
    assert_close(length_h(OWNERS_GAMMA, 1, 7, 0.9), 7 * log(10));
    assert_close(length_h(OWNERS_GAMMA, 0.5, 2, 0.5), 0.454936423);
    assert_close(length_h(OWNERS_GAMMA, 0.5, 2, 0.95), 3.841458821);
    assert_close(length_h(OWNERS_GAMMA, 5, 2, 0.05), 3.940299136);
}

static void no_quantile_gives_a_length_that_is_none(void **state)
{
    static const double quantiles[] = {1e-300, 1e-16, 0.5, 1 - 1e-16};

    (void)state;
    for (int family = 0; family < OWNERS_FAMILY_COUNT; family++)
        for (size_t i = 0; i < ARRAY_LENGTH(quantiles); i++) {
            double length = length_h((enum owners_family)family, 0.2, 10, quantiles[i]);

            assert_true(length >= 0 && isfinite(length));
        }
}

static const struct owners offices = {.absences = {OWNERS_WEIBULL, 0.55, 35.3},
                                      .presences = {OWNERS_WEIBULL, 0.6, 9.34},
                                      .habits = 0.3};

/* For some weeks of some owners: how often they are met, in office hours and at other times. */
static void meet(const struct owners *owners, double ret_shares[2])
{
    double looks[2] = {0}, met[2] = {0};

    for (uint32_t number = 0; number < 100; number++) {
        struct owner owner;
        bool present = false;
        uint64_t next_ms;

        owner_init(&owner, 1, number);
        next_ms = owner_next_ms(&owner, owners, present, 0);
        for (uint64_t at_ms = 0; at_ms < 70 * day; at_ms += hour) {
            for (; next_ms <= at_ms; next_ms = owner_next_ms(&owner, owners, present, next_ms))
                present = !present;
            looks[owners_office_hours(at_ms)]++;
            met[owners_office_hours(at_ms)] += present;
        }
    }
    ret_shares[0] = met[0] / looks[0];
    ret_shares[1] = met[1] / looks[1];
}

/* However much of it is habit, nine of ten lengths of all owners are below the last decile. */
static void the_lengths_of_all_owners_are_as_fitted(void **state)
{
    struct owners owners = offices;

    (void)state;
    for (owners.habits = 0; owners.habits <= 1; owners.habits += 0.5) {
        unsigned below[2] = {0};

        for (uint32_t number = 0; number < 10000; number++) {
            struct owner owner;

            owner_init(&owner, 1, number);
            below[0] += owner_draw_h(&owner, &owners, false) < 35.3 * pow(log(10), 1 / 0.55);
            below[1] += owner_draw_h(&owner, &owners, true) < 9.34 * pow(log(10), 1 / 0.6);
        }
        assert_in_range(below[0], 8900, 9100);
        assert_in_range(below[1], 8900, 9100);
    }
}

static void owners_are_there_in_office_hours(void **state)
{
    double shares[2];

    (void)state;
    meet(&offices, shares);
    assert_true(shares[1] > 2 * shares[0]);
    assert_true(shares[1] > 0.15);
    assert_true(shares[0] > 0.02);
}

static void office_hours_are_on_weekdays(void **state)
{
    (void)state;
    assert_false(owners_office_hours(8 * hour - 1));
    assert_true(owners_office_hours(8 * hour));
    assert_true(owners_office_hours(4 * day + 18 * hour - 1));
    assert_false(owners_office_hours(4 * day + 18 * hour));
    assert_false(owners_office_hours(5 * day + 12 * hour));
    assert_false(owners_office_hours(6 * day + 12 * hour));
    assert_true(owners_office_hours(7 * day + 12 * hour));
}

/* Absences that all last a week, by the clock that goes with the rhythm. */
static void a_week_of_absence_is_a_week(void **state)
{
    struct owners owners = {.absences = {OWNERS_WEIBULL, 1e6, 7 * 24}};

    (void)state;
    for (uint32_t number = 0; number < 20; number++) {
        struct owner owner;
        uint64_t begin_ms = number * 7 * hour;

        owner_init(&owner, 1, number);
        assert_in_range(owner_next_ms(&owner, &owners, false, begin_ms),
                        begin_ms + 7 * day - hour / 10, begin_ms + 7 * day + hour / 10);
    }
}

static void with_habits_alone_each_owner_has_one_length(void **state)
{
    struct owners owners = {.absences = {OWNERS_EXPONENTIAL, 10, 0}, .habits = 1};
    struct owner one, other;

    (void)state;
    owner_init(&one, 1, 1);
    owner_init(&other, 1, 2);
    assert_int_equal(owner_next_ms(&one, &owners, false, 0),
                     owner_next_ms(&one, &owners, false, 0));
    assert_int_not_equal(owner_next_ms(&one, &owners, false, 0),
                         owner_next_ms(&other, &owners, false, 0));
    owners.habits = 0;
    assert_int_not_equal(owner_next_ms(&one, &owners, false, 0),
                         owner_next_ms(&one, &owners, false, 0));
}

static void the_same_seed_has_the_same_owners(void **state)
{
    struct owner one, same, other;

    (void)state;
    owner_init(&one, 7, 3);
    owner_init(&same, 7, 3);
    owner_init(&other, 8, 3);
    for (uint64_t at = 0; at < 100 * hour; at += hour) {
        uint64_t next = owner_next_ms(&one, &offices, true, at);

        assert_true(next > at);
        assert_int_equal(owner_next_ms(&same, &offices, true, at), next);
        assert_int_not_equal(owner_next_ms(&other, &offices, true, at), next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_found_in_the_table),
        cmocka_unit_test(what_the_table_does_not_have_is_said),
        cmocka_unit_test(lengths_are_those_of_their_distributions),
        cmocka_unit_test(no_quantile_gives_a_length_that_is_none),
        cmocka_unit_test(the_lengths_of_all_owners_are_as_fitted),
        cmocka_unit_test(owners_are_there_in_office_hours),
        cmocka_unit_test(office_hours_are_on_weekdays),
        cmocka_unit_test(a_week_of_absence_is_a_week),
        cmocka_unit_test(with_habits_alone_each_owner_has_one_length),
        cmocka_unit_test(the_same_seed_has_the_same_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
