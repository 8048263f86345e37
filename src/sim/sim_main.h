/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `dusk sim`: plays pools in virtual time. argv[0] is "sim"; returns the exit code. */
int sim_main(int argc, char **argv);
