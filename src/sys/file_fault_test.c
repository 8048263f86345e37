/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks that are full or broken, in the middle of a file: each system call on the way fails in its
 * turn (ld(1), --wrap). Writes also come to an end early, and are interrupted, as they may.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "sys/contained.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

ssize_t real_write(int fd, const void *data, size_t length) __asm__("__real_write");
int real_fchmod(int fd, mode_t mode) __asm__("__real_fchmod");
int real_fsync(int fd) __asm__("__real_fsync");
int real_rename(const char *from, const char *to) __asm__("__real_rename");
int real_renameat(int from_folder, const char *from, int to_folder,
                  const char *to) __asm__("__real_renameat");
ssize_t faulty_write(int fd, const void *data, size_t length) __asm__("__wrap_write");
int faulty_fchmod(int fd, mode_t mode) __asm__("__wrap_fchmod");
int faulty_fsync(int fd) __asm__("__wrap_fsync");
int faulty_rename(const char *from, const char *to) __asm__("__wrap_rename");
int faulty_renameat(int from_folder, const char *from, int to_folder,
                    const char *to) __asm__("__wrap_renameat");

enum { PIECE = 3 };

static char folder[] = "/tmp/file-fault-XXXXXX";
static int calls_until_failure; /* 0: none fails */
static int failure;
static bool interrupts;
static bool was_renamed;

static bool fails(void)
{
    if (calls_until_failure == 0 || --calls_until_failure > 0)
        return false;
    errno = failure;
    return true;
}

ssize_t faulty_write(int fd, const void *data, size_t length)
{
    if (fails())
        return -1;
    interrupts = !interrupts;
    if (interrupts) {
        errno = EINTR;
        return -1;
    }
    return real_write(fd, data, length < PIECE ? length : PIECE);
}

int faulty_fchmod(int fd, mode_t mode)
{
    return fails() ? -1 : real_fchmod(fd, mode);
}

int faulty_fsync(int fd)
{
    return fails() ? -1 : real_fsync(fd);
}

int faulty_rename(const char *from, const char *to)
{
    if (fails())
        return -1;
    was_renamed = true;
    return real_rename(from, to);
}

int faulty_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    if (fails())
        return -1;
    was_renamed = true;
    return real_renameat(from_folder, from, to_folder, to);
}

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 ? file_remove_tree(folder, NULL) : -1;
}

static void arm(int call, int code)
{
    calls_until_failure = call;
    failure = code;
    was_renamed = false;
}

/* Returns whether the fault had struck. */
static bool disarm(void)
{
    bool had_struck = calls_until_failure == 0;

    calls_until_failure = 0;
    return had_struck;
}

/* The file alone is there, with this text. */
static void assert_alone(const char *name, const char *text)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    DIR *directory = opendir(".");
    struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            assert_string_equal(entry->d_name, name);
    closedir(directory);
    assert_int_equal(file_read(name, 1000, &content, NULL), 0);
    assert_string_equal(buffer_text(&content), text);
}

/* One more call fails each time, until all went well. `write` is told to be durable. */
static void fail_in_turn(int (*write_new)(struct error *err))
{
    bool struck = true;

    for (int call = 1; struck; call++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        int code = call % 2 ? ENOSPC : EIO, r;

        assert_int_equal(file_replace("file", "the old text", 12, 0600, false, NULL), 0);
        arm(call, code);
        r = write_new(&err);
        struck = disarm();
        assert_int_equal(r, struck ? -code : 0);
        if (struck) {
            assert_non_null(strstr(error_text(&err), was_renamed ? "folder" : "file"));
            assert_non_null(strstr(error_text(&err), strerror(code)));
        }
        assert_alone("file", was_renamed ? "and the new one" : "the old text");
        assert_true(struck || call > 8);
    }
}

static int replace(struct error *err)
{
    return file_replace("file", "and the new one", 15, 0600, true, err);
}

static void what_cannot_be_replaced_stays_as_it_was(void **state)
{
    (void)state;
    fail_in_turn(replace);
}

static int write_contained(struct error *err)
{
    _cleanup_contained_file_ struct contained_file file = CONTAINED_FILE_INIT;
    _cleanup_fd_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = contained_file_begin(&file, here, "file", err);

    assert_int_equal(r, 0);
    r = file_write_all(file.fd, "and the new one", 15);
    if (r < 0)
        return error_set_errno(err, r, "cannot write 'file'");
    return contained_file_commit(&file, 0600, true, err);
}

static void a_contained_file_is_there_whole_or_not_at_all(void **state)
{
    (void)state;
    fail_in_turn(write_contained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_replaced_stays_as_it_was),
        cmocka_unit_test(a_contained_file_is_there_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
