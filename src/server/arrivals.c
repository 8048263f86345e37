/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an attempt on their way from its node: each into a file of one folder that is named by
 * its place in the list, a few at a time. What was announced is what is taken: a file that grows or
 * shrinks on the way is refused, for its size was counted against the disk and told to people.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* How many files of one attempt are on their way at a time. */
enum { STREAMS_AT_ONCE = 4 };

struct arrivals_file {
    uint64_t size;
    bool is_folder;
    char sha256[HASH_TEXT_SIZE];
};

struct arriving {
    struct arrivals *arrivals;
    struct stream_in *stream;
    struct hash *hash; /* NULL: nobody wants to know */
    uint32_t place;
    int fd;
    uint64_t left; /* of the size that was announced */
    struct arriving *next;
};

static const char changed_size[] = "a file changed its size on the way";

enum reason arrivals_failure_of(int code)
{
    return code == -ENOSPC || code == -EDQUOT ? REASON_DISK_FULL_ON_SERVER
                                              : REASON_CANNOT_COLLECT_OUTPUT;
}

char *arrivals_path(const char *folder, uint32_t place)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/%u", folder, place);
    return buffer_take(&path);
}

const char *arrivals_sha256(const struct arrivals *arrivals, uint32_t place)
{
    return arrivals->files[place].sha256;
}

static void arriving_free(struct arriving *arriving)
{
    struct arriving **place = &arriving->arrivals->first;

    while (*place != arriving)
        place = &(*place)->next;
    *place = arriving->next;
    hash_free(arriving->hash);
    descriptor_close(arriving->fd);
    free(arriving);
}

void arrivals_stop(struct arrivals *arrivals)
{
    while (arrivals->first) {
        streams_cancel(arrivals->first->stream);
        arriving_free(arrivals->first);
    }
}

void arrivals_deinit(struct arrivals *arrivals)
{
    while (arrivals->first)
        arriving_free(arrivals->first);
    free(arrivals->files);
    free(arrivals->folder);
    *arrivals = (struct arrivals){0};
}

/* Nothing comes any more; its owner may free it when it hears of that. */
static void finish(struct arrivals *arrivals, enum reason failure, const char *detail)
{
    arrivals_stop(arrivals);
    arrivals->plan.on_done(arrivals->plan.userdata, failure, detail);
}

static void on_piece(struct stream_in *stream, struct slice bytes)
{
    struct arriving *arriving = stream->userdata;
    int r;

    if (bytes.length > arriving->left) {
        finish(arriving->arrivals, REASON_CANNOT_COLLECT_OUTPUT, changed_size);
        return;
    }
    r = room_check_write(arriving->fd, bytes.length);
    if (r == 0)
        r = file_write_all(arriving->fd, bytes.data, bytes.length);
    arriving->left -= bytes.length;
    if (arriving->hash)
        hash_add(arriving->hash, bytes.data, bytes.length);
    if (r < 0)
        finish(arriving->arrivals, arrivals_failure_of(r), strerror(-r));
}

/* What will be relied upon after a power cut is on the disk before anybody is told. */
static int keep(struct arriving *arriving)
{
    if (!arriving->hash)
        return 0;
    hash_finish(arriving->hash, arriving->arrivals->files[arriving->place].sha256);
    arriving->hash = NULL;
    return fsync(arriving->fd) < 0 ? -errno : 0;
}

static void on_end(struct stream_in *stream, enum reason failure, const char *detail)
{
    struct arriving *arriving = stream->userdata;
    struct arrivals *arrivals = arriving->arrivals;
    bool whole = failure == REASON_NONE && arriving->left == 0;
    int r = whole ? keep(arriving) : 0;

    arriving_free(arriving);
    if (failure != REASON_NONE)
        finish(arrivals, failure, detail ? detail : "the node could not send it");
    else if (!whole)
        finish(arrivals, REASON_CANNOT_COLLECT_OUTPUT, changed_size);
    else if (r < 0)
        finish(arrivals, arrivals_failure_of(r), strerror(-r));
    else
        arrivals_go_on(arrivals);
}

/* A file on its way. Who will deliver it, as the submitter, may read it. */
static int open_arriving(const struct arrivals *arrivals, uint32_t place)
{
    _cleanup_free_ char *path = arrivals_path(arrivals->folder, place);
    uint32_t reader = arrivals->plan.reader;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    if (reader != STORE_NONE && fchown(fd, reader, (gid_t)-1) < 0) {
        int r = -errno;

        descriptor_close(fd);
        return r;
    }
    return fd;
}

static int ask(struct arrivals *arrivals, uint32_t place)
{
    struct stream_in handlers = {.on_piece = on_piece, .on_end = on_end};
    struct wire_want want = arrivals->plan.want;
    struct arriving *arriving;
    int fd = open_arriving(arrivals, place);

    if (fd < 0)
        return fd;
    arriving = memory_allocate(sizeof(*arriving));
    *arriving = (struct arriving){.arrivals = arrivals,
                                  .hash = arrivals->plan.is_kept ? hash_new() : NULL,
                                  .place = place,
                                  .fd = fd,
                                  .left = arrivals->files[place].size,
                                  .next = arrivals->first};
    arrivals->first = arriving;
    handlers.userdata = arriving;
    want.output = place;
    arriving->stream = streams_ask(arrivals->plan.link, &want, &handlers);
    return 0;
}

void arrivals_go_on(struct arrivals *arrivals)
{
    int count = 0, r = 0;

    for (struct arriving *a = arrivals->first; a; a = a->next)
        count++;
    while (r == 0 && count < STREAMS_AT_ONCE && arrivals->next < arrivals->count) {
        uint32_t place = arrivals->next++;

        if (arrivals->files[place].is_folder)
            continue;
        r = ask(arrivals, place);
        count++;
    }
    if (r < 0)
        finish(arrivals, arrivals_failure_of(r), strerror(-r));
    else if (!arrivals->first)
        finish(arrivals, REASON_NONE, NULL);
}

void arrivals_init(struct arrivals *arrivals, const struct arrivals_plan *plan, const char *folder,
                   const struct wire_output *files, size_t count)
{
    *arrivals = (struct arrivals){.plan = *plan,
                                  .folder = memory_copy_string(folder),
                                  .files = memory_allocate((count + 1) * sizeof(*arrivals->files)),
                                  .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++)
        arrivals->files[i] = (struct arrivals_file){
            .size = files[i].size, .is_folder = files[i].kind == WIRE_OUTPUT_FOLDER};
}
