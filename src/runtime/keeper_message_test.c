/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/test.h"
#include "keeper_message.h"

#include <errno.h>
#include <string.h>

static struct keeper_request spawn_request(void)
{
    static const char *arguments[] = {"walk", "5000", "", NULL};
    static const char *environment[] = {"A=1", NULL};

    return (struct keeper_request){
        .type = KEEPER_REQUEST_SPAWN,
        .key = 0x1122334455667788,
        .spawn =
            {
                .note = {.data = "a\0b", .length = 3},
                .deadline_boot_ms = UINT64_MAX,
                .program = "./walk",
                .arguments = arguments,
                .environment = environment,
                .folder = "/work",
                .input = "",
                .output = "out",
                .error = "err",
                .keeps_output = true,
                .becomes_user = true,
                .uid = 61184,
                .gid = 61185,
                .nice = 19,
                .file_size_max = 1,
                .cpu_seconds_max = 2,
                .processes_max = 3,
                .memory_max = 4,
                .cpus = 5,
            },
    };
}

static struct slice frame_of(const struct buffer *frames)
{
    struct slice all = {.data = frames->data, .length = frames->length};
    size_t length = 0;

    assert_int_equal(keeper_message_find_frame(all, &length), 1);
    assert_int_equal(length, frames->length);
    return all;
}

static void a_spawn_survives_the_way(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request sent = spawn_request(), got;

    (void)state;
    assert_int_equal(keeper_message_encode_request(&sent, &frames), 0);
    assert_int_equal(keeper_message_decode_request(frame_of(&frames), &got), 0);
    assert_int_equal(got.type, KEEPER_REQUEST_SPAWN);
    assert_true(got.key == sent.key && got.spawn.deadline_boot_ms == UINT64_MAX);
    assert_int_equal(got.spawn.note.length, 3);
    assert_memory_equal(got.spawn.note.data, "a\0b", 3);
    assert_string_equal(got.spawn.program, "./walk");
    assert_string_equal(got.spawn.arguments[1], "5000");
    assert_string_equal(got.spawn.arguments[2], "");
    assert_null(got.spawn.arguments[3]);
    assert_string_equal(got.spawn.environment[0], "A=1");
    assert_null(got.spawn.environment[1]);
    assert_string_equal(got.spawn.error, "err");
    assert_true(got.spawn.keeps_output);
    assert_true(got.spawn.becomes_user);
    assert_int_equal(got.spawn.gid, 61185);
    assert_int_equal(got.spawn.nice, 19);
    assert_int_equal(got.spawn.memory_max, 4);
    assert_int_equal(got.spawn.cpus, 5);
    keeper_request_deinit(&got);
}

static void a_restore_survives_the_way(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request sent = spawn_request(), got;

    (void)state;
    sent.spawn.container.root = "/root";
    sent.spawn.container.temporary = "/temporary";
    sent.spawn.restore = (struct keeper_checkpoint){.folder = "/saved", .criu = "/sbin/criu"};
    assert_int_equal(keeper_message_encode_request(&sent, &frames), 0);
    assert_int_equal(keeper_message_decode_request(frame_of(&frames), &got), 0);
    assert_string_equal(got.spawn.restore.folder, "/saved");
    assert_string_equal(got.spawn.restore.criu, "/sbin/criu");
    keeper_request_deinit(&got);
}

static void assert_no_request(const struct keeper_request *sent)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request got;

    assert_int_equal(keeper_message_encode_request(sent, &frames), 0);
    assert_int_equal(keeper_message_decode_request(frame_of(&frames), &got), -EBADMSG);
}

static void a_checkpoint_without_folder_criu_or_container_is_none(void **state)
{
    struct keeper_request save = {.type = KEEPER_REQUEST_SAVE, .save = {.criu = "criu"}};
    struct keeper_request spawn = spawn_request();

    (void)state;
    assert_no_request(&save);
    save.save = (struct keeper_checkpoint){.folder = "/saved"};
    assert_no_request(&save);
    save.save = (struct keeper_checkpoint){.folder = "saved", .criu = "criu"};
    assert_no_request(&save);
    spawn.spawn.restore = (struct keeper_checkpoint){.folder = "/saved", .criu = "criu"};
    assert_no_request(&spawn);
}

static void every_request_survives_the_way(void **state)
{
    (void)state;
    for (unsigned type = KEEPER_REQUEST_SIGNAL; type <= KEEPER_REQUEST_SAVE; type++) {
        _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
        struct keeper_request got, sent = {.type = type,
                                           .key = 5,
                                           .signal = 15,
                                           .deadline_boot_ms = 77,
                                           .save = {.folder = "/saved", .criu = "criu"}};

        assert_int_equal(keeper_message_encode_request(&sent, &frames), 0);
        assert_int_equal(keeper_message_decode_request(frame_of(&frames), &got), 0);
        assert_int_equal(got.type, type);
        assert_int_equal(got.key, 5);
        assert_int_equal(got.signal, type == KEEPER_REQUEST_SIGNAL ? 15 : 0);
        if (type == KEEPER_REQUEST_SAVE)
            assert_string_equal(got.save.folder, "/saved");
        keeper_request_deinit(&got);
    }
}

