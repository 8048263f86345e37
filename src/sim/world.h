/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the simulator share: the world's state and its one queue of things to come.
 *
 *     world.c     time, chance, the queue, the trace
 *     server.c    the server around the pool's brain: inbox, batch, crash, restart
 *     disk.c      its disk: what was committed, and a brain made of it
 *     network.c   messages between the server and the computers
 *     computer.c  one PC: its agent's brain, its power, its identity
 *     desk.c      its owner, and what his keys mean
 *     rest.c      computers that sleep when nothing is to do, and who wakes them
 *     keeper.c    the processes of a PC, which outlive the agent
 *     saving.c    the checkpoints of tasks that save themselves, and what of them may be lost
 *     users.c     who submits, holds, releases, removes, and asks again when no answer came
 *     classes.c   which tasks suit which computers
 *     faults.c    what goes wrong and when
 *     check.c     what must always be true
 *     scenario.c  a world that follows a script instead of chance
 */
#pragma once

#include "sim/sim.h"

#include "core/agent.h"
#include "core/lending.h"
#include "core/policy.h"
#include "core/pool.h"
#include "core/sleeping.h"

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
    GIVE_BACK_MEMORY_MS = 30000,
    KEEP_LAPSED_MS = 3600000,
    WAKE_AFTER_MS = 20000,
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
    SERVER = UINT32_MAX /* as the receiver of a message */
};

/* Things to come. Those of an agent die with it, by its computer's incarnation. */
enum happening_kind {
    HAPPEN_SERVER_LOOP,
    HAPPEN_SERVER_TICK,
    HAPPEN_SERVER_COMMITTED, /* what took its time */
    HAPPEN_SERVER_RESTART,
    HAPPEN_CHECKPOINT,   /* its files have come */
    HAPPEN_SERVER_EVENT, /* the world around the brain answers it: collected, refused */
    HAPPEN_MESSAGE,
    HAPPEN_AGENT_TICK,
    HAPPEN_AGENT_START,
    HAPPEN_AGENT_END,
    HAPPEN_DIAL,
    HAPPEN_FETCHED,
    HAPPEN_STARTED,
    HAPPEN_PROCESS_ENDS,
    HAPPEN_PROCESS_DIES,
    HAPPEN_DEADLINE,
    HAPPEN_OUTPUTS_LISTED,
    HAPPEN_SET_MADE, /* of a checkpoint */
    HAPPEN_POWER_ON,
    HAPPEN_RESUME,
    HAPPEN_ENROL,
    HAPPEN_HEAL,
    HAPPEN_OWNER,
    HAPPEN_KEY,
    HAPPEN_DESK,  /* time alone changes whose the computer is */
    HAPPEN_HOURS, /* his working hours begin or end */
    HAPPEN_DRAIN,
    HAPPEN_FAULT_OF_COMPUTER,
    HAPPEN_FAULT_OF_SERVER,
    HAPPEN_SUBMIT,
    HAPPEN_ASK,
    HAPPEN_USER_ACTS,
    HAPPEN_RELEASE_ALL
};

struct message;

struct happening {
    enum happening_kind kind;
    uint32_t computer;
    uint32_t incarnation;
    uint64_t epoch;
    uint64_t number; /* a session, a process's run, a user; whatever the kind needs */
    uint64_t checkpoint;
    struct message *message;
    uint32_t next_free;
};

enum message_kind {
    MESSAGE_HELLO,
    MESSAGE_REPORT,
    MESSAGE_CLOSED, /* the kernel of a computer says that the agent has let go of the connection */
    MESSAGE_WELCOME,
    MESSAGE_REFUSED,
    MESSAGE_RESET, /* the kernel of the server knows no such connection */
    MESSAGE_SEND   /* one POOL_SEND_* */
};

struct message {
    enum message_kind kind;
    uint32_t computer; /* at the other end from the server */
    uint32_t node;     /* as which it is known */
    uint64_t session;
    uint64_t machine;          /* of a hello */
    bool from_clone;           /* nobody hears the answer */
    struct resources capacity; /* of a hello */
    struct pool_report report; /* its items are owned by the message */
    struct pool_report_item *items;
    struct pool_effect effect; /* of a send */
};

struct disk_job {
    struct pool_job_row row;
    struct pool_part *parts; /* owned */
    uint32_t part_count;
    uint32_t task_count;
    uint64_t task_ms;  /* how long each task computes; 0: drawn */
    uint64_t saves_ms; /* and after how long it saves itself each time; 0: never */
};

