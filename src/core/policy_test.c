/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy as it is looked at: each state's ways, what the ready-made ones do in a day, and what
 * is said of texts that cannot be one. Time is the test's own.
 */
#include "base/test.h"
#include "core/policy.h"

#include "base/buffer.h"

#include <errno.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, WALL = 1790000000 };

struct fixture {
    struct policy *policy;
    struct policy_sight sight;
    struct policy_view view;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.sight = {.now_ms = 7 * MINUTE, .load = -1}};
    fixture.sight.keyboard_ms = fixture.sight.console_ms = fixture.sight.now_ms;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    policy_free(fixture->policy);
    error_clear(&fixture->err);
    return 0;
}

static int make(struct fixture *fixture, const char *name,
                const struct policy_definition *definitions, size_t count)
{
    fixture->policy = policy_free(fixture->policy);
    error_clear(&fixture->err);
    return policy_new(name, definitions, count, &fixture->policy, &fixture->err);
}

#define MAKE(fixture, name, ...)                                                                   \
    make(fixture, name, (const struct policy_definition[]){__VA_ARGS__},                           \
         sizeof((const struct policy_definition[]){__VA_ARGS__}) /                                 \
             sizeof(struct policy_definition))

static void look(struct fixture *fixture)
{
    fixture->sight.wall_seconds = WALL + (int64_t)(fixture->sight.now_ms / SECOND);
    fixture->view = policy_look(fixture->policy, &fixture->sight);
}

/* Looks each five seconds for so long. */
static void pass(struct fixture *fixture, uint64_t ms)
{
    uint64_t end_ms = fixture->sight.now_ms + ms;

    while (fixture->sight.now_ms < end_ms) {
        fixture->sight.now_ms += 5 * SECOND;
        look(fixture);
    }
}

static void press(struct fixture *fixture)
{
    fixture->sight.keyboard_ms = fixture->sight.now_ms;
    look(fixture);
}

static void work(struct fixture *fixture, bool has_work)
{
    fixture->sight.has_work = has_work;
    look(fixture);
}

#define assert_state(fixture, expected)                                                            \
    assert_string_equal(policy_state_name((fixture)->view.state), expected)

/* ---- the ready-made ones ---- */

static void a_day_of_the_desktop_policy(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, "desktop", {"MaxVacateTime", "$(MINUTE)"}), 0);
    fixture->sight.load = 0;
    look(fixture);
    assert_state(fixture, "owner");
    pass(fixture, 15 * MINUTE);
    assert_state(fixture, "owner");
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "unclaimed");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    work(fixture, true);
    fixture->sight.load = fixture->sight.tasks_load = 1;
    pass(fixture, 60 * MINUTE);
    assert_state(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    press(fixture);
    assert_state(fixture, "suspended");
    assert_int_equal(fixture->view.presence, OWNER_PRESENT);
    pass(fixture, 5 * MINUTE);
    assert_state(fixture, "suspended");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
    press(fixture);
    for (int i = 0; i < 9; i++) {
        pass(fixture, MINUTE);
        press(fixture);
    }
    pass(fixture, MINUTE);
    assert_state(fixture, "suspended");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "vacating");
    assert_int_equal(fixture->view.presence, OWNER_PRESENT);
    pass(fixture, MINUTE - 5 * SECOND);
    assert_state(fixture, "vacating");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "killing");
    assert_int_equal(fixture->view.presence, OWNER_PRESENT);
    pass(fixture, 60 * MINUTE);
    assert_state(fixture, "killing");
    press(fixture);
    work(fixture, false);
    assert_state(fixture, "owner");
}

