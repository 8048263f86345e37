/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the simulator share: the world's state and its one queue of things to come.
 *
 *     world.c    time, the queue, the trace
 *     server.c   the server around the pool's brain: inbox, batch, commit, crash, restart
 *     computer.c one PC: its agent's brain, its keeper with processes, its power, its owner
 *     network.c  messages between them
 *     faults.c   what goes wrong and when; users
 *     check.c    what must always be true
 */
#pragma once

#include "sim/sim.h"

#include "core/agent.h"
#include "core/pool.h"

#include "base/digest.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/random.h"

enum {
    LEASE_MS = 30000,
    MARGIN_MS = 3000,
    HEARTBEAT_MS = 10000,
    SILENCE_MS = 3 * HEARTBEAT_MS, /* after which either side gives a connection up */
    GRACE_MS = 10000,
    SUSPEND_FOR_MS = 120000,
    KEEP_LAPSED_MS = 3600000,
    DRIFT_PARTS = 5000, /* clocks run up to half a percent fast or slow */
    SERVER = UINT32_MAX
};

/* Things to come. Those of a computer die with its agent or its power, by their incarnation. */
enum happening_kind {
    HAPPEN_SERVER_LOOP,
    HAPPEN_SERVER_TICK,
    HAPPEN_SERVER_RESTART,
    HAPPEN_MESSAGE,
    HAPPEN_COLLECTED,
    HAPPEN_AGENT_TICK,
    HAPPEN_AGENT_RESTART,
    HAPPEN_DIAL,
    HAPPEN_FETCHED,
    HAPPEN_STARTED,
    HAPPEN_PROCESS_ENDS,
    HAPPEN_PROCESS_DIES,
    HAPPEN_DEADLINE,
    HAPPEN_OUTPUTS_LISTED,
    HAPPEN_POWER_ON,
    HAPPEN_RESUME,
    HAPPEN_OWNER,
    HAPPEN_HEAL,
    HAPPEN_FAULT,
    HAPPEN_USER
};

struct message;

struct happening {
    enum happening_kind kind;
    uint32_t computer;
    uint32_t incarnation;
    uint64_t epoch;
    uint64_t number; /* session, or a process's run */
    struct message *message;
    uint32_t next_free;
};

enum message_kind {
    MESSAGE_HELLO,
    MESSAGE_REPORT,
    MESSAGE_WELCOME,
    MESSAGE_REFUSED,
    MESSAGE_SEND /* one POOL_SEND_* */
};

struct message {
    enum message_kind kind;
    uint32_t computer;
    uint64_t session;
    uint64_t machine;          /* of a hello */
    bool from_clone;           /* nobody answers it but the server's refusal */
    struct resources capacity; /* of a hello */
    struct pool_report report; /* its items are owned by the message */
    struct pool_report_item *items;
    struct pool_effect effect; /* of a send */
};

/* The disk of the server: what was committed. */
struct disk {
    uint64_t epoch;
    struct pool_job_row *jobs; /* by number - 1 */
    struct pool_part *parts;   /* one part a job here */
    size_t job_count, job_capacity, part_capacity;
    struct map task_rows; /* job << 32 | task -> index in rows */
    struct pool_task_row *rows;
    size_t row_count, row_capacity;
    struct pool_node_row *nodes; /* by number; machine 0: never saved */
};

enum process_state { PROCESS_STARTING, PROCESS_RUNNING, PROCESS_FROZEN, PROCESS_EXITED };

/* One process of a keeper. */
struct process {
    uint64_t epoch;
    uint32_t job, task, attempt;
    struct resources request;
    enum process_state state;
    bool ending;          /* somebody has told it to stop */
    uint64_t left_ms;     /* of its computing, at `since_ms` */
    uint64_t since_ms;    /* when it last went on, in world time */
    uint64_t deadline_ms; /* of its lease, on the computer's clock */
    uint64_t run;         /* grows with each freeze and thaw, so that older ends are void */
};

enum power { POWER_ON, POWER_OFF, POWER_SUSPENDED };

struct computer {
    struct agent *agent; /* NULL while the agent's process is dead */
    uint32_t incarnation;
    uint32_t cpus;
    enum power power;
    uint64_t machine;
    int64_t drift;        /* parts in a million */
    uint64_t boot_ms;     /* world time at which its clock was 0 */
    uint64_t saved_epoch; /* the file that survives everything */
    uint64_t session;     /* that it believes in; 0: none */
    uint64_t dialled;     /* the session it has asked for */
    uint64_t heard_ms;    /* from the server, world time */
    uint64_t tick_at_ms;  /* its next scheduled tick, world time */
    bool cut_in, cut_out; /* what the network does to it */
    bool owner_present;
    uint64_t owner_since_ms;
    struct process *processes; /* owned */
    size_t process_count, process_capacity;
};

