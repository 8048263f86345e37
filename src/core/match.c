/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See match.h. A class is found by the text that makes it: the attributes that count, each on a
 * line, in a fixed order. Only of classes there are compiled ads, not of tasks and nodes.
 *
 * Pairs of classes wait in a queue that says whose turn it is (match_queue.h). A turn is a slice of
 * steps, so that the queue is not asked for each pair of those that are simple.
 */
#include "core/match_amounts.h"
#include "core/match_internal.h"
#include "core/match_round.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum {
    CROWDED_COUNT = 1000, /* new classes since the last tidying; few pools ever have so many */
    SLICE_STEPS = 5000,   /* before another class may be first */
    BYTES_PER_STEP = 4,   /* of a class of tasks whose steps nobody has counted yet */
    MOVED_PER_STEP = 256  /* classes that make room in the pool's order of them */
};

static const char ONLY_USER[] = "DuskOnlyUser";

struct matchmaker *matchmaker_new(struct pool *pool)
{
    struct matchmaker *matchmaker = memory_allocate(sizeof(*matchmaker));

    matchmaker->pool = pool;
    match_classes_init(&matchmaker->jobs);
    match_classes_init(&matchmaker->nodes);
    string_map_init(&matchmaker->significant, true);
    string_map_init(&matchmaker->kept_for, false);
    string_map_init(&matchmaker->share_used, false);
    match_queue_add_node(&matchmaker->queue, 0, false);
    matchmaker->evaluator.step_count_max = MATCH_STEPS_MAX;
    matchmaker->crowded_at = CROWDED_COUNT;
    return matchmaker;
}

static void forget_names(struct matchmaker *matchmaker)
{
    for (size_t i = 0; i < matchmaker->name_count; i++)
        free(matchmaker->names[i]);
    matchmaker->name_count = 0;
    matchmaker->all_count = false;
    string_map_deinit(&matchmaker->significant);
}

struct matchmaker *matchmaker_free(struct matchmaker *matchmaker)
{
    if (!matchmaker)
        return NULL;
    match_classes_deinit(&matchmaker->jobs);
    match_classes_deinit(&matchmaker->nodes);
    forget_names(matchmaker);
    free(matchmaker->names);
    classad_evaluator_deinit(&matchmaker->evaluator);
    match_queue_deinit(&matchmaker->queue);
    match_wishes_deinit(&matchmaker->wishes);
    string_map_deinit(&matchmaker->kept_for);
    string_map_deinit(&matchmaker->share_used);
    free(matchmaker);
    return NULL;
}

/* What counts of an ad: names in it, found from some of them through what they refer to. */
struct closure {
    const struct classad *ad;
    struct string_map seen; /* name -> nothing */
    char **pending;         /* owned, as the texts: the names seen, in order */
    size_t pending_count;
    size_t pending_capacity;
    size_t followed; /* of them */
    struct buffer key;
    struct classad *kept; /* the part of the ad that counts */
    char *whose;          /* owned; see match_class */
    struct matchmaker *matchmaker;
    bool of_task;
    bool tells_wishes;              /* of a task */
    struct match_wish_list *wishes; /* what is looked at is wished of tasks; NULL: it is not */
    struct match_wish_list start, rank;
};

static void closure_init(struct closure *closure, struct matchmaker *matchmaker,
                         const struct classad *ad, bool of_task)
{
    *closure = (struct closure){
        .ad = ad,
        .kept = classad_new(),
        .matchmaker = matchmaker,
        .of_task = of_task,
    };
    string_map_init(&closure->seen, true);
}

static void closure_deinit(struct closure *closure)
{
    for (size_t i = 0; i < closure->pending_count; i++)
        free(closure->pending[i]);
    free(closure->pending);
    match_wish_list_deinit(&closure->start);
    match_wish_list_deinit(&closure->rank);
    string_map_deinit(&closure->seen);
    buffer_deinit(&closure->key);
    free(closure->whose);
    classad_free(closure->kept);
}

static void add_significant(struct matchmaker *matchmaker, const char *name)
{
    uint64_t unused;

    if (string_map_get(&matchmaker->significant, name, &unused))
        return;
    string_map_put(&matchmaker->significant, name, 0);
    array_reserve(matchmaker->names, matchmaker->name_capacity, matchmaker->name_count + 1);
    matchmaker->names[matchmaker->name_count++] = memory_copy_string(name);
    matchmaker->has_news = true;
}

