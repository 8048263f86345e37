/* SPDX-License-Identifier: Apache-2.0 */
/* Whose load counts, and for how long it must last. */
#include "presence_fixture.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* In each look so many ticks more, which is work for many processors however long a look takes. */
enum { MUCH = 1000000, US_PER_TICK = 10000, A_WHILE_MS = 1, A_DAY_MS = 86400000 };

/* It moves on whenever it is looked at. */
static struct world {
    struct fixture *fixture;
    unsigned int ticks, ticks_a_look;
    uint64_t own_us, own_us_a_look;
    unsigned int looks;
    const char *const *trace; /* how long was waited for disks until each look; NULL: always so */
    char held[32];            /* a letter a look of it: whether that was pressure */
    bool is_computing;
} world;

static void replace(const struct fixture *fixture, const char *path, const char *text)
{
    unlink(fixture_path(fixture, path));
    fixture_write(fixture, path, text);
}

static void set_busy(const struct fixture *fixture, unsigned int ticks)
{
    char text[256];

    fixture_make_folder(fixture, "proc");
    snprintf(text, sizeof(text),
             "cpu  %u 0 0 7777777777 88 0 0 999999999 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n",
             ticks);
    replace(fixture, "proc/stat", text);
}

/* The figures of /proc/pressure/memory or /proc/pressure/io. */
static void set_waits(const struct fixture *fixture, const char *resource, const char *some)
{
    char path[64], text[256];

    fixture_make_folder(fixture, "proc/pressure");
    snprintf(path, sizeof(path), "proc/pressure/%s", resource);
    snprintf(text, sizeof(text),
             "some avg10=%s avg60=1.00 avg300=1.00 total=1\n"
             "full avg10=0.00 avg60=1.00 avg300=1.00 total=1\n",
             some);
    replace(fixture, path, text);
}

/* What came of the look before is written down when the next one begins. */
static void replay(void)
{
    size_t length = strlen(world.held);

    if (!world.trace)
        return;
    world.held[length] = world.fixture->holds[OWNER_REASON_PRESSURE] ? 'p' : '-';
    if (*world.trace)
        set_waits(world.fixture, "io", *world.trace++);
    else
        world.trace = NULL;
}

static bool is_computing(void *userdata)
{
    assert_ptr_equal(userdata, &world);
    return world.is_computing;
}

static uint64_t move_on(void *userdata)
{
    assert_ptr_equal(userdata, &world);
    world.looks++;
    replay();
    world.ticks += world.ticks_a_look;
    world.own_us += world.own_us_a_look;
    set_busy(world.fixture, world.ticks);
    return world.own_us;
}

static void set_memory(const struct fixture *fixture, const char *full, unsigned int available)
{
    char text[256];

    fixture_make_folder(fixture, "proc/pressure");
    snprintf(text, sizeof(text),
             "some avg10=99.00 avg60=1.00 avg300=1.00 total=1\n"
             "full avg10=%s avg60=1.00 avg300=1.00 total=1\n",
             full);
    replace(fixture, "proc/pressure/memory", text);
    snprintf(text, sizeof(text),
             "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   %u kB\n", available);
    replace(fixture, "proc/meminfo", text);
}

static void begin(struct fixture *fixture, double max_load, uint64_t load_for_ms)
{
    world = (struct world){.fixture = fixture};
    fixture->options.max_load = max_load;
    fixture->options.load_for_ms = load_for_ms;
    fixture->options.own_cpu_us = move_on;
    fixture->options.is_computing = is_computing;
    fixture->options.own_userdata = &world;
    set_busy(fixture, 0);
    fixture_begin(fixture, "load");
    assert_true(fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_LOAD]);
}

/* After some looks. */
static bool is_loaded(struct fixture *fixture)
{
    unsigned int looks = world.looks;

    fixture_pass_time(fixture);
    assert_true(world.looks > looks);
    return fixture->holds[OWNER_REASON_LOAD];
}

static void what_others_compute_is_load_as_long_as_they_do(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 0.5, A_WHILE_MS);
    assert_false(is_loaded(fixture));
    world.ticks_a_look = MUCH;
    assert_true(is_loaded(fixture));
    assert_true(is_loaded(fixture));
    world.ticks_a_look = 0;
    assert_false(is_loaded(fixture));
    assert_int_equal(fixture->uses, 0);
}

static void what_the_tasks_compute_is_none(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 0.5, A_WHILE_MS);
    world.ticks_a_look = MUCH;
    world.own_us_a_look = (uint64_t)MUCH * US_PER_TICK;
    assert_false(is_loaded(fixture));
    /* As it looks when their clock ticks before the other one does. */
    world.own_us_a_look *= 2;
    assert_false(is_loaded(fixture));
    world.own_us_a_look = (uint64_t)MUCH / 2 * US_PER_TICK;
    assert_true(is_loaded(fixture));
}

