/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fetching.h. An input that is in the cache is pinned there until it was copied. For one that
 * is not, the attempt waits at its content; contents are asked for in order, a few at a time.
 */
#include "fetching.h"

#include "base/memory.h"
#include "body.h"
#include "errand.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>

enum {
    STREAMS_MAX = 4,
    /* What is copied while everything else waits. */
    INLINE_SIZE_MAX = 4 * 1024 * 1024,
    INLINE_COUNT_MAX = 64,
    TURN_US = 2000,   /* of making folders, until others have their turn */
    STARTING_MAX = 4, /* the keeper does nothing else while it starts them */
    /* A container takes some milliseconds, and an owner may come who waits for a freeze. */
    STARTING_CONTAINED_MAX = 1,
    /* A program must be executable for whoever it runs as. */
    PROGRAM_MODE = 0555
};

struct fetching_waiter {
    uint64_t epoch;
    size_t input;
};

struct fetching_content {
    struct fetching_content *next;
    char *sha256;
    uint64_t size;
    uint64_t stream;                 /* 0: it was not asked for yet */
    struct content_arrival *arrival; /* once it was */
    struct fetching_waiter *waiters; /* owned */
    size_t waiter_count;
    size_t waiter_capacity;
};

/* What a child needs to know, and its parent when it is over. */
struct laying {
    struct errand *errand;
    struct body *body;
    struct attempt *attempt;
};

static uint64_t want_content(void *userdata, const char *sha256);
static void cancel_content(void *userdata, uint64_t stream);
static void on_image(void *userdata, const char *sha256, enum reason failure,
                     const struct error *err);

int fetching_init(struct body *body, uint64_t cache_size, uint64_t image_cache_size,
                  struct error *err)
{
    const struct images_world world = {
        .want = want_content, .cancel = cancel_content, .on_ready = on_image, .userdata = body};
    struct fetching *fetching = &body->fetching;
    int r;

    *fetching = (struct fetching){0};
    uv_idle_init(&body->loop, &fetching->turn);
    fetching->turn.data = body;
    string_map_init(&fetching->by_hash, false);
    r = content_open(body->options.state->content, cache_size, &fetching->cache, err);
    if (r == 0)
        r = images_open(&body->loop, body->options.state->images, image_cache_size, &world,
                        &fetching->images, err);
    return r;
}

static void content_deinit(struct fetching_content *content)
{
    content_arrival_free(content->arrival);
    free(content->waiters);
    free(content->sha256);
    free(content);
}

/*
 * Takes it out of the list; it is the caller's then. The list is as long as there are contents
 * missing on this node, mostly a handful, so it is walked through.
 */
static void unlink_content(struct fetching *fetching, struct fetching_content *content)
{
    struct fetching_content **place = &fetching->first, *before = NULL;

    while (*place != content) {
        before = *place;
        place = &(*place)->next;
    }
    *place = content->next;
    if (fetching->last == content)
        fetching->last = before;
    if (content->stream != 0)
        fetching->stream_count--;
    string_map_remove(&fetching->by_hash, content->sha256);
}

void fetching_stop_images(struct fetching *fetching)
{
    fetching->images = images_free(fetching->images);
}

void fetching_deinit(struct fetching *fetching)
{
    while (fetching->first) {
        struct fetching_content *content = fetching->first;

        unlink_content(fetching, content);
        content_deinit(content);
    }
    string_map_deinit(&fetching->by_hash);
    free(fetching->waiting);
    fetching->cache = content_free(fetching->cache);
}

/* ---- the end of it ---- */

static void unpin_inputs(struct body *body, struct attempt *attempt)
{
    for (size_t i = 0; attempt->is_pinned && i < attempt->start.input_count; i++)
        if (attempt->is_pinned[i])
            content_unpin(body->fetching.cache, attempt->start.inputs[i].sha256);
    free(attempt->is_pinned);
    attempt->is_pinned = NULL;
}

