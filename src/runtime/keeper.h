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

/* What holds a task's processes together: control groups where they work, or sessions always. */
#define KEEPER_HOLDS_GROUPS   "groups"
#define KEEPER_HOLDS_SESSIONS "sessions"

/* Whether tasks give way to everything else on the computer (priority.h), or compete with it. */
#define KEEPER_GIVES_WAY "gives-way"
#define KEEPER_COMPETES  "competes"

/* The descriptor on which a keeper finds its listening socket. */
enum { KEEPER_LISTENER = 3 };

/*
 * Leaves the caller's process behind, runs the keeper until it has no task and no agent, and
 * returns the exit status. Arguments: PROGRAM keeper ABANDON_AFTER_MS groups|sessions
 * gives-way|competes STATE_FOLDER.
 */
int keeper_main(int argc, char **argv);
