/* SPDX-License-Identifier: Apache-2.0 */
/* Why a program did not start: found out by the child that could not, put in words by the agent. */
#pragma once

#include "keeper_message.h"

/*
 * Finds out what execve(program) meant by `error`. Returns the step to report: the program itself,
 * the interpreter that its "#!" line or ELF header names, or the machine it was made for. In all
 * cases *ret_culprit becomes the caller's. To be called as the task's user in its folder.
 */
enum keeper_step keeper_failure_explain(const char *program, int error, char **ret_culprit);

/* Says it for people, with a hint; returns -failure->error. */
int keeper_failure_describe(const struct keeper_failure *failure, struct error *err);
