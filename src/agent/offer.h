/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the computer its admin offers to the pool, in his words and in numbers. An amount is
 * absolute (2, 8G), or a share (50 %) of what would be lent if nobody said anything, so that 100 %
 * changes nothing. What an absolute amount says counts, also if that is more than there is: an
 * admin may know of GPUs that no driver tells of.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "core/words.h"
#include "runtime/computer.h"

#include <stdint.h>

enum offer_part { OFFER_CPUS, OFFER_MEMORY, OFFER_DISK, OFFER_GPUS, OFFER_PART_COUNT };

enum offer_kind { OFFER_ALL, OFFER_AMOUNT, OFFER_SHARE };

struct offer_amount {
    enum offer_kind kind;
    uint64_t value; /* a number, bytes, or percent; of OFFER_ALL nothing */
};

struct offer {
    struct offer_amount parts[OFFER_PART_COUNT];
};

#define OFFER_INIT ((struct offer){0}) /* all of everything */

/*
 * One amount, as the keys `cpus`, `memory`, `disk` and `gpus` have it: a number for the first and
 * the last, a size for the others, or whole percent of either. -EINVAL: it is none, or it is none
 * of it at all, which only GPUs may be; the error says only what is wrong, and has a hint.
 */
int offer_set(struct offer *offer, enum offer_part part, struct slice text, struct error *err);

/*
 * The key `offer`: "cpus 50 %, memory 8 GB", any of the four in any order, each once. Those that
 * are not named become OFFER_ALL. On -EINVAL, with an error as above, *offer is as it was.
 */
int offer_read(struct offer *offer, const char *text, struct error *err);

/*
 * Adds what the key `offer` said to what the four keys did. -EINVAL if both name a part: the error
 * says which. *offer may be half filled then.
 */
int offer_join(struct offer *offer, const struct offer *line, struct error *err);

/*
 * What that is on this computer. All of it is: the processors and the GPUs that were found, the
 * memory less a twentieth, and what is free on the disk. Shares are rounded down, those of the
 * processors to 1 at least.
 */
struct resources offer_capacity(const struct offer *offer, const struct computer *computer);
