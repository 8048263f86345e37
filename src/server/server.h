/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around the pool's brain. What its files share stands here.
 *
 *     server_main.c  the command line, the configuration, start and end
 *     batch.c        the heart: events in, steps, ONE commit, and only then everything else
 *     restore.c      the brain and the records from the rows
 *     records.c      what the server knows of jobs and nodes and the brain does not
 *     matching.c     tasks and nodes to the classes that the brain knows them by
 *     order.c        a task's submit description -> the message that starts it on a node
 *     filling.c      what of that message depends on the node
 *     agents.c       the links to the agents: their messages to events, effects to messages
 *     attributes.c   what the nodes say of themselves, for matching
 *     free_time.c    how long nodes stay free, learned from what is seen
 *     waking.c       nodes that sleep: their cards, their hours, the magic packet
 *     usage.c        how much the nodes give, day by day
 *     streams.c      bytes over those links: contents out, outputs and tails in
 *     arrivals.c     files of an attempt on their way from its node
 *     collect.c      the outputs of an attempt that ended, to the spool and to their places
 *     checkpoint.c   what a task has saved: brought, kept, and given to its next attempt
 *     deliver.c      a child process per user that writes as him; deliver_main.c is that child
 *     user_log.c     the job event logs that submit files name
 *     content.c      the store of input files by hash
 *     images.c       the images that containers start from, made of contents
 *     room.c         what is done when the server's disk fills
 *     tokens.c       join tokens and enrolment
 *     api.c, api_*.c the requests of doc/specification/api.md; task_list.c the longest answer
 */
#pragma once

#include "core/history.h"
#include "core/match.h"
#include "core/pool.h"
#include "lang/job_ad.h"
#include "lang/submit.h"
#include "net/authority.h"
#include "net/listener.h"
#include "store/store.h"
#include "sys/hash.h"
#include "sys/interface.h"
#include "sys/platform.h"
#include "wire/image.h"
#include "wire/wire.h"

#include "base/map.h"

#include <jansson.h>
#include <sys/queue.h>
#include <uv.h>

struct server;
struct stream_in;
struct collect;
struct saving;
struct deliverer;

struct server_options {
    char *state_folder; /* owned; absolute */
    char *host;         /* owned; NULL: all addresses */
    uint16_t port;
    struct pool_options pool;
    char **admins; /* owned; names of users besides root and the server's own user */
    size_t admin_count;
    char **names; /* owned; more names of this computer, for its certificate */
    size_t name_count;
    uint64_t image_quota; /* of all images of one user, bytes */
};

/* settings.c */

/* 0, or CONFIGURATION_WAS_PRINTED or an error as configuration_read() has them. */
int server_options_read(struct server_options *options, int argc, char **argv, struct error *err);
void server_options_add_name(struct server_options *options, const char *name);
void server_options_deinit(struct server_options *options);

/* records.c */

/* A request that is answered when a job changes or is over, or at its timeout. */
struct waiter {
    struct request *request;
    struct server *server;
    uint32_t job;
    uint32_t task;        /* NONE: the whole job */
    uint64_t version;     /* answered when the job's differs; 0: only when it is over */
    uint64_t earliest_ms; /* before this only what is over is news */
    uint64_t deadline_ms; /* UINT64_MAX: none */
    uv_timer_t timer;     /* for whichever of the two comes first */
    struct waiter *next;
};

enum job_log { JOB_LOG_UNKNOWN, JOB_LOG_NONE, JOB_LOG_THERE };

struct job_record {
    struct store_job row; /* its texts are owned */
    uint32_t *part_next;  /* owned */
    uint32_t part_count;
    bool in_brain;
    uint64_t version; /* grows with every change that is visible */
    struct waiter *waiters;
    struct submit *submit; /* NULL unless it is in the cache of parsed ones */
    json_t *files;         /* likewise */
    size_t parsed_size;    /* of the texts that these two were made from, bytes */
    TAILQ_ENTRY(job_record) of_parsed;
    enum job_log log;
};

