/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task has saved (doc/specification/saving.md): from the node that made it into
 * STATE/checkpoints/17.3/NUMBER/PLACE, and from there, as inputs with a mark, to the node that goes
 * on from it.
 *
 * The rows of a checkpoint are written in the transaction that gives the task its number, when all
 * files are on the disk; only after that the one before is removed. So a folder that no row speaks
 * of is one that was on its way, or was replaced, when the server ended: it goes at the next start.
 */
#include "server.h"

#include "base/memory.h"
#include "sys/file.h"
#include "sys/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

/* One file list with the inputs of any task must fit into a start. */
enum { FILES_MAX = WIRE_LIST_MAX / 2 };

/* A checkpoint on its way. */
struct saving {
    struct server *server;
    struct agent_link *link;
    struct arrivals arrivals;
    struct wire_checkpoint set; /* owned */
    uint64_t epoch, number;
    uint32_t job, task;
    char *folder; /* owned; NULL once it is the task's */
    bool over;    /* told the brain, or given up */
    struct saving *next, **place;
};

/* ---- where they lie ---- */

static char *folder_of_all(const struct server *server)
{
    return file_join(server->options.state_folder, "checkpoints");
}

static char *folder_of_task(const struct server *server, uint32_t job, uint32_t task)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/checkpoints/%u.%u", server->options.state_folder, job, task);
    return buffer_take(&path);
}

static char *folder_of(const struct server *server, uint32_t job, uint32_t task, uint64_t number)
{
    struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s/checkpoints/%u.%u/%llu", server->options.state_folder, job, task,
                   (unsigned long long)number);
    return buffer_take(&path);
}

static void remove_folder(const char *path)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (file_remove_tree(path, &err) < 0)
        log_warning("cannot remove a checkpoint: %s", error_text(&err));
}

/* All entries of the folder but this one, which may be NULL. */
static void remove_others(const char *path, const char *kept)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        _cleanup_free_ char *within = file_join(path, entry->d_name);

        if (entry->d_name[0] != '.' && (!kept || strcmp(entry->d_name, kept) != 0))
            remove_folder(within);
    }
    if (folder)
        closedir(folder);
}

/* ---- on its way ---- */

static uint64_t key_of(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}

/* One at most, because one claim at most stands. */
static struct saving *find_saving(const struct server *server, uint32_t job, uint32_t task)
{
    uint64_t value;

    if (!map_get(&server->saving_by_task, key_of(job, task), &value))
        return NULL;
    return (struct saving *)(uintptr_t)value;
}

static void set_over(struct saving *saving)
{
    saving->over = true;
    map_remove(&saving->server->saving_by_task, key_of(saving->job, saving->task));
}

static void saving_free(struct saving *saving)
{
    *saving->place = saving->next;
    if (saving->next)
        saving->next->place = saving->place;
    if (!saving->over)
        set_over(saving);
    arrivals_deinit(&saving->arrivals);
    wire_checkpoint_deinit(&saving->set);
    if (saving->folder)
        remove_folder(saving->folder);
    free(saving->folder);
    free(saving);
}

static void write_file(const struct saving *saving, uint32_t place)
{
    const struct wire_output *file = &saving->set.files[place];

    store_add_checkpoint_file(saving->server->store,
                              &(struct store_checkpoint_file){
                                  .job = saving->job,
                                  .task = saving->task,
                                  .place = place,
                                  .kind = file->kind == WIRE_OUTPUT_FOLDER ? "folder" : "file",
                                  .name = file->name,
                                  .size = file->size,
                                  .mode = file->mode,
                                  .sha256 = arrivals_sha256(&saving->arrivals, place),
                              });
}

/* The rows, if a step before this one has not made it worthless; then the folder is the task's. */
static void write_checkpoint(struct server *server, void *userdata)
{
    struct saving *saving = userdata;

    if (!pool_takes_checkpoint(server->pool, saving->epoch, saving->number))
        return;
    store_save_checkpoint(server->store, &(struct store_checkpoint){.job = saving->job,
                                                                    .task = saving->task,
                                                                    .number = saving->number,
                                                                    .epoch = saving->epoch,
                                                                    .kind = "files"});
    for (uint32_t place = 0; place < saving->set.file_count; place++)
        write_file(saving, place);
    free(saving->folder);
    saving->folder = NULL;
}

