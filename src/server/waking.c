/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the brain needs to know of nodes that sleep, and how they are woken: the segments of the
 * network from the cards that nodes tell, the working hours in which nobody wakes them, and the
 * magic packet, through a node of the segment or from here.
 *
 * Of a node's cards the first counts that is not known to be set otherwise. Hours are read on the
 * clock of this computer, as those who sit in the same house do.
 */
#include "server.h"

#include "base/memory.h"
#include "lang/calendar.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <string.h>
#include <time.h>

enum { PREFIX_BITS = 6 };

/* Nodes name them, so there is an end to it. */
enum { SEGMENTS_MAX = 1 << 16 };

/* Equal for two cards of one segment; 0 if there are too many. */
static uint32_t segment_of(struct server *server, const struct interface *card)
{
    uint64_t key = (uint64_t)interface_network(card) << PREFIX_BITS | card->prefix, number;

    if (map_get(&server->segments, key, &number))
        return (uint32_t)number;
    if (server->segments.count == SEGMENTS_MAX)
        return 0;
    number = server->segments.count + 1;
    map_put(&server->segments, key, number);
    return (uint32_t)number;
}

void waking_init(struct server *server)
{
    struct interface own[INTERFACES_MAX];
    size_t count = interfaces_list(own, INTERFACES_MAX);

    for (size_t i = 0; i < count; i++)
        if (pool_set_own_segment(server->pool, segment_of(server, &own[i])) < 0)
            abort();
}

/* An attribute that is a string: its text, or NULL. Cards and hours have nothing to escape. */
static char *text_of(const struct attributes *attributes, const char *name)
{
    const char *value = attributes_get(attributes, name);
    size_t length = value ? strlen(value) : 0;

    return length >= 2 && value[0] == '"' ? memory_copy_bytes(value + 1, length - 2) : NULL;
}

static bool choose_card(char *cards, struct interface *ret_card)
{
    bool found = false;
    char *rest = NULL;

    for (char *text = cards ? strtok_r(cards, ",", &rest) : NULL; text;
         text = strtok_r(NULL, ",", &rest)) {
        struct interface card;

        if (interface_read(slice_from_text(text), &card) < 0 ||
            (found && card.wake != INTERFACE_WAKES))
            continue;
        if (!found || ret_card->wake != INTERFACE_WAKES)
            *ret_card = card;
        found = true;
    }
    return found;
}

void waking_look_at_node(struct server *server, struct node_record *node)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    _cleanup_free_ char *cards = NULL;
    uint32_t segment = 0;

    if (!node->attributes ||
        attributes_read(&attributes, slice_from_text(node->attributes), NULL) < 0)
        return;
    cards = text_of(&attributes, "WakeCards");
    if (choose_card(cards, &node->card))
        segment = segment_of(server, &node->card);
    if (pool_set_segment(server->pool, node->number, segment) < 0)
        abort();
}

/* ---- hours ---- */

/* What is no calendar, as from a later version, is no hours: it is woken too much, if at all. */
static bool read_calendar(const struct node_record *node, struct calendar *calendar)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    _cleanup_free_ char *hours = NULL, *holidays = NULL;

    if (!node->attributes ||
        attributes_read(&attributes, slice_from_text(node->attributes), NULL) < 0)
        return false;
    hours = text_of(&attributes, "WorkingHours");
    holidays = text_of(&attributes, "Holidays");
    if (!hours || calendar_parse(hours, calendar, NULL) < 0)
        return false;
    if (holidays && holidays[0] != '\0')
        (void)calendar_add_holidays(calendar, holidays, NULL);
    return true;
}

static void look_at_hours_of(struct server *server, const struct node_record *node, double now)
{
    _cleanup_calendar_ struct calendar calendar = CALENDAR_INIT;
    int64_t minute = clock_local_minute((int64_t)now), change = INT64_MAX;
    bool are_now = false;
    uint64_t lent_ms = 0;

    if (read_calendar(node, &calendar)) {
        are_now = calendar_covers(&calendar, minute);
        change = calendar_next_change(&calendar, minute);
    }
    if (!are_now && change != INT64_MAX)
        lent_ms = clock_ms_until(now, change) + 1;
    pool_let_sleep(server->pool, node->number,
                   are_now || node->card.wake == INTERFACE_DOES_NOT_WAKE, lent_ms);
}

void waking_fell_asleep(struct server *server, struct node_record *node)
{
    look_at_hours_of(server, node, clock_wall_seconds());
}

/* At each full minute, at which hours begin and end. */
void waking_look_at_hours(struct server *server)
{
    double now = clock_wall_seconds();
    int64_t minute = clock_local_minute((int64_t)now);

    if (minute == server->hours_looked_at)
        return;
    server->hours_looked_at = minute;
    for (size_t i = 0; i < server->records.node_count; i++) {
        const struct node_record *node = &server->records.nodes[i];

        if (node->asleep && !node->forgotten)
            look_at_hours_of(server, node, now);
    }
}

/* ---- the packet ---- */

void waking_perform(struct server *server, const struct pool_effect *effect)
{
    struct node_record *node = &server->records.nodes[effect->wake.node];
    struct agent_link *link = agents_find(server, effect->wake.waker, effect->wake.session);
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer card = BUFFER_INIT;

    node->woken = true;
    log_notice("node %s is woken by %s", node->name,
               effect->wake.waker == NONE ? "the server"
                                          : server->records.nodes[effect->wake.waker].name);
    if (effect->wake.waker == NONE && interface_wake(&node->card, &err) < 0)
        log_warning("cannot wake node %s: %s", node->name, error_text(&err));
    if (!link)
        return;
    interface_write(&node->card, &card);
    agents_append(link, &(struct wire_message){.kind = WIRE_WAKE, .card = card.data});
}

/* ---- for people ---- */

void waking_append_reason(const struct server *server, struct buffer *text,
                          const struct node_record *node)
{
    struct pool_node_view view = {0};
    time_t since = (time_t)node->last_seen_at;
    char clock[sizeof("2026-01-01 00:00")] = "";
    struct tm local;

    (void)pool_view_node(server->pool, node->number, &view);
    if (localtime_r(&since, &local))
        (void)strftime(clock, sizeof(clock), "%F %H:%M", &local);
    buffer_appendf(text, "asleep since %s; ", clock);
    if (view.does_not_wake)
        buffer_appendf(text, "it does not wake (%u tries)", view.wakes);
    else if (view.wakes > 0)
        buffer_appendf(text, "being woken (%u of 3 tries)", view.wakes);
    else
        buffer_append_text(text, "woken when work waits for it");
}
