/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sweep.h: a world with nothing in it but the pool's brain, owners and the time that tasks
 * take. Messages need none, and leases never end, so that weeks of hundreds of nodes are a matter
 * of seconds. What happens next stands in one heap: an entry for each node, one for the next sweep,
 * one for the hour, in which histories are looked at, and one for the brain itself.
 */
#include "sweep.h"

#include "core/history.h"
#include "core/pool.h"

#include "base/heap.h"
#include "base/memory.h"

#include <assert.h>

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

static const uint64_t NEVER_MS = 400ULL * 365 * DAY_MS;

struct attempt {
    uint64_t epoch; /* 0: none */
    uint64_t left_ms;
    uint64_t done_ms;
    bool stopped; /* the pool has told it to leave */
};

struct sweep_node {
    struct owner owner;
    bool owner_present;
    uint64_t owner_next_ms;   /* when that changes */
    uint64_t since_ms;        /* up to when its attempts have computed */
    uint64_t vacate_ms;       /* UINT64_MAX: not yet */
    struct attempt *attempts; /* owned, one for each CPU */
    struct history history;
    uint64_t free_since_ms, learned_ms; /* of what is free, up to when its history knows it */
};

struct sweep_job {
    uint64_t submitted_ms;
    uint32_t left;
};

struct sweep {
    const struct sweep_options *options;
    struct sweep_result result;
    struct random random;
    uint64_t now_ms, counts_from_ms, end_ms;
    struct pool *pool;
    struct pool_effects effects;
    struct pool_report_item *items; /* owned, room for one report */
    struct sweep_node *nodes;       /* owned */
    struct sweep_job *jobs;         /* owned, by number - 1 */
    size_t job_count, job_capacity;
    struct heap next;     /* nodes, and then the following */
    uint32_t submit_item; /* the next sweep */
    uint32_t hour_item;
    uint32_t pool_item;
    uint32_t *news; /* owned: nodes that have to tell something */
    size_t news_count, news_capacity;
    uint64_t *collects; /* owned: epochs whose outputs are there */
    size_t collect_count, collect_capacity;
};

/* Whether the days of learning are over. */
static bool counts(const struct sweep *sweep)
{
    return sweep->now_ms >= sweep->counts_from_ms;
}

/* The same in each of its attempts, and in whichever order the nodes are taken. */
static uint64_t computing_ms(const struct sweep *sweep, uint32_t job, uint32_t task)
{
    struct random random = {.state = sweep->options->seed ^ ((uint64_t)job << 32 | task)};
    uint64_t usual_ms = sweep->options->task_ms;

    return random_between(&random, usual_ms / 2, usual_ms + usual_ms / 2);
}

/* Effects. */

/* Epoch 0 finds a free place. */
static struct attempt *find_attempt(const struct sweep *sweep, uint32_t node, uint64_t epoch)
{
    for (uint32_t i = 0; i < sweep->options->cpus; i++)
        if (sweep->nodes[node].attempts[i].epoch == epoch)
            return &sweep->nodes[node].attempts[i];
    return NULL;
}

/* What has computed since the last look: nothing while the owner is there, all is frozen then. */
static void compute(struct sweep *sweep, struct sweep_node *node)
{
    uint64_t passed_ms = node->owner_present ? 0 : sweep->now_ms - node->since_ms;

    for (uint32_t i = 0; i < sweep->options->cpus; i++) {
        struct attempt *attempt = &node->attempts[i];

        if (attempt->epoch == 0)
            continue;
        assert(passed_ms <= attempt->left_ms);
        attempt->left_ms -= passed_ms;
        attempt->done_ms += passed_ms;
    }
    node->since_ms = sweep->now_ms;
}

static void tell_news(struct sweep *sweep, uint32_t node)
{
    array_reserve(sweep->news, sweep->news_capacity, sweep->news_count + 1);
    sweep->news[sweep->news_count++] = node;
}

/* It runs at once; that the node says so comes after this step. */
static void perform_start(struct sweep *sweep, const struct pool_effect *effect)
{
    struct attempt *attempt = find_attempt(sweep, effect->send.node, 0);

    assert(attempt);
    assert(!sweep->nodes[effect->send.node].owner_present);
    compute(sweep, &sweep->nodes[effect->send.node]);
    *attempt = (struct attempt){
        .epoch = effect->send.epoch,
        .left_ms = computing_ms(sweep, effect->send.job, effect->send.task),
    };
    tell_news(sweep, effect->send.node);
}