/* What is known of an attempt that ended, until its claim does. */
struct ended_attempt {
    uint64_t epoch;
    struct wire_result result;
};

/* What a node, or all of them, gave on a day that is not over. */
struct usage {
    struct store_usage row;
    bool unsaved;
    double saved_at;
    double counted_at; /* until when; 0: it is not connected */
    bool lent;         /* since then */
    bool lent_next;    /* as the report says that is to be counted next */
};

/* The set of a checkpoint that a node has, until it is stored or its claim ends. */
struct reported_checkpoint {
    uint64_t epoch;
    struct wire_checkpoint checkpoint;
};

struct node_record {
    uint32_t number;
    char *name; /* owned */
    char *serial;
    uint64_t machine;
    double enrolled_at;
    double last_seen_at;
    bool forgotten;
    bool drained;
    bool asleep;
    bool woken;              /* it was asked to wake, since it was last here */
    struct interface card;   /* by which it is woken; all 0: none */
    json_t *facts;           /* NULL before the first hello */
    char *attributes;        /* owned: lines as wire/attributes.h has them; NULL likewise */
    bool attributes_unsaved; /* the store has older ones */
    struct history *history; /* owned; NULL: nothing was seen */
    struct wire_owner owner; /* as its last report says, if it has a link */
    double owner_told_at;
    double free_since;     /* 0: it is not */
    double free_counted;   /* until when that is in its history */
    bool free_is_restored; /* from the store, and it has not said hello since */
    bool history_unsaved;
    struct usage usage;
    uint32_t node_class; /* as the brain was told, as is the stay */
    uint8_t stay;
    double stay_at;     /* when that was worked out; 0: it is to be, at the next report */
    bool is_classified; /* by its attributes as they are, and by the names that count now */
    struct agent_link *link;
    uint64_t session;
};

struct records {
    struct map job_index; /* number -> index in jobs */
    struct job_record **jobs;
    size_t job_count, job_capacity;
    struct node_record *nodes; /* by number */
    size_t node_count, node_capacity;
    struct string_map node_by_name; /* of those that are not forgotten */
    struct map ended;               /* job << 32 | task -> struct ended_attempt * */
    struct map checkpoints;         /* job << 32 | task -> struct reported_checkpoint * */
    TAILQ_HEAD(parsed_jobs, job_record) parsed; /* used longest ago first */
    size_t parsed_count, parsed_size;
};

void records_init(struct records *records);

void records_deinit(struct records *records);
/* NULL if the server does not hold it: it is over, or never was. */
struct job_record *records_find_job(struct records *records, uint32_t number);
/* Copies the row's texts. */
struct job_record *records_add_job(struct records *records, const struct store_job *row,
                                   const struct store_part *parts, size_t part_count);
void records_drop_job(struct records *records, struct job_record *job);
/*
 * Puts a parsed description, made from texts of so many bytes, into the cache and takes both over;
 * what was used longest ago makes room.
 */
void records_keep_submit(struct records *records, struct job_record *job, struct submit *submit,
                         json_t *files, size_t size);
/* The job's submit description, parsed once and kept for a while; files may be NULL. */
int records_load_submit(struct server *server, struct job_record *job, struct error *err);
struct node_record *records_find_node(struct records *records, const char *name);
struct node_record *records_add_node(struct records *records, const struct store_node *row);
/* Takes the result over. */
void records_keep_ended(struct records *records, uint32_t job, uint32_t task, uint64_t epoch,
                        struct wire_result *result);
struct ended_attempt *records_find_ended(struct records *records, uint32_t job, uint32_t task);
void records_drop_ended(struct records *records, uint32_t job, uint32_t task);
/* Likewise of a checkpoint; one of this epoch and number that is there stays. */
void records_keep_checkpoint(struct records *records, uint32_t job, uint32_t task, uint64_t epoch,
                             struct wire_checkpoint *checkpoint);
struct reported_checkpoint *records_find_checkpoint(struct records *records, uint32_t job,
                                                    uint32_t task);
void records_drop_checkpoint(struct records *records, uint32_t job, uint32_t task);

