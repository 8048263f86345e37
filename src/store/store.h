/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pool remembers across a crash, in one SQLite file. Nobody else speaks SQL.
 *
 * Writing is in batches: store_begin(), any number of writes, store_commit(). A batch is on the
 * disk whole when store_commit() returns 0, and never in part. The writes themselves return
 * nothing: the first one that fails spoils its batch, and store_commit() says what happened. The
 * caller then ends the process; the next one starts from the rows, and finds the whole batch or
 * nothing of it, as a disk that fails while it flushes may have done either.
 *
 * Reading sees committed batches only, also while one is open, so that nothing can be answered
 * before it is safe. A reader never keeps writers or the log's clean-up waiting: long answers are
 * read in chunks, each of which starts behind the last row of the one before.
 *
 * One process at a time may have a store open. Texts in rows that are handed out belong to the
 * store and live until the callback returns, or the cursor's next call; texts in rows that are
 * handed in are copied. Times are seconds since 1970, 0 where there is none yet. Words for
 * states and reasons are stored as they are given, so that they must be the stable ones.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* "No node", "no exit code", and "all tasks of the job". */
enum { STORE_NONE = UINT32_MAX };

enum { STORE_HASH_SIZE = 65 }; /* of a content's hash as text, with its NUL */

/*
 * Opens the file and makes it if it is missing; brings an older schema up to date. Errors: -EBUSY
 * another process has it open, -EPROTO it was written by a newer dusk, -EBADMSG it is damaged or no
 * store, -ENOSPC, -EROFS, -EACCES and other errno values.
 */
int store_open(const char *path, struct store **ret_store, struct error *err);
/* Gives up a batch that is open. Accepts NULL, returns NULL. */
struct store *store_close(struct store *store);

/* Nothing is touched before the first write, so that an empty batch costs nothing. */
void store_begin(struct store *store);
/* -ENOSPC says that the disk is full, -ENOENT that a row to be changed is not there. */
int store_commit(struct store *store, struct error *err);
/* How many batches with something in them were committed since store_open(). */
uint64_t store_count_commits(const struct store *store);

/*
 * Single values: the pool's name, the next job number, the last epoch. Loading returns 0, or 1 with
 * *ret_value untouched if nothing was ever saved under that key.
 */
void store_save_text(struct store *store, const char *key, const char *value);
void store_save_number(struct store *store, const char *key, uint64_t value);
int store_load_text(struct store *store, const char *key, char **ret_value, struct error *err);
int store_load_number(struct store *store, const char *key, uint64_t *ret_value, struct error *err);

/* Jobs. */

/* One range of equal tasks. */
struct store_part {
    uint32_t first;
    uint32_t count;
    uint32_t next; /* the first task that was never started */
    uint32_t cpus;
    uint64_t memory; /* bytes */
    uint64_t disk;   /* bytes */
    uint32_t gpus;
};

struct store_job {
    uint32_t number; /* not 0 */
    uint32_t tasks;
    const char *user;
    const char *name;   /* NULL if it has none */
    const char *folder; /* absolute: where it was submitted */
    bool deliver;       /* outputs go straight to the submitter's folders */
    uint32_t uid;       /* of the submitter on this computer, or STORE_NONE */
    uint32_t gid;
    double submitted_at;
    double ended_at;
    int32_t priority;
    bool held;
    bool removed;
    bool over;
    uint32_t completed;
    uint32_t removed_tasks;
    const char *reason; /* for people: why it was held or removed as a whole; NULL if it was not */
};

/* `submit` and `files` are the frozen submit text and the list of its input files. */
void store_add_job(struct store *store, const struct store_job *job, const struct store_part *parts,
                   size_t part_count, struct slice submit, struct slice files);
/* Saves the fields from ended_at on; the others never change. */
void store_save_job(struct store *store, const struct store_job *job);
/* Saves how far a part was started; `part` is its index in store_add_job(). */
void store_save_part(struct store *store, uint32_t job, uint32_t part, uint32_t next);

/* A callback that returns a negative value ends the walk, which returns that value. */
typedef int store_job_callback(const struct store_job *job, const struct store_part *parts,
                               size_t part_count, void *userdata);

