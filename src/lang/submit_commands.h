/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that HTCondor's submit language gives a meaning (condor_submit(1), version 23.9), and
 * what dusk does with each, and the few of dusk's own: one table, which the manual page
 * dusk-submit-commands(5) repeats.
 */
#pragma once

#include "base/buffer.h"

#include <stddef.h>

/* The commands whose values dusk itself looks at; all others only become attributes of the job. */
enum command {
    COMMAND_NONE,
    COMMAND_UNIVERSE, /* first: what else is needed depends on it */
    COMMAND_EXECUTABLE,
    COMMAND_TRANSFER_EXECUTABLE,
    COMMAND_ALLOW_ARGUMENTS_V1,
    COMMAND_ARGUMENTS,
    COMMAND_ARGUMENTS2,
    COMMAND_ALLOW_ENVIRONMENT_V1,
    COMMAND_ENVIRONMENT,
    COMMAND_ENVIRONMENT2,
    COMMAND_GETENV,
    COMMAND_INITIALDIR,
    COMMAND_INPUT,
    COMMAND_OUTPUT,
    COMMAND_ERROR,
    COMMAND_LOG,
    COMMAND_CONTAINER_IMAGE,
    COMMAND_DOCKER_IMAGE,
    COMMAND_SHOULD_TRANSFER_FILES,
    COMMAND_WHEN_TO_TRANSFER_OUTPUT,
    COMMAND_TRANSFER_INPUT_FILES,
    COMMAND_TRANSFER_OUTPUT_FILES,
    COMMAND_TRANSFER_OUTPUT_REMAPS,
    COMMAND_REQUEST_CPUS,
    COMMAND_REQUEST_GPUS,
    COMMAND_REQUEST_MEMORY,
    COMMAND_REQUEST_DISK,
    COMMAND_EXPECTED_DURATION,
    COMMAND_RUNTIME,
    COMMAND_NETWORK,
    COMMAND_REQUIREMENTS,
    COMMAND_HOLD,
    COMMAND_PRIORITY,
    COMMAND_MAX_RETRIES,
    COMMAND_SUCCESS_EXIT_CODE,
    COMMAND_RETRY_UNTIL,
    COMMAND_ON_EXIT_REMOVE,
    COMMAND_BATCH_NAME,
    COMMAND_ALLOW_UNDEFINED,
    COMMAND_COUNT,
};

/* What a submit file may expect of a command. */
enum command_effect {
    EFFECT_DONE,  /* it does what the manual says */
    EFFECT_NONE,  /* accepted; there is nothing here that it could change */
    EFFECT_LATER, /* accepted with a warning: it should change something, but does not yet */
};

/* How a value becomes the expression of the job's attribute. */
enum command_form {
    FORM_NONE,       /* not by itself: it is one of enum command, or nothing comes of it */
    FORM_EXPRESSION, /* as it is */
    FORM_STRING,
    FORM_NAME, /* a string, without the double quotes around it if it has some */
    FORM_LIST, /* a string: its words with "," between them */
    FORM_BOOLEAN,
    FORM_INTEGER,
    FORM_COUNT,     /* an integer that is not negative */
    FORM_MEGABYTES, /* a size in units of 1 MiB, or an expression */
    FORM_KILOBYTES, /* a size in units of 1 KiB */
    FORM_LIMITS,    /* concurrency limits: a string, sorted and in lower case */
    FORM_NOTIFICATION,
    FORM_SIGNAL,
    FORM_RUNTIME, /* a version such as 12.1, as 12010 */
    FORM_CUDA,    /* likewise, as 12001 */
};

#define COMMAND_SPELLING_COUNT_MAX 4

struct command_about {
    const char *name;      /* as the manual spells it */
    const char *attribute; /* of the job; NULL if none comes of it alone */
    enum command_effect effect;
    enum command_form form;
    const char *reason; /* a clause that says why, if the effect is not EFFECT_DONE */
    enum command command;
    /* What else it may be called, in the order in which they count; the attribute's name, too. */
    const char *others[COMMAND_SPELLING_COUNT_MAX];
};

/* Families whose members HTCondor does not list one by one: sites give resources their names. */
struct command_family {
    const char *prefix;
    enum command_effect effect;
    const char *reason;
};

/* The tables; each ends with an entry without a name. */
extern const struct command_about command_table[];
extern const struct command_family command_families[];

/* What the name means, or NULL if it is no command. Case is ignored. */
const struct command_about *command_find(const char *name);
/* The family of a name that is no command by itself, or NULL. */
const struct command_family *command_find_family(const char *name);
/* The command's spelling number `index` in the order in which they count, or NULL. */
const char *command_spelling(const struct command_about *about, size_t index);
/* The command that was probably meant, or NULL. */
const char *command_nearest(const char *name);

/*
 * Whether a resource can have that name: a letter first, then letters, digits and '_', two at least
 * (HTCondor's rule). Nodes have an attribute of that name.
 */
bool command_resource_is_valid(const char *resource);
/* "request_NAME", where HTCondor has no command of that name: the resource's name, else NULL. */
const char *command_resource(const char *name);
