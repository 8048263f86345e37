/* SPDX-License-Identifier: Apache-2.0 */
/* Present, near, away: what a use, what lasts and time alone make of each other. */
#include "core/lending.h"

#include "base/test.h"

enum { START_MS = 10000000, IDLE_MS = 900000, RESUME_MS = 60000 };

static const struct lending_options options = {
    .is_watched = true, .idle_after_ms = IDLE_MS, .resume_after_ms = RESUME_MS};

static bool at(struct lending *lending, uint64_t ms)
{
    return lending_step(lending,
                        &(struct lending_event){.kind = LENDING_TICK, .now_ms = START_MS + ms});
}

static bool used_at(struct lending *lending, uint64_t ms)
{
    struct lending_event event = {.kind = LENDING_USED, .now_ms = START_MS + ms};

    event.used_ms = START_MS + ms;
    return lending_step(lending, &event);
}

static bool lasts_at(struct lending *lending, uint64_t ms, enum owner_reason reason, bool holds)
{
    struct lending_event event = {.kind = LENDING_LASTS, .now_ms = START_MS + ms};

    event.lasts.reason = reason;
    event.lasts.holds = holds;
    return lending_step(lending, &event);
}

/* Reason and presence, and when time will change them (NEVER: it will not). */
enum { NEVER = -1 };

static void assert_view(const struct lending *lending, enum owner_presence presence,
                        enum owner_reason reason, int64_t until_ms)
{
    assert_int_equal(lending->view.presence, presence);
    assert_int_equal(lending->view.reason, reason);
    assert_int_equal(lending->view.until_ms,
                     until_ms == NEVER ? UINT64_MAX : START_MS + (uint64_t)until_ms);
}

/* A computer that nobody has used for long. */
static struct lending left_alone(void)
{
    struct lending lending;

    lending_init(&lending, &options, START_MS - IDLE_MS);
    assert_true(at(&lending, 0));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    return lending;
}

static void at_the_beginning_it_counts_as_used(void **state)
{
    struct lending lending;

    (void)state;
    lending_init(&lending, &options, START_MS);
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, RESUME_MS);
    assert_int_equal(lending.view.since_ms, START_MS);
    assert_false(at(&lending, RESUME_MS - 1));
    assert_true(at(&lending, RESUME_MS));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_USED, IDLE_MS);
    assert_int_equal(lending.view.since_ms, START_MS + RESUME_MS);
    assert_false(at(&lending, IDLE_MS - 1));
    assert_true(at(&lending, IDLE_MS));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void one_that_the_pool_has_started_is_lent_at_once_unless_it_was_used_since(void **state)
{
    const struct lending_event woken = {.kind = LENDING_WOKEN, .now_ms = START_MS + 5};
    struct lending lending;

    (void)state;
    lending_init(&lending, &options, START_MS);
    assert_true(lending_step(&lending, &woken));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    lending_init(&lending, &options, START_MS);
    assert_false(used_at(&lending, 3));
    assert_false(lending_step(&lending, &woken));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, RESUME_MS + 3);
}

static void one_that_nobody_watches_is_lent_at_once(void **state)
{
    struct lending_options unwatched = options;
    struct lending lending;

    (void)state;
    unwatched.is_watched = false;
    lending_init(&lending, &unwatched, START_MS);
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    assert_true(used_at(&lending, 1));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, 1 + RESUME_MS);
}

static void a_use_makes_him_present_and_each_further_one_longer(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    assert_true(used_at(&lending, 10));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, 10 + RESUME_MS);
    assert_false(used_at(&lending, 5000));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, 5000 + RESUME_MS);
    assert_int_equal(lending.view.since_ms, START_MS + 10);
    assert_true(at(&lending, 5000 + RESUME_MS));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_USED, 5000 + IDLE_MS);
    assert_true(used_at(&lending, 5000 + RESUME_MS));
    assert_int_equal(lending.view.presence, OWNER_PRESENT);
}