/* batch.c */

/* Who waits for a POOL_REPLY, and what to do with it. */
struct caller {
    void (*on_reply)(struct server *server, struct caller *caller, enum pool_reply reply,
                     uint32_t count);
    struct request *request; /* NULL if it went away */
    uint32_t job;
    uint64_t session;
};

/* What the store must learn in the same transaction, besides the brain's effects. */
struct rider {
    void (*write)(struct server *server, void *userdata);
    void (*release)(void *userdata);
    void *userdata;
};

struct queued_event {
    struct pool_event event;
    void *owned; /* what the event points to; freed after its step */
    struct rider rider;
    char *reason; /* owned; what the user says to a choice of his, or NULL */
};

/* A choice in the current batch, and which of the effects are its. */
struct said {
    size_t first, end;
    bool about_job; /* and not about one task */
    char *reason;   /* owned; the whole sentence for the job; NULL after a release */
    char *detail;   /* owned; the user's own words, or NULL */
};

struct batch {
    struct queued_event *events;
    size_t length, capacity;
    struct pool_effects effects;
    struct said *said;
    size_t said_count, said_capacity;
    uint64_t last_caller;
    struct map callers; /* number -> struct caller * */
    uv_prepare_t prepare;
    uv_idle_t idle;   /* active while there is work, so that the loop does not sleep */
    uv_timer_t timer; /* for pool_next_step_ms() */
    uint64_t results;
};

/* room.c */

struct room {
    bool scarce; /* only what runs already may still grow */
    bool still;  /* nothing is stored: no batch runs */
    uint64_t still_since_ms;
    uint64_t lost_ms; /* that the pool's clock stood still before */
};

/* What a job's event log will say once it is true (user_log.c). */
struct log_line {
    uint32_t job, task;
    char *text; /* owned */
    struct log_line *next;
};

struct server {
    struct server_options options;
    uv_loop_t loop;
    uv_signal_t signals[2];
    bool stopping;
    double started_at;
    struct store *store;
    struct pool *pool;
    struct authority *authority;
    struct listener *listener;
    struct records records;
    struct batch batch;
    struct room room;
    struct map links_by_session;       /* session -> struct agent_link * */
    struct agent_link *links_to_flush; /* that have something to say */
    struct map streams_in;             /* number -> struct stream_in * */
    uint64_t last_stream;
    uint64_t last_session;
    struct collect *collects;
    struct map collect_by_task; /* job << 32 | task -> struct collect *, of those not over */
    struct saving *savings;
    struct map saving_by_task; /* likewise -> struct saving *, of those not over */
    struct deliverer *deliverers;
    struct log_line *log_first, *log_last;
    uint32_t next_job;
    struct submit_task task; /* reused by every expansion */
    struct matchmaker *matchmaker;
    struct job_ad job_ad; /* reused likewise */
    struct platform platform;
    bool nodes_are_outdated;    /* see matching_classify_nodes() */
    bool matching_is_due;       /* see matching_go_on() */
    size_t jobs_outdated;       /* the first so many are to be classified again */
    bool all_jobs_are_outdated; /* of these; else those of users for whom nodes are kept */
    uint32_t batches_untidy;
    struct usage usage;      /* of all nodes */
    struct map computed;     /* job << 32 | task -> by its attempt, core-milliseconds */
    struct map segments;     /* network and prefix -> number of the segment */
    int64_t hours_looked_at; /* the local minute in which the hours of those who sleep were last */
    double looked_at;        /* when requirements were last evaluated for the time of day */
    uv_timer_t image_timer;  /* for images that nothing needs any more */
};

void batch_init(struct server *server);
/* No batch runs any more, whatever is queued. */
void batch_stop(struct server *server);
void batch_deinit(struct server *server);
/* Queues the event for the next batch; takes `owned` (may be NULL) over. */
void batch_push(struct server *server, const struct pool_event *event, void *owned);
void batch_push_with(struct server *server, const struct pool_event *event, void *owned,
                     const struct rider *rider);