/* The disk of the server: what was committed. */
struct disk {
    uint64_t epoch;
    struct disk_job *jobs; /* by number - 1 */
    size_t job_count, job_capacity;
    struct map task_rows; /* job << 32 | task -> index in rows */
    struct pool_task_row *rows;
    size_t row_count, row_capacity;
    struct map arrived; /* checkpoint_key() -> what its files say was computed, milliseconds */
    struct map saved;   /* job << 32 | task -> the same of the checkpoint in its row */
    struct pool_node_row *nodes; /* by number; machine 0: never saved */
    size_t node_capacity;
};

enum process_state { PROCESS_STARTING, PROCESS_RUNNING, PROCESS_FROZEN, PROCESS_EXITED };

/* One process of a keeper. */
struct process {
    uint64_t epoch;
    uint32_t job, task, attempt;
    struct resources request;
    enum process_state state;
    bool ending;          /* somebody has told it to stop, */
    uint64_t ending_ms;   /* then, for the first time */
    bool watched;         /* its deadline stands in the queue of things to come */
    uint64_t left_ms;     /* of its computing, at `since_ms` */
    uint64_t done_ms;     /* and what has been done of it by then, in all attempts */
    uint64_t saves_ms;    /* after how long it saves itself each time; 0: never */
    uint64_t unsaved_ms;  /* what it has done since it did so last */
    bool has_saved;       /* it exited for that */
    uint64_t checkpoint;  /* the highest number that was used when it was started last */
    uint64_t since_ms;    /* when it last went on, in world time */
    uint64_t deadline_ms; /* of its lease, on the computer's clock */
    uint64_t run;         /* grows with each freeze and thaw, so that older ends are void */
};

enum power { POWER_ON, POWER_OFF, POWER_SUSPENDED };

struct computer {
    struct agent *agent; /* NULL while the agent's process is dead */
    uint32_t node;       /* its identity */
    uint32_t incarnation;
    struct resources capacity;
    struct resources in_use_max; /* beyond what it has: only what it ran before it shrank */
    enum power power;
    bool forgotten;
    uint64_t machine;
    int64_t drift;           /* parts in a million */
    uint64_t boot_ms;        /* world time at which its clock was 0 */
    uint64_t clock_ahead_ms; /* by how much it has jumped since */
    uint64_t saved_epoch;    /* the file that survives the agent */
    uint64_t synced_epoch;   /* and what of it a power failure leaves at least */
    uint64_t session;        /* that it believes in; 0: none */
    uint64_t dialled;        /* the session it has asked for */
    uint64_t heard_ms;       /* from the server, world time */
    uint64_t tick_at_ms;     /* its next scheduled tick, world time */
    bool cut_in, cut_out;    /* what the network does to it */
    uint64_t cut_until_ms;   /* what is sent meanwhile arrives then; 0: never */
    bool owner_present;
    bool is_small;              /* what he does makes it short of memory now and then, */
    uint64_t memory_short_ms;   /* since then, world time; UINT64_MAX: it is not */
    struct lending lending;     /* what the agent makes of his keys */
    bool has_hours;             /* working hours, */
    bool by_policy;             /* or this does: */
    struct policy *policy;      /* owned; NULL while there is no agent */
    enum agent_event_kind told; /* to the agent's brain, of what the policy said last */
    bool has_work;              /* when the policy was looked at last, */
    uint64_t looks;             /* which the next look in the queue has the number of */
    struct sleeping sleeping;
    uint64_t sleep_when_idle_ms; /* 0: never */
    bool never_wakes;            /* whatever packet it hears */
    uint64_t owner_since_ms;     /* the agent takes him to be there since then */
    uint64_t key_ms;             /* when the agent heard the last one, on the computer's clock */
    uint64_t keys;               /* how many it heard; the next key in the queue has this number */
    uint64_t drained_epoch; /* an admin was told it is drained: the highest then; or UINT64_MAX */
    uint64_t undrain_ms;    /* when somebody last asked to take that back */
    uint64_t down_ms;       /* how long it stays away when it has left; 0: it does not come back */
    struct process *processes; /* owned */
    size_t process_count, process_capacity;
};

/* What the server remembers of a connection. */
struct connection {
    uint64_t session; /* 0: none */
    uint64_t heard_ms;
};

enum crash_point { CRASH_NOWHERE, CRASH_BEFORE_COMMIT, CRASH_AFTER_COMMIT };

