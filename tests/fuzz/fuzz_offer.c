/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an admin offers, as any bytes: nothing may crash, what was refused changed nothing, an
 * amount is in its range, and a share comes to no more than the whole.
 */
#include "agent/offer.h"
#include "base/memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct computer computer = {
    .cpus = 3, .memory_bytes = UINT64_MAX, .disk_free_bytes = UINT64_MAX - 1, .gpus.count = 5};

static void check_amount(enum offer_part part, const struct offer_amount *amount)
{
    bool may_be_none = part == OFFER_GPUS || amount->kind == OFFER_ALL;

    if (amount->value == 0 && !may_be_none)
        abort();
    if (amount->kind == OFFER_SHARE && amount->value > 100)
        abort();
    if (amount->kind == OFFER_AMOUNT && amount->value > INT64_MAX)
        abort();
}

/* Nobody's share is more than all of it. */
static void check_shares(const struct offer *offer)
{
    struct resources all = offer_capacity(&OFFER_INIT, &computer);
    struct offer shares = *offer;
    struct resources capacity;

    for (size_t i = 0; i < OFFER_PART_COUNT; i++)
        if (shares.parts[i].kind == OFFER_AMOUNT)
            shares.parts[i] = (struct offer_amount){0};
    capacity = offer_capacity(&shares, &computer);
    if (capacity.cpus == 0 || !resources_fit(&capacity, &all))
        abort();
}

static void check(const struct offer *offer)
{
    for (enum offer_part part = 0; part < OFFER_PART_COUNT; part++)
        check_amount(part, &offer->parts[part]);
    check_shares(offer);
}

static bool is_untouched(const struct offer *offer)
{
    for (size_t i = 0; i < OFFER_PART_COUNT; i++)
        if (offer->parts[i].kind != OFFER_ALL)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = memory_copy_bytes(data, size);
    _cleanup_error_ struct error err = ERROR_INIT;
    struct offer line = OFFER_INIT, keys = OFFER_INIT;

    if (offer_read(&line, text, &err) < 0 && !is_untouched(&line))
        abort();
    check(&line);
    for (enum offer_part part = 0; part < OFFER_PART_COUNT; part++)
        if (offer_set(&keys, part, (struct slice){text, size}, &err) < 0 &&
            keys.parts[part].kind != OFFER_ALL)
            abort();
    check(&keys);
    return 0;
}
