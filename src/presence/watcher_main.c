/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See watcher_main.h. It runs one source as the agent runs its others, and says each piece of news
 * at once. After the first failure it ends: its parent begins anew.
 *
 * Of a root agent it is root until it is connected, because the file of XAUTHORITY may be closed to
 * others; what the desktop sends from then on is read by nobody.
 */
#define _GNU_SOURCE
#include "watcher_main.h"

#include "base/memory.h"
#include "base/number.h"
#include "presence.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "watcher_line.h"

#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ARGUMENTS = 6, NOBODY = 65534 };

/* Waits as long as the parent does not read: then that stands still itself. */
static void say(const struct watcher_line *line)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    watcher_line_write(&text, line);
    if (file_write_all(STDIN_FILENO, text.data, text.length) < 0)
        _exit(1);
}

static void on_used(void *userdata, uint64_t used_ms)
{
    uint64_t now_ms = clock_boot_ms();

    (void)userdata;
    say(&(struct watcher_line){.word = WATCHER_USED,
                               .ago_ms = now_ms > used_ms ? now_ms - used_ms : 0});
}

/* What lasts is only whether it can be seen, and that is asked for after each turn. */
static void on_lasts(void *userdata, enum owner_reason reason, bool holds)
{
    (void)userdata;
    (void)reason;
    (void)holds;
}

/* A change of user takes back that the kernel ends it with its parent. */
static bool die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool become_nobody(void)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
            setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

/* 0 as long as there is more to see. */
static int watch(uv_loop_t *loop, const struct presence *presence, pid_t parent)
{
    bool is_told = false;

    for (;;) {
        struct presence_view view = presence_view(presence, 0);

        if (view.works && !is_told) {
            if (!become_nobody() || !die_with(parent))
                return 1;
            say(&(struct watcher_line){.word = WATCHER_WORKS});
            is_told = true;
        } else if (view.has_failed) {
            say(&(struct watcher_line){.word = view.is_gone ? WATCHER_GONE : WATCHER_FAILS,
                                       .why = (char *)view.why_not});
            return 0;
        }
        uv_run(loop, UV_RUN_ONCE);
    }
}

int watcher_main(int argc, char **argv)
{
    struct presence_listener listener = {.on_used = on_used, .on_lasts = on_lasts};
    struct presence_options options = {.root = "", .is_watcher = true};
    uint64_t parent, nudge;
    uv_loop_t loop;

    if (argc != ARGUMENTS || presence_check(argv[2], NULL) < 0 ||
        number_parse_u64(slice_from_text(argv[3]), &parent) < 0 ||
        number_parse_u64(slice_from_text(argv[4]), &options.rest_ms) < 0 ||
        number_parse_u64(slice_from_text(argv[5]), &nudge) < 0)
        return 2;
    if (!die_with((pid_t)parent) || uv_loop_init(&loop) < 0)
        return 1;
    (void)prctl(PR_SET_NAME, "dusk");
    signal(SIGPIPE, SIG_IGN);
    options.sources = argv[2];
    options.nudge = (uint32_t)nudge;
    return watch(&loop, presence_new(&loop, &options, &listener), (pid_t)parent);
}
