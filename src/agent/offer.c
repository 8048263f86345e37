/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See offer.h. What an amount means on a computer is found out here and by nobody else, because a
 * share has no number before.
 */
#include "offer.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>

enum { GPUS_MAX = 256 }; /* no computer has so many; their names have room in a note */
enum { WHOLE_PERCENT = 100 };
enum { MEMORY_KEPT_PARTS = 20 }; /* one of them stays with the owner's own programs */

static const struct {
    bool is_size;
    uint64_t least; /* also in percent */
    uint64_t most;
} parts[OFFER_PART_COUNT] = {
    [OFFER_CPUS] = {false, 1, UINT16_MAX},
    [OFFER_MEMORY] = {true, 1, INT64_MAX}, /* because JSON carries no more */
    [OFFER_DISK] = {true, 1, INT64_MAX},
    [OFFER_GPUS] = {false, 0, GPUS_MAX},
};

/* ---- one amount ---- */

static int refuse_share(enum offer_part part, const char *text, struct error *err)
{
    error_set(err, -EINVAL, "'%s' is no share from %u %% to %d %%", text,
              (unsigned)parts[part].least, WHOLE_PERCENT);
    error_hint(err, "say a whole number before the '%%', as in 50 %%");
    return -EINVAL;
}

static int refuse_amount(enum offer_part part, const char *text, struct error *err)
{
    if (parts[part].is_size)
        error_set(err, -EINVAL, "'%s' is no size such as 500M, 8G or 1.5T", text);
    else
        error_set(err, -EINVAL, "'%s' is no number from %u to %u", text,
                  (unsigned)parts[part].least, (unsigned)parts[part].most);
    error_hint(err, "a share of what there is may be said as well, as in 50 %%");
    return -EINVAL;
}

int offer_set(struct offer *offer, enum offer_part part, struct slice text, struct error *err)
{
    struct slice number = slice_trim(text);
    bool is_share = number.length > 0 && number.data[number.length - 1] == '%';
    _cleanup_free_ char *said = slice_copy(number);
    uint64_t most = is_share ? WHOLE_PERCENT : parts[part].most, value = 0;
    int r;

    number.length -= is_share;
    if (parts[part].is_size && !is_share)
        r = number_parse_size(number, 1, &value);
    else
        r = number_parse_u64(number, &value);
    if (r < 0 || value < parts[part].least || value > most)
        return is_share ? refuse_share(part, said, err) : refuse_amount(part, said, err);
    offer->parts[part] =
        (struct offer_amount){.kind = is_share ? OFFER_SHARE : OFFER_AMOUNT, .value = value};
    return 0;
}

/* ---- on a computer ---- */

/* In two steps, because a hundred times the whole need not have room. */
static uint64_t share_of(uint64_t whole, uint64_t percent)
{
    return whole / WHOLE_PERCENT * percent + whole % WHOLE_PERCENT * percent / WHOLE_PERCENT;
}

static uint64_t amount_of(const struct offer_amount *amount, uint64_t whole)
{
    switch (amount->kind) {
    case OFFER_AMOUNT:
        return amount->value;
    case OFFER_SHARE:
        return share_of(whole, amount->value);
    case OFFER_ALL:
        break;
    }
    return whole;
}

struct resources offer_capacity(const struct offer *offer, const struct computer *computer)
{
    const struct offer_amount *said = offer->parts;
    uint64_t memory = computer->memory_bytes - computer->memory_bytes / MEMORY_KEPT_PARTS;
    uint32_t cpus = (uint32_t)amount_of(&said[OFFER_CPUS], computer->cpus);

    return (struct resources){
        .cpus = cpus > 0 ? cpus : 1,
        .memory = amount_of(&said[OFFER_MEMORY], memory),
        .disk = amount_of(&said[OFFER_DISK], computer->disk_free_bytes),
        .gpus = (uint32_t)amount_of(&said[OFFER_GPUS], computer->gpus.count),
    };
}
