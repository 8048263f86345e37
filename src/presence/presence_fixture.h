/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of sources: a folder that stands for the computer's files, a loop, and what is
 * heard. Nothing waits for a clock: what the kernel has to tell is there at once, and the sources'
 * own timers can be brought forward.
 */
#pragma once

#include "base/test.h"
#include "presence.h"

struct fixture {
    char root[64];
    uv_loop_t loop;
    uv_timer_t clock;                /* the fixture's own */
    struct presence_options options; /* all but sources and root may be set before beginning */
    struct presence *presence;
    unsigned int uses;
    uint64_t used_ms; /* of the last one */
    bool holds[OWNER_REASON_COUNT];
    bool held[OWNER_REASON_COUNT]; /* at any time until now */
};

/* For cmocka: an empty root. It is left to others to read. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* "root/path", valid until four more were asked for. */
const char *fixture_path(const struct fixture *fixture, const char *path);
void fixture_make_folder(const struct fixture *fixture, const char *path);
/* Appends the text to the file, which is made if it is not there. */
void fixture_write(const struct fixture *fixture, const char *path, const char *text);

/* Begins to watch by these sources, in the root. */
void fixture_begin(struct fixture *fixture, const char *sources);
/* Lets the loop take whatever is there, without any time going by. */
void fixture_settle(struct fixture *fixture);
/* The same, and whatever timers are set to comes, */
void fixture_pass_time(struct fixture *fixture);
/* or only what they are set to now, and not what follows. */
void fixture_pass_look(struct fixture *fixture);
/* For what another process has to do; the test's own time ends it. */
#define WAIT_UNTIL(fixture, condition)                                                             \
    while (!(condition))                                                                           \
    uv_run(&(fixture)->loop, UV_RUN_ONCE)

/* What the only source says. */
struct presence_view fixture_view(const struct fixture *fixture);

/*
 * Gives up root's rights, or takes them again, so that files can be closed to the test. A user that
 * never had them stays who he is.
 */
void fixture_become_ordinary(void);
void fixture_become_self(void);
