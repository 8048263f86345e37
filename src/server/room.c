/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room on the server's disk. A commit that fails ends the server, so it must not come to that
 * only because somebody's outputs took the last byte:
 *
 *     the reserve     is for what the pool must remember. Inputs, outputs that wait in the spool
 *                     and new jobs are refused before they reach into it; what runs goes on, and
 *                     its results are recorded.
 *     a last part     of it is touched by nobody, because other programs fill disks too. Below it
 *                     the server stands still, as if it were away: it answers questions, stores
 *                     nothing and renews no lease. Tasks work on until their leases end and are
 *                     frozen then; results wait on their nodes. With room it goes on by itself.
 *
 * The pool's clock stands still meanwhile. The brain would find all leases over otherwise, and give
 * away what nodes still hold; that a lease ends later here than on its node is always safe.
 */
#include "server.h"

#include "sys/clock.h"
#include "sys/log.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Some hundred thousand results; on a small disk a part that leaves most of it for use. */
enum { RESERVE_SIZE_MAX = 64 << 20, RESERVE_OF_DISK = 20, LAST_OF_RESERVE = 4 };

struct disk {
    uint64_t free;
    uint64_t reserve;
};

/* False if the file system does not say how large it is: then nothing is known of it. */
static bool read_disk(const struct statvfs *status, struct disk *ret)
{
    uint64_t unit = status->f_frsize, size = status->f_blocks * unit;
    uint64_t free = geteuid() == 0 ? status->f_bfree : status->f_bavail;

    if (size == 0)
        return false;
    ret->free = free * unit;
    ret->reserve =
        size / RESERVE_OF_DISK < RESERVE_SIZE_MAX ? size / RESERVE_OF_DISK : RESERVE_SIZE_MAX;
    return true;
}

int room_check_write(int fd, uint64_t size)
{
    struct statvfs status;
    struct disk disk;

    if (fstatvfs(fd, &status) < 0 || !read_disk(&status, &disk))
        return 0;
    return disk.free < disk.reserve || disk.free - disk.reserve < size ? -ENOSPC : 0;
}

static void set_scarce(struct server *server, bool scarce)
{
    if (server->room.scarce == scarce)
        return;
    server->room.scarce = scarce;
    if (scarce)
        log_warning("the disk of '%s' is nearly full: no new jobs and no files are taken until "
                    "there is room",
                    server->options.state_folder);
    else
        log_notice("the disk of '%s' has room again", server->options.state_folder);
}

static void set_standing_still(struct server *server, bool still)
{
    struct room *room = &server->room;

    if (room->still == still)
        return;
    if (still) {
        room->still_since_ms = clock_boot_ms();
        log_error("the disk of '%s' is full: nothing is stored, started or recorded until there is "
                  "room",
                  server->options.state_folder);
    } else {
        room->lost_ms += clock_boot_ms() - room->still_since_ms;
        log_notice("the disk of '%s' has some room: the pool goes on",
                   server->options.state_folder);
    }
    room->still = still;
}

void room_look(struct server *server)
{
    uint64_t leave_scarce, leave_still;
    struct statvfs status;
    struct disk disk;

    if (statvfs(server->options.state_folder, &status) < 0 || !read_disk(&status, &disk))
        return;
    /* Each state is left a little later than it was entered, so as not to come and go. */
    leave_scarce = disk.reserve + (server->room.scarce ? disk.reserve / LAST_OF_RESERVE : 0);
    leave_still = disk.reserve / LAST_OF_RESERVE * (server->room.still ? 2 : 1);
    set_scarce(server, disk.free < leave_scarce);
    set_standing_still(server, disk.free < leave_still);
}

uint64_t room_clock_ms(const struct server *server)
{
    const struct room *room = &server->room;

    return (room->still ? room->still_since_ms : clock_boot_ms()) - room->lost_ms;
}

void room_refuse(struct request *request)
{
    api_reply_error(request, 507, "try again when there is room on it, or tell who runs the pool",
                    "the disk of the server is full");
}
