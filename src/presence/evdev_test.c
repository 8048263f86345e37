/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input devices, each a FIFO through which a trace is played: what a keyboard, a mouse, a tablet
 * and a lid send, event by event. What a device says of itself is the test's word too.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "presence_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define REPORT                                                                                     \
    {                                                                                              \
        .type = EV_SYN, .code = SYN_REPORT                                                         \
    }

static const struct input_event key_press[] = {
    {.type = EV_MSC, .code = MSC_SCAN, .value = 0x1e},
    {.type = EV_KEY, .code = KEY_A, .value = 1},
    REPORT,
    {.type = EV_MSC, .code = MSC_SCAN, .value = 0x1e},
    {.type = EV_KEY, .code = KEY_A, .value = 0},
    REPORT,
};
/* What a keyboard says when some program sets its lights and its repetition. */
static const struct input_event echoes[] = {
    {.type = EV_LED, .code = LED_NUML, .value = 1},
    REPORT,
    {.type = EV_LED, .code = LED_CAPSL, .value = 0},
    REPORT,
    {.type = EV_REP, .code = REP_DELAY, .value = 250},
    {.type = EV_MSC, .code = MSC_SCAN, .value = 7},
    REPORT,
};
static const struct input_event moved_by_3[] = {
    {.type = EV_REL, .code = REL_X, .value = -2},
    {.type = EV_REL, .code = REL_Y, .value = 1},
    REPORT,
};
static const struct input_event moved_by_300[] = {
    {.type = EV_REL, .code = REL_X, .value = 90},
    {.type = EV_REL, .code = REL_Y, .value = -10},
    REPORT,
    {.type = EV_REL, .code = REL_X, .value = 170},
    {.type = EV_REL, .code = REL_Y, .value = -30},
    REPORT,
};
static const struct input_event wheel[] = {
    {.type = EV_REL, .code = REL_WHEEL, .value = -1},
    {.type = EV_REL, .code = REL_WHEEL_HI_RES, .value = -120},
    REPORT,
};
static const struct input_event click[] = {
    {.type = EV_KEY, .code = BTN_LEFT, .value = 1},
    REPORT,
};
static const struct input_event pen[] = {
    {.type = EV_ABS, .code = ABS_X, .value = 10021},
    {.type = EV_ABS, .code = ABS_PRESSURE, .value = 300},
    REPORT,
};
static const struct input_event lid[] = {
    {.type = EV_SW, .code = SW_LID, .value = 0},
    REPORT,
};
static const struct input_event dropped[] = {
    {.type = EV_SYN, .code = SYN_DROPPED},
    REPORT,
};

/* Its end to speak through; the device is open to everybody. */
static int plug_in(const struct fixture *fixture, const char *name, mode_t mode)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "dev/input/%s", name);
    assert_int_equal(mkfifo(fixture_path(fixture, path), 0600), 0);
    fd = open(fixture_path(fixture, path), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    return fd;
}

static void unplug(const struct fixture *fixture, const char *name, int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "dev/input/%s", name);
    assert_int_equal(unlink(fixture_path(fixture, path)), 0);
    close(fd);
}

static void play_trace(struct fixture *fixture, int fd, const void *trace, size_t size)
{
    assert_int_equal(write(fd, trace, size), size);
    fixture_settle(fixture);
}

#define PLAY(fixture, fd, trace) play_trace(fixture, fd, trace, sizeof(trace))

static size_t unread(int fd)
{
    int bytes = 0;

    assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
    return (size_t)bytes;
}

/* What the next FIFO says of itself as a device. */
static struct {
    bool answers;
    unsigned long kinds;
    unsigned long properties;
} device;

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    if (!device.answers || _IOC_TYPE(request) != 'E')
        return __real_ioctl(fd, request, argument);
    assert_int_equal(_IOC_SIZE(request), sizeof(unsigned long));
    if (request == EVIOCGPROP(sizeof(unsigned long)))
        memcpy(argument, &device.properties, sizeof(device.properties));
    else
        memcpy(argument, &device.kinds, sizeof(device.kinds));
    return sizeof(unsigned long);
}

static void begin(struct fixture *fixture, uint32_t nudge)
{
    fixture->options.nudge = nudge;
    fixture_begin(fixture, "evdev");
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
}

static void whatever_a_hand_does_is_a_use(void **state)
{
    static const struct {
        const struct input_event *trace;
        size_t size;
    } all[] = {
        {key_press, sizeof(key_press)},
        {moved_by_3, sizeof(moved_by_3)},
        {wheel, sizeof(wheel)},
        {click, sizeof(click)},
        {pen, sizeof(pen)},
        {lid, sizeof(lid)},
    };
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 0);
    for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++) {
        play_trace(fixture, fd, all[i].trace, all[i].size);
        assert_int_equal(fixture->uses, i + 1);
        fixture_pass_time(fixture);
        assert_int_equal(fixture->uses, i + 1);
    }
    assert_true(fixture_view(fixture).used_ms == fixture->used_ms);
    close(fd);
}

