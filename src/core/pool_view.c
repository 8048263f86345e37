/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of the pool: counts, nodes, tasks, and why something waits. Changes nothing. */
#include "core/pool_internal.h"

#include <assert.h>

bool pool_count_job(const struct pool *pool, uint32_t number, struct pool_counts *ret_counts)
{
    const struct pool_job *job = pool_find_job(pool, number);

    if (!job)
        return false;
    *ret_counts = pool_count_of_job(job);
    return true;
}

struct pool_counts pool_count_all(const struct pool *pool)
{
    return pool->counts;
}

uint32_t pool_next_job(const struct pool *pool, uint32_t number)
{
    const struct pool_job *job = number == 0 ? NULL : pool_find_job(pool, number);
    uint32_t next = job ? job->order.next : pool->job_order.first;

    /* The job may have ended since the caller saw it: then its place is looked for. */
    while (next != NONE && pool->jobs[next].row.job <= number)
        next = pool->jobs[next].order.next;
    return next == NONE ? 0 : pool->jobs[next].row.job;
}

bool pool_view_claim(const struct pool *pool, uint64_t epoch, struct pool_task_row *ret_row)
{
    const struct pool_task *task = pool_find_claim(pool, epoch);

    if (!task)
        return false;
    *ret_row = task->row;
    return true;
}

/* Whose agent has not said yet who is there is taken for used: nothing is begun there, either. */
static bool is_its_owners(const struct pool_node *node)
{
    return node->owner_present || !node->synchronised;
}

bool pool_view_node(const struct pool *pool, uint32_t number, struct pool_node_view *ret_view)
{
    const struct pool_node *node = pool_find_node(pool, number);
    uint32_t frozen = 0;

    if (!node || node->row.forgotten)
        return false;
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next)
        frozen += pool->tasks[t].row.state == TASK_SUSPENDED ? 1 : 0;
    *ret_view = (struct pool_node_view){
        .state = node->claim_count > 0 ? NODE_CLAIMED : NODE_UNCLAIMED,
        .suspended = frozen > 0 && frozen == node->claim_count,
        .drained = node->row.drained,
        .asleep = node->row.asleep,
        .does_not_wake = pool_does_not_wake(pool, node),
        .wakes = node->row.wakes,
        .capacity = node->capacity,
        .available = pool_node_room(node),
        .claims = node->claim_count,
        .heard_ms = node->heard_ms,
    };
    if (!node->connected || node->row.asleep)
        ret_view->state = NODE_OFFLINE;
    else if (node->row.drained && node->claim_count == 0)
        ret_view->state = NODE_DRAINED;
    else if (is_its_owners(node) && node->claim_count == 0)
        ret_view->state = NODE_OWNER;
    return true;
}

void pool_walk_node(const struct pool *pool, uint32_t number,
                    void (*callback)(const struct pool_task_row *row, void *userdata),
                    void *userdata)
{
    const struct pool_node *node = pool_find_node(pool, number);

    if (!node)
        return;
    for (uint32_t t = node->claims.first; t != NONE; t = pool->tasks[t].of_node.next)
        callback(&pool->tasks[t].row, userdata);
}

bool pool_view_task(const struct pool *pool, uint32_t job_number, uint32_t task_number,
                    struct pool_task_row *ret_row)
{
    const struct pool_job *job = pool_find_job(pool, job_number);
    const struct pool_part_object *part = job ? pool_find_part(job, task_number) : NULL;
    const struct pool_task *task = pool_find_task(pool, job_number, task_number);

    if (!part)
        return false;
    if (task && task_state_is_over(task->row.state))
        return false;
    if (task) {
        *ret_row = task->row;
        return true;
    }
    if (task_number < part->row.next)
        return false;
    *ret_row = (struct pool_task_row){.job = job_number,
                                      .task = task_number,
                                      .state = job->row.held ? TASK_HELD : TASK_IDLE,
                                      .node = NONE,
                                      .reason = job->row.held ? REASON_BY_USER : REASON_NONE};
    return true;
}

bool pool_view_part(const struct pool *pool, uint32_t job_number, uint32_t task_number,
                    struct pool_part *ret_part)
{
    const struct pool_job *job = pool_find_job(pool, job_number);
    const struct pool_part_object *part = job ? pool_find_part(job, task_number) : NULL;

    if (!part)
        return false;
    *ret_part = part->row;
    return true;
}

