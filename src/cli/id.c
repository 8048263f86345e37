/* SPDX-License-Identifier: Apache-2.0 */
/* See id.h. */
#include "id.h"

#include "base/number.h"
#include "exit_code.h"

#include <inttypes.h>
#include <string.h>

/* Digits only: number_parse_u64() alone would allow white space and signs. */
static bool parse_digits(const char *text, size_t length, uint64_t *ret_value)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return number_parse_u64((struct slice){text, length}, ret_value) == 0;
}

int id_parse(const char *text, struct id *ret_id, struct error *err)
{
    const char *dot = strchr(text, '.');
    struct id id = {.has_task = dot != NULL};

    if (!parse_digits(text, dot ? (size_t)(dot - text) : strlen(text), &id.job) ||
        (dot && !parse_digits(dot + 1, strlen(dot + 1), &id.task))) {
        error_set(err, FAILURE_USAGE, "'%s' is no job and no task", text);
        error_hint(err, "write a job as 17 and one of its tasks as 17.3; 'dusk q' shows them");
        return FAILURE_USAGE;
    }
    *ret_id = id;
    return 0;
}

void id_append(struct buffer *buffer, const struct id *id)
{
    buffer_appendf(buffer, "%" PRIu64, id->job);
    if (id->has_task)
        buffer_appendf(buffer, ".%" PRIu64, id->task);
}

void id_append_noun(struct buffer *buffer, const struct id *id)
{
    buffer_append_text(buffer, id->has_task ? "task " : "job ");
    id_append(buffer, id);
}

void id_append_task_query(struct buffer *buffer, const struct id *id, char separator)
{
    if (id->has_task)
        buffer_appendf(buffer, "%ctask=%" PRIu64, separator, id->task);
}
