/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that watches one desktop for the source that has started it (watcher.h). Its socket
 * is standard input; what it is, it finds in the environment as the parent would.
 */
#pragma once

#define WATCHER_COMMAND "watch-desktop"

/* dusk watch-desktop SOURCE PARENT REST_MS NUDGE */
int watcher_main(int argc, char **argv);