/* Each attribute that the ad has is looked at once. */
static void closure_want(struct closure *closure, const char *name)
{
    uint64_t unused;

    if (!classad_get(closure->ad, name) || string_map_get(&closure->seen, name, &unused))
        return;
    string_map_put(&closure->seen, name, 0);
    array_reserve(closure->pending, closure->pending_capacity, closure->pending_count + 1);
    closure->pending[closure->pending_count++] = memory_copy_string(name);
}

static void closure_want_all(struct closure *closure)
{
    for (size_t i = 0; i < classad_count(closure->ad); i++) {
        _cleanup_free_ char *name = slice_copy(classad_name(closure->ad, i));

        closure_want(closure, name);
    }
}

/*
 * A name that an expression of the ad looks at; an empty one stands for all. Which of the two ads
 * it means is not asked, because evalInEachContext() and its kind exchange them.
 */
static void on_name(void *user_data, enum classad_side side, struct slice text)
{
    struct closure *closure = user_data;
    struct matchmaker *matchmaker = closure->matchmaker;
    _cleanup_free_ char *name = slice_copy(text);

    (void)side;
    if (text.length > 0) {
        closure_want(closure, name);
        if (closure->of_task)
            add_significant(matchmaker, name);
        if (closure->wishes)
            match_wish_list_add(closure->wishes, name);
        return;
    }
    closure_want_all(closure);
    /* Of all attributes hardly two tasks have the same. */
    if (closure->wishes)
        closure->wishes->is_too_long = true;
    if (closure->of_task && !matchmaker->all_count)
        matchmaker->all_count = matchmaker->has_news = true;
}

static int closure_keep(struct closure *closure, const char *name, struct classad_failure *failure)
{
    const struct classad_node *node = classad_get(closure->ad, name);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    classad_node_print(node, CLASSAD_NEW, &text);
    buffer_appendf(&closure->key, "%s = %s\n", name, buffer_text(&text));
    classad_node_walk_names(node, on_name, closure);
    return classad_set(closure->kept, slice_from_text(name),
                       (struct slice){buffer_text(&text), text.length}, CLASSAD_NEW, failure);
}

/*
 * Keeps the attributes that are wanted, and all that they refer to. An attribute that grew too long
 * by being printed is left out, and the last such failure is returned.
 */
static int closure_follow(struct closure *closure, struct classad_failure *ret_failure)
{
    int r = 0;

    while (closure->followed < closure->pending_count) {
        int r_kept = closure_keep(closure, closure->pending[closure->followed++], ret_failure);

        if (r_kept < 0)
            r = r_kept;
    }
    return r;
}

int64_t match_order_of_real(double real)
{
    int64_t bits;

    if (real != real)
        return 0;
    memcpy(&bits, &real, sizeof(bits));
    /* The smallest of all, which is POOL_NEVER, comes out for no number. */
    return bits < 0 ? INT64_MIN - bits : bits;
}

bool match_is_true(const struct classad_value *value)
{
    bool boolean;

    return classad_value_as_boolean(value, &boolean) && boolean;
}

bool matchmaker_keeps_for(const struct matchmaker *matchmaker, const char *user)
{
    uint64_t unused;

    return string_map_get(&matchmaker->kept_for, user, &unused);
}

bool matchmaker_take_new_user(struct matchmaker *matchmaker)
{
    bool has_new_user = matchmaker->has_new_user;

    matchmaker->has_new_user = false;
    return has_new_user;
}

const char *matchmaker_only_user(const struct matchmaker *matchmaker, uint32_t node_class)
{
    return matchmaker->nodes.items[node_class].whose;
}

bool match_is_kept_from(const struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    const char *only = matchmaker_only_user(matchmaker, node);
    const char *user = matchmaker->jobs.items[job].whose;

    return only && (!user || strcmp(only, user) != 0);
}

static int64_t preference_of(struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    const struct classad *my = matchmaker->jobs.items[job].ad;
    const struct classad *target = matchmaker->nodes.items[node].ad;
    struct classad_value value;
    double rank = 0;

    if (match_is_kept_from(matchmaker, job, node) || match_start_refuses(matchmaker, job, node))
        return POOL_NEVER;
    if (classad_get(my, "Requirements")) {
        value = classad_evaluate_attribute(&matchmaker->evaluator, "Requirements", my, target);
        if (!match_is_true(&value))
            return POOL_NEVER;
    }
    value = classad_evaluate_attribute(&matchmaker->evaluator, "Rank", my, target);
    (void)classad_value_as_real(&value, &rank);
    return match_order_of_real(rank);
}

