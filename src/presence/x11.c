/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses an X11 desktop: keys, buttons, motion and touch as the X Input Extension's raw events
 * (XI2proto.txt, "RawEvents"), which come whichever window has the keyboard and also while a screen
 * is locked; and once, at the beginning, how long nobody has used it (MIT-SCREEN-SAVER). That
 * something happened is all that is looked at, but for how far a mouse was moved.
 *
 * The display is DISPLAY's, with the rights of the user that the agent runs as. What is asked of it
 * at the beginning is waited for, in a process that has nothing else to do (watcher.h). A server
 * that has died is a source that failed; it is tried again like any other. One that stands still
 * tells nobody's keys, as one that nobody uses does; so it is asked something at each look, which
 * must be answered by the next.
 */
#include "source.h"

#include "base/memory.h"
#include "nudge.h"
#include "sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xcb/screensaver.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>
#include <xcb/xinput.h>

enum { XI_MAJOR = 2, XI_MINOR = 2 };

struct x11 {
    xcb_connection_t *connection;
    uint8_t input_opcode;
    unsigned int asked; /* what must be answered by the next look; 0: nothing yet */
    struct nudge nudge; /* of all mice, which are one pointer here */
};

/* Beside a compositor the X server is most often Xwayland, which is not watched (see below). */
static bool is_here(const struct presence_options *options)
{
    const char *display = getenv("DISPLAY");

    (void)options;
    return display && display[0] != '\0' && !getenv("WAYLAND_DISPLAY");
}

/* Whether the server has sent as much as it says: xcb believes it (XI2proto.txt, RawEvent). */
static bool is_whole(const xcb_input_raw_motion_event_t *event)
{
    uint64_t words = event->length, masks = event->valuators_len;

    return masks <= words &&
           masks + 4 * (uint64_t)xcb_input_raw_button_press_axisvalues_raw_length(event) <= words;
}

/* Pixels; an absolute device tells places, which are far from 0: then it is a use in any case. */
static uint64_t motion_length(const xcb_input_raw_motion_event_t *event)
{
    const xcb_input_fp3232_t *values;
    uint64_t length = 0;
    int count;

    if (!is_whole(event))
        return UINT32_MAX;
    values = xcb_input_raw_button_press_axisvalues_raw(event);
    count = xcb_input_raw_button_press_axisvalues_raw_length(event);
    for (int i = 0; i < count; i++)
        length += nudge_distance(values[i].integral);
    return length;
}

static bool is_use(struct source *source, const xcb_generic_event_t *event)
{
    struct x11 *x11 = source->data;
    const xcb_ge_generic_event_t *generic = (const xcb_ge_generic_event_t *)event;

    if ((event->response_type & 0x7f) != XCB_GE_GENERIC || generic->extension != x11->input_opcode)
        return false;
    if (generic->event_type == XCB_INPUT_RAW_MOTION)
        return nudge_add(&x11->nudge, motion_length((const xcb_input_raw_motion_event_t *)generic),
                         clock_boot_ms(), source->options->nudge);
    return generic->event_type >= XCB_INPUT_RAW_KEY_PRESS &&
           generic->event_type <= XCB_INPUT_RAW_TOUCH_END;
}

static void take_events(struct source *source)
{
    const struct x11 *x11 = source->data;
    xcb_generic_event_t *event;
    bool used = false;

    while ((event = xcb_poll_for_event(x11->connection))) {
        used = is_use(source, event) || used;
        free(event);
    }
    if (used)
        source_used(source);
}

static void on_events(struct source *source, int fd)
{
    const struct x11 *x11 = source->data;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)fd;
    take_events(source);
    if (!xcb_connection_has_error(x11->connection))
        return;
    error_set(&err, -ECONNRESET, "the X server of DISPLAY=%s is gone", getenv("DISPLAY"));
    source->is_gone = true;
    source_fail(source, &err);
}

/* Waits for nothing: what the server has not sent yet is no answer. */
static void look(struct source *source)
{
    struct x11 *x11 = source->data;
    xcb_generic_error_t *refusal = NULL;
    void *answer = NULL;

    if (x11->asked && !xcb_poll_for_reply(x11->connection, x11->asked, &answer, &refusal)) {
        source_fail_silent(source);
        return;
    }
    free(answer);
    free(refusal);
    x11->asked = xcb_get_input_focus(x11->connection).sequence;
    xcb_flush(x11->connection);
    source_wake(source, SOURCE_LOOK_MS, look);
    /* What came along with the answer shows at no descriptor any more. */
    take_events(source);
}

