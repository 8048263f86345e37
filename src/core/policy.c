/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See policy.h. A look follows the work that came or went, makes the ad of what is seen, which the
 * expressions are a part of (PREEMPT may name SUSPEND), and takes the way that they open from the
 * state that it is in.
 *
 * HTCondor's times are seconds of the clock on the wall. That clock leaps, so that the moments told
 * here are worked out backwards from it each time: how long something has lasted is right.
 */
#include "core/match_wishes.h"
#include "core/policy_internal.h"

#include "base/memory.h"
#include "lang/text.h"

#include <assert.h>
#include <string.h>

enum { SECOND_MS = 1000, UNIVERSE_VANILLA = 5, STEPS_MAX = 100000 };

static const char UNIVERSE[] = "JobUniverse";

_Static_assert(POLICY_NAMES_MAX == MATCH_NODE_WISHES_MAX, "names are gathered in a list of wishes");

/* As HTCondor's startd calls them. */
static const struct {
    const char *name;
    const char *state;
    const char *activity;
    enum owner_presence presence;
} states[POLICY_STATE_COUNT] = {
    [POLICY_OWNER] = {"owner", "Owner", "Idle", OWNER_NEAR},
    [POLICY_UNCLAIMED] = {"unclaimed", "Unclaimed", "Idle", OWNER_AWAY},
    [POLICY_BUSY] = {"busy", "Claimed", "Busy", OWNER_AWAY},
    [POLICY_SUSPENDED] = {"suspended", "Claimed", "Suspended", OWNER_PRESENT},
    [POLICY_VACATING] = {"vacating", "Preempting", "Vacating", OWNER_PRESENT},
    [POLICY_KILLING] = {"killing", "Preempting", "Killing", OWNER_PRESENT},
};

const char *policy_state_name(enum policy_state state)
{
    assert(state < POLICY_STATE_COUNT);
    return states[state].name;
}

const char *policy_expression(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < POLICY_EXPRESSION_COUNT; i++)
        if (slice_equals_ignoring_case(slice_from_text(name), policy_expression_names[i]))
            return policy->texts[i];
    return NULL;
}

int policy_new(const char *name, const struct policy_definition *definitions, size_t count,
               struct policy **ret_policy, struct error *err)
{
    struct policy *policy = memory_allocate(sizeof(*policy));
    int r;

    policy->evaluator = CLASSAD_EVALUATOR_INIT;
    policy->evaluator.step_count_max = STEPS_MAX;
    r = policy_compile(policy, name ? name : POLICY_DEFAULT, definitions, count, err);
    if (r < 0)
        policy = policy_free(policy);
    else
        *ret_policy = policy;
    return r;
}

struct policy *policy_free(struct policy *policy)
{
    if (!policy)
        return NULL;
    for (size_t i = 0; i < POLICY_EXPRESSION_COUNT; i++)
        free(policy->texts[i]);
    buffer_deinit(&policy->start);
    buffer_deinit(&policy->rank);
    buffer_deinit(&policy->names);
    classad_evaluator_deinit(&policy->evaluator);
    free(policy);
    return NULL;
}

/* ---- what is seen ---- */

/* Seconds on the wall's clock of a moment on the agent's. */
static int64_t wall_of(const struct policy_sight *sight, uint64_t ms)
{
    return sight->wall_seconds - (int64_t)((sight->now_ms - ms) / SECOND_MS);
}

static int64_t seconds_since(const struct policy_sight *sight, uint64_t ms)
{
    return (int64_t)((sight->now_ms - ms) / SECOND_MS);
}

/*
 * One that the pool has woken was idle when it fell asleep, and nobody knows since when: for ever,
 * or it would be woken for work and wait for its owner, who is not there.
 */
static void add_uses(const struct policy_sight *sight, struct classad *ad)
{
    if (sight->is_woken) {
        classad_set_integer(ad, "KeyboardIdle", sight->wall_seconds);
        classad_set_integer(ad, "ConsoleIdle", sight->wall_seconds);
        return;
    }
    classad_set_integer(ad, "KeyboardIdle", seconds_since(sight, sight->keyboard_ms));
    classad_set_integer(ad, "ConsoleIdle", seconds_since(sight, sight->console_ms));
}

