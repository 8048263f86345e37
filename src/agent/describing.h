/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's attributes as far as the agent finds them out itself, under HTCondor's names and in
 * its units where it has them (condor_startd's machine ClassAd): memory in MB, disk in KB.
 *
 * What is not known is absent, which expressions take for UNDEFINED: KeyboardIdle as long as
 * nobody watches the keyboard, HasDocker as long as no container can run here.
 */
#pragma once

#include "core/words.h"
#include "runtime/computer.h"
#include "wire/attributes.h"

struct described {
    const struct computer *computer;
    struct resources capacity; /* what is lent */
    const char *name;          /* of the node */
    bool is_contained;         /* its tasks are, */
    bool has_network;          /* and can have the node's network */
    double started_at;         /* the agent; seconds since 1970 */
};

/* Adds what stays as it is as long as the agent runs. */
void describe_node(const struct described *node, struct attributes *attributes);

/*
 * Adds the time of day and the day of the week, as expressions of time(): so they are right
 * whenever somebody looks, and need to be told anew only when summer time begins or ends.
 */
void describe_clock(int32_t utc_offset_seconds, struct attributes *attributes);

/* What changes by itself; negative: not known. */
struct load {
    double all;   /* processes that run or want to, as uptime(1) shows for the last minute */
    double tasks; /* processors that the pool's tasks have used lately */
};

/* For so many seconds nobody has used the computer. */
void describe_idle(uint64_t seconds, struct attributes *attributes);
void describe_load(const struct load *load, struct attributes *attributes);
/*
 * Whether the load is so much another that it is worth a message: a pool of 100,000 nodes must not
 * talk about tenths.
 */
bool load_is_other(const struct load *told, const struct load *now);

/*
 * -EINVAL if the attribute is not an admin's or a script's to set, in which case the hint says what
 * is, or its value is no expression.
 */
int describing_check(const struct attribute *attribute, struct error *err);
