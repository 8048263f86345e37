/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes of a node: names, and ClassAd expressions as text. Both sides keep them in this
 * form, and neither looks into an expression here: who evaluates it does.
 *
 * A set is sorted by name, and no two names differ in case alone, as ClassAds have it. All of it is
 * bounded, because it comes from nodes and from scripts on them. A set of changes has the same
 * form: there, a value of NULL says that the attribute goes.
 *
 * As text a set is lines of `Name = expression`: HTCondor's old ClassAds, as `condor_status -long`
 * and the scripts of its startd's cron print them.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum {
    ATTRIBUTES_MAX = 512, /* in one set; twice as many in one of changes */
    ATTRIBUTE_NAME_LENGTH_MAX = 128,
    ATTRIBUTE_VALUE_LENGTH_MAX = 4096,
    ATTRIBUTES_SIZE_MAX = 64 * 1024 /* of a set as text */
};

struct attribute {
    char *name;  /* owned, as the value */
    char *value; /* NULL only in changes */
};

struct attributes {
    struct attribute *items; /* owned */
    size_t count;
    size_t capacity;
    size_t size; /* as text; kept, because each attribute that is set asks for it */
};

#define ATTRIBUTES_INIT ((struct attributes){0})

/* A node's string: which attributes of a job it wants to hear with a start, blanks between. */
#define ATTRIBUTE_OF_JOBS "DuskJobAttributes"

void attributes_deinit(struct attributes *attributes);
#define _cleanup_attributes_ _cleanup_(attributes_deinit)

/* Letters, digits and '_', no digit first, and no word that an expression has for itself. */
bool attribute_name_is_valid(const char *name);
/* One line of UTF-8 with something in it. */
bool attribute_value_is_valid(const char *value);

/*
 * Adds or replaces; copies both. -EINVAL if name or value is not valid, -E2BIG if there are too
 * many or they are too large together; the set stays as it was.
 */
int attributes_set(struct attributes *attributes, const char *name, const char *value,
                   struct error *err);
/*
 * The same for a string, as a literal of old ClassAds: in these only \" is special. What such a
 * literal cannot have becomes '?': control characters, and a backslash before a quote.
 */
int attributes_set_text(struct attributes *attributes, const char *name, const char *text,
                        struct error *err);
/*
 * For a set of changes, which may be twice as large: all of one set go, all of another come. NULL:
 * the attribute goes.
 */
int attributes_set_change(struct attributes *changes, const char *name, const char *value,
                          struct error *err);

/* The expression, which stays the set's; NULL if there is none. */
const char *attributes_get(const struct attributes *attributes, const char *name);

/* Makes the changes in the set, all of them or, if it gets too large (-E2BIG), none. */
int attributes_apply(struct attributes *attributes, const struct attributes *changes,
                     struct error *err);
/* What has to be applied to `from` to make it `to`, into an empty set. */
void attributes_compare(const struct attributes *from, const struct attributes *to,
                        struct attributes *changes);

/* Appends the set as lines. */
void attributes_write(const struct attributes *attributes, struct buffer *lines);
/*
 * Adds what the lines say; empty ones, comments behind '#' and lines that begin with '-', which
 * HTCondor's scripts print between their ads, say nothing. -EINVAL names the first line that makes
 * no sense; errors as above.
 */
int attributes_read(struct attributes *attributes, struct slice lines, struct error *err);