/* All jobs that are not over, or have a task whose claim still stands, in order. */
int store_walk_live_jobs(struct store *store, store_job_callback *callback, void *userdata,
                         struct error *err);

struct store_job_filter {
    const char *user; /* NULL: everybody's */
    uint32_t job;     /* 0: all */
    bool only_over;
    bool only_open;
    uint32_t limit; /* 0: no limit */
};

/* Newest first, without their parts. */
int store_walk_jobs(struct store *store, const struct store_job_filter *filter,
                    store_job_callback *callback, void *userdata, struct error *err);
/*
 * The jobs that were removed whole, in order behind the number `behind`, or if newest first before
 * it. Of the filter only user, job and limit count.
 */
int store_walk_removed_jobs(struct store *store, const struct store_job_filter *filter,
                            bool newest_first, uint32_t behind, store_job_callback *callback,
                            void *userdata, struct error *err);
/* Appends the two texts; either may be NULL. Returns 1 if there is no such job. */
int store_load_job_texts(struct store *store, uint32_t job, struct buffer *submit,
                         struct buffer *files, struct error *err);

/* Tasks: a task that never started has no row. */

/* What the brain decides of a task: saved at every change. */
struct store_task_state {
    uint32_t job;
    uint32_t task;
    const char *state;
    bool over;
    uint32_t attempts;
    uint32_t node;       /* that holds the claim; STORE_NONE: no claim stands */
    uint64_t epoch;      /* of that claim, or 0 */
    uint64_t checkpoint; /* the number of its last one; 0: it has none */
    const char *reason;
    double started_at;  /* of the attempt; 0 keeps what is there */
    double ended_at;    /* 0 keeps what is there */
    const char *detail; /* of the reason; NULL keeps what is there as long as state and reason do */
};

/* What the node says of an attempt that ended. */
struct store_task_result {
    uint32_t job;
    uint32_t task;
    int exit_code;   /* negative: it has none */
    int exit_signal; /* 0: none */
    double cpu_seconds;
    double wall_seconds;
    uint64_t memory_peak; /* bytes */
    const char *detail;   /* a sentence for people, or NULL */
};

/* Makes the row if it is missing. */
void store_save_task(struct store *store, const struct store_task_state *state);
/* Of a task that has a row. */
void store_save_result(struct store *store, const struct store_task_result *result);

/*
 * All tasks that have a row and are not over, or whose claim still stands, or that were over before
 * their part came to them (removed while they waited), in order. As with the jobs: together they
 * are what a brain is rebuilt from.
 */
typedef int store_task_callback(const struct store_task_state *state, void *userdata);
int store_walk_live_tasks(struct store *store, store_task_callback *callback, void *userdata,
                          struct error *err);

/* Everything that is known of a task, with its job's user and time. */
struct store_task {
    struct store_task_state state; /* started_at and ended_at: 0 where there is none yet */
    struct store_task_result result;
    const char *user;
    const char *node_name; /* of the last node that it was on; NULL if there was none */
    double submitted_at;
    bool ended_once; /* `result` holds something */
};

struct store_task_filter {
    const char *user; /* NULL: everybody's */
    uint32_t job;     /* 0: all */
    uint32_t task;    /* STORE_NONE: all */
    bool only_over;
    bool only_open;
    bool newest_first; /* by job and task number */
    uint64_t limit;    /* 0: no limit */
};

/*
 * A cursor over tasks that may stay open as long as its reader likes, also across batches and
 * commits: each row is as it was when its chunk was read, no row comes twice.
 */
struct store_task_query;
struct store_task_query *store_task_query_new(struct store *store,
                                              const struct store_task_filter *filter);
/* Returns 0 with the next row, 1 behind the last one, or an error. */
int store_task_query_next(struct store_task_query *query, const struct store_task **ret_task,
                          struct error *err);
/* Accepts NULL, returns NULL. */
struct store_task_query *store_task_query_free(struct store_task_query *query);

