/* SPDX-License-Identifier: Apache-2.0 */
#include "publishing.h"

#include "base/memory.h"
#include "base/test.h"
#include "body.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RUN_AGAIN_MS = 1 };

/* Of a body only what publishing touches: its loop and its settings. */
struct fixture {
    char folder[32];
    struct settings settings;
    struct body body;
};

static int start(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.folder = "/tmp/publishing-test-XXXXXX"};
    *state = &fixture;
    fixture.settings.attribute_script_interval_ms = RUN_AGAIN_MS;
    fixture.body.options.settings = &fixture.settings;
    if (!mkdtemp(fixture.folder) || chmod(fixture.folder, 0755) < 0)
        return -1;
    return uv_loop_init(&fixture.body.loop);
}

static void close_handle(uv_handle_t *handle, void *userdata)
{
    (void)userdata;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    publishing_deinit(&fixture->body);
    uv_walk(&fixture->body.loop, close_handle, NULL);
    uv_run(&fixture->body.loop, UV_RUN_DEFAULT);
    settings_deinit(&fixture->settings);
    if (file_remove_tree(fixture->folder, NULL) < 0)
        return -1;
    return uv_loop_close(&fixture->body.loop);
}

static void begin(struct fixture *fixture, const char *found)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;

    assert_int_equal(attributes_read(&attributes, slice_from_text(found), NULL), 0);
    publishing_init(&fixture->body, &attributes);
}

static void write_script(struct fixture *fixture, const char *body)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    if (!fixture->settings.attribute_script)
        fixture->settings.attribute_script = file_join(fixture->folder, "script");
    buffer_appendf(&text, "#!/bin/sh\n%s\n", body);
    assert_int_equal(
        file_replace(fixture->settings.attribute_script, text.data, text.length, 0755, false, NULL),
        0);
}

static void assert_told(struct fixture *fixture, const char *name, const char *value)
{
    const char *there = attributes_get(publishing_tell_all(&fixture->body), name);

    if (value)
        assert_string_equal(there, value);
    else
        assert_null(there);
}

static void settings_stand_above_what_was_found(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(attributes_set(&fixture->settings.attributes, "ARCH", "\"mine\"", NULL), 0);
    begin(fixture, "Arch = \"X86_64\"\nOpSys = \"LINUX\"\n");
    assert_told(fixture, "Arch", "\"mine\"");
    assert_told(fixture, "OpSys", "\"LINUX\"");
    assert_told(fixture, "AttributeScriptError", NULL);
}

static void only_what_is_another_is_told_again(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_attributes_ struct attributes changes = ATTRIBUTES_INIT;

    write_script(fixture, "echo 'Licences = 2'");
    begin(fixture, "Licences = 1\nRack = 7\n");
    (void)publishing_tell_all(&fixture->body);
    publishing_tell_changes(&fixture->body, &changes);
    assert_int_equal(changes.count, 0);
    while (!fixture->body.report_due)
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    publishing_tell_changes(&fixture->body, &changes);
    assert_int_equal(changes.count, 1);
    assert_string_equal(attributes_get(&changes, "Licences"), "2");
    attributes_deinit(&changes);
    publishing_tell_changes(&fixture->body, &changes);
    assert_int_equal(changes.count, 0);
}

static void a_script_that_says_the_same_again_causes_no_report(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_attributes_ struct attributes changes = ATTRIBUTES_INIT;
    _cleanup_free_ char *log = file_join(fixture->folder, "log");
    _cleanup_buffer_ struct buffer script = BUFFER_INIT, runs = BUFFER_INIT;

    assert_int_equal(file_replace(log, "", 0, 0666, false, NULL), 0);
    assert_int_equal(chmod(log, 0666), 0);
    buffer_appendf(&script, "echo 'Licences = 2'; echo run >>%s", log);
    write_script(fixture, script.data);
    begin(fixture, "");
    while (!fixture->body.report_due)
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    publishing_tell_changes(&fixture->body, &changes);
    fixture->body.report_due = false;
    while (runs.length < strlen("run\nrun\nrun\n")) {
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
        buffer_clear(&runs);
        assert_int_equal(file_read(log, 1 << 20, &runs, NULL), 0);
    }
    assert_false(fixture->body.report_due);
}

static void a_script_that_fails_changes_nothing_but_says_so(void **state)
{
    struct fixture *fixture = *state;

    write_script(fixture, "echo 'Licences = 2'");
    begin(fixture, "");
    while (!fixture->body.report_due)
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    write_script(fixture, "echo 'Licences = 3 +'");
    while (!fixture->body.publishing.complaint)
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    assert_told(fixture, "Licences", "2");
    assert_non_null(strstr(fixture->body.publishing.complaint, "the value of 'Licences' is no"));
    write_script(fixture, "echo 'Name = \"other\"'");
    while (!strstr(fixture->body.publishing.complaint, "'Name' cannot be set"))
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    write_script(fixture, "");
    while (fixture->body.publishing.complaint)
        uv_run(&fixture->body.loop, UV_RUN_ONCE);
    assert_told(fixture, "Licences", NULL);
    assert_told(fixture, "AttributeScriptError", NULL);
}

static void what_tasks_use_is_counted_once(void **state)
{
    struct fixture *fixture = *state;
    struct attempt started = {.epoch = 1}, found = {.epoch = 2, .was_found = true};

    begin(fixture, "");
    publishing_count_use(&fixture->body, &started, 1000);
    publishing_count_use(&fixture->body, &started, 1500);
    publishing_count_use(&fixture->body, &started, 1500);
    assert_int_equal(fixture->body.publishing.used_us, 1500);
    /* What it used before the agent's restart is no load of now. */
    publishing_count_use(&fixture->body, &found, 5000000);
    publishing_count_use(&fixture->body, &found, 5000250);
    assert_int_equal(fixture->body.publishing.used_us, 1750);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_stand_above_what_was_found),
        TEST(only_what_is_another_is_told_again),
        TEST(a_script_that_says_the_same_again_causes_no_report),
        TEST(a_script_that_fails_changes_nothing_but_says_so),
        TEST(what_tasks_use_is_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
