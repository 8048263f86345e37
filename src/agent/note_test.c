/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

static void a_note_brings_back_what_the_agent_needs(void **state)
{
    _cleanup_buffer_ struct buffer note = BUFFER_INIT;
    _cleanup_(wire_start_deinit) struct wire_start found = {0};
    _cleanup_free_ char *gpus = NULL;
    char *argument = (char *)"--secret", *output = (char *)"result \"1\"";
    struct attribute attribute = {(char *)"Patient", (char *)"true"};
    struct wire_start start = {
        .session = 1,
        .epoch = 1234567890123,
        .job = 17,
        .task = 3,
        .attempt = 2,
        .request = {.cpus = 4, .memory = 5, .disk = 6, .gpus = 2},
        .gpus_given = true,
        .user = (char *)"anna@lab",
        .program = (char *)"walk",
        .arguments = {.items = &argument, .count = 1},
        .keep_stdout = true,
        .join_stderr = true,
        .outputs_given = true,
        .outputs = {.items = &output, .count = 1},
        .attributes = {.items = &attribute, .count = 1},
        .image = {.sha256 = (char *)"ab", .kind = IMAGE_EXT4, .size = 7},
    };

    (void)state;
    assert_int_equal(note_write(&start, "GPU0,GPU3", &note, NULL), 0);
    assert_null(strstr(buffer_text(&note), "secret"));
    assert_int_equal(
        note_read((struct slice){.data = note.data, .length = note.length}, &found, &gpus, NULL),
        0);
    assert_string_equal(gpus, "GPU0,GPU3");
    assert_true(found.epoch == start.epoch);
    assert_int_equal(found.job, 17);
    assert_int_equal(found.task, 3);
    assert_int_equal(found.attempt, 2);
    assert_int_equal(found.request.cpus, 4);
    assert_true(found.gpus_given);
    assert_int_equal(found.request.gpus, 2);
    assert_string_equal(found.user, "anna@lab");
    assert_true(found.keep_stdout && found.join_stderr && !found.keep_stderr);
    assert_true(found.outputs_given);
    assert_int_equal(found.outputs.count, 1);
    assert_string_equal(found.outputs.items[0], output);
    assert_int_equal(found.arguments.count, 0);
    assert_string_equal(attributes_get(&found.attributes, "patient"), "true");
    assert_string_equal(found.image.sha256, "ab");
    assert_int_equal(found.image.kind, IMAGE_EXT4);
}

static void a_note_that_is_too_long_is_refused(void **state)
{
    _cleanup_buffer_ struct buffer note = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *name = memory_allocate(70000);
    struct wire_start start = {.epoch = 1,
                               .user = (char *)"anna",
                               .program = (char *)"walk",
                               .outputs_given = true,
                               .outputs = {.items = &name, .count = 1}};

    (void)state;
    memset(name, 'x', 69999);
    assert_int_equal(note_write(&start, NULL, &note, &err), -E2BIG);
    assert_non_null(err.hint);
}

static void what_is_no_note_is_refused(void **state)
{
    static const char *const notes[] = {
        "", "[]", "{}", "[{\"stop\":{\"epoch\":1}}]", "[{\"start\":{}}]", "\x01\x02",
    };
    struct wire_start found = {0};
    char *gpus = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(notes); i++)
        assert_true(note_read(slice_from_text(notes[i]), &found, &gpus, NULL) < 0);
    assert_null(found.user);
    assert_null(gpus);
}

static void a_note_without_gpus_has_none(void **state)
{
    _cleanup_buffer_ struct buffer note = BUFFER_INIT;
    _cleanup_(wire_start_deinit) struct wire_start found = {0};
    struct wire_start start = {.epoch = 1, .user = (char *)"anna", .program = (char *)"walk"};
    char *gpus;

    (void)state;
    assert_int_equal(note_write(&start, NULL, &note, NULL), 0);
    assert_int_equal(
        note_read((struct slice){.data = note.data, .length = note.length}, &found, &gpus, NULL),
        0);
    assert_null(gpus);
    assert_false(found.gpus_given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_brings_back_what_the_agent_needs),
        cmocka_unit_test(a_note_that_is_too_long_is_refused),
        cmocka_unit_test(what_is_no_note_is_refused),
        cmocka_unit_test(a_note_without_gpus_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
