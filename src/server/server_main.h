/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `dusk server`: runs until SIGTERM; returns the exit status. argv[0] is "server". */
int server_main(int argc, char **argv);
