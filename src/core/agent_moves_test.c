/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event in every phase of an attempt, against the table of doc/specification/agent.md. The
 * lines here are those of the page (tests/tidy/moves), and each of their cells is tried out.
 */
#include "core/agent_fixture.h"

#include "base/buffer.h"

#include <string.h>

enum { OTHER = 1, EPOCH = 2 };

/* In the order of the columns: the phases, frozen ones by what they are frozen for, and saving
 * ones, whose set is ready, by what comes then. */
enum column {
    WAITING,
    FETCHING,
    STARTING,
    RUNNING,
    FROZEN_FOR_OWNER,
    FROZEN_LAPSED,
    STOPPING,
    KILLING,
    SAVING,
    LEAVING,
    COLLECTING,
    ENDED,
    COLUMN_COUNT
};

static const char *const table[] = {
    "| event | waiting | fetching | starting | running | frozen | lapsed | stopping | killing "
    "| saving | leaving | collecting | ended |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    "| stop | ended | ended | killing | stopping | killing | killing | - | - | - | - | - | - |",
    "| forget | dropped | dropped | killing | killing | killing | killing | killing | - | "
    "dropped | dropped | dropped | dropped |",
    "| fetched | - | starting | - | - | - | - | - | - | - | - | - | - |",
    "| not fetched | - | ended | - | - | - | - | - | - | - | - | - | - |",
    "| started | - | - | running | - | - | - | - | - | - | - | - | - |",
    "| not started | - | - | ended | - | - | - | - | ended | - | - | - | - |",
    "| exited | - | - | collecting | collecting | collecting | collecting | ended | ended | - "
    "| - | - | - |",
    "| vanished | - | - | ended | ended | ended | ended | ended | ended | - | - | - | - |",
    "| saved itself | - | - | saving | saving | saving | saving | saving | ended | - | - | - | - |",
    "| saved | - | - | - | - | - | - | - | - | - | - | - | - |",
    "| not saved | - | - | - | - | - | - | - | - | ended | ended | - | - |",
    "| acknowledged | - | - | - | - | - | - | - | - | starting | ended | - | - |",
    "| collected | - | - | - | - | - | - | - | - | - | - | ended | - |",
    "| not collected | - | - | - | - | - | - | - | - | - | - | ended | - |",
    "| lapsed | ended | ended | killing | frozen | - | - | killing | - | - | ended | - | - |",
    "| renewed | - | - | - | - | - | running | - | - | - | - | - | - |",
    "| pushed out | - | - | - | - | - | - | - | - | - | - | - | - |",
    "| memory short | - | - | - | - | - | - | - | - | - | - | - | - |",
    "| memory enough | - | - | - | - | - | - | - | - | - | - | - | - |",
    "| owner returned | ended | ended | - | frozen | - | - | - | - | - | - | - | - |",
    "| owner near | ended | ended | - | - | running | - | - | - | - | - | - | - |",
    "| owner left | - | - | - | - | running | - | - | - | - | - | - | - |",
    "| owner vacates | ended | ended | - | stopping | stopping | killing | - | - | - | - | - | - |",
    "| owner kills | ended | ended | killing | killing | killing | killing | killing | - | "
    "ended | ended | - | - |",
    "| leave | ended | ended | killing | stopping | killing | killing | - | - | - | - | - | - |",
};