/* A POOL_REMOVE, POOL_HOLD or POOL_RELEASE with the user's reason, which may be NULL. */
void batch_push_choice(struct server *server, const struct pool_event *event, const char *reason);
/* The caller's number for an event; the struct is copied and lives until its reply. */
uint64_t batch_add_caller(struct server *server, const struct caller *caller);
/* The request went away: nobody is answered. */
void batch_forget_request(struct server *server, struct request *request);

/* Commits what was written, in a batch or outside of one. Does not return if that fails. */
void batch_commit(struct server *server);

/* Finds out how full the disk of the state folder is; costs a system call. */
void room_look(struct server *server);
/* The time for the brain: that of clock_boot_ms(), without the time in which nothing was stored. */
uint64_t room_clock_ms(const struct server *server);
/* -ENOSPC if `size` more bytes in this file would take from what is kept for the pool itself. */
int room_check_write(int fd, uint64_t size);
/* Answers that there is no room. */
void room_refuse(struct request *request);

/* restore.c: 0 or an error after which the server must not start. */
int server_restore(struct server *server, struct error *err);

/* order.c: fills what the description says; the claim's fields are the caller's. */
int order_fill(struct server *server, struct job_record *job, uint32_t task,
               const struct node_record *node, struct wire_start *start, struct error *err);
/* filling.c: what the task's texts say of its node, and what the node is told of the task's
 * attributes; server->task is that task. */
int filling_fill(struct server *server, const struct job_record *job,
                 const struct node_record *node, struct wire_start *start, struct error *err);
/*
 * Where an output goes, absolute; NULL if it stays away (a stdout that nobody asked for). If the
 * node has a say in it, *ret_within is the folder that it must not leave, else NULL. Both are the
 * caller's.
 */
char *order_output_path(const struct job_record *job, const struct submit_task *task,
                        const struct wire_output *output, char **ret_within);
/* Whether the submit file asked for it; without transfer_output_files it asked for everything. */
bool order_wants_output(const struct submit_task *task, const struct wire_output *output);
/* The job's folder with the task's initialdir. */
char *order_folder(const struct job_record *job, const struct submit_task *task);

/* agents.c */

/* A stream that this server sends: an input's content. */
struct stream_out {
    uint64_t number;
    int fd;
    uint64_t left;
    struct stream_out *next;
};

struct agent_link {
    struct link *link;
    struct server *server;
    uint32_t node;
    uint64_t session;  /* 0 until its hello was accepted */
    uint64_t asked_ms; /* when its life was doubted last, because of another hello; 0: never */
    struct attributes attributes; /* what its hello told, until that is accepted */
    struct wire_batch outgoing;
    struct stream_out *streams_out;
    bool to_flush;
    struct agent_link *next_to_flush;
};

extern const struct link_handlers agents_handlers;
void agents_perform(struct server *server, const struct pool_effect *effect);
/* Sends what was gathered, for all links. */
void agents_flush(struct server *server);
struct agent_link *agents_find(struct server *server, uint32_t node, uint64_t session);
void agents_append(struct agent_link *link, const struct wire_message *message);
void agents_close(struct server *server, uint32_t node, const char *reason);

/* attributes.c */

/*
 * The node's attributes are now these. The one place that changes them while the server runs; at
 * its start they come from the node's row (records_add_node()).
 */
void attributes_hear(struct node_record *node, const struct attributes *attributes);
/* What has changed of them. -E2BIG if they get too many or too large; then nothing changes. */
int attributes_hear_changes(struct node_record *node, const struct attributes *changes,
                            struct error *err);
/* Writes them, if the store does not have them; in a batch. */
void attributes_save(struct server *server, struct node_record *node);
/* The names with their expressions as texts, and what the server itself knows; the caller's. */
json_t *attributes_object(const struct node_record *node, const char *state, const char *activity);

/* matching.c */

/* Behind the pool, which it speaks to. */
void matching_init(struct server *server);
void matching_deinit(struct server *server);
/* Tells the brain if the node's attributes, or its prospects, make it another one than before. */
void matching_classify_node(struct server *server, struct node_record *node);
/*
 * Classifies all nodes anew if tasks came that look at attributes which told no nodes apart before.
 * Nodes that are away are looked at when they come back.
 */
