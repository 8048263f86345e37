/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of its keeper (keeper.h): requests go out, news come in, nothing blocks.
 *
 * Requests are gathered and leave with keeper_client_flush(), so many can travel in one write. The
 * agent watches keeper_client_descriptor() for reading always, and for writing as long as
 * keeper_client_wants_write() says so. A keeper that is gone has taken its tasks with it: reading
 * or flushing returns -ECONNRESET, every task that was not ENDED before is lost, and keeper_start()
 * makes a new one.
 *
 * Where systemd runs, a keeper gets a scope for itself (systemd.scope(5)): a group with controllers
 * that systemd leaves to it, and that stays when the agent's service is started again.
 *
 * One agent at a time: a new connection to the same keeper closes the older one. An agent that
 * restarts calls keeper_start() and asks for the list.
 */
#pragma once

#include "keeper_failure.h"
#include "keeper_message.h"

struct keeper_client;

struct keeper_options {
    const char *state_folder;  /* the agent's; the socket STATE/keeper.socket lies in it */
    const char *program;       /* NULL: this program itself, whose main() knows KEEPER_COMMAND */
    uint64_t abandon_after_ms; /* 0: 15 minutes; how long a keeper whose tasks have all lapsed
                                  waits for a word of an agent before it kills them and ends */
    bool avoids_groups;        /* hold tasks by their wardens even where groups work (tests) */
    bool gives_way;            /* tasks have the processors and the disk when nobody else does */
    const char *scope_program; /* NULL: systemd-run, where systemd runs; "": none; else that
                                  program in its place (tests) */
};

/*
 * Connects to the keeper that lives at this state folder, or starts one and connects; only one
 * agent may use a state folder at a time. Waits for the keeper's greeting. *ret_is_new says whether
 * the keeper was started (then it has no tasks). Returns -EPROTO if it speaks another version.
 */
int keeper_start(const struct keeper_options *options, struct keeper_client **ret_client,
                 bool *ret_is_new, struct error *err);

/* Disconnects; a keeper that has tasks goes on. Accepts NULL, returns NULL. */
struct keeper_client *keeper_client_free(struct keeper_client *client);

/* For poll(); stays the client's. */
int keeper_client_descriptor(const struct keeper_client *client);
bool keeper_client_wants_write(const struct keeper_client *client);
/* The keeper's process, for the log and for people. */
int keeper_client_pid(const struct keeper_client *client);
/* By what it holds its tasks; the client's. */
const struct keeper_means *keeper_client_means(const struct keeper_client *client);

/*
 * Gathers a request. Every one but DEADLINE, FORGET and ALIVE is answered by news: SPAWN by STARTED
 * or START_FAILED, FREEZE by FROZEN, THAW by THAWED, KILL and SIGNAL by EXITED if the task ends of
 * it; any may be answered by UNKNOWN. SPAWN returns -E2BIG if arguments and environment are too
 * long.
 */
int keeper_client_spawn(struct keeper_client *client, uint64_t key,
                        const struct keeper_spawn *spawn, struct error *err);
void keeper_client_signal(struct keeper_client *client, uint64_t key, int signal);
void keeper_client_freeze(struct keeper_client *client, uint64_t key);
/* Lets a frozen or lapsed task go on until the new deadline (CLOCK_BOOTTIME; 0: for ever). */
void keeper_client_thaw(struct keeper_client *client, uint64_t key, uint64_t deadline_boot_ms);
void keeper_client_kill(struct keeper_client *client, uint64_t key);
void keeper_client_set_deadline(struct keeper_client *client, uint64_t key,
                                uint64_t deadline_boot_ms);
/* Drops an ended task; a living one is killed and then dropped without further news. */
void keeper_client_forget(struct keeper_client *client, uint64_t key);
void keeper_client_ask_usage(struct keeper_client *client, uint64_t key);
void keeper_client_ask_list(struct keeper_client *client);
/* Answered by SAVED or SAVE_FAILED, or by EXITED alone; the task must be frozen and contained. */
void keeper_client_save(struct keeper_client *client, uint64_t key,
                        const struct keeper_checkpoint *checkpoint);
/*
 * To be said several times in abandon_after_ms: an agent that is connected and does not speak is no
 * better than none.
 */
void keeper_client_say_alive(struct keeper_client *client);

/* Sends what was gathered, as far as it can now. Returns 0 or -ECONNRESET. */
int keeper_client_flush(struct keeper_client *client, struct error *err);

/* The news and its texts are valid during the call only. It may gather requests, not free. */
typedef void keeper_news_function(void *context, const struct keeper_news *news);

/* Reads what is there and hands over each piece of news. Returns 0 or -ECONNRESET, -EBADMSG. */
int keeper_client_read(struct keeper_client *client, keeper_news_function *on_news, void *context,
                       struct error *err);

DEFINE_CLEANUP(struct keeper_client *, keeper_client_free);