static void tell_pair(struct matchmaker *matchmaker, uint32_t job, uint32_t node)
{
    int64_t preference = preference_of(matchmaker, job, node);

    /* What runs there may not suit any more, and is still ranked. */
    match_rank(matchmaker, job, node);
    pool_set_preference(matchmaker->pool, job, node, preference);
}

/* Goes on with one class of tasks that waits; returns what that cost, in steps. */
static uint64_t go_on_with(struct matchmaker *matchmaker, uint32_t job, uint64_t steps)
{
    uint64_t spent = 0;
    uint32_t node;

    while (spent < steps && match_queue_take(&matchmaker->queue, job, &node)) {
        uint64_t before = matchmaker->evaluator.steps_spent, cost;

        tell_pair(matchmaker, job, node);
        cost = matchmaker->evaluator.steps_spent - before + 1 +
               matchmaker->nodes.count / MOVED_PER_STEP;
        match_queue_charge(&matchmaker->queue, job, cost);
        spent += cost;
    }
    match_queue_settle(&matchmaker->queue, job);
    return spent;
}

bool matchmaker_go_on(struct matchmaker *matchmaker, uint64_t steps)
{
    uint32_t job;

    while (steps > 0 && match_queue_first(&matchmaker->queue, &job)) {
        uint64_t spent = go_on_with(matchmaker, job, steps < SLICE_STEPS ? steps : SLICE_STEPS);

        steps -= spent < steps ? spent : steps;
    }
    return match_queue_first(&matchmaker->queue, &job);
}

void matchmaker_set_clock(struct matchmaker *matchmaker, int64_t now_seconds,
                          int32_t utc_offset_seconds)
{
    matchmaker->evaluator.now_seconds = now_seconds;
    matchmaker->evaluator.utc_offset_seconds = utc_offset_seconds;
}

void matchmaker_look_again(struct matchmaker *matchmaker)
{
    match_queue_look_again(&matchmaker->queue);
}

/* The pool knows the class from now on, and nothing suits it yet. */
static int begin_class(struct matchmaker *matchmaker, uint32_t number, bool is_node)
{
    static const int64_t never = POOL_NEVER;

    if (is_node)
        return pool_set_node_class(matchmaker->pool, number, &never, 1);
    if (!match_queue_try_reserve(&matchmaker->queue, (size_t)number + 1))
        return -ENOMEM;
    return pool_set_job_class(matchmaker->pool, number, &never, 1);
}

/* ---- shares ---- */

static uint64_t share_used(const struct matchmaker *matchmaker, const char *user)
{
    uint64_t used = 0;

    (void)string_map_get(&matchmaker->share_used, user, &used);
    return used;
}

/* Half of what the others leave: as many as are free besides his own. */
static bool share_is_used_up(const struct matchmaker *matchmaker, const char *user)
{
    return matchmaker->shares_are_bounded &&
           share_used(matchmaker, user) + matchmaker->jobs.used > MATCH_JOB_CLASSES_MAX;
}

static void share_take(struct matchmaker *matchmaker, uint32_t number, const char *user)
{
    if (!user)
        return;
    matchmaker->jobs.items[number].user = memory_copy_string(user);
    string_map_put(&matchmaker->share_used, user, share_used(matchmaker, user) + 1);
}

static void share_give_back(struct matchmaker *matchmaker, uint32_t number)
{
    const char *user = matchmaker->jobs.items[number].user;
    uint64_t used = user ? share_used(matchmaker, user) : 0;

    if (used > 1)
        string_map_put(&matchmaker->share_used, user, used - 1);
    else if (used == 1)
        (void)string_map_remove(&matchmaker->share_used, user);
}

void matchmaker_bound_shares(struct matchmaker *matchmaker, bool bounded)
{
    matchmaker->shares_are_bounded = bounded;
}

/* For the tasks of nobody, which are of few classes, there is always room. */
static uint32_t class_limit(bool of_task, const char *user)
{
    if (!of_task)
        return MATCH_NODE_CLASSES_MAX;
    return user ? MATCH_JOB_CLASSES_MAX : UINT32_MAX;
}

/* Whether the text may call time(), dayTime(), random() and the like, or make such a call of
 * strings; at worst it is looked at in vain. */
