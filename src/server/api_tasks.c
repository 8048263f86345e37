/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: a live look at a running one's output, and why one waits. task_list.c lists them. */
#include "server.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/clock.h"

#include <assert.h>
#include <string.h>

/* A live look. */

/*
 * What waits for its reader at most. Nothing on a link says "slower", so whoever reads too slowly
 * has his stream cancelled, and asked for again behind what he has, once he is through with that.
 */
enum { TAIL_BYTES_MAX = 1 << 20 };

static void tail_on_piece(struct stream_in *stream, struct slice bytes)
{
    struct request *request = stream->userdata;
    struct api_call *call = api_call_of(request);

    buffer_append_slice(&call->tail_bytes, bytes);
    call->tail_want.offset += bytes.length;
    if (call->tail_bytes.length > TAIL_BYTES_MAX) {
        streams_cancel(stream);
        call->tail = NULL;
    }
    request_wake(request);
}

static void tail_on_end(struct stream_in *stream, enum reason failure, const char *detail)
{
    struct request *request = stream->userdata;
    struct api_call *call = api_call_of(request);

    (void)failure;
    (void)detail;
    call->tail = NULL;
    call->tail_ended = true;
    request_wake(request);
}

/* A link that is no more ends the tail, as it would have in the middle of it. */
static void tail_ask(struct api_call *call, struct request *request)
{
    struct agent_link *link = agents_find(call->server, call->tail_node, call->tail_session);
    struct stream_in handlers = {
        .on_piece = tail_on_piece, .on_end = tail_on_end, .userdata = request};

    call->tail = link ? streams_ask(link, &call->tail_want, &handlers) : NULL;
    call->tail_ended = !link;
}

static int tail_produce(void *userdata, struct buffer *chunk)
{
    struct request *request = userdata;
    struct api_call *call = api_call_of(request);
    size_t length =
        call->tail_bytes.length < STREAM_CHUNK_MAX ? call->tail_bytes.length : STREAM_CHUNK_MAX;

    buffer_append(chunk, call->tail_bytes.data, length);
    buffer_consume(&call->tail_bytes, length);
    if (call->tail_bytes.length > 0)
        return STREAM_MORE;
    if (!call->tail && !call->tail_ended)
        tail_ask(call, request);
    if (call->tail_ended)
        return STREAM_END;
    return length > 0 ? STREAM_MORE : STREAM_WAIT;
}

void api_task_tail(struct server *server, struct request *request, uint32_t job, uint32_t task)
{
    const char *stream = request_parameter(request, "stream");
    const char *follow = request_parameter(request, "follow");
    const char *offset = request_parameter(request, "offset");
    struct api_call *call = api_call_of(request);
    struct wire_want *want = &call->tail_want;
    struct pool_task_row row;
    struct agent_link *link;

    if (!api_may_change(server, request, job))
        return;
    if (!pool_view_task(server->pool, job, task, &row) || row.node == NONE) {
        api_reply_error(request, 409, "'dusk q --tasks' shows which are", "%u.%u is not running",
                        job, task);
        return;
    }
    link = server->records.nodes[row.node].link;
    if (!link) {
        api_reply_error(request, 409, "try again when it is back",
                        "the node '%s' is not connected now", server->records.nodes[row.node].name);
        return;
    }
    *want = (struct wire_want){.kind = WIRE_WANT_TAIL, .epoch = row.epoch};
    want->tail_of_stderr = stream && strcmp(stream, "stderr") == 0;
    want->follow = follow && strcmp(follow, "1") == 0;
    if (offset)
        (void)number_parse_u64(slice_from_text(offset), &want->offset);
    call->tail_node = row.node;
    call->tail_session = link->session;
    tail_ask(call, request);
    request_reply_stream(
        request, 200, "application/octet-stream",
        &(struct stream){.produce = tail_produce, .userdata = request, .size = -1});
}

/* Why. */

static void add_line(json_t *lines, const char *format, ...) _printf_(2, 3);

static void add_line(json_t *lines, const char *format, ...)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&line, format, arguments);
    va_end(arguments);
    json_array_append_new(lines, json_string(line.data));
}

static void add_count(json_t *lines, uint32_t count, const char *what)
{
    if (count > 0)
        add_line(lines, "  %u %s", count, what);
}

