/* SPDX-License-Identifier: Apache-2.0 */
/* See resting.h. */
#include "resting.h"

#include "base/memory.h"
#include "body.h"
#include "sys/clock.h"
#include "sys/interface.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>

enum {
    LOOK_MS = 500,
    GAP_MS = 1500,   /* a loop that stood still for so long was not only busy */
    LOOKS_MAX = 120, /* for a minute: then the computer has not gone to sleep */
    PACKETS_APART_MS = 50
};

void resting_init(struct body *body)
{
    struct resting *resting = &body->resting;

    *resting = (struct resting){.timer_at_ms = UINT64_MAX};
    sleeping_init(&resting->sleeping, body->options.settings->sleep_when_idle_ms);
    uv_timer_init(&body->loop, &resting->timer);
    resting->timer.data = body;
}

/* ---- what others must know to wake it ---- */

static void describe_first(const struct interface *card, struct attributes *attributes)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const char *known = card->wake == INTERFACE_WAKES ? "true" : "false";

    interface_write(card, &text);
    text.data[strcspn(text.data, " ")] = '\0';
    (void)attributes_set_text(attributes, "HardwareAddress", text.data, NULL);
    if (card->wake != INTERFACE_WAKE_UNKNOWN)
        (void)attributes_set(attributes, "IsWakeOnLanEnabled", known, NULL);
}

void resting_describe(const struct body *body, struct attributes *attributes)
{
    const struct settings *settings = body->options.settings;
    _cleanup_buffer_ struct buffer cards = BUFFER_INIT, hours = BUFFER_INIT, holidays = BUFFER_INIT;
    struct interface found[INTERFACES_MAX];
    size_t count = interfaces_list(found, INTERFACES_MAX);

    for (size_t i = 0; i < count; i++) {
        buffer_append_text(&cards, i > 0 ? ", " : "");
        interface_write(&found[i], &cards);
    }
    if (count > 0)
        describe_first(&found[0], attributes);
    (void)attributes_set_text(attributes, "WakeCards", buffer_text(&cards), NULL);
    if (settings->calendar.period_count == 0)
        return;
    calendar_write(&settings->calendar, &hours);
    calendar_write_holidays(&settings->calendar, &holidays);
    (void)attributes_set_text(attributes, "WorkingHours", buffer_text(&hours), NULL);
    (void)attributes_set_text(attributes, "Holidays", buffer_text(&holidays), NULL);
}

/* ---- going ---- */

static void on_timer(uv_timer_t *timer);

static bool is_quiet(const struct body *body)
{
    return uplink_is_up(&body->uplink) && body->attempts.count == 0 &&
           agent_count_attempts(body->brain) == 0 && agent_owner(body->brain) == OWNER_AWAY &&
           !agent_is_leaving(body->brain) && !body->is_ending;
}

static uint64_t used_ms(const struct body *body)
{
    const struct lending *lending = &body->owning.lending;

    return lending->was_used ? lending->used_ms : 0;
}

/* It is awake: the server learns it by the hello. */
static void get_up(struct body *body, bool has_slept)
{
    struct resting *resting = &body->resting;
    uint64_t now_ms = clock_boot_ms();

    uv_timer_stop(&resting->timer);
    resting->timer_at_ms = UINT64_MAX;
    resting->is_down = false;
    resting->woke_ms = has_slept ? now_ms : 0;
    sleeping_ended(&resting->sleeping, now_ms, has_slept);
    if (has_slept)
        log_notice("awake again");
    uplink_begin(body);
}

static void on_command_over(uv_process_t *process, int64_t status, int signal)
{
    struct body *body = process->data;

    uv_close((uv_handle_t *)process, NULL);
    if ((status == 0 && signal == 0) || !body->resting.is_down)
        return;
    log_warning("cannot sleep: the command for it failed; awake for some minutes more");
    get_up(body, false);
}