static bool is_fleeting(const char *key)
{
    static const char *const words[] = {"time", "random(", "eval("};
    size_t length = strlen(key);

    for (size_t at = 0; at < length; at++)
        for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
            size_t size = strlen(words[i]);

            if (size <= length - at &&
                slice_equals_ignoring_case((struct slice){key + at, size}, words[i]))
                return true;
        }
    return false;
}

static void begin_node_class(struct closure *closure, uint32_t number)
{
    struct matchmaker *matchmaker = closure->matchmaker;
    struct match_class *class = &matchmaker->nodes.items[number];

    match_take_wishes(matchmaker, number, &closure->start, &closure->rank);
    /* Tasks that ask for nothing suit everywhere and are compared with nothing, but for this. */
    pool_set_preference(matchmaker->pool, 0, number,
                        class->whose || matchmaker_has_start(matchmaker, number) ? POOL_NEVER : 0);
    match_queue_add_node(&matchmaker->queue, number, is_fleeting(class->key));
}

/* Compared with all nodes, from the first on. */
static void begin_job_class(struct closure *closure, uint32_t number)
{
    struct matchmaker *matchmaker = closure->matchmaker;
    struct match_class *class = &matchmaker->jobs.items[number];

    class->wished = closure->tells_wishes ? matchmaker->wishes.last : 0;
    match_queue_add_job(&matchmaker->queue, number, is_fleeting(class->key),
                        strlen(class->key) / BYTES_PER_STEP);
}

/*
 * A class that was made before names came says the same of all that are wished now as if it were
 * made anew, or its text would be another one; so it may be compared with nodes that wish them.
 */
static void know_class(struct closure *closure, uint32_t number)
{
    struct matchmaker *matchmaker = closure->matchmaker;

    if (closure->tells_wishes && number > 0 &&
        matchmaker->jobs.items[number].wished < matchmaker->wishes.last)
        begin_job_class(closure, number);
}

/* Whatever nodes wish, there is room for the tasks whose requirements are others. */
static bool tells_too_much(const struct closure *closure, const char *user)
{
    const struct matchmaker *matchmaker = closure->matchmaker;

    return closure->tells_wishes && matchmaker->wishes.count > 0 &&
           (matchmaker->jobs.used >= MATCH_TOLD_CLASSES_MAX ||
            (user && share_used(matchmaker, user) >= MATCH_TOLD_SHARE_MAX));
}

/* The class of what the closure holds, made if it is new. */
static int find_class(struct closure *closure, const char *user, uint32_t *ret_number)
{
    struct matchmaker *matchmaker = closure->matchmaker;
    struct match_classes *list = closure->of_task ? &matchmaker->jobs : &matchmaker->nodes;
    uint64_t known;
    uint32_t number;
    int r;

    if (string_map_get(&list->by_key, buffer_text(&closure->key), &known)) {
        *ret_number = (uint32_t)known;
        know_class(closure, *ret_number);
        return 0;
    }
    if (tells_too_much(closure, user))
        return -ENOSPC;
    number = match_classes_next(list);
    if (user && share_is_used_up(matchmaker, user))
        return -EDQUOT;
    if (number > class_limit(closure->of_task, user))
        return -E2BIG;
    r = begin_class(matchmaker, number, !closure->of_task);
    if (r < 0)
        return r;
    match_classes_put(list, number, buffer_text(&closure->key), take_pointer(closure->kept),
                      take_pointer(closure->whose));
    if (closure->of_task)
        begin_job_class(closure, number);
    else
        begin_node_class(closure, number);
    share_take(matchmaker, number, user);
    *ret_number = number;
    return 0;
}

/* Whether an attribute is not there, or a literal that changes nothing: true, or a rank of 0. */
static bool says_nothing(struct matchmaker *matchmaker, const struct classad *ad, const char *name,
                         bool is_rank)
{
    const struct classad_node *node = classad_get(ad, name);
    struct classad_value value;
    double real;

    if (!node)
        return true;
    if (!classad_node_is_constant(node))
        return false;
    value = classad_evaluate_attribute(&matchmaker->evaluator, name, ad, NULL);
    return is_rank ? !classad_value_as_real(&value, &real) || real == 0 : match_is_true(&value);
}

static int read_task(const struct match_attribute *attributes, size_t count, struct classad *ad,
                     struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct classad_failure failure;
        int r;

        if (!attributes[i].expression)
            continue;
        r = classad_set(ad, slice_from_text(attributes[i].name),
                        slice_from_text(attributes[i].expression), CLASSAD_OLD, &failure);
        if (r < 0)
            return error_set(err, r, "'%s = %s': %s", attributes[i].name, attributes[i].expression,
                             failure.message);
    }
    return 0;
}