/* Nodes. The caller gives the numbers, from 0; no two that are not forgotten share a name. */
struct store_node {
    uint32_t node;
    const char *name;
    const char *serial; /* of its certificate */
    uint64_t machine;   /* fingerprint of the computer; 0: not known yet */
    double enrolled_at;
    bool forgotten;
    bool drained;   /* nothing new starts there */
    bool asleep;    /* it went to sleep, and has not come back */
    uint32_t wakes; /* tries to wake it since then */
    uint32_t cpus;  /* what it has, while it sleeps, as the next three */
    uint64_t memory;
    uint64_t disk;
    uint32_t gpus;
    uint64_t highest_epoch; /* that was ever given to it */
    double last_seen_at;
    const char *facts;      /* what it last said of itself, JSON; NULL if nothing yet */
    const char *attributes; /* likewise, in lines of text */
};

/* Makes or replaces the whole row. */
void store_save_node(struct store *store, const struct store_node *node);
/* Each of these changes a node that is there already. */
/* Saves machine, forgotten, drained, and what is known of its sleep. */
void store_save_node_state(struct store *store, const struct store_node *node);
void store_save_node_facts(struct store *store, uint32_t node, double last_seen_at,
                           const char *facts);
void store_save_node_attributes(struct store *store, uint32_t node, const char *attributes);

/* What was learned of its weeks, as the caller writes it; makes or replaces it. */
void store_save_node_history(struct store *store, uint32_t node, struct slice history);

typedef int store_node_callback(const struct store_node *node, void *userdata);
/* All, also forgotten ones, in order. */
int store_walk_nodes(struct store *store, store_node_callback *callback, void *userdata,
                     struct error *err);

typedef int store_history_callback(uint32_t node, struct slice history, void *userdata);
/* Those of nodes that are not forgotten, in order. */
int store_walk_node_histories(struct store *store, store_history_callback *callback, void *userdata,
                              struct error *err);

/* What a node gave to the pool on a day; or all nodes together, as STORE_NONE. */
struct store_usage {
    uint32_t day; /* since 1970 */
    uint32_t node;
    double lent;      /* seconds; all others are those of single CPUs */
    double computed;  /* that tasks ran */
    double suspended; /* that they held one and stood still */
    double wasted;    /* of the computed ones: attempts that gave no result */
    double flop;      /* what was computed, by the speed of the node */
};

/* Makes or replaces it. */
void store_save_usage(struct store *store, const struct store_usage *usage);
/* Forgets what was before that day. */
void store_forget_usage(struct store *store, uint32_t day);

typedef int store_usage_callback(const struct store_usage *usage, void *userdata);
/* From that day on: of all nodes, by day and number; or of all together alone. */
int store_walk_usage(struct store *store, uint32_t day, bool together,
                     store_usage_callback *callback, void *userdata, struct error *err);

/* Tokens. The secret itself is never stored. */
struct store_token {
    const char *id;
    const char *secret_hash; /* as sys/hash.h writes it */
    const char *kind;
    const char *user; /* NULL: not bound to one */
    double created_at;
    double expires_at;
    bool revoked;
    uint64_t uses;
};

void store_add_token(struct store *store, const struct store_token *token);
void store_revoke_token(struct store *store, const char *id);
void store_count_token_use(struct store *store, const char *id);

typedef int store_token_callback(const struct store_token *token, void *userdata);
/* In order of their creation. `secret_hash` NULL: all of them. */
int store_walk_tokens(struct store *store, const char *secret_hash, store_token_callback *callback,
                      void *userdata, struct error *err);

/* Content: which jobs need which input files. */
void store_add_content(struct store *store, const char *sha256, uint32_t job, uint64_t size);
/* Forgets all references to it. */
void store_forget_content(struct store *store, const char *sha256);

typedef int store_content_callback(const char *sha256, uint64_t size, void *userdata);
/* The contents that neither an image nor a job needs that is not over, and some job has needed. */
int store_walk_unneeded_contents(struct store *store, store_content_callback *callback,
                                 void *userdata, struct error *err);

/* The checkpoint of a task: one at most, and nothing of it once the task is over. */
struct store_checkpoint {
    uint32_t job;
    uint32_t task;
    uint64_t number;
    uint64_t epoch; /* of the attempt that made it */
    const char *kind;
};

struct store_checkpoint_file {
    uint32_t job;
    uint32_t task;
    uint32_t place; /* in the set */
    const char *kind;
    const char *name;
    uint64_t size;
    uint32_t mode;
    const char *sha256; /* "" of a folder */
};