static int run_command(struct body *body)
{
    const struct settings *settings = body->options.settings;
    char *own[] = {(char *)"/bin/sh", (char *)"-c", settings->sleep_command, NULL};
    char *usual[] = {(char *)"systemctl", (char *)"--no-ask-password",
                     (char *)(settings->sleep_how ? settings->sleep_how : "suspend"), NULL};
    char **arguments = settings->sleep_command ? own : usual;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = arguments[0],
                                    .args = arguments,
                                    .exit_cb = on_command_over,
                                    .stdio = stdio,
                                    .stdio_count = ARRAY_LENGTH(stdio)};

    body->resting.command.data = body;
    return uv_spawn(&body->loop, &body->resting.command, &options);
}

static void lie_down(struct body *body)
{
    struct resting *resting = &body->resting;
    int r;

    /* Before the command, which may stop this process before it comes back from there. */
    resting->looked_ms = clock_boot_ms();
    resting->looks = 0;
    resting->is_down = true;
    r = run_command(body);
    uv_timer_start(&resting->timer, on_timer, LOOK_MS, LOOK_MS);
    if (r == 0)
        return;
    log_warning("cannot sleep: %s; awake for some minutes more", uv_strerror(r));
    uv_close((uv_handle_t *)&resting->command, NULL);
    get_up(body, false);
}

static void look_whether_it_slept(struct body *body)
{
    struct resting *resting = &body->resting;
    uint64_t now_ms = clock_boot_ms(), passed_ms = now_ms - resting->looked_ms;

    resting->looked_ms = now_ms;
    if (passed_ms >= GAP_MS) {
        get_up(body, true);
    } else if (++resting->looks >= LOOKS_MAX) {
        log_warning("this computer was told to sleep and did not; awake for some minutes more");
        get_up(body, false);
    }
}

/* While it is awake the loop only turns, and resting_look() looks. */
static void on_timer(uv_timer_t *timer)
{
    struct body *body = timer->data;

    if (body->resting.is_down)
        look_whether_it_slept(body);
    else
        body->resting.timer_at_ms = UINT64_MAX;
}

static void set_timer(struct body *body, uint64_t now_ms)
{
    struct resting *resting = &body->resting;
    uint64_t next_ms = sleeping_next_ms(&resting->sleeping, used_ms(body));

    if (next_ms == resting->timer_at_ms)
        return;
    resting->timer_at_ms = next_ms;
    if (next_ms == UINT64_MAX)
        uv_timer_stop(&resting->timer);
    else
        uv_timer_start(&resting->timer, on_timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

void resting_look(struct body *body)
{
    struct resting *resting = &body->resting;
    uint64_t now_ms;

    if (resting->sleeping.after_ms == 0)
        return;
    if (resting->sleeping.phase == SLEEPING_GOING) {
        if (!resting->is_down && !body->uplink.link && !body->is_ending)
            lie_down(body);
        return;
    }
    now_ms = clock_boot_ms();
    if (sleeping_look(&resting->sleeping, now_ms, is_quiet(body), used_ms(body)) == SLEEPING_TELL)
        body->report_due = body->report_is_full = true;
    set_timer(body, now_ms);
}

bool resting_sleeps(const struct body *body)
{
    return body->resting.sleeping.phase == SLEEPING_GOING || body->resting.woke_ms != 0;
}

void resting_answered(struct body *body, uint64_t answers_ms)
{
    /* What has come meanwhile keeps it awake, and the next look says so. */
    if (!is_quiet(body) || !sleeping_answered(&body->resting.sleeping, answers_ms))
        return;
    log_notice("nothing to do: this computer goes to sleep");
    link_close(body->uplink.link, LINK_CLOSE_GOING_AWAY, "it goes to sleep");
}

void resting_connected(struct body *body, bool woken)
{
    uint64_t woke_ms = body->resting.woke_ms;

    body->resting.woke_ms = 0;
    if (woken)
        owning_woken(body);
    else if (woke_ms != 0)
        owning_used(body, woke_ms);
}

/* ---- others ---- */

void resting_wake(struct body *body, const char *card)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct interface interface;
    uint64_t now_ms = clock_boot_ms();

    if (now_ms - body->resting.packet_ms < PACKETS_APART_MS ||
        interface_read(slice_from_text(card), &interface) < 0)
        return;
    body->resting.packet_ms = now_ms;
    if (interface_wake(&interface, &err) < 0)
        log_warning("cannot wake the computer with the card %s: %s", card, error_text(&err));
    else
        log_debug("sent a magic packet for %s", card);
}
