/* SPDX-License-Identifier: Apache-2.0 */
/* Time, chance, the queue of things to come, and the trace; see world.h. */
#include "world.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>

enum {
    ATTEMPTS_MAX = 64,
    ATTEMPTS_MAX_IN_CROWDS = 16, /* where memory is for many agents */
    CROWD = 1000
};

void world_init(struct world *world, const struct sim_options *options)
{
    *world = (struct world){.options = *options,
                            .random = {.state = options->seed * 0x9e3779b97f4a7c15ULL + 1},
                            .free_happening = NONE,
                            .digest = DIGEST_INIT};
    world->attempts_max = options->agents < CROWD ? ATTEMPTS_MAX : ATTEMPTS_MAX_IN_CROWDS;
    world->items = memory_allocate(world->attempts_max * sizeof(*world->items));
    world->computers = memory_allocate(options->agents * sizeof(*world->computers));
    server_init(world);
    for (uint32_t i = 0; i < options->agents; i++)
        computer_assemble(world, i);
}

void world_deinit(struct world *world)
{
    for (size_t i = 0; i < world->queue.length; i++)
        message_free(world->happenings[world->queue.entries[i].item].message);
    for (uint32_t i = 0; i < world->options.agents; i++)
        computer_discard(&world->computers[i]);
    for (size_t i = 0; i < world->user_count; i++) {
        free(world->users[i]->parts);
        free(world->users[i]);
    }
    server_deinit(world);
    agent_effects_deinit(&world->agent_effects);
    heap_deinit(&world->queue);
    map_deinit(&world->running);
    map_deinit(&world->finished);
    map_deinit(&world->begins);
    map_deinit(&world->promised);
    free(world->happenings);
    free(world->computers);
    free(world->computer_of_node);
    free(world->users);
    free(world->promises);
    free(world->items);
}

/*
 * Things that were planned for the past happen now. Their order among equals is that of the queue,
 * which depends on nothing but the seed.
 */
void world_schedule(struct world *world, uint64_t at_ms, struct happening happening)
{
    uint32_t index = world->free_happening;

    if (index == NONE) {
        array_reserve(world->happenings, world->happening_capacity, world->happening_count + 1);
        index = (uint32_t)world->happening_count++;
        if (!heap_try_reserve(&world->queue, world->happening_capacity))
            abort();
    } else {
        world->free_happening = world->happenings[index].next_free;
    }
    world->happenings[index] = happening;
    heap_set(&world->queue, index, at_ms > world->now_ms ? at_ms : world->now_ms);
}

static void world_dispatch(struct world *world, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPEN_SERVER_LOOP:
    case HAPPEN_SERVER_TICK:
    case HAPPEN_SERVER_COMMITTED:
    case HAPPEN_SERVER_RESTART:
    case HAPPEN_SERVER_EVENT:
    case HAPPEN_CHECKPOINT:
        server_happens(world, happening);
        break;
    case HAPPEN_MESSAGE:
        network_deliver(world, happening);
        break;
    case HAPPEN_AGENT_TICK:
    case HAPPEN_AGENT_START:
    case HAPPEN_AGENT_END:
    case HAPPEN_DIAL:
    case HAPPEN_FETCHED:
    case HAPPEN_STARTED:
    case HAPPEN_PROCESS_ENDS:
    case HAPPEN_PROCESS_DIES:
    case HAPPEN_DEADLINE:
    case HAPPEN_OUTPUTS_LISTED:
    case HAPPEN_SET_MADE:
    case HAPPEN_POWER_ON:
    case HAPPEN_RESUME:
    case HAPPEN_ENROL:
    case HAPPEN_KEY:
    case HAPPEN_DESK:
    case HAPPEN_HOURS:
        computer_happens(world, happening);
        break;
    case HAPPEN_HEAL:
    case HAPPEN_OWNER:
    case HAPPEN_DRAIN:
    case HAPPEN_FAULT_OF_COMPUTER:
    case HAPPEN_FAULT_OF_SERVER:
        faults_happen(world, happening);
        break;
    case HAPPEN_SUBMIT:
    case HAPPEN_ASK:
    case HAPPEN_USER_ACTS:
    case HAPPEN_RELEASE_ALL:
        users_happen(world, happening);
        break;
    }
}

