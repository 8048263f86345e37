/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/buffer.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Standard error while a test runs, and where it led before. */
struct fixture {
    int log;
    int saved;
};

static int catch_log(void **state)
{
    static struct fixture fixture;

    fixture.log = memfd_create("log", MFD_CLOEXEC);
    fixture.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(fixture.log, STDERR_FILENO);
    *state = &fixture;
    return 0;
}

static int release_log(void **state)
{
    struct fixture *fixture = *state;

    dup2(fixture->saved, STDERR_FILENO);
    descriptor_close(fixture->saved);
    descriptor_close(fixture->log);
    log_set_level(LOG_LEVEL_NOTICE);
    return 0;
}

static const char *caught(const struct fixture *fixture)
{
    static char text[4096];
    ssize_t length = pread(fixture->log, text, sizeof(text) - 1, 0);

    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

static void an_event_is_a_line_with_time_and_level(void **state)
{
    const char *text;
    int end = 0;

    log_warning("node '%s' is late", "pc1");
    text = caught(*state);
    sscanf(text, "%*4d-%*2d-%*2d %*2d:%*2d:%*2d.%*3d%n", &end);
    assert_int_equal(end, 23);
    assert_string_equal(text + end, " warning: node 'pc1' is late\n");
}

static void less_important_events_are_left_out(void **state)
{
    log_debug("detail");
    assert_string_equal(caught(*state), "");
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("warning");
    assert_string_equal(caught(*state), "");
    log_error("error");
    assert_non_null(strstr(caught(*state), " error: error\n"));
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("detail");
    assert_non_null(strstr(caught(*state), " debug: detail\n"));
}

static void outside_text_cannot_forge_a_line(void **state)
{
    log_notice("user '%s'", "x\n2026-01-01 error: all is lost\r\x1b[31m\x7f");
    assert_non_null(
        strstr(caught(*state), "notice: user 'x?2026-01-01 error: all is lost??[31m?'\n"));
}

static void a_long_text_is_cut_to_one_line_of_bounded_length(void **state)
{
    _cleanup_buffer_ struct buffer name = BUFFER_INIT;
    const char *text;

    for (size_t i = 0; i < 500000; i++)
        buffer_append_text(&name, "\xc3\xa4");
    log_notice("node '%s'", name.data);
    log_notice("the next one");
    text = caught(*state);
    assert_true(strcspn(text, "\n") < 2100);
    assert_non_null(strstr(text, "\xc3\xa4...\n"));
    assert_non_null(strstr(text, "notice: the next one\n"));
}

static void a_log_that_cannot_be_written_is_no_error(void **state)
{
    (void)state;
    descriptor_close(STDERR_FILENO);
    log_error("nobody hears this");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_a_line_with_time_and_level, catch_log,
                                        release_log),
        cmocka_unit_test_setup_teardown(less_important_events_are_left_out, catch_log, release_log),
        cmocka_unit_test_setup_teardown(outside_text_cannot_forge_a_line, catch_log, release_log),
        cmocka_unit_test_setup_teardown(a_long_text_is_cut_to_one_line_of_bounded_length, catch_log,
                                        release_log),
        cmocka_unit_test_setup_teardown(a_log_that_cannot_be_written_is_no_error, catch_log,
                                        release_log),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
