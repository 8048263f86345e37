/* SPDX-License-Identifier: Apache-2.0 */
/* See limits.h. */
#include "limits.h"

#include "base/buffer.h"
#include "sys/log.h"

enum {
    MEGABYTE = 1024 * 1024,
    /* Who asks for less has guessed: a shell and the program that it runs are not much smaller. */
    MEMORY_LEAST_MB = 16,
    /* Nobody notices so little on a disk, and logs and temporary files are easily forgotten. */
    DISK_LEAST_MB = 16,
    /* Far beyond what programs start that mean to, and far below what makes a computer useless. */
    PROCESSES_PER_CPU = 1024,
    BLOCK_SIZE = 4096,
    /* What is proposed is a round number with room for another time. */
    PROPOSAL_STEP_MB = 64,
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t limits_memory(const struct wire_start *start)
{
    return larger(start->request.memory, (uint64_t)MEMORY_LEAST_MB * MEGABYTE);
}

uint64_t limits_processes(const struct wire_start *start)
{
    return (uint64_t)larger(start->request.cpus, 1) * PROCESSES_PER_CPU;
}

uint64_t limits_input_size(const struct wire_start *start)
{
    uint64_t size = 0;

    for (size_t i = 0; i < start->input_count; i++) {
        uint64_t length = start->inputs[i].size;
        uint64_t blocks = length / BLOCK_SIZE + (length % BLOCK_SIZE > 0 || length == 0);

        /* What the task has written before is its own. */
        if (start->inputs[i].saved)
            continue;
        /* Sizes come from outside; one that no disk has changes nothing any more. */
        if (blocks > (UINT64_MAX / 2 - size) / BLOCK_SIZE)
            return UINT64_MAX / 2;
        size += blocks * BLOCK_SIZE;
    }
    return size;
}

uint64_t limits_disk(const struct wire_start *start)
{
    uint64_t own = larger(start->request.disk, (uint64_t)DISK_LEAST_MB * MEGABYTE);
    uint64_t inputs = limits_input_size(start);

    return own < UINT64_MAX - inputs ? own + inputs : UINT64_MAX;
}

/* ---- in words ---- */

static uint64_t megabytes(uint64_t bytes)
{
    return bytes / MEGABYTE + (bytes % MEGABYTE > 0);
}

/* Half as much again as it used, when it had to stop. */
static uint64_t propose(uint64_t used)
{
    uint64_t wanted = megabytes(used) + megabytes(used) / 2;

    return (wanted / PROPOSAL_STEP_MB + 1) * PROPOSAL_STEP_MB;
}

static void explain(struct attempt *attempt, const char *what, const char *key, uint64_t asked,
                    uint64_t used)
{
    _cleanup_buffer_ struct buffer sentence = BUFFER_INIT;

    buffer_appendf(&sentence, "it had asked for %llu MB of %s and used %llu MB",
                   (unsigned long long)megabytes(asked), what, (unsigned long long)megabytes(used));
    attempt_add_detail(attempt, buffer_text(&sentence));
    buffer_clear(&sentence);
    buffer_appendf(&sentence, "submit it again with %s = %lluM, or find out why it needs so much",
                   key, (unsigned long long)propose(used));
    attempt_add_detail(attempt, buffer_text(&sentence));
}

void limits_explain_memory(struct attempt *attempt)
{
    explain(attempt, "memory", "request_memory", attempt->start.request.memory,
            attempt->result.memory_peak);
}

void limits_explain_disk(struct attempt *attempt)
{
    uint64_t inputs = limits_input_size(&attempt->start), used = attempt->disk_bytes;

    explain(attempt, "disk", "request_disk", attempt->start.request.disk,
            used > inputs ? used - inputs : 0);
}

/* Nobody asks for processes: how many there may be follows from the processors. */
void limits_explain_processes(struct attempt *attempt)
{
    uint64_t most = limits_processes(&attempt->start);
    _cleanup_buffer_ struct buffer sentence = BUFFER_INIT;

    buffer_appendf(&sentence,
                   "it may have %llu processes and threads at once, and wanted %llu more",
                   (unsigned long long)most, (unsigned long long)attempt->over_processes);
    attempt_add_detail(attempt, buffer_text(&sentence));
    buffer_clear(&sentence);
    buffer_appendf(&sentence,
                   "submit it again with request_cpus = %llu, each of which gives it %d, or find "
                   "out why it needs so many",
                   (unsigned long long)(most / PROCESSES_PER_CPU + 1), PROCESSES_PER_CPU);
    attempt_add_detail(attempt, buffer_text(&sentence));
}

/* ---- how ---- */

struct limits_words limits_describe(const struct keeper_means *means)
{
    return (struct limits_words){
        .memory = means->limits_memory ? "enforced" : "watched",
        .processes = means->limits_processes ? "enforced" : "by user",
        .cpus = means->shares_cpus ? "shared" : "no",
        .disk = "watched",
    };
}

static const char *name_hold(enum keeper_hold hold)
{
    switch (hold) {
    case KEEPER_HOLD_WARDENS:
        return "their wardens";
    case KEEPER_HOLD_GROUPS:
        return "control groups";
    case KEEPER_HOLD_FREEZER:
        return "control groups of version 1";
    }
    return "";
}

void limits_announce(const struct keeper_means *means)
{
    struct limits_words words = limits_describe(means);

    log_notice("tasks are held by %s; limits: memory %s, disk %s, processes %s, cpus %s",
               name_hold(means->hold), words.memory, words.disk, words.processes, words.cpus);
}