void fetching_cancel(struct body *body, struct attempt *attempt)
{
    if (attempt->laying) {
        errand_cancel(attempt->laying->errand);
        free(attempt->laying);
        attempt->laying = NULL;
    }
    attempt->is_fetching = false;
    unpin_inputs(body, attempt);
}

/* Whatever came of it, the inputs need not stay in the cache for this attempt any more. */
static void finish(struct body *body, struct attempt *attempt, enum reason failure)
{
    attempt->is_fetching = false;
    unpin_inputs(body, attempt);
    body_post_attempt(body, AGENT_FETCHED, attempt->epoch, failure);
}

static enum reason reason_of(int error)
{
    return error == -ENOSPC || error == -EDQUOT ? REASON_DISK_FULL_ON_NODE
                                                : REASON_CANNOT_FETCH_INPUT;
}

static void fail(struct body *body, struct attempt *attempt, enum reason failure,
                 const struct error *err)
{
    attempt_add_error(attempt, err);
    finish(body, attempt, failure);
}

/* ---- images ---- */

void fetching_release_image(struct body *body, struct attempt *attempt)
{
    if (attempt->has_image)
        images_release(body->fetching.images, attempt->start.image.sha256);
    attempt->has_image = attempt->waits_for_image = false;
}

void fetching_hold_image(struct body *body, struct attempt *attempt)
{
    const struct wire_image *image = &attempt->start.image;
    _cleanup_free_ char *path =
        image->sha256 ? images_path(body->fetching.images, image->sha256) : NULL;

    attempt->has_image = path && images_want(body->fetching.images, image, NULL) >= 0;
}

/* It comes beside the inputs, and the attempt waits for it as for one of them. */
static int want_image(struct body *body, struct attempt *attempt, struct error *err)
{
    const struct wire_image *image = &attempt->start.image;
    int r = image->sha256 ? images_want(body->fetching.images, image, err) : 0;

    if (r < 0)
        return r;
    attempt->has_image = image->sha256 != NULL;
    attempt->waits_for_image = r > 0;
    attempt->missing += r > 0;
    return 0;
}

static uint64_t want_content(void *userdata, const char *sha256)
{
    struct body *body = userdata;
    struct wire_message message = {.kind = WIRE_WANT};

    if (!uplink_is_up(&body->uplink))
        return 0;
    message.want = (struct wire_want){.kind = WIRE_WANT_CONTENT,
                                      .stream = ++body->fetching.last_stream,
                                      .sha256 = (char *)sha256};
    body_say(body, &message);
    return message.want.stream;
}

static void cancel_content(void *userdata, uint64_t stream)
{
    body_say(userdata, &(struct wire_message){.kind = WIRE_CANCEL, .stream = stream});
}

/* ---- laying ---- */

/* Lays the inputs if all contents are here, and asks for what is missing if not. */
static void go_on(struct body *body, struct attempt *attempt);
static void wait_for(struct body *body, struct attempt *attempt, size_t input);

/* A folder has no content that could be fetched. */
static bool is_folder(const struct wire_file *input)
{
    return input->sha256[0] == '\0';
}

static int lay_input(struct body *body, struct attempt *attempt, const struct wire_file *input,
                     struct error *err)
{
    _cleanup_fd_ int fd = -1;
    mode_t mode = input->mode;
    int r = 0;

    if (input->saved)
        r = scratch_make_way(attempt->scratch, input->name, is_folder(input), err);
    if (r < 0)
        return r;
    if (is_folder(input))
        return scratch_add_folder(attempt->scratch, input->name, mode, err);
    fd = content_open_file(body->fetching.cache, input->sha256, err);
    if (fd < 0)
        return fd;
    if (attempt->start.program_is_input && strcmp(input->name, attempt->start.program) == 0)
        mode |= PROGRAM_MODE;
    return scratch_add_file(attempt->scratch, input->name, fd, mode, err);
}

