/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event in every state of a task and its claim, against the table of
 * doc/specification/pool.md. The lines here are those of the page (tests/tidy/moves), and each of
 * their cells is tried out.
 */
#include "core/pool_fixture.h"
#include "core/pool_internal.h"

#include "base/buffer.h"

#include <string.h>

enum { JOB = 1, TASK = 0, NODE = 0, EPOCH = 1 };

/* In the order of the columns; a star stands for a claim that was told to stop. */
enum column {
    IDLE,
    HELD,
    OFFERED,
    CONFIRMED,
    FROZEN,
    COLLECTING,
    IDLE_STOPPING,
    HELD_STOPPING,
    REMOVED_STOPPING,
    COLUMN_COUNT
};

static const char *const table[] = {
    ("| event | Idle | Held | offered | confirmed | frozen | collecting | "
     "Idle* | Held* | Removed* |"),
    "|---|---|---|---|---|---|---|---|---|---|",
    "| hold | Held | - | Held* | Held* | Held* | Held | Held* | - | - |",
    "| release | - | Idle | - | - | - | - | - | Idle* | - |",
    "| remove | over | over | Removed* | Removed* | Removed* | over | Removed* | Removed* | - |",
    "| shown preparing | - | - | confirmed | - | - | - | - | - | - |",
    "| shown running | - | - | confirmed | - | confirmed | - | - | - | - |",
    "| shown suspended | - | - | frozen | frozen | - | - | - | - | - |",
    "| ended: exited | - | - | collecting | collecting | collecting | - | Idle | Held | over |",
    "| ended: failed | - | - | Held | Held | Held | Held | Idle | Held | over |",
    "| ended: vacated | - | - | Idle | Idle | Idle | Idle | Idle | Held | over |",
    "| ended: lost | - | - | Idle | Idle | Idle | Idle | Idle | Held | over |",
    "| not listed, accepted | - | - | Idle | Idle | Idle | Idle | Idle | Held | over |",
    "| not listed, not accepted | - | - | - | - | - | - | - | - | - |",
    "| the same in a new session | - | - | - | - | - | - | Idle | Held | over |",
    "| collected | - | - | - | - | - | over | - | - | - |",
    "| not collected | - | - | - | - | - | Held | - | - | - |",
    "| checkpoint collected | - | - | - | - | - | - | - | - | - |",
    "| refused | - | - | Held | - | - | - | - | - | - |",
    "| lease over | - | - | Idle | Idle | Idle | Idle | Idle | Held | over |",
    "| node disconnected | - | - | - | - | - | - | - | - | - |",
    "| node forgotten | - | - | - | - | - | - | - | - | - |",
    "| node drained | - | - | - | - | - | - | - | - | - |",
    "| node drained at once | - | - | Idle* | Idle* | Idle* | - | - | - | - |",
    "| node drained no more | - | - | - | - | - | - | - | - | - |",
    "| a while, another node free | offered | - | - | - | Idle* | - | - | - | - |",
    "| node of another class | - | - | - | - | - | - | - | - | - |",
    "| a higher ranked one waits | - | - | Idle* | Idle* | - | - | - | - | - |",
};

/* News that its owner is there and the agent is about to leave: nothing that came back starts. */
static void keep_others_away(struct pool_fixture *fixture)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = NODE,
                                                           .session = fixture->sessions[NODE],
                                                           .owner_present = true,
                                                           .leaving = true}});
}

static void report(struct pool_fixture *fixture, uint64_t highest,
                   const struct pool_report_item *item)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = NODE,
                                                           .session = fixture->sessions[NODE],
                                                           .highest_epoch = highest,
                                                           .full = true,
                                                           .owner_present = true,
                                                           .leaving = true,
                                                           .items = item,
                                                           .item_count = item ? 1 : 0}});
}

static void show(struct pool_fixture *fixture, enum attempt_state state, enum outcome outcome)
{
    report(fixture, EPOCH,
           &(struct pool_report_item){.epoch = EPOCH, .state = state, .outcome = outcome});
}

static void event_hold(struct pool_fixture *fixture)
{
    fixture_choose(fixture, POOL_HOLD, JOB, TASK);
}

