/* SPDX-License-Identifier: Apache-2.0 */
/* The names that HTCondor's submit language gives a meaning, and what dusk does with each. */
#pragma once

#include "base/buffer.h"

/* The commands with effect; their names and the other spellings of them are in one table. */
enum command {
    COMMAND_EXECUTABLE,
    COMMAND_TRANSFER_EXECUTABLE,
    COMMAND_ARGUMENTS,
    COMMAND_ENVIRONMENT,
    COMMAND_GETENV,
    COMMAND_INITIALDIR,
    COMMAND_INPUT,
    COMMAND_OUTPUT,
    COMMAND_ERROR,
    COMMAND_LOG,
    COMMAND_SHOULD_TRANSFER_FILES,
    COMMAND_WHEN_TO_TRANSFER_OUTPUT,
    COMMAND_TRANSFER_INPUT_FILES,
    COMMAND_TRANSFER_OUTPUT_FILES,
    COMMAND_TRANSFER_OUTPUT_REMAPS,
    COMMAND_REQUEST_CPUS,
    COMMAND_REQUEST_MEMORY,
    COMMAND_REQUEST_DISK,
    COMMAND_UNIVERSE,
    COMMAND_HOLD,
    COMMAND_PRIORITY,
    COMMAND_MAX_RETRIES,
    COMMAND_BATCH_NAME,
    COMMAND_ALLOW_UNDEFINED,
    COMMAND_COUNT, /* none of them */
};

enum command_effect {
    EFFECT_FULL,  /* it is one of enum command */
    EFFECT_SHOWN, /* likewise, but nobody obeys it yet: worth a warning */
    EFFECT_NONE,  /* accepted; there is nothing in dusk that it could change */
    EFFECT_LATER, /* it should change something, but does not yet: worth a warning */
};

struct command_name {
    const char *name;
    enum command_effect effect;
    enum command command;
};

/* What the name means, or NULL if it is no command. Case is ignored. */
const struct command_name *command_find(const char *name);
/* The command's spelling number `index` in the order in which they count, or NULL. */
const char *command_spelling(enum command command, size_t index);
/* The command that was probably meant, or NULL. */
const char *command_nearest(const char *name);
