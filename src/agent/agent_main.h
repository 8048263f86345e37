/* SPDX-License-Identifier: Apache-2.0 */
/* `dusk agent`: lends this computer to a pool. Stays in the foreground until it is told to leave.
 */
#pragma once

/* argv[0] is "agent". Returns the exit code: 0 it left, 1 it could not go on, 2 wrong usage. */
int agent_main(int argc, char **argv);
