/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/missing_call.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/descriptor-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static void closing_keeps_errno(void **state)
{
    (void)state;
    errno = ENOENT;
    assert_int_equal(descriptor_close(-1), -1);
    assert_int_equal(descriptor_close(open("/dev/null", O_RDONLY)), -1);
    assert_int_equal(errno, ENOENT);
}

static void a_taken_descriptor_stays_open(void **state)
{
    int taken;

    (void)state;
    {
        _cleanup_fd_ int fd = open("/dev/null", O_RDONLY);

        taken = descriptor_take(&fd);
        assert_int_equal(fd, -1);
    }
    assert_true(fcntl(taken, F_GETFD) >= 0);
    descriptor_close(taken);
    assert_true(fcntl(taken, F_GETFD) < 0);
}

enum { FIRST = 500, LAST = 510 };

/* Three in the range and one on either side; whether those, and only those, are then as asked for.
 */
static bool close_some(bool at_exec)
{
    const int numbers[] = {FIRST - 1, FIRST, FIRST + 5, LAST, LAST + 1};
    bool right = true;

    for (size_t i = 0; i < 5; i++)
        right = right && dup2(STDIN_FILENO, numbers[i]) == numbers[i];
    right = right && descriptor_close_range(FIRST, LAST, at_exec) == 0;
    for (size_t i = 0; i < 5; i++) {
        int flags = fcntl(numbers[i], F_GETFD);
        bool is_meant = numbers[i] >= FIRST && numbers[i] <= LAST;

        right = right && flags == (!is_meant ? 0 : at_exec ? FD_CLOEXEC : -1);
        descriptor_close(numbers[i]);
    }
    return right;
}

static void a_range_is_closed_and_nothing_else(void **state)
{
    (void)state;
    assert_true(close_some(false));
    assert_true(close_some(true));
}

static void it_is_closed_without_close_range(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0)
        _exit(missing_call(SYS_close_range) && syscall(SYS_close_range, 900, 900, 0) < 0 &&
                      close_some(false) && close_some(true)
                  ? EXIT_SUCCESS
                  : EXIT_FAILURE);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, EXIT_SUCCESS);
}

/* More of them than one look at the folder tells. */
static void all_of_many_are_closed_without_close_range(void **state)
{
    enum { MANY = 700 };
    pid_t pid = fork();
    int status, left = 0;

    (void)state;
    if (pid == 0) {
        for (int i = 0; i < MANY; i++)
            dup2(STDIN_FILENO, 100 + i);
        if (!missing_call(SYS_close_range) || descriptor_close_range(100, UINT_MAX, false) < 0)
            _exit(EXIT_FAILURE);
        for (int i = 0; i < MANY; i++)
            left += fcntl(100 + i, F_GETFD) >= 0;
        _exit(left == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, EXIT_SUCCESS);
}

static void a_nonblocking_descriptor_does_not_wait(void **state)
{
    int ends[2];
    char byte;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(descriptor_set_nonblocking(ends[0]), 0);
    assert_int_equal(read(ends[0], &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    descriptor_close(ends[0]);
    descriptor_close(ends[1]);
    assert_int_equal(descriptor_set_nonblocking(-1), -EBADF);
}

static void exchange_a_word(const char *path)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_fd_ int listening = -1, client = -1, server = -1;
    char word[6] = "";
    struct stat status;

    listening = descriptor_listen_unix(path, SOCK_STREAM, 0600, &err);
    assert_true(listening >= 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    client = descriptor_connect_unix(path, SOCK_STREAM, &err);
    assert_true(client >= 0);
    server = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    assert_int_equal(write(client, "hello", 5), 5);
    assert_int_equal(read(server, word, 5), 5);
    assert_string_equal(word, "hello");
    assert_true(fcntl(listening, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
}

static void a_unix_socket_connects_two_ends(void **state)
{
    _cleanup_free_ char *path = file_join(folder, "socket");

    (void)state;
    exchange_a_word(path);
}

static void a_stale_socket_is_replaced(void **state)
{
    _cleanup_free_ char *path = file_join(folder, "socket");

    (void)state;
    exchange_a_word(path);
    exchange_a_word(path);
}

static void the_path_may_be_longer_than_an_address(void **state)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    (void)state;
    buffer_append_text(&path, folder);
    for (int i = 0; i < 20; i++)
        buffer_append_text(&path, "/a-rather-long-name");
    assert_int_equal(file_make_folders(path.data, 0700, NULL), 0);
    buffer_append_text(&path, "/socket");
    assert_true(path.length > 300);
    exchange_a_word(path.data);
}

static void the_reason_for_no_connection_is_said(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *missing = file_join(folder, "missing");
    _cleanup_free_ char *nowhere = file_join(folder, "no/where");
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;

    (void)state;
    assert_int_equal(descriptor_connect_unix(missing, SOCK_STREAM, &err), -ENOENT);
    assert_non_null(strstr(error_text(&err), "cannot connect to '/tmp/"));
    assert_int_equal(descriptor_listen_unix(nowhere, SOCK_STREAM, 0600, &err), -ENOENT);
    assert_non_null(strstr(error_text(&err), "folder"));
    buffer_appendf(&name, "%s/", folder);
    for (int i = 0; i < 200; i++)
        buffer_append_character(&name, 'n');
    assert_int_equal(descriptor_listen_unix(name.data, SOCK_STREAM, 0600, &err), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_keeps_errno),
        cmocka_unit_test(a_taken_descriptor_stays_open),
        cmocka_unit_test(a_range_is_closed_and_nothing_else),
        cmocka_unit_test(it_is_closed_without_close_range),
        cmocka_unit_test(all_of_many_are_closed_without_close_range),
        cmocka_unit_test(a_nonblocking_descriptor_does_not_wait),
        cmocka_unit_test(a_unix_socket_connects_two_ends),
        cmocka_unit_test(a_stale_socket_is_replaced),
        cmocka_unit_test(the_path_may_be_longer_than_an_address),
        cmocka_unit_test(the_reason_for_no_connection_is_said),
    };

    return cmocka_run_group_tests_name("descriptor", tests, make_folder, remove_folder);
}
