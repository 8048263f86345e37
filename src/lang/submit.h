/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The submit language: what a user writes to describe a job, read the way HTCondor reads it
 * (condor_submit(1), "Submit Description File Commands"), with better messages.
 *
 * A submit text is read once, at the submitter's, where files, commands and the environment are at
 * hand (struct submit_world). submit_freeze() then writes it down again with everything from there
 * put in place, and that text, which needs no world any more, is what the server keeps. A job's
 * tasks are not made by reading: they are ranges of numbers ("parts", one per queue statement), and
 * submit_expand() computes the values of one task when they are needed.
 *
 * Beyond HTCondor: arithmetic as $(1000 + 100 * $(Process)), with a printf conversion behind a
 * comma if wanted, as $(1000 + $(Process), %05d); and a macro that is defined nowhere is an error
 * unless `allow_undefined` is set (here, or as a command in the text).
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#define SUBMIT_TEXT_SIZE_MAX   ((size_t)64 * 1024 * 1024) /* of the submit text, of an item file */
#define SUBMIT_LINE_LENGTH_MAX ((size_t)1024 * 1024)      /* with its continuations */
#define SUBMIT_VALUE_SIZE_MAX  ((size_t)1024 * 1024)      /* of a value after expansion */
#define SUBMIT_TASK_COUNT_MAX  ((uint64_t)10 * 1000 * 1000)
#define SUBMIT_PART_COUNT_MAX  ((size_t)10 * 1000)
#define SUBMIT_FIELD_COUNT_MAX ((size_t)20 * 1000 * 1000) /* item lines times queue variables */

/* What the patterns of queue ... matching give. */
enum submit_match {
    SUBMIT_MATCH_ANY,
    SUBMIT_MATCH_FILES, /* no directories */
    SUBMIT_MATCH_DIRS,
};

/*
 * What a submit text may ask of the submitter's computer. Each function may be NULL: then a text
 * that asks for it is refused. They append to the buffer, and return 0 or a negative errno value
 * with `err` filled.
 */
struct submit_world {
    void *user_data;
    /* The content of a file with items; a relative path counts from where the user submits. */
    int (*read_file)(void *user_data, const char *path, struct buffer *text, struct error *err);
    /* Makes a file of that content: include command into. What is there under the name is lost. */
    int (*write_file)(void *user_data, const char *path, struct slice text, struct error *err);
    /* What a shell command prints: queue ... from command |, include command. */
    int (*run_command)(void *user_data, const char *command, struct buffer *text,
                       struct error *err);
    /*
     * The names that a shell pattern matches (glob(7)), in the order of their bytes, each with a
     * NUL behind, a directory's with a '/' before that. Nothing if nothing matches.
     */
    int (*match_files)(void *user_data, const char *pattern, enum submit_match match,
                       struct buffer *names, struct error *err);
    /* The lines of "use TEMPLATE : name"; returns 1 if there is no such template. */
    int (*read_template)(void *user_data, const char *name, struct buffer *text, struct error *err);
    /* An environment variable's value; returns 1 if it is not set. */
    int (*get_environment)(void *user_data, const char *name, struct buffer *value,
                           struct error *err);
    /* The names of all environment variables, in the order in which tasks shall have them, each
     * with a newline behind: getenv = true. */
    int (*list_environment)(void *user_data, struct buffer *names, struct error *err);
};

/* A macro that has a value without a definition: "Year", "2026". */
struct submit_automatic {
    const char *name;
    const char *value;
};

struct submit_options {
    const struct submit_world *world; /* NULL: nothing is available */
    /*
     * What the submitter's side says of itself (condor_submit(1), "Pre-Defined Macros"): Year,
     * Month, Day, SUBMIT_TIME (seconds since 1970), SUBMIT_FILE, ARCH, OPSYS and so on, and
     * SUBMIT_FOLDER, the folder in which it submits. The text may define the names otherwise.
     */
    const struct submit_automatic *automatics;
    size_t automatic_count;
    /* What $RANDOM_INTEGER() and the like draw from; the frozen text has it. */
    uint64_t seed;
    /* Undefined macros are empty and unset $ENV() are UNDEFINED, as in HTCondor. */
    bool allow_undefined;
    /* "name = value" lines read before the text. */
    const char *const *settings;
    size_t setting_count;
    /* Lines read right before the first queue statement; they may hold it if the text has none. */
    const char *const *appended;
    size_t appended_count;
};

/* What is not wrong but probably not meant: texts of the same form as errors. */
struct submit_warnings {
    char **texts; /* owned */
    size_t count;
    size_t capacity;
};

#define SUBMIT_WARNINGS_INIT      ((struct submit_warnings){0})
#define _cleanup_submit_warnings_ _cleanup_(submit_warnings_deinit)

void submit_warnings_deinit(struct submit_warnings *warnings);

struct submit;

/*
 * Reads a submit text. `name` is what messages call it ("sweep.sub"). An error's text is
 * "sweep.sub:7:15: what is wrong", a newline, the line, a newline and a caret beneath the place.
 * Everything that can be checked without a task is checked, and the first and the last task of
 * each part are expanded once; a value that is wrong for a task between them is found by
 * submit_expand(), or if it is an expression, by whoever compiles it. Warnings are appended to
 * `warnings`, which may be NULL. Nothing in the arguments is needed afterwards. Returns -EINVAL for
 * a wrong text, -E2BIG for one beyond a limit, or what the world returned.
 */
int submit_parse(struct slice text, const char *name, const struct submit_options *options,
                 struct submit **ret_submit, struct submit_warnings *warnings, struct error *err);
void submit_free(struct submit *submit);
DEFINE_CLEANUP(struct submit *, submit_free);

