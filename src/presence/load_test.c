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

static uint64_t move_on(void *userdata)
{
    assert_ptr_equal(userdata, &world);
    world.looks++;
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
        TEST(all_who_look_by_the_clock_wake_the_agent_together),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