static void the_other_name_of_it_means_the_same(void **state)
{
    static const char *const names[] = {"START",        "SUSPEND", "CONTINUE",   "PREEMPT",
                                        "WANT_SUSPEND", "KILL",    "WANT_VACATE"};
    struct fixture *fixture = *state;
    struct policy *other = NULL;

    assert_int_equal(make(fixture, "DESKTOP", NULL, 0), 0);
    assert_int_equal(policy_new("UWCS_Desktop", NULL, 0, &other, NULL), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        assert_string_equal(policy_expression(fixture->policy, names[i]),
                            policy_expression(other, names[i]));
    assert_null(policy_expression(other, "PERIODIC_CHECKPOINT"));
    policy_free(other);
}

static void what_others_compute_suspends_after_two_minutes(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(make(fixture, "DESKTOP", NULL, 0), 0);
    fixture->sight.load = 0;
    pass(fixture, 16 * MINUTE);
    work(fixture, true);
    fixture->sight.load = 1.4;
    fixture->sight.tasks_load = 1;
    pass(fixture, 10 * MINUTE);
    assert_state(fixture, "busy");
    fixture->sight.load = 1.6;
    pass(fixture, 2 * MINUTE + 5 * SECOND);
    assert_state(fixture, "busy");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "suspended");
    fixture->sight.load = 0.3;
    fixture->sight.tasks_load = 0;
    pass(fixture, 15 * SECOND);
    assert_state(fixture, "busy");
    fixture->sight.load = 0.6;
    pass(fixture, MINUTE);
    fixture->sight.load = 0;
    pass(fixture, 5 * SECOND);
    fixture->sight.load = 0.6;
    pass(fixture, 2 * MINUTE);
    assert_state(fixture, "busy");
}

/* So nothing is begun beside others' programs, and what is there does not stop for them at once. */
static void a_busy_computer_is_not_lent(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(make(fixture, "DESKTOP", NULL, 0), 0);
    fixture->sight.load = 0.4;
    pass(fixture, 20 * MINUTE);
    assert_state(fixture, "owner");
    fixture->sight.load = 0.3;
    look(fixture);
    assert_state(fixture, "unclaimed");
}