#define _cleanup_submit_ _cleanup_(submit_free_p)

/*
 * Appends the canonical text: no comments, each value on one line, items in place, the environment
 * variables that are needed as $ENV(NAME) = "value" lines at the top, automatic macros as
 * $AUTO(NAME) = "value", the seed as $SEED(NUMBER). Read without a world it
 * gives a submit with the same tasks and the same canonical text.
 */
void submit_freeze(const struct submit *submit, struct buffer *text);

/* Tasks have the numbers 0..count-1, their "Process". */
uint64_t submit_task_count(const struct submit *submit);

/* A part is the tasks of one queue statement; parts without tasks are left out. */
struct submit_range {
    uint64_t first;
    uint64_t count; /* never 0 */
};

size_t submit_part_count(const struct submit *submit);
struct submit_range submit_part_range(const struct submit *submit, size_t part);
/* The part that holds the task. */
size_t submit_part_of(const struct submit *submit, uint64_t process);

/*
 * Whether the value of a command or macro may differ between tasks of one part: it says no only if
 * it is certain. Case is ignored; a name that is defined nowhere does not vary.
 */
bool submit_varies(const struct submit *submit, size_t part, const char *name);

/* What a task asks for if it does not say: one core and room for a small program. */
#define SUBMIT_CPUS_DEFAULT   ((uint64_t)1)
#define SUBMIT_MEMORY_DEFAULT ((uint64_t)128 * 1024 * 1024)
#define SUBMIT_DISK_DEFAULT   ((uint64_t)16 * 1024 * 1024)
/* The longest that a task may be expected to take: a year. */
#define SUBMIT_DURATION_MAX_MS ((uint64_t)366 * 24 * 60 * 60 * 1000)

/* Where the program runs: on the node itself, or in an image there. */
enum submit_universe { SUBMIT_VANILLA, SUBMIT_CONTAINER, SUBMIT_DOCKER };

enum submit_transfer {
    SUBMIT_TRANSFER_IF_NEEDED, /* unless both sides see the same file system */
    SUBMIT_TRANSFER_YES,
    SUBMIT_TRANSFER_NO,
};

enum submit_transfer_when {
    SUBMIT_TRANSFER_ON_EXIT,
    SUBMIT_TRANSFER_ON_EXIT_OR_EVICT,
    SUBMIT_TRANSFER_ON_SUCCESS,
    SUBMIT_TRANSFER_NEVER, /* together with SUBMIT_TRANSFER_NO only */
};

struct submit_list {
    const char **items; /* a NULL stands behind the last one */
    size_t count;
};

struct submit_remap {
    const char *from; /* the name in the task's folder */
    const char *to;   /* where it goes */
};

struct submit_attribute {
    const char *name;       /* without '+' or "MY." */
    const char *expression; /* a ClassAd expression of the old spelling */
    bool varies;            /* another task of the part may have another one, or none */
};

/*
 * One task's values. Texts that were not given are NULL; paths are as written, relative ones count
 * from `initialdir`, and that from where the user submitted. All texts live until the task is
 * expanded again or deinitialised, and no longer than the submit.
 */
struct submit_task {
    uint64_t cluster;
    uint64_t process;
    size_t part;

    enum submit_universe universe;
    const char *container_image;
    const char *docker_image;
    const char *executable; /* never NULL; "" in an image: the image's own program */
    bool transfer_executable;
    const char *arguments_text;     /* as written after expansion; "" if none */
    bool arguments_are_old;         /* of the old syntax */
    bool environment_is_old;        /* likewise, and written as "env" */
    struct submit_list arguments;   /* without the program's name */
    struct submit_list environment; /* "NAME=value", each name once, in the order of the text */
    const char *initialdir;
    const char *input;
    const char *output;
    const char *error;
    const char *log;

    enum submit_transfer should_transfer_files;
    enum submit_transfer_when when_to_transfer_output;
    struct submit_list transfer_input;
    struct submit_list transfer_output;
    bool transfer_output_given; /* an empty list that was given means: nothing */
    struct submit_remap *remaps;
    size_t remap_count;
    const char *remaps_text; /* as written, without the quotes */

    uint64_t request_cpus;
    uint64_t request_gpus;
    uint64_t request_memory_bytes;
    uint64_t request_disk_bytes;
    /* Where more than a number was written, or "undefined"; NULL otherwise. */
    const char *request_cpus_expression;
    const char *request_memory_expression;
    const char *request_disk_expression;
    const char *request_gpus_expression; /* a number likewise; NULL: none are asked for */
    const char *requirements;
    uint64_t expected_duration_ms; /* 0: it does not say how long it takes */
    const char *runtime;           /* "process", "container"; NULL: whatever the node has */
    const char *network;           /* "full", "none"; NULL: as "none" */

    bool hold;
    int64_t priority;
    bool max_retries_given;
    uint64_t max_retries;
    bool success_exit_code_given;
    int64_t success_exit_code;
    const char *retry_until;
    const char *on_exit_remove;
    const char *batch_name;
    /* What follows from other commands, each alone: "rank" gives Rank. In the manual's order. */
    struct submit_attribute *commands;
    size_t command_count;
    struct submit_attribute *attributes; /* custom ones, in the order of their first mention */
    size_t attribute_count;

    struct submit_task_memory *memory; /* owned; behind all of the above, reused */
};

void submit_task_init(struct submit_task *task);
void submit_task_deinit(struct submit_task *task);

/*
 * Computes the values of one task. `process` must be less than the task count. On failure the task
 * may be used again but holds nothing. Returns -EINVAL or -E2BIG, `err` as in submit_parse().
 */
int submit_expand(const struct submit *submit, uint64_t cluster, uint64_t process,
                  struct submit_task *task, struct error *err);