static void what_does_not_last_is_none(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 0.5, A_DAY_MS);
    world.ticks_a_look = MUCH;
    assert_false(is_loaded(fixture));
}

static void without_a_limit_others_may_compute(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 0, A_WHILE_MS);
    world.ticks_a_look = MUCH;
    assert_false(is_loaded(fixture));
}

static void a_computer_that_thrashes_is_loaded(void **state)
{
    struct fixture *fixture = *state;

    set_memory(fixture, "9.99", 500000);
    begin(fixture, 0, A_WHILE_MS);
    assert_false(is_loaded(fixture));
    set_memory(fixture, "10.01", 500000);
    assert_true(is_loaded(fixture));
    set_memory(fixture, "7.00", 500000);
    assert_true(is_loaded(fixture));
    set_memory(fixture, "6.99", 500000);
    assert_false(is_loaded(fixture));
}

static void a_task_that_presses_against_its_own_limit_is_no_load(void **state)
{
    struct fixture *fixture = *state;

    set_memory(fixture, "80.00", 8000000);
    begin(fixture, 0, A_WHILE_MS);
    assert_false(is_loaded(fixture));
    set_memory(fixture, "80.00", 1599999);
    assert_true(is_loaded(fixture));
}

static void without_the_figures_of_the_kernel_nobody_knows(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 1, A_WHILE_MS);
    world.ticks_a_look = MUCH;
    assert_true(is_loaded(fixture));
    fixture->options.own_cpu_us = NULL;
    replace(fixture, "proc/stat", "no figures\n");
    fixture->presence = presence_free(fixture->presence);
    fixture_begin(fixture, "load");
    assert_false(fixture_view(fixture).works);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

/* ---- pressure ---- */

static void begin_pressure(struct fixture *fixture, double max_pressure, uint64_t load_for_ms)
{
    set_waits(fixture, "memory", "0.00");
    set_waits(fixture, "io", "0.00");
    fixture->options.max_pressure = max_pressure;
    begin(fixture, 0, load_for_ms);
    assert_false(fixture->holds[OWNER_REASON_PRESSURE]);
}

/* After some looks. */
static bool is_pressed(struct fixture *fixture)
{
    (void)is_loaded(fixture);
    return fixture->holds[OWNER_REASON_PRESSURE];
}

static void set_group(const struct fixture *fixture, const char *group, const char *some)
{
    char path[128], text[256];

    fixture_make_folder(fixture, group);
    snprintf(path, sizeof(path), "%s/io.pressure", group);
    snprintf(text, sizeof(text), "some avg10=%s avg60=1 total=1\nfull avg10=0.00\n", some);
    replace(fixture, path, text);
}

static void what_others_wait_for_is_pressure_as_long_as_they_do(void **state)
{
    struct fixture *fixture = *state;

    begin_pressure(fixture, 40, A_WHILE_MS);
    assert_false(is_pressed(fixture));
    set_waits(fixture, "memory", "40.01");
    assert_true(is_pressed(fixture));
    set_waits(fixture, "memory", "0.00");
    assert_false(is_pressed(fixture));
    set_waits(fixture, "io", "99.50");
    assert_true(is_pressed(fixture));
    assert_false(fixture->held[OWNER_REASON_LOAD]);
    assert_int_equal(fixture->uses, 0);
}

static void assert_replay(struct fixture *fixture, double max_pressure, const char *const *trace,
                          const char *held)
{
    begin_pressure(fixture, max_pressure, A_WHILE_MS);
    world.trace = trace;
    while (world.trace)
        fixture_pass_time(fixture);
    /* The first letter is from before the trace. */
    assert_string_equal(world.held, held);
}

static void between_the_two_limits_nothing_changes(void **state)
{
    static const char *const trace[] = {
        "0.00",  "39.99", "40.00", "28.00", "40.01", "71.20", "40.00",
        "28.00", "27.99", "28.00", "40.00", "40.01", NULL,
    };

    assert_replay(*state, 40, trace, "-----pppp---p");
}

/* The kernel's words every 10 seconds, while a program reads from a disk for a minute, and then. */
static void a_recorded_minute_of_reading_is_pressure_once(void **state)
{
    static const char *const trace[] = {
        "0.00",  "25.70", "31.89", "33.29", "29.75", "29.56", "30.85",
        "13.06", "4.80",  "1.76",  "0.64",  "0.23",  NULL,
    };

    assert_replay(*state, 32, trace, "----pppp-----");
}

static void who_waits_for_a_moment_does_not_press(void **state)
{
    struct fixture *fixture = *state;

    begin_pressure(fixture, 40, A_DAY_MS);
    set_waits(fixture, "io", "100.00");
    assert_false(is_pressed(fixture));
}

static void without_a_limit_others_may_wait(void **state)
{
    struct fixture *fixture = *state;

    begin_pressure(fixture, 40, A_WHILE_MS);
    fixture->presence = presence_free(fixture->presence);
    fixture->options.max_pressure = 0;
    set_waits(fixture, "io", "100.00");
    fixture_begin(fixture, "load");
    assert_false(is_pressed(fixture));
}

