/* SPDX-License-Identifier: Apache-2.0 */
/* When an idle computer goes to sleep, and what keeps it awake. */
#include "core/sleeping.h"

#include "base/test.h"

enum { AFTER_MS = 1000, BEGIN_MS = 5000 };

/* Quiet since the beginning, and asking. */
static struct sleeping asking(void)
{
    struct sleeping sleeping;

    sleeping_init(&sleeping, AFTER_MS);
    assert_int_equal(sleeping_look(&sleeping, BEGIN_MS, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_next_ms(&sleeping, 0), BEGIN_MS + AFTER_MS);
    assert_int_equal(sleeping_look(&sleeping, BEGIN_MS + AFTER_MS - 1, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_look(&sleeping, BEGIN_MS + AFTER_MS, true, 0), SLEEPING_TELL);
    assert_int_equal(sleeping.phase, SLEEPING_ASKING);
    assert_int_equal(sleeping_next_ms(&sleeping, 0), UINT64_MAX);
    return sleeping;
}

static void a_computer_that_was_not_told_to_never_sleeps(void **state)
{
    struct sleeping sleeping;

    (void)state;
    sleeping_init(&sleeping, 0);
    assert_int_equal(sleeping_look(&sleeping, BEGIN_MS, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_next_ms(&sleeping, 0), UINT64_MAX);
    assert_int_equal(sleeping_look(&sleeping, 100000000, true, 0), SLEEPING_NOTHING);
}

static void it_goes_only_when_the_server_has_answered_that_it_sleeps(void **state)
{
    struct sleeping sleeping = asking();

    (void)state;
    assert_false(sleeping_answered(&sleeping, 100000));
    sleeping_reported(&sleeping, 6010);
    sleeping_reported(&sleeping, 6020);
    assert_false(sleeping_answered(&sleeping, 6009));
    assert_int_equal(sleeping_look(&sleeping, 6030, true, 0), SLEEPING_NOTHING);
    assert_true(sleeping_answered(&sleeping, 6010));
    assert_int_equal(sleeping.phase, SLEEPING_GOING);
    assert_false(sleeping_answered(&sleeping, 6010));
    assert_int_equal(sleeping_look(&sleeping, 6040, false, 0), SLEEPING_NOTHING);
    sleeping_reported(&sleeping, 6050);
}

static void what_disturbs_it_makes_it_say_so_and_wait_anew(void **state)
{
    struct sleeping sleeping = asking();

    (void)state;
    sleeping_reported(&sleeping, 6010);
    assert_int_equal(sleeping_look(&sleeping, 6020, false, 0), SLEEPING_TELL);
    assert_int_equal(sleeping.phase, SLEEPING_AWAKE);
    assert_false(sleeping_answered(&sleeping, 6010));
    assert_int_equal(sleeping_next_ms(&sleeping, 0), UINT64_MAX);
    assert_int_equal(sleeping_look(&sleeping, 7000, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_next_ms(&sleeping, 0), 8000);
    /* A use in between counts, too. */
    assert_int_equal(sleeping_next_ms(&sleeping, 7500), 8500);
    assert_int_equal(sleeping_look(&sleeping, 8000, true, 7500), SLEEPING_NOTHING);
    assert_int_equal(sleeping_look(&sleeping, 8500, true, 7500), SLEEPING_TELL);
}

static void who_has_slept_may_sleep_again_and_who_could_not_tries_later(void **state)
{
    struct sleeping sleeping = asking();

    (void)state;
    sleeping_reported(&sleeping, 6010);
    assert_true(sleeping_answered(&sleeping, 6010));
    sleeping_ended(&sleeping, 90000, true);
    assert_int_equal(sleeping_look(&sleeping, 90000, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_look(&sleeping, 91000, true, 0), SLEEPING_TELL);
    sleeping_reported(&sleeping, 91000);
    assert_true(sleeping_answered(&sleeping, 91000));
    sleeping_ended(&sleeping, 92000, false);
    assert_int_equal(sleeping_look(&sleeping, 92000, true, 0), SLEEPING_NOTHING);
    assert_int_equal(sleeping_next_ms(&sleeping, 0), 92000 + 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_that_was_not_told_to_never_sleeps),
        cmocka_unit_test(it_goes_only_when_the_server_has_answered_that_it_sleeps),
        cmocka_unit_test(what_disturbs_it_makes_it_say_so_and_wait_anew),
        cmocka_unit_test(who_has_slept_may_sleep_again_and_who_could_not_tries_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
