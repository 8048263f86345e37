/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "script.h"

#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENT_MS = 60000, HASTY_MS = 200 };

struct fixture {
    char folder[32];
    char *path;
    struct buffer output;
    struct error err;
};

static int start(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.folder = "/tmp/script-test-XXXXXX"};
    *state = &fixture;
    if (!mkdtemp(fixture.folder) || chmod(fixture.folder, 0755) < 0)
        return -1;
    fixture.path = file_join(fixture.folder, "script");
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->path);
    buffer_deinit(&fixture->output);
    error_clear(&fixture->err);
    return file_remove_tree(fixture->folder, NULL);
}

static int run(struct fixture *fixture, const char *body, uint64_t timeout_ms)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "#!/bin/sh\n%s\n", body);
    assert_int_equal(file_replace(fixture->path, text.data, text.length, 0755, false, NULL), 0);
    return script_run(fixture->path, timeout_ms, &fixture->output, &fixture->err);
}

static void what_it_prints_is_gathered(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(run(fixture, "echo 'A = 1'; echo noise >&2; echo 'B = 2'", PATIENT_MS), 0);
    assert_string_equal(buffer_text(&fixture->output), "A = 1\nB = 2\n");
}

static void it_is_never_root_and_inherits_nothing(void **state)
{
    struct fixture *fixture = *state;

    setenv("SECRET", "swordfish", 1);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run(fixture,
                         "test $(id -u) != 0 && test $(id -ru) != 0 && echo \"$(pwd)$SECRET\"\n"
                         "sed -n 's/^SigIgn.*\\(.......\\)$/\\1/p' /proc/self/status\n"
                         "ls /proc/self/fd | wc -l",
                         PATIENT_MS),
                     0);
    /*
     * Of signals those up to 28: glibc keeps two others to itself, and nobody can ask for them. Of
     * files three, and the one with which ls reads the folder.
     */
    assert_string_equal(buffer_text(&fixture->output), "/\n0000000\n4\n");
}

static void it_is_the_first_to_go_when_memory_runs_out(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(run(fixture, "cat /proc/self/oom_score_adj", PATIENT_MS), 0);
    assert_string_equal(buffer_text(&fixture->output), "800\n");
}

static void a_failure_is_told_with_its_first_words(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        run(fixture, "echo 'no licence server' >&2; echo more >&2; exit 3", PATIENT_MS),
        -ECANCELED);
    assert_non_null(
        strstr(error_text(&fixture->err), "' ended with exit code 3: no licence server"));
    assert_null(strstr(error_text(&fixture->err), "more"));
    assert_int_equal(run(fixture, "kill -9 $$", PATIENT_MS), -ECANCELED);
    assert_non_null(strstr(error_text(&fixture->err), "signal 9"));
    assert_int_equal(script_run("/no/such/script", PATIENT_MS, &fixture->output, &fixture->err),
                     -ECANCELED);
    assert_non_null(strstr(error_text(&fixture->err), "No such file"));
}

static void what_takes_too_long_is_killed_with_all_that_it_started(void **state)
{
    struct fixture *fixture = *state;
    pid_t left;

    /* A busy computer may not come to the first line in the first round. */
    for (uint64_t timeout_ms = HASTY_MS; fixture->output.length == 0; timeout_ms *= 2)
        assert_int_equal(run(fixture, "sleep 1000 & echo $!; wait", timeout_ms), -ETIMEDOUT);
    left = (pid_t)strtol(buffer_text(&fixture->output), NULL, 10);
    assert_true(left > 0);
    /* It is gone, or dead and init's to wait for. */
    while (kill(left, 0) == 0) {
        _cleanup_buffer_ struct buffer path = BUFFER_INIT, status = BUFFER_INIT;

        buffer_appendf(&path, "/proc/%d/stat", left);
        if (file_read(path.data, 4096, &status, NULL) < 0 || strstr(status.data, ") Z "))
            break;
    }
    assert_int_equal(run(fixture, "exec >&- 2>&-; sleep 1000", HASTY_MS), -ETIMEDOUT);
}

static void what_prints_without_end_is_stopped(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(run(fixture, "while :; do echo 'A = 1'; done", PATIENT_MS), -EFBIG);
    assert_true(fixture->output.length <= SCRIPT_OUTPUT_SIZE_MAX);
    assert_int_equal(run(fixture, "head -c 1000000 /dev/zero >&2; exit 1", PATIENT_MS), -ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_prints_is_gathered),
        TEST(it_is_never_root_and_inherits_nothing),
        TEST(it_is_the_first_to_go_when_memory_runs_out),
        TEST(a_failure_is_told_with_its_first_words),
        TEST(what_takes_too_long_is_killed_with_all_that_it_started),
        TEST(what_prints_without_end_is_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
