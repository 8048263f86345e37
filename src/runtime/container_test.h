/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of contained tasks: a keeper (keeper_test.h), and a tree of the node for a root. */
#pragma once

#include "container.h"
#include "container_tree.h"
#include "keeper_test.h"

enum { TASK = 7, TASK_UID = 61200 };

static struct container_tree tree;
static char temporary[96];

static inline void ask_contained(struct fixture *fixture, struct keeper_spawn spawn,
                                 const char **words)
{
    spawn.becomes_user = geteuid() == 0;
    spawn.uid = spawn.gid = TASK_UID;
    spawn.container.root = tree.root;
    spawn.container.sources = (const char **)tree.sources;
    spawn.container.targets = (const char **)tree.targets;
    spawn.container.temporary = temporary;
    spawn.container.host_name = "node";
    ask_spawn(fixture, TASK, spawn, words);
}

static inline void prepare(struct fixture *fixture)
{
    static const char *const nothing[] = {NULL};
    _cleanup_free_ char *root = file_join(fixture->folder, "root");
    _cleanup_error_ struct error err = ERROR_INIT;

    snprintf(temporary, sizeof(temporary), "%s/temporary", fixture->folder);
    assert_int_equal(mkdir(temporary, 0700), 0);
    if (container_tree_of_node(root, nothing, &tree, &err) < 0)
        fail_msg("%s", error_text(&err));
    if (geteuid() == 0) {
        assert_int_equal(chown(fixture->work, TASK_UID, TASK_UID), 0);
        assert_int_equal(chown(temporary, TASK_UID, TASK_UID), 0);
    }
}

static inline int start_contained_groups(void **state)
{
    int r = start_with_groups(state);

    prepare(*state);
    return r;
}

static inline int start_contained_sessions(void **state)
{
    int r = start_with_sessions(state);

    prepare(*state);
    return r;
}

static inline int stop_contained(void **state)
{
    container_tree_deinit(&tree);
    return stop(state);
}