static void a_use_that_was_long_ago_changes_nothing(void **state)
{
    struct lending lending = left_alone();
    struct lending_event event = {.kind = LENDING_USED, .now_ms = START_MS};

    (void)state;
    event.used_ms = START_MS - 2 * IDLE_MS;
    assert_false(lending_step(&lending, &event));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    event.used_ms = START_MS - RESUME_MS;
    assert_true(lending_step(&lending, &event));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_USED, IDLE_MS - RESUME_MS);
}

static void a_use_that_is_to_come_counts_as_now(void **state)
{
    struct lending lending = left_alone();
    struct lending_event event = {.kind = LENDING_USED, .now_ms = START_MS};

    (void)state;
    event.used_ms = UINT64_MAX;
    assert_true(lending_step(&lending, &event));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, RESUME_MS);
}

static void what_lasts_keeps_the_pool_away_and_a_pause_longer(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    assert_true(lasts_at(&lending, 0, OWNER_REASON_BATTERY, true));
    assert_true(lending_holds(&lending, OWNER_REASON_BATTERY));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_BATTERY, NEVER);
    assert_false(lasts_at(&lending, 9 * IDLE_MS, OWNER_REASON_BATTERY, true));
    assert_false(at(&lending, 10 * IDLE_MS));
    assert_false(lasts_at(&lending, 10 * IDLE_MS, OWNER_REASON_BATTERY, false));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_BATTERY, 10 * IDLE_MS + RESUME_MS);
    assert_true(at(&lending, 10 * IDLE_MS + RESUME_MS));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void what_never_held_leaves_no_pause(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    assert_false(lasts_at(&lending, 0, OWNER_REASON_HOT, false));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void of_several_reasons_the_first_is_told(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    lasts_at(&lending, 0, OWNER_REASON_LOAD, true);
    assert_true(lasts_at(&lending, 0, OWNER_REASON_PAUSED, true));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_PAUSED, NEVER);
    assert_false(used_at(&lending, 0));
    assert_true(lasts_at(&lending, 0, OWNER_REASON_PAUSED, false));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_LOAD, NEVER);
}

static void no_pause_follows_his_own_word(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    assert_true(lasts_at(&lending, 0, OWNER_REASON_PAUSED, true));
    assert_true(lasts_at(&lending, 5, OWNER_REASON_PAUSED, false));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    assert_true(lasts_at(&lending, 10, OWNER_REASON_NEVER, true));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_NEVER, NEVER);
    assert_true(lasts_at(&lending, 15, OWNER_REASON_NEVER, false));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void when_he_will_be_away_is_known_unless_something_lasts(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    used_at(&lending, 10);
    assert_int_equal(lending_away_ms(&lending), START_MS + 10 + IDLE_MS);
    lasts_at(&lending, 20, OWNER_REASON_HOURS, true);
    assert_int_equal(lending_away_ms(&lending), UINT64_MAX);
    lasts_at(&lending, IDLE_MS, OWNER_REASON_HOURS, false);
    assert_int_equal(lending_away_ms(&lending), START_MS + IDLE_MS + RESUME_MS);
    lasts_at(&lending, IDLE_MS, OWNER_REASON_CLOSING, true);
    assert_int_equal(lending_away_ms(&lending), UINT64_MAX);
}

static void before_closing_nothing_is_begun_and_what_runs_goes_on(void **state)
{
    struct lending lending = left_alone();

    (void)state;
    assert_true(lasts_at(&lending, 0, OWNER_REASON_CLOSING, true));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_CLOSING, NEVER);
    assert_true(lasts_at(&lending, 5, OWNER_REASON_CLOSING, false));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

/* ---- notice ---- */

enum { NOTICE_MS = 30000 };

static struct lending with_notice(void)
{
    struct lending_options noticing = options;
    struct lending lending;

    noticing.notice_ms = NOTICE_MS;
    lending_init(&lending, &noticing, START_MS);
    assert_true(at(&lending, IDLE_MS - 1));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_USED, IDLE_MS);
    assert_int_equal(lending_away_ms(&lending), START_MS + IDLE_MS + NOTICE_MS);
    return lending;
}

static bool resumed_at(struct lending *lending, uint64_t ms)
{
    return lending_step(lending,
                        &(struct lending_event){.kind = LENDING_RESUMED, .now_ms = START_MS + ms});
}