/* It leaves at once, and the node says so after this step. */
static void perform_stop(struct sweep *sweep, const struct pool_effect *effect)
{
    struct attempt *attempt = find_attempt(sweep, effect->send.node, effect->send.epoch);

    assert(attempt);
    attempt->stopped = true;
    sweep->result.moved += counts(sweep);
    tell_news(sweep, effect->send.node);
}

static void perform_forget(struct sweep *sweep, const struct pool_effect *effect)
{
    struct attempt *attempt = find_attempt(sweep, effect->send.node, effect->send.epoch);

    assert(attempt);
    *attempt = (struct attempt){0};
}

/*
 * An attempt ran to its end, and its job may be finished by that. Sweeps of the days of learning do
 * not count, although they may end later.
 */
static void perform_collect(struct sweep *sweep, const struct pool_effect *effect)
{
    const struct attempt *attempt = find_attempt(sweep, effect->send.node, effect->send.epoch);
    struct sweep_job *job = &sweep->jobs[effect->send.job - 1];
    uint64_t took_ms = sweep->now_ms - job->submitted_ms;

    array_reserve(sweep->collects, sweep->collect_capacity, sweep->collect_count + 1);
    sweep->collects[sweep->collect_count++] = effect->send.epoch;
    job->left--;
    if (counts(sweep)) {
        sweep->result.finished++;
        sweep->result.finished_ms += attempt->done_ms;
    }
    if (job->left > 0)
        return;
    heap_set(&sweep->next, sweep->submit_item, sweep->now_ms + MINUTE_MS);
    if (job->submitted_ms < sweep->counts_from_ms)
        return;
    sweep->result.sweeps++;
    sweep->result.sweeps_ms += took_ms;
    if (took_ms > sweep->result.sweep_ms_max)
        sweep->result.sweep_ms_max = took_ms;
}

static void perform(struct sweep *sweep, const struct pool_effect *effect)
{
    if (effect->kind == POOL_SEND_START)
        perform_start(sweep, effect);
    else if (effect->kind == POOL_SEND_STOP)
        perform_stop(sweep, effect);
    else if (effect->kind == POOL_SEND_FORGET)
        perform_forget(sweep, effect);
    else if (effect->kind == POOL_COLLECT)
        perform_collect(sweep, effect);
}

/* Effects never step the brain again: what follows from them waits for settle(). */
static void step(struct sweep *sweep, struct pool_event event)
{
    event.now_ms = sweep->now_ms;
    if (pool_prepare(sweep->pool, &event, &sweep->effects) < 0)
        abort();
    pool_step(sweep->pool, &event, &sweep->effects);
    for (size_t i = 0; i < sweep->effects.length; i++)
        perform(sweep, &sweep->effects.items[i]);
    sweep->effects.length = 0;
}

/* Nodes. */

/* An attempt that has nothing left is finished, even if the owner came at that very moment. */
static bool is_over(const struct sweep *sweep, const struct sweep_node *node,
                    const struct attempt *attempt)
{
    return attempt->left_ms == 0 || attempt->stopped || sweep->now_ms >= node->vacate_ms;
}

static struct pool_report_item item_of(const struct sweep *sweep, const struct sweep_node *node,
                                       const struct attempt *attempt)
{
    struct pool_report_item item = {.epoch = attempt->epoch, .state = ATTEMPT_RUNNING};

    if (is_over(sweep, node, attempt))
        item.state = ATTEMPT_ENDED;
    else if (node->owner_present)
        item.state = ATTEMPT_SUSPENDED;
    if (item.state == ATTEMPT_ENDED)
        item.outcome = attempt->left_ms == 0 ? OUTCOME_EXITED : OUTCOME_VACATED;
    if (item.state != ATTEMPT_RUNNING && attempt->left_ms > 0)
        item.reason = REASON_OWNER_RETURNED;
    return item;
}

/* What ends in this report is counted in it; the pool then says forget. */
static void count_lost(struct sweep *sweep, const struct pool_report_item *item,
                       const struct attempt *attempt)
{
    if (item->outcome != OUTCOME_VACATED || !counts(sweep))
        return;
    sweep->result.vacated++;
    sweep->result.lost_ms += attempt->done_ms;
}

