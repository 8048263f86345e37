/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a task saves itself, and how it is told to leave: checkpoint_exit_code and its kin
 * (condor_submit(1); HTCondor's manual, "Self-Checkpointing Applications"). Each is a job
 * attribute, which "+Name = value" may give as well, and then that counts.
 */
#pragma once

#include "list.h"
#include "submit.h"

#include "base/arena.h"

struct submit_saving {
    int32_t exit_code;   /* by which its program says that it has saved itself; -1: by none */
    int32_t exit_signal; /* or of which signal it dies then; 0: of none */
    bool saves_to_leave; /* what it leaves when it is told to go is a checkpoint */
    bool files_given;
    struct list files;   /* if given: these are its checkpoint; else its outputs are */
    int32_t kill_signal; /* that tells it to go; 0: it does not say */
    bool vacate_given;
    uint64_t vacate_ms; /* and how long it wants after that */
    struct arena memory;
};

#define SUBMIT_SAVING_INIT      ((struct submit_saving){.exit_code = -1})
#define _cleanup_submit_saving_ _cleanup_(submit_saving_deinit)

void submit_saving_deinit(struct submit_saving *saving);

/*
 * What the task says; `ret_saving` must be initialised, and is valid without the task. A value that
 * only a node could work out (job_max_vacate_time = f(TARGET…)) counts as not given.
 */
void submit_saving_read(const struct submit_task *task, struct submit_saving *ret_saving);
