/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the values of one task are read: submit_task.c has the frame and most of the readers,
 * submit_needs.c those of what a task needs, submit_request.c those of how much it needs,
 * submit_plain.c those of commands that are attributes of the job and nothing else.
 */
#pragma once

#include "list.h"
#include "submit_internal.h"

struct submit_task_memory {
    struct arena arena;
    struct buffer text; /* of the value that is being read */
    struct buffer made; /* of the expression that is made of it */
    struct list words;  /* likewise */
    struct list arguments;
    struct list environment;
    struct list transfer_input;
    struct list transfer_output;
    struct submit_remap *remaps; /* owned */
    size_t remap_capacity;
    struct submit_attribute *commands; /* owned */
    size_t command_capacity;
    struct submit_attribute *attributes; /* owned */
    size_t attribute_capacity;
};

enum request_kind { REQUEST_CPUS, REQUEST_GPUS, REQUEST_MEMORY, REQUEST_DISK, REQUEST_COUNT };

/* The values of one task being read. */
struct task_reader {
    const struct submit *submit;
    const struct part *part;
    struct submit_task *task;
    struct submit_task_memory *memory;
    struct expansion expansion;
    const struct definition *definition; /* whose value is being read */
    bool varies;                         /* it may be another one in another task of the part */
    bool is_blank;                       /* nothing but white space was given */
    /* What the commands before said, for those behind. */
    bool allow_arguments_v1;
    bool allow_environment_v1;
    bool transfer_executable_given;
    bool should_transfer_given;
    bool when_to_transfer_given;
    /* Of requests that are expressions, whose value is not known yet: what said so. */
    const struct definition *deferred[REQUEST_COUNT];
    struct error *err;
};

/*
 * Says which value is wrong, and in which task if it is not the same in all, and returns -EINVAL.
 */
int value_error(struct task_reader *reader, const char *format, ...) _printf_(2, 3);
/* The value in the task's own memory. */
const char *task_keep(struct task_reader *reader, struct slice value);

/* A word and what it stands for; an int, because each command has an enum of its own. */
struct word {
    const char *word;
    int value;
};

/* HTCondor knows more words than its manual: the usual ones stand first, in the hint too. */
int read_word(struct task_reader *reader, struct slice value, const struct word *words,
              size_t count, int *ret_value);
/* A whole number, or an expression with such a value that asks for nothing, as HTCondor has it. */
bool integer_parse(struct slice value, int64_t *ret_integer);
/* A signal by its name or number; ret_name may be NULL. False if it is neither. */
bool signal_parse(struct slice value, int32_t *ret_number, const char **ret_name);
int read_boolean(struct task_reader *reader, struct slice value, bool *ret_value);
/* Without double quotes around it, if it has some. */
struct slice without_quotes(struct slice value);
/* An expression, kept as it is; -EINVAL if it is none, which is looked at while the part is read.
 */
int read_expression(struct task_reader *reader, struct slice value, const char **ret_expression);

/* One of the commands of `enum command` that are given in the part; false if it is not. */
bool task_select(struct task_reader *reader, enum command command);

int read_universe(struct task_reader *reader, struct slice value);
int read_container_image(struct task_reader *reader, struct slice value);
int read_docker_image(struct task_reader *reader, struct slice value);
/* Whether universe, images and program go together. */
int check_universe(struct task_reader *reader);
/* A number counts at once, an expression when settle_requests() is called. */
int read_request_cpus(struct task_reader *reader, struct slice value);
int read_request_gpus(struct task_reader *reader, struct slice value);
int read_request_memory(struct task_reader *reader, struct slice value);
int read_request_disk(struct task_reader *reader, struct slice value);
/*
 * The same for who sets the attribute itself ("+RequestGPUs = 1"), which HTCondor matches by alike.
 * Other names are passed over.
 */
int read_request_attribute(struct task_reader *reader, const char *name, struct slice value);
/* Commands of dusk's own. */
int read_expected_duration(struct task_reader *reader, struct slice value);
int read_runtime(struct task_reader *reader, struct slice value);
int read_network(struct task_reader *reader, struct slice value);
/* HTCondor asks for as much as image_size and disk_usage say where nothing else is asked for. */
void apply_sizes(struct task_reader *reader);
/* Evaluates the requests that are expressions. All else of the task must have been published. */
int settle_requests(struct task_reader *reader);

/* Adds the attribute that a command without a reader of its own gives. */
int read_plain_command(struct task_reader *reader, const struct plain_command *plain,
                       struct slice value);