void matching_classify_nodes(struct server *server);
/* The class that no node suits. Returns 0, -E2BIG or -ENOMEM. */
int matching_classify_nowhere(struct server *server, uint32_t *ret_job_class);
/* The ad of server->task, which submit_expand() has made of this submit; see job_ad.h. */
const struct job_ad *matching_describe_task(struct server *server, const struct submit *submit,
                                            const char *user, const char *folder);
/*
 * The class of server->task, which submit_expand() has made of this submit. Behind all tasks of the
 * submit, matching_classify_nodes() is called.
 */
int matching_classify_task(struct server *server, const struct submit *submit, const char *user,
                           const char *folder, uint32_t *ret_job_class, struct error *err);
/* Whether other tasks of its part may be of another class. */
bool matching_varies(const struct server *server, uint32_t job_class);
/*
 * Before a batch: what is queued is told apart as nodes ask for it now, and new classes find what
 * suits them, as far as a turn of the loop has time.
 */
void matching_go_on(struct server *server);
/* After a batch, and after a job that came to nothing. */
void matching_tidy(struct server *server);
/* Whether nodes of the class are kept for somebody, or have a START that looks at tasks. */
bool matching_is_choosy(const struct server *server, uint32_t node_class);
/* "only alice's tasks: its owner said so", or the START that is to be true of tasks. */
void matching_append_choice(const struct server *server, struct buffer *text, uint32_t node_class);
/* The name of a connected node of the class; NULL if there is none. */
const char *matching_example(const struct server *server, uint32_t node_class);
/* What of a class' requirements rules out how many of the connected nodes. */
void matching_analyze(struct server *server, uint32_t job_class,
                      struct match_analysis *ret_analysis);

/* free_time.c; times are seconds since 1970 */

/* What a report says: free is who is neither used by its owner nor leaving. Of one who has just
 * become so, the prospects are to be told again. */
void free_time_hear(struct node_record *node, bool is_free, double now);
/* It says hello: whether it was away, last_seen_at still tells. */
void free_time_come_back(struct node_record *node, double lease, double now);
/* How long it will stay free from now on, most likely; false if it is not free. */
bool free_time_expect(const struct node_record *node, double now, uint64_t *ret_seconds);
/* Writes what was learned, if the store does not have it; in a batch. */
void free_time_save(struct server *server, struct node_record *node);
/* At the start: what the store has. */
void free_time_load(struct node_record *node, struct slice bytes);

/* waking.c */

/* With the pool, before its nodes are looked at. */
void waking_init(struct server *server);
/* Tells the brain where the node can be woken, by its attributes. */
void waking_look_at_node(struct server *server, struct node_record *node);
/* It has just gone to sleep. */
void waking_fell_asleep(struct server *server, struct node_record *node);
/* Now and then: who shall sleep on, because it is his working hours. */
void waking_look_at_hours(struct server *server);
void waking_perform(struct server *server, const struct pool_effect *effect);
/* Since when it sleeps, and whether it wakes. */
void waking_append_reason(const struct server *server, struct buffer *text,
                          const struct node_record *node);

/* usage.c */

enum { USAGE_DAYS_MAX = 400 /* kept */ };

/* Since 1970, of this server's local time. */
uint32_t usage_day(double at);
/* Counts the time since the last call, by what the brain knew in it; in a batch. */
void usage_count(struct server *server, struct node_record *node);
/* What the task has computed so far is saved. */
void usage_note_saved(struct server *server, uint32_t job, uint32_t task);
/* A task moved: what it computed may have been in vain; in a batch. */
void usage_note(struct server *server, const struct pool_effect *trace);
void usage_add(struct store_usage *sum, const struct store_usage *more);
/* At the end: writes what is not written yet. */
void usage_save_all(struct server *server);
/* At the start: what today's rows say. */
int usage_restore(struct server *server, struct error *err);

/* owners.c */

