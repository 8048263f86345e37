/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store does when the world fails: kill -9 in mid-batch, full disks, flushes that fail,
 * damaged and foreign files, folders that may not be written, and a second server.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/random.h"
#include "base/test.h"
#include "store/test_folder.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { TASKS_IN_A_BATCH = 20, KILLS = 40 };

static struct store *open_store(void)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store = NULL;

    if (store_open(test_path(), &store, &err) < 0)
        fail_msg("%s", error_text(&err));
    return store;
}

/* Batch n is job n with all its tasks, and n under "batch". */
static int save_batch(struct store *store, uint32_t number, struct error *err)
{
    struct store_task_state task = {.job = number, .state = "Running", .node = 1, .epoch = 1};

    store_begin(store);
    test_add_job(store, number, "ada");
    for (; task.task < TASKS_IN_A_BATCH; task.task++)
        store_save_task(store, &task);
    store_save_number(store, "batch", number);
    return store_commit(store, err);
}

static int count_task(const struct store_task_state *state, void *userdata)
{
    uint64_t *count = userdata;

    assert_int_equal(state->job, 1 + *count / TASKS_IN_A_BATCH);
    assert_int_equal(state->task, *count % TASKS_IN_A_BATCH);
    (*count)++;
    return 0;
}

/* Returns how many batches are there; each must be whole, and no part of another. */
static uint64_t assert_whole_batches(struct store *store)
{
    uint64_t batches = 0, tasks = 0;

    assert_true(store_load_number(store, "batch", &batches, NULL) >= 0);
    assert_int_equal(store_walk_live_tasks(store, count_task, &tasks, NULL), 0);
    assert_int_equal(tasks, batches * TASKS_IN_A_BATCH);
    return batches;
}

/* Saves batches for ever, and says after each commit that it is safe. */
static _noreturn_ void child_save_batches(int report, uint64_t first)
{
    struct store *store = open_store();

    for (uint32_t number = (uint32_t)first;; number++)
        if (save_batch(store, number, NULL) < 0 ||
            write(report, &(uint64_t){number}, sizeof(uint64_t)) < 0)
            _exit(1);
}

/* Starts a child, kills it some time after its n-th report; returns the last batch reported. */
static uint64_t kill_while_saving(uint64_t first, struct random *random)
{
    uint64_t reports = random_below(random, 12), reported = first - 1, number;
    _cleanup_fd_ int from = -1, to = -1;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    from = ends[0];
    to = ends[1];
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        child_save_batches(to, first);
    to = descriptor_close(to);
    while (reports-- > 0) {
        assert_int_equal(read(from, &number, sizeof(number)), sizeof(number));
        reported = number;
    }
    for (uint64_t spin = random_below(random, 300000); spin > 0; spin--)
        __asm__ volatile("");
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(from, &number, sizeof(number)) == sizeof(number))
        reported = number;
    return reported;
}

static void no_kill_halves_or_loses_a_batch(void **state)
{
    struct random random = {.state = 4};
    uint64_t batches = 0;

    (void)state;
    store_close(open_store());
    for (int i = 0; i < KILLS; i++) {
        uint64_t reported = kill_while_saving(batches + 1, &random);
        struct store *store = open_store();

        batches = assert_whole_batches(store);
        assert_true(batches >= reported);
        store_close(store);
    }
    assert_true(batches > KILLS);
}

/* No file may grow beyond `size` bytes: the nearest to a full disk that needs no root. */
static void limit_file_size(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_said_and_loses_nothing(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store = open_store();
    uint32_t number = 0;
    int r = 0;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(300 * 1024);
    while (r == 0)
        r = save_batch(store, ++number, &err);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(r, -ENOSPC);
    assert_string_equal(error_text(&err), "cannot save to the pool's database: the disk is full");
    assert_true(number > 1);
    assert_int_equal(assert_whole_batches(store), number - 1);
    store_close(store);
    store = open_store();
    assert_int_equal(assert_whole_batches(store), number - 1);
    assert_int_equal(save_batch(store, number, NULL), 0);
    assert_int_equal(assert_whole_batches(store), number);
    store_close(store);
}

static void a_disk_without_room_for_a_store_is_said(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store;
    int r;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(2048);
    r = store_open(test_path(), &store, &err);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(r, -ENOSPC);
    store_close(open_store());
}

/*
 * A file system below SQLite where the log's flushes can fail: it is the real one, with another
 * table of operations in the log's file.
 */
static sqlite3_vfs *real_vfs, failing_vfs;
static sqlite3_io_methods failing_methods;
static const sqlite3_io_methods *real_methods;
static int flushes_until_failure; /* 0: none fails */

static int failing_sync(sqlite3_file *file, int flags)
{
    if (flushes_until_failure > 0 && --flushes_until_failure == 0)
        return SQLITE_IOERR_FSYNC;
    return real_methods->xSync(file, flags);
}

static int failing_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    int result = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);

    (void)vfs;
    if (result != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
        return result;
    real_methods = file->pMethods;
    failing_methods = *real_methods;
    failing_methods.xSync = failing_sync;
    file->pMethods = &failing_methods;
    return SQLITE_OK;
}

