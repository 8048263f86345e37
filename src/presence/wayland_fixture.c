/* SPDX-License-Identifier: Apache-2.0 */
/* See wayland_fixture.h. A letter in a pipe is what the test says. */
#define _GNU_SOURCE
#include "wayland_fixture.h"

#include "base/test.h"
#include "ext-idle-notify-v1-server-protocol.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server.h>

enum { PAUSE = 'p', RESUME = 'r', ANSWER = 'a', READY = '!' };

#define SOCKET_NAME "wayland-test"

static int commands[2], answers[2];
static pid_t compositor;

/* ---- in the compositor's process ---- */

static struct wl_resource *notification; /* NULL: nobody has asked */

static void destroy(struct wl_client *client, struct wl_resource *resource)
{
    (void)client;
    wl_resource_destroy(resource);
}

static void on_destroyed(struct wl_resource *resource)
{
    (void)resource;
    notification = NULL;
}

static const struct ext_idle_notification_v1_interface notification_calls = {.destroy = destroy};

static void get_notification(struct wl_client *client, struct wl_resource *resource, uint32_t id,
                             uint32_t timeout_ms, struct wl_resource *seat)
{
    (void)resource;
    (void)timeout_ms;
    (void)seat;
    notification = wl_resource_create(client, &ext_idle_notification_v1_interface, 1, id);
    wl_resource_set_implementation(notification, &notification_calls, NULL, on_destroyed);
}

static const struct ext_idle_notifier_v1_interface notifier_calls = {
    .destroy = destroy, .get_idle_notification = get_notification};

static void bind_notifier(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    struct wl_resource *notifier =
        wl_resource_create(client, &ext_idle_notifier_v1_interface, (int)version, id);

    wl_resource_set_implementation(notifier, &notifier_calls, data, NULL);
}

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    struct wl_resource *seat = wl_resource_create(client, &wl_seat_interface, (int)version, id);

    wl_resource_set_implementation(seat, NULL, data, NULL);
}

static void say_ready(void)
{
    const char ready = READY;

    if (write(answers[1], &ready, 1) != 1)
        _exit(1);
}

static int on_command(int fd, uint32_t mask, void *data)
{
    char command;

    (void)mask;
    if (read(fd, &command, 1) != 1)
        _exit(0);
    if (notification && command == PAUSE)
        ext_idle_notification_v1_send_idled(notification);
    if (notification && command == RESUME)
        ext_idle_notification_v1_send_resumed(notification);
    wl_display_flush_clients(data);
    if (command == ANSWER)
        say_ready();
    return 0;
}

static void run(bool tells_idle)
{
    struct wl_display *display = wl_display_create();

    /* The seat first: whoever asks must not take an order for granted. */
    wl_global_create(display, &wl_seat_interface, 1, NULL, bind_seat);
    if (tells_idle)
        wl_global_create(display, &ext_idle_notifier_v1_interface, 1, NULL, bind_notifier);
    wl_event_loop_add_fd(wl_display_get_event_loop(display), commands[0], WL_EVENT_READABLE,
                         on_command, display);
    if (wl_display_add_socket(display, SOCKET_NAME) < 0)
        _exit(1);
    say_ready();
    wl_display_run(display);
}

/* ---- in the test's ---- */

static void wait_for_ready(void)
{
    char ready = 0;

    assert_int_equal(read(answers[0], &ready, 1), 1);
}

void compositor_begin(const char *folder, bool tells_idle)
{
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("WAYLAND_DISPLAY", SOCKET_NAME, 1);
    assert_int_equal(pipe(commands), 0);
    assert_int_equal(pipe(answers), 0);
    compositor = fork();
    assert_true(compositor >= 0);
    if (compositor == 0) {
        close(commands[1]);
        run(tells_idle);
    }
    close(commands[0]);
    close(answers[1]);
    wait_for_ready();
}

static void say(char command)
{
    assert_int_equal(write(commands[1], &command, 1), 1);
}

void compositor_pause(void)
{
    say(PAUSE);
}

void compositor_resume(void)
{
    say(RESUME);
}

/* Of a turn in which both have come, a command may be the first. */
void compositor_settle(void)
{
    for (unsigned int i = 0; i < 2; i++) {
        say(ANSWER);
        wait_for_ready();
    }
}

void compositor_stop(void)
{
    kill(compositor, SIGSTOP);
}

void compositor_continue(void)
{
    kill(compositor, SIGCONT);
}

void compositor_end(void)
{
    if (compositor <= 0)
        return;
    kill(compositor, SIGKILL);
    waitpid(compositor, NULL, 0);
    close(commands[1]);
    close(answers[0]);
    compositor = 0;
}