/* The next thing happens, if it is due until then; false if time only went on. */
bool world_advance(struct world *world, uint64_t until_ms)
{
    const struct heap_entry *first = heap_first(&world->queue);
    struct happening happening;
    uint32_t index;

    if (!first || first->key > until_ms) {
        if (until_ms > world->now_ms && until_ms != UINT64_MAX)
            world->now_ms = until_ms;
        return false;
    }
    index = first->item;
    world->now_ms = first->key;
    heap_remove(&world->queue, index);
    happening = world->happenings[index];
    world->happenings[index] = (struct happening){.next_free = world->free_happening};
    world->free_happening = index;
    world_dispatch(world, &happening);
    return true;
}

void world_trace(struct world *world, const char *format, ...)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&line, format, arguments);
    va_end(arguments);
    digest_add(&world->digest, world->now_ms);
    digest_add_text(&world->digest, line.data);
    if (world->options.trace)
        fprintf(world->options.trace, "%6llu.%03u %s\n", (unsigned long long)(world->now_ms / 1000),
                (unsigned)(world->now_ms % 1000), line.data);
}

/*
 * Ends by abort(), so that a debugger stands where it went wrong; seeds.c runs each seed in a
 * process of its own.
 */
void world_fail(const struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->options.trace)
        fflush(world->options.trace);
    fprintf(stderr, "dusk sim: at %llu.%03u s: ", (unsigned long long)(world->now_ms / 1000),
            (unsigned)(world->now_ms % 1000));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

/*
 * What can go wrong does so more or less often as the options say; when the faults are over, never.
 */
bool world_fault(struct world *world, uint32_t parts)
{
    if (world->faults_over || world->options.faults == 0 || world->options.scripted)
        return false;
    return random_chance(&world->random, (uint32_t)((uint64_t)parts * world->options.faults / 100));
}

/* What is no fault but mere luck; a script leaves nothing to it. */
bool world_chance(struct world *world, uint32_t parts)
{
    return !world->options.scripted && random_chance(&world->random, parts);
}

/* A script has the middle instead, so that its trace can be written down. */
uint64_t world_delay(struct world *world, uint64_t low_ms, uint64_t high_ms)
{
    if (world->options.scripted)
        return world->now_ms + (low_ms + high_ms) / 2;
    return world->now_ms + random_between(&world->random, low_ms, high_ms);
}

bool world_has(const struct world *world, enum sim_fault fault)
{
    return world->options.faults > 0 && (world->options.fault_mix & fault) != 0;
}

/*
 * A computer that was forgotten and joins anew is another node: its old number stays its old one's.
 */
uint32_t world_enrol(struct world *world, uint32_t computer)
{
    uint32_t node = world->node_count++;

    array_reserve(world->computer_of_node, world->computer_of_node_capacity, world->node_count);
    server_reserve_nodes(world, world->node_count);
    world->computer_of_node[node] = computer;
    world->computers[computer].node = node;
    world->computers[computer].drained_epoch = UINT64_MAX;
    return node;
}

uint32_t world_computer_of(const struct world *world, uint32_t node)
{
    assert(node < world->node_count);
    return world->computer_of_node[node];
}

/*
 * Nothing is left to do anywhere: not in the brain, not in the rows, and nobody waits for an
 * answer.
 */
bool world_is_done(const struct world *world)
{
    const struct disk *disk = &world->server.disk;

    if (!world->server.pool || world->server.committing ||
        pool_count_all(world->server.pool).tasks > 0 ||
        world->tasks_submitted < world->options.tasks || users_wait(world))
        return false;
    for (size_t i = 0; i < disk->job_count; i++) {
        const struct disk_job *job = &disk->jobs[i];

        if (job->row.completed + job->row.removed_count < job->task_count)
            return false;
    }
    return true;
}