static void a_flush_that_fails_is_no_commit(void **state)
{
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    failing_vfs = *real_vfs;
    failing_vfs.zName = "failing";
    failing_vfs.xOpen = failing_open;
    assert_int_equal(sqlite3_vfs_register(&failing_vfs, 1), SQLITE_OK);
    store_close(open_store());
    for (int failure = 1; failure <= 3; failure++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        struct store *store = open_store();
        uint64_t before = assert_whole_batches(store), after;
        uint32_t number = (uint32_t)before;
        int r = 0;

        flushes_until_failure = failure;
        while (r == 0)
            r = save_batch(store, ++number, &err);
        flushes_until_failure = 0;
        assert_int_equal(r, -EIO);
        assert_non_null(strstr(error_text(&err), "cannot save to the pool's database: "));
        store_close(store);
        store = open_store();
        after = assert_whole_batches(store);
        assert_true(after == number - 1 || after == number);
        store_close(store);
    }
    assert_int_equal(sqlite3_vfs_register(real_vfs, 1), SQLITE_OK);
    assert_int_equal(sqlite3_vfs_unregister(&failing_vfs), SQLITE_OK);
}

static void execute(const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(test_path(), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void assert_refused(int code, const char *why)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store = NULL;
    int r = store_open(test_path(), &store, &err);

    if (r != code || !strstr(error_text(&err), why))
        fail_msg("%d: %s", r, error_text(&err));
    assert_non_null(strstr(error_text(&err), "cannot open the pool's database '/tmp/"));
    assert_null(store);
}

static void a_newer_store_is_refused(void **state)
{
    (void)state;
    store_close(open_store());
    execute("PRAGMA user_version = 9999");
    assert_refused(-EPROTO, "it has version 9999");
}

static void the_database_of_somebody_else_is_refused(void **state)
{
    (void)state;
    execute("CREATE TABLE recipe (name TEXT)");
    assert_refused(-EBADMSG, "not of a pool");
}

static void overwrite(off_t offset, size_t length)
{
    _cleanup_fd_ int fd = open(test_path(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    _cleanup_free_ char *noise = memory_allocate(length);

    memset(noise, 0x5a, length);
    assert_int_equal(pwrite(fd, noise, length, offset), (ssize_t)length);
}

static void what_is_no_database_is_refused(void **state)
{
    (void)state;
    overwrite(0, 10000);
    assert_refused(-EBADMSG, "not a database");
}

static void a_damaged_table_of_tables_is_refused(void **state)
{
    (void)state;
    store_close(open_store());
    overwrite(100, 3000);
    assert_refused(-EBADMSG, "malformed");
}

static void damage_further_in_is_said_when_it_is_read(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store = open_store();
    uint64_t tasks = 0;
    struct stat status;

    (void)state;
    for (uint32_t number = 1; number < 100; number++)
        assert_int_equal(save_batch(store, number, NULL), 0);
    store_close(store);
    assert_int_equal(stat(test_path(), &status), 0);
    overwrite(8192, (size_t)status.st_size - 8192);
    if (store_open(test_path(), &store, &err) == 0) {
        assert_int_equal(store_walk_live_tasks(store, count_task, &tasks, &err), -EBADMSG);
        assert_non_null(strstr(error_text(&err), "cannot read the pool's database: "));
        store_close(store);
    }
    assert_non_null(err.hint);
}

static void a_second_server_is_refused(void **state)
{
    struct store *store = open_store();

    (void)state;
    assert_refused(-EBUSY, "another server is using it");
    store_close(store);
    store_close(open_store());
}

/* Nobody may write here, and root would not notice: the child becomes somebody else. */
static void a_closed_folder_is_said(void **state)
{
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(chmod(test_folder, 0555), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;

        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        _exit(store_open(test_path(), &store, NULL) == -EACCES ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(test_folder, 0700), 0);
}

static void a_missing_folder_is_said(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct store *store;

    (void)state;
    assert_int_equal(store_open("/nonexistent/pool.db", &store, &err), -ENOENT);
    assert_non_null(strstr(error_text(&err), "/nonexistent/pool.db"));
}

static void only_the_server_may_read_the_file(void **state)
{
    static const char *const files[] = {"", "-wal", "-shm", "-lock"};
    struct store *store = open_store();
    char path[128];
    struct stat status;

    (void)state;
    assert_int_equal(save_batch(store, 1, NULL), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        snprintf(path, sizeof(path), "%s%s", test_path(), files[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 077, 0);
    }
    store_close(store);
}

#define test(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(no_kill_halves_or_loses_a_batch),
        test(a_full_disk_is_said_and_loses_nothing),
        test(a_disk_without_room_for_a_store_is_said),
        test(a_flush_that_fails_is_no_commit),
        test(a_newer_store_is_refused),
        test(the_database_of_somebody_else_is_refused),
        test(what_is_no_database_is_refused),
        test(a_damaged_table_of_tables_is_refused),
        test(damage_further_in_is_said_when_it_is_read),
        test(a_second_server_is_refused),
        test(a_closed_folder_is_said),
        test(a_missing_folder_is_said),
        test(only_the_server_may_read_the_file),
    };

    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}