static void the_policy_without_preemption_asks_nobody(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(make(fixture, NULL, NULL, 0), 0);
    press(fixture);
    assert_state(fixture, "unclaimed");
    work(fixture, true);
    press(fixture);
    assert_state(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    assert_int_equal(policy_check_name("always_run_jobs", NULL), 0);
}

/* ---- each way ---- */

/* One with a switch for each expression, which are attributes of the node. */
static void make_switches(struct fixture *fixture)
{
    assert_int_equal(MAKE(fixture, NULL, {"START", "Start_"}, {"IS_OWNER", "START == false"},
                          {"WANT_SUSPEND", "Want_Suspend_"}, {"SUSPEND", "Suspend_"},
                          {"CONTINUE", "Continue_"}, {"PREEMPT", "Preempt_"},
                          {"WANT_VACATE", "Want_Vacate_"}, {"KILL", "Kill_"}),
                     0);
}

static void look_with(struct fixture *fixture, const char *lines)
{
    fixture->sight.node = slice_from_text(lines);
    look(fixture);
}

#define SUSPENDS "Want_Suspend_ = true\nSuspend_ = true\n"

static void reach(struct fixture *fixture, const char *name)
{
    make_switches(fixture);
    fixture->sight.has_work = strcmp(name, "owner") != 0 && strcmp(name, "unclaimed") != 0;
    look_with(fixture, strcmp(name, "owner") == 0 ? "Start_ = false" : "");
    if (strcmp(name, "suspended") == 0)
        look_with(fixture, SUSPENDS);
    if (strcmp(name, "vacating") == 0)
        look_with(fixture, "Preempt_ = true\n");
    if (strcmp(name, "killing") == 0)
        look_with(fixture, "Preempt_ = true\nWant_Vacate_ = false\n");
    assert_state(fixture, name);
}

/* The lines of doc/specification/policy.md, each cell of which is tried out. */
static const char *const table[] = {
    "| what is so | owner | unclaimed | busy | suspended | vacating | killing |",
    "|---|---|---|---|---|---|---|",
    "| START is false | - | owner | - | - | - | - |",
    "| START is true | unclaimed | - | - | - | - | - |",
    "| SUSPEND | unclaimed | - | - | - | - | - |",
    "| WANT_SUSPEND and SUSPEND | unclaimed | - | suspended | - | - | - |",
    "| CONTINUE | unclaimed | - | - | busy | - | - |",
    "| PREEMPT | unclaimed | - | vacating | vacating | - | - |",
    "| PREEMPT and WANT_SUSPEND | unclaimed | - | - | vacating | - | - |",
    "| PREEMPT and not WANT_VACATE | unclaimed | - | killing | killing | - | - |",
    "| KILL | unclaimed | - | - | - | killing | - |",
    "| something lasts, CONTINUE | - | owner | suspended | - | - | - |",
    "| closing, CONTINUE | - | owner | - | busy | - | - |",
    "| work comes | busy | busy | - | - | - | - |",
    "| work goes | unclaimed | - | unclaimed | unclaimed | unclaimed | unclaimed |",
};

static const struct {
    const char *lines;
    enum owner_presence kept;
    bool comes, goes;
} conditions[] = {
    {.lines = "Start_ = false\n"},
    {.lines = "Start_ = true\n"},
    {.lines = "Suspend_ = true\n"},
    {.lines = SUSPENDS},
    {.lines = "Continue_ = true\n"},
    {.lines = "Preempt_ = true\n"},
    {.lines = "Preempt_ = true\nWant_Suspend_ = true\n"},
    {.lines = "Preempt_ = true\nWant_Vacate_ = false\n"},
    {.lines = "Kill_ = true\n"},
    {.lines = "Continue_ = true\n", .kept = OWNER_PRESENT},
    {.lines = "Continue_ = true\n", .kept = OWNER_NEAR},
    {.lines = "", .comes = true},
    {.lines = "", .goes = true},
};

static const char *what_follows(struct fixture *fixture, size_t condition, const char *from)
{
    reach(fixture, from);
    fixture->sight.kept = conditions[condition].kept;
    if (conditions[condition].comes || conditions[condition].goes)
        fixture->sight.has_work = conditions[condition].comes;
    look_with(fixture, conditions[condition].lines);
    fixture->sight.kept = OWNER_AWAY;
    return strcmp(policy_state_name(fixture->view.state), from) == 0
               ? "-"
               : policy_state_name(fixture->view.state);
}

static void everything_in_every_state_does_what_the_page_says(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ARRAY_LENGTH(table), ARRAY_LENGTH(conditions) + 2);
    for (size_t i = 0; i < ARRAY_LENGTH(conditions); i++) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;

        buffer_append(&line, table[i + 2], strcspn(table[i + 2] + 1, "|") + 2);
        for (enum policy_state from = 0; from < POLICY_STATE_COUNT; from++)
            buffer_appendf(&line, " %s |", what_follows(fixture, i, policy_state_name(from)));
        assert_string_equal(line.data, table[i + 2]);
    }
}

static void beside_work_more_is_begun_unless_start_is_false(void **state)
{
    struct fixture *fixture = *state;

    reach(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    look_with(fixture, "Start_ = false");
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
    fixture->sight.kept = OWNER_NEAR;
    look_with(fixture, "Start_ = true");
    assert_state(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
}

static void what_it_was_pledged_at_its_beginning_is_what_work_has_to_leave(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"PREEMPT", "Go"}, {"MachineMaxVacateTime", "Time"}), 0);
    fixture->sight.node = slice_from_text("Time = 20\nGo = false\n");
    work(fixture, true);
    look_with(fixture, "Time = 500\nGo = true\n");
    pass(fixture, 15 * SECOND);
    assert_state(fixture, "vacating");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "killing");
    work(fixture, false);
    fixture->sight.node = slice_from_text("Go = true\n");
    work(fixture, true);
    assert_state(fixture, "vacating");
    look(fixture);
    assert_state(fixture, "killing");
}

