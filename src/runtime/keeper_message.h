/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent and its keeper say to each other: requests one way, news the other way, as frames
 * on a stream socket. A frame is its length (32 bits), a type (8 bits) and the fields in the order
 * of the structs below, little-endian; a text is its length (32 bits), its bytes and a NUL, so
 * that it can be used where it lies. Any number of frames may come at once.
 *
 * The first news on each connection is KEEPER_NEWS_HELLO. Whoever receives a frame that is too
 * long, too short, of an unknown type or with bytes left over gives up the connection.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    KEEPER_VERSION = 5,
    KEEPER_FRAME_SIZE_MAX = 4 * 1024 * 1024, /* Linux takes 2 MiB of arguments and environment */
    KEEPER_NOTE_SIZE_MAX = 64 * 1024,
    KEEPER_WORDS_MAX = 65536, /* of arguments, and of environment variables */
};

enum keeper_request_type {
    KEEPER_REQUEST_SPAWN = 1,
    KEEPER_REQUEST_SIGNAL,
    KEEPER_REQUEST_FREEZE,
    KEEPER_REQUEST_THAW,
    KEEPER_REQUEST_KILL,
    KEEPER_REQUEST_DEADLINE,
    KEEPER_REQUEST_FORGET,
    KEEPER_REQUEST_USAGE,
    KEEPER_REQUEST_LIST,
    KEEPER_REQUEST_ALIVE,
    KEEPER_REQUEST_SAVE,
};

/* A contained task, written by CRIU (checkpoint.h). */
struct keeper_checkpoint {
    const char *folder; /* absolute; "": none */
    const char *criu;   /* CRIU itself: a path, or a name that is looked for in PATH */
};

/* Where a contained task lives (container.h). All paths are the node's, and absolute. */
struct keeper_container {
    const char *root;      /* "": the task runs bare, and nothing below is used */
    const char **sources;  /* what of the node, or of an image, it finds, read-only */
    const char **targets;  /* and under which names below root; as many */
    const char **devices;  /* names below /dev that it has besides the usual ones */
    const char *temporary; /* a folder of its own, its /tmp */
    const char *host_name; /* what it takes for the node's */
    bool has_network;      /* the node's; else none but a loopback of its own */
};

/* One attempt to start. Nothing in it is kept by the keeper but key, note and deadline. */
struct keeper_spawn {
    struct slice note;         /* the agent's own description, given back by LIST */
    uint64_t deadline_boot_ms; /* CLOCK_BOOTTIME; the task is frozen then; 0: never */
    const char *program;       /* path for execve(), absolute or below `folder` */
    const char **arguments;    /* argv, NULL at the end */
    const char **environment;  /* all of it, NULL at the end; DUSK_KEEPER is added */
    const char *folder; /* working folder, absolute; of a contained task its CONTAINER_WORK */
    const char *input;  /* below `folder`, never through a link; "" is /dev/null */
    const char *output; /* the same; made or emptied, mode 0644 */
    const char *error;  /* the same; equal to `output`: one open file for both */
    bool keeps_output;  /* what is in these two stays, and more stands behind it */
    bool becomes_user;  /* run as uid and gid, without further groups */
    uint32_t uid, gid;
    int32_t nice;             /* 0..19 */
    uint64_t file_size_max;   /* RLIMIT_FSIZE in bytes; 0: no limit, as for the following */
    uint64_t cpu_seconds_max; /* RLIMIT_CPU, of each process */
    uint64_t processes_max;   /* and threads of the tree; without a group roughly, of the uid */
    uint64_t memory_max;      /* bytes of the tree */
    uint32_t cpus;            /* its share of the processors; only with groups */
    struct keeper_container container;
    struct keeper_checkpoint restore; /* where it goes on; then program and streams are not used */
};

struct keeper_request {
    enum keeper_request_type type;
    uint64_t key; /* chosen by the agent, unique among its kept tasks; not for LIST, ALIVE */
    struct keeper_spawn spawn;     /* SPAWN */
    int32_t signal;                /* SIGNAL */
    uint64_t deadline_boot_ms;     /* DEADLINE, THAW; 0: never */
    struct keeper_checkpoint save; /* SAVE: an empty folder, which the keeper's user may write to */
};

enum keeper_news_type {
    KEEPER_NEWS_HELLO = 1,    /* version, pid, means */
    KEEPER_NEWS_STARTED,      /* key, pid: the program runs (execve succeeded) */
    KEEPER_NEWS_START_FAILED, /* key, failure: it never ran; the key is free again */
    KEEPER_NEWS_FROZEN,       /* key: every process of the tree stands still */
    KEEPER_NEWS_PUSHED_OUT,   /* key: frozen, it has next to nothing in memory any more */
    KEEPER_NEWS_THAWED,       /* key */
    KEEPER_NEWS_LAPSED,       /* key: the deadline passed, the tree is being frozen */
    KEEPER_NEWS_EXITED,       /* key, result: no process of the tree is left */
    KEEPER_NEWS_USAGE,        /* key, result: so far; wait_status means nothing */
    KEEPER_NEWS_UNKNOWN,      /* key: a request named a task that is not kept */
    KEEPER_NEWS_TASK,         /* one kept task, answer to LIST */
    KEEPER_NEWS_LISTED,       /* the end of that answer */
    KEEPER_NEWS_SAVED,        /* key: it is in the folder, and stands still as before */
    KEEPER_NEWS_SAVE_FAILED,  /* key, reason, is_lost: it stands still as before, unless lost */
};

