/* SPDX-License-Identifier: Apache-2.0 */
/* What runs on its battery, and when that is heard. */
#define _GNU_SOURCE
#include "presence_fixture.h"

#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SUPPLIES "sys/class/power_supply/"

static void set(const struct fixture *fixture, const char *supply, const char *name,
                const char *value)
{
    char path[128];

    snprintf(path, sizeof(path), SUPPLIES "%s", supply);
    fixture_make_folder(fixture, path);
    snprintf(path, sizeof(path), SUPPLIES "%s/%s", supply, name);
    unlink(fixture_path(fixture, path));
    fixture_write(fixture, path, value);
    fixture_write(fixture, path, "\n");
}

/* A laptop on its battery. */
static void set_laptop(const struct fixture *fixture)
{
    set(fixture, "BAT0", "type", "Battery");
    set(fixture, "BAT0", "status", "Discharging");
    set(fixture, "AC", "type", "Mains");
    set(fixture, "AC", "online", "0");
}

static bool is_on_battery(struct fixture *fixture)
{
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    return fixture->holds[OWNER_REASON_BATTERY];
}

static void a_laptop_without_its_plug_runs_on_its_battery(void **state)
{
    struct fixture *fixture = *state;

    set_laptop(fixture);
    fixture_begin(fixture, "battery");
    assert_true(fixture->holds[OWNER_REASON_BATTERY]);
    set(fixture, "AC", "online", "1");
    set(fixture, "BAT0", "status", "Charging");
    assert_false(is_on_battery(fixture));
    set(fixture, "AC", "online", "0");
    set(fixture, "BAT0", "status", "Discharging");
    assert_true(is_on_battery(fixture));
    assert_int_equal(fixture->uses, 0);
}

static void a_plug_that_is_too_weak_is_a_plug(void **state)
{
    struct fixture *fixture = *state;

    set_laptop(fixture);
    set(fixture, "ucsi-source-1", "type", "USB");
    set(fixture, "ucsi-source-1", "online", "2");
    fixture_begin(fixture, "battery");
    assert_false(is_on_battery(fixture));
    set(fixture, "ucsi-source-1", "online", "0");
    assert_true(is_on_battery(fixture));
}

static void of_two_batteries_one_is_enough(void **state)
{
    struct fixture *fixture = *state;

    set_laptop(fixture);
    set(fixture, "BAT0", "status", "Not charging");
    fixture_begin(fixture, "battery");
    assert_false(is_on_battery(fixture));
    set(fixture, "BAT1", "type", "Battery");
    set(fixture, "BAT1", "status", "Discharging");
    assert_true(is_on_battery(fixture));
}

static void the_battery_of_a_mouse_is_none(void **state)
{
    struct fixture *fixture = *state;

    set(fixture, "hidpp_battery_0", "type", "Battery");
    set(fixture, "hidpp_battery_0", "scope", "Device");
    set(fixture, "hidpp_battery_0", "status", "Discharging");
    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
    fixture->presence = presence_free(fixture->presence);
    fixture_begin(fixture, "battery");
    assert_false(is_on_battery(fixture));
    fixture->presence = presence_free(fixture->presence);
    set(fixture, "BAT0", "type", "Battery");
    set(fixture, "BAT0", "scope", "System");
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "battery");
}

static void a_computer_may_be_lent_on_its_battery(void **state)
{
    struct fixture *fixture = *state;

    set_laptop(fixture);
    fixture->options.on_battery = true;
    fixture_begin(fixture, "battery");
    assert_false(is_on_battery(fixture));
}

static void a_system_that_tells_nothing_of_supplies_leaves_the_computer_used(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture, "battery");
    assert_false(fixture_view(fixture).works);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_make_folder(fixture, SUPPLIES);
    assert_false(is_on_battery(fixture));
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    set_laptop(fixture);
    assert_true(is_on_battery(fixture));
}

/* As the kernel does, in a network of our own, where nobody else hears it. */
static void tell(const char *message, size_t length)
{
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

    assert_true(fd >= 0);
    /* The kernel has the message as well, and refuses what is none for it. */
    (void)sendto(fd, message, length, 0, (struct sockaddr *)&group, sizeof(group));
    close(fd);
}

#define MOUSE "change@/devices/mouse\0ACTION=change\0SUBSYSTEM=input"
#define PLUG  "change@/devices/AC\0ACTION=change\0SUBSYSTEM=power_supply\0SEQNUM=7"

static void the_kernel_tells_it_at_once(void **state)
{
    struct fixture *fixture = *state;

    if (unshare(getuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
        TEST_SKIP("no network of our own may be made");
    set_laptop(fixture);
    fixture_begin(fixture, "battery");
    assert_true(fixture->holds[OWNER_REASON_BATTERY]);
    set(fixture, "AC", "online", "1");
    tell(MOUSE, sizeof(MOUSE));
    fixture_settle(fixture);
    assert_true(fixture->holds[OWNER_REASON_BATTERY]);
    tell(PLUG, sizeof(PLUG));
    fixture_settle(fixture);
    assert_false(fixture->holds[OWNER_REASON_BATTERY]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_laptop_without_its_plug_runs_on_its_battery),
        TEST(a_plug_that_is_too_weak_is_a_plug),
        TEST(of_two_batteries_one_is_enough),
        TEST(the_battery_of_a_mouse_is_none),
        TEST(a_computer_may_be_lent_on_its_battery),
        TEST(a_system_that_tells_nothing_of_supplies_leaves_the_computer_used),
        TEST(the_kernel_tells_it_at_once),
    };

    unsetenv("DISPLAY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