static void a_computer_that_the_pool_has_woken_is_lent_at_once(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, "desktop", {"MaxVacateTime", "$(MINUTE)"}), 0);
    fixture->sight.load = 0;
    fixture->sight.is_woken = true;
    look(fixture);
    assert_state(fixture, "unclaimed");
    fixture->sight.is_woken = false;
    press(fixture);
    assert_state(fixture, "owner");
}

/* HTCondor counts a state through its activities, a job from its start. */
static void times_are_those_of_htcondor(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        MAKE(fixture, NULL, {"WANT_SUSPEND", "true"}, {"SUSPEND", "Now"}, {"CONTINUE", "false"},
             {"PREEMPT", "$(StateTimer) == 60 && $(ActivityTimer) == 40 && "
                         "$(ActivationTimer) == 60 && TotalJobRunTime == 60 && "
                         "ConsoleIdle == 10 && CurrentTime == time() && TARGET.JobUniverse == 5"}),
        0);
    work(fixture, true);
    pass(fixture, 20 * SECOND);
    look_with(fixture, "Now = true");
    pass(fixture, 30 * SECOND);
    fixture->sight.console_ms = fixture->sight.now_ms;
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "suspended");
    pass(fixture, 5 * SECOND);
    assert_state(fixture, "vacating");
}

static void the_clock_on_the_wall_may_leap(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"PREEMPT", "$(ActivityTimer) >= 20"}), 0);
    work(fixture, true);
    pass(fixture, 15 * SECOND);
    fixture->sight.wall_seconds += 86400;
    fixture->view = policy_look(fixture->policy, &fixture->sight);
    assert_state(fixture, "busy");
    fixture->sight.wall_seconds -= 2 * 86400;
    fixture->sight.now_ms += 5 * SECOND;
    fixture->view = policy_look(fixture->policy, &fixture->sight);
    assert_state(fixture, "vacating");
}

/* Keys, loads and time at random: what was suspended computes only if CONTINUE says so. */
static void nothing_that_was_suspended_goes_on_without_continue(void **state)
{
    struct fixture *fixture = *state;
    uint32_t seed = 1;

    assert_int_equal(make(fixture, "DESKTOP", NULL, 0), 0);
    for (int i = 0; i < 20000; i++) {
        enum policy_state before = fixture->view.state;
        const struct policy_sight *sight = &fixture->sight;

        seed = seed * 1664525 + 1013904223;
        fixture->sight.now_ms += (seed >> 8) % 60 * SECOND;
        fixture->sight.load = (seed >> 14) % 4 * 0.25;
        if (before < POLICY_BUSY || (seed >> 16) % 64 == 0)
            fixture->sight.has_work = (seed >> 17) % 2 == 0;
        if ((seed >> 20) % 16 == 0)
            fixture->sight.keyboard_ms = fixture->sight.now_ms;
        look(fixture);
        if (before < POLICY_SUSPENDED || !sight->has_work ||
            fixture->view.presence == OWNER_PRESENT)
            continue;
        assert_int_equal(before, POLICY_SUSPENDED);
        assert_true(sight->load <= 0.3);
        assert_true(sight->now_ms - sight->keyboard_ms > 5 * MINUTE);
    }
}

/* ---- what START asks of jobs ---- */

