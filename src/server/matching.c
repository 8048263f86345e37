/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the matchmaker (core/match.h) is asked, and what of its answers reaches the brain: the class
 * of each part of a job before it is submitted, and the class of each node when its attributes are
 * heard. Requirements that look at a name which nobody looked at before tell nodes apart that were
 * the same: then all of them are classified again, before the job that has them is.
 *
 * Nodes tell tasks apart likewise, by their START and by users that they are kept for. What is
 * queued is classified again then, job by job and some milliseconds in each turn of the loop; until
 * then nothing of it runs where that matters.
 *
 * Classes stand in no row; after a restart they are made again from the descriptions of the jobs
 * and from what the nodes say when they come back.
 */
#include "server.h"

#include "base/memory.h"
#include "lang/expression.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <string.h>

/* How seldom classes that nobody is of any more are looked for, in batches. */
enum { TIDY_INTERVAL = 1024 };

/* By then the hour of the week, on which a node's prospects hang, may be another one. */
enum { STAY_INTERVAL_SECONDS = 900 };

/* How often what hangs on the time of day is evaluated. */
enum { LOOK_INTERVAL_SECONDS = 60 };

/* What may be spent on classes before the loop looks around again; some ten milliseconds. */
enum { STEPS_PER_TURN = 200000 };

/* Likewise on jobs that are classified again. */
enum { CLASSIFY_MS = 10 };

/* So that who requires an hour of the day gets it within a minute. */
static void look_again(struct server *server)
{
    double now = clock_wall_seconds();

    if (now >= server->looked_at && now - server->looked_at < LOOK_INTERVAL_SECONDS)
        return;
    server->looked_at = now;
    matchmaker_set_clock(server->matchmaker, (int64_t)now, clock_utc_offset_seconds(now));
    matchmaker_look_again(server->matchmaker);
}

void matching_init(struct server *server)
{
    server->matchmaker = matchmaker_new(server->pool);
    job_ad_init(&server->job_ad);
    platform_read(&server->platform);
    look_again(server);
}

void matching_deinit(struct server *server)
{
    server->matchmaker = matchmaker_free(server->matchmaker);
    job_ad_deinit(&server->job_ad);
    platform_deinit(&server->platform);
}

/* What is not known is taken for nothing. */
static uint8_t stay_of(const struct node_record *node)
{
    uint64_t seconds = 0;

    (void)free_time_expect(node, clock_wall_seconds(), &seconds);
    return history_stay(seconds);
}

/* A node that cannot be told apart from those of which nothing is known is one of these. */
static uint32_t class_of(struct server *server, const struct node_record *node)
{
    uint32_t node_class = 0;

    if (node->attributes)
        (void)matchmaker_classify_node(server->matchmaker, slice_from_text(node->attributes),
                                       &node_class);
    return node_class;
}

/* Called for each report, so it looks anew only at what may have become different. */
void matching_classify_node(struct server *server, struct node_record *node)
{
    struct pool_event event = {.kind = POOL_NODE_CHANGED};
    double now = clock_wall_seconds();
    bool old_stay = now < node->stay_at || now - node->stay_at >= STAY_INTERVAL_SECONDS;

    if (node->is_classified && !old_stay)
        return;
    event.changed.node = node->number;
    event.changed.node_class = node->is_classified ? node->node_class : class_of(server, node);
    event.changed.stay = old_stay ? stay_of(node) : node->stay;
    node->is_classified = true;
    node->stay_at = old_stay ? now : node->stay_at;
    if (event.changed.node_class == node->node_class && event.changed.stay == node->stay)
        return;
    node->node_class = event.changed.node_class;
    node->stay = event.changed.stay;
    batch_push(server, &event, NULL);
}

void matching_classify_nodes(struct server *server)
{
    if (!server->nodes_are_outdated)
        return;
    server->nodes_are_outdated = false;
    for (size_t i = 0; i < server->records.node_count; i++) {
        struct node_record *node = &server->records.nodes[i];

        node->is_classified = false;
        if (node->link || node->asleep)
            matching_classify_node(server, node);
    }
}

const struct job_ad *matching_describe_task(struct server *server, const struct submit *submit,
                                            const char *user, const char *folder)
{
    const struct job_origin origin = {
        .folder = folder,
        .user = user,
        .arch = server->platform.arch,
        .operating_system = server->platform.opsys,
        .trusts_silent_nodes = true,
    };

    job_ad_fill(&server->job_ad, submit, &server->task, &origin);
    return &server->job_ad;
}

int matching_classify_task(struct server *server, const struct submit *submit, const char *user,
                           const char *folder, uint32_t *ret_job_class, struct error *err)
{
    const struct job_ad *ad;
    _cleanup_free_ struct match_attribute *attributes = NULL;
    _cleanup_buffer_ struct buffer owner = BUFFER_INIT;
    int r;

    *ret_job_class = 0;
    ad = matching_describe_task(server, submit, user, folder);
    attributes = memory_allocate((ad->count + 1) * sizeof(*attributes));
    for (size_t i = 0; i < ad->count; i++)
        attributes[i] = (struct match_attribute){
            .name = ad->items[i].name,
            .expression = ad->items[i].expression,
            .varies = ad->items[i].varies,
        };
    /* The last of a name counts: whatever he says of himself, it is he. */
    expression_append_string(&owner, slice_from_text(user));
    attributes[ad->count] = (struct match_attribute){"Owner", buffer_text(&owner), false};
    r = matchmaker_classify_task(server->matchmaker, user, attributes, ad->count + 1, ret_job_class,
                                 err);
    server->nodes_are_outdated = server->nodes_are_outdated || r > 0;
    return r < 0 ? r : 0;
}