/* Classes that nobody is of any more are let go at the next opportunity. */
static int refuse_class(struct matchmaker *matchmaker, int r, struct error *err)
{
    static const char hint[] = "let tasks have the same requirements and rank, or wait until some "
                               "of those jobs are over";

    if (r == -ENOMEM)
        return error_set(err, r, "there is no memory for other requirements");
    matchmaker->crowded_at = 0;
    if (r == -EDQUOT)
        error_set(err, r,
                  "your tasks have as many different requirements and ranks as one user may have: "
                  "half of what the others leave of %u",
                  MATCH_JOB_CLASSES_MAX);
    else
        error_set(err, r, "the pool has tasks with %u different requirements and ranks already",
                  MATCH_JOB_CLASSES_MAX);
    error_hint(err, "%s", hint);
    return r;
}

/* What nodes wish is told of every task: also of one that does not have it. */
static void closure_tell_wishes(struct closure *closure)
{
    const struct match_wishes *wishes = &closure->matchmaker->wishes;

    closure->tells_wishes = true;
    for (size_t i = 0; i < wishes->count; i++)
        if (classad_get(closure->ad, wishes->items[i].name))
            closure_want(closure, wishes->items[i].name);
        else
            buffer_appendf(&closure->key, "no %s\n", wishes->items[i].name);
}

/* The brain tells tasks apart whose requests differ, but no others that it was given as one. */
static bool differ_in_wishes(const struct match_wishes *wishes,
                             const struct match_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (attributes[i].varies && !match_is_request(attributes[i].name) &&
            match_wishes_have(wishes, attributes[i].name))
            return true;
    return false;
}

static int classify_ad(struct matchmaker *matchmaker, const char *user, const struct classad *ad,
                       bool tell_wishes, uint32_t *ret_job_class, struct error *err)
{
    _cleanup_(closure_deinit) struct closure closure;
    struct classad_failure failure;
    int r;

    closure_init(&closure, matchmaker, ad, true);
    if (!says_nothing(matchmaker, ad, "Requirements", false))
        closure_want(&closure, "Requirements");
    if (!says_nothing(matchmaker, ad, "Rank", true))
        closure_want(&closure, "Rank");
    if (user && matchmaker_keeps_for(matchmaker, user)) {
        closure.whose = memory_copy_string(user);
        buffer_appendf(&closure.key, "for %s\n", user);
    }
    if (tell_wishes)
        closure_tell_wishes(&closure);
    r = closure_follow(&closure, &failure);
    if (r < 0)
        return error_set(err, r, "requirements or rank, written in full: %s", failure.message);
    r = find_class(&closure, user, ret_job_class);
    if (r == -ENOSPC)
        return classify_ad(matchmaker, user, ad, false, ret_job_class, err);
    return r < 0 ? refuse_class(matchmaker, r, err) : 0;
}

int matchmaker_classify_task(struct matchmaker *matchmaker, const char *user,
                             const struct match_attribute *attributes, size_t count,
                             uint32_t *ret_job_class, struct error *err)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    int r = read_task(attributes, count, ad, err);

    if (r < 0)
        return r;
    match_leave_amounts_out(ad);
    r = classify_ad(matchmaker, user, ad, !differ_in_wishes(&matchmaker->wishes, attributes, count),
                    ret_job_class, err);
    if (r < 0)
        return r;
    r = matchmaker->has_news ? 1 : 0;
    matchmaker->has_news = false;
    return r;
}

bool matchmaker_looks_at(const struct matchmaker *matchmaker, uint32_t job_class, const char *name)
{
    return classad_get(matchmaker->jobs.items[job_class].ad, name);
}

/* What is no name keeps the node for nobody in particular, that is, for no task at all. */
static char *read_only_user(struct matchmaker *matchmaker, const struct classad *ad)
{
    struct classad_value value =
        classad_evaluate_attribute(&matchmaker->evaluator, ONLY_USER, ad, NULL);

    if (value.type == CLASSAD_UNDEFINED)
        return NULL;
    return value.type == CLASSAD_STRING ? slice_copy(classad_value_text(&value))
                                        : memory_copy_string("");
}

/* An expression of a node that asks something of tasks, and what it looks at. */
static void closure_want_asked(struct closure *closure, const char *name,
                               struct match_wish_list *wishes)
{
    struct classad_failure failure;