/* The texts can be read: the policy's were when they were compiled. */
static void set_expression(struct classad *ad, const char *name, const char *text)
{
    struct classad_failure failure;
    int r = classad_set(ad, slice_from_text(name), slice_from_text(text), CLASSAD_OLD, &failure);

    assert(r == 0);
    (void)r;
}

/* What is not so is said, too: else it were a name that the job might have. */
static void add_state(const struct policy *policy, const struct policy_sight *sight,
                      struct classad *ad)
{
    classad_set_string(ad, "State", slice_from_text(states[policy->state].state));
    classad_set_string(ad, "Activity", slice_from_text(states[policy->state].activity));
    classad_set_integer(ad, "EnteredCurrentState", wall_of(sight, policy->state_ms));
    classad_set_integer(ad, "EnteredCurrentActivity", wall_of(sight, policy->activity_ms));
    if (!sight->has_work) {
        set_expression(ad, "JobStart", "undefined");
        set_expression(ad, "TotalJobRunTime", "undefined");
        return;
    }
    classad_set_integer(ad, "JobStart", wall_of(sight, policy->work_ms));
    classad_set_integer(ad, "TotalJobRunTime", seconds_since(sight, policy->work_ms));
}

/* What the pool computes is no reason to be busy. A load that nobody knows is UNDEFINED. */
static void add_loads(const struct policy_sight *sight, struct classad *ad)
{
    if (sight->load < 0) {
        set_expression(ad, "LoadAvg", "undefined");
        set_expression(ad, "CondorLoadAvg", "undefined");
        return;
    }
    classad_set_real(ad, "LoadAvg", sight->load);
    classad_set_real(ad, "CondorLoadAvg", sight->tasks_load);
}

static void add_expressions(const struct policy *policy, struct classad *ad)
{
    for (size_t i = 0; i < POLICY_EXPRESSION_COUNT; i++)
        set_expression(ad, policy_expression_names[i], policy->texts[i]);
}

/* A look: what is seen, and what it is evaluated with. */
struct look {
    struct policy *policy;
    const struct policy_sight *sight;
    struct classad *ad;        /* owned */
    struct classad **jobs;     /* owned, both ways */
    const struct classad *job; /* that is looked at; NULL: there is no work */
    bool start_is_open;        /* nobody knows START without a job */
};

static struct classad_value evaluate(const struct look *look, enum policy_expression expression)
{
    return classad_evaluate_attribute(&look->policy->evaluator, policy_expression_names[expression],
                                      look->ad, look->job);
}

/* UNDEFINED and ERROR count as `otherwise`. */
static bool is_so(const struct look *look, enum policy_expression expression, bool otherwise)
{
    struct classad_value value = evaluate(look, expression);
    bool is_true;

    return classad_value_as_boolean(&value, &is_true) ? is_true : otherwise;
}

static bool is_true(const struct look *look, enum policy_expression expression)
{
    return is_so(look, expression, false);
}

/* HTCondor remembers when CpuBusy last became true; SUSPEND asks for how long it has been. */
static void watch_cpu(const struct look *look)
{
    struct policy *policy = look->policy;
    bool is_busy = is_true(look, POLICY_CPU_BUSY);

    if (is_busy && !policy->is_cpu_busy)
        policy->busy_ms = look->sight->now_ms;
    policy->is_cpu_busy = is_busy;
    classad_set_boolean(look->ad, "CpuIsBusy", is_busy);
    classad_set_integer(look->ad, "CpuBusyTime",
                        is_busy ? seconds_since(look->sight, policy->busy_ms) : 0);
}

/* Appends what is left of the expression for those who have the job. Returns whether they decide.
 */
static bool resolve(const struct look *look, enum policy_expression expression, struct buffer *text)
{
    const struct classad_node *node = classad_get(look->ad, policy_expression_names[expression]);

    buffer_clear(text);
    if (!classad_node_leads_out(node, look->ad))
        return false;
    return classad_resolve(&look->policy->evaluator, node, look->ad, expression == POLICY_START,
                           POLICY_ASKED_SIZE_MAX, text);
}

/*
 * With its own attributes UNDEFINED a job would be judged where nobody has seen it: by =?= and the
 * like even as false. Where there is work, other expressions may ask what START says of it.
 */
