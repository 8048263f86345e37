/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See owner_word.h. Said seldom, so both ways are jansson's. Unknown members are passed over: a
 * later version may add some, and raises the number only if the old ones mean something else.
 */
#include "owner_word.h"

#include "base/memory.h"
#include "wire_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Years that no clock reaches; what is beyond is no time. */
#define TIME_MAX 1e12

static const char *const word_names[OWNER_WORD_KIND_COUNT] = {
    [OWNER_WORD_STATUS] = "status",   [OWNER_WORD_RESUME] = "resume",
    [OWNER_WORD_FIGURES] = "figures", [OWNER_WORD_PAUSE] = "pause",
    [OWNER_WORD_NEVER] = "never",     [OWNER_WORD_MINE_ONLY] = "mine-only",
    [OWNER_WORD_SESSION] = "session", [OWNER_WORD_USED] = "used",
    [OWNER_WORD_WATCHED] = "watched", [OWNER_WORD_UNWATCHED] = "unwatched",
};

static const char *const presence_names[] = {
    [OWNER_AWAY] = "away", [OWNER_NEAR] = "near", [OWNER_PRESENT] = "present"};

void owner_word_deinit(struct owner_word *word)
{
    free(word->why_not);
    free(word->user);
    *word = (struct owner_word){0};
}

bool owner_word_lasts(enum owner_word_kind kind)
{
    return kind == OWNER_WORD_RESUME || kind == OWNER_WORD_PAUSE || kind == OWNER_WORD_NEVER ||
           kind == OWNER_WORD_MINE_ONLY;
}

bool owner_word_is_of_session(enum owner_word_kind kind)
{
    return kind == OWNER_WORD_USED || kind == OWNER_WORD_WATCHED || kind == OWNER_WORD_UNWATCHED;
}

void owner_figures_deinit(struct owner_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++)
        free(figures->items[i].user);
    free(figures->items);
    free(figures->since);
    *figures = (struct owner_figures){0};
}

void owner_answer_deinit(struct owner_answer *answer)
{
    struct wire_owner sources = {.sources = answer->sources, .source_count = answer->source_count};

    wire_owner_deinit(&sources);
    for (size_t i = 0; i < answer->task_count; i++)
        free(answer->tasks[i].user);
    free(answer->tasks);
    free(answer->error);
    free(answer->hint);
    free(answer->node);
    free(answer->only_user);
    free(answer->server_problem);
    owner_figures_deinit(&answer->figures);
    *answer = (struct owner_answer){0};
}

const char *owner_word_name(enum owner_word_kind kind)
{
    return word_names[kind];
}

bool owner_word_is_over(const struct owner_word *word, double wall_seconds)
{
    return word->has_end && wall_seconds >= word->until_at;
}

/* ---- writing ---- */

/* Takes the object. What is no UTF-8 makes jansson fail; such texts are never put into it. */
static void write_line(struct buffer *out, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    if (!object || !text)
        abort();
    buffer_append_text(out, text);
    buffer_append_character(out, '\n');
    free(text);
    json_decref(object);
}

static json_t *time_or_null(bool is_known, double seconds)
{
    return is_known ? json_real(seconds) : json_null();
}

/* Names and reasons come from files of the system, too: what is no UTF-8 is said to be so. */
static json_t *text_or_null(const char *text)
{
    json_t *string = text ? json_string(text) : json_null();

    return string ? string : json_string("?");
}

void owner_word_encode(struct buffer *out, const struct owner_word *word)
{
    json_t *object =
        json_pack("{s:i,s:s}", "version", OWNER_WORD_VERSION, "word", word_names[word->kind]);

    if (word->has_end)
        json_object_set_new(object, "until_at", json_real(word->until_at));
    if (word->kind == OWNER_WORD_USED)
        json_object_set_new(object, "ms_ago", json_integer((json_int_t)word->ago_ms));
    if (word->user)
        json_object_set_new(object, "user", text_or_null(word->user));
    if (word->kind == OWNER_WORD_UNWATCHED)
        json_object_set_new(object, "why_not", text_or_null(word->why_not));
    write_line(out, object);
}

