/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper_message.h. Each message has one function that writes its fields and one that reads
 * them, in the same order. Reading never fails half-way: a reader that ran dry or met nonsense is
 * marked bad, gives zeros from then on, and the mark is asked once, at the end.
 */
#include "keeper_message.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum { FRAME_HEAD_SIZE = 4 };

/* ---- fields ---- */

static void put_u8(struct buffer *frames, uint8_t value)
{
    buffer_append_character(frames, (char)value);
}

static void put_u32(struct buffer *frames, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8)
        put_u8(frames, (uint8_t)(value >> shift));
}

static void put_u64(struct buffer *frames, uint64_t value)
{
    put_u32(frames, (uint32_t)value);
    put_u32(frames, (uint32_t)(value >> 32));
}

static void put_bytes(struct buffer *frames, struct slice bytes)
{
    put_u32(frames, (uint32_t)bytes.length);
    buffer_append_slice(frames, bytes);
    put_u8(frames, 0);
}

static void put_text(struct buffer *frames, const char *text)
{
    put_bytes(frames, slice_from_text(text ? text : ""));
}

static size_t count_words(const char **words)
{
    size_t count = 0;

    while (words && words[count])
        count++;
    return count;
}

static void put_words(struct buffer *frames, const char **words)
{
    size_t count = count_words(words);

    put_u32(frames, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_text(frames, words[i]);
}

struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static const unsigned char *take_bytes(struct reader *reader, size_t count)
{
    const unsigned char *at = reader->at;

    if (reader->bad || count > reader->left) {
        reader->bad = true;
        return NULL;
    }
    reader->at += count;
    reader->left -= count;
    return at;
}

static uint8_t take_u8(struct reader *reader)
{
    const unsigned char *at = take_bytes(reader, 1);

    return at ? *at : 0;
}

static uint32_t take_u32(struct reader *reader)
{
    const unsigned char *at = take_bytes(reader, 4);

    if (!at)
        return 0;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t take_u64(struct reader *reader)
{
    uint64_t low = take_u32(reader);

    return low | (uint64_t)take_u32(reader) << 32;
}

static bool take_bool(struct reader *reader)
{
    uint8_t value = take_u8(reader);

    if (value > 1)
        reader->bad = true;
    return value == 1;
}

/* A value of an enum that counts from `first` to `last`. */
static unsigned take_choice(struct reader *reader, unsigned first, unsigned last)
{
    unsigned value = take_u8(reader);

    if (value < first || value > last) {
        reader->bad = true;
        return first;
    }
    return value;
}

static struct slice take_slice(struct reader *reader, size_t length_max)
{
    uint32_t length = take_u32(reader);
    const unsigned char *at;

    if (length > length_max)
        reader->bad = true;
    at = take_bytes(reader, (size_t)length + 1);
    if (!at || at[length] != '\0') {
        reader->bad = true;
        return (struct slice){.data = ""};
    }
    return (struct slice){.data = (const char *)at, .length = length};
}

static const char *take_text(struct reader *reader)
{
    struct slice text = take_slice(reader, KEEPER_FRAME_SIZE_MAX);

    if (memchr(text.data, '\0', text.length))
        reader->bad = true;
    return text.data;
}

/* Each word costs its sender five bytes at least, so a frame bounds what is allocated here. */
static const char **take_words(struct reader *reader)
{
    uint32_t count = take_u32(reader);
    const char **words;

    if (count > KEEPER_WORDS_MAX || count > reader->left / 5) {
        reader->bad = true;
        count = 0;
    }
    words = memory_resize(NULL, (size_t)count + 1, sizeof(*words));
    for (uint32_t i = 0; i < count; i++)
        words[i] = take_text(reader);
    words[count] = NULL;
    return words;
}

/* ---- structs ---- */

static void put_container(struct buffer *frames, const struct keeper_container *container)
{
    put_text(frames, container->root);
    put_words(frames, container->sources);
    put_words(frames, container->targets);
    put_words(frames, container->devices);
    put_text(frames, container->temporary);
    put_text(frames, container->host_name);
    put_u8(frames, container->has_network);
}

/* What a contained task cannot do without is there, and each source has a target. */
static bool is_whole(const struct keeper_container *container)
{
    return container->root[0] == '/' && container->temporary[0] == '/' &&
           count_words(container->sources) == count_words(container->targets);
}

static void take_container(struct reader *reader, struct keeper_container *container)
{
    container->root = take_text(reader);
    container->sources = take_words(reader);
    container->targets = take_words(reader);
    container->devices = take_words(reader);
    container->temporary = take_text(reader);
    container->host_name = take_text(reader);
    container->has_network = take_bool(reader);
    if (container->root[0] != '\0' && !is_whole(container))
        reader->bad = true;
}

static void put_checkpoint(struct buffer *frames, const struct keeper_checkpoint *checkpoint)
{
    put_text(frames, checkpoint->folder);
    put_text(frames, checkpoint->criu);
}

static void take_checkpoint(struct reader *reader, struct keeper_checkpoint *checkpoint)
{
    checkpoint->folder = take_text(reader);
    checkpoint->criu = take_text(reader);
    if (checkpoint->folder[0] != '\0' &&
        (checkpoint->folder[0] != '/' || checkpoint->criu[0] == '\0'))
        reader->bad = true;
}

static void put_spawn(struct buffer *frames, const struct keeper_spawn *spawn)
{
    put_bytes(frames, spawn->note);
    put_u64(frames, spawn->deadline_boot_ms);
    put_text(frames, spawn->program);
    put_words(frames, spawn->arguments);
    put_words(frames, spawn->environment);
    put_text(frames, spawn->folder);
    put_text(frames, spawn->input);
    put_text(frames, spawn->output);
    put_text(frames, spawn->error);
    put_u8(frames, spawn->keeps_output);
    put_u8(frames, spawn->becomes_user);
    put_u32(frames, spawn->uid);
    put_u32(frames, spawn->gid);
    put_u32(frames, (uint32_t)spawn->nice);
    put_u64(frames, spawn->file_size_max);
    put_u64(frames, spawn->cpu_seconds_max);
    put_u64(frames, spawn->processes_max);
    put_u64(frames, spawn->memory_max);
    put_u32(frames, spawn->cpus);
    put_container(frames, &spawn->container);
    put_checkpoint(frames, &spawn->restore);
}

static void take_spawn(struct reader *reader, struct keeper_spawn *spawn)
{
    spawn->note = take_slice(reader, KEEPER_NOTE_SIZE_MAX);
    spawn->deadline_boot_ms = take_u64(reader);
    spawn->program = take_text(reader);
    spawn->arguments = take_words(reader);
    spawn->environment = take_words(reader);
    spawn->folder = take_text(reader);
    spawn->input = take_text(reader);
    spawn->output = take_text(reader);
    spawn->error = take_text(reader);
    spawn->keeps_output = take_bool(reader);
    spawn->becomes_user = take_bool(reader);
    spawn->uid = take_u32(reader);
    spawn->gid = take_u32(reader);
    spawn->nice = (int32_t)take_u32(reader);
    spawn->file_size_max = take_u64(reader);
    spawn->cpu_seconds_max = take_u64(reader);
    spawn->processes_max = take_u64(reader);
    spawn->memory_max = take_u64(reader);
    spawn->cpus = take_u32(reader);
    take_container(reader, &spawn->container);
    take_checkpoint(reader, &spawn->restore);
    if (spawn->program[0] == '\0' || spawn->folder[0] != '/' ||
        (spawn->restore.folder[0] != '\0' && spawn->container.root[0] == '\0'))
        reader->bad = true;
}

static void put_hello(struct buffer *frames, const struct keeper_news *news)
{
    put_u32(frames, news->version);
    put_u32(frames, (uint32_t)news->pid);
    put_u8(frames, (uint8_t)news->means.hold);
    put_u8(frames, news->means.limits_memory);
    put_u8(frames, news->means.limits_processes);
    put_u8(frames, news->means.shares_cpus);
}

/*
 * Version and process stand first in every version, so that an agent can say which keeper it is
 * that it does not understand; what follows is known of its own version only.
 */
static void take_hello(struct reader *reader, struct keeper_news *news)
{
    news->version = take_u32(reader);
    news->pid = (int32_t)take_u32(reader);
    if (news->version != KEEPER_VERSION) {
        reader->left = 0;
        return;
    }
    news->means.hold = take_choice(reader, KEEPER_HOLD_WARDENS, KEEPER_HOLD_FREEZER);
    news->means.limits_memory = take_bool(reader);
    news->means.limits_processes = take_bool(reader);
    news->means.shares_cpus = take_bool(reader);
}

static void put_failure(struct buffer *frames, const struct keeper_failure *failure)
{
    put_u8(frames, (uint8_t)failure->step);
    put_u32(frames, (uint32_t)failure->error);
    put_text(frames, failure->path);
}

static void take_failure(struct reader *reader, struct keeper_failure *failure)
{
    failure->step = take_choice(reader, KEEPER_STEP_FORK, KEEPER_STEP_RESTORE);
    failure->error = (int32_t)take_u32(reader);
    failure->path = take_text(reader);
    if (failure->error <= 0)
        reader->bad = true;
}

static void put_result(struct buffer *frames, const struct keeper_result *result)
{
    put_u32(frames, (uint32_t)result->wait_status);
    put_u64(frames, result->user_us);
    put_u64(frames, result->system_us);
    put_u64(frames, result->memory_peak_bytes);
    put_u64(frames, result->wall_us);
    put_u64(frames, result->frozen_us);
    put_u32(frames, result->processes);
    put_u8(frames, result->over_memory);
    put_u64(frames, result->refused_processes);
}

static void take_result(struct reader *reader, struct keeper_result *result)
{
    result->wait_status = (int32_t)take_u32(reader);
    result->user_us = take_u64(reader);
    result->system_us = take_u64(reader);
    result->memory_peak_bytes = take_u64(reader);
    result->wall_us = take_u64(reader);
    result->frozen_us = take_u64(reader);
    result->processes = take_u32(reader);
    result->over_memory = take_bool(reader);
    result->refused_processes = take_u64(reader);
}

static void put_task(struct buffer *frames, const struct keeper_news *news)
{
    put_u8(frames, (uint8_t)news->state);
    put_u8(frames, news->lapsed);
    put_u8(frames, news->is_out);
    put_u8(frames, news->told_to_end);
    put_u8(frames, news->is_restoring);
    put_u32(frames, (uint32_t)news->pid);
    put_u64(frames, news->deadline_boot_ms);
    put_result(frames, &news->result);
    put_bytes(frames, news->note);
}

static void take_task(struct reader *reader, struct keeper_news *news)
{
    news->state = take_choice(reader, KEEPER_STATE_RUNNING, KEEPER_STATE_ENDED);
    news->lapsed = take_bool(reader);
    news->is_out = take_bool(reader);
    news->told_to_end = take_bool(reader);
    news->is_restoring = take_bool(reader);
    news->pid = (int32_t)take_u32(reader);
    news->deadline_boot_ms = take_u64(reader);
    take_result(reader, &news->result);
    news->note = take_slice(reader, KEEPER_NOTE_SIZE_MAX);
}

/* ---- frames ---- */

/* Writes the length that is known now into the frame that starts at `start`. */
static int finish_frame(struct buffer *frames, size_t start)
{
    size_t length = frames->length - start - FRAME_HEAD_SIZE;

    if (length > KEEPER_FRAME_SIZE_MAX) {
        frames->length = start;
        frames->data[start] = '\0';
        return -E2BIG;
    }
    for (int i = 0; i < FRAME_HEAD_SIZE; i++)
        frames->data[start + (size_t)i] = (char)(uint8_t)(length >> (8 * i));
    return 0;
}

int keeper_message_encode_request(const struct keeper_request *request, struct buffer *frames)
{
    size_t start = frames->length;

    if (count_words(request->spawn.arguments) > KEEPER_WORDS_MAX ||
        count_words(request->spawn.environment) > KEEPER_WORDS_MAX ||
        request->spawn.note.length > KEEPER_NOTE_SIZE_MAX)
        return -E2BIG;
    put_u32(frames, 0);
    put_u8(frames, (uint8_t)request->type);
    put_u64(frames, request->key);
    switch (request->type) {
    case KEEPER_REQUEST_SPAWN:
        put_spawn(frames, &request->spawn);
        break;
    case KEEPER_REQUEST_SIGNAL:
        put_u32(frames, (uint32_t)request->signal);
        break;
    case KEEPER_REQUEST_THAW:
    case KEEPER_REQUEST_DEADLINE:
        put_u64(frames, request->deadline_boot_ms);
        break;
    case KEEPER_REQUEST_SAVE:
        put_checkpoint(frames, &request->save);
        break;
    case KEEPER_REQUEST_FREEZE:
    case KEEPER_REQUEST_KILL:
    case KEEPER_REQUEST_FORGET:
    case KEEPER_REQUEST_USAGE:
    case KEEPER_REQUEST_LIST:
    case KEEPER_REQUEST_ALIVE:
        break;
    }
    return finish_frame(frames, start);
}

int keeper_message_decode_request(struct slice frame, struct keeper_request *ret_request)
{
    struct reader reader = {.at = (const unsigned char *)frame.data, .left = frame.length};
    struct keeper_request request = {0};

    take_u32(&reader); /* the length, which keeper_message_find_frame() saw */
    request.type = take_choice(&reader, KEEPER_REQUEST_SPAWN, KEEPER_REQUEST_SAVE);
    request.key = take_u64(&reader);
    switch (request.type) {
    case KEEPER_REQUEST_SPAWN:
        take_spawn(&reader, &request.spawn);
        break;
    case KEEPER_REQUEST_SIGNAL:
        request.signal = (int32_t)take_u32(&reader);
        break;
    case KEEPER_REQUEST_THAW:
    case KEEPER_REQUEST_DEADLINE:
        request.deadline_boot_ms = take_u64(&reader);
        break;
    case KEEPER_REQUEST_SAVE:
        take_checkpoint(&reader, &request.save);
        reader.bad = reader.bad || request.save.folder[0] == '\0';
        break;
    case KEEPER_REQUEST_FREEZE:
    case KEEPER_REQUEST_KILL:
    case KEEPER_REQUEST_FORGET:
    case KEEPER_REQUEST_USAGE:
    case KEEPER_REQUEST_LIST:
    case KEEPER_REQUEST_ALIVE:
        break;
    }
    if (reader.bad || reader.left > 0) {
        keeper_request_deinit(&request);
        return -EBADMSG;
    }
    *ret_request = request;
    return 0;
}

void keeper_request_deinit(struct keeper_request *request)
{
    free(request->spawn.arguments);
    free(request->spawn.environment);
    free(request->spawn.container.sources);
    free(request->spawn.container.targets);
    free(request->spawn.container.devices);
    *request = (struct keeper_request){0};
}

int keeper_message_encode_news(const struct keeper_news *news, struct buffer *frames)
{
    size_t start = frames->length;

    put_u32(frames, 0);
    put_u8(frames, (uint8_t)news->type);
    put_u64(frames, news->key);
    switch (news->type) {
    case KEEPER_NEWS_HELLO:
        put_hello(frames, news);
        break;
    case KEEPER_NEWS_STARTED:
        put_u32(frames, (uint32_t)news->pid);
        break;
    case KEEPER_NEWS_START_FAILED:
        put_failure(frames, &news->failure);
        break;
    case KEEPER_NEWS_EXITED:
    case KEEPER_NEWS_USAGE:
        put_result(frames, &news->result);
        break;
    case KEEPER_NEWS_TASK:
        put_task(frames, news);
        break;
    case KEEPER_NEWS_SAVE_FAILED:
        put_u8(frames, news->is_lost);
        put_text(frames, news->reason);
        break;
    case KEEPER_NEWS_FROZEN:
    case KEEPER_NEWS_PUSHED_OUT:
    case KEEPER_NEWS_THAWED:
    case KEEPER_NEWS_LAPSED:
    case KEEPER_NEWS_UNKNOWN:
    case KEEPER_NEWS_LISTED:
    case KEEPER_NEWS_SAVED:
        break;
    }
    return finish_frame(frames, start);
}

int keeper_message_decode_news(struct slice frame, struct keeper_news *ret_news)
{
    struct reader reader = {.at = (const unsigned char *)frame.data, .left = frame.length};
    struct keeper_news news = {0};

    take_u32(&reader);
    news.type = take_choice(&reader, KEEPER_NEWS_HELLO, KEEPER_NEWS_SAVE_FAILED);
    news.key = take_u64(&reader);
    switch (news.type) {
    case KEEPER_NEWS_HELLO:
        take_hello(&reader, &news);
        break;
    case KEEPER_NEWS_STARTED:
        news.pid = (int32_t)take_u32(&reader);
        break;
    case KEEPER_NEWS_START_FAILED:
        take_failure(&reader, &news.failure);
        break;
    case KEEPER_NEWS_EXITED:
    case KEEPER_NEWS_USAGE:
        take_result(&reader, &news.result);
        break;
    case KEEPER_NEWS_TASK:
        take_task(&reader, &news);
        break;
    case KEEPER_NEWS_SAVE_FAILED:
        news.is_lost = take_bool(&reader);
        news.reason = take_text(&reader);
        break;
    case KEEPER_NEWS_FROZEN:
    case KEEPER_NEWS_PUSHED_OUT:
    case KEEPER_NEWS_THAWED:
    case KEEPER_NEWS_LAPSED:
    case KEEPER_NEWS_UNKNOWN:
    case KEEPER_NEWS_LISTED:
    case KEEPER_NEWS_SAVED:
        break;
    }
    if (reader.bad || reader.left > 0)
        return -EBADMSG;
    *ret_news = news;
    return 0;
}

int keeper_message_find_frame(struct slice bytes, size_t *ret_length)
{
    struct reader reader = {.at = (const unsigned char *)bytes.data, .left = bytes.length};
    size_t length = take_u32(&reader);

    if (length > KEEPER_FRAME_SIZE_MAX)
        return -EBADMSG;
    if (reader.bad || length > reader.left)
        return 0;
    *ret_length = FRAME_HEAD_SIZE + length;
    return 1;
}

const char *keeper_state_name(enum keeper_state state)
{
    switch (state) {
    case KEEPER_STATE_RUNNING:
        return "running";
    case KEEPER_STATE_FREEZING:
        return "freezing";
    case KEEPER_STATE_FROZEN:
        return "frozen";
    case KEEPER_STATE_SAVING:
        return "saving";
    case KEEPER_STATE_ENDING:
        return "ending";
    case KEEPER_STATE_ENDED:
        return "ended";
    }
    return "unknown";
}