static void resolve_all(struct look *look)
{
    struct policy *policy = look->policy;
    const char *start = policy_expression_names[POLICY_START];

    look->start_is_open = resolve(look, POLICY_START, &policy->start);
    (void)resolve(look, POLICY_RANK, &policy->rank);
    if (policy->start.length > 0 && !look->start_is_open)
        set_expression(look->ad, start, buffer_text(&policy->start));
    else if (look->start_is_open && !look->sight->has_work)
        set_expression(look->ad, start, "undefined");
}

/* ---- jobs ---- */

/* What is true of every job is known, and what has no plain name no job has. */
static void on_name(void *user_data, struct slice text)
{
    _cleanup_free_ char *name = slice_copy(text);
    bool is_plain = !slice_equals_ignoring_case(text, UNIVERSE);

    for (size_t i = 0; i < text.length; i++)
        is_plain = is_plain && text_is_of_name(text.data[i]);
    if (is_plain)
        match_wish_list_add(user_data, name);
}

static void collect_names(const struct look *look)
{
    static const enum policy_expression about_jobs[] = {POLICY_WANT_SUSPEND,
                                                        POLICY_SUSPEND,
                                                        POLICY_CONTINUE,
                                                        POLICY_PREEMPT,
                                                        POLICY_WANT_VACATE,
                                                        POLICY_KILL,
                                                        POLICY_MACHINE_MAX_VACATE_TIME};
    struct buffer *names = &look->policy->names;
    struct match_wish_list list = {0};

    for (size_t i = 0; i < ARRAY_LENGTH(about_jobs); i++)
        classad_node_walk_outer(classad_get(look->ad, policy_expression_names[about_jobs[i]]),
                                look->ad, on_name, &list);
    buffer_clear(names);
    for (size_t i = 0; i < list.count; i++)
        buffer_appendf(names, "%s%s", i > 0 ? " " : "", list.names[i]);
    match_wish_list_deinit(&list);
}

/* One of which nothing is known is there as well. */
static size_t count_jobs(const struct look *look)
{
    return look->sight->job_count > 0 ? look->sight->job_count : 1;
}

static void read_jobs(struct look *look)
{
    if (!look->sight->has_work)
        return;
    look->jobs = memory_allocate(count_jobs(look) * sizeof(struct classad *));
    for (size_t i = 0; i < count_jobs(look); i++) {
        look->jobs[i] = classad_new();
        if (i < look->sight->job_count)
            classad_read_tolerantly(look->jobs[i], look->sight->jobs[i]);
        classad_set_integer(look->jobs[i], UNIVERSE, UNIVERSE_VANILLA);
    }
    look->job = look->jobs[0];
}

static void look_deinit(struct look *look)
{
    for (size_t i = 0; look->jobs && i < count_jobs(look); i++)
        classad_free(look->jobs[i]);
    free(look->jobs);
    classad_free(look->ad);
}

static void look_around(struct look *look)
{
    const struct policy_sight *sight = look->sight;
    struct classad_evaluator *evaluator = &look->policy->evaluator;

    evaluator->now_seconds = sight->wall_seconds;
    evaluator->utc_offset_seconds = sight->utc_offset_seconds;
    look->ad = classad_new();
    classad_read_tolerantly(look->ad, sight->node);
    add_uses(sight, look->ad);
    add_loads(sight, look->ad);
    add_state(look->policy, sight, look->ad);
    add_expressions(look->policy, look->ad);
    read_jobs(look);
    watch_cpu(look);
    collect_names(look);
    resolve_all(look);
}

/* ---- what follows ---- */

static void enter(struct policy *policy, uint64_t now_ms, enum policy_state state)
{
    if (strcmp(states[state].state, states[policy->state].state) != 0)
        policy->state_ms = now_ms;
    policy->activity_ms = now_ms;
    policy->state = state;
}

/*
 * Whoever does not say how long he gives, or nothing that is a number, gives no time. Of several
 * jobs it is the shortest.
 */
static double pledge(struct look *look)
{
    double least = 0;

    for (size_t i = 0; i < count_jobs(look); i++) {
        struct classad_value value;
        double seconds = 0;

        look->job = look->jobs[i];
        value = evaluate(look, POLICY_MACHINE_MAX_VACATE_TIME);
        (void)classad_value_as_real(&value, &seconds);
        if (i == 0 || seconds < least)
            least = seconds;
    }
    return least;
}