int matching_classify_nowhere(struct server *server, uint32_t *ret_job_class)
{
    static const struct match_attribute nowhere = {"Requirements", "false"};
    int r = matchmaker_classify_task(server->matchmaker, NULL, &nowhere, 1, ret_job_class, NULL);

    return r < 0 ? r : 0;
}

bool matching_varies(const struct server *server, uint32_t job_class)
{
    const struct job_ad *ad = &server->job_ad;

    for (size_t i = 0; i < ad->count; i++) {
        const char *name = ad->items[i].name;

        if (ad->items[i].varies &&
            (strcmp(name, "Requirements") == 0 || strcmp(name, "Rank") == 0 ||
             matchmaker_looks_at(server->matchmaker, job_class, name)))
            return true;
    }
    return false;
}

/*
 * A job that cannot be described any more, or for which there are too many classes, stays as it is:
 * nothing of it runs where it must not.
 */
static void classify_job(struct server *server, struct job_record *job)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct pool_part part = {0};
    uint32_t job_class = 0;
    int r = records_load_submit(server, job, &err);

    while (r == 0 &&
           pool_view_part(server->pool, job->row.number, part.first + part.count, &part)) {
        r = submit_expand(job->submit, job->row.number, part.first, &server->task, &err);
        if (r == 0)
            r = matching_classify_task(server, job->submit, job->row.user, job->row.folder,
                                       &job_class, &err);
        if (r == 0)
            r = pool_set_part_class(server->pool, job->row.number, part.first, job_class);
    }
    if (r < 0)
        log_warning("job %u does not run where nodes choose tasks: %s", job->row.number,
                    error_text(&err));
}

/*
 * Goes on with jobs whose tasks are told apart otherwise than before; those that came since the
 * first of them are. From the last to the first, because the last takes the place of one that goes.
 */
static void classify_jobs(struct server *server)
{
    uint64_t end_ms = clock_boot_ms() + CLASSIFY_MS;

    matchmaker_bound_shares(server->matchmaker, false);
    if (server->jobs_outdated > server->records.job_count)
        server->jobs_outdated = server->records.job_count;
    while (server->jobs_outdated > 0 && clock_boot_ms() < end_ms) {
        struct job_record *job = server->records.jobs[--server->jobs_outdated];

        if (job->in_brain && (server->all_jobs_are_outdated ||
                              matchmaker_keeps_for(server->matchmaker, job->row.user)))
            classify_job(server, job);
    }
    matchmaker_bound_shares(server->matchmaker, true);
    matching_classify_nodes(server);
}

/*
 * What nodes ask of tasks, and for whom they are kept, is heard of when no job is on its way to the
 * brain that was classified before. What comes meanwhile waits, so that the last has its turn.
 */
static void look_at_wishes(struct server *server)
{
    bool has_new_user, has_new_wishes;

    if (server->jobs_outdated > 0)
        return;
    has_new_user = matchmaker_take_new_user(server->matchmaker);
    has_new_wishes = matchmaker_take_new_wishes(server->matchmaker);
    server->all_jobs_are_outdated = has_new_wishes;
    if (!has_new_user && !has_new_wishes)
        return;
    server->jobs_outdated = server->records.job_count;
    server->matching_is_due = true;
}

bool matching_is_choosy(const struct server *server, uint32_t node_class)
{
    return matchmaker_only_user(server->matchmaker, node_class) ||
           matchmaker_has_start(server->matchmaker, node_class);
}

void matching_append_choice(const struct server *server, struct buffer *text, uint32_t node_class)
{
    const char *user = matchmaker_only_user(server->matchmaker, node_class);

    if (user) {
        buffer_appendf(text, "only %s's tasks: its owner said so", user);
        return;
    }
    buffer_append_text(text, "only tasks of which its START is true: ");
    matchmaker_append_start(server->matchmaker, node_class, text);
}

void matching_go_on(struct server *server)
{
    if (server->jobs_outdated > 0)
        classify_jobs(server);
    server->matching_is_due =
        matchmaker_go_on(server->matchmaker, STEPS_PER_TURN) || server->jobs_outdated > 0;
}

void matching_tidy(struct server *server)
{
    look_again(server);
    if (server->batch.length == 0)
        look_at_wishes(server);
    if (server->batch.length > 0 ||
        (++server->batches_untidy < TIDY_INTERVAL && !matchmaker_is_crowded(server->matchmaker)))
        return;
    server->batches_untidy = 0;
    matchmaker_tidy(server->matchmaker);
}

const char *matching_example(const struct server *server, uint32_t node_class)
{
    for (size_t i = 0; i < server->records.node_count; i++) {
        const struct node_record *node = &server->records.nodes[i];

        if (node->link && !node->forgotten && node->node_class == node_class)
            return node->name;
    }
    return NULL;
}

void matching_analyze(struct server *server, uint32_t job_class,
                      struct match_analysis *ret_analysis)
{
    _cleanup_free_ uint32_t *counts = NULL;
    size_t count = 1;

    for (size_t i = 0; i < server->records.node_count; i++)
        if (server->records.nodes[i].node_class >= count)
            count = server->records.nodes[i].node_class + 1;
    counts = memory_allocate(count * sizeof(*counts));
    for (size_t i = 0; i < server->records.node_count; i++)
        if (server->records.nodes[i].link && !server->records.nodes[i].forgotten)
            counts[server->records.nodes[i].node_class]++;
    matchmaker_analyze(server->matchmaker, job_class, counts, count, ret_analysis);
}
