/* SPDX-License-Identifier: Apache-2.0 */
/* Why a program did not start: found out by the child that could not, put in words by the agent. */
#pragma once

#include "keeper_message.h"

enum { KEEPER_CULPRIT_SIZE = 4096 };

/*
 * Finds out what execve(program) meant by `error`. Returns the step to report: the program itself,
 * the interpreter that its "#!" line or ELF header names, or the machine it was made for, and what
 * that is called. To be called as the task's user in its folder; allocates nothing (vfork_into.h).
 */
enum keeper_step keeper_failure_explain(const char *program, int error,
                                        char ret_culprit[KEEPER_CULPRIT_SIZE]);

/* Says it for people, with a hint; returns -failure->error. */
int keeper_failure_describe(const struct keeper_failure *failure, struct error *err);