/* Before anything is laid: what turns out to be damaged is fetched again, into an empty folder. */
static int check_contents(struct body *body, const struct attempt *attempt, struct error *err)
{
    const struct wire_start *start = &attempt->start;
    int r = 0;

    for (size_t i = 0; r == 0 && i < start->input_count; i++)
        if (!is_folder(&start->inputs[i]))
            r = content_check(body->fetching.cache, start->inputs[i].sha256, err);
    return r;
}

/* Those of the job, or those of its checkpoint; *ret_count says how many there were. */
static int lay_some(struct body *body, struct attempt *attempt, bool saved, size_t *ret_count,
                    struct error *err)
{
    int r = 0;

    *ret_count = 0;
    for (size_t i = 0; r == 0 && i < attempt->start.input_count; i++) {
        if (attempt->start.inputs[i].saved != saved)
            continue;
        r = lay_input(body, attempt, &attempt->start.inputs[i], err);
        ++*ret_count;
    }
    return r;
}

static int lay_inputs(struct body *body, struct attempt *attempt, struct error *err)
{
    int r = check_contents(body, attempt, err);
    size_t count = 0;

    if (r == 0)
        r = lay_some(body, attempt, false, &count, err);
    /* Without one everything in the folder is new, and without inputs that is right. */
    if (r == 0 && count > 0)
        r = scratch_take_snapshot(attempt->scratch, err);
    /* What its program has written before is new to its submitter. */
    return r == 0 ? lay_some(body, attempt, true, &count, err) : r;
}

/* In the child: the scratch and the cache are only read from memory and written on the disk. */
static int run_laying(void *context, struct error *err)
{
    struct laying *laying = context;

    return lay_inputs(laying->body, laying->attempt, err);
}

/* Whatever was not checked is fetched again: a child does not say which one is damaged. */
static void reject_unproven(struct body *body, struct attempt *attempt)
{
    struct content *cache = body->fetching.cache;

    for (size_t i = 0; i < attempt->start.input_count; i++) {
        const char *sha256 = attempt->start.inputs[i].sha256;

        if (!attempt->is_pinned[i] || content_is_proven(cache, sha256))
            continue;
        content_reject(cache, sha256);
        content_unpin(cache, sha256);
        attempt->is_pinned[i] = false;
        wait_for(body, attempt, i);
    }
}

/* Memory of the child's is lost; that it has read and found right what is pinned is not. */
static void prove_all(struct body *body, const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->start.input_count; i++)
        if (attempt->is_pinned[i])
            content_prove(body->fetching.cache, attempt->start.inputs[i].sha256);
}

/* Room for a task that is here goes before what may be useful later. */
static bool make_room(struct body *body, int result)
{
    uint64_t before = content_size(body->fetching.cache);

    if (result != -ENOSPC && result != -EDQUOT)
        return false;
    content_trim(body->fetching.cache, 0);
    return content_size(body->fetching.cache) < before;
}

/* Begins anew, because nobody knows how far it came. */
static void lay_again(struct body *body, struct attempt *attempt)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    attempt->scratch = scratch_free(attempt->scratch);
    r = scratch_make(body->options.state->scratch, attempt->folder, attempt->identity.uid,
                     attempt->identity.gid, &attempt->scratch, &err);
    if (r < 0)
        fail(body, attempt, reason_of(r), &err);
    else
        go_on(body, attempt);
}

/* Here or in a child: what came of it. */
static void end_laying(struct body *body, struct attempt *attempt, int result,
                       const struct error *err)
{
    if (result == 0) {
        prove_all(body, attempt);
        finish(body, attempt, REASON_NONE);
    } else if (result == -EBADMSG && !attempt->has_fetched_again) {
        log_warning("%s: %s; fetching it again", attempt->folder, error_text(err));
        attempt->has_fetched_again = true;
        reject_unproven(body, attempt);
        go_on(body, attempt);
    } else if (make_room(body, result)) {
        lay_again(body, attempt);
    } else {
        fail(body, attempt, reason_of(result), err);
    }
}

static void on_laid(void *context, int result, const struct error *err)
{
    _cleanup_free_ struct laying *laying = context;

    laying->attempt->laying = NULL;
    end_laying(laying->body, laying->attempt, result, err);
}