static json_t *describe_sources(const struct owner_answer *answer)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answer->source_count; i++) {
        const struct wire_source *source = &answer->sources[i];
        json_t *ago =
            source->was_used ? json_integer((json_int_t)source->used_ms_ago) : json_null();

        json_array_append_new(list, json_pack("{s:o,s:b,s:o,s:o}", "source",
                                              text_or_null(source->name), "works", !source->why_not,
                                              "why_not", text_or_null(source->why_not),
                                              "last_activity_ms_ago", ago));
    }
    return list;
}

static json_t *describe_tasks(const struct owner_answer *answer)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answer->task_count; i++) {
        const struct owner_task *task = &answer->tasks[i];

        json_array_append_new(
            list, json_pack("{s:I,s:I,s:o,s:s,s:f}", "job", (json_int_t)task->job, "task",
                            (json_int_t)task->task, "user", text_or_null(task->user), "state",
                            attempt_state_name(task->state), "since_at", task->since_at));
    }
    return list;
}

/* Nothing here measures energy, and a script has to see that it is a guess. */
static json_t *describe_figures(const struct owner_figures *figures)
{
    json_t *list = json_array();

    for (size_t i = 0; i < figures->count; i++) {
        const struct owner_figure *figure = &figures->items[i];

        json_array_append_new(
            list, json_pack("{s:I,s:o,s:o,s:I,s:f,s:f}", "days", (json_int_t)figure->days, "user",
                            text_or_null(figure->user), "lent_s",
                            figure->user ? json_null() : json_real(figure->lent_s), "tasks",
                            (json_int_t)figure->tasks, "cpu_s", figure->cpu_s, "energy_wh",
                            figure->energy_wh));
    }
    return json_pack("{s:o,s:s,s:f,s:o}", "since", text_or_null(figures->since), "energy",
                     "estimated", "watts_per_core", figures->watts_per_core, "list", list);
}

void owner_answer_encode(struct buffer *out, const struct owner_answer *answer)
{
    json_t *object = json_pack("{s:i}", "version", OWNER_WORD_VERSION);

    if (answer->error) {
        json_object_set_new(object, "error", text_or_null(answer->error));
        json_object_set_new(object, "hint", text_or_null(answer->hint));
        json_object_set_new(object, "refused", json_boolean(answer->refused));
    } else {
        if (answer->only_user)
            json_object_set_new(object, "only_user", text_or_null(answer->only_user));
        json_object_update_new(
            object, json_pack("{s:o,s:s,s:s,s:s,s:f,s:o,s:o,s:o,s:o}", "node",
                              text_or_null(answer->node), "owner", presence_names[answer->presence],
                              "reason", owner_reason_name(answer->reason), "why",
                              owner_reason_text(answer->reason), "since_at", answer->since_at,
                              "until_at", time_or_null(answer->has_end, answer->until_at),
                              "server_problem", text_or_null(answer->server_problem), "sources",
                              describe_sources(answer), "tasks", describe_tasks(answer)));
        if (answer->nudge > 0)
            json_object_set_new(object, "nudge", json_integer(answer->nudge));
        if (answer->has_figures)
            json_object_set_new(object, "figures", describe_figures(&answer->figures));
    }
    write_line(out, object);
}

/* ---- reading ---- */

static bool is_absent(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return !member || json_is_null(member);
}

/* Here null is as good as absent. */
static int get_text(const json_t *object, const char *name, bool optional, char **ret,
                    struct error *err)
{
    return optional && is_absent(object, name) ? 0 : wire_get_text(object, name, false, ret, err);
}

static int get_time(const json_t *object, const char *name, double *ret, struct error *err)
{
    const json_t *member = json_object_get(object, name);
    double seconds = json_number_value(member);

    if (!json_is_number(member) || !isfinite(seconds) || seconds < 0 || seconds > TIME_MAX)
        return wire_wrong(err, name, "a time");
    *ret = seconds;
    return 0;
}

