/* SPDX-License-Identifier: Apache-2.0 */
/* Streams out of temporary files, into a list of what was sent. */
#define _GNU_SOURCE
#include "outgoing.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The world: file number N is of the attempt with epoch N. */
struct fixture {
    struct outgoing outgoing;
    int files[4]; /* -1: not there yet */
    uint64_t sizes[4];
    bool is_over;
    unsigned room;       /* pieces that may still be sent */
    struct buffer story; /* "1:abc 2:d 1. 2!": pieces, ends, failures */
    size_t bytes;
};

static int open_wanted(void *userdata, const struct wire_want *want, uint64_t *ret_size,
                       struct error *err)
{
    struct fixture *fixture = userdata;
    int fd = fixture->files[want->epoch];

    if (fd < 0 && want->kind == WIRE_WANT_TAIL)
        return -EAGAIN;
    if (fd < 0)
        return error_set(err, -ENOENT, "missing");
    *ret_size = want->kind == WIRE_WANT_TAIL ? UINT64_MAX : fixture->sizes[want->epoch];
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static bool is_over(void *userdata, const struct wire_want *want)
{
    (void)want;
    return ((struct fixture *)userdata)->is_over;
}

static bool has_room(void *userdata)
{
    return ((struct fixture *)userdata)->room > 0;
}

static void send_piece(void *userdata, const void *data, size_t length)
{
    struct fixture *fixture = userdata;
    struct slice bytes;
    uint64_t stream;

    assert_true(wire_piece_read(data, length, &stream, &bytes));
    assert_true(bytes.length <= WIRE_PIECE_SIZE_MAX);
    fixture->room--;
    fixture->bytes += bytes.length;
    if (bytes.length < 16)
        buffer_appendf(&fixture->story, "%u:%.*s ", (unsigned)stream, (int)bytes.length,
                       bytes.data);
    else
        buffer_appendf(&fixture->story, "%u:… ", (unsigned)stream);
}

static void end_stream(void *userdata, const struct wire_end *end)
{
    struct fixture *fixture = userdata;

    buffer_appendf(&fixture->story, "%u%s ", (unsigned)end->stream,
                   end->failure == REASON_NONE ? "." : "!");
}

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));
    struct outgoing_world world = {.open = open_wanted,
                                   .is_over = is_over,
                                   .has_room = has_room,
                                   .send = send_piece,
                                   .end = end_stream,
                                   .userdata = fixture};

    outgoing_init(&fixture->outgoing, &world);
    for (size_t i = 0; i < ARRAY_LENGTH(fixture->files); i++)
        fixture->files[i] = -1;
    fixture->room = 1000;
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    outgoing_deinit(&fixture->outgoing);
    for (size_t i = 0; i < ARRAY_LENGTH(fixture->files); i++)
        if (fixture->files[i] >= 0)
            close(fixture->files[i]);
    buffer_deinit(&fixture->story);
    free(fixture);
    return 0;
}

static void write_file(struct fixture *fixture, size_t number, const char *text)
{
    char path[] = "/tmp/outgoing-test-XXXXXX";

    if (fixture->files[number] < 0) {
        fixture->files[number] = mkostemp(path, O_CLOEXEC | O_APPEND);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(file_write_all(fixture->files[number], text, strlen(text)), 0);
    fixture->sizes[number] += strlen(text);
}

static void ask_for_output(struct fixture *fixture, uint64_t stream, size_t number)
{
    struct wire_want want = {.kind = WIRE_WANT_OUTPUT, .stream = stream, .epoch = number};

    outgoing_add(&fixture->outgoing, &want);
}

static void ask_for_tail(struct fixture *fixture, uint64_t stream, size_t number, bool follow,
                         uint64_t offset)
{
    struct wire_want want = {.kind = WIRE_WANT_TAIL,
                             .stream = stream,
                             .epoch = number,
                             .follow = follow,
                             .offset = offset};

    outgoing_add(&fixture->outgoing, &want);
}

static void assert_story(struct fixture *fixture, const char *expected)
{
    outgoing_pump(&fixture->outgoing);
    assert_string_equal(buffer_text(&fixture->story), expected);
    buffer_clear(&fixture->story);
    buffer_append_text(&fixture->story, "");
}

static void an_output_comes_whole_and_ends(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "hello");
    ask_for_output(fixture, 7, 1);
    assert_story(fixture, "7:hello 7. ");
    assert_story(fixture, "");
}

