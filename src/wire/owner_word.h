/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an owner and the agent on his computer say to each other, as C structs and as JSON: one line
 * from him (`dusk owner`), one line back, and the connection ends.
 *
 *     {"version":1,"word":"pause","until_at":1764180000.5}
 *     {"version":1,"word":"mine-only","user":"alice"}
 *     {"version":1,"node":"pc1","owner":"present","reason":"paused",…}    the state after it
 *     {"version":1,"error":"…","hint":"…","refused":true}                 or why not
 *
 * An answer to "figures" has a member of that name besides.
 *
 * The connection of a desktop session's helper stays: he says lines like these, and has an answer
 * after each change of it.
 *
 *     {"version":1,"word":"session"}
 *     {"version":1,"word":"used","ms_ago":0}
 *     {"version":1,"word":"unwatched","why_not":"…"}
 *
 * The word is also what the agent remembers on its disk. doc/specification/lending.md is the page
 * for it. Whatever is decoded here was checked as in wire.h.
 */
#pragma once

#include "wire.h"

enum {
    OWNER_WORD_VERSION = 1,
    OWNER_WORD_SIZE_MAX = 512,               /* a line to the agent, without its line feed */
    OWNER_ANSWER_SIZE_MAX = 4 * 1024 * 1024, /* and one back */
    OWNER_FIGURES_MAX = 1024
};

enum owner_word_kind {
    OWNER_WORD_STATUS,    /* how is it? */
    OWNER_WORD_FIGURES,   /* and what was it used for? */
    OWNER_WORD_RESUME,    /* it is lent again */
    OWNER_WORD_PAUSE,     /* it is not, */
    OWNER_WORD_NEVER,     /* nor will be */
    OWNER_WORD_MINE_ONLY, /* it is, to one user's tasks */
    /* Here is the helper of a desktop session (dusk agent --session): the connection stays, */
    OWNER_WORD_SESSION,
    OWNER_WORD_USED,      /* and he says that somebody used the desktop, */
    OWNER_WORD_WATCHED,   /* that he sees whether somebody does, */
    OWNER_WORD_UNWATCHED, /* or that he does not */
    OWNER_WORD_KIND_COUNT
};

struct owner_word {
    enum owner_word_kind kind;
    bool has_end;    /* a pause may: without, it lasts until another word */
    double until_at; /* seconds since 1970 on the clock on the wall */
    uint64_t ago_ms; /* of USED */
    char *why_not;   /* owned; of UNWATCHED */
    char *user;      /* owned; of MINE_ONLY: whose; NULL: of who says it; of PAUSE: of before */
};

void owner_word_deinit(struct owner_word *word);
/* Whether the owner may say it, and it holds until another word. */
bool owner_word_lasts(enum owner_word_kind kind);
/* Whether only the helper of a session may say it, once it has said that it is one. */
bool owner_word_is_of_session(enum owner_word_kind kind);

/* A task that is here. */
struct owner_task {
    uint32_t job, task;
    enum attempt_state state;
    char *user; /* owned; whom it is for */
    double since_at;
};

/* What was done here in some days, for one user of the pool or for all. */
struct owner_figure {
    uint32_t days; /* today and those before it */
    char *user;    /* owned; NULL: all together */
    double lent_s; /* nobody kept the pool away, whether it had work or not; only of all */
    uint64_t tasks;
    double cpu_s; /* of single processors */
    double energy_wh;
};

struct owner_figures {
    char *since; /* owned; the first day that is known, "2026-11-03"; NULL: there is none */
    double watts_per_core;      /* which the energy is estimated by */
    struct owner_figure *items; /* owned */
    size_t count;
};

void owner_figures_deinit(struct owner_figures *figures);

struct owner_answer {
    char *error;  /* owned, as all texts here; NULL: the word was taken, and the rest is filled */
    char *hint;   /* NULL: none; only with an error */
    bool refused; /* likewise: he may not say that */
    char *node;
    enum owner_presence presence;
    enum owner_reason reason;
    double since_at;      /* of this presence */
    bool has_end;         /* it ends by itself if nothing happens, */
    double until_at;      /* then */
    char *only_user;      /* whose tasks alone it takes; NULL: anybody's */
    char *server_problem; /* why the server is not reached; NULL: it is, or nobody said */
    uint32_t nudge;       /* pixels; for helpers of sessions: so far a mouse may move unused */
    struct wire_source *sources;
    size_t source_count;
    struct owner_task *tasks;
    size_t task_count;
    bool has_figures; /* to OWNER_WORD_FIGURES */
    struct owner_figures figures;
};

void owner_answer_deinit(struct owner_answer *answer);

/* "pause". */
const char *owner_word_name(enum owner_word_kind kind);

/* Whether it is over by its own end when the clock on the wall says this. */
bool owner_word_is_over(const struct owner_word *word, double wall_seconds);

/* Append the line with its line feed. */
void owner_word_encode(struct buffer *out, const struct owner_word *word);
void owner_answer_encode(struct buffer *out, const struct owner_answer *answer);

/* -EPROTO says what is wrong; the word is to be deinitialised only after success. */
int owner_word_decode(struct slice line, struct owner_word *ret_word, struct error *err);
/* The same; the answer is to be deinitialised only after success. */
int owner_answer_decode(struct slice line, struct owner_answer *ret_answer, struct error *err);