struct sim_server {
    struct pool *pool; /* NULL while it is down */
    struct disk disk;
    struct pool_event *inbox; /* their report items are owned by inbox_messages */
    struct message **inbox_messages;
    size_t inbox_length, inbox_capacity, inbox_messages_capacity;
    size_t batch_length; /* of the inbox, that was stepped through and is to be committed */
    bool committing;     /* the disk takes its time, or the whole computer stands still */
    bool loop_due;
    uint32_t incarnation;
    uint64_t clock_offset_ms; /* its clock shows the world's time plus this, since its last start */
    uint64_t tick_at_ms;      /* world time */
    uint64_t silence_at_ms;   /* when the nodes' silence is looked at next, world time */
    struct pool_effects effects;
    struct connection *connections; /* by node */
    size_t connection_capacity;
    uint32_t last_job;        /* the highest number given away */
    uint64_t expected_digest; /* of the brain before the crash, if all of it was committed; or 0 */
    uint64_t commits;
    enum crash_point crash_at; /* a script wants the next commit to be the last */
    uint64_t crash_down_ms;
};

enum user_state {
    USER_FREE,
    USER_TRYING, /* will ask in a moment */
    USER_WAITING /* for the answer; if the server is gone meanwhile, he asks again */
};

/* A user wants one thing at a time. */
struct user {
    uint32_t number;
    enum user_state state;
    uint64_t asked_ms;
    struct pool_event event;
    struct pool_part *parts; /* owned; of a submit */
    uint32_t part_capacity;
    uint64_t task_ms;
    uint64_t saves_ms;
};

/* What users were told about a job. */
struct promise {
    uint64_t release_ms; /* when somebody last asked for a release */
    bool held;           /* the whole of it, and nobody asked for a release since */
    bool removed;
};

/* What a script wants to happen to the next message of this kind from or to this computer. */
struct mishap {
    bool wanted;
    uint64_t late_ms; /* how much later it arrives; 0: it is lost */
    enum message_kind kind;
    enum pool_effect_kind effect; /* of MESSAGE_SEND */
    uint32_t computer;
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
    uint32_t *computer_of_node;
    uint32_t node_count;
    size_t computer_of_node_capacity;
    struct user **users; /* owned, both ways */
    size_t user_count, user_capacity;
    struct promise *promises; /* by job number - 1 */
    size_t promise_count, promise_capacity;
    struct agent_effects agent_effects;
    struct agent_report_item *items; /* room for one report */
    uint32_t attempts_max;           /* of an agent */
    struct map running;              /* job << 32 | task -> computer plus one that runs it now */
    uint64_t started_epoch;          /* the highest with which something was started */
    struct map finished;             /* epochs of attempts that ran to their end */
    struct map begins;               /* epoch -> what had been done of its task when it began */
    struct map promised;             /* job << 32 | task -> what a node was told is saved of it */
    uint64_t checked_at_step;        /* when the whole of the brain was looked at last */
    uint32_t tasks_submitted;
    struct mishap mishap;
};

enum { NUMBER_BITS = 20 /* of a session, for its node; the rest is a counter */ };

/* world.c */
void world_init(struct world *world, const struct sim_options *options);
void world_deinit(struct world *world);
void world_schedule(struct world *world, uint64_t at_ms, struct happening happening);
/* Lets the next thing happen; false if nothing is to come until then. */
bool world_advance(struct world *world, uint64_t until_ms);
/* A line of the trace, which is also what the digest is made of. */
void world_trace(struct world *world, const char *format, ...) _printf_(2, 3);
_noreturn_ void world_fail(const struct world *world, const char *format, ...) _printf_(2, 3);
/* How often a fault with `parts` in a million happens with this seed's share of faults. */
bool world_fault(struct world *world, uint32_t parts);
/* What chance decides in every world but a scenario's, where it never happens. */
bool world_chance(struct world *world, uint32_t parts);
/* A moment between the two from now; in a scenario always the one in the middle. */
uint64_t world_delay(struct world *world, uint64_t low_ms, uint64_t high_ms);
bool world_has(const struct world *world, enum sim_fault fault);
/* A new node number for the computer, and the computer of a node. */
uint32_t world_enrol(struct world *world, uint32_t computer);
uint32_t world_computer_of(const struct world *world, uint32_t node);
/* Whether all that was to be submitted is over and nothing is under way. */
bool world_is_done(const struct world *world);

/* classes.c */
/* What a new brain must know of the classes. */
void classes_tell(struct world *world);
/* The class of a part of a job. */
uint32_t classes_draw(struct world *world);
/* A node that says hello may have become of another class. */
void classes_hello(struct world *world, uint32_t node);
void classes_end(struct world *world);