/* Always in full, so that the pool never has to ask about anything. */
static void report(struct sweep *sweep, uint32_t number)
{
    struct sweep_node *node = &sweep->nodes[number];
    size_t count = 0;

    for (uint32_t i = 0; i < sweep->options->cpus; i++) {
        const struct attempt *attempt = &node->attempts[i];

        if (attempt->epoch == 0)
            continue;
        sweep->items[count] = item_of(sweep, node, attempt);
        count_lost(sweep, &sweep->items[count++], attempt);
    }
    step(sweep, (struct pool_event){.kind = POOL_NODE_REPORTED,
                                    .reported = {.node = number,
                                                 .session = 1,
                                                 .full = true,
                                                 .owner_present = node->owner_present,
                                                 .items = sweep->items,
                                                 .item_count = count}});
}

/* When something happens to the node next, if nothing new is started there. */
static void plan(struct sweep *sweep, uint32_t number)
{
    const struct sweep_node *node = &sweep->nodes[number];
    uint64_t next_ms = node->owner_next_ms;

    if (node->vacate_ms > sweep->now_ms && node->vacate_ms < next_ms)
        next_ms = node->vacate_ms;
    for (uint32_t i = 0; i < sweep->options->cpus && !node->owner_present; i++)
        if (node->attempts[i].epoch != 0 && sweep->now_ms + node->attempts[i].left_ms < next_ms)
            next_ms = sweep->now_ms + node->attempts[i].left_ms;
    heap_set(&sweep->next, number, next_ms);
}

/* The history hears what a server would see of it. */
static void learn(const struct sweep *sweep, struct sweep_node *node, bool has_ended)
{
    history_add(&node->history, node->free_since_ms / 1000, node->learned_ms / 1000,
                sweep->now_ms / 1000, has_ended);
    node->learned_ms = sweep->now_ms;
}

static uint64_t expected_s(const struct sweep *sweep, const struct sweep_node *node)
{
    return history_expected_s(&node->history, node->free_since_ms / 1000, sweep->now_ms / 1000);
}

static void tell_stay(struct sweep *sweep, uint32_t number)
{
    struct pool_event event = {.kind = POOL_NODE_CHANGED, .changed = {.node = number}};

    if (!sweep->options->by_history || sweep->nodes[number].owner_present)
        return;
    event.changed.stay = history_stay(expected_s(sweep, &sweep->nodes[number]));
    step(sweep, event);
}

static void owner_moves(struct sweep *sweep, struct sweep_node *node)
{
    bool present = !node->owner_present;

    node->owner_present = present;
    node->owner_next_ms =
        owner_next_ms(&node->owner, &sweep->options->owners, present, sweep->now_ms);
    node->vacate_ms = present ? sweep->now_ms + sweep->options->suspend_for_ms : UINT64_MAX;
    if (present)
        learn(sweep, node, true);
    else
        node->free_since_ms = node->learned_ms = sweep->now_ms;
}

static void node_happens(struct sweep *sweep, uint32_t number)
{
    struct sweep_node *node = &sweep->nodes[number];

    compute(sweep, node);
    if (sweep->now_ms >= node->owner_next_ms) {
        owner_moves(sweep, node);
        tell_stay(sweep, number);
    }
    report(sweep, number);
    plan(sweep, number);
}

/* The world. */

static void submit(struct sweep *sweep)
{
    struct pool_part part = {.count = sweep->options->tasks, .request = {1, 1, 1}};
    struct pool_event event = {.kind = POOL_SUBMIT};

    array_reserve(sweep->jobs, sweep->job_capacity, sweep->job_count + 1);
    sweep->jobs[sweep->job_count++] =
        (struct sweep_job){.submitted_ms = sweep->now_ms, .left = part.count};
    event.submit.job = (uint32_t)sweep->job_count;
    event.submit.parts = &part;
    event.submit.part_count = 1;
    step(sweep, event);
    heap_remove(&sweep->next, sweep->submit_item);
}

/*
 * Two free nodes, and which of them its history says to be the better one. The truth is known: when
 * the owners come was drawn when they left.
 */
