/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes ask of tasks by the attributes Start and Rank (match.h): whether it is true of a task,
 * how gladly they take it, and what of a task they look at for that (match_wishes.h).
 */
#include "core/match_internal.h"

#include "base/memory.h"

bool matchmaker_take_new_wishes(struct matchmaker *matchmaker)
{
    bool has_news = matchmaker->wishes.has_news;

    matchmaker->wishes.has_news = false;
    return has_news;
}

bool matchmaker_has_start(const struct matchmaker *matchmaker, uint32_t node_class)
{
    return matchmaker->nodes.items[node_class].wished > 0;
}

void matchmaker_append_start(const struct matchmaker *matchmaker, uint32_t node_class,
                             struct buffer *text)
{
    classad_node_print(classad_get(matchmaker->nodes.items[node_class].ad, MATCH_START),
                       CLASSAD_OLD, text);
}

/* Returns the largest number; MATCH_NO_TASK if it is too much, or 0 if it is nothing. */
static uint64_t take_list(struct matchmaker *matchmaker, struct match_class *class,
                          const struct match_wish_list *list)
{
    uint64_t last = 0;

    for (size_t i = 0; i < list->count && !list->is_too_long; i++) {
        uint64_t number = match_wishes_take(&matchmaker->wishes, list->names[i]);

        if (number == 0)
            return MATCH_NO_TASK;
        class->wishes[class->wish_count++] = number;
        last = number > last ? number : last;
    }
    return list->is_too_long ? MATCH_NO_TASK : last;
}

void match_take_wishes(struct matchmaker *matchmaker, uint32_t node,
                       const struct match_wish_list *start, const struct match_wish_list *rank)
{
    struct match_class *class = &matchmaker->nodes.items[node];

    class->wishes = memory_allocate((start->count + rank->count + 1) * sizeof(*class->wishes));
    class->wished = take_list(matchmaker, class, start);
    class->rank_wished = take_list(matchmaker, class, rank);
    /* An attribute that both refer to was followed once. */
    if (class->rank_wished > 0 && class->rank_wished < class->wished)
        class->rank_wished = class->wished;
}

bool match_is_untold(const struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    uint64_t wished = matchmaker->nodes.items[node].wished;

    return wished < MATCH_NO_TASK && matchmaker->jobs.items[job].wished < wished;
}

/* MY is the node, and TARGET the task. */
static struct classad_value evaluate(struct matchmaker *matchmaker, const char *name, uint32_t node,
                                     uint32_t job)
{
    struct classad_evaluator *evaluator = &matchmaker->evaluator;
    struct classad_value value;

    evaluator->step_count_max = MATCH_START_STEPS_MAX;
    value = classad_evaluate_attribute(evaluator, name, matchmaker->nodes.items[node].ad,
                                       matchmaker->jobs.items[job].ad);
    evaluator->step_count_max = MATCH_STEPS_MAX;
    return value;
}

bool match_start_refuses(struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    const struct match_class *tasks = &matchmaker->jobs.items[job];
    const struct match_class *nodes = &matchmaker->nodes.items[node];
    struct classad_value value;

    if (!matchmaker_has_start(matchmaker, node))
        return false;
    if (tasks->wished < nodes->wished)
        return true;
    value = evaluate(matchmaker, MATCH_START, node, job);
    return !match_is_true(&value);
}

/* A RANK that is no number, or looks at what is not told, says nothing. */
void match_rank(struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    const struct match_class *tasks = &matchmaker->jobs.items[job];
    const struct match_class *nodes = &matchmaker->nodes.items[node];
    struct classad_value value;
    double rank = 0;

    if (nodes->rank_wished == 0 || tasks->wished < nodes->rank_wished)
        return;
    value = evaluate(matchmaker, MATCH_RANK, node, job);
    (void)classad_value_as_real(&value, &rank);
    pool_set_rank(matchmaker->pool, job, node, match_order_of_real(rank));
}