static unsigned long long megabytes(uint64_t bytes)
{
    return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

/* The conditions that fail somewhere, each with how many nodes that is. */
static void explain_conditions(json_t *lines, const struct match_analysis *analysis)
{
    for (size_t i = 0; i < analysis->count; i++) {
        const struct match_condition *condition = &analysis->conditions[i];

        if (condition->fails > 0)
            add_line(lines, "    %u of them: %s", condition->fails, condition->text);
    }
}

/* The condition without which most nodes would suit; NULL if no single one stands in the way. */
static const struct match_condition *worst_condition(const struct match_analysis *analysis)
{
    const struct match_condition *worst = NULL;

    for (size_t i = 0; i < analysis->count; i++)
        if (analysis->conditions[i].alone > (worst ? worst->alone : 0))
            worst = &analysis->conditions[i];
    return worst;
}

/* Where it could run but for one condition. */
static void explain_way_out(struct server *server, json_t *lines,
                            const struct match_condition *worst, uint32_t suited)
{
    const char *name = matching_example(server, worst->alone_class);

    add_line(lines, "Without '%s' it could run on %u%s node%s%s%s%s.", worst->text, worst->alone,
             suited > 0 ? " more" : "", worst->alone == 1 ? "" : "s",
             !name               ? ""
             : worst->alone == 1 ? ", '"
                                 : ", such as '",
             name ? name : "", name ? "'" : "");
}

/* Nodes that their owners keep for somebody else. */
static void explain_kept(struct server *server, json_t *lines,
                         const struct match_analysis *analysis)
{
    _cleanup_buffer_ struct buffer whose = BUFFER_INIT;
    const char *name = matching_example(server, analysis->kept_class);

    matching_append_choice(server, &whose, analysis->kept_class);
    add_line(lines, "%s takes %s%s.", name ? name : "One node", buffer_text(&whose),
             analysis->kept > 1 ? "; others are kept like that as well" : "");
}

/* Nodes whose START is not true of it: one of them, and how many others there are. */
static void explain_refused(struct server *server, json_t *lines,
                            const struct match_analysis *analysis)
{
    _cleanup_buffer_ struct buffer start = BUFFER_INIT, others = BUFFER_INIT;
    const char *name = matching_example(server, analysis->refused_class);

    matchmaker_append_start(server->matchmaker, analysis->refused_class, &start);
    if (analysis->refused > 1)
        buffer_appendf(&others, "; %u other%s not either", analysis->refused - 1,
                       analysis->refused == 2 ? " does" : "s do");
    add_line(lines, "%s does not take it%s: it takes only tasks of which its START is true: %s",
             name ? name : "One node", buffer_text(&others), buffer_text(&start));
    if (analysis->is_untold)
        add_line(lines, "    which is not asked of this task: others that count as one with it "
                        "differ in what that looks at, or its user has too many different ones.");
}

static void explain_requirements(struct server *server, json_t *lines, uint32_t job_class)
{
    const struct match_condition *worst;
    struct match_analysis analysis;
    uint32_t unwilling;

    matching_analyze(server, job_class, &analysis);
    if (analysis.is_pending)
        add_line(lines, "Its requirements are being compared with the nodes; it waits for that.");
    if (analysis.is_cut)
        add_line(lines, "They take long to evaluate; what follows is about the first %u nodes.",
                 analysis.nodes);
    if (analysis.kept > 0)
        explain_kept(server, lines, &analysis);
    if (analysis.refused > 0)
        explain_refused(server, lines, &analysis);
    unwilling = analysis.kept + analysis.refused;
    if (analysis.suited + unwilling < analysis.nodes) {
        add_line(lines,
                 "Its requirements rule out %u of %u connected node%s, on which is not true:",
                 analysis.nodes - analysis.suited - unwilling, analysis.nodes,
                 analysis.nodes == 1 ? "" : "s");
        explain_conditions(lines, &analysis);
        worst = worst_condition(&analysis);
        if (worst)
            explain_way_out(server, lines, worst, analysis.suited);
        else if (analysis.suited == 0)
            add_line(lines, "No change of one condition alone would let it run.");
    }
    match_analysis_deinit(&analysis);
}

/* Nodes that are too small or do not suit are not lent either; they are among those counted. */
static void explain_owners(const struct server *server, json_t *lines)
{
    _cleanup_buffer_ struct buffer reasons = BUFFER_INIT;

    owners_append_reasons(&reasons, server);
    if (reasons.length > 0)
        add_line(lines, "Why nodes are not lent just now: %s.", reasons.data);
}

/* GPUs are named to those alone who ask for some: most nodes have none. */
static void append_gpus(struct buffer *text, uint32_t count)
{
    buffer_appendf(text, ", %u GPU%s", count, count == 1 ? "" : "s");
}

static void explain_amounts(json_t *lines, const struct pool_explanation *why, bool none_fits)
{
    const struct resources *request = &why->request;
    _cleanup_buffer_ struct buffer asked = BUFFER_INIT, largest = BUFFER_INIT,
                                   duration = BUFFER_INIT;

    if (request->gpus > 0) {
        append_gpus(&asked, request->gpus);
        append_gpus(&largest, why->largest_gpus);
    }
    add_line(lines, "It needs %u CPU%s%s, %llu MB of memory and %llu MB of disk.", request->cpus,
             request->cpus == 1 ? "" : "s", buffer_text(&asked), megabytes(request->memory),
             megabytes(request->disk));
    if (why->needed_ms > 0) {
        number_append_duration(&duration, why->needed_ms);
        add_line(lines, "It says that it takes %s (expected_duration).", duration.data);
    }
    if (none_fits)
        add_line(lines,
                 "No connected node is large enough: the largest have %u CPUs%s, %llu MB of "
                 "memory, %llu MB of disk.",
                 why->largest_cpus, buffer_text(&largest), megabytes(why->largest_memory),
                 megabytes(why->largest_disk));
}

static void explain_closing(json_t *lines, const struct pool_explanation *why)
{
    _cleanup_buffer_ struct buffer last = BUFFER_INIT;

    if (why->closing == 0)
        return;
    owners_append_time(&last, clock_wall_seconds() + (double)why->longest_lent_ms / 1000);
    add_line(lines, "  %u back with their owners before it could end, the last at %s", why->closing,
             last.data);
}

static void explain_idle(struct server *server, json_t *lines, const struct pool_explanation *why)
{
    uint32_t fitting = why->busy + why->available + why->making_way + why->owner_present +
                       why->drained + why->unsuited + why->asleep + why->closing;

    if (why->nodes == 0) {
        add_line(lines, "No node has joined the pool yet: on one, run 'dusk agent'.");
        return;
    }
    explain_amounts(lines, why, fitting == 0 && why->nodes > why->offline);
    add_line(lines, "Of %u node%s:", why->nodes, why->nodes == 1 ? "" : "s");
    add_count(lines, why->offline, "not connected");
    add_count(lines, why->asleep, "asleep, and woken when it has waited for some time");
    add_count(lines, why->drained, "drained by an admin");
    add_count(lines, why->owner_present, "in use by their owners");
    explain_closing(lines, why);
    add_count(lines, why->too_few_cpus, "with too few CPUs");
    add_count(lines, why->too_little_memory, "with too little memory");
    add_count(lines, why->too_little_disk, "with too little disk");
    add_count(lines, why->too_few_gpus, "with too few GPUs");
    add_count(lines, why->unsuited, "ruled out by its requirements, or by what they take");
    add_count(lines, why->making_way,
              "making way for it: their RANK prefers it to what runs there");
    add_count(lines, why->busy, "busy with other tasks");
    if (why->lacking_gpus > 0)
        add_line(lines, "    on %u of them all but GPUs is free", why->lacking_gpus);
    add_count(lines, why->available, "with room for it");
    if (why->owner_present > 0)
        explain_owners(server, lines);
    if (why->closing > 0 && why->closing == fitting)
        add_line(lines, "Where it could run it does not end in time; a shorter expected_duration, "
                        "or a node without working hours, would let it start.");
    explain_requirements(server, lines, why->job_class);
    if (why->tasks_before > 0)
        add_line(lines, "%u task%s before it in line.", why->tasks_before,
                 why->tasks_before == 1 ? " is" : "s are");
}

static void explain_row(struct server *server, json_t *lines, const struct store_task *row)
{
    _cleanup_buffer_ struct buffer reason = BUFFER_INIT;

    (void)server;
    api_append_reason(&reason, row->state.reason, row->result.detail);
    add_line(lines, "%u.%u is %s%s%s.", row->state.job, row->state.task, row->state.state,
             reason.length > 0 ? ": " : "", buffer_text(&reason));
    if (row->state.attempts > 0)
        add_line(lines, "Attempt %u %s on %s.", row->state.attempts,
                 row->state.over || strcmp(row->state.state, "Idle") == 0 ? "was" : "is",
                 row->node_name ? row->node_name : "a node");
    if (!row->state.over && row->state.checkpoint > 0)
        add_line(lines, "Its work up to checkpoint %llu is saved.",
                 (unsigned long long)row->state.checkpoint);
    if (strcmp(row->state.state, "Held") == 0)
        add_line(lines, "When that is mended: dusk release %u.%u", row->state.job, row->state.task);
}

/* `reason` is the job's. */
static void why_task(struct server *server, json_t *lines, uint32_t job, uint32_t task,
                     const char *reason)
{
    struct store_task_query *query =
        store_task_query_new(server->store, &(struct store_task_filter){.job = job, .task = task});
    struct pool_explanation explanation;
    const struct store_task *row;
    struct pool_task_row now;

    if (store_task_query_next(query, &row, NULL) == 0)
        explain_row(server, lines, row);
    else if (pool_view_task(server->pool, job, task, &now))
        add_line(lines, "%u.%u is %s and has not started yet%s%s.", job, task,
                 task_state_name(now.state), now.state == TASK_HELD && reason[0] ? ": " : "",
                 now.state == TASK_HELD ? reason : "");
    else
        add_line(lines, "%u.%u was removed before it started%s%s.", job, task,
                 reason[0] ? ": " : "", reason);
    store_task_query_free(query);
    if (!pool_view_task(server->pool, job, task, &now))
        return;
    if (now.state == TASK_IDLE && pool_explain_task(server->pool, job, task, &explanation))
        explain_idle(server, lines, &explanation);
    if (now.state == TASK_HELD && now.attempts == 0)
        add_line(lines, "It waits until somebody says: dusk release %u.%u", job, task);
}

/* Tasks that ask for the same and wait for the same, by the first of them that is idle. */
struct group {
    struct pool_part part; /* one of theirs */
    uint32_t first_idle;
};

/* More of them are not worth a screen, and more ranges of tasks than this are not looked at. */
enum { GROUPS_MAX = 4, RANGES_MAX = 1000 };

static uint32_t first_idle_of(const struct server *server, uint32_t job,
                              const struct pool_part *part)
{
    uint32_t end = part->first + part->count;
    struct pool_task_row row;

    for (uint32_t task = part->first; task < end; task++)
        if (pool_view_task(server->pool, job, task, &row) && row.state == TASK_IDLE)
            return task;
    return NONE;
}

static bool group_is_known(const struct group *groups, size_t count, const struct pool_part *part)
{
    for (size_t i = 0; i < count; i++)
        if (pool_parts_are_alike(&groups[i].part, part))
            return true;
    return false;
}

static size_t find_groups(const struct server *server, uint32_t job, struct group *groups)
{
    struct pool_part part;
    size_t count = 0;

    for (uint32_t task = 0, range = 0; range < RANGES_MAX && count < GROUPS_MAX; range++) {
        uint32_t first_idle = NONE;

        if (!pool_view_part(server->pool, job, task, &part))
            break;
        if (!group_is_known(groups, count, &part))
            first_idle = first_idle_of(server, job, &part);
        if (first_idle != NONE)
            groups[count++] = (struct group){part, first_idle};
        task = part.first + part.count;
    }
    return count;
}

static void why_job(struct server *server, json_t *lines, uint32_t job,
                    const struct pool_counts *counts, const char *reason)
{
    struct pool_explanation explanation;
    struct group groups[GROUPS_MAX];
    size_t count;

    for (enum task_state state = 0; state < TASK_STATE_COUNT; state++)
        if (counts->by_state[state] > 0)
            add_line(lines, "%u of %u tasks: %s", counts->by_state[state], counts->tasks,
                     task_state_name(state));
    if (reason[0])
        add_line(lines, "It was held or removed as a whole: %s.", reason);
    count = counts->by_state[TASK_IDLE] > 0 ? find_groups(server, job, groups) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!pool_explain_task(server->pool, job, groups[i].first_idle, &explanation))
            continue;
        add_line(lines, count == 1 ? "The first idle one is %u.%u." : "Those like %u.%u:", job,
                 groups[i].first_idle);
        explain_idle(server, lines, &explanation);
    }
}