static void what_start_asks_of_jobs_is_told_and_the_rest_is_judged(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        MAKE(fixture, NULL, {"START", "TARGET.Owner =?= \"anna\" || KeyboardIdle > $(MINUTE)"}), 0);
    press(fixture);
    assert_state(fixture, "unclaimed");
    assert_string_equal(fixture->view.start, "TARGET.Owner =?= \"anna\"");
    work(fixture, true);
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    pass(fixture, MINUTE + 5 * SECOND);
    assert_string_equal(fixture->view.start, "true");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    assert_int_equal(
        MAKE(fixture, NULL, {"START", "TARGET.Owner =?= \"anna\" && KeyboardIdle > $(MINUTE)"}), 0);
    press(fixture);
    assert_string_equal(fixture->view.start, "false");
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
    pass(fixture, MINUTE + 5 * SECOND);
    assert_string_equal(fixture->view.start, "TARGET.Owner =?= \"anna\"");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    work(fixture, false);
    press(fixture);
    assert_state(fixture, "owner");
}

static void a_start_that_looks_at_the_computer_alone_asks_nothing_of_jobs(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"START", "JobStart =?= undefined && LoadAvg < 1"}), 0);
    look(fixture);
    assert_state(fixture, "unclaimed");
    assert_null(fixture->view.start);
    work(fixture, true);
    assert_int_equal(fixture->view.presence, OWNER_NEAR);
    assert_null(fixture->view.start);
}

static void a_start_that_is_too_long_to_be_told_is_right_for_no_job(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer start = BUFFER_INIT;

    buffer_append_text(&start, "TARGET.Owner == \"");
    for (size_t i = 0; i < POLICY_ASKED_SIZE_MAX; i++)
        buffer_append_character(&start, 'x');
    buffer_append_text(&start, "\"");
    assert_int_equal(MAKE(fixture, NULL, {"START", buffer_text(&start)}), 0);
    look(fixture);
    assert_state(fixture, "unclaimed");
    assert_string_equal(fixture->view.start, "error");
}

static void how_gladly_jobs_are_taken_is_told(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"RANK", "(TARGET.Owner == \"anna\" && true) * Rack"}), 0);
    look_with(fixture, "Rack = 7");
    assert_string_equal(fixture->view.rank, "(TARGET.Owner == \"anna\" && true) * 7");
    assert_null(fixture->view.start);
    assert_int_equal(MAKE(fixture, NULL, {"RANK", "KeyboardIdle"}), 0);
    look(fixture);
    assert_null(fixture->view.rank);
}

/* ---- what the others see of jobs ---- */

/* Work of these jobs, a line each, but for NULL. */
static void work_of(struct fixture *fixture, const char *first, const char *second)
{
    const struct slice jobs[] = {slice_from_text(first ? first : ""),
                                 slice_from_text(second ? second : "")};

    fixture->sight.jobs = jobs;
    fixture->sight.job_count = second ? 2 : first ? 1 : 0;
    work(fixture, true);
    fixture->sight.jobs = NULL;
    fixture->sight.job_count = 0;
}

static void a_job_may_be_spared_for_what_it_says_of_itself(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"WANT_SUSPEND", "true"},
                          {"SUSPEND", "KeyboardIdle < 60 && Patient =!= false && JobUniverse == 5"},
                          {"CONTINUE", "TARGET.Wake > 3"}),
                     0);
    look(fixture);
    work_of(fixture, "Patient = false", NULL);
    assert_state(fixture, "busy");
    work_of(fixture, "Patient = true\nWake = 4\nJobUniverse = 7", NULL);
    assert_state(fixture, "suspended");
    work_of(fixture, "Wake = 3", NULL);
    assert_state(fixture, "suspended");
    work_of(fixture, "Wake = 4", NULL);
    assert_state(fixture, "busy");
}