/* Takes the place of the one before, without files yet. */
void store_save_checkpoint(struct store *store, const struct store_checkpoint *checkpoint);
void store_add_checkpoint_file(struct store *store, const struct store_checkpoint_file *file);
void store_remove_checkpoint(struct store *store, uint32_t job, uint32_t task);

typedef int store_checkpoint_callback(const struct store_checkpoint *checkpoint, void *userdata);
/* All that there are. */
int store_walk_checkpoints(struct store *store, store_checkpoint_callback *callback, void *userdata,
                           struct error *err);
typedef int store_checkpoint_file_callback(const struct store_checkpoint_file *file,
                                           void *userdata);
/* Of one task, in the order of the set. */
int store_walk_checkpoint_files(struct store *store, uint32_t job, uint32_t task,
                                store_checkpoint_file_callback *callback, void *userdata,
                                struct error *err);
/*
 * Where a content lies: in which checkpoint, at which place. Returns 1 if it is in none.
 */
int store_find_checkpoint_file(struct store *store, const char *sha256,
                               struct store_checkpoint *ret_checkpoint, uint32_t *ret_place,
                               struct error *err);

/* Images: each is made of contents, and kept by its names and by jobs. */
struct store_image {
    const char *sha256;
    const char *kind;
    uint64_t size;     /* bytes */
    const char *user;  /* whose room it takes */
    double added_at;   /* when it was first heard of */
    double kept_until; /* so long also without name and job */
    bool complete;     /* all its contents are here */
};

/* There is none yet. `contents` are all that it is made of; one that comes twice is kept once. */
void store_add_image(struct store *store, const struct store_image *image,
                     const char (*contents)[STORE_HASH_SIZE], size_t count);
/* Saves user, kept_until and complete of one that is there. */
void store_save_image(struct store *store, const struct store_image *image);
/* It has no name any more. */
void store_remove_image(struct store *store, const char *sha256);
/* The image does not keep this content any more. */
void store_remove_image_content(struct store *store, const char *sha256, const char *content);
/* The job keeps it until it is over. */
void store_add_image_job(struct store *store, const char *sha256, uint32_t job);

typedef int store_image_callback(const struct store_image *image, void *userdata);
/* By hash. `sha256` NULL: all of them. */
int store_walk_images(struct store *store, const char *sha256, store_image_callback *callback,
                      void *userdata, struct error *err);
/* Those that nothing keeps at that time. */
int store_walk_unneeded_images(struct store *store, double now, store_image_callback *callback,
                               void *userdata, struct error *err);
/* The first `limit` of the contents that this image alone keeps, with 0 as their size. */
int store_walk_image_contents(struct store *store, const char *sha256, uint32_t limit,
                              store_content_callback *callback, void *userdata, struct error *err);
/* Bytes of all images that take the user's room, but for one. */
int store_sum_images(struct store *store, const char *user, const char *but, uint64_t *ret_size,
                     struct error *err);

struct store_image_name {
    const char *name;
    const char *sha256; /* of the image */
    const char *user;   /* whose name it is */
    double named_at;
};

/* Makes or moves it. */
void store_save_image_name(struct store *store, const struct store_image_name *name);
void store_remove_image_name(struct store *store, const char *name);

typedef int store_image_name_callback(const struct store_image_name *name, void *userdata);
/* In order. `name` NULL: any; `sha256` NULL: of any image. */
int store_walk_image_names(struct store *store, const char *name, const char *sha256,
                           store_image_name_callback *callback, void *userdata, struct error *err);

/* Outputs that wait in the spool until somebody fetches them. */
struct store_output {
    uint32_t job;
    uint32_t task;
    uint32_t index;
    const char *name;
    uint64_t size;
    uint32_t mode;
    const char *kind; /* "file" or "folder" */
    const char *path; /* where it goes */
};

/* Replaces the one with the same index. */
void store_add_output(struct store *store, const struct store_output *output);
/* `task` may be STORE_NONE. */
void store_remove_outputs(struct store *store, uint32_t job, uint32_t task);

typedef int store_output_callback(const struct store_output *output, void *userdata);
int store_walk_outputs(struct store *store, uint32_t job, uint32_t task,
                       store_output_callback *callback, void *userdata, struct error *err);
