/* SPDX-License-Identifier: Apache-2.0 */
/* Which sensors are believed, and how hot is too hot. */
#include "presence_fixture.h"

#include <stdlib.h>
#include <string.h>

static void set(const struct fixture *fixture, const char *folder, const char *name,
                const char *value)
{
    char path[128];

    fixture_make_folder(fixture, folder);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(fixture_path(fixture, path));
    fixture_write(fixture, path, value);
    fixture_write(fixture, path, "\n");
}

#define ZONE "sys/class/thermal/thermal_zone0"
#define CHIP "sys/class/hwmon/hwmon3"

static void set_zone(const struct fixture *fixture, const char *temperature)
{
    set(fixture, ZONE, "trip_point_0_type", "passive");
    set(fixture, ZONE, "trip_point_0_temp", "50000");
    set(fixture, ZONE, "trip_point_1_type", "critical");
    set(fixture, ZONE, "trip_point_1_temp", "100000");
    set(fixture, ZONE, "temp", temperature);
}

static bool is_hot(struct fixture *fixture)
{
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    return fixture->holds[OWNER_REASON_HOT];
}

static void ten_degrees_below_the_critical_point_is_too_hot(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "89999");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
    set_zone(fixture, "90000");
    assert_true(is_hot(fixture));
}

static void it_is_over_once_all_are_five_degrees_cooler(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "95000");
    set(fixture, CHIP, "temp2_input", "60000");
    set(fixture, CHIP, "temp2_crit", "90000");
    fixture_begin(fixture, "temperature");
    assert_true(fixture->holds[OWNER_REASON_HOT]);
    set_zone(fixture, "85000");
    assert_true(is_hot(fixture));
    set_zone(fixture, "84999");
    set(fixture, CHIP, "temp2_input", "75000");
    assert_true(is_hot(fixture));
    set(fixture, CHIP, "temp2_input", "74000");
    assert_false(is_hot(fixture));
    set_zone(fixture, "89999");
    assert_false(is_hot(fixture));
}

static void what_the_admin_set_counts_for_all(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.temperature_max = 70;
    set_zone(fixture, "65000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
    set(fixture, CHIP, "temp1_input", "71000");
    assert_true(is_hot(fixture));
    set(fixture, CHIP, "temp1_input", "66000");
    assert_true(is_hot(fixture));
}

static void sensors_that_talk_nonsense_are_not_believed(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "40000");
    set(fixture, CHIP, "temp1_input", "127500");
    set(fixture, CHIP, "temp1_crit", "100000");
    set(fixture, CHIP, "temp2_input", "38000");
    set(fixture, CHIP, "temp2_crit", "0");
    set(fixture, CHIP, "temp3_input", "no number");
    set(fixture, CHIP, "temp4_input", "-62000");
    set(fixture, CHIP, "fan1_input", "99000");
    set(fixture, CHIP, "temp5_input", "99000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
}

static void a_disk_is_let_rest(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "40000");
    set(fixture, CHIP, "name", "drivetemp");
    set(fixture, CHIP, "temp1_input", "80000");
    set(fixture, CHIP, "temp1_crit", "60000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
}

static void auto_takes_it_where_there_is_a_sensor(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
    fixture->presence = presence_free(fixture->presence);
    set_zone(fixture, "40000");
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "temperature");
}

static void a_fan_that_runs_too_fast_is_heat_until_all_are_a_tenth_slower(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.max_fan = 3000;
    set_zone(fixture, "40000");
    set(fixture, CHIP, "fan1_input", "3000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
    set(fixture, CHIP, "fan2_input", "3001");
    assert_true(is_hot(fixture));
    set(fixture, CHIP, "fan1_input", "0");
    set(fixture, CHIP, "fan2_input", "2700");
    assert_true(is_hot(fixture));
    set(fixture, CHIP, "fan2_input", "2699");
    assert_false(is_hot(fixture));
    /* Cool fans do not make a hot sensor cooler. */
    set_zone(fixture, "95000");
    assert_true(is_hot(fixture));
}

static void fans_that_talk_nonsense_are_not_believed(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.max_fan = 3000;
    set(fixture, CHIP, "fan1_input", "1200");
    set(fixture, CHIP, "fan2_input", "65535");
    set(fixture, CHIP, "fan3_input", "no number");
    set(fixture, CHIP, "fan4_input", "99999999999999999999");
    set(fixture, CHIP, "fan5_input", "-5000");
    set(fixture, CHIP, "fan6_max", "9000");
    set(fixture, CHIP, "fan7_target", "9000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
}

static void a_limit_of_fans_needs_a_fan(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.max_fan = 3000;
    set_zone(fixture, "40000");
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "temperature");
    assert_non_null(strstr(fixture_view(fixture).why_not, "how fast a fan"));
    assert_non_null(strstr(fixture_view(fixture).why_not, "leave 'max_fan' out"));
    /* One that stands still is one. */
    set(fixture, CHIP, "fan1_input", "0");
    assert_false(is_hot(fixture));
    assert_int_equal(unlink(fixture_path(fixture, CHIP "/fan1_input")), 0);
    fixture_pass_time(fixture);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
}

static void without_a_limit_fans_run_as_they_like(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "40000");
    set(fixture, CHIP, "fan1_input", "20000");
    fixture_begin(fixture, "temperature");
    assert_false(is_hot(fixture));
    /* Nor do they tell how hot it is. */
    assert_int_equal(unlink(fixture_path(fixture, ZONE "/temp")), 0);
    fixture_pass_time(fixture);
    assert_non_null(strstr(fixture_view(fixture).why_not, "no sensor tells how hot"));
}

static void without_a_sensor_nobody_knows(void **state)
{
    struct fixture *fixture = *state;

    set_zone(fixture, "95000");
    fixture_begin(fixture, "temperature");
    assert_true(is_hot(fixture));
    assert_int_equal(unlink(fixture_path(fixture, ZONE "/temp")), 0);
    fixture_pass_time(fixture);
    assert_non_null(strstr(fixture_view(fixture).why_not, "no sensor tells how hot"));
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    assert_false(fixture->holds[OWNER_REASON_HOT]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ten_degrees_below_the_critical_point_is_too_hot),
        TEST(it_is_over_once_all_are_five_degrees_cooler),
        TEST(what_the_admin_set_counts_for_all),
        TEST(sensors_that_talk_nonsense_are_not_believed),
        TEST(a_disk_is_let_rest),
        TEST(auto_takes_it_where_there_is_a_sensor),
        TEST(a_fan_that_runs_too_fast_is_heat_until_all_are_a_tenth_slower),
        TEST(fans_that_talk_nonsense_are_not_believed),
        TEST(a_limit_of_fans_needs_a_fan),
        TEST(without_a_limit_fans_run_as_they_like),
        TEST(without_a_sensor_nobody_knows),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
