/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dusk agent --session`: the helper of one desktop session, with the rights of its user. It tells
 * the agent of this computer when the desktop is used, and shows the user what the agent says.
 */
#pragma once

/* argv[0] is "agent". Returns the exit code: 0 the session is over, 1 it could not go on, 2 usage.
 */
int session_main(int argc, char **argv);
