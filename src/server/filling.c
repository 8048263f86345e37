/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task learns of its node before it starts: $$(Attribute) and $$([expression]) in its
 * arguments and its environment, by the attributes that the node told of itself
 * (lang/references.h). As in HTCondor, arguments are told apart after that: an expression may have
 * blanks in it. And what the node learns of the task: the values of those attributes of its job
 * that the node's policy asks for.
 */
#include "server.h"

#include "core/match.h"
#include "core/policy.h"
#include "lang/arguments.h"
#include "lang/classad.h"
#include "lang/references.h"
#include "sys/clock.h"

#include "base/memory.h"

#include <string.h>

/* Nobody compares with more; a note of the attempt, which has them all, is bounded as well. */
enum { TOLD_VALUE_SIZE_MAX = 1024 };

/* The two ads, made when the first reference is found. */
struct filling {
    struct server *server;
    const struct submit *submit;
    const struct job_record *job;
    const struct node_record *node;
    struct classad *task_ad; /* owned */
    struct classad *node_ad; /* owned */
    struct classad_evaluator evaluator;
};

static void filling_deinit(struct filling *filling)
{
    classad_free(filling->task_ad);
    classad_free(filling->node_ad);
    classad_evaluator_deinit(&filling->evaluator);
}

static void make_ads(struct filling *filling)
{
    const struct job_ad *ad = matching_describe_task(
        filling->server, filling->submit, filling->job->row.user, filling->job->row.folder);
    double now = clock_wall_seconds();
    struct classad_failure failure;

    filling->evaluator.now_seconds = (int64_t)now;
    filling->evaluator.utc_offset_seconds = clock_utc_offset_seconds(now);
    filling->task_ad = classad_new();
    filling->node_ad = classad_new();
    if (filling->node->attributes)
        classad_read_tolerantly(filling->node_ad, slice_from_text(filling->node->attributes));
    for (size_t i = 0; i < ad->count; i++)
        if (ad->items[i].expression)
            (void)classad_set(filling->task_ad, slice_from_text(ad->items[i].name),
                              slice_from_text(ad->items[i].expression), CLASSAD_OLD, &failure);
}

/* A string as its text, anything else as ClassAds write it. */
static int append_value(const struct classad_value *value, struct buffer *text)
{
    if (value->type == CLASSAD_UNDEFINED || value->type == CLASSAD_ERROR)
        return 1;
    if (value->type == CLASSAD_STRING)
        buffer_append_slice(text, classad_value_text(value));
    else
        classad_value_print(value, CLASSAD_OLD, text);
    return 0;
}

static int look_up(void *user_data, enum reference_kind kind, struct slice text,
                   struct buffer *value, struct error *err)
{
    struct filling *filling = user_data;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_free_ char *name = slice_copy(text);
    struct classad_failure failure;
    struct classad_value result;
    int r;

    if (!filling->task_ad)
        make_ads(filling);
    if (kind == REFERENCE_ATTRIBUTE) {
        result = classad_evaluate_attribute(&filling->evaluator, name, filling->node_ad,
                                            filling->task_ad);
        return append_value(&result, value);
    }
    r = classad_expression_parse(text, CLASSAD_OLD, &expression, &failure);
    if (r < 0)
        return error_set(err, r, "'$$([%s])': %s", name, failure.message);
    result = classad_evaluate(&filling->evaluator, classad_expression_node(expression),
                              filling->task_ad, filling->node_ad);
    return append_value(&result, value);
}

static void replace_strings(struct wire_strings *strings, const struct list *list)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct wire_strings){
        .items = memory_allocate((list->count + 1) * sizeof(*strings->items))};
    for (size_t i = 0; i < list->count; i++)
        strings->items[strings->count++] = memory_copy_string(list->items[i]);
}

static int fill_arguments(struct filling *filling, struct wire_strings *arguments,
                          struct error *err)
{
    struct slice text = slice_from_text(filling->server->task.arguments_text);
    _cleanup_buffer_ struct buffer filled = BUFFER_INIT;
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    _cleanup_list_ struct list list = LIST_OF_TEXTS_INIT;
    const char *message;
    int r;

    if (!references_are_in(text))
        return 0;
    r = references_expand(text, SUBMIT_VALUE_SIZE_MAX, look_up, filling, &filled, err);
    if (r < 0)
        return r;
    list_clear(&list);
    r = arguments_split((struct slice){buffer_text(&filled), filled.length}, &arena, &list,
                        &message);
    if (r < 0)
        return error_set(err, r, "the arguments '%s': %s", buffer_text(&filled), message);
    replace_strings(arguments, &list);
    return 0;
}

static int fill_strings(struct filling *filling, struct wire_strings *strings, struct error *err)
{
    for (size_t i = 0; i < strings->count; i++) {
        _cleanup_buffer_ struct buffer filled = BUFFER_INIT;
        struct slice text = slice_from_text(strings->items[i]);
        int r;

        if (!references_are_in(text))
            continue;
        r = references_expand(text, SUBMIT_VALUE_SIZE_MAX, look_up, filling, &filled, err);
        if (r < 0)
            return r;
        free(strings->items[i]);
        strings->items[i] = buffer_take(&filled);
    }
    return 0;
}

/* What has no value, or none that is short enough, is UNDEFINED there. */
static void tell_attribute(struct filling *filling, const char *name, struct attributes *attributes)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_value value =
        classad_evaluate_attribute(&filling->evaluator, name, filling->task_ad, filling->node_ad);

    if (value.type == CLASSAD_UNDEFINED || value.type == CLASSAD_ERROR)
        return;
    classad_value_print(&value, CLASSAD_OLD, &text);
    if (text.length <= TOLD_VALUE_SIZE_MAX)
        (void)attributes_set(attributes, name, buffer_text(&text), NULL);
}

/* The node's word is a stranger's: so many names, and each costs an evaluation. */
static void tell_attributes(struct filling *filling, struct attributes *attributes)
{
    _cleanup_free_ char *names = NULL;
    struct classad_value value;
    size_t count = 0;
    char *rest;

    if (!filling->node->attributes || !strstr(filling->node->attributes, ATTRIBUTE_OF_JOBS))
        return;
    if (!filling->task_ad)
        make_ads(filling);
    filling->evaluator.step_count_max = MATCH_START_STEPS_MAX;
    value =
        classad_evaluate_attribute(&filling->evaluator, ATTRIBUTE_OF_JOBS, filling->node_ad, NULL);
    if (value.type != CLASSAD_STRING)
        return;
    names = slice_copy(classad_value_text(&value));
    /* Whatever he says of himself, it is he. */
    classad_set_string(filling->task_ad, "Owner", slice_from_text(filling->job->row.user));
    for (char *name = strtok_r(names, " ", &rest); name && count++ < POLICY_NAMES_MAX;
         name = strtok_r(NULL, " ", &rest))
        tell_attribute(filling, name, attributes);
}

int filling_fill(struct server *server, const struct job_record *job,
                 const struct node_record *node, struct wire_start *start, struct error *err)
{
    _cleanup_(filling_deinit) struct filling filling = {
        .server = server, .submit = job->submit, .job = job, .node = node};
    int r = fill_arguments(&filling, &start->arguments, err);

    if (r == 0)
        r = fill_strings(&filling, &start->environment, err);
    if (r == 0)
        tell_attributes(&filling, &start->attributes);
    return r;
}
