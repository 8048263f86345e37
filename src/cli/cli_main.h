/* SPDX-License-Identifier: Apache-2.0 */
/* Where the binary's command line arrives. */
#pragma once

#include "help.h"

/*
 * Runs the command or program that argv[1] names and returns the exit code of the process. The
 * programs are an array up to one without a name, and are called with argv from their name on.
 */
int cli_main(int argc, char **argv, const struct program *programs);
