/* SPDX-License-Identifier: Apache-2.0 */
/* See agent_socket.h. Agents choose the same places themselves: agent/settings.c. */
#include "agent_socket.h"

#include "base/memory.h"
#include "file.h"

#include <stdlib.h>
#include <unistd.h>

char *agent_socket_find(const char *given)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
    const char *named = getenv("DUSK_AGENT_SOCKET");
    _cleanup_free_ char *own = runtime ? file_join(runtime, "dusk/agent.socket") : NULL;
    _cleanup_free_ char *state =
        home ? file_join(home, ".local/state/dusk/agent/agent.socket") : NULL;
    const char *const places[] = {own, state, "/run/dusk/agent.socket"};

    if (given || (named && *named))
        return memory_copy_string(given ? given : named);
    for (size_t i = 0; i < ARRAY_LENGTH(places) - 1; i++)
        if (places[i] && access(places[i], F_OK) == 0)
            return memory_copy_string(places[i]);
    return memory_copy_string(places[ARRAY_LENGTH(places) - 1]);
}
