/* SPDX-License-Identifier: Apache-2.0 */
/* What is written while the agent goes on; its end and its start are in tests/system/figures.t. */
#include "recording.h"

#include "base/memory.h"
#include "base/test.h"
#include "body.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of a body only what the record touches: its loop, its settings and the state folder. */
struct fixture {
    char folder[32];
    char path[64];
    struct state state;
    struct settings settings;
    struct attempt attempt;
    struct body body;
};

static int start(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.folder = "/tmp/recording-test-XXXXXX"};
    *state = &fixture;
    fixture.state.folder = fixture.folder;
    fixture.body.options.state = &fixture.state;
    fixture.body.options.settings = &fixture.settings;
    fixture.attempt.start.user = (char *)"marie";
    if (!mkdtemp(fixture.folder))
        return -1;
    snprintf(fixture.path, sizeof(fixture.path), "%s/figures", fixture.folder);
    return uv_loop_init(&fixture.body.loop);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    recording_end(&fixture->body);
    uv_close((uv_handle_t *)&fixture->body.recording.timer, NULL);
    uv_run(&fixture->body.loop, UV_RUN_DEFAULT);
    if (file_remove_tree(fixture->folder, NULL) < 0)
        return -1;
    return uv_loop_close(&fixture->body.loop);
}

/* The time to save comes at once. A child is quick, and may have ended when this returns. */
static void let_it_begin(struct recording *recording)
{
    buffer_clear(&recording->lines);
    uv_timer_set_repeat(&recording->timer, 1);
    assert_int_equal(uv_timer_again(&recording->timer), 0);
    while (recording->lines.length == 0)
        uv_run(recording->timer.loop, UV_RUN_ONCE);
    uv_timer_stop(&recording->timer);
}

static void let_it_save(struct recording *recording)
{
    let_it_begin(recording);
    while (recording->errand)
        uv_run(recording->timer.loop, UV_RUN_ONCE);
}

static void assert_file_ends_with(const struct fixture *fixture, const char *expected)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    assert_int_equal(file_read(fixture->path, FIGURES_SIZE_MAX, &content, NULL), 0);
    assert_non_null(strstr(buffer_text(&content), expected));
}

static void what_happened_is_in_the_file_before_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct recording *recording = &fixture->body.recording;

    recording_begin(&fixture->body);
    recording_count_task(&fixture->body, &fixture->attempt);
    recording_count_use(&fixture->body, &fixture->attempt, 1500000);
    let_it_save(recording);
    assert_false(recording->save_due);
    assert_file_ends_with(fixture, " 0 1 1500000 marie\n");
}

static void what_could_not_be_saved_is_saved_the_next_time(void **state)
{
    struct fixture *fixture = *state;
    struct recording *recording = &fixture->body.recording;

    recording_begin(&fixture->body);
    recording_count_task(&fixture->body, &fixture->attempt);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    let_it_save(recording);
    assert_true(recording->save_due);
    assert_int_equal(rmdir(fixture->path), 0);
    let_it_save(recording);
    assert_false(recording->save_due);
    assert_file_ends_with(fixture, " 0 1 0 marie\n");
}

static void an_end_while_a_child_writes_saves_all_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct recording *recording = &fixture->body.recording;

    recording_begin(&fixture->body);
    recording_count_task(&fixture->body, &fixture->attempt);
    let_it_begin(recording);
    recording_count_task(&fixture->body, &fixture->attempt);
    recording_end(&fixture->body);
    assert_file_ends_with(fixture, " 0 2 0 marie\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_happened_is_in_the_file_before_the_end, start, stop),
        cmocka_unit_test_setup_teardown(what_could_not_be_saved_is_saved_the_next_time, start,
                                        stop),
        cmocka_unit_test_setup_teardown(an_end_while_a_child_writes_saves_all_of_it, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
