/* SPDX-License-Identifier: Apache-2.0 */
/* Only root can make files of others, so only root tests anything here. */
#define _GNU_SOURCE
#include "leavings.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UID = 61298, OTHER_UID = 61299 };

static char folder[] = "/tmp/leavings-test-XXXXXX";
static const uid_t uids[] = {61297, UID};

static int make_folder(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static char *make_file(const char *name, uid_t uid)
{
    char *path = file_join(folder, name);

    assert_int_equal(file_replace(path, "x", 1, 0600, false, NULL), 0);
    assert_int_equal(chown(path, uid, uid), 0);
    return path;
}

/* `seconds` from now: whatever is older goes. */
static void remove_before(int seconds)
{
    const char *const folders[] = {folder, "/missing/folder", NULL};
    struct timespec before;

    clock_gettime(CLOCK_REALTIME, &before);
    before.tv_sec += seconds;
    assert_int_equal(leavings_remove_files(folders, uids, ARRAY_LENGTH(uids), before, NULL), 0);
    leavings_remove_ipc(uids, ARRAY_LENGTH(uids), before);
}

static void what_a_user_left_goes_and_no_more(void **state)
{
    _cleanup_free_ char *own = make_file("own", UID), *other = make_file("other", OTHER_UID);
    _cleanup_free_ char *tree = file_join(folder, "tree"), *inside = NULL, *link = NULL;

    (void)state;
    assert_int_equal(file_make_folders(tree, 0700, NULL), 0);
    inside = make_file("tree/inside", UID);
    assert_int_equal(chown(tree, UID, UID), 0);
    link = file_join(folder, "link");
    assert_int_equal(symlink(other, link), 0);
    assert_int_equal(lchown(link, UID, UID), 0);
    remove_before(60);
    assert_int_equal(access(own, F_OK), -1);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(faccessat(AT_FDCWD, link, F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(access(other, F_OK), 0);
}

static void what_is_young_stays(void **state)
{
    _cleanup_free_ char *own = make_file("own", UID);

    (void)state;
    remove_before(-60);
    assert_int_equal(access(own, F_OK), 0);
}

static int make_shared_memory(uid_t uid)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    struct shmid_ds object;

    assert_true(id >= 0);
    assert_int_equal(shmctl(id, IPC_STAT, &object), 0);
    object.shm_perm.uid = uid;
    assert_int_equal(shmctl(id, IPC_SET, &object), 0);
    return id;
}

static void shared_memory_goes_as_well(void **state)
{
    int own = make_shared_memory(UID), other = make_shared_memory(OTHER_UID);
    struct shmid_ds object;

    (void)state;
    remove_before(-60);
    assert_int_equal(shmctl(own, IPC_STAT, &object), 0);
    remove_before(60);
    assert_int_equal(shmctl(own, IPC_STAT, &object), -1);
    assert_int_equal(shmctl(other, IPC_RMID, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_user_left_goes_and_no_more),
        TEST(what_is_young_stays),
        TEST(shared_memory_goes_as_well),
    };

    if (geteuid() != 0)
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
