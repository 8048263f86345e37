/* SPDX-License-Identifier: Apache-2.0 */
/* See attempt.h. */
#include "attempt.h"

#include "base/digest.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>
#include <sys/wait.h>

uint64_t agent_user_number(const char *user)
{
    struct digest digest = DIGEST_INIT;

    digest_add_text(&digest, user ? user : "");
    return digest.value > 0 ? digest.value : 1;
}

uint64_t attempt_vacate_ms(const struct wire_start *start)
{
    if (!start->vacate_given)
        return 0;
    return start->vacate_ms > 0 ? start->vacate_ms : 1;
}

bool attempt_exit_is_save(const struct wire_start *start, int wait_status)
{
    const struct wire_saving *saving = &start->saving;

    if (WIFEXITED(wait_status))
        return saving->exit_code_given && (uint32_t)WEXITSTATUS(wait_status) == saving->exit_code;
    return WIFSIGNALED(wait_status) && saving->exit_signal != 0 &&
           (uint32_t)WTERMSIG(wait_status) == saving->exit_signal;
}

static struct attempt *attempt_free(struct attempt *attempt)
{
    assert(!attempt->laying);
    scratch_free(attempt->scratch);
    free(attempt->is_pinned);
    wire_start_deinit(&attempt->start);
    wire_result_deinit(&attempt->result);
    wire_checkpoint_deinit(&attempt->checkpoint);
    free(attempt->folder);
    free(attempt->gpus);
    free(attempt);
    return NULL;
}

void attempts_deinit(struct attempts *attempts)
{
    for (size_t i = 0; i < attempts->count; i++)
        attempt_free(attempts->items[i]);
    free(attempts->items);
    map_deinit(&attempts->by_epoch);
    *attempts = (struct attempts){0};
}

struct attempt *attempts_add(struct attempts *attempts, struct wire_start *start)
{
    struct attempt *attempt = memory_allocate(sizeof(*attempt));
    struct buffer folder = BUFFER_INIT;

    assert(!attempts_find(attempts, start->epoch));
    array_reserve(attempts->items, attempts->capacity, attempts->count + 1);
    buffer_appendf(&folder, "%u.%u-%u", start->job, start->task, start->attempt);
    *attempt = (struct attempt){
        .epoch = start->epoch,
        .place = attempts->count,
        .start = *start,
        .folder = buffer_take(&folder),
        .result.exit_code = -1,
    };
    *start = (struct wire_start){0};
    attempts->items[attempts->count++] = attempt;
    map_put(&attempts->by_epoch, attempt->epoch, (uint64_t)(uintptr_t)attempt);
    return attempt;
}

struct attempt *attempts_find(const struct attempts *attempts, uint64_t epoch)
{
    uint64_t pointer;

    if (!map_get(&attempts->by_epoch, epoch, &pointer))
        return NULL;
    return (struct attempt *)(uintptr_t)pointer;
}

void attempts_remove(struct attempts *attempts, struct attempt *attempt)
{
    struct attempt *last = attempts->items[--attempts->count];

    last->place = attempt->place;
    attempts->items[last->place] = last;
    map_remove(&attempts->by_epoch, attempt->epoch);
    attempt_free(attempt);
}

bool attempts_have_folder(const struct attempts *attempts, const char *folder)
{
    for (size_t i = 0; i < attempts->count; i++)
        if (strcmp(attempts->items[i]->folder, folder) == 0)
            return true;
    return false;
}

void attempt_add_detail(struct attempt *attempt, const char *sentence)
{
    struct buffer detail = BUFFER_INIT;

    if (attempt->result.detail)
        buffer_appendf(&detail, "%s; ", attempt->result.detail);
    buffer_append_text(&detail, sentence);
    free(attempt->result.detail);
    attempt->result.detail = buffer_take(&detail);
}

void attempt_add_error(struct attempt *attempt, const struct error *err)
{
    attempt_add_detail(attempt, error_text(err));
    if (err->hint)
        attempt_add_detail(attempt, err->hint);
}