/* What is added up has no bound that a later version could not pass. */
static int get_amount(const json_t *object, const char *name, double *ret, struct error *err)
{
    const json_t *member = json_object_get(object, name);
    double amount = json_number_value(member);

    if (!json_is_number(member) || !isfinite(amount) || amount < 0)
        return wire_wrong(err, name, "a number that is not negative");
    *ret = amount;
    return 0;
}

static int get_optional_time(const json_t *object, const char *name, bool *ret_is_known,
                             double *ret, struct error *err)
{
    *ret_is_known = !is_absent(object, name);
    return *ret_is_known ? get_time(object, name, ret, err) : 0;
}

/* One object of our version; the caller's. */
static int read_line(struct slice line, json_t **ret_object, struct error *err)
{
    json_error_t problem;
    json_t *object = json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES, &problem);
    json_t *version = json_object_get(object, "version");

    if (!json_is_object(object)) {
        json_decref(object);
        return error_set(err, -EPROTO, "that is no JSON object");
    }
    if (!json_is_integer(version) || json_integer_value(version) != OWNER_WORD_VERSION) {
        json_decref(object);
        return error_set(err, -EPROTO, "that is not of version %d", OWNER_WORD_VERSION);
    }
    *ret_object = object;
    return 0;
}

/* What some words have beside their name. */
static int decode_rest(const json_t *object, struct owner_word *word, struct error *err)
{
    if (word->kind == OWNER_WORD_USED)
        return wire_get_u64(object, "ms_ago", &word->ago_ms, err);
    if (word->kind == OWNER_WORD_UNWATCHED)
        return get_text(object, "why_not", false, &word->why_not, err);
    if (word->kind == OWNER_WORD_MINE_ONLY || word->kind == OWNER_WORD_PAUSE)
        return get_text(object, "user", true, &word->user, err);
    return 0;
}

int owner_word_decode(struct slice line, struct owner_word *ret_word, struct error *err)
{
    struct owner_word word = {0};
    unsigned int kind = 0;
    json_t *object = NULL;
    int r = read_line(line, &object, err);

    if (r == 0)
        r = wire_get_word(object, "word", word_names, OWNER_WORD_KIND_COUNT, &kind, err);
    if (r == 0)
        r = get_optional_time(object, "until_at", &word.has_end, &word.until_at, err);
    word.kind = (enum owner_word_kind)kind;
    if (r == 0 && word.has_end && word.kind != OWNER_WORD_PAUSE)
        r = error_set(err, -EPROTO, "only a pause has an end");
    if (r == 0)
        r = decode_rest(object, &word, err);
    if (r == 0)
        *ret_word = word;
    json_decref(object);
    return r;
}

static int decode_source(const json_t *object, struct wire_source *source, struct error *err)
{
    int r = get_text(object, "source", false, &source->name, err);

    if (r == 0)
        r = get_text(object, "why_not", true, &source->why_not, err);
    source->was_used = r == 0 && !is_absent(object, "last_activity_ms_ago");
    return source->was_used
               ? wire_get_u64(object, "last_activity_ms_ago", &source->used_ms_ago, err)
               : r;
}

static int decode_task(const json_t *object, struct owner_task *task, struct error *err)
{
    const char *state = json_string_value(json_object_get(object, "state"));
    int r = wire_get_u32(object, "job", &task->job, err);

    if (r == 0)
        r = wire_get_u32(object, "task", &task->task, err);
    if (r == 0)
        r = get_text(object, "user", true, &task->user, err);
    if (r == 0)
        r = get_time(object, "since_at", &task->since_at, err);
    if (r == 0 && (!state || !attempt_state_from_name(state, &task->state)))
        r = wire_wrong(err, "state", "an attempt's state");
    return r;
}