/* Takes over what a report says of the node's owner. */
void owners_hear(struct node_record *node, struct wire_owner *owner, double now);
/* "19:00", or "Mon 07:00" if that is not soon; the server's time, as all that it shows. */
void owners_append_time(struct buffer *text, double at);
/* Why the node is not lent; nothing if it is. */
void owners_append_reason(const struct server *server, struct buffer *text,
                          const struct node_record *node);
/* Who watches there: a list; the caller's. */
json_t *owners_presence(const struct node_record *node);
/* "somebody uses it (12), it is working hours there (2, until 19:00)": of connected nodes. */
void owners_append_reasons(struct buffer *text, const struct server *server);

/* streams.c */

/* A stream that this server asked for. `on_end` comes exactly once and ends it. */
struct stream_in {
    uint64_t number;
    struct agent_link *link;
    void (*on_piece)(struct stream_in *stream, struct slice bytes);
    void (*on_end)(struct stream_in *stream, enum reason failure, const char *detail);
    void *userdata;
};

struct stream_in *streams_ask(struct agent_link *link, struct wire_want *want,
                              const struct stream_in *handlers);
/* The asker wants no more; no call follows. */
void streams_cancel(struct stream_in *stream);
void streams_piece(struct agent_link *link, const void *data, size_t length);
void streams_ended(struct agent_link *link, const struct wire_end *end);
/* The link is gone: all that came over it breaks off. */
void streams_break(struct agent_link *link);
/* An agent asks for a content. */
void streams_serve(struct agent_link *link, const struct wire_want *want);
void streams_cancel_out(struct agent_link *link, uint64_t number);
/* Goes on sending as far as the link's queue allows. */
void streams_pump(struct agent_link *link);

/* arrivals.c */
struct arrivals_plan {
    struct agent_link *link;
    struct wire_want want; /* of the files of the list, all but its `output` */
    uint32_t reader;       /* who may read them besides; STORE_NONE: nobody */
    bool is_kept;          /* each is hashed, and on the disk when it is here */
    /* Called once, unless it is stopped before; may be called by arrivals_go_on(). */
    void (*on_done)(void *userdata, enum reason failure, const char *detail);
    void *userdata;
};

struct arrivals {
    struct arrivals_plan plan;
    char *folder;                /* owned; each file is in it, named by its place in the list */
    struct arrivals_file *files; /* owned */
    uint32_t count, next;
    struct arriving *first;
};

void arrivals_init(struct arrivals *arrivals, const struct arrivals_plan *plan, const char *folder,
                   const struct wire_output *files, size_t count);
/* Forgets what is on its way; accepts one that was never initialised, but zeroed. */
void arrivals_deinit(struct arrivals *arrivals);
/* Begins, and goes on. */
void arrivals_go_on(struct arrivals *arrivals);
/* Asks for no more of it. */
void arrivals_stop(struct arrivals *arrivals);
/* The caller's. */
char *arrivals_path(const char *folder, uint32_t place);
/* Of a file that is kept and here; "" of a folder. */
const char *arrivals_sha256(const struct arrivals *arrivals, uint32_t place);
/* What an errno value means that the disk of the server has given. */
enum reason arrivals_failure_of(int code);

/* checkpoint.c */
/* A POOL_COLLECT_CHECKPOINT, or a POOL_CHECKPOINTED. */
void checkpoint_collect(struct server *server, const struct pool_effect *effect);
void checkpoint_recorded(struct server *server, const struct pool_effect *effect);
/* The claim of the task has ended: nobody waits for what is on its way. */
void checkpoint_give_up(struct server *server, uint32_t job, uint32_t task);
void checkpoint_break(struct server *server, struct agent_link *link);
/* The task is over: its rows, in a batch; and then its files. */
void checkpoint_forget(struct server *server, uint32_t job, uint32_t task);
void checkpoint_remove(struct server *server, uint32_t job, uint32_t task);
/* Adds the files of the checkpoint from which the start begins to its inputs. */
int checkpoint_fill(struct server *server, struct wire_start *start, struct error *err);
/* Where a content lies, if it is in a checkpoint; NULL: in none. The caller's. */
char *checkpoint_find_content(struct server *server, const char *sha256);
/* At the start: removes what no row speaks of. */
int checkpoint_sweep(struct server *server, struct error *err);
void checkpoint_deinit(struct server *server);