static const struct {
    const char *name;
    enum agent_event_kind kind;
    enum reason failure;
} events[] = {
    {"stop", AGENT_STOP, REASON_NONE},
    {"forget", AGENT_FORGET, REASON_NONE},
    {"fetched", AGENT_FETCHED, REASON_NONE},
    {"not fetched", AGENT_FETCHED, REASON_CANNOT_FETCH_INPUT},
    {"started", AGENT_STARTED, REASON_NONE},
    {"not started", AGENT_STARTED, REASON_CANNOT_START},
    {"exited", AGENT_EXITED, REASON_NONE},
    {"vanished", AGENT_VANISHED, REASON_NONE},
    {"saved itself", AGENT_SAVED_ITSELF, REASON_NONE},
    {"saved", AGENT_SAVED, REASON_NONE},
    {"not saved", AGENT_SAVED, REASON_CANNOT_SAVE},
    {"acknowledged", AGENT_ACKNOWLEDGED, REASON_NONE},
    {"collected", AGENT_COLLECTED, REASON_NONE},
    {"not collected", AGENT_COLLECTED, REASON_CANNOT_COLLECT_OUTPUT},
    {"lapsed", AGENT_LAPSED, REASON_NONE},
    {"renewed", AGENT_RENEWED, REASON_NONE},
    {"pushed out", AGENT_PUSHED_OUT, REASON_NONE},
    {"memory short", AGENT_MEMORY_SHORT, REASON_NONE},
    {"memory enough", AGENT_MEMORY_ENOUGH, REASON_NONE},
    {"owner returned", AGENT_OWNER_RETURNED, REASON_NONE},
    {"owner near", AGENT_OWNER_NEAR, REASON_NONE},
    {"owner left", AGENT_OWNER_LEFT, REASON_NONE},
    {"owner vacates", AGENT_OWNER_VACATES, REASON_NONE},
    {"owner kills", AGENT_OWNER_KILLS, REASON_NONE},
    {"leave", AGENT_LEAVE, REASON_NONE},
};

/* From a fresh agent to an attempt in this phase, by the shortest way. */
static void reach(struct agent_fixture *fixture, enum column column)
{
    if (column == WAITING)
        fixture_run(fixture, OTHER, FIXTURE_CPUS);
    fixture_start(fixture, EPOCH, 1);
    if (column >= STARTING)
        fixture_tell(fixture, AGENT_FETCHED, EPOCH);
    if (column >= RUNNING)
        fixture_tell(fixture, AGENT_STARTED, EPOCH);
    if (column == FROZEN_FOR_OWNER)
        fixture_tell(fixture, AGENT_OWNER_RETURNED, 0);
    if (column == FROZEN_LAPSED)
        fixture_tell(fixture, AGENT_LAPSED, EPOCH);
    if (column == STOPPING || column == KILLING)
        fixture_tell(fixture, AGENT_STOP, EPOCH);
    if (column == KILLING)
        fixture_pass(fixture, FIXTURE_GRACE_MS);
    if (column == SAVING || column == LEAVING)
        fixture_save(fixture, EPOCH);
    if (column == LEAVING)
        fixture_tell(fixture, AGENT_STOP, EPOCH);
    if (column >= COLLECTING)
        fixture_tell(fixture, AGENT_EXITED, EPOCH);
    if (column == ENDED)
        fixture_tell(fixture, AGENT_COLLECTED, EPOCH);
}

static void apply(struct agent_fixture *fixture, size_t event)
{
    if (events[event].kind == AGENT_RENEWED) {
        fixture_pass(fixture, 1);
        fixture_renew(fixture, EPOCH);
    } else if (events[event].failure != REASON_NONE) {
        fixture_fail(fixture, events[event].kind, EPOCH, events[event].failure);
    } else if (events[event].kind == AGENT_ACKNOWLEDGED) {
        fixture_acknowledge(fixture, EPOCH, 1);
    } else {
        fixture_tell(fixture, events[event].kind, EPOCH);
    }
}

static const char *what_happens(size_t event, enum column column)
{
    struct agent_fixture *fixture;
    enum agent_phase before;
    const char *result = "dropped";
    void *state = NULL;

    agent_fixture_set_up(&state);
    fixture = state;
    reach(fixture, column);
    before = fixture_phase(fixture, EPOCH);
    apply(fixture, event);
    if (fixture_holds(fixture, EPOCH))
        result = fixture_phase(fixture, EPOCH) == before
                     ? "-"
                     : agent_phase_name(fixture_phase(fixture, EPOCH));
    agent_fixture_tear_down(&state);
    return result;
}

static void every_event_in_every_phase_does_what_the_page_says(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LENGTH(table), ARRAY_LENGTH(events) + 2);
    for (size_t event = 0; event < ARRAY_LENGTH(events); event++) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;

        buffer_appendf(&line, "| %s |", events[event].name);
        for (enum column column = 0; column < COLUMN_COUNT; column++)
            buffer_appendf(&line, " %s |", what_happens(event, column));
        assert_string_equal(line.data, table[event + 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_phase_does_what_the_page_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