static int start_laying(struct body *body, struct attempt *attempt, struct error *err)
{
    struct laying *laying = memory_allocate(sizeof(*laying));
    struct errand_task task = {.run = run_laying, .on_done = on_laid, .context = laying};
    int r;

    *laying = (struct laying){.body = body, .attempt = attempt};
    r = errand_start(&body->loop, &task, &laying->errand, err);
    if (r < 0)
        free(laying);
    else
        attempt->laying = laying;
    return r;
}

/* Many small files cost as much as a large one. */
static bool is_small(const struct wire_start *start)
{
    uint64_t size = 0;

    for (size_t i = 0; i < start->input_count && size <= INLINE_SIZE_MAX; i++)
        size += start->inputs[i].size;
    return size <= INLINE_SIZE_MAX && start->input_count <= INLINE_COUNT_MAX;
}

/* All contents are here. */
static void lay(struct body *body, struct attempt *attempt)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    bool small = is_small(&attempt->start);
    int r = small ? lay_inputs(body, attempt, &err) : start_laying(body, attempt, &err);

    if (small || r < 0)
        end_laying(body, attempt, r, &err);
}

/* ---- asking ---- */

/* Whoever waits for it cannot have it. Frees it. */
static void fail_content(struct body *body, struct fetching_content *content, enum reason failure,
                         const struct error *err)
{
    unlink_content(&body->fetching, content);
    for (size_t i = 0; i < content->waiter_count; i++) {
        struct attempt *attempt = attempts_find(&body->attempts, content->waiters[i].epoch);

        if (attempt && attempt->is_fetching)
            fail(body, attempt, failure, err);
    }
    content_deinit(content);
}

static int ask(struct body *body, struct fetching_content *content, struct error *err)
{
    struct fetching *fetching = &body->fetching;
    struct wire_message message = {.kind = WIRE_WANT};
    int r = content_arrival_new(fetching->cache, content->sha256, content->size, &content->arrival,
                                err);

    if (r < 0)
        return r;
    content->stream = ++fetching->last_stream;
    fetching->stream_count++;
    message.want = (struct wire_want){
        .kind = WIRE_WANT_CONTENT, .stream = content->stream, .sha256 = content->sha256};
    body_say(body, &message);
    return 0;
}

/* Asks for as much as may be under way at once. */
static void ask_more(struct body *body)
{
    struct fetching_content *content = body->fetching.first, *next;

    for (; content && body->fetching.stream_count < STREAMS_MAX; content = next) {
        _cleanup_error_ struct error err = ERROR_INIT;
        int r = 0;

        next = content->next;
        if (content->stream == 0 && uplink_is_up(&body->uplink))
            r = ask(body, content, &err);
        if (r < 0)
            fail_content(body, content, reason_of(r), &err);
    }
}

/* Whoever asks second waits for the same stream. */
static struct fetching_content *add_content(struct fetching *fetching,
                                            const struct wire_file *input)
{
    struct fetching_content *content;
    uint64_t pointer;

    if (string_map_get(&fetching->by_hash, input->sha256, &pointer))
        return (struct fetching_content *)(uintptr_t)pointer;
    content = memory_allocate(sizeof(*content));
    content->sha256 = memory_copy_string(input->sha256);
    content->size = input->size;
    string_map_put(&fetching->by_hash, content->sha256, (uint64_t)(uintptr_t)content);
    if (fetching->last)
        fetching->last->next = content;
    else
        fetching->first = content;
    fetching->last = content;
    return content;
}

static void wait_for(struct body *body, struct attempt *attempt, size_t input)
{
    struct fetching_content *content = add_content(&body->fetching, &attempt->start.inputs[input]);

    array_reserve(content->waiters, content->waiter_capacity, content->waiter_count + 1);
    content->waiters[content->waiter_count++] =
        (struct fetching_waiter){.epoch = attempt->epoch, .input = input};
    attempt->missing++;
}

