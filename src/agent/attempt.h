/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent's body knows of an attempt and its brain does not: the big things. An attempt is
 * here from the moment in which the brain took it (or found it) until AGENT_DROP.
 */
#pragma once

#include "base/map.h"
#include "runtime/identity.h"
#include "runtime/scratch.h"
#include "wire/wire.h"

struct laying;

struct attempt {
    uint64_t epoch;
    size_t place;             /* in the table */
    struct wire_start start;  /* owned; after a restart only what the note kept (note.h) */
    char *folder;             /* owned; "17.3-2", its name in attempts/ */
    char *gpus;               /* owned; what tells which, commas between; NULL: none (gpus.h) */
    struct identity identity; /* whom it runs as */
    struct scratch *scratch;  /* NULL as long as there is none */
    size_t missing;           /* inputs whose content is not here yet */
    bool has_fetched_again;   /* because what was in the cache was damaged: once only */
    bool is_fetching;         /* between AGENT_FETCH and AGENT_FETCHED */
    bool *is_pinned;          /* owned; by input: held in the cache; NULL: none is */
    bool has_image;           /* its image is in use for it (images.h) */
    bool waits_for_image;     /* which is not here yet */
    struct laying *laying;    /* the child that copies large inputs; NULL: none */
    bool is_kept;             /* the keeper has it, or was asked to start it */
    bool is_starting;         /* it was asked to, and has not said yet what came of it */
    bool has_ended;           /* no process of it is left */
    bool was_found;           /* after a restart */
    bool is_over_memory;      /* it was ended for that */
    uint64_t over_processes;  /* it wanted so many more, and was ended for that */
    bool is_collecting;       /* its folder is being measured; its outputs are listed then */
    bool is_saving;           /* or its checkpoint is, under the next number: */
    uint64_t saving;
    bool was_restarted;  /* its program has saved itself and goes on in its folder */
    uint64_t counted_us; /* of processor time, that went into the node's load already */
    uint64_t disk_bytes; /* the most that its folder was seen to take */
    uint64_t deadline_ms;
    struct wire_result result;         /* of all runs of its program */
    struct wire_checkpoint checkpoint; /* whose files can be fetched; number 0: none's */
};

/* The number by which the brain knows a pool user; never 0. */
uint64_t agent_user_number(const char *user);

/* As the brain has it: after how long it wants to be gone, or 0. */
uint64_t attempt_vacate_ms(const struct wire_start *start);
/* Whether a program that ended so has saved itself. */
bool attempt_exit_is_save(const struct wire_start *start, int wait_status);

struct attempts {
    struct attempt **items; /* owned, in no order that means anything */
    size_t count;
    size_t capacity;
    struct map by_epoch;
};

/* Frees the table and all in it; removes nothing from the disk. */
void attempts_deinit(struct attempts *attempts);

/* Takes what `start` owns and leaves it empty. There must be none with this epoch. */
struct attempt *attempts_add(struct attempts *attempts, struct wire_start *start);
/* NULL if there is none. */
struct attempt *attempts_find(const struct attempts *attempts, uint64_t epoch);
/* Frees it. */
void attempts_remove(struct attempts *attempts, struct attempt *attempt);
/* Whether an attempt has this folder in attempts/. */
bool attempts_have_folder(const struct attempts *attempts, const char *folder);

/* Puts the sentence behind what the result's detail says already. */
void attempt_add_detail(struct attempt *attempt, const char *sentence);
/* The same with an error's text and hint. */
void attempt_add_error(struct attempt *attempt, const struct error *err);