static int decode_lists(const json_t *object, struct owner_answer *answer, struct error *err)
{
    const json_t *sources = json_object_get(object, "sources");
    const json_t *tasks = json_object_get(object, "tasks");
    int r = 0;

    if (!json_is_array(sources) || json_array_size(sources) > WIRE_SOURCES_MAX)
        return wire_wrong(err, "sources", "a list of bounded length");
    if (!json_is_array(tasks) || json_array_size(tasks) > WIRE_ATTEMPTS_MAX)
        return wire_wrong(err, "tasks", "a list of bounded length");
    answer->sources = memory_allocate((json_array_size(sources) + 1) * sizeof(*answer->sources));
    for (size_t i = 0; r == 0 && i < json_array_size(sources); i++)
        r = decode_source(json_array_get(sources, i), &answer->sources[answer->source_count++],
                          err);
    answer->tasks = memory_allocate((json_array_size(tasks) + 1) * sizeof(*answer->tasks));
    for (size_t i = 0; r == 0 && i < json_array_size(tasks); i++)
        r = decode_task(json_array_get(tasks, i), &answer->tasks[answer->task_count++], err);
    return r;
}

static int decode_figure(const json_t *object, struct owner_figure *figure, struct error *err)
{
    int r = wire_get_u32(object, "days", &figure->days, err);

    if (r == 0)
        r = get_text(object, "user", true, &figure->user, err);
    if (r == 0 && !figure->user)
        r = get_amount(object, "lent_s", &figure->lent_s, err);
    if (r == 0)
        r = wire_get_number(object, "tasks", INT64_MAX, &figure->tasks, err);
    if (r == 0)
        r = get_amount(object, "cpu_s", &figure->cpu_s, err);
    if (r == 0)
        r = get_amount(object, "energy_wh", &figure->energy_wh, err);
    return r;
}

static int decode_figures(const json_t *object, struct owner_figures *figures, struct error *err)
{
    const json_t *list = json_object_get(object, "list");
    int r = get_text(object, "since", true, &figures->since, err);

    if (r == 0)
        r = get_amount(object, "watts_per_core", &figures->watts_per_core, err);
    if (r == 0 && (!json_is_array(list) || json_array_size(list) > OWNER_FIGURES_MAX))
        r = wire_wrong(err, "list", "a list of bounded length");
    if (r < 0)
        return r;
    figures->items = memory_allocate((json_array_size(list) + 1) * sizeof(*figures->items));
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_figure(json_array_get(list, i), &figures->items[figures->count++], err);
    return r;
}

static int decode_state(const json_t *object, struct owner_answer *answer, struct error *err)
{
    const char *reason = json_string_value(json_object_get(object, "reason"));
    unsigned int presence = 0;
    int r = get_text(object, "node", false, &answer->node, err);

    if (r == 0)
        r = wire_get_word(object, "owner", presence_names, ARRAY_LENGTH(presence_names), &presence,
                          err);
    answer->presence = (enum owner_presence)presence;
    /* A later version may know more reasons; that there is one is what counts. */
    if (r == 0 && (!reason || !owner_reason_from_name(reason, &answer->reason)))
        answer->reason = OWNER_REASON_USED;
    if (r == 0)
        r = get_time(object, "since_at", &answer->since_at, err);
    if (r == 0)
        r = get_optional_time(object, "until_at", &answer->has_end, &answer->until_at, err);
    if (r == 0)
        r = get_text(object, "only_user", true, &answer->only_user, err);
    if (r == 0)
        r = get_text(object, "server_problem", true, &answer->server_problem, err);
    if (r == 0 && !is_absent(object, "nudge"))
        r = wire_get_u32(object, "nudge", &answer->nudge, err);
    if (r == 0)
        r = decode_lists(object, answer, err);
    answer->has_figures = r == 0 && !is_absent(object, "figures");
    return answer->has_figures
               ? decode_figures(json_object_get(object, "figures"), &answer->figures, err)
               : r;
}

int owner_answer_decode(struct slice line, struct owner_answer *ret_answer, struct error *err)
{
    struct owner_answer answer = {0};
    json_t *object = NULL;
    int r = read_line(line, &object, err);

    if (r == 0)
        r = get_text(object, "error", true, &answer.error, err);
    if (r == 0 && answer.error)
        r = get_text(object, "hint", true, &answer.hint, err);
    else if (r == 0)
        r = decode_state(object, &answer, err);
    answer.refused = answer.error && json_is_true(json_object_get(object, "refused"));
    if (r == 0)
        *ret_answer = answer;
    else
        owner_answer_deinit(&answer);
    json_decref(object);
    return r;
}
