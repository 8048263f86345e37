/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a submit text comes from: what messages call it, and the folder that relative paths count
 * from. And a walk over those of its tasks that differ in something.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "lang/submit.h"

struct origin {
    const char *name;   /* "sweep.sub" */
    struct slice text;  /* as the user wrote it */
    const char *folder; /* absolute: where he submits from */
};

/*
 * The absolute path that a task means with `name`, from its initial folder; and where its
 * executable is found, which HTCondor looks up from where the user submits. The caller's.
 */
char *origin_path(const struct origin *origin, const struct submit_task *task, const char *name);
char *origin_executable_path(const struct origin *origin, const struct submit_task *task);

/*
 * Sets an error about the value of a command: "sweep.sub:7: ", with the line that sets it if that
 * can be found. `command` may name several spellings: "executable|Cmd".
 */
int origin_error(const struct origin *origin, const char *command, int code, struct error *err,
                 const char *format, ...) _printf_(5, 6);

/*
 * Calls `visit` for one task of each part, or, if one of the named commands may vary in the part,
 * for each of its tasks, of which no more than `limit` are looked at and always the last. A
 * negative value from `visit` ends the walk and is passed on.
 */
int origin_walk(const struct submit *submit, const char *const *names, size_t name_count,
                uint64_t limit,
                int (*visit)(void *userdata, const struct submit_task *task, struct error *err),
                void *userdata, struct error *err);
