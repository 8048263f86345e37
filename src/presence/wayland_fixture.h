/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compositor for the test of wayland.c, in a process of its own: a seat, and what tells who is
 * idle. It makes no window and draws nothing; what its seat does is said by the test.
 */
#pragma once

#include <stdbool.h>

/* Begins one in this folder and sets the environment so that it is found. */
void compositor_begin(const char *folder, bool tells_idle);
/* Nobody uses the seat any more; somebody does again. */
void compositor_pause(void);
void compositor_resume(void);
/* Returns when it has taken all that it was sent before. */
void compositor_settle(void);
/* It stands still, and goes on. */
void compositor_stop(void);
void compositor_continue(void);
void compositor_end(void);
