/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See command.h. The order is that of `dusk help`: the life of a job, then the computers, then who
 * may come, then dusk itself.
 */
#include "command.h"

#include <string.h>

const struct command *const commands[] = {
    &command_submit, &command_run,     &command_q,       &command_history, &command_watch,
    &command_wait,   &command_tail,    &command_fetch,   &command_why,     &command_rm,
    &command_hold,   &command_release, &command_status,  &command_node,    &command_drain,
    &command_stats,  &command_image,   &command_owner,   &command_token,   &command_login,
    &command_config, &command_classad, &command_version, &command_help,
};
const size_t command_count = ARRAY_LENGTH(commands);

const struct command *commands_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}
