/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses keyboards, mice, touch screens, tablets and gamepads: the kernel's input devices, as in
 * input/input.rst of its documentation. Each /dev/input/event* that a hand moves is watched, those
 * that are plugged in later too; one that is unplugged just goes. That something happened is all
 * that is looked at, but for how far a mouse was moved; it is forgotten at once, told to nobody.
 *
 * A device that may not be opened is one that somebody may press without being seen: then the
 * source does not work. Without any device it does, for there is nothing to press.
 */
#define _GNU_SOURCE
#include "source.h"

#include "base/memory.h"
#include "changes.h"
#include "nudge.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64, SETTLE_MS = 1000 };

static const char device_folder[] = "/dev/input";

/* What hands do to a device. The other kinds tell of sounds, lights, and the device itself. */
static const unsigned long hand_kinds =
    1UL << EV_KEY | 1UL << EV_REL | 1UL << EV_ABS | 1UL << EV_SW;

struct device {
    char *name;
    int fd; /* its watch's */
    struct nudge nudge;
    struct device *next;
};

struct evdev {
    struct device *devices; /* owned */
    int changes;            /* in the folder of devices, and in the one around it */
};

/* ---- which devices ---- */

static bool is_device_name(const char *name)
{
    return strncmp(name, "event", 5) == 0;
}