static void of_several_jobs_the_one_counts_that_gives_way_the_most(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"WANT_SUSPEND", "!TARGET.Leaves"},
                          {"SUSPEND", "TARGET.Stops"}, {"CONTINUE", "!TARGET.Stops"},
                          {"PREEMPT", "TARGET.Leaves"}, {"WANT_VACATE", "!TARGET.Rude"},
                          {"KILL", "TARGET.Late"}, {"MachineMaxVacateTime", "TARGET.Time"}),
                     0);
    look(fixture);
    work_of(fixture, "Leaves = false\nTime = 7", "Leaves = false");
    assert_state(fixture, "busy");
    work_of(fixture, "Leaves = false\nStops = true", "Leaves = false\nStops = false");
    assert_state(fixture, "suspended");
    work_of(fixture, "Leaves = false\nStops = false", "Leaves = false\nStops = true");
    assert_state(fixture, "suspended");
    work_of(fixture, "Stops = false", "Stops = false");
    assert_state(fixture, "busy");
    work_of(fixture, "Leaves = false\nStops = true", "Leaves = true");
    assert_state(fixture, "vacating");
    /* Of which nobody said how long it may take: no time at all. */
    work_of(fixture, "Late = false", "Late = false");
    assert_state(fixture, "killing");
    work(fixture, false);
    work(fixture, false);
    work_of(fixture, "Leaves = true\nTime = 5", "Leaves = true\nTime = 7");
    assert_state(fixture, "vacating");
    fixture->sight.now_ms += 4 * SECOND;
    work_of(fixture, "Leaves = true", NULL);
    assert_state(fixture, "vacating");
    fixture->sight.now_ms += SECOND;
    work_of(fixture, "Leaves = true", NULL);
    assert_state(fixture, "killing");
    work(fixture, false);
    work_of(fixture, "Leaves = true\nTime = 60\nRude = true", NULL);
    assert_state(fixture, "killing");
    work(fixture, false);
    work_of(fixture, "Leaves = true\nTime = 60", NULL);
    assert_state(fixture, "vacating");
    work_of(fixture, "Late = false", "Late = true");
    assert_state(fixture, "killing");
}

static void which_attributes_of_jobs_are_looked_at_is_told(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, NULL, {"START", "TARGET.Owner == \"anna\""},
                          {"RANK", "TARGET.Pages"},
                          {"WANT_SUSPEND", "TARGET.JobUniverse == 5 && Patient"},
                          {"SUSPEND", "KeyboardIdle < Wait && MY.Nothing =!= 1 && 'a b' != time()"},
                          {"PREEMPT", "patient || START =?= false || TARGET.Wait > CurrentTime"}),
                     0);
    look(fixture);
    assert_string_equal(fixture->view.names, "Patient Wait Owner");
    look_with(fixture, "Patient = true");
    assert_string_equal(fixture->view.names, "Wait Owner");
    assert_int_equal(MAKE(fixture, NULL, {"SUSPEND", "KeyboardIdle < 60"}), 0);
    look(fixture);
    assert_null(fixture->view.names);
}

static void more_names_than_can_be_told_are_undefined(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    for (unsigned i = 0; i <= POLICY_NAMES_MAX; i++)
        buffer_appendf(&text, "%sA%u", i > 0 ? " || " : "", i);
    assert_int_equal(MAKE(fixture, NULL, {"SUSPEND", buffer_text(&text)}), 0);
    look(fixture);
    assert_non_null(strstr(fixture->view.names, "A15"));
    assert_null(strstr(fixture->view.names, "A16"));
}

/* Without work nobody knows it, and the computer is lent. */
static void what_start_says_of_the_job_that_is_here_may_be_asked(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        MAKE(fixture, NULL, {"START", "TARGET.Owner =?= \"anna\""}, {"PREEMPT", "!START"}), 0);
    look(fixture);
    assert_state(fixture, "unclaimed");
    work_of(fixture, "Owner = \"anna\"", NULL);
    assert_state(fixture, "busy");
    assert_int_equal(fixture->view.presence, OWNER_AWAY);
    work_of(fixture, "Owner = \"ben\"", NULL);
    assert_state(fixture, "vacating");
}

/* ---- texts ---- */