static void every_news_survives_the_way(void **state)
{
    (void)state;
    for (unsigned type = KEEPER_NEWS_HELLO; type <= KEEPER_NEWS_SAVE_FAILED; type++) {
        _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
        struct keeper_news got,
            sent = {
                .type = type,
                .key = 5,
                .version = KEEPER_VERSION,
                .pid = 9,
                .means = {.hold = KEEPER_HOLD_FREEZER, .limits_memory = true},
                .failure = {.step = KEEPER_STEP_PROGRAM, .error = ENOENT, .path = "walk"},
                .result = {.wait_status = 256,
                           .memory_peak_bytes = 1ULL << 40,
                           .processes = 3,
                           .over_memory = true,
                           .refused_processes = 1ULL << 33},
                .state = KEEPER_STATE_ENDED,
                .is_out = true,
                .is_restoring = true,
                .is_lost = true,
                .reason = "it uses a GPU",
                .note = {.data = "note", .length = 4},
            };

        assert_int_equal(keeper_message_encode_news(&sent, &frames), 0);
        assert_int_equal(keeper_message_decode_news(frame_of(&frames), &got), 0);
        assert_int_equal(got.type, type);
        assert_int_equal(got.key, 5);
        if (type == KEEPER_NEWS_START_FAILED)
            assert_string_equal(got.failure.path, "walk");
        if (type == KEEPER_NEWS_EXITED || type == KEEPER_NEWS_TASK)
            assert_true(got.result.memory_peak_bytes == 1ULL << 40 && got.result.over_memory &&
                        got.result.refused_processes == 1ULL << 33);
        if (type == KEEPER_NEWS_HELLO)
            assert_true(got.means.limits_memory && got.means.hold == KEEPER_HOLD_FREEZER);
        if (type == KEEPER_NEWS_TASK)
            assert_true(slice_equals(got.note, "note") && got.is_out && got.is_restoring);
        if (type == KEEPER_NEWS_SAVE_FAILED)
            assert_true(strcmp(got.reason, "it uses a GPU") == 0 && got.is_lost);
    }
}

static void a_keeper_of_another_version_can_be_named(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_news got, sent = {.type = KEEPER_NEWS_HELLO, .version = 1, .pid = 77};

    (void)state;
    assert_int_equal(keeper_message_encode_news(&sent, &frames), 0);
    buffer_append_text(&frames, "whatever");
    frames.data[0] = (char)(frames.data[0] + 8);
    assert_int_equal(keeper_message_decode_news(frame_of(&frames), &got), 0);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.pid, 77);
}

static void a_frame_that_is_not_whole_is_waited_for(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request sent = spawn_request();
    size_t length = 77;

    (void)state;
    keeper_message_encode_request(&sent, &frames);
    for (size_t i = 0; i < frames.length; i++) {
        struct slice part = {.data = frames.data, .length = i};

        assert_int_equal(keeper_message_find_frame(part, &length), 0);
    }
    assert_int_equal(length, 77);
}

static void a_frame_that_is_cut_or_continued_is_refused(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request sent = spawn_request(), got;

    (void)state;
    keeper_message_encode_request(&sent, &frames);
    for (size_t i = 0; i < frames.length; i++) {
        struct slice part = {.data = frames.data, .length = i};

        assert_int_equal(keeper_message_decode_request(part, &got), -EBADMSG);
    }
    buffer_append_character(&frames, 'x');
    assert_int_equal(keeper_message_decode_request(
                         (struct slice){.data = frames.data, .length = frames.length}, &got),
                     -EBADMSG);
}

static void a_frame_that_is_too_long_is_refused_by_its_head(void **state)
{
    const char head[4] = {'\xff', '\xff', '\xff', '\x7f'};
    size_t length;

    (void)state;
    assert_int_equal(
        keeper_message_find_frame((struct slice){.data = head, .length = sizeof(head)}, &length),
        -EBADMSG);
}

/* Whatever a byte is changed to, decoding says yes or no and stays inside the frame. */
static void changed_bytes_do_no_harm(void **state)
{
    struct keeper_request sent = spawn_request(), got;
    struct random random = {.state = 1};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
        struct slice frame;

        keeper_message_encode_request(&sent, &frames);
        for (int change = 0; change < 3; change++)
            frames.data[random_below(&random, frames.length)] = (char)random_next(&random);
        frame = (struct slice){.data = frames.data, .length = frames.length};
        if (keeper_message_decode_request(frame, &got) == 0)
            keeper_request_deinit(&got);
    }
}

static void too_many_words_are_not_sent(void **state)
{
    _cleanup_buffer_ struct buffer frames = BUFFER_INIT;
    struct keeper_request request = spawn_request();
    static const char *words[KEEPER_WORDS_MAX + 2];

    (void)state;
    for (size_t i = 0; i <= KEEPER_WORDS_MAX; i++)
        words[i] = "x";
    request.spawn.arguments = words;
    assert_int_equal(keeper_message_encode_request(&request, &frames), -E2BIG);
    assert_int_equal(frames.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spawn_survives_the_way),
        cmocka_unit_test(a_restore_survives_the_way),
        cmocka_unit_test(a_checkpoint_without_folder_criu_or_container_is_none),
        cmocka_unit_test(every_request_survives_the_way),
        cmocka_unit_test(every_news_survives_the_way),
        cmocka_unit_test(a_keeper_of_another_version_can_be_named),
        cmocka_unit_test(a_frame_that_is_not_whole_is_waited_for),
        cmocka_unit_test(a_frame_that_is_cut_or_continued_is_refused),
        cmocka_unit_test(a_frame_that_is_too_long_is_refused_by_its_head),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(too_many_words_are_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
