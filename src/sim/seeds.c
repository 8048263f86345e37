/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many seeds in several processes. Each takes every n-th seed and writes which one it is at into
 * memory that all share, so that the parent knows what failed however its process ended: a check, a
 * brain's assertion, or a signal.
 */
#include "sim.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a worker tells the parent, in memory that both see. */
struct progress {
    uint64_t seed; /* at which it is */
    struct sim_result sum;
};

struct workers {
    const struct sim_seeds *seeds;
    struct progress *progress; /* of each */
    pid_t *pids;               /* owned; 0 when it has ended */
};

void sim_result_add(struct sim_result *sum, const struct sim_result *result)
{
    sum->digest += result->digest;
    sum->seeds += result->seeds;
    sum->steps += result->steps;
    sum->virtual_ms += result->virtual_ms;
    sum->results += result->results;
    sum->computed += result->computed;
    sum->started += result->started;
    sum->server_crashes += result->server_crashes;
    sum->agent_crashes += result->agent_crashes;
    sum->messages += result->messages;
    sum->seconds += result->seconds;
}

_noreturn_ static void work(const struct sim_seeds *seeds, struct progress *progress,
                            uint32_t number)
{
    for (uint64_t seed = seeds->first + number; seed <= seeds->last; seed += seeds->jobs) {
        struct sim_options options = sim_options_usual(seed);
        struct sim_result result;

        progress->seed = seed;
        seeds->adapt(&options, seeds->userdata);
        result = sim_run(&options);
        sim_result_add(&progress->sum, &result);
        if (seed > UINT64_MAX - seeds->jobs)
            break;
    }
    fflush(stdout);
    _exit(0);
}

static void end_workers(struct workers *workers)
{
    for (uint32_t i = 0; i < workers->seeds->jobs; i++)
        if (workers->pids[i] > 0) {
            kill(workers->pids[i], SIGKILL);
            waitpid(workers->pids[i], NULL, 0);
            workers->pids[i] = 0;
        }
}

static int start_workers(struct workers *workers, struct error *err)
{
    fflush(stdout);
    for (uint32_t i = 0; i < workers->seeds->jobs; i++) {
        pid_t pid = fork();

        if (pid == 0)
            work(workers->seeds, &workers->progress[i], i);
        if (pid < 0)
            return error_set_errno(err, -errno, "cannot start a process");
        workers->pids[i] = pid;
    }
    return 0;
}

static bool take_pid(struct workers *workers, pid_t pid, uint32_t *ret_number)
{
    for (uint32_t i = 0; i < workers->seeds->jobs; i++)
        if (workers->pids[i] == pid) {
            workers->pids[i] = 0;
            *ret_number = i;
            return true;
        }
    return false;
}

/*
 * Waits until a process ends, which may be a child that somebody else left us. Returns 1, and has
 * said which seed it was, if it is a worker that failed.
 */
static int wait_for_worker(struct workers *workers, uint32_t *left, struct error *err)
{
    uint32_t number;
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);

    if (pid < 0 && errno != EINTR)
        return error_set_errno(err, -errno, "cannot wait for a process");
    if (pid < 0 || !take_pid(workers, pid, &number))
        return 0;
    --*left;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    printf("seed %llu failed\n", (unsigned long long)workers->progress[number].seed);
    return 1;
}

static int run_workers(struct workers *workers, struct error *err)
{
    uint32_t left = workers->seeds->jobs;
    int r = start_workers(workers, err);

    while (r == 0 && left > 0)
        r = wait_for_worker(workers, &left, err);
    end_workers(workers);
    return r;
}

int sim_run_seeds(const struct sim_seeds *seeds, struct sim_result *ret_result, struct error *err)
{
    _cleanup_free_ pid_t *pids = memory_allocate(seeds->jobs * sizeof(*pids));
    size_t size = seeds->jobs * sizeof(struct progress);
    struct workers workers = {.seeds = seeds, .pids = pids};
    struct sim_result sum = {0};
    int r;

    workers.progress = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (workers.progress == MAP_FAILED)
        return error_set_errno(err, -errno, "cannot share memory between processes");
    r = run_workers(&workers, err);
    for (uint32_t i = 0; i < seeds->jobs; i++)
        sim_result_add(&sum, &workers.progress[i].sum);
    munmap(workers.progress, size);
    if (r == 0)
        *ret_result = sum;
    return r;
}