/* disk.c */
void disk_deinit(struct disk *disk);
void disk_reserve_nodes(struct disk *disk, uint32_t node_count);
/* Carries out the saves of the server's effects, and its inbox's submits, as one transaction. */
void disk_commit(struct world *world);
/* A brain made of the rows. */
struct pool *disk_load(struct world *world);
/* NULL if there is no such job. */
const struct disk_job *disk_find_job(const struct disk *disk, uint32_t job);

/* server.c */
void server_init(struct world *world);
void server_deinit(struct world *world);
void server_reserve_nodes(struct world *world, uint32_t node_count);
uint64_t server_clock(const struct world *world);
/* Takes the message over, which may be NULL. */
void server_receive(struct world *world, const struct pool_event *event, struct message *message);
void server_happens(struct world *world, const struct happening *happening);
/* `committed`: the rows hold all that the brain knew. */
void server_crash(struct world *world, const char *when, bool committed, uint64_t down_ms);
void server_restart(struct world *world);
/* It neither crashes nor does anything; whatever it did last is not committed before. */
void server_stand_still(struct world *world, uint64_t for_ms);

/* computer.c */
void computer_assemble(struct world *world, uint32_t number);
/* Other amounts than before; the first one always has room for all that is ever submitted. */
void computer_draw_size(struct world *world, uint32_t number);
void computer_discard(struct computer *computer);
uint64_t computer_clock(const struct world *world, const struct computer *computer);
/* The world's time at which the computer's clock shows `local_ms`. */
uint64_t computer_world_time(const struct computer *computer, uint64_t local_ms);
/* For things that are void when the agent or the power is gone. */
void computer_schedule(struct world *world, uint32_t number, uint64_t at_ms,
                       struct happening happening);
void computer_step(struct world *world, uint32_t number, struct agent_event event);
void computer_happens(struct world *world, const struct happening *happening);
void computer_disconnected(struct world *world, uint32_t number);
void computer_agent_dies(struct world *world, uint32_t number, uint64_t down_ms);
void computer_agent_leaves(struct world *world, uint32_t number, uint64_t down_ms);
void computer_agent_starts(struct world *world, uint32_t number);
void computer_power_off(struct world *world, uint32_t number, uint64_t off_ms);
void computer_power_on(struct world *world, uint32_t number);
void computer_suspend(struct world *world, uint32_t number, uint64_t off_ms);
void computer_resume(struct world *world, uint32_t number);
void computer_enrol(struct world *world, uint32_t number);
/* A report of what the agent holds at this moment, now or soon after. */
void computer_report(struct world *world, uint32_t number, bool full);

/* rest.c */
void rest_assemble(struct world *world, uint32_t number);
/* A script has it sleep from now on, when it was idle for so long. */
void rest_teach(struct world *world, uint32_t number, uint64_t when_idle_ms);
void rest_agent_starts(struct world *world, uint32_t number);
/* What a new brain must know of the segments, and what it must of a node that said hello. */
void rest_tell(struct world *world);
void rest_hello(struct world *world, uint32_t node);
/* And of their owners' hours, now and then. */
void rest_tell_hours(struct world *world, uint32_t node);
/* After each step of the agent. */
void rest_look(struct world *world, uint32_t number);
/* On the computer's clock. */
uint64_t rest_next_ms(const struct computer *computer);
/* The server has heard the report that was sent then. */
void rest_answered(struct world *world, uint32_t number, uint64_t answers_ms);
/* A POOL_WAKE. */
void rest_wake(struct world *world, const struct pool_effect *effect);
/* Its owner does, or the end of all faults. */
void rest_get_up(struct world *world, uint32_t number);

/* desk.c */
void desk_agent_starts(struct world *world, uint32_t number);
void desk_agent_ends(struct computer *computer);
/* For how long its owner's hours do not begin, at least 1; 0: he has none. */
uint64_t desk_lent_ms(const struct world *world, uint32_t number);
/* After each step of the agent's brain. */
void desk_follow_work(struct world *world, uint32_t number);
void desk_lid_opens(struct world *world, uint32_t number);
/* Whether the memory of this attempt can be pushed out when it is frozen. */
bool desk_may_push_out(uint64_t epoch);
void desk_owner(struct world *world, uint32_t number, bool present);
void desk_happens(struct world *world, const struct happening *happening);
void desk_check(struct world *world, uint32_t number);