static void go_on(struct body *body, struct attempt *attempt)
{
    if (attempt->missing == 0)
        lay(body, attempt);
    else
        ask_more(body);
}

static bool waits_for(const struct attempt *attempt, const char *sha256)
{
    return attempt->is_fetching && attempt->waits_for_image &&
           strcmp(attempt->start.image.sha256, sha256) == 0;
}

/* An attempt that fails may be dropped in the midst of this, so that the walk begins again. */
static void on_image(void *userdata, const char *sha256, enum reason failure,
                     const struct error *err)
{
    struct body *body = userdata;

    for (size_t i = 0; i < body->attempts.count; i++) {
        struct attempt *attempt = body->attempts.items[i];

        if (!waits_for(attempt, sha256))
            continue;
        attempt->waits_for_image = false;
        if (failure != REASON_NONE)
            fail(body, attempt, failure, err);
        else if (--attempt->missing == 0)
            lay(body, attempt);
        i = (size_t)-1;
    }
}

/* ---- the beginning ---- */

/* wire/ has checked the types; that a name stays in its folder is checked by whoever uses it. */
static int check_inputs(const struct wire_start *start, struct error *err)
{
    for (size_t i = 0; i < start->input_count; i++) {
        const struct wire_file *input = &start->inputs[i];

        if (!file_name_is_contained(input->name))
            return error_set(err, -EINVAL, "the input '%s' would lie outside of its folder",
                             input->name);
        if (!is_folder(input) && !hash_text_is_valid(input->sha256))
            return error_set(err, -EINVAL, "the input '%s' has no valid hash", input->name);
    }
    return 0;
}

static int make_scratch(struct body *body, struct attempt *attempt, struct error *err)
{
    int r = identities_get(body->identities, attempt->start.user, &attempt->identity, err);

    if (r == 0)
        r = folders_make(&body->folders, attempt->folder, &attempt->identity, &attempt->scratch,
                         err);
    return r;
}

static void begin(struct body *body, struct attempt *attempt)
{
    const struct wire_start *start = &attempt->start;
    _cleanup_error_ struct error err = ERROR_INIT;
    int r = check_inputs(start, &err);

    if (r == 0)
        r = make_scratch(body, attempt, &err);
    if (r == 0)
        r = want_image(body, attempt, &err);
    if (r < 0) {
        fail(body, attempt, reason_of(r), &err);
        return;
    }
    if (start->input_count > 0)
        attempt->is_pinned = memory_allocate(start->input_count * sizeof(*attempt->is_pinned));
    for (size_t i = 0; i < start->input_count; i++) {
        if (is_folder(&start->inputs[i]))
            continue;
        attempt->is_pinned[i] =
            content_pin(body->fetching.cache, start->inputs[i].sha256, start->inputs[i].size);
        if (!attempt->is_pinned[i])
            wait_for(body, attempt, i);
    }
    go_on(body, attempt);
}

static bool is_somebodys_turn(const struct body *body)
{
    const struct fetching *fetching = &body->fetching;
    size_t most =
        body->options.containing->is_on ? (size_t)STARTING_CONTAINED_MAX : (size_t)STARTING_MAX;

    return fetching->waiting_next < fetching->waiting_count && keeping_count_starting(body) < most;
}

/* One that was dropped meanwhile is passed over: its epoch never comes again. */
static void on_turn(uv_idle_t *turn)
{
    struct body *body = turn->data;
    struct fetching *fetching = &body->fetching;
    uint64_t begun_us = clock_boot_us();

    while (is_somebodys_turn(body)) {
        struct attempt *attempt =
            attempts_find(&body->attempts, fetching->waiting[fetching->waiting_next++]);

        if (attempt && attempt->is_fetching)
            begin(body, attempt);
        if (clock_boot_us() - begun_us >= TURN_US)
            return;
    }
    if (fetching->waiting_next == fetching->waiting_count)
        fetching->waiting_next = fetching->waiting_count = 0;
    uv_idle_stop(turn);
}

