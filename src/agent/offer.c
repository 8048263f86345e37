/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See offer.h. First come the words: one amount, then the line that has several. What they mean on
 * a computer is found out last and by nobody else, because a share has no number before.
 */
#include "offer.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/spelling.h"
#include "lang/text.h"

#include <errno.h>
#include <string.h>

enum { GPUS_MAX = 256 }; /* no computer has so many; their names have room in a note */
enum { WHOLE_PERCENT = 100 };
enum { MEMORY_KEPT_PARTS = 20 }; /* one of them stays with the owner's own programs */

static const char example[] = "cpus 50 %, memory 8 GB";

static const struct {
    const char *name;
    bool is_size;
    uint64_t least; /* also in percent */
    uint64_t most;
} parts[OFFER_PART_COUNT] = {
    [OFFER_CPUS] = {"cpus", false, 1, UINT16_MAX},
    [OFFER_MEMORY] = {"memory", true, 1, INT64_MAX}, /* because JSON carries no more */
    [OFFER_DISK] = {"disk", true, 1, INT64_MAX},
    [OFFER_GPUS] = {"gpus", false, 0, GPUS_MAX},
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

/* ---- the line ---- */

static int refuse_name(const char *name, struct error *err)
{
    const char *names[OFFER_PART_COUNT], *nearest;

    for (size_t i = 0; i < OFFER_PART_COUNT; i++)
        names[i] = parts[i].name;
    nearest = spelling_nearest(name, names, OFFER_PART_COUNT);
    error_set(err, -EINVAL, "'%s' is none of cpus, memory, disk and gpus", name);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err, "say what and how much of it, as in '%s'", example);
    return -EINVAL;
}

/* OFFER_PART_COUNT if there is none of that name. */
static enum offer_part find_part(const char *name)
{
    size_t part = 0;

    while (part < OFFER_PART_COUNT && strcmp(parts[part].name, name) != 0)
        part++;
    return (enum offer_part)part;
}

/* "cpus 50 %" */
static int read_item(struct offer *offer, struct slice item, struct error *err)
{
    struct slice amount = item;
    _cleanup_free_ char *name = slice_copy(text_take_word(&amount, ""));
    enum offer_part part = find_part(name);
    int r;

    if (name[0] == '\0') {
        error_set(err, -EINVAL, "there is a comma too many, or nothing at all");
        error_hint(err, "say what and how much of it, as in '%s'", example);
        return -EINVAL;
    }
    if (part == OFFER_PART_COUNT)
        return refuse_name(name, err);
    if (offer->parts[part].kind != OFFER_ALL) {
        error_set(err, -EINVAL, "'%s' is there twice", name);
        error_hint(err, "take out one of them");
        return -EINVAL;
    }
    r = offer_set(offer, part, amount, err);
    return r < 0 ? error_prefix(err, r, "%s", name) : 0;
}

int offer_read(struct offer *offer, const char *text, struct error *err)
{
    struct offer line = OFFER_INIT;

    /* By hand, because a comma at the end has an item behind it that is missing. */
    for (;;) {
        size_t length = strcspn(text, ",");
        int r = read_item(&line, (struct slice){text, length}, err);

        if (r < 0)
            return r;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *offer = line;
    return 0;
}

int offer_join(struct offer *offer, const struct offer *line, struct error *err)
{
    for (size_t i = 0; i < OFFER_PART_COUNT; i++) {
        const char *name = parts[i].name;

        if (line->parts[i].kind == OFFER_ALL)
            continue;
        if (offer->parts[i].kind != OFFER_ALL) {
            error_set(err, -EINVAL, "'offer' and '%s' both say how much is lent", name);
            error_hint(err, "take out either the key '%s', or '%s' from 'offer'", name, name);
            return -EINVAL;
        }
        offer->parts[i] = line->parts[i];
    }
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
