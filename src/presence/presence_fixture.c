/* SPDX-License-Identifier: Apache-2.0 */
/* See presence_fixture.h. */
#include "presence_fixture.h"

#include "base/memory.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A source takes what there is in one turn, but for what its timers and closing handles do. */
enum { TURNS = 10, NOBODY = 65534, REST_MS = 1000 };

static struct fixture fixture;

int fixture_set_up(void **state)
{
    fixture = (struct fixture){.root = "/tmp/dusk-presence-XXXXXX"};
    *state = &fixture;
    if (!mkdtemp(fixture.root) || chmod(fixture.root, 0755) < 0)
        return -1;
    if (uv_loop_init(&fixture.loop) < 0)
        return -1;
    return uv_timer_init(&fixture.loop, &fixture.clock);
}

int fixture_tear_down(void **state)
{
    (void)state;
    fixture_become_self();
    presence_free(fixture.presence);
    uv_close((uv_handle_t *)&fixture.clock, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&fixture.loop) != 0)
        return -1;
    return file_remove_tree(fixture.root, NULL);
}

const char *fixture_path(const struct fixture *of, const char *path)
{
    static char paths[4][256];
    static unsigned int next;
    char *whole = paths[next++ % 4];

    snprintf(whole, sizeof(*paths), "%s/%s", of->root, path);
    return whole;
}

void fixture_make_folder(const struct fixture *of, const char *path)
{
    assert_int_equal(file_make_folders(fixture_path(of, path), 0755, NULL), 0);
}

void fixture_write(const struct fixture *of, const char *path, const char *text)
{
    int fd = open(fixture_path(of, path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void on_used(void *userdata, uint64_t used_ms)
{
    struct fixture *heard = userdata;

    heard->uses++;
    heard->used_ms = used_ms;
}

static void on_lasts(void *userdata, enum owner_reason reason, bool holds)
{
    struct fixture *heard = userdata;

    heard->holds[reason] = holds;
    heard->held[reason] = heard->held[reason] || holds;
}

void fixture_begin(struct fixture *to, const char *sources)
{
    struct presence_listener listener = {on_used, on_lasts, to};

    to->options.sources = sources;
    to->options.root = to->root;
    to->options.rest_ms = REST_MS;
    to->presence = presence_new(&to->loop, &to->options, &listener);
    fixture_settle(to);
}

void fixture_settle(struct fixture *of)
{
    for (unsigned int i = 0; i < TURNS; i++)
        uv_run(&of->loop, UV_RUN_NOWAIT);
}

static void bring_forward(uv_handle_t *handle, void *userdata)
{
    uv_timer_t *timer = (uv_timer_t *)handle;

    (void)userdata;
    if (handle->type != UV_TIMER || !uv_is_active(handle))
        return;
    /* It comes in a millisecond, and as it has no interval then, once. */
    uv_timer_set_repeat(timer, 1);
    uv_timer_again(timer);
    uv_timer_set_repeat(timer, 0);
}

static void stop(uv_timer_t *clock)
{
    uv_stop(clock->loop);
}

void fixture_pass_look(struct fixture *of)
{
    uv_walk(&of->loop, bring_forward, NULL);
    /* After all of them. */
    uv_timer_start(&of->clock, stop, 2, 0);
    uv_run(&of->loop, UV_RUN_DEFAULT);
    fixture_settle(of);
}

void fixture_pass_time(struct fixture *of)
{
    for (unsigned int i = 0; i < TURNS; i++)
        fixture_pass_look(of);
}

struct presence_view fixture_view(const struct fixture *of)
{
    assert_int_equal(presence_count(of->presence), 1);
    return presence_view(of->presence, 0);
}

void fixture_become_ordinary(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(NOBODY), 0);
}

void fixture_become_self(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}
