/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See pressure.h. The tree of groups is gone down from its root only where something of ours is, so
 * that what is looked at are the children of few groups: user.slice, init.scope and the services of
 * system.slice but one, if the agent is a service.
 */
#include "pressure.h"

#include "base/number.h"
#include "lang/text.h"
#include "reading.h"
#include "sys/file.h"

#include <string.h>

/* Far more than there are between an agent and the root; whoever makes more is not looked into. */
enum { DEPTH_MAX = 32 };

static const double percent_max = 100;

/* ---- one file ---- */

/* "avg10=1.23", the first word behind "some" or "full". */
static bool read_average(struct slice line, double *ret_percent)
{
    struct slice word = text_take_word(&line, "");
    double percent;

    if (!slice_equals(text_take(&word, '='), "avg10") || number_parse_double(word, &percent) < 0 ||
        percent < 0 || percent > percent_max)
        return false;
    *ret_percent = percent;
    return true;
}

bool pressure_read(const char *folder, const char *name, struct pressure *ret_pressure)
{
    _cleanup_free_ char *text = reading_text(folder, name);
    struct slice rest = slice_from_text(text);
    struct pressure pressure = {0};
    bool has_some = false, has_full = false;

    while (rest.length > 0) {
        struct slice line = text_take(&rest, '\n'), kind = text_take_word(&line, "");

        if (slice_equals(kind, "some"))
            has_some = read_average(line, &pressure.some);
        else if (slice_equals(kind, "full"))
            has_full = read_average(line, &pressure.full);
    }
    if (has_some && has_full)
        *ret_pressure = pressure;
    return has_some && has_full;
}

/* ---- groups ---- */

struct walk {
    const char *own;    /* the agent's group */
    const char *file;   /* of a group: "io.pressure" */
    const char *folder; /* the group that is looked into; NULL: none yet */
    unsigned int depth;
    bool found;
    double percent;
};

static bool is_of_dusk(const char *name)
{
    return strcmp(name, "dusk.slice") == 0 || strncmp(name, "dusk-", strlen("dusk-")) == 0;
}

static void notice_dusk(void *userdata, const char *name)
{
    bool *holds = userdata;

    *holds = *holds || is_of_dusk(name);
}

/* Whether the agent is in the group or below it, or something of dusk stands in it. */
static bool holds_ours(const struct walk *walk, const char *group)
{
    size_t length = strlen(group);
    bool holds = strncmp(walk->own, group, length) == 0 &&
                 (walk->own[length] == '/' || walk->own[length] == '\0');

    if (!holds)
        (void)reading_each(group, notice_dusk, &holds, NULL);
    return holds;
}

static void look_into(struct walk *walk, const char *group);

/* The files beside the groups have nothing below them, and so need not be told from groups. */
static void look_at(void *userdata, const char *name)
{
    struct walk *walk = userdata;
    _cleanup_free_ char *group = file_join(walk->folder, name);
    struct pressure pressure;

    if (is_of_dusk(name))
        return;
    if (holds_ours(walk, group)) {
        look_into(walk, group);
    } else if (pressure_read(group, walk->file, &pressure)) {
        walk->found = true;
        walk->percent = pressure.some > walk->percent ? pressure.some : walk->percent;
    }
}

static void look_into(struct walk *walk, const char *group)
{
    const char *above = walk->folder;

    if (walk->depth == DEPTH_MAX)
        return;
    walk->folder = group;
    walk->depth++;
    (void)reading_each(group, look_at, walk, NULL);
    walk->depth--;
    walk->folder = above;
}

bool pressure_beside(const struct presence_options *options, const char *resource,
                     double *ret_percent)
{
    _cleanup_buffer_ struct buffer file = BUFFER_INIT;
    _cleanup_free_ char *tree = NULL, *own = NULL;
    struct walk walk = {0};

    if (!options->groups)
        return false;
    tree = source_path(options, options->groups);
    own = source_path(options, options->own_group);
    buffer_appendf(&file, "%s.pressure", resource);
    walk.own = own;
    walk.file = buffer_text(&file);
    look_into(&walk, tree);
    if (walk.found)
        *ret_percent = walk.percent;
    return walk.found;
}
