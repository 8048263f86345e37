/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk wait: ends when jobs are over, with an exit code that says how. Several are waited for one
 * after the other, which takes as long as the slowest of them in any order; the worst of their ends
 * is the command's own.
 */
#include "session.h"

#include "base/number.h"
#include "exit_code.h"
#include "fetching.h"
#include "sys/clock.h"
#include "waiting.h"

#include <stdio.h>

enum key { KEY_NO_FETCH = KEY_OWN };

static const struct option_word option_words[] = {
    {"timeout", KEY_TIMEOUT, OPTION_VALUE, "TIME", "give up after 90s, 5m, 2h...: exit code 124"},
    {"wait", KEY_TIMEOUT, OPTION_VALUE, "TIME", NULL},
    {"no-fetch", KEY_NO_FETCH, OPTION_FLAG, NULL, "from afar: leave results on the server"},
};

struct plan {
    struct connection *connection;
    uint64_t deadline_ms;
    bool fetch;
};

/* Results come home only when all of them are there, and before the exit code says so. */
static int wait_for_one(const struct plan *plan, const struct id *id, struct error *err)
{
    const struct waiting waiting = {
        .connection = plan->connection,
        .id = *id,
        .deadline_ms = plan->deadline_ms,
    };
    const struct fetching fetching = {.connection = plan->connection, .id = *id};
    struct progress progress;
    struct fetched fetched;
    int r;

    r = waiting_run(&waiting, &progress, err);
    if (r == FAILURE_TIMEOUT) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT, text = BUFFER_INIT;

        id_append_noun(&name, id);
        progress_append(&text, &progress);
        return error_set(err, r, "the time is over, and %s is not: %s", name.data, text.data);
    }
    if (r == 0 && plan->fetch)
        r = fetching_run(&fetching, &fetched, err);
    return r < 0 ? r : waiting_conclude(id, &progress);
}

static int run_wait(struct session *session, struct error *err)
{
    struct plan plan = {.fetch = true};
    uint64_t timeout_ms = 0;
    int result = EXIT_CODE_OK;
    const char *value;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_NO_FETCH)
            plan.fetch = false;
        else if (number_parse_duration(slice_from_text(value), &timeout_ms) < 0)
            return options_refuse(session->command, err, "'%s' is no time: write 90s, 5m or 2h",
                                  value);
        else
            plan.deadline_ms = clock_boot_ms() + timeout_ms;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 1, SIZE_MAX - 1, "a job or a task: 17 or 17.3", err);
    if (r == 0)
        r = session_connect(session, &plan.connection, err);
    if (r < 0)
        return r;
    /* On the socket the results are there already, or belong to somebody elsewhere. */
    plan.fetch = plan.fetch && !connection_is_local(plan.connection);
    for (size_t i = 0; i < session->operand_count; i++) {
        struct id id;

        r = id_parse(session->operands[i], &id, err);
        if (r == 0)
            r = wait_for_one(&plan, &id, err);
        if (r < 0)
            return r;
        result = r > result ? r : result;
    }
    return result;
}

const struct command command_wait = {
    .name = "wait",
    .summary = "ends when jobs are over",
    .synopsis = "[OPTION]... JOB[.TASK]...",
    .description = "Waits until the jobs, or single tasks, are over, and ends with\n"
                   "\n"
                   "    0  all tasks are Completed, whatever exit codes they had\n"
                   "    1  a task was Removed; or all that are left are Held, so that nothing\n"
                   "       will happen until somebody acts\n"
                   "  124  the time given with --timeout is over\n"
                   "\n"
                   "While the server is being restarted it waits on. From afar it brings the\n"
                   "results home, as 'dusk fetch' does.\n",
    .examples = "  dusk wait 17 && ./summarize\n"
                "  dusk wait 17 18.3 --timeout 2h\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_wait,
};