static bool is_readable(const char *folder, const char *name)
{
    _cleanup_free_ char *path = file_join(folder, name);

    return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

/*
 * Root may watch whatever comes. Other users see those devices that they were given; if that is
 * not all of them (logind gives gamepads to whoever sits there, and no keyboard), `auto` would make
 * the computer used for ever.
 */
static bool is_here(const struct presence_options *options)
{
    _cleanup_free_ char *path = source_path(options, device_folder);
    _cleanup_free_ char *around = source_path(options, "/dev");
    DIR *folder = opendir(path);
    size_t found = 0, readable = 0;
    const struct dirent *entry;

    /* It may come later, with the first keyboard. */
    if (!folder)
        return geteuid() == 0 && access(around, F_OK) == 0;
    while ((entry = readdir(folder)))
        if (is_device_name(entry->d_name)) {
            found++;
            readable += is_readable(path, entry->d_name);
        }
    closedir(folder);
    return geteuid() == 0 || (found > 0 && readable == found);
}

/* A laptop's accelerometer moves whenever somebody walks by. */
static bool is_moved_by_hand(int fd)
{
    unsigned long kinds = 0, properties = 0;

    /* It is no device, but a FIFO that a test speaks through. */
    if (ioctl(fd, EVIOCGBIT(0, sizeof(kinds)), &kinds) < 0)
        return errno == ENOTTY;
    if (ioctl(fd, EVIOCGPROP(sizeof(properties)), &properties) < 0)
        properties = 0;
    return (kinds & hand_kinds) != 0 && (properties & 1UL << INPUT_PROP_ACCELEROMETER) == 0;
}

/* ---- what they tell ---- */

static bool is_use(struct source *source, struct device *device, const struct input_event *event)
{
    /* The kernel dropped events that nobody took in time; so there were many. */
    if (event->type == EV_SYN)
        return event->code == SYN_DROPPED;
    if (event->type == EV_REL && (event->code == REL_X || event->code == REL_Y))
        return nudge_add(&device->nudge, nudge_distance(event->value), clock_boot_ms(),
                         source->options->nudge);
    return event->type < EV_CNT && (hand_kinds & 1UL << event->type) != 0;
}

/* Reads all that is there. Returns false if the device is gone. */
static bool take_events(struct source *source, struct device *device, bool *used)
{
    struct input_event events[EVENTS_AT_ONCE];
    ssize_t length;

    while ((length = read(device->fd, events, sizeof(events))) > 0)
        for (size_t i = 0; i < (size_t)length / sizeof(*events); i++)
            *used = is_use(source, device, &events[i]) || *used;
    /* A memory image of the agent must not tell what somebody typed. */
    explicit_bzero(events, sizeof(events));
    return length < 0 && (errno == EAGAIN || errno == EINTR);
}

static struct device **find_device(struct evdev *evdev, int fd)
{
    struct device **at = &evdev->devices;

    while ((*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static void look_again(struct source *source);

static void on_events(struct source *source, int fd)
{
    struct device **at = find_device(source->data, fd);
    struct device *device = *at;
    bool used = false;

    if (!take_events(source, device, &used)) {
        *at = device->next;
        source_unwatch(source, fd);
        free(device->name);
        free(device);
        /* It may be there again already, under the same name. */
        source_wake(source, SETTLE_MS, look_again);
    }
    if (used)
        source_used(source);
}

/* ---- finding them ---- */

static bool is_open(const struct evdev *evdev, const char *name)
{
    const struct device *device = evdev->devices;

    while (device && strcmp(device->name, name) != 0)
        device = device->next;
    return device;
}

/* Returns 0 too if it is gone already or none that counts; -EACCES or -EPERM if it is closed. */
static int open_device(struct source *source, const char *folder, const char *name,
                       struct error *err)
{
    struct evdev *evdev = source->data;
    _cleanup_free_ char *path = file_join(folder, name);
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct device *device;
    int r;

    if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
        return 0;
    if (fd < 0) {
        r = error_set_errno(err, -errno, "cannot watch '%s'", path);
        if (r == -EACCES || r == -EPERM)
            error_hint(err, "run the agent as root, or add its user to the group 'input'");
        return r;
    }
    if (!is_moved_by_hand(fd))
        return 0;
    r = source_watch(source, fd, on_events, err);
    if (r == 0) {
        device = memory_allocate(sizeof(*device));
        *device =
            (struct device){.name = memory_copy_string(name), .fd = fd, .next = evdev->devices};
        evdev->devices = device;
    }
    descriptor_take(&fd);
    return r;
}

static int open_new_devices(struct source *source, const char *path, struct error *err)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int r = 0;

    if (!folder)
        return error_set_errno(err, -errno, "cannot look for devices in '%s'", path);
    while (r == 0 && (entry = readdir(folder)))
        if (is_device_name(entry->d_name) && !is_open(source->data, entry->d_name))
            r = open_device(source, path, entry->d_name, err);
    closedir(folder);
    return r;
}

/*
 * Opens whatever is new. The folder comes and goes with its first and last device, so it is asked
 * for each time; the listening begins before the looking, so that nothing comes in between.
 */
static int look_for_devices(struct source *source, struct error *err)
{
    const struct evdev *evdev = source->data;
    _cleanup_free_ char *path = source_path(source->options, device_folder);
    int r = changes_add(evdev->changes, path, IN_CREATE | IN_ATTRIB | IN_ONLYDIR, err);

    if (r == -ENOENT) {
        error_clear(err);
        return 0;
    }
    return r < 0 ? r : open_new_devices(source, path, err);
}

static void look_again(struct source *source)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (look_for_devices(source, &err) < 0)
        source_fail(source, &err);
}

/* Whatever happened, the answer is to look. */
static void pass_over(void *userdata, const struct inotify_event *change)
{
    (void)userdata;
    (void)change;
}

/* A new device is closed to ordinary users until udev has given it away; so that is not final. */
static void on_changes(struct source *source, int changes)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    changes_take(changes, pass_over, NULL);
    if (look_for_devices(source, &err) < 0)
        source_wake(source, SETTLE_MS, look_again);
}

static int evdev_open(struct source *source, struct error *err)
{
    struct evdev *evdev = memory_allocate(sizeof(*evdev));
    _cleanup_free_ char *around = source_path(source->options, "/dev");
    int r;

    source->data = evdev;
    r = evdev->changes = changes_begin(source, on_changes, err);
    if (r >= 0)
        r = changes_add(evdev->changes, around, IN_CREATE | IN_ONLYDIR, err);
    return r < 0 ? r : look_for_devices(source, err);
}

static void evdev_close(struct source *source)
{
    struct evdev *evdev = source->data;

    while (evdev && evdev->devices) {
        struct device *device = evdev->devices;

        evdev->devices = device->next;
        free(device->name);
        free(device);
    }
    free(evdev);
}

const struct source_kind source_evdev = {
    .name = "evdev", .is_here = is_here, .open = evdev_open, .close = evdev_close};