    if (says_nothing(closure->matchmaker, closure->ad, name, wishes == &closure->rank))
        return;
    closure->wishes = wishes;
    /* So that tasks which ask for nothing are compared with the node as well. */
    match_wish_list_add(wishes, "Owner");
    closure_want(closure, name);
    (void)closure_follow(closure, &failure);
    closure->wishes = NULL;
}

int matchmaker_classify_node(struct matchmaker *matchmaker, struct slice lines,
                             uint32_t *ret_node_class)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    _cleanup_(closure_deinit) struct closure closure;
    struct classad_failure failure;

    classad_read_tolerantly(ad, lines);
    match_round(ad, &matchmaker->evaluator);
    closure_init(&closure, matchmaker, ad, false);
    closure.whose = read_only_user(matchmaker, ad);
    if (closure.whose && !matchmaker_keeps_for(matchmaker, closure.whose)) {
        string_map_put(&matchmaker->kept_for, closure.whose, 0);
        matchmaker->has_new_user = true;
    }
    if (closure.whose)
        buffer_appendf(&closure.key, "for %s\n", closure.whose);
    closure_want_asked(&closure, MATCH_START, &closure.start);
    closure_want_asked(&closure, MATCH_RANK, &closure.rank);
    for (size_t i = 0; i < matchmaker->name_count; i++)
        closure_want(&closure, matchmaker->names[i]);
    if (matchmaker->all_count)
        closure_want_all(&closure);
    /* What a node cannot say is UNDEFINED, as what it does not say. */
    (void)closure_follow(&closure, &failure);
    return find_class(&closure, NULL, ret_node_class);
}

bool matchmaker_is_crowded(const struct matchmaker *matchmaker)
{
    return matchmaker->jobs.used + matchmaker->nodes.used > matchmaker->crowded_at;
}

/* A class has the attributes that count and no others, so what any of them looks at counts. */
static void collect_names_of(struct matchmaker *matchmaker, const struct classad *task)
{
    _cleanup_(closure_deinit) struct closure closure;

    closure_init(&closure, matchmaker, task, true);
    for (size_t i = 0; i < classad_count(task); i++)
        classad_node_walk_names(classad_at(task, i), on_name, &closure);
}

/* The names that the classes of tasks which are left look at; nobody needs the others. */
static void collect_names(struct matchmaker *matchmaker)
{
    forget_names(matchmaker);
    for (uint32_t i = 1; i < matchmaker->jobs.count; i++)
        if (matchmaker->jobs.items[i].ad)
            collect_names_of(matchmaker, matchmaker->jobs.items[i].ad);
    matchmaker->has_news = false;
}

static void drop_job_class(struct matchmaker *matchmaker, uint32_t number)
{
    match_queue_remove_job(&matchmaker->queue, number);
    share_give_back(matchmaker, number);
    match_classes_drop(&matchmaker->jobs, number);
}

static void drop_node_class(struct matchmaker *matchmaker, uint32_t number)
{
    const struct match_class *class = &matchmaker->nodes.items[number];

    for (size_t i = 0; i < class->wish_count; i++)
        match_wishes_give_back(&matchmaker->wishes, class->wishes[i]);
    match_classes_drop(&matchmaker->nodes, number);
}

static bool has_node_class(const void *user_data, uint32_t number)
{
    const struct matchmaker *matchmaker = user_data;

    return matchmaker->nodes.items[number].key;
}

void matchmaker_tidy(struct matchmaker *matchmaker)
{
    size_t jobs_used = matchmaker->jobs.used, nodes_used = matchmaker->nodes.used;

    for (uint32_t i = 1; i < matchmaker->jobs.count; i++)
        if (matchmaker->jobs.items[i].key && !pool_uses_job_class(matchmaker->pool, i))
            drop_job_class(matchmaker, i);
    if (matchmaker->jobs.used < jobs_used)
        collect_names(matchmaker);
    for (uint32_t i = 1; i < matchmaker->nodes.count; i++)
        if (matchmaker->nodes.items[i].key && !pool_uses_node_class(matchmaker->pool, i))
            drop_node_class(matchmaker, i);
    if (matchmaker->nodes.used < nodes_used)
        match_queue_keep_nodes(&matchmaker->queue, has_node_class, matchmaker);
    matchmaker->crowded_at = matchmaker->jobs.used + matchmaker->nodes.used + CROWDED_COUNT;
}
