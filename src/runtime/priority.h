/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who goes first for the processors and the disk. Of dusk's own processes those that give the
 * computer back go before everybody, since they are needed when it is busiest and use next to
 * nothing; work that can wait goes behind; and tasks have what nobody else wants.
 *
 * All of it is a wish: what the kernel refuses (an ordinary user who wants to go first) stays as it
 * is. All may be called in a child between fork and exec.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* For the agent and its keeper. */
void priority_go_first(void);
/*
 * The kernel may take each session for a group, within which alone nice values count (sched(7),
 * "The autogroup feature"). For a session that is dusk's own, the agent's or its keeper's: raises
 * it.
 */
void priority_raise_session(void);
/*
 * Also before all that control groups prefer (SCHED_RR, sched(7)): for a keeper whose own group
 * gives way. It sleeps but for moments. What it starts is as anybody. False: it is refused.
 */
bool priority_go_before_all(void);
/* Whoever they start is as anybody again, unless it says otherwise: nice(2) 0 and up. */
void priority_set_nice(int nice);
/* For what copies, removes and measures meanwhile. */
void priority_wait(void);
/*
 * For a task's process, and whatever that starts from now on: it has the processor when nobody else
 * wants it (SCHED_IDLE, sched(7)), and so the disk (ioprio_set(2)).
 */
void priority_give_way(pid_t pid);