static void event_release(struct pool_fixture *fixture)
{
    fixture_choose(fixture, POOL_RELEASE, JOB, TASK);
}

static void event_remove(struct pool_fixture *fixture)
{
    fixture_choose(fixture, POOL_REMOVE, JOB, TASK);
}

static void event_preparing(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_PREPARING, OUTCOME_NONE);
}

static void event_running(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_RUNNING, OUTCOME_NONE);
}

static void event_suspended(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_SUSPENDED, OUTCOME_NONE);
}

static void event_exited(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_ENDED, OUTCOME_EXITED);
}

static void event_failed(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_ENDED, OUTCOME_FAILED);
}

static void event_vacated(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_ENDED, OUTCOME_VACATED);
}

static void event_lost(struct pool_fixture *fixture)
{
    show(fixture, ATTEMPT_ENDED, OUTCOME_LOST);
}

static void event_accepted(struct pool_fixture *fixture)
{
    report(fixture, EPOCH, NULL);
}

static void event_not_accepted(struct pool_fixture *fixture)
{
    report(fixture, 0, NULL);
}

static void event_new_session(struct pool_fixture *fixture)
{
    fixture_disconnect(fixture, NODE);
    fixture_connect(fixture, NODE, 1);
    report(fixture, 0, NULL);
}

static void event_collected(struct pool_fixture *fixture)
{
    fixture_collected(fixture, EPOCH, REASON_NONE);
}

static void event_not_collected(struct pool_fixture *fixture)
{
    fixture_collected(fixture, EPOCH, REASON_DISK_FULL_AT_SUBMITTER);
}

static void event_checkpoint(struct pool_fixture *fixture)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_CHECKPOINT_COLLECTED,
                                              .collected = {.epoch = EPOCH, .checkpoint = 1}});
}

static void event_refused(struct pool_fixture *fixture)
{
    fixture_step(fixture, (struct pool_event){
                              .kind = POOL_REFUSED,
                              .collected = {.epoch = EPOCH, .failure = REASON_CANNOT_EXPAND}});
}

static void event_lease_over(struct pool_fixture *fixture)
{
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS);
}

static void event_disconnected(struct pool_fixture *fixture)
{
    fixture_disconnect(fixture, NODE);
}

static void event_forgotten(struct pool_fixture *fixture)
{
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_FORGOTTEN, .forgotten_node = NODE});
}

static void event_drained(struct pool_fixture *fixture)
{
    fixture_drain(fixture, NODE, true, false);
}

static void event_drained_now(struct pool_fixture *fixture)
{
    fixture_drain(fixture, NODE, true, true);
}

static void event_drained_no_more(struct pool_fixture *fixture)
{
    fixture_drain(fixture, NODE, true, false);
    fixture_drain(fixture, NODE, false, true);
}

/* For as long as the leases allow: a task that has just begun stays where it is. */
static void event_other_node_free(struct pool_fixture *fixture)
{
    fixture_join(fixture, NODE + 1, 1);
    fixture_tick(fixture, FIXTURE_LEASE_MS + FIXTURE_MARGIN_MS - 1);
}

static void event_changed(struct pool_fixture *fixture)
{
    fixture_step(fixture,
                 (struct pool_event){.kind = POOL_NODE_CHANGED, .changed = {.node = NODE, 1, 1}});
}

/* Its owner, who has kept others away until now, is not there; or he is, of what is frozen. */
static void event_higher_ranked_waits(struct pool_fixture *fixture)
{
    const struct pool_part ranked = {.count = 1, .request = {1, 1, 1}, .job_class = 1};
    const struct pool_task *task = pool_find_task(fixture->pool, JOB, TASK);
    bool is_frozen = task && task->row.state == TASK_SUSPENDED;

    assert_int_equal(pool_set_job_class(fixture->pool, 1, (int64_t[]){0}, 1), 0);
    pool_set_rank(fixture->pool, 0, 0, 1);
    pool_set_rank(fixture->pool, 1, 0, 2);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                              .reported = {.node = NODE,
                                                           .session = fixture->sessions[NODE],
                                                           .owner_present = is_frozen}});
    fixture_submit_parts(fixture, JOB + 1, 0, false, &ranked, 1);
}