static void own_definitions_stand_above_the_ready_made(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(MAKE(fixture, "DESKTOP", {"startidletime", "2 * $(MINUTE)"},
                          {"Start", "($(START)) && $(Extra)"}, {"Extra", "Rack == 7"}),
                     0);
    assert_non_null(strstr(policy_expression(fixture->policy, "START"), "KeyboardIdle > 2 * 60"));
    assert_non_null(strstr(policy_expression(fixture->policy, "start"), "&& Rack == 7"));
}

#define assert_refused(fixture, expected)                                                          \
    do {                                                                                           \
        assert_null((fixture)->policy);                                                            \
        assert_string_equal(error_text(&(fixture)->err), expected);                                \
    } while (0)

static void what_cannot_be_a_policy_is_refused_with_its_place(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(make(fixture, "LAPTOP", NULL, 0), -EINVAL);
    assert_refused(fixture, "there is no policy 'LAPTOP'");
    assert_string_equal(fixture->err.hint, "there are DESKTOP, UWCS_DESKTOP and ALWAYS_RUN");
    assert_int_equal(MAKE(fixture, NULL, {"START", "KeyboardIdle >"}), -EINVAL);
    assert_refused(fixture, "START, at character 15 of 'KeyboardIdle >': the expression "
                            "breaks off here");
    assert_int_equal(MAKE(fixture, NULL, {"START", "$(Mintue) > 1"}), -EINVAL);
    assert_refused(fixture, "START:1:1: macro 'Mintue' is not defined\n$(Mintue) > 1\n^");
    assert_int_equal(MAKE(fixture, NULL, {"START", "$(x"}), -EINVAL);
    assert_refused(fixture, "START:1:2: this parenthesis is never closed\n$(x\n ^");
    assert_int_equal(MAKE(fixture, NULL, {"SUSPNED", "true"}), -EINVAL);
    assert_refused(fixture, "nothing uses 'SUSPNED'");
    assert_string_equal(fixture->err.hint, "did you mean 'SUSPEND'?");
    assert_int_equal(MAKE(fixture, NULL, {"PERIODIC_CHECKPOINT", "true"}), -EINVAL);
    assert_refused(fixture, "nothing uses 'PERIODIC_CHECKPOINT'");
    assert_int_equal(MAKE(fixture, NULL, {"two words", "true"}), -EINVAL);
    assert_refused(fixture, "'two words' is no name of an expression or a macro");
}

#define policy_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        policy_test(a_day_of_the_desktop_policy),
        policy_test(a_computer_that_the_pool_has_woken_is_lent_at_once),
        policy_test(the_other_name_of_it_means_the_same),
        policy_test(what_others_compute_suspends_after_two_minutes),
        policy_test(a_busy_computer_is_not_lent),
        policy_test(the_policy_without_preemption_asks_nobody),
        policy_test(everything_in_every_state_does_what_the_page_says),
        policy_test(beside_work_more_is_begun_unless_start_is_false),
        policy_test(what_it_was_pledged_at_its_beginning_is_what_work_has_to_leave),
        policy_test(times_are_those_of_htcondor),
        policy_test(the_clock_on_the_wall_may_leap),
        policy_test(nothing_that_was_suspended_goes_on_without_continue),
        policy_test(what_start_asks_of_jobs_is_told_and_the_rest_is_judged),
        policy_test(a_start_that_looks_at_the_computer_alone_asks_nothing_of_jobs),
        policy_test(a_start_that_is_too_long_to_be_told_is_right_for_no_job),
        policy_test(how_gladly_jobs_are_taken_is_told),
        policy_test(a_job_may_be_spared_for_what_it_says_of_itself),
        policy_test(of_several_jobs_the_one_counts_that_gives_way_the_most),
        policy_test(which_attributes_of_jobs_are_looked_at_is_told),
        policy_test(more_names_than_can_be_told_are_undefined),
        policy_test(what_start_says_of_the_job_that_is_here_may_be_asked),
        policy_test(own_definitions_stand_above_the_ready_made),
        policy_test(what_cannot_be_a_policy_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