static void only_what_is_moved_by_hand_is_a_device(void **state)
{
    static const struct {
        unsigned long kinds;
        unsigned long properties;
        bool counts;
    } all[] = {
        {1 << EV_KEY | 1 << EV_LED | 1 << EV_REP, 0, true},
        {1 << EV_REL, 1 << INPUT_PROP_POINTER, true},
        {1 << EV_SW, 0, true},
        {1 << EV_SND, 0, false},
        {1 << EV_LED | 1 << EV_MSC, 0, false},
        {1 << EV_ABS, 1 << INPUT_PROP_ACCELEROMETER, false},
    };
    struct fixture *fixture = *state;

    fixture_make_folder(fixture, "dev/input");
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        int fd = plug_in(fixture, "event0", 0644);

        device.answers = true;
        device.kinds = all[i].kinds;
        device.properties = all[i].properties;
        begin(fixture, 0);
        device.answers = false;
        PLAY(fixture, fd, click);
        assert_int_equal(fixture->uses, all[i].counts);
        fixture->uses = 0;
        fixture->presence = presence_free(fixture->presence);
        unplug(fixture, "event0", fd);
    }
}

static void what_a_keyboard_says_by_itself_is_none(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 0);
    PLAY(fixture, fd, echoes);
    assert_int_equal(unread(fd), 0);
    assert_int_equal(fixture->uses, 0);
    close(fd);
}

static void a_mouse_that_was_knocked_against_is_not_used(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 16);
    PLAY(fixture, fd, moved_by_3);
    assert_int_equal(unread(fd), 0);
    assert_int_equal(fixture->uses, 0);
    PLAY(fixture, fd, moved_by_300);
    assert_int_equal(fixture->uses, 1);
    close(fd);
}

static void its_wheel_and_its_buttons_are_used_however_little_it_moves(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 1000);
    PLAY(fixture, fd, wheel);
    assert_int_equal(fixture->uses, 1);
    fixture_pass_time(fixture);
    PLAY(fixture, fd, click);
    assert_int_equal(fixture->uses, 2);
    close(fd);
}

/* A shaken desk moves both by little. */
static void two_mice_are_not_added_up(void **state)
{
    struct fixture *fixture = *state;
    int one, other;

    fixture_make_folder(fixture, "dev/input");
    one = plug_in(fixture, "event0", 0644);
    other = plug_in(fixture, "event1", 0644);
    begin(fixture, 5);
    PLAY(fixture, one, moved_by_3);
    PLAY(fixture, other, moved_by_3);
    assert_int_equal(fixture->uses, 0);
    close(one);
    close(other);
}

static void what_the_kernel_had_to_drop_was_a_use(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 16);
    PLAY(fixture, fd, dropped);
    assert_int_equal(fixture->uses, 1);
    close(fd);
}

static void a_thousand_events_are_one_look_a_second(void **state)
{
    struct input_event many[1000];
    struct fixture *fixture = *state;
    int fd;

    for (size_t i = 0; i < 1000; i++)
        many[i] = (struct input_event){.type = EV_ABS, .code = ABS_X, .value = (int)i};
    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 0);
    PLAY(fixture, fd, many);
    assert_int_equal(fixture->uses, 1);
    assert_int_equal(unread(fd), 0);
    PLAY(fixture, fd, many);
    assert_int_equal(fixture->uses, 1);
    assert_int_equal(unread(fd), sizeof(many));
    fixture_pass_time(fixture);
    assert_int_equal(fixture->uses, 2);
    assert_int_equal(unread(fd), 0);
    close(fd);
}

static void one_that_is_unplugged_leaves_the_others(void **state)
{
    struct fixture *fixture = *state;
    int gone, stays;

    fixture_make_folder(fixture, "dev/input");
    gone = plug_in(fixture, "event0", 0644);
    stays = plug_in(fixture, "event1", 0644);
    begin(fixture, 0);
    /* In the middle of a key press. */
    play_trace(fixture, gone, key_press, sizeof(*key_press));
    unplug(fixture, "event0", gone);
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    assert_int_equal(fixture->uses, 0);
    PLAY(fixture, stays, key_press);
    assert_int_equal(fixture->uses, 1);
    close(stays);
}

static void one_that_is_plugged_in_later_is_watched(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    begin(fixture, 0);
    fd = plug_in(fixture, "event7", 0644);
    fixture_settle(fixture);
    PLAY(fixture, fd, key_press);
    assert_int_equal(fixture->uses, 1);
    close(fd);
}