static void compare_pair(struct sweep *sweep)
{
    const struct sweep_node *one =
        &sweep->nodes[random_below(&sweep->random, sweep->options->nodes)];
    const struct sweep_node *other =
        &sweep->nodes[random_below(&sweep->random, sweep->options->nodes)];
    uint64_t of_one = expected_s(sweep, one), of_other = expected_s(sweep, other);

    if (one->owner_present || other->owner_present || of_one == of_other)
        return;
    sweep->result.pairs++;
    if ((of_one > of_other) == (one->owner_next_ms > other->owner_next_ms))
        sweep->result.pairs_right++;
}

static void look(struct sweep *sweep)
{
    size_t when = owners_office_hours(sweep->now_ms) ? 0 : 1;

    heap_set(&sweep->next, sweep->hour_item, sweep->now_ms + HOUR_MS);
    for (uint32_t n = 0; n < sweep->options->nodes; n++) {
        if (!sweep->nodes[n].owner_present)
            learn(sweep, &sweep->nodes[n], false);
        tell_stay(sweep, n);
        sweep->result.looks[when] += counts(sweep);
        sweep->result.owners_met[when] += counts(sweep) && sweep->nodes[n].owner_present;
    }
    if (!counts(sweep))
        return;
    compare_pair(sweep);
}

/* Until neither the brain nor a node has anything to say at this moment. */
static void settle(struct sweep *sweep)
{
    for (;;) {
        if (sweep->collect_count > 0) {
            step(sweep,
                 (struct pool_event){.kind = POOL_COLLECTED,
                                     .collected.epoch = sweep->collects[--sweep->collect_count]});
        } else if (sweep->news_count > 0) {
            node_happens(sweep, sweep->news[--sweep->news_count]);
        } else if (pool_next_step_ms(sweep->pool) <= sweep->now_ms) {
            step(sweep, (struct pool_event){.kind = POOL_TICK});
        } else {
            break;
        }
    }
    heap_set(&sweep->next, sweep->pool_item, pool_next_step_ms(sweep->pool));
}

static void happen(struct sweep *sweep, uint32_t item)
{
    if (item < sweep->options->nodes)
        node_happens(sweep, item);
    else if (item == sweep->submit_item)
        submit(sweep);
    else if (item == sweep->hour_item)
        look(sweep);
    settle(sweep);
}

/* All owners are away at first, on a Monday at 0 o'clock. */
static void connect(struct sweep *sweep, uint32_t number)
{
    uint32_t cpus = sweep->options->cpus;
    struct sweep_node *node = &sweep->nodes[number];

    node->attempts = memory_allocate(cpus * sizeof(*node->attempts));
    node->vacate_ms = UINT64_MAX;
    owner_init(&node->owner, sweep->options->seed, number);
    node->owner_next_ms = owner_next_ms(&node->owner, &sweep->options->owners, false, 0);
    step(sweep, (struct pool_event){.kind = POOL_NODE_CONNECTED,
                                    .connected = {.node = number,
                                                  .session = 1,
                                                  .machine = number + 1,
                                                  .capacity = {cpus, cpus, cpus}}});
    node_happens(sweep, number);
}

static void begin(struct sweep *sweep, const struct sweep_options *options)
{
    /* Only who may be moved has to be looked at again. */
    const struct pool_options endless = {.lease_ms = NEVER_MS,
                                         .margin_ms = NEVER_MS,
                                         .heartbeat_ms =
                                             options->move_suspended_ms > 0 ? MINUTE_MS : NEVER_MS,
                                         .move_suspended_ms = options->move_suspended_ms};

    *sweep = (struct sweep){
        .options = options,
        .random = {.state = options->seed},
        .counts_from_ms = (uint64_t)options->learning_days * DAY_MS,
        .end_ms = ((uint64_t)options->learning_days + options->days) * DAY_MS,
        .pool = pool_new(&endless),
        .items = memory_allocate(options->cpus * sizeof(*sweep->items)),
        .nodes = memory_allocate(options->nodes * sizeof(*sweep->nodes)),
        .submit_item = options->nodes,
        .hour_item = options->nodes + 1,
        .pool_item = options->nodes + 2,
    };
    if (!sweep->pool || !heap_try_reserve(&sweep->next, sweep->pool_item + 1))
        abort();
    for (uint32_t n = 0; n < options->nodes; n++)
        connect(sweep, n);
    heap_set(&sweep->next, sweep->submit_item, 0);
    heap_set(&sweep->next, sweep->hour_item, HOUR_MS);
    settle(sweep);
}