static void release_saving(void *userdata)
{
    saving_free(userdata);
}

/* Tells the brain; with the event it is over. */
static void finish(struct saving *saving, enum reason failure, const char *detail)
{
    struct pool_event event = {.kind = POOL_CHECKPOINT_COLLECTED};
    struct rider rider = {.release = release_saving, .userdata = saving};

    set_over(saving);
    event.collected.epoch = saving->epoch;
    event.collected.checkpoint = saving->number;
    event.collected.failure = failure;
    if (failure == REASON_NONE)
        rider.write = write_checkpoint;
    else
        log_notice("checkpoint %llu of %u.%u is not stored: %s", (unsigned long long)saving->number,
                   saving->job, saving->task, detail ? detail : reason_text(failure));
    batch_push_with(saving->server, &event, NULL, &rider);
}

static void on_arrived(void *userdata, enum reason failure, const char *detail)
{
    finish(userdata, failure, detail);
}

/* A node that names what lies elsewhere gets nowhere with it. */
static int check_set(const struct wire_checkpoint *set, struct error *err)
{
    if (set->file_count > FILES_MAX)
        return error_set(err, -E2BIG, "it has more than %d files", FILES_MAX);
    for (size_t i = 0; i < set->file_count; i++)
        if (!file_name_is_contained(set->files[i].name))
            return error_set(err, -EPERM, "the node named a file '%.200s', which leaves its folder",
                             set->files[i].name);
    return 0;
}

static struct saving *saving_new(struct server *server, const struct pool_effect *effect,
                                 struct agent_link *link, struct wire_checkpoint *set)
{
    struct saving *saving = memory_allocate(sizeof(*saving));

    *saving = (struct saving){.server = server,
                              .link = link,
                              .epoch = effect->send.epoch,
                              .number = effect->send.checkpoint,
                              .job = effect->send.job,
                              .task = effect->send.task,
                              .set = *set,
                              .next = server->savings,
                              .place = &server->savings};
    *set = (struct wire_checkpoint){0};
    saving->folder = folder_of(server, saving->job, saving->task, saving->number);
    if (saving->next)
        saving->next->place = &saving->next;
    server->savings = saving;
    map_put(&server->saving_by_task, key_of(saving->job, saving->task),
            (uint64_t)(uintptr_t)saving);
    return saving;
}

static int make_folder(const struct saving *saving)
{
    int r = file_remove_tree(saving->folder, NULL);

    return r < 0 ? r : file_make_folders(saving->folder, 0700, NULL);
}

static void bring(struct saving *saving)
{
    struct arrivals_plan plan = {
        .link = saving->link,
        .want = {.kind = WIRE_WANT_SAVED, .epoch = saving->epoch, .checkpoint = saving->number},
        .reader = STORE_NONE,
        .is_kept = true,
        .on_done = on_arrived,
        .userdata = saving,
    };

    arrivals_init(&saving->arrivals, &plan, saving->folder, saving->set.files,
                  saving->set.file_count);
    arrivals_go_on(&saving->arrivals);
}

/*
 * The list is taken from what the node has reported, which it will report again if this comes to
 * nothing: with its link, or with the server.
 */
void checkpoint_collect(struct server *server, const struct pool_effect *effect)
{
    struct agent_link *link = agents_find(server, effect->send.node, effect->send.session);
    struct reported_checkpoint *reported =
        records_find_checkpoint(&server->records, effect->send.job, effect->send.task);
    _cleanup_error_ struct error err = ERROR_INIT;
    struct saving *saving;
    int r;

    if (!link || !reported || reported->epoch != effect->send.epoch ||
        reported->checkpoint.number != effect->send.checkpoint)
        return;
    checkpoint_give_up(server, effect->send.job, effect->send.task);
    saving = saving_new(server, effect, link, &reported->checkpoint);
    records_drop_checkpoint(&server->records, effect->send.job, effect->send.task);
    if (check_set(&saving->set, &err) < 0) {
        finish(saving, REASON_CANNOT_SAVE, error_text(&err));
        return;
    }
    r = make_folder(saving);
    if (r < 0)
        finish(saving, arrivals_failure_of(r), strerror(-r));
    else
        bring(saving);
}