static int ask_for_events(struct x11 *x11, xcb_window_t root, struct error *err)
{
    const xcb_query_extension_reply_t *extension =
        xcb_get_extension_data(x11->connection, &xcb_input_id);
    _cleanup_free_ xcb_input_xi_query_version_reply_t *version = NULL;
    struct {
        xcb_input_event_mask_t head;
        uint32_t events;
    } mask = {
        .head = {.deviceid = XCB_INPUT_DEVICE_ALL_MASTER, .mask_len = 1},
        .events = XCB_INPUT_XI_EVENT_MASK_RAW_KEY_PRESS | XCB_INPUT_XI_EVENT_MASK_RAW_KEY_RELEASE |
                  XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_PRESS |
                  XCB_INPUT_XI_EVENT_MASK_RAW_BUTTON_RELEASE | XCB_INPUT_XI_EVENT_MASK_RAW_MOTION |
                  XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_BEGIN |
                  XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_UPDATE | XCB_INPUT_XI_EVENT_MASK_RAW_TOUCH_END,
    };

    if (extension && extension->present) {
        xcb_input_xi_query_version_cookie_t asked =
            xcb_input_xi_query_version(x11->connection, XI_MAJOR, XI_MINOR);

        version = xcb_input_xi_query_version_reply(x11->connection, asked, NULL);
    }
    if (!version || version->major_version < XI_MAJOR)
        return error_set(err, -EOPNOTSUPP, "the X server has no X Input Extension 2");
    x11->input_opcode = extension->major_opcode;
    xcb_input_xi_select_events(x11->connection, root, 1, &mask.head);
    return 0;
}

/*
 * Xwayland has the keys only that go to windows of X. Newer ones have an extension to say what they
 * are (xwaylandproto); all call their devices "xwayland-pointer:7" and the like.
 */
static bool is_xwayland(xcb_connection_t *connection)
{
    static const char name[] = "XWAYLAND", mark[] = "xwayland-";
    _cleanup_free_ xcb_query_extension_reply_t *extension = xcb_query_extension_reply(
        connection, xcb_query_extension(connection, sizeof(name) - 1, name), NULL);
    _cleanup_free_ xcb_input_xi_query_device_reply_t *devices = xcb_input_xi_query_device_reply(
        connection, xcb_input_xi_query_device(connection, XCB_INPUT_DEVICE_ALL), NULL);
    xcb_input_xi_device_info_iterator_t at;

    if (extension && extension->present)
        return true;
    if (!devices)
        return false;
    for (at = xcb_input_xi_query_device_infos_iterator(devices); at.rem > 0;
         xcb_input_xi_device_info_next(&at))
        if (xcb_input_xi_device_info_name_length(at.data) >= (int)sizeof(mark) - 1 &&
            memcmp(xcb_input_xi_device_info_name(at.data), mark, sizeof(mark) - 1) == 0)
            return true;
    return false;
}

static int refuse_xwayland(xcb_connection_t *connection, struct error *err)
{
    if (!is_xwayland(connection))
        return 0;
    return error_set(err, -EOPNOTSUPP,
                     "DISPLAY=%s is Xwayland, which sees a part of the keys; the compositor's "
                     "source is 'wayland'",
                     getenv("DISPLAY"));
}

/*
 * A server that does not say it leaves the computer used since now. One that does not have the
 * extension is not asked: xcb would give the connection up.
 */
static void tell_idle_time(struct source *source, xcb_window_t root)
{
    const struct x11 *x11 = source->data;
    const xcb_query_extension_reply_t *extension =
        xcb_get_extension_data(x11->connection, &xcb_screensaver_id);
    _cleanup_free_ xcb_screensaver_query_info_reply_t *info = NULL;

    if (extension && extension->present)
        info = xcb_screensaver_query_info_reply(
            x11->connection, xcb_screensaver_query_info(x11->connection, root), NULL);
    source_used_before(source, info ? info->ms_since_user_input : 0);
}

static int x11_open(struct source *source, struct error *err)
{
    struct x11 *x11 = memory_allocate(sizeof(*x11));
    const char *display = getenv("DISPLAY");
    xcb_screen_iterator_t screens;
    int r, preferred = 0;

    *x11 = (struct x11){.connection = xcb_connect(NULL, &preferred)};
    source->data = x11;
    if (xcb_connection_has_error(x11->connection)) {
        source->is_gone = true;
        return error_set(err, -ECONNREFUSED, "cannot connect to the X server of DISPLAY=%s",
                         display ? display : "");
    }
    screens = xcb_setup_roots_iterator(xcb_get_setup(x11->connection));
    r = ask_for_events(x11, screens.data->root, err);
    if (r == 0)
        r = refuse_xwayland(x11->connection, err);
    if (r < 0)
        return r;
    tell_idle_time(source, screens.data->root);
    xcb_flush(x11->connection);
    /* Its descriptor is closed with the connection; a watch closes its own. */
    r = fcntl(xcb_get_file_descriptor(x11->connection), F_DUPFD_CLOEXEC, 0);
    if (r < 0)
        return error_set_errno(err, -errno, "cannot watch the connection to the X server");
    r = source_watch(source, r, on_events, err);
    source_wake(source, SOURCE_LOOK_MS, look);
    /* What came along with the answers shows at no descriptor any more. */
    if (r == 0)
        take_events(source);
    return r;
}

static void x11_close(struct source *source)
{
    struct x11 *x11 = source->data;

    if (x11)
        xcb_disconnect(x11->connection);
    free(x11);
}

const struct source_kind source_x11 = {.name = "x11",
                                       .desktop = "X server of DISPLAY",
                                       .is_here = is_here,
                                       .open = x11_open,
                                       .close = x11_close};