/* collect.c */
void collect_begin(struct server *server, const struct pool_effect *effect);
void collect_break(struct server *server, struct agent_link *link);
/* The task's claim has ended otherwise: nobody waits for its outputs any more. */
void collect_give_up(struct server *server, uint32_t job, uint32_t task);
void collect_deinit(struct server *server);
/* Removes what lies in the spool of a task that nobody waits for. */
void collect_drop_spool(struct server *server, uint32_t job, uint32_t task);
/* The folder in which the outputs of a task wait. */
char *collect_spool_folder(const struct server *server, uint32_t job, uint32_t task);

/* deliver.c */
struct delivery {
    json_t *request; /* {"files": [{"from", "to", "mode", "kind"}]} */
    void (*on_done)(struct server *server, void *userdata, int code, const char *detail);
    void *userdata;
    uint64_t number;
    struct delivery *next;
};

/* Takes the delivery over; on_done comes later, or never if the server ends before. */
void deliver_as(struct server *server, uint32_t uid, uint32_t gid, struct delivery *delivery);
void deliver_deinit(struct server *server);

/*
 * user_log.c: notes a move before its commit, and writes all that was noted after it. `said` is
 * what a user gave as the reason, or NULL.
 */
void user_log_note(struct server *server, const struct pool_effect *effect, const char *said);
/* And a checkpoint (POOL_CHECKPOINTED). */
void user_log_note_checkpoint(struct server *server, const struct pool_effect *effect);
void user_log_flush(struct server *server);

/* content.c */
char *content_path(const struct server *server, const char *sha256);
bool content_is_here(const struct server *server, const char *sha256);
/* Puts bytes with this hash there, unless they are; they survive a power cut. */
int content_put(struct server *server, const char *sha256, struct slice bytes, struct error *err);
/* Removes the contents that no job needs any more. */
void content_sweep(struct server *server);

/* images.c */

struct image_found {
    char sha256[HASH_TEXT_SIZE];
    enum image_kind kind;
    uint64_t size;
    char *user; /* owned: whose room it takes */
    double added_at;
    double kept_until; /* so long also without name and job */
    bool complete;
};

void image_found_deinit(struct image_found *found);
/* With its timer; behind the store. */
void images_init(struct server *server);
/* An image may be needed no more. */
void images_sweep_soon(struct server *server);
/* Return 1 if there is none of that hash, or of that name or hash. */
int images_find_hash(struct server *server, const char *sha256, struct image_found *ret_found,
                     struct error *err);
int images_find(struct server *server, const char *text, struct image_found *ret_found,
                struct error *err);
/* Writes user, kept_until and complete; in a batch. */
void images_save(struct server *server, const struct image_found *image);
/*
 * The image is about to lose this name: who names it now is charged for it, and without any name it
 * goes when no job needs it. In a batch.
 */
void images_lose_name(struct server *server, const char *sha256, const char *name);
/* What the submit description calls the task's image; NULL if it runs in none. */
const char *images_of_task(const struct submit_task *task);
/* Takes out of the files of a job what looks like such a note: they are the submitter's word. */
void images_forget(json_t *files);
/*
 * Notes among the files of a job which image a text of its description means: that with this hash,
 * or with NULL the one that is called so now. -ENOENT if there is none, or not all of it.
 */
int images_resolve(struct server *server, json_t *files, const char *text, const char *sha256,
                   struct error *err);
/* The job keeps the images that were noted; in a batch. */
void images_write_job(struct server *server, const json_t *files, uint32_t job);
/* What was noted, for the message that starts a task; -ENOENT if nothing was. */
int images_fill(const json_t *files, const char *text, struct wire_image *ret_image,
                struct error *err);