void api_jobs_why(struct server *server, struct request *request, uint32_t job)
{
    uint32_t task = NONE;
    struct pool_counts counts;
    json_t *object, *lines;
    const char *reason;

    if (!api_parameter(request, "task", &task))
        return;
    object = api_job_object(server, job);
    if (!object || (task != NONE && task >= json_integer_value(json_object_get(object, "tasks")))) {
        api_reply_error(request, 404, "'dusk q' and 'dusk history' show what there is",
                        "there is no such job or task");
        json_decref(object);
        return;
    }
    reason = json_string_value(json_object_get(object, "reason"));
    lines = json_array();
    if (server->room.still)
        add_line(lines, "The disk of the server is full: nothing starts and nothing is recorded "
                        "until there is room.");
    if (task != NONE)
        why_task(server, lines, job, task, reason);
    else if (pool_count_job(server->pool, job, &counts))
        why_job(server, lines, job, &counts, reason);
    else
        add_line(lines, "Job %u is over: %lld completed, %lld removed%s%s.", job,
                 (long long)json_integer_value(json_object_get(object, "completed")),
                 (long long)json_integer_value(json_object_get(object, "removed")),
                 reason[0] ? ": " : "", reason);
    json_decref(object);
    api_reply_json(request, 200, json_pack("{s:o}", "lines", lines));
}
