/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of computer this node is, in HTCondor's words where it has them. */
#pragma once

#include "base/error.h"
#include "gpu.h"
#include "processor.h"
#include "speed.h"
#include "sys/hash.h"
#include "sys/platform.h"

#include <stdint.h>

struct computer {
    unsigned cpus;            /* that this process may use: affinity and cgroup limits count */
    uint64_t memory_bytes;    /* the smaller of what there is and what the cgroups allow */
    uint64_t disk_free_bytes; /* for us, below the state folder */
    char *kernel;             /* "6.1.0-18-amd64" */
    char *glibc;              /* "2.36" */
    char *hostname;
    struct platform platform;
    struct processor processor;
    uint64_t swap_bytes;
    struct gpu_list gpus;             /* that the drivers tell of */
    char fingerprint[HASH_TEXT_SIZE]; /* see below */
    struct speed speed;
};

#define COMPUTER_INIT ((struct computer){0})

/*
 * Finds out everything; `state_folder` must exist. The fingerprint is a hash over /etc/machine-id,
 * the firmware's number of the computer (for those who may not read it: the lowest address of a
 * network card that is built in), and the state folder's file system and inode: a cloned disk in
 * another computer and a copied folder each have another one; the same disk at another place has
 * not. Speed is measured (at most 100 ms) when STATE/speed does not have it for this CPU model.
 */
int computer_detect(const char *state_folder, struct computer *ret_computer, struct error *err);
void computer_deinit(struct computer *computer);

/* What an ordinary user could still write below this folder, in bytes. */
int computer_measure_disk(const char *folder, uint64_t *ret_bytes, struct error *err);