enum keeper_state {
    KEEPER_STATE_RUNNING,
    KEEPER_STATE_FREEZING,
    KEEPER_STATE_FROZEN,
    KEEPER_STATE_SAVING, /* it is being written into a checkpoint, and stands still */
    KEEPER_STATE_ENDING, /* its leader ended, what it left behind is being killed */
    KEEPER_STATE_ENDED,  /* kept until FORGET */
};

/* Where the way from the request to the running program was blocked. */
enum keeper_step {
    KEEPER_STEP_FORK = 1,
    KEEPER_STEP_LIMITS,
    KEEPER_STEP_CREDENTIALS,
    KEEPER_STEP_FOLDER,
    KEEPER_STEP_INPUT,
    KEEPER_STEP_OUTPUT,
    KEEPER_STEP_ERROR,
    KEEPER_STEP_PROGRAM,
    KEEPER_STEP_INTERPRETER,  /* the program is there, what its '#!' or ELF header names is not */
    KEEPER_STEP_ARCHITECTURE, /* an ELF file of another machine; `path` names that machine */
    KEEPER_STEP_CONTAINER,    /* what a contained task lives in could not be made */
    KEEPER_STEP_KEY,          /* the key is in use */
    KEEPER_STEP_RESTORE,      /* it does not go on from its checkpoint; `path` is the reason */
};

struct keeper_failure {
    enum keeper_step step;
    int32_t error;    /* positive errno */
    const char *path; /* what could not be used; "" where it was no file */
};

struct keeper_result {
    int32_t wait_status; /* as wait4() gives it: WIFEXITED(), WTERMSIG(), ... */
    uint64_t user_us;    /* CPU time of the whole tree */
    uint64_t system_us;
    uint64_t memory_peak_bytes; /* of the group; without memory controller of its largest process */
    uint64_t wall_us;           /* since the fork, frozen time included */
    uint64_t frozen_us;         /* of that, frozen */
    uint32_t processes;         /* USAGE: how many live */
    bool over_memory;           /* it was ended because it used more than memory_max */
    uint64_t refused_processes; /* what it wanted beyond processes_max, and was ended for */
};

/* What keeps the processes of a task together. */
enum keeper_hold {
    KEEPER_HOLD_WARDENS,
    KEEPER_HOLD_GROUPS,  /* a control group of version 2 for each, which nothing in it can leave */
    KEEPER_HOLD_FREEZER, /* the same in the freezer's tree of version 1 */
};

/* By what a keeper holds its tasks, on this computer and as this user. */
struct keeper_means {
    enum keeper_hold hold;
    bool limits_memory;    /* the kernel does; else the keeper looks now and then */
    bool limits_processes; /* the kernel does, task by task; else roughly, user by user */
    bool shares_cpus;      /* the kernel does, by keeper_spawn.cpus; else nobody */
};

struct keeper_news {
    enum keeper_news_type type;
    uint64_t key;
    uint32_t version;              /* HELLO; of another version only pid is known besides */
    struct keeper_means means;     /* HELLO */
    int32_t pid;                   /* HELLO (the keeper's), STARTED, TASK */
    struct keeper_failure failure; /* START_FAILED */
    struct keeper_result result;   /* EXITED, USAGE, TASK in state ended */
    enum keeper_state state;       /* TASK */
    bool lapsed;                   /* TASK */
    bool is_out;                   /* TASK: it was pushed out, and is still frozen */
    bool told_to_end;   /* TASK: it was killed or signalled, but for SIGKILL, while it lived */
    bool is_restoring;  /* TASK: STARTED or START_FAILED is still to come */
    bool is_lost;       /* SAVE_FAILED: it was harmed by that, and EXITED follows */
    const char *reason; /* SAVE_FAILED: for people */
    uint64_t deadline_boot_ms; /* TASK */
    struct slice note;         /* TASK */
};

/* Appends one frame. Returns 0, or -E2BIG (nothing appended) if it is longer than allowed. */
int keeper_message_encode_request(const struct keeper_request *request, struct buffer *frames);
int keeper_message_encode_news(const struct keeper_news *news, struct buffer *frames);

/*
 * Looks for a whole frame at the start of `bytes`. Returns 1 and its length with the length field
 * in *ret_length, 0 if more bytes are needed, or -EBADMSG if it is too long ever to be one.
 */
int keeper_message_find_frame(struct slice bytes, size_t *ret_length);

/*
 * Decodes one whole frame. All texts stay in `frame`; only the lists of words in a SPAWN are
 * allocated, and keeper_request_deinit() frees them. Returns 0 or -EBADMSG.
 */
int keeper_message_decode_request(struct slice frame, struct keeper_request *ret_request);
int keeper_message_decode_news(struct slice frame, struct keeper_news *ret_news);
void keeper_request_deinit(struct keeper_request *request);

/* "running", ... for logs and people. */
const char *keeper_state_name(enum keeper_state state);
