/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of checkpoints: tasks that move between two places, each with a root tree, folders
 * and a user of its own, as two nodes have them. One keeper has them both.
 */
#pragma once

#include "checkpoint.h"
#include "container_test.h"

enum { PLACES = 2, COMMAND_SIZE = 1024, PATH_SIZE = 160 };

struct place {
    struct container_tree tree;
    char work[PATH_SIZE];
    char temporary[PATH_SIZE];
    uid_t uid;
};

struct journey {
    struct fixture *fixture;
    struct place places[PLACES];
    unsigned at;            /* which of them the task is in */
    char images[PATH_SIZE]; /* its checkpoint */
    uint64_t key;           /* the attempt's, another one in each place */
};

/* "" if there is none: then the tests skip. */
static inline const char *test_criu(void)
{
    const char *criu = getenv(CHECKPOINT_VARIABLE);

    return criu && access(criu, X_OK) == 0 && geteuid() == 0 ? criu : "";
}

static inline struct place *here(struct journey *journey)
{
    return &journey->places[journey->at];
}

static inline void run_command(const char *format, ...)
{
    char command[COMMAND_SIZE];
    va_list arguments;

    va_start(arguments, format);
    assert_in_range(vsnprintf(command, sizeof(command), format, arguments), 1, sizeof(command) - 1);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static inline void make_place(struct journey *journey, unsigned number)
{
    static const char *const nothing[] = {NULL};
    struct place *place = &journey->places[number];
    const char *folder = journey->fixture->folder;
    _cleanup_error_ struct error err = ERROR_INIT;
    char root[PATH_SIZE];

    snprintf(root, sizeof(root), "%s/root-%u", folder, number);
    snprintf(place->work, sizeof(place->work), "%s/work-%u", folder, number);
    snprintf(place->temporary, sizeof(place->temporary), "%s/temporary-%u", folder, number);
    place->uid = TASK_UID + number;
    assert_int_equal(mkdir(place->work, 0700), 0);
    assert_int_equal(mkdir(place->temporary, 0700), 0);
    assert_int_equal(chown(place->work, place->uid, place->uid), 0);
    assert_int_equal(chown(place->temporary, place->uid, place->uid), 0);
    if (container_tree_of_node(root, nothing, &place->tree, &err) < 0)
        fail_msg("%s", error_text(&err));
}

static inline int begin_journey_with(void **state, int (*start)(void **state))
{
    struct journey *journey;

    if (test_criu()[0] == '\0')
        return 0;
    journey = memory_allocate(sizeof(*journey));
    *journey = (struct journey){.key = TASK};
    assert_int_equal(start((void **)&journey->fixture), 0);
    for (unsigned i = 0; i < PLACES; i++)
        make_place(journey, i);
    snprintf(journey->images, sizeof(journey->images), "%s/images", journey->fixture->folder);
    *state = journey;
    return 0;
}

static inline int begin_journey(void **state)
{
    return begin_journey_with(state, start_with_groups);
}

static inline int end_journey(void **state)
{
    struct journey *journey = *state;

    if (!journey)
        return 0;
    for (unsigned i = 0; i < PLACES; i++)
        container_tree_deinit(&journey->places[i].tree);
    stop((void **)&journey->fixture);
    free(journey);
    return 0;
}

/* The journey; a test without one is skipped, and says why. */
static inline struct journey *get_journey(void **state)
{
    if (!*state) {
        print_message("no CRIU that works here ($%s), or not root\n", CHECKPOINT_VARIABLE);
        skip();
    }
    return *state;
}

/* ---- its task ---- */

static inline void ask_in_place(struct journey *journey, struct keeper_spawn spawn,
                                const char **words)
{
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    struct place *place = here(journey);

    spawn.program = words[0];
    spawn.arguments = words;
    spawn.environment = environment;
    spawn.folder = place->work;
    spawn.becomes_user = true;
    spawn.uid = spawn.gid = place->uid;
    spawn.container.root = place->tree.root;
    spawn.container.sources = (const char **)place->tree.sources;
    spawn.container.targets = (const char **)place->tree.targets;
    spawn.container.temporary = place->temporary;
    spawn.container.host_name = "node";
    assert_int_equal(keeper_client_spawn(journey->fixture->client, journey->key, &spawn, NULL), 0);
}

static inline void begin_program(struct journey *journey, struct keeper_spawn spawn,
                                 const char **words)
{
    ask_in_place(journey, spawn, words);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
}

static inline void begin_script(struct journey *journey, const char *script)
{
    begin_program(journey, SPAWN_INIT, (const char *[]){"/bin/sh", "-c", script, NULL});
}

static inline void freeze_task(struct journey *journey)
{
    keeper_client_freeze(journey->fixture->client, journey->key);
    await(journey->fixture, KEEPER_NEWS_FROZEN, journey->key);
}

static inline void ask_save(struct journey *journey)
{
    struct keeper_checkpoint save = {.folder = journey->images, .criu = test_criu()};

    assert_int_equal(file_remove_tree(journey->images, NULL), 0);
    assert_int_equal(mkdir(journey->images, 0700), 0);
    keeper_client_save(journey->fixture->client, journey->key, &save);
}

/* Whether it could be saved; else the reason is in fixture->last.path. */
static inline bool save_task(struct journey *journey)
{
    struct fixture *fixture = journey->fixture;
    struct pollfd wait = {.fd = keeper_client_descriptor(fixture->client), .events = POLLIN};

    freeze_task(journey);
    ask_save(journey);
    assert_int_equal(keeper_client_flush(fixture->client, NULL), 0);
    for (;;) {
        if (take_news(fixture, KEEPER_NEWS_SAVED, journey->key))
            return true;
        if (take_news(fixture, KEEPER_NEWS_SAVE_FAILED, journey->key))
            return false;
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        assert_int_equal(keeper_client_read(fixture->client, note_news, fixture, NULL), 0);
    }
}

static inline void end_task(struct journey *journey)
{
    keeper_client_kill(journey->fixture->client, journey->key);
    await(journey->fixture, KEEPER_NEWS_EXITED, journey->key);
    keeper_client_forget(journey->fixture->client, journey->key);
}

/* Its files as they are, in the other place, for the other user; the old ones are gone. */
static inline void carry_files(struct journey *journey)
{
    struct place *from = here(journey), *to;

    journey->at = (journey->at + 1) % PLACES;
    journey->key++;
    to = here(journey);
    run_command("cp -a '%s/.' '%s' && cp -a '%s/.' '%s' && chown -hR %u:%u '%s' '%s'", from->work,
                to->work, from->temporary, to->temporary, to->uid, to->uid, to->work,
                to->temporary);
    run_command("find '%s' '%s' -mindepth 1 -delete", from->work, from->temporary);
}

static inline void ask_restore_with(struct journey *journey, struct keeper_spawn spawn)
{
    spawn.restore = (struct keeper_checkpoint){.folder = journey->images, .criu = test_criu()};
    ask_in_place(journey, spawn, (const char *[]){"/bin/true", NULL});
}

static inline void ask_restore(struct journey *journey)
{
    ask_restore_with(journey, SPAWN_INIT);
}

/* Saved here, ended here, begun again in the other place. */
static inline void move_task(struct journey *journey)
{
    if (!save_task(journey))
        fail_msg("%s", journey->fixture->last.path);
    end_task(journey);
    carry_files(journey);
    ask_restore(journey);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
}

static inline char *read_here(struct journey *journey, const char *name)
{
    _cleanup_free_ char *path = file_join(here(journey)->work, name);
    struct buffer content = BUFFER_INIT;

    file_read(path, 1 << 20, &content, NULL);
    return buffer_take(&content);
}

static inline void write_here(struct journey *journey, const char *name)
{
    _cleanup_free_ char *path = file_join(here(journey)->work, name);

    assert_int_equal(file_replace(path, "\n", 1, 0644, false, NULL), 0);
}

/* Until the file is there, and has a whole line. */
static inline void await_file(struct journey *journey, const char *name)
{
    uint64_t end = clock_boot_ms() + PATIENCE_MS;

    assert_int_equal(keeper_client_flush(journey->fixture->client, NULL), 0);
    while (clock_boot_ms() < end) {
        _cleanup_free_ char *text = read_here(journey, name);

        if (strchr(text, '\n'))
            return;
        wait_a_moment();
    }
    fail_msg("'%s' does not come", name);
}