struct sim_server {
    struct pool *pool; /* NULL while it is down */
    struct disk disk;
    struct pool_event *inbox; /* their report items are owned by inbox_messages */
    struct message **inbox_messages;
    size_t inbox_length, inbox_capacity, inbox_messages_capacity;
    bool loop_due;
    uint32_t incarnation;
    uint64_t tick_at_ms;
    struct pool_effects effects;
    uint64_t *sessions; /* of each node; 0: none */
    uint64_t *heard_ms;
    uint32_t jobs_acknowledged;
    uint32_t submit_waiting; /* the job whose submit has no answer yet; 0: none */
    struct pool_part submit_part;
    uint64_t silence_at_ms;   /* when the nodes' silence is looked at next */
    uint64_t expected_digest; /* of the brain before the crash, if all of it was committed; or 0 */
};

struct world {
    struct sim_options options;
    struct sim_result result;
    struct random random;
    uint64_t now_ms;
    bool faults_over;
    struct heap queue;
    struct happening *happenings;
    size_t happening_count, happening_capacity;
    uint32_t free_happening;
    struct digest digest;
    uint64_t last_session;
    struct sim_server server;
    struct computer *computers;
    struct agent_effects agent_effects;
    struct agent_report_item *items; /* room for one report */
    struct map running;              /* job << 32 | task -> computer plus one that runs it now */
    struct map finished;             /* epochs of attempts that ran to their end */
    uint32_t tasks_submitted;
};

enum { ATTEMPTS_MAX = 64, NUMBER_BITS = 20 /* of a session, whose rest is a counter */ };

/* world.c */
void world_init(struct world *world, const struct sim_options *options);
void world_deinit(struct world *world);
void world_schedule(struct world *world, uint64_t at_ms, struct happening happening);
/* Lets the next thing happen; false if nothing is to come. */
bool world_advance(struct world *world, uint64_t until_ms);
/* A line of the trace, which is also what the digest is made of. */
void world_trace(struct world *world, const char *format, ...) _printf_(2, 3);
_noreturn_ void world_fail(const struct world *world, const char *format, ...) _printf_(2, 3);
/* How often a fault with `parts` in a million happens with this seed's share of faults. */
bool world_fault(struct world *world, uint32_t parts);
uint64_t world_delay(struct world *world, uint64_t low_ms, uint64_t high_ms);

/* server.c */
void server_init(struct world *world);
void server_deinit(struct world *world);
void server_receive(struct world *world, const struct pool_event *event, struct message *message);
void server_loop(struct world *world);
void server_tick(struct world *world);
/* `committed`: the rows hold all that the brain knew. */
void server_crash(struct world *world, const char *when, bool committed, uint64_t down_ms);
void server_restart(struct world *world);
void server_submit(struct world *world, uint32_t tasks, uint32_t cpus);
bool server_is_done(const struct world *world);

/* computer.c */
void computer_init(struct world *world, uint32_t number);
void computer_deinit(struct computer *computer);
void computer_step(struct world *world, uint32_t number, struct agent_event event);
void computer_tick(struct world *world, uint32_t number);
void computer_agent_dies(struct world *world, uint32_t number, uint64_t down_ms);
void computer_agent_starts(struct world *world, uint32_t number);
void computer_power_off(struct world *world, uint32_t number, uint64_t off_ms);
void computer_power_on(struct world *world, uint32_t number);
void computer_suspend(struct world *world, uint32_t number, uint64_t off_ms);
void computer_resume(struct world *world, uint32_t number);
void computer_owner(struct world *world, uint32_t number, bool present);
void computer_happens(struct world *world, const struct happening *happening);
void computer_disconnected(struct world *world, uint32_t number);
uint64_t computer_clock(const struct world *world, const struct computer *computer);

/* network.c */
struct message *message_new(enum message_kind kind, uint32_t computer, uint64_t session);
void message_free(struct message *message);
/* Takes the message over. `to` is SERVER or a computer. */
void network_send(struct world *world, uint32_t to, struct message *message);
void network_deliver(struct world *world, const struct happening *happening);
void network_dial(struct world *world, uint32_t number);

/* faults.c */
void faults_begin(struct world *world);
void faults_end(struct world *world);
void faults_happen(struct world *world, const struct happening *happening);

/* check.c */
void check_process_runs(struct world *world, uint32_t number, const struct process *process);
void check_process_rests(struct world *world, const struct process *process);
void check_computer(struct world *world, uint32_t number);
void check_commit(struct world *world, const struct pool_task_row *before,
                  const struct pool_task_row *after);
void check_pool(struct world *world);
void check_end(struct world *world);
