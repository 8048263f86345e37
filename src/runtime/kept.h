/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tasks that a keeper keeps: their states, and what requests, ends and deadlines do to them.
 * The keeper's loop (keeper.c) tells this module what happened and sends what it has to say.
 */
#pragma once

#include "base/map.h"
#include "cgroup.h"
#include "hurry.h"
#include "keeper_message.h"
#include "push_out.h"

/*
 * The lower half of the data of what waits for a group in the loop's epoll; the upper half is for
 * kept_wake().
 */
#define KEPT_WAKE 0

struct kept_task;

struct kept {
    struct kept_task **tasks; /* owned; NULL where a place is free */
    size_t place_count;
    size_t capacity;
    size_t task_count;
    size_t living_count;    /* not ENDED */
    size_t ungrouped_count; /* living without a group */
    size_t pending_count;   /* FREEZING or ENDING */
    size_t run_count;       /* that wait for CRIU */
    struct map by_key;      /* to the place in tasks */
    struct map by_pid;      /* leaders that were not reaped */
    struct cgroup_root groups;
    bool said_full;       /* that a group could not be made for the last task */
    char *marker_start;   /* owned */
    struct map uid_locks; /* a descriptor for each uid that a task was started as */
    int epoll;            /* the loop's */
    struct buffer *news;  /* the loop's; frames for the agent */
    bool is_heard;        /* an agent is connected; else news are not written, LIST tells later */
    uint64_t look_at_ms;  /* when it is looked what tasks use next, by CLOCK_BOOTTIME */
    bool gives_way;       /* tasks do, to everything else; then they may have to hurry */
    struct hurry hurry;
    struct push_out push_out;
};

/* `marker_start` tells this keeper's tasks from all others in their environments. */
void kept_init(struct kept *kept, int epoll, struct buffer *news, const char *marker_start);
/* No task may live. */
void kept_deinit(struct kept *kept);

void kept_handle_request(struct kept *kept, const struct keeper_request *request);
/* The group of what lives at this place has changed. */
void kept_wake(struct kept *kept, size_t place);
/* After SIGCHLD. */
void kept_reap(struct kept *kept);
/* Freezes what is past its deadline. */
void kept_lapse(struct kept *kept, uint64_t now_boot_ms);
/*
 * Ends what uses more memory than it may, where the kernel does not see to that, and what wanted
 * more processes; to be called when kept_next_look() says so, and harmless before.
 */
void kept_look(struct kept *kept, uint64_t now_boot_ms);
/* UINT64_MAX as long as there is nothing to look at. */
uint64_t kept_next_look(const struct kept *kept);
/* Ends what CRIU has been at for too long; harmless before kept_next_expiry(). */
void kept_expire(struct kept *kept, uint64_t now_boot_ms);
uint64_t kept_next_expiry(const struct kept *kept);
/*
 * Takes tasks that are being frozen or that end a step on. To be called once after each round of
 * events; returns true if it must be called again soon even if nothing happens.
 */
bool kept_continue(struct kept *kept);
void kept_kill_all(struct kept *kept);

/* The first deadline that will let a living task lapse; UINT64_MAX if there is none. */
uint64_t kept_first_deadline(const struct kept *kept);
/* When the last kept task has lapsed, ended ones counted as well; UINT64_MAX if one never does. */
uint64_t kept_last_deadline(const struct kept *kept);
