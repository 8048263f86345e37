/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classes [JOB_CLASSES NODE_CLASSES [CONDITION]]: the matchmaker with requirements that take long,
 * each a class of its own: the longest turn that the server's loop would wait for it, how long a
 * simple class that comes last waits until its tasks can start, and how long all of it takes.
 */
#include "base/memory.h"
#include "core/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TURN_STEPS = 200000, REQUIREMENTS_SIZE = 4000 };

static uint64_t longest_us;

/* Of this process, so that it does not matter who else is at work. */
static uint64_t cpu_us(void)
{
    return (uint64_t)clock() * 1000000 / CLOCKS_PER_SEC;
}

static uint32_t task_class(struct matchmaker *matchmaker, const char *requirements)
{
    const struct match_attribute attribute = {"Requirements", requirements};
    uint32_t job_class;

    if (matchmaker_classify_task(matchmaker, NULL, &attribute, 1, &job_class, NULL) < 0)
        abort();
    return job_class;
}

/* The condition again and again, and true. */
static uint32_t long_class(struct matchmaker *matchmaker, const char *condition, uint32_t number)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "%u >= 0", number);
    while (text.length < REQUIREMENTS_SIZE)
        buffer_appendf(&text, " && (%s)", condition);
    return task_class(matchmaker, buffer_text(&text));
}

static void make_nodes(struct matchmaker *matchmaker, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer lines = BUFFER_INIT;
        uint32_t node_class;

        buffer_appendf(&lines, "Memory = %u\nName = \"node%u.example.org\"\n", 1000 + i, i);
        if (matchmaker_classify_node(matchmaker, (struct slice){lines.data, lines.length},
                                     &node_class) < 0)
            abort();
    }
}

static bool take_turn(struct matchmaker *matchmaker)
{
    uint64_t start_us = cpu_us(), turn_us;
    bool more = matchmaker_go_on(matchmaker, TURN_STEPS);

    turn_us = cpu_us() - start_us;
    longest_us = turn_us > longest_us ? turn_us : longest_us;
    return more;
}

static bool is_pending(struct matchmaker *matchmaker, uint32_t job_class)
{
    struct match_analysis analysis;
    bool pending;

    matchmaker_analyze(matchmaker, job_class, NULL, 0, &analysis);
    pending = analysis.is_pending;
    match_analysis_deinit(&analysis);
    return pending;
}

int main(int argc, char **argv)
{
    static const struct pool_options options = {.lease_ms = 60000};
    uint32_t jobs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    uint32_t nodes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 500;
    const char *condition = argc > 3 ? argv[3] : "Memory >= 1000";
    struct pool *pool = pool_new(&options);
    struct matchmaker *matchmaker = matchmaker_new(pool);
    uint64_t start_us, simple_us;
    uint32_t simple;

    (void)task_class(matchmaker, "Memory > 1 && Name != \"x\"");
    make_nodes(matchmaker, nodes);
    for (uint32_t i = 0; i < jobs; i++)
        (void)long_class(matchmaker, condition, i);
    start_us = cpu_us();
    for (int i = 0; i < 10; i++)
        (void)take_turn(matchmaker);
    simple = task_class(matchmaker, "Memory > 2");
    simple_us = cpu_us();
    while (is_pending(matchmaker, simple))
        (void)take_turn(matchmaker);
    simple_us = cpu_us() - simple_us;
    while (take_turn(matchmaker))
        continue;
    printf("%u job classes, %u node classes: longest turn %.1f ms, a simple class %.1f ms, all "
           "%.2f s\n",
           jobs, nodes, (double)longest_us / 1e3, (double)simple_us / 1e3,
           (double)(cpu_us() - start_us) / 1e6);
    matchmaker_free(matchmaker);
    pool_free(pool);
    return 0;
}