static void notice_is_given_before_it_is_lent(void **state)
{
    struct lending lending = with_notice();

    (void)state;
    assert_true(at(&lending, IDLE_MS));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_NOTICE, IDLE_MS + NOTICE_MS);
    assert_false(at(&lending, IDLE_MS + NOTICE_MS - 1));
    assert_true(at(&lending, IDLE_MS + NOTICE_MS));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void who_objects_to_the_notice_is_there(void **state)
{
    struct lending lending = with_notice();

    (void)state;
    assert_true(used_at(&lending, IDLE_MS + 1));
    assert_view(&lending, OWNER_PRESENT, OWNER_REASON_USED, IDLE_MS + 1 + RESUME_MS);
    assert_int_equal(lending_away_ms(&lending), START_MS + 2 * IDLE_MS + 1 + NOTICE_MS);
}

static void a_pause_that_ends_by_itself_is_followed_by_notice(void **state)
{
    struct lending lending = with_notice();
    uint64_t end_ms = 2 * IDLE_MS;

    (void)state;
    assert_true(lasts_at(&lending, IDLE_MS, OWNER_REASON_PAUSED, true));
    assert_true(lasts_at(&lending, end_ms, OWNER_REASON_PAUSED, false));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_NOTICE, (int64_t)end_ms + NOTICE_MS);
    /* What never held ends without any. */
    assert_false(lasts_at(&lending, end_ms + 1, OWNER_REASON_PAUSED, false));
    assert_true(at(&lending, end_ms + NOTICE_MS));
    assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
}

static void what_else_ends_is_followed_by_notice_too(void **state)
{
    struct lending lending = with_notice();
    uint64_t end_ms = 2 * IDLE_MS;

    (void)state;
    assert_true(lasts_at(&lending, IDLE_MS, OWNER_REASON_HOURS, true));
    assert_false(lasts_at(&lending, end_ms, OWNER_REASON_HOURS, false) &&
                 lending.view.presence == OWNER_AWAY);
    assert_true(at(&lending, end_ms + RESUME_MS));
    assert_view(&lending, OWNER_NEAR, OWNER_REASON_NOTICE, (int64_t)end_ms + RESUME_MS + NOTICE_MS);
}

static void who_says_himself_that_it_is_lent_needs_no_notice(void **state)
{
    static const enum owner_reason words[] = {OWNER_REASON_PAUSED, OWNER_REASON_NEVER};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        struct lending lending = with_notice();

        assert_true(lasts_at(&lending, IDLE_MS, words[i], true));
        assert_true(resumed_at(&lending, 2 * IDLE_MS));
        assert_view(&lending, OWNER_AWAY, OWNER_REASON_NONE, NEVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_beginning_it_counts_as_used),
        cmocka_unit_test(one_that_the_pool_has_started_is_lent_at_once_unless_it_was_used_since),
        cmocka_unit_test(one_that_nobody_watches_is_lent_at_once),
        cmocka_unit_test(a_use_makes_him_present_and_each_further_one_longer),
        cmocka_unit_test(a_use_that_was_long_ago_changes_nothing),
        cmocka_unit_test(a_use_that_is_to_come_counts_as_now),
        cmocka_unit_test(what_lasts_keeps_the_pool_away_and_a_pause_longer),
        cmocka_unit_test(what_never_held_leaves_no_pause),
        cmocka_unit_test(of_several_reasons_the_first_is_told),
        cmocka_unit_test(no_pause_follows_his_own_word),
        cmocka_unit_test(when_he_will_be_away_is_known_unless_something_lasts),
        cmocka_unit_test(before_closing_nothing_is_begun_and_what_runs_goes_on),
        cmocka_unit_test(notice_is_given_before_it_is_lent),
        cmocka_unit_test(who_objects_to_the_notice_is_there),
        cmocka_unit_test(a_pause_that_ends_by_itself_is_followed_by_notice),
        cmocka_unit_test(what_else_ends_is_followed_by_notice_too),
        cmocka_unit_test(who_says_himself_that_it_is_lent_needs_no_notice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
