/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mouse that is moved as fast as the quickest ones tell: 1,000 times a second, from when this
 * begins until it is killed. The kernel takes it for a real one (Documentation/hid/uhid.rst), as
 * it does those that come by Bluetooth: it is plugged in and unplugged with this process. Each
 * thousand of its reports is a line of the output.
 */
#include <fcntl.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS_A_LINE = 1000, APART_NS = 1000000 };

/* HID 1.11, appendix B.2: three buttons and two axes, of a byte each. */
static const unsigned char description[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, 0x05, 0x09, 0x19,
    0x01, 0x29, 0x03, 0x15, 0x00, 0x25, 0x01, 0x95, 0x03, 0x75, 0x01, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x05, 0x81, 0x01, 0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15,
    0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x02, 0x81, 0x06, 0xc0, 0xc0};

static int plug_in(void)
{
    struct uhid_event event = {
        .type = UHID_CREATE2,
        .u.create2 = {.name = "test mouse", .rd_size = sizeof(description), .bus = BUS_BLUETOOTH}};
    int fd = open("/dev/uhid", O_RDWR | O_CLOEXEC);

    memcpy(event.u.create2.rd_data, description, sizeof(description));
    return write(fd, &event, sizeof(event)) == sizeof(event) ? fd : -1;
}

static int move(int fd)
{
    struct uhid_event event = {.type = UHID_INPUT2,
                               .u.input2 = {.size = 3, .data = {0, 1, (unsigned char)-1}}};

    return write(fd, &event, sizeof(event)) == sizeof(event) ? 0 : -1;
}

/* By the clock and not from one to the next, so that what was held up is made up for. */
static void wait_for_next(struct timespec *at)
{
    at->tv_nsec += APART_NS;
    if (at->tv_nsec >= 1000000000) {
        at->tv_sec++;
        at->tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL) != 0)
        ;
}

int main(void)
{
    struct timespec at;
    int fd = plug_in();

    if (fd < 0) {
        perror("cannot plug in a mouse");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (unsigned long reports = 1; move(fd) == 0; reports++) {
        if (reports % REPORTS_A_LINE == 0)
            printf("%lu\n", reports);
        wait_for_next(&at);
    }
    perror("the mouse is gone");
    return 1;
}
