/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tasks suit which computers, as requirements would say it: a few classes of jobs, a few of
 * nodes, and for each class of jobs one of nodes that never suits. In some worlds nodes rank the
 * tasks, each class of them otherwise, and some the same. A node may be of another class
 * each time it says hello. When the faults stop all nodes are of the class that suits everybody, so
 * that everything can end.
 */
#include "world.h"

#include <stdlib.h>

enum {
    CLASS_COUNT = 4,
    CHANGED_PARTS = 400000 /* of the hellos */
};

static int64_t preference(uint32_t job_class, uint32_t node_class)
{
    if (job_class > 0 && job_class == node_class)
        return POOL_NEVER;
    return job_class > 0 ? (job_class * 7 + node_class * 5) % 3 : 0;
}

static int64_t rank(uint32_t job_class, uint32_t node_class)
{
    return (job_class * 2 + node_class * 3) % 5 / 2;
}

static void tell_ranks(struct world *world)
{
    for (uint32_t job_class = 0; job_class < CLASS_COUNT; job_class++)
        for (uint32_t node_class = 0; node_class < CLASS_COUNT; node_class++)
            pool_set_rank(world->server.pool, job_class, node_class, rank(job_class, node_class));
}

void classes_tell(struct world *world)
{
    int64_t preferences[CLASS_COUNT];

    for (uint32_t job_class = 0; job_class < CLASS_COUNT; job_class++) {
        for (uint32_t node_class = 0; node_class < CLASS_COUNT; node_class++)
            preferences[node_class] = preference(job_class, node_class);
        if (pool_set_job_class(world->server.pool, job_class, preferences, CLASS_COUNT) < 0)
            abort();
    }
    if (world->options.ranks)
        tell_ranks(world);
}

uint32_t classes_draw(struct world *world)
{
    return (uint32_t)random_between(&world->random, 0, CLASS_COUNT - 1);
}

static void change(struct world *world, uint32_t node, uint32_t node_class, uint8_t stay)
{
    struct pool_event event = {.kind = POOL_NODE_CHANGED, .changed = {node, node_class, stay}};

    server_receive(world, &event, NULL);
}

void classes_hello(struct world *world, uint32_t node)
{
    uint32_t node_class;

    if (world->faults_over) {
        change(world, node, 0, 0);
    } else if (world_chance(world, CHANGED_PARTS)) {
        node_class = classes_draw(world);
        change(world, node, node_class, (uint8_t)random_between(&world->random, 0, 3));
    }
}

/* A server that is down just now hears it with the hellos. */
void classes_end(struct world *world)
{
    if (!world->server.pool)
        return;
    for (uint32_t node = 0; node < world->node_count; node++)
        change(world, node, 0, 0);
}