static void of_a_whole_computer_nobody_knows_who_waits_while_a_task_computes(void **state)
{
    struct fixture *fixture = *state;

    begin_pressure(fixture, 40, A_WHILE_MS);
    world.is_computing = true;
    set_waits(fixture, "io", "100.00");
    assert_false(is_pressed(fixture));
    world.is_computing = false;
    assert_true(is_pressed(fixture));
    /* Nor is it known then that it is over, as long as it is waited at all. */
    world.is_computing = true;
    assert_true(is_pressed(fixture));
    set_waits(fixture, "io", "1.00");
    assert_false(is_pressed(fixture));
}

static void of_groups_everybody_knows_who_waits(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.groups = "/sys/fs/cgroup";
    fixture->options.own_group = "/sys/fs/cgroup/system.slice/dusk-agent.service";
    set_group(fixture, "sys/fs/cgroup/dusk.slice", "100.00");
    set_group(fixture, "sys/fs/cgroup/system.slice/dusk-agent.service", "100.00");
    set_group(fixture, "sys/fs/cgroup/user.slice", "3.00");
    begin_pressure(fixture, 40, A_WHILE_MS);
    set_waits(fixture, "io", "100.00");
    assert_false(is_pressed(fixture));
    world.is_computing = true;
    set_group(fixture, "sys/fs/cgroup/user.slice", "40.01");
    assert_true(is_pressed(fixture));
    set_group(fixture, "sys/fs/cgroup/user.slice", "27.00");
    assert_false(is_pressed(fixture));
}

static void without_figures_of_pressure_only_those_fail_who_asked_for_them(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.max_pressure = 40;
    begin(fixture, 0, A_WHILE_MS);
    assert_false(is_pressed(fixture));
    assert_true(fixture_view(fixture).works);
    fixture->presence = presence_free(fixture->presence);
    fixture->options.needs_pressure = true;
    fixture_begin(fixture, "load");
    assert_false(fixture_view(fixture).works);
    assert_non_null(strstr(fixture_view(fixture).why_not, "/proc/pressure/memory' how long"));
    assert_non_null(strstr(fixture_view(fixture).why_not, "leave 'max_pressure' out"));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void figures_that_vanish_are_told_and_end_the_pressure(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.needs_pressure = true;
    begin_pressure(fixture, 40, A_WHILE_MS);
    set_waits(fixture, "io", "100.00");
    assert_true(is_pressed(fixture));
    assert_int_equal(unlink(fixture_path(fixture, "proc/pressure/io")), 0);
    assert_false(is_pressed(fixture));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    set_waits(fixture, "io", "1.00");
    assert_false(is_pressed(fixture));
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
}

/* ---- when ---- */

static void compare_wakes(uv_handle_t *handle, void *userdata)
{
    uint64_t *wakes = userdata, due_ms;

    if (handle->type != UV_TIMER || !uv_is_active(handle))
        return;
    due_ms = uv_timer_get_due_in((uv_timer_t *)handle) % SOURCE_LOOK_MS;
    assert_true(*wakes == UINT64_MAX || *wakes == due_ms);
    *wakes = due_ms;
}

/* One that works, one that looks less often, and one that does not work and is tried again. */
static void all_who_look_by_the_clock_wake_the_agent_together(void **state)
{
    struct fixture *fixture = *state;
    uint64_t wakes = UINT64_MAX;

    set_busy(fixture, 0);
    fixture_make_folder(fixture, "sys/class/power_supply");
    fixture_begin(fixture, "load,battery,temperature");
    assert_int_equal(presence_count(fixture->presence), 3);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    uv_walk(&fixture->loop, compare_wakes, &wakes);
    assert_true(wakes < SOURCE_LOOK_MS);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_others_compute_is_load_as_long_as_they_do),
        TEST(what_the_tasks_compute_is_none),
        TEST(what_does_not_last_is_none),
        TEST(without_a_limit_others_may_compute),
        TEST(a_computer_that_thrashes_is_loaded),
        TEST(a_task_that_presses_against_its_own_limit_is_no_load),
        TEST(without_the_figures_of_the_kernel_nobody_knows),
        TEST(what_others_wait_for_is_pressure_as_long_as_they_do),
        TEST(between_the_two_limits_nothing_changes),
        TEST(a_recorded_minute_of_reading_is_pressure_once),
        TEST(who_waits_for_a_moment_does_not_press),
        TEST(without_a_limit_others_may_wait),
        TEST(of_a_whole_computer_nobody_knows_who_waits_while_a_task_computes),
        TEST(of_groups_everybody_knows_who_waits),
        TEST(without_figures_of_pressure_only_those_fail_who_asked_for_them),
        TEST(figures_that_vanish_are_told_and_end_the_pressure),
        TEST(all_who_look_by_the_clock_wake_the_agent_together),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