/* keeper.c */
struct process *keeper_find(struct computer *computer, uint64_t epoch);
/* Carries out what the agent wants of its processes. */
void keeper_perform(struct world *world, uint32_t number, const struct agent_effect *effect);
/* Tells an agent that has just started what is there. */
void keeper_show(struct world *world, uint32_t number);
/* What all that has not exited needs; with those that have saved themselves and may go on, or not.
 */
struct resources keeper_in_use(const struct computer *computer, bool with_saved);
void keeper_dies(struct world *world, uint32_t number);
void keeper_power_off(struct world *world, uint32_t number);
void keeper_suspend(struct world *world, uint32_t number);
void keeper_resume(struct world *world, uint32_t number);
/* Its clock has jumped. */
void keeper_look_at_clock(struct world *world, uint32_t number);
void keeper_happens(struct world *world, const struct happening *happening);

/* network.c */
struct message *message_new(enum message_kind kind, uint32_t computer, uint64_t session);
void message_free(struct message *message);
/* Takes the message over. `to` is SERVER or a computer. */
void network_send(struct world *world, uint32_t to, struct message *message);
void network_deliver(struct world *world, const struct happening *happening);
void network_dial(struct world *world, uint32_t number);
/* Lets go of the computer's connection, if it has one; the server may learn it. */
void network_close(struct world *world, uint32_t number);
/* A copy of the computer's identity dials in, from the same machine or another one. */
void network_clone(struct world *world, uint32_t number, bool same_machine);

/* saving.c */
/* After how long such a task saves itself each time; 0: never. */
uint64_t saving_each_ms(const struct world *world, uint32_t job);
/* Whether what it leaves when it must go is a checkpoint. */
bool saving_leaves(const struct world *world, uint32_t job);
/* A start is sent: from which checkpoint it begins. */
void saving_begin(struct world *world, const struct pool_effect *start);
/* What had been done before the attempt of this epoch. */
uint64_t saving_done_ms(const struct world *world, uint64_t epoch);
/* The server brings a checkpoint, and it has come. */
void saving_collect(struct world *world, const struct pool_effect *effect);
void saving_happens(struct world *world, const struct happening *happening);
/* A row with another checkpoint than before is about to be written. */
void saving_record(struct world *world, const struct pool_task_row *before,
                   const struct pool_task_row *after);
/* A node hears that one is recorded. */
void saving_acknowledged(struct world *world, uint32_t number, const struct pool_effect *effect);

/* users.c */
/* One who is not waiting for anything. */
struct user *users_take(struct world *world);
void users_submit(struct world *world, uint32_t tasks);
/* Sends what the user's event says, as soon as the server is there. */
void users_ask(struct world *world, struct user *user);
void users_choose(struct world *world, enum pool_event_kind kind, uint32_t job, uint32_t task);
void users_answered(struct world *world, const struct pool_effect *reply);
/* An administrator takes the identity of the computer out of the pool, and gives it a new one. */
void users_forget_node(struct world *world, uint32_t computer);
/* Drains it, with what is there told to leave now or not, or takes that back. */
void users_drain_node(struct world *world, uint32_t computer, bool drained, bool now);
/* Everybody who waits for an answer has lost his connection. */
void users_after_restart(struct world *world);
void users_happen(struct world *world, const struct happening *happening);
void users_release_all(struct world *world);
/* Whether anybody still wants something. */
bool users_wait(const struct world *world);

/* faults.c */
void faults_begin(struct world *world);
void faults_end(struct world *world);
void faults_happen(struct world *world, const struct happening *happening);
void faults_cut(struct world *world, uint32_t number, bool in, bool out);
/* Perhaps it was not the server alone that went down, but most of the building with it. */
void faults_blackout(struct world *world);
void faults_heal(struct world *world, uint32_t number);

/* check.c */
void check_process_runs(struct world *world, uint32_t number, const struct process *process);
void check_process_rests(struct world *world, const struct process *process);
void check_computer(struct world *world, uint32_t number);
/* A row is about to be written over. */
void check_row(struct world *world, const struct pool_task_row *before,
               const struct pool_task_row *after);
/* What was promised to users and admins. */
void check_start(struct world *world, const struct pool_effect *start);
void check_pool(struct world *world);
/* Some minutes after the faults: whatever runs, runs for a task that wants it. */
void check_calm(struct world *world);
/* What people are told of this task, of its job and of the nodes. */
void check_views(struct world *world, uint32_t job, uint32_t task);
void check_rows_make_the_pool(struct world *world, const struct pool *pool, uint64_t digest);
void check_end(struct world *world);

static inline uint64_t task_key(uint32_t job, uint32_t task)
{
    return (uint64_t)job << 32 | task;
}