static void an_empty_output_only_ends(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "");
    ask_for_output(fixture, 7, 1);
    assert_story(fixture, "7. ");
}

static void only_what_was_listed_is_sent(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "hello");
    fixture->sizes[1] = 4;
    ask_for_output(fixture, 7, 1);
    assert_story(fixture, "7:hell 7. ");
}

static void a_file_that_shrank_fails(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "hello");
    fixture->sizes[1] = 6;
    ask_for_output(fixture, 7, 1);
    assert_story(fixture, "7:hello 7! ");
}

static void a_missing_file_fails(void **state)
{
    struct fixture *fixture = *state;

    ask_for_output(fixture, 7, 1);
    assert_story(fixture, "7! ");
}

static void streams_take_turns(void **state)
{
    _cleanup_free_ char *large = memory_allocate(2 * WIRE_PIECE_SIZE_MAX + 1);
    struct fixture *fixture = *state;

    memset(large, 'x', 2 * WIRE_PIECE_SIZE_MAX);
    write_file(fixture, 1, large);
    write_file(fixture, 2, large);
    ask_for_output(fixture, 1, 1);
    ask_for_output(fixture, 2, 2);
    assert_story(fixture, "1:… 2:… 1:… 2:… 1. 2. ");
}

static void without_room_nothing_is_sent_and_the_turn_is_kept(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "one");
    write_file(fixture, 2, "two");
    ask_for_output(fixture, 1, 1);
    ask_for_output(fixture, 2, 2);
    fixture->room = 1;
    assert_story(fixture, "1:one ");
    fixture->room = 1;
    assert_story(fixture, "2:two ");
    fixture->room = 1;
    assert_story(fixture, "1. 2. ");
}

static void more_than_may_be_open_come_one_after_the_other(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "a");
    for (uint64_t stream = 1; stream <= 100; stream++)
        ask_for_output(fixture, stream, 1);
    outgoing_pump(&fixture->outgoing);
    assert_int_equal(fixture->bytes, 100);
    assert_int_equal(fixture->outgoing.count, 0);
    assert_int_equal(fixture->outgoing.open_count, 0);
}

static void a_cancelled_stream_says_nothing_more(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "one");
    ask_for_output(fixture, 1, 1);
    ask_for_output(fixture, 2, 1);
    outgoing_cancel(&fixture->outgoing, 1);
    assert_story(fixture, "2:one 2. ");
}

static void a_number_in_use_is_refused(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "one");
    ask_for_output(fixture, 1, 1);
    ask_for_output(fixture, 1, 1);
    assert_story(fixture, "1! 1:one 1. ");
}

static void a_tail_gives_what_is_there(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, 1, "hello");
    ask_for_tail(fixture, 7, 1, false, 2);
    assert_story(fixture, "7:llo 7. ");
    ask_for_tail(fixture, 8, 2, false, 0);
    assert_story(fixture, "8. ");
}

static void a_followed_tail_waits_until_the_attempt_is_over(void **state)
{
    struct fixture *fixture = *state;

    ask_for_tail(fixture, 7, 1, true, 0);
    assert_story(fixture, "");
    assert_true(outgoing_follows(&fixture->outgoing));
    write_file(fixture, 1, "one");
    assert_story(fixture, "7:one ");
    write_file(fixture, 1, "two");
    fixture->is_over = true;
    assert_story(fixture, "7:two 7. ");
    assert_false(outgoing_follows(&fixture->outgoing));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_output_comes_whole_and_ends),
        TEST(an_empty_output_only_ends),
        TEST(only_what_was_listed_is_sent),
        TEST(a_file_that_shrank_fails),
        TEST(a_missing_file_fails),
        TEST(streams_take_turns),
        TEST(without_room_nothing_is_sent_and_the_turn_is_kept),
        TEST(more_than_may_be_open_come_one_after_the_other),
        TEST(a_cancelled_stream_says_nothing_more),
        TEST(a_number_in_use_is_refused),
        TEST(a_tail_gives_what_is_there),
        TEST(a_followed_tail_waits_until_the_attempt_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