static void one_that_comes_back_under_its_name_is_watched_again(void **state)
{
    struct fixture *fixture = *state;
    int fd, again;

    fixture_make_folder(fixture, "dev/input");
    fd = plug_in(fixture, "event0", 0644);
    begin(fixture, 0);
    unplug(fixture, "event0", fd);
    again = plug_in(fixture, "event0", 0644);
    fixture_pass_time(fixture);
    PLAY(fixture, again, key_press);
    assert_int_equal(fixture->uses, 1);
    close(again);
}

static void the_folder_itself_may_come_later(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev");
    begin(fixture, 0);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_make_folder(fixture, "dev/input");
    fixture_settle(fixture);
    fd = plug_in(fixture, "event0", 0644);
    fixture_settle(fixture);
    PLAY(fixture, fd, key_press);
    assert_int_equal(fixture->uses, 1);
    close(fd);
}

static void one_that_may_not_be_opened_leaves_the_computer_used(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *expected = NULL;
    int open, closed;

    fixture_make_folder(fixture, "dev/input");
    open = plug_in(fixture, "event0", 0644);
    closed = plug_in(fixture, "event3", 0);
    assert_true(asprintf(&expected,
                         "cannot watch '%s/dev/input/event3': Permission denied; run the agent as "
                         "root, or add its user to the group 'input'",
                         fixture->root) > 0);
    fixture_become_ordinary();
    fixture_begin(fixture, "evdev");
    assert_false(fixture_view(fixture).works);
    assert_string_equal(fixture_view(fixture).why_not, expected);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_become_self();
    assert_int_equal(fchmod(closed, 0644), 0);
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    close(open);
    close(closed);
}

static void a_new_one_may_be_closed_until_udev_has_given_it_away(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    begin(fixture, 0);
    fd = plug_in(fixture, "event0", 0);
    fixture_become_ordinary();
    fixture_settle(fixture);
    assert_true(fixture_view(fixture).works);
    fixture_become_self();
    assert_int_equal(fchmod(fd, 0644), 0);
    fixture_become_ordinary();
    fixture_settle(fixture);
    PLAY(fixture, fd, key_press);
    assert_int_equal(fixture->uses, 1);
    fixture_pass_time(fixture);
    assert_true(fixture_view(fixture).works);
    close(fd);
}

static void a_new_one_that_stays_closed_leaves_the_computer_used(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    fixture_make_folder(fixture, "dev/input");
    begin(fixture, 0);
    fd = plug_in(fixture, "event0", 0);
    fixture_become_ordinary();
    fixture_settle(fixture);
    assert_false(fixture->holds[OWNER_REASON_UNWATCHED]);
    fixture_pass_time(fixture);
    assert_true(fixture->holds[OWNER_REASON_UNWATCHED]);
    close(fd);
}

static void auto_takes_it_for_a_user_who_may_open_all(void **state)
{
    struct fixture *fixture = *state;
    int open, closed;

    unsetenv("DISPLAY");
    fixture_make_folder(fixture, "dev/input");
    open = plug_in(fixture, "event0", 0644);
    closed = plug_in(fixture, "event1", 0);
    fixture_become_ordinary();
    fixture_begin(fixture, "auto");
    assert_int_equal(presence_count(fixture->presence), 0);
    fixture->presence = presence_free(fixture->presence);
    fixture_become_self();
    assert_int_equal(fchmod(closed, 0644), 0);
    fixture_become_ordinary();
    fixture_begin(fixture, "auto");
    assert_string_equal(fixture_view(fixture).name, "evdev");
    close(open);
    close(closed);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_a_hand_does_is_a_use),
        TEST(only_what_is_moved_by_hand_is_a_device),
        TEST(what_a_keyboard_says_by_itself_is_none),
        TEST(a_mouse_that_was_knocked_against_is_not_used),
        TEST(its_wheel_and_its_buttons_are_used_however_little_it_moves),
        TEST(two_mice_are_not_added_up),
        TEST(what_the_kernel_had_to_drop_was_a_use),
        TEST(a_thousand_events_are_one_look_a_second),
        TEST(one_that_is_unplugged_leaves_the_others),
        TEST(one_that_is_plugged_in_later_is_watched),
        TEST(one_that_comes_back_under_its_name_is_watched_again),
        TEST(the_folder_itself_may_come_later),
        TEST(one_that_may_not_be_opened_leaves_the_computer_used),
        TEST(a_new_one_may_be_closed_until_udev_has_given_it_away),
        TEST(a_new_one_that_stays_closed_leaves_the_computer_used),
        TEST(auto_takes_it_for_a_user_who_may_open_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