/* Work that came or went is no matter of expressions. Returns whether it is new. */
static bool follow_work(struct policy *policy, const struct policy_sight *sight)
{
    bool is_claimed = policy->state >= POLICY_BUSY;

    if (is_claimed == sight->has_work)
        return false;
    policy->work_ms = sight->now_ms;
    enter(policy, sight->now_ms, sight->has_work ? POLICY_BUSY : POLICY_OWNER);
    return sight->has_work;
}

static enum policy_state after_preempt(const struct look *look)
{
    /* The startd ends where WANT_VACATE is UNDEFINED; who is asked politely loses least. */
    return is_so(look, POLICY_WANT_VACATE, true) ? POLICY_VACATING : POLICY_KILLING;
}

static enum policy_state after_unused(const struct look *look)
{
    bool is_owners = look->sight->kept != OWNER_AWAY || is_true(look, POLICY_IS_OWNER);

    return is_owners ? POLICY_OWNER : POLICY_UNCLAIMED;
}

static enum policy_state after_busy(const struct look *look)
{
    bool wants_suspend = is_true(look, POLICY_WANT_SUSPEND);

    if (!wants_suspend && is_true(look, POLICY_PREEMPT))
        return after_preempt(look);
    if (look->sight->kept == OWNER_PRESENT || (wants_suspend && is_true(look, POLICY_SUSPEND)))
        return POLICY_SUSPENDED;
    return POLICY_BUSY;
}

static enum policy_state after_suspended(const struct look *look)
{
    if (is_true(look, POLICY_PREEMPT))
        return after_preempt(look);
    if (look->sight->kept != OWNER_PRESENT && is_true(look, POLICY_CONTINUE))
        return POLICY_BUSY;
    return POLICY_SUSPENDED;
}

static enum policy_state after_vacating(const struct look *look)
{
    uint64_t passed_ms = look->sight->now_ms - look->policy->activity_ms;

    if (is_true(look, POLICY_KILL) || (double)passed_ms / SECOND_MS >= look->policy->vacate_seconds)
        return POLICY_KILLING;
    return POLICY_VACATING;
}

static enum policy_state after(const struct look *look)
{
    switch (look->policy->state) {
    case POLICY_OWNER:
    case POLICY_UNCLAIMED:
        return after_unused(look);
    case POLICY_BUSY:
        return after_busy(look);
    case POLICY_SUSPENDED:
        return after_suspended(look);
    case POLICY_VACATING:
        return after_vacating(look);
    case POLICY_KILLING:
    case POLICY_STATE_COUNT:
        break;
    }
    return POLICY_KILLING;
}

/* Of several jobs the one counts that gives way the most; the states are in that order. */
static enum policy_state after_all(struct look *look)
{
    enum policy_state most = POLICY_OWNER;

    if (!look->jobs)
        return after(look);
    for (size_t i = 0; i < count_jobs(look); i++) {
        enum policy_state next;

        look->job = look->jobs[i];
        next = after(look);
        if (next > most)
            most = next;
    }
    return most;
}

/* Beside what is there more may be begun as long as START is not false. */
static enum owner_presence presence_of(const struct look *look)
{
    enum policy_state state = look->policy->state;

    if (state == POLICY_BUSY && (look->sight->kept != OWNER_AWAY ||
                                 (!look->start_is_open && !is_so(look, POLICY_START, true))))
        return OWNER_NEAR;
    return states[state].presence;
}

static const char *text_or_null(const struct buffer *text)
{
    return text->length > 0 ? buffer_text(text) : NULL;
}

struct policy_view policy_look(struct policy *policy, const struct policy_sight *sight)
{
    struct look look = {.policy = policy, .sight = sight};
    bool is_new_work = follow_work(policy, sight);
    enum policy_state next;
    struct policy_view view;

    look_around(&look);
    if (is_new_work)
        policy->vacate_seconds = pledge(&look);
    next = after_all(&look);
    if (next != policy->state)
        enter(policy, sight->now_ms, next);
    view = (struct policy_view){
        .state = policy->state,
        .presence = presence_of(&look),
        .start = text_or_null(&policy->start),
        .rank = text_or_null(&policy->rank),
        .names = text_or_null(&policy->names),
    };
    look_deinit(&look);
    return view;
}