/* tokens.c */
void tokens_create(struct server *server, struct request *request, const json_t *body);
void tokens_list(struct server *server, struct request *request);
void tokens_revoke(struct server *server, struct request *request, const char *id);
void tokens_enrol(struct server *server, struct request *request, const json_t *body);

/* api.c and its topics */
extern const struct listener_handlers api_handlers;

/* Who asks, as far as the API cares. */
struct api_user {
    char *name; /* owned */
    bool known;
    bool admin;
    uint32_t uid; /* STORE_NONE unless on the socket */
    uint32_t gid;
};

/* What hangs on a request of this server. */
struct api_call {
    struct server *server;
    struct api_user user;
    struct upload *upload;      /* of a content that streams in */
    struct waiter *waiter;      /* of a long poll */
    struct stream_in *tail;     /* of a tail; NULL while the reader is behind, and at its end */
    struct wire_want tail_want; /* its offset: what has come so far is not asked for again */
    uint32_t tail_node;
    uint64_t tail_session;
    struct buffer tail_bytes;
    bool tail_ended;
};

void api_reply_json(struct request *request, unsigned int status, json_t *object);
void api_reply_error(struct request *request, unsigned int status, const char *hint,
                     const char *format, ...) _printf_(4, 5);
struct api_call *api_call_of(struct request *request);
/* The number of the query parameter; *ret stays if it is not there. False after a refusal. */
bool api_parameter(struct request *request, const char *name, uint32_t *ret);
/* The reason of a task that has not started, which is its job's; stays the job's. */
const char *api_unstarted_reason(const struct job_record *job, const struct pool_task_row *row);
/* What people read as the reason: the clause of the stored word, and what came with it. */
void api_append_reason(struct buffer *text, const char *word, const char *detail);

void api_jobs_submit(struct server *server, struct request *request, const json_t *body);
void api_jobs_list(struct server *server, struct request *request);
void api_jobs_wait(struct server *server, struct request *request, uint32_t job);
void api_jobs_choose(struct server *server, struct request *request, uint32_t job, const char *verb,
                     const json_t *body);
void api_jobs_why(struct server *server, struct request *request, uint32_t job);
void api_jobs_outputs(struct server *server, struct request *request, uint32_t job);
void api_jobs_fetched(struct server *server, struct request *request, uint32_t job,
                      const json_t *body);
void api_task_output(struct server *server, struct request *request, uint32_t job, uint32_t task,
                     uint32_t index);
void api_task_tail(struct server *server, struct request *request, uint32_t job, uint32_t task);
void api_tasks_list(struct server *server, struct request *request);
void api_nodes_list(struct server *server, struct request *request, const char *name);
void api_nodes_drain(struct server *server, struct request *request, const char *name,
                     const char *verb, const json_t *body);
void api_nodes_wake(struct server *server, struct request *request, const char *name);
void api_nodes_forget(struct server *server, struct request *request, const char *name);
void api_pool(struct server *server, struct request *request);
void api_images_add(struct server *server, struct request *request, const json_t *body);
void api_images_list(struct server *server, struct request *request);
/* By name or hash. */
void api_images_show(struct server *server, struct request *request, const char *text);
void api_images_remove(struct server *server, struct request *request, const char *name);
void api_stats(struct server *server, struct request *request);
void api_metrics(struct server *server, struct request *request);
struct body_plan api_content_begin(struct server *server, struct request *request);
void api_content_body(struct request *request, struct slice piece);
void api_content_finish(struct request *request);
void api_content_abandon(struct api_call *call);
void api_content_missing(struct server *server, struct request *request, const json_t *body);
/* Answers those who wait for the job, if it changed enough for them. */
void api_wake_waiters(struct server *server, struct job_record *job);
void api_drop_waiter(struct waiter *waiter);
/* Answers all who wait for anything: the server is ending. */
void api_dismiss_waiters(struct server *server);
/* The open or recorded job as the API shows it; NULL if there is none. */
json_t *api_job_object(struct server *server, uint32_t job);
/* Whether the caller may change the job; answers the request if not. */
bool api_may_change(struct server *server, struct request *request, uint32_t job);