static const struct {
    const char *name;
    void (*happens)(struct pool_fixture *fixture);
} events[] = {
    {"hold", event_hold},
    {"release", event_release},
    {"remove", event_remove},
    {"shown preparing", event_preparing},
    {"shown running", event_running},
    {"shown suspended", event_suspended},
    {"ended: exited", event_exited},
    {"ended: failed", event_failed},
    {"ended: vacated", event_vacated},
    {"ended: lost", event_lost},
    {"not listed, accepted", event_accepted},
    {"not listed, not accepted", event_not_accepted},
    {"the same in a new session", event_new_session},
    {"collected", event_collected},
    {"not collected", event_not_collected},
    {"checkpoint collected", event_checkpoint},
    {"refused", event_refused},
    {"lease over", event_lease_over},
    {"node disconnected", event_disconnected},
    {"node forgotten", event_forgotten},
    {"node drained", event_drained},
    {"node drained at once", event_drained_now},
    {"node drained no more", event_drained_no_more},
    {"a while, another node free", event_other_node_free},
    {"node of another class", event_changed},
    {"a higher ranked one waits", event_higher_ranked_waits},
};

/* A second task is held all the time, so that the job does not end with the first one. */
static void reach(struct pool_fixture *fixture, enum column column)
{
    fixture_submit(fixture, JOB, 2);
    fixture_choose(fixture, POOL_HOLD, JOB, 1);
    if (column >= OFFERED)
        fixture_join(fixture, NODE, 1);
    else
        fixture_connect(fixture, NODE, 1);
    keep_others_away(fixture);
    if (column == HELD)
        event_hold(fixture);
    if (column > OFFERED)
        event_running(fixture);
    if (column == FROZEN)
        event_suspended(fixture);
    if (column == COLLECTING)
        event_exited(fixture);
    if (column == IDLE_STOPPING || column == HELD_STOPPING)
        event_hold(fixture);
    if (column == IDLE_STOPPING)
        event_release(fixture);
    if (column == REMOVED_STOPPING)
        event_remove(fixture);
}

static const char *claim_name(const struct pool_task *task)
{
    switch (task->phase) {
    case CLAIM_OFFERED:
        return "offered";
    case CLAIM_CONFIRMED:
        return task->row.state == TASK_SUSPENDED ? "frozen" : "confirmed";
    case CLAIM_COLLECTING:
        return "collecting";
    case CLAIM_NONE:
    case CLAIM_PHASE_COUNT:
        break;
    }
    abort();
}

/* As the table calls it. */
static void append_state(struct buffer *text, const struct pool_fixture *fixture)
{
    const struct pool_task *task = pool_find_task(fixture->pool, JOB, TASK);
    struct pool_task_row row;

    if (task && task->stopping)
        buffer_appendf(text, "%s*", task_state_name(task->row.state));
    else if (task && task->phase != CLAIM_NONE)
        buffer_append_text(text, claim_name(task));
    else if (pool_view_task(fixture->pool, JOB, TASK, &row))
        buffer_append_text(text, task_state_name(row.state));
    else
        buffer_append_text(text, "over");
}

static void append_what_happens(struct buffer *line, size_t event, enum column column)
{
    _cleanup_buffer_ struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
    struct pool_fixture *fixture;
    void *state = NULL;

    pool_fixture_set_up(&state);
    fixture = state;
    reach(fixture, column);
    append_state(&before, fixture);
    events[event].happens(fixture);
    append_state(&after, fixture);
    buffer_appendf(line, " %s |", strcmp(before.data, after.data) == 0 ? "-" : after.data);
    pool_fixture_tear_down(&state);
}

static void every_event_in_every_state_does_what_the_page_says(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LENGTH(table), ARRAY_LENGTH(events) + 2);
    for (size_t event = 0; event < ARRAY_LENGTH(events); event++) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;

        buffer_appendf(&line, "| %s |", events[event].name);
        for (enum column column = 0; column < COLUMN_COUNT; column++)
            append_what_happens(&line, event, column);
        assert_string_equal(line.data, table[event + 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state_does_what_the_page_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