void checkpoint_give_up(struct server *server, uint32_t job, uint32_t task)
{
    struct saving *saving = find_saving(server, job, task);

    if (!saving)
        return;
    arrivals_stop(&saving->arrivals);
    saving_free(saving);
}

/* The link is gone and its streams with it. It is asked for again in the next session. */
void checkpoint_break(struct server *server, struct agent_link *link)
{
    struct saving *next;

    for (struct saving *saving = server->savings; saving; saving = next) {
        next = saving->next;
        if (saving->link != link || saving->over)
            continue;
        arrivals_stop(&saving->arrivals);
        saving_free(saving);
    }
}

void checkpoint_deinit(struct server *server)
{
    while (server->savings)
        saving_free(server->savings);
    map_deinit(&server->saving_by_task);
}

/* ---- recorded ---- */

void checkpoint_recorded(struct server *server, const struct pool_effect *effect)
{
    _cleanup_free_ char *folder = folder_of_task(server, effect->send.job, effect->send.task);
    char kept[32];

    snprintf(kept, sizeof(kept), "%llu", (unsigned long long)effect->send.checkpoint);
    remove_others(folder, kept);
    log_debug("%u.%u#%u has checkpoint %s", effect->send.job, effect->send.task,
              effect->send.attempt, kept);
}

void checkpoint_forget(struct server *server, uint32_t job, uint32_t task)
{
    store_remove_checkpoint(server->store, job, task);
}

void checkpoint_remove(struct server *server, uint32_t job, uint32_t task)
{
    _cleanup_free_ char *folder = folder_of_task(server, job, task);

    remove_folder(folder);
}

/* ---- given to the next attempt ---- */

struct filling {
    struct wire_start *start;
    size_t capacity;
};

static int fill_file(const struct store_checkpoint_file *file, void *userdata)
{
    struct filling *filling = userdata;
    struct wire_start *start = filling->start;

    array_reserve(start->inputs, filling->capacity, start->input_count + 1);
    start->inputs[start->input_count++] =
        (struct wire_file){.name = memory_copy_string(file->name),
                           .sha256 = memory_copy_string(file->sha256),
                           .size = file->size,
                           .mode = file->mode,
                           .saved = true};
    return 0;
}

int checkpoint_fill(struct server *server, struct wire_start *start, struct error *err)
{
    struct filling filling = {.start = start, .capacity = start->input_count};

    if (start->checkpoint == 0)
        return 0;
    return store_walk_checkpoint_files(server->store, start->job, start->task, fill_file, &filling,
                                       err);
}

char *checkpoint_find_content(struct server *server, const char *sha256)
{
    _cleanup_free_ char *folder = NULL;
    struct store_checkpoint checkpoint;
    uint32_t place;

    if (store_find_checkpoint_file(server->store, sha256, &checkpoint, &place, NULL) != 0)
        return NULL;
    folder = folder_of(server, checkpoint.job, checkpoint.task, checkpoint.number);
    return arrivals_path(folder, place);
}

/* ---- at the start ---- */

static int note_kept(const struct store_checkpoint *checkpoint, void *userdata)
{
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;

    buffer_appendf(&name, "%u.%u", checkpoint->job, checkpoint->task);
    string_map_put(userdata, buffer_text(&name), checkpoint->number);
    return 0;
}

static void sweep_task(const char *all, const char *name, const struct string_map *kept)
{
    _cleanup_free_ char *path = file_join(all, name);
    uint64_t number;
    char text[32];

    if (!string_map_get(kept, name, &number)) {
        remove_folder(path);
        return;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    remove_others(path, text);
}

int checkpoint_sweep(struct server *server, struct error *err)
{
    _cleanup_free_ char *all = folder_of_all(server);
    struct string_map kept;
    struct dirent *entry;
    DIR *folder = opendir(all);
    int r;

    if (!folder)
        return 0;
    string_map_init(&kept, false);
    r = store_walk_checkpoints(server->store, note_kept, &kept, err);
    while (r == 0 && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            sweep_task(all, entry->d_name, &kept);
    closedir(folder);
    string_map_deinit(&kept);
    return r;
}