void fetching_follow(struct body *body)
{
    if (is_somebodys_turn(body))
        uv_idle_start(&body->fetching.turn, on_turn);
}

void fetching_begin(struct body *body, struct attempt *attempt)
{
    struct fetching *fetching = &body->fetching;

    attempt->is_fetching = true;
    array_reserve(fetching->waiting, fetching->waiting_capacity, fetching->waiting_count + 1);
    fetching->waiting[fetching->waiting_count++] = attempt->epoch;
}

/* ---- from the server ---- */

void fetching_connected(struct body *body)
{
    ask_more(body);
    if (body->fetching.images)
        images_connected(body->fetching.images);
}

/* A stream cannot be taken up in its middle; the next connection begins it anew. */
void fetching_disconnected(struct body *body)
{
    for (struct fetching_content *at = body->fetching.first; at; at = at->next) {
        at->arrival = content_arrival_free(at->arrival);
        at->stream = 0;
    }
    body->fetching.stream_count = 0;
    /* At the end of the agent they go before its connection does. */
    if (body->fetching.images)
        images_disconnected(body->fetching.images);
}

/* Streams that are under way stand near the front. */
static struct fetching_content *find_stream(const struct fetching *fetching, uint64_t stream)
{
    for (struct fetching_content *at = fetching->first; at; at = at->next)
        if (at->stream == stream && stream != 0)
            return at;
    return NULL;
}

/* A piece of a stream that was given up may still be on its way; nobody is to blame for it. */
void fetching_piece(struct body *body, uint64_t stream, struct slice bytes)
{
    struct fetching_content *content = find_stream(&body->fetching, stream);
    struct wire_message cancel = {.kind = WIRE_CANCEL, .stream = stream};
    _cleanup_error_ struct error err = ERROR_INIT;
    int r;

    if (!content) {
        if (body->fetching.images)
            images_piece(body->fetching.images, stream, bytes);
        return;
    }
    r = content_arrival_add(content->arrival, bytes.data, bytes.length, &err);
    if (make_room(body, r)) {
        error_clear(&err);
        r = content_arrival_add(content->arrival, bytes.data, bytes.length, &err);
    }
    if (r == 0)
        return;
    body_say(body, &cancel);
    fail_content(body, content, reason_of(r), &err);
    ask_more(body);
}

/* It is in the cache: whoever waited is a step further. Frees it. */
static void hand_out(struct body *body, struct fetching_content *content)
{
    unlink_content(&body->fetching, content);
    /* All of them first: the end of one may let go of what the next one needs. */
    for (size_t i = 0; i < content->waiter_count; i++) {
        const struct fetching_waiter *waiter = &content->waiters[i];
        struct attempt *attempt = attempts_find(&body->attempts, waiter->epoch);

        if (attempt && attempt->is_fetching)
            attempt->is_pinned[waiter->input] =
                content_pin(body->fetching.cache, content->sha256, content->size);
    }
    for (size_t i = 0; i < content->waiter_count; i++) {
        struct attempt *attempt = attempts_find(&body->attempts, content->waiters[i].epoch);

        if (attempt && attempt->is_fetching && --attempt->missing == 0)
            lay(body, attempt);
    }
    content_deinit(content);
    content_trim(body->fetching.cache, content_size_max(body->fetching.cache));
}

void fetching_ended(struct body *body, const struct wire_end *end)
{
    struct fetching_content *content = find_stream(&body->fetching, end->stream);
    _cleanup_error_ struct error err = ERROR_INIT;
    enum reason failure = end->failure;
    int r;

    if (!content) {
        if (body->fetching.images)
            images_ended(body->fetching.images, end);
        return;
    }
    if (failure != REASON_NONE) {
        error_set(&err, -EIO, "%s", end->detail ? end->detail : "the server could not send it");
        fail_content(body, content, failure, &err);
    } else {
        r = content_arrival_finish(content->arrival, &err);
        if (r < 0)
            fail_content(body, content, reason_of(r), &err);
        else
            hand_out(body, content);
    }
    ask_more(body);
}
