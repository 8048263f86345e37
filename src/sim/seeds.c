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

struct worker {
    pid_t pid; /* 0 when it has ended */
    uint64_t seed;
    struct sim_result sum;
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

_noreturn_ static void work(const struct sim_seeds *seeds, struct worker *worker, uint32_t number)
{
    for (uint64_t seed = seeds->first + number; seed <= seeds->last; seed += seeds->jobs) {
        struct sim_options options = sim_options_usual(seed);
        struct sim_result result;

        worker->seed = seed;
        seeds->adapt(&options, seeds->userdata);
        result = sim_run(&options);
        sim_result_add(&worker->sum, &result);
        if (seed > UINT64_MAX - seeds->jobs)
            break;
    }
    fflush(stdout);
    _exit(0);
}

static void end_workers(struct worker *workers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (workers[i].pid > 0) {
            kill(workers[i].pid, SIGKILL);
            waitpid(workers[i].pid, NULL, 0);
            workers[i].pid = 0;
        }
}

/* Returns 0, or 1 with the others ended when one has failed. */
static int wait_for_workers(struct worker *workers, uint32_t count)
{
    for (uint32_t left = count; left > 0; left--) {
        struct worker *worker = NULL;
        int status = 0;
        pid_t pid;

        do
            pid = wait(&status);
        while (pid < 0 && errno == EINTR);
        for (uint32_t i = 0; i < count; i++)
            if (workers[i].pid == pid)
                worker = &workers[i];
        if (!worker)
            continue;
        worker->pid = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        end_workers(workers, count);
        printf("seed %llu failed\n", (unsigned long long)worker->seed);
        return 1;
    }
    return 0;
}

static int run_workers(const struct sim_seeds *seeds, struct worker *workers, struct error *err)
{
    fflush(stdout);
    for (uint32_t i = 0; i < seeds->jobs; i++) {
        workers[i].pid = fork();
        if (workers[i].pid == 0)
            work(seeds, &workers[i], i);
        if (workers[i].pid < 0) {
            int code = -errno;

            end_workers(workers, i);
            return error_set_errno(err, code, "cannot start a process");
        }
    }
    return wait_for_workers(workers, seeds->jobs);
}

int sim_run_seeds(const struct sim_seeds *seeds, struct sim_result *ret_result, struct error *err)
{
    size_t size = seeds->jobs * sizeof(struct worker);
    struct sim_result sum = {0};
    struct worker *workers =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int r;

    if (workers == MAP_FAILED)
        return error_set_errno(err, -errno, "cannot share memory between processes");
    r = run_workers(seeds, workers, err);
    for (uint32_t i = 0; i < seeds->jobs; i++)
        sim_result_add(&sum, &workers[i].sum);
    munmap(workers, size);
    if (r == 0)
        *ret_result = sum;
    return r;
}