static void end(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->job_count; i++)
        if (sweep->jobs[i].left > 0)
            sweep->result.sweeps_open++;
    sweep->result.days = sweep->options->days;
    for (uint32_t n = 0; n < sweep->options->nodes; n++)
        free(sweep->nodes[n].attempts);
    pool_free(sweep->pool);
    pool_effects_deinit(&sweep->effects);
    heap_deinit(&sweep->next);
    free(sweep->items);
    free(sweep->nodes);
    free(sweep->jobs);
    free(sweep->news);
    free(sweep->collects);
}

struct sweep_result sweep_run(const struct sweep_options *options)
{
    struct sweep sweep;

    begin(&sweep, options);
    while (heap_first(&sweep.next)->key < sweep.end_ms) {
        sweep.now_ms = heap_first(&sweep.next)->key;
        happen(&sweep, heap_first(&sweep.next)->item);
    }
    end(&sweep);
    return sweep.result;
}

void sweep_result_add(struct sweep_result *sum, const struct sweep_result *result)
{
    sum->days += result->days;
    sum->finished += result->finished;
    sum->finished_ms += result->finished_ms;
    sum->lost_ms += result->lost_ms;
    sum->vacated += result->vacated;
    sum->moved += result->moved;
    sum->sweeps += result->sweeps;
    sum->sweeps_ms += result->sweeps_ms;
    if (result->sweep_ms_max > sum->sweep_ms_max)
        sum->sweep_ms_max = result->sweep_ms_max;
    sum->sweeps_open += result->sweeps_open;
    for (size_t when = 0; when < 2; when++) {
        sum->looks[when] += result->looks[when];
        sum->owners_met[when] += result->owners_met[when];
    }
    sum->pairs += result->pairs;
    sum->pairs_right += result->pairs_right;
}

/* Nothing has no parts and takes no time. */
static double ratio(uint64_t part, uint64_t whole, double unit)
{
    return whole > 0 ? (double)part / (double)whole * unit : 0;
}

static void print_line(const char *name, double fixed, double by_history, FILE *out)
{
    fprintf(out, "%-36s %12.2f %12.2f\n", name, fixed, by_history);
}

void sweep_print(const struct sweep_result *fixed, const struct sweep_result *learned, FILE *out)
{
    const double hours = 1.0 / HOUR_MS;

    fprintf(out, "%-36s %12s %12s\n", "nodes in order", "fixed", "by history");
    print_line("owners present in office hours, %",
               ratio(fixed->owners_met[0], fixed->looks[0], 100),
               ratio(learned->owners_met[0], learned->looks[0], 100), out);
    print_line("owners present at other times, %",
               ratio(fixed->owners_met[1], fixed->looks[1], 100),
               ratio(learned->owners_met[1], learned->looks[1], 100), out);
    print_line("finished work per day, h", ratio(fixed->finished_ms, fixed->days, hours),
               ratio(learned->finished_ms, learned->days, hours), out);
    print_line("finished tasks per day", ratio(fixed->finished, fixed->days, 1),
               ratio(learned->finished, learned->days, 1), out);
    print_line("work thrown away per day, h", ratio(fixed->lost_ms, fixed->days, hours),
               ratio(learned->lost_ms, learned->days, hours), out);
    print_line("work thrown away, %",
               ratio(fixed->lost_ms, fixed->lost_ms + fixed->finished_ms, 100),
               ratio(learned->lost_ms, learned->lost_ms + learned->finished_ms, 100), out);
    print_line("attempts vacated per day", ratio(fixed->vacated, fixed->days, 1),
               ratio(learned->vacated, learned->days, 1), out);
    print_line("of these moved by the pool", ratio(fixed->moved, fixed->days, 1),
               ratio(learned->moved, learned->days, 1), out);
    print_line("a sweep takes, h", ratio(fixed->sweeps_ms, fixed->sweeps, hours),
               ratio(learned->sweeps_ms, learned->sweeps, hours), out);
    print_line("the longest sweep takes, h", ratio(fixed->sweep_ms_max, 1, hours),
               ratio(learned->sweep_ms_max, 1, hours), out);
    print_line("pairs of nodes foreseen, %", ratio(fixed->pairs_right, fixed->pairs, 100),
               ratio(learned->pairs_right, learned->pairs, 100), out);
}
