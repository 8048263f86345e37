/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a task runs nowhere: which nodes do not take tasks of its class, and which conditions of its
 * requirements rule out how many of the others. Nothing is kept; a person asked.
 */
#include "core/match_internal.h"

#include "base/memory.h"

/* About as many milliseconds as a person does not notice. */
enum { ANALYSIS_STEPS = 2000000 };

void match_analysis_deinit(struct match_analysis *analysis)
{
    for (size_t i = 0; i < analysis->count; i++)
        free(analysis->conditions[i].text);
    free(analysis->conditions);
    *analysis = (struct match_analysis){0};
}

/* An analysis under way. */
struct analyst {
    struct matchmaker *matchmaker;
    uint32_t job_class;
    const struct classad *task;
    uint64_t steps_end;                     /* then what was looked at must do */
    const struct classad_node **conditions; /* owned; as many as the analysis has */
    size_t capacity;
    size_t analysis_capacity;
    struct match_analysis *analysis;
};

static void add_condition(void *user_data, const struct classad_node *condition)
{
    struct analyst *analyst = user_data;
    struct match_analysis *analysis = analyst->analysis;
    struct buffer text = BUFFER_INIT;

    array_reserve(analyst->conditions, analyst->capacity, analysis->count + 1);
    array_reserve(analysis->conditions, analyst->analysis_capacity, analysis->count + 1);
    analyst->conditions[analysis->count] = condition;
    classad_node_print(condition, CLASSAD_OLD, &text);
    analysis->conditions[analysis->count++] = (struct match_condition){.text = buffer_take(&text)};
}

/* Counts the conditions that are not true on `count` nodes of a class. */
static void analyze_class(struct analyst *analyst, uint32_t node_class, uint32_t count)
{
    const struct classad *node = analyst->matchmaker->nodes.items[node_class].ad;
    struct match_analysis *analysis = analyst->analysis;
    size_t failed = 0, last = 0;

    analysis->nodes += count;
    if (match_is_kept_from(analyst->matchmaker, analyst->job_class, node_class)) {
        analysis->kept += count;
        analysis->kept_class = node_class;
        return;
    }
    if (match_start_refuses(analyst->matchmaker, analyst->job_class, node_class)) {
        analysis->refused += count;
        analysis->refused_class = node_class;
        analysis->is_untold = match_is_untold(analyst->matchmaker, analyst->job_class, node_class);
        return;
    }
    for (size_t i = 0; i < analysis->count; i++) {
        struct classad_value value;

        if (analyst->matchmaker->evaluator.steps_spent >= analyst->steps_end) {
            analysis->is_cut = true;
            return;
        }
        value = classad_evaluate(&analyst->matchmaker->evaluator, analyst->conditions[i],
                                 analyst->task, node);
        if (match_is_true(&value))
            continue;
        analysis->conditions[i].fails += count;
        failed++;
        last = i;
    }
    if (failed == 1) {
        analysis->conditions[last].alone += count;
        analysis->conditions[last].alone_class = node_class;
    }
    if (failed == 0)
        analysis->suited += count;
}

void matchmaker_analyze(struct matchmaker *matchmaker, uint32_t job_class,
                        const uint32_t *nodes_of_class, size_t count,
                        struct match_analysis *ret_analysis)
{
    const struct classad *task = matchmaker->jobs.items[job_class].ad;
    const struct classad_node *requirements = classad_get(task, "Requirements");
    struct analyst analyst = {.matchmaker = matchmaker,
                              .job_class = job_class,
                              .task = task,
                              .steps_end = matchmaker->evaluator.steps_spent + ANALYSIS_STEPS,
                              .analysis = ret_analysis};

    *ret_analysis =
        (struct match_analysis){.is_pending = match_queue_waits(&matchmaker->queue, job_class)};
    if (requirements)
        classad_node_walk_conditions(requirements, add_condition, &analyst);
    for (uint32_t i = 0; i < count && i < matchmaker->nodes.count && !ret_analysis->is_cut; i++)
        if (nodes_of_class[i] > 0)
            analyze_class(&analyst, i, nodes_of_class[i]);
    free(analyst.conditions);
}
