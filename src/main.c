/* SPDX-License-Identifier: Apache-2.0 */
/* The one binary: three programs that stay, and beside them the commands that people type. */
#include "agent/agent_main.h"
#include "cli/cli_main.h"
#include "presence/watcher_main.h"
#include "runtime/keeper.h"
#include "server/deliver_main.h"
#include "server/server_main.h"
#include "sim/sim_main.h"

#include <string.h>

static const struct program programs[] = {
    {"server", "keeps a pool: its queue, its nodes, its results", server_main, true},
    {"agent", "lends this computer to a pool", agent_main, true},
    {"sim", "plays a pool in virtual time, to find faults", sim_main, false},
    {0},
};

int main(int argc, char **argv)
{
    /* Helpers that only the agent and the server start, in processes of their own. */
    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], WATCHER_COMMAND) == 0)
        return watcher_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "deliver") == 0)
        return deliver_main(argc - 1, argv + 1);
    return cli_main(argc, argv, programs);
}
