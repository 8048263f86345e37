/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the computer runs on its battery (sysfs-class-power in the kernel's ABI documentation):
 * a battery of the computer, not one of a mouse, discharges, and no other supply is online. What
 * cannot be told (a battery that is "Unknown") counts as not discharging.
 *
 * The kernel tells each change of a supply (netlink(7), NETLINK_KOBJECT_UEVENT), and the supplies
 * are looked at again then; not all drivers do so, therefore now and then without a word as well.
 * A computer that has none is no failure: it never runs on a battery.
 */
#define _GNU_SOURCE
#include "source.h"

#include "reading.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
    LOOK_MS = 30000,
    KERNEL_GROUP = 1,         /* what the kernel says; the second is what udev makes of it */
    MESSAGE_SIZE_MAX = 16384, /* the kernel's are at most some 4 KiB */
};

struct supplies {
    const char *folder;
    bool has_battery;
    bool is_discharging;
    bool is_fed; /* by anything but a battery */
};

static void look_at(void *userdata, const char *name)
{
    struct supplies *supplies = userdata;
    _cleanup_free_ char *folder = file_join(supplies->folder, name);
    _cleanup_free_ char *online = reading_text(folder, "online");

    if (reading_is(folder, "scope", "Device"))
        return;
    if (reading_is(folder, "type", "Battery")) {
        supplies->has_battery = true;
        supplies->is_discharging =
            supplies->is_discharging || reading_is(folder, "status", "Discharging");
    } else {
        /* "2" is a supply that lets the computer choose the voltage. */
        supplies->is_fed = supplies->is_fed || strcmp(online, "1") == 0 || strcmp(online, "2") == 0;
    }
}

static int read_supplies(const struct presence_options *options, struct supplies *ret_supplies,
                         struct error *err)
{
    _cleanup_free_ char *folder = source_path(options, "/sys/class/power_supply");
    struct supplies supplies = {.folder = folder};
    int r = reading_each(folder, look_at, &supplies, err);

    if (r < 0)
        return r;
    supplies.folder = NULL;
    *ret_supplies = supplies;
    return 0;
}

static bool is_here(const struct presence_options *options)
{
    struct supplies supplies;

    return read_supplies(options, &supplies, NULL) == 0 && supplies.has_battery;
}

static int look(struct source *source, struct error *err)
{
    struct supplies supplies;
    int r = read_supplies(source->options, &supplies, err);

    if (r == 0)
        source_lasts(source, OWNER_REASON_BATTERY, supplies.is_discharging && !supplies.is_fed);
    return r;
}

/*
 * A message is "ACTION@DEVPATH", then "NAME=VALUE" and so on, each with a NUL behind. Only root can
 * send one in the kernel's place, and all that follows from it is a look.
 */
static bool is_of_supply(const char *message, size_t length)
{
    static const char name[] = "SUBSYSTEM=power_supply";

    return memmem(message, length, name, sizeof(name)) != NULL;
}

/* Where some were lost, one of them may have been of a supply. */
static void on_messages(struct source *source, int fd)
{
    char message[MESSAGE_SIZE_MAX];
    bool is_news = false;
    ssize_t length;

    while ((length = recv(fd, message, sizeof(message), 0)) > 0 || (length < 0 && errno == ENOBUFS))
        is_news = is_news || length < 0 || is_of_supply(message, (size_t)length);
    if (is_news)
        source_look_now(source);
}

static int listen_to_kernel(struct source *source, struct error *err)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
    _cleanup_fd_ int fd =
        socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return error_set_errno(err, -errno, "cannot listen for changes of the power supply");
    return source_watch(source, descriptor_take(&fd), on_messages, err);
}

static int battery_open(struct source *source, struct error *err)
{
    int r;

    if (source->options->on_battery)
        return 0;
    /* First listen, then look: nothing happens in between that is not seen. */
    r = listen_to_kernel(source, err);
    return r < 0 ? r : source_look(source, LOOK_MS, look, err);
}

const struct source_kind source_battery = {
    .name = "battery", .is_here = is_here, .open = battery_open};