/* Such a node looks idle to whoever looks at its processors. */
static void explain_busy(struct pool_explanation *explanation, struct resources room)
{
    explanation->busy++;
    room.gpus = explanation->request.gpus;
    if (resources_fit(&explanation->request, &room))
        explanation->lacking_gpus++;
}

static bool would_wake_for(const struct pool *pool, const struct pool_node *node,
                           const struct pool_explanation *explanation)
{
    return !pool_does_not_wake(pool, node) &&
           resources_fit(&explanation->request, &node->row.capacity) &&
           pool_class_suits(pool, explanation->job_class, node->node_class);
}

static void explain_closing(struct pool_explanation *explanation, uint64_t lent_ms)
{
    explanation->closing++;
    if (lent_ms > explanation->longest_lent_ms)
        explanation->longest_lent_ms = lent_ms;
}

static void explain_node(const struct pool *pool, const struct pool_node *node, uint32_t kind,
                         struct pool_explanation *explanation)
{
    const struct resources *request = &explanation->request, *capacity = &node->capacity;
    struct resources room = pool_node_room(node);

    explanation->nodes++;
    if (node->row.asleep && would_wake_for(pool, node, explanation)) {
        if (explanation->needed_ms > pool_lent_ms(pool, node))
            explain_closing(explanation, pool_lent_ms(pool, node));
        else
            explanation->asleep++;
        return;
    }
    if (!node->connected || node->leaving || node->row.asleep) {
        explanation->offline++;
        return;
    }
    if (capacity->cpus > explanation->largest_cpus)
        explanation->largest_cpus = capacity->cpus;
    if (capacity->memory > explanation->largest_memory)
        explanation->largest_memory = capacity->memory;
    if (capacity->disk > explanation->largest_disk)
        explanation->largest_disk = capacity->disk;
    if (capacity->gpus > explanation->largest_gpus)
        explanation->largest_gpus = capacity->gpus;
    if (request->cpus > capacity->cpus)
        explanation->too_few_cpus++;
    else if (request->memory > capacity->memory)
        explanation->too_little_memory++;
    else if (request->disk > capacity->disk)
        explanation->too_little_disk++;
    else if (request->gpus > capacity->gpus)
        explanation->too_few_gpus++;
    else if (!pool_class_suits(pool, explanation->job_class, node->node_class))
        explanation->unsuited++;
    else if (node->row.drained)
        explanation->drained++;
    else if (node->owner_present)
        explanation->owner_present++;
    else if (explanation->needed_ms > pool_lent_ms(pool, node))
        explain_closing(explanation, pool_lent_ms(pool, node));
    else if (node->way.tasks > 0 && node->way.kind == kind)
        explanation->making_way++;
    else if (resources_fit(request, &room))
        explanation->available++;
    else
        explain_busy(explanation, room);
}

/* Ready tasks of kinds that fit wherever this request fits, in parts that go first. */
static uint32_t count_tasks_before(const struct pool *pool, const struct pool_part_object *part,
                                   uint32_t task)
{
    uint32_t count = part->row.next < task ? task - part->row.next : 0;

    for (size_t i = 0; i < pool->job_count; i++) {
        const struct pool_job *job = &pool->jobs[i];

        for (uint32_t p = 0; job->row.job != 0 && p < job->part_count; p++) {
            const struct pool_part_object *other = &job->parts[p];

            if (other->key >= part->key || job->row.held ||
                !resources_fit(&other->row.request, &part->row.request))
                continue;
            count += other->row.first + other->row.count - other->row.next;
        }
    }
    return count;
}

bool pool_explain_task(const struct pool *pool, uint32_t job_number, uint32_t task_number,
                       struct pool_explanation *ret_explanation)
{
    const struct pool_job *job = pool_find_job(pool, job_number);
    const struct pool_part_object *part = job ? pool_find_part(job, task_number) : NULL;

    if (!part)
        return false;
    *ret_explanation = (struct pool_explanation){.request = part->row.request,
                                                 .needed_ms = part->row.needed_ms,
                                                 .job_class = part->row.job_class};
    for (size_t i = 0; i < pool->node_count; i++)
        if (pool->nodes[i].known && !pool->nodes[i].row.forgotten)
            explain_node(pool, &pool->nodes[i], part->kind, ret_explanation);
    ret_explanation->tasks_before = count_tasks_before(pool, part, task_number);
    return true;
}
