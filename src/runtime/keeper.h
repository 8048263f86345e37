/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: the small process that is the parent of all tasks of one agent, so that an agent may
 * be killed and started again while its tasks go on and no exit status is lost.
 *
 * It is the hidden command `dusk keeper`, started by keeper_start() (keeper_client.h) and by nobody
 * else. doc/specification/keeper.md says what it promises.
 */
#pragma once

/* What a program must have as argv[1] to be the keeper; its main() then calls keeper_main(). */
#define KEEPER_COMMAND "keeper"

/*
 * Runs the keeper until it has no task and no agent, and returns the exit status of the process.
 * Arguments: PROGRAM keeper STATE_FOLDER ABANDON_AFTER_MS; descriptor 3 is the listening socket.
 */
int keeper_main(int argc, char **argv);
