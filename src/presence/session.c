/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See session.h. `auto` takes this source wherever helpers can be heard, and then they add what
 * they see to the other sources; a session without one is what it was without this.
 *
 * Who asks for it by name relies on it: then each desktop that logind knows must have a helper of
 * its user who sees it. Where there is no logind nobody knows which desktops there are, and one
 * helper at least must be there.
 */
#include "session.h"

#include "base/memory.h"
#include "seated.h"
#include "source.h"

#include <errno.h>
#include <string.h>

struct session_helper {
    struct session_helper *next;
    uid_t uid;
    bool is_watching;
    char *why_not; /* owned; NULL: he watches, or has not said yet */
};

/* ---- by name ---- */

/* The first desktop that nobody sees. */
struct search {
    const struct session_helper *helpers;
    bool is_blind;
    uid_t uid;
};

static bool somebody_watches(const struct session_helper *helpers)
{
    for (; helpers; helpers = helpers->next)
        if (helpers->is_watching)
            return true;
    return false;
}

static bool is_watched(const struct session_helper *helpers, uid_t uid)
{
    for (; helpers; helpers = helpers->next)
        if (helpers->uid == uid && helpers->is_watching)
            return true;
    return false;
}

static void look_at_desktop(void *userdata, uid_t uid)
{
    struct search *search = userdata;

    if (search->is_blind || is_watched(search->helpers, uid))
        return;
    search->is_blind = true;
    search->uid = uid;
}

static int refuse_blind(const struct session_helper *helpers, struct error *err)
{
    for (; helpers; helpers = helpers->next)
        if (helpers->why_not)
            return error_set(err, -ENODATA, "the desktop of user %u is not seen: %s",
                             (unsigned int)helpers->uid, helpers->why_not);
    return 0;
}

static int look(struct source *source, struct error *err)
{
    struct search search = {.helpers = *presence_helpers(source->presence)};
    int r = refuse_blind(search.helpers, err);

    if (r < 0)
        return r;
    if (seated_each_desktop(source->options->root, look_at_desktop, &search) < 0 &&
        !somebody_watches(search.helpers)) {
        error_set(err, -ENODATA, "no desktop session has a helper here");
        error_hint(err, "start 'dusk agent --session' in it");
        return -ENODATA;
    }
    if (!search.is_blind)
        return 0;
    error_set(err, -ENODATA, "nobody watches the desktop of user %u", (unsigned int)search.uid);
    error_hint(err, "start 'dusk agent --session' in it");
    return -ENODATA;
}

/* ---- the source ---- */

static bool is_asked_by_name(const struct presence_options *options)
{
    return strcmp(options->sources, "auto") != 0;
}

static bool is_here(const struct presence_options *options)
{
    return options->hears_sessions;
}

static int session_open(struct source *source, struct error *err)
{
    if (!source->options->hears_sessions) {
        error_set(err, -ENOTCONN, "the agent has no socket at which a helper could be heard");
        error_hint(err, "'owner_socket' in its settings says where that is");
        return -ENOTCONN;
    }
    return is_asked_by_name(source->options) ? source_look(source, SOURCE_LOOK_MS, look, err) : 0;
}

/* Helpers or what they see are others than before. */
static void follow(struct presence *presence)
{
    struct source *source = presence_source(presence, &source_session);

    if (!source || !is_asked_by_name(source->options))
        return;
    if (source->works)
        source_look_now(source);
    else
        source_try_again(source);
}

struct session_helper *session_come(struct presence *presence, uid_t uid)
{
    struct session_helper *helper = memory_allocate(sizeof(*helper));
    struct session_helper **helpers = presence_helpers(presence);

    *helper = (struct session_helper){.next = *helpers, .uid = uid};
    *helpers = helper;
    return helper;
}

void session_watches(struct presence *presence, struct session_helper *helper, const char *why_not)
{
    char *copy = why_not ? memory_copy_string(why_not) : NULL;

    free(helper->why_not);
    helper->why_not = copy;
    helper->is_watching = !why_not;
    follow(presence);
}

void session_used(struct presence *presence, uint64_t ago_ms)
{
    struct source *source = presence_source(presence, &source_session);

    if (source && ago_ms == 0)
        source_used(source);
    else if (source)
        source_used_before(source, ago_ms);
}

static void helper_free(struct session_helper *helper)
{
    free(helper->why_not);
    free(helper);
}

void session_go(struct presence *presence, struct session_helper *helper)
{
    struct session_helper **at = presence_helpers(presence);

    while (*at != helper)
        at = &(*at)->next;
    *at = helper->next;
    helper_free(helper);
    session_used(presence, 0);
    follow(presence);
}

void session_free_all(struct session_helper *helpers)
{
    while (helpers) {
        struct session_helper *helper = helpers;

        helpers = helper->next;
        helper_free(helper);
    }
}

const struct source_kind source_session = {
    .name = "session", .is_here = is_here, .open = session_open};
