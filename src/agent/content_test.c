/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "content.h"

#include "base/memory.h"
#include "base/test.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    char folder[32];
    struct content *content;
};

enum { SIZE_MAX_BYTES = 10 };

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    *fixture = (struct fixture){.folder = "/tmp/content-test-XXXXXX"};
    if (!mkdtemp(fixture->folder))
        return -1;
    *state = fixture;
    return content_open(fixture->folder, SIZE_MAX_BYTES, &fixture->content, NULL);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    int r = file_remove_tree(fixture->folder, NULL);

    content_free(fixture->content);
    free(fixture);
    return r;
}

static void reopen(struct fixture *fixture, uint64_t size_max)
{
    content_free(fixture->content);
    assert_int_equal(content_open(fixture->folder, size_max, &fixture->content, NULL), 0);
}

static const char *hash_of(const char *text)
{
    static char hashes[4][HASH_TEXT_SIZE];
    static unsigned next;
    char *hash = hashes[next++ % ARRAY_LENGTH(hashes)];

    hash_bytes(text, strlen(text), hash);
    return hash;
}

/* Lets `text` arrive under the name of what was announced. */
static int arrive(struct fixture *fixture, const char *announced, const char *text)
{
    _cleanup_(content_arrival_free_p) struct content_arrival *arrival = NULL;
    int r = content_arrival_new(fixture->content, hash_of(announced), strlen(announced), &arrival,
                                NULL);

    for (; r == 0 && *text; text++)
        r = content_arrival_add(arrival, text, 1, NULL);
    return r == 0 ? content_arrival_finish(arrival, NULL) : r;
}

/* Whether it is here, without a change to how it is used but for the time. */
static bool has(struct fixture *fixture, const char *text)
{
    bool is_here = content_pin(fixture->content, hash_of(text), strlen(text));

    if (is_here)
        content_unpin(fixture->content, hash_of(text));
    return is_here;
}

static void what_arrived_can_be_read(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_fd_ int fd = -1;
    char text[8] = "";

    assert_false(content_pin(fixture->content, hash_of("abc"), strlen("abc")));
    assert_int_equal(arrive(fixture, "abc", "abc"), 0);
    assert_true(content_pin(fixture->content, hash_of("abc"), strlen("abc")));
    fd = content_open_file(fixture->content, hash_of("abc"), NULL);
    assert_int_equal(read(fd, text, sizeof(text)), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(content_size(fixture->content), 3);
    content_unpin(fixture->content, hash_of("abc"));
}

static void an_empty_content_is_one_too(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "", ""), 0);
    assert_true(has(fixture, ""));
}

static void another_content_than_announced_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "abc", "abd"), -EBADMSG);
    assert_int_equal(arrive(fixture, "abc", "ab"), -EBADMSG);
    assert_int_equal(arrive(fixture, "abc", "abcd"), -EBADMSG);
    assert_false(has(fixture, "abc"));
    reopen(fixture, SIZE_MAX_BYTES);
    assert_int_equal(content_size(fixture->content), 0);
}

static void what_is_longest_unused_goes_first(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_int_equal(arrive(fixture, "bbbb", "bbbb"), 0);
    assert_true(has(fixture, "aaaa"));
    assert_int_equal(arrive(fixture, "cccc", "cccc"), 0);
    content_trim(fixture->content, SIZE_MAX_BYTES);
    assert_true(has(fixture, "aaaa"));
    assert_false(has(fixture, "bbbb"));
    assert_true(has(fixture, "cccc"));
}

static void what_is_pinned_stays(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_true(content_pin(fixture->content, hash_of("aaaa"), strlen("aaaa")));
    assert_true(content_pin(fixture->content, hash_of("aaaa"), strlen("aaaa")));
    content_trim(fixture->content, 0);
    content_unpin(fixture->content, hash_of("aaaa"));
    content_trim(fixture->content, 0);
    assert_true(has(fixture, "aaaa"));
    content_unpin(fixture->content, hash_of("aaaa"));
    content_trim(fixture->content, 0);
    assert_false(has(fixture, "aaaa"));
}

static void the_order_of_use_outlives_the_agent(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_int_equal(arrive(fixture, "bbbb", "bbbb"), 0);
    assert_true(has(fixture, "aaaa"));
    reopen(fixture, 4);
    assert_true(has(fixture, "aaaa"));
    assert_false(has(fixture, "bbbb"));
}

static void a_file_that_somebody_removed_is_not_here(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_int_equal(file_remove_tree(fixture->folder, NULL), 0);
    assert_false(has(fixture, "aaaa"));
    assert_int_equal(content_size(fixture->content), 0);
}

static void the_same_content_may_arrive_twice(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_int_equal(content_size(fixture->content), 4);
}

static void damage(struct fixture *fixture, const char *content, const char *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    const char *hash = hash_of(content);

    buffer_appendf(&path, "%s/%.2s/%s", fixture->folder, hash, hash);
    assert_int_equal(file_replace(path.data, text, strlen(text), 0600, false, NULL), 0);
}

static void a_file_that_is_too_short_is_not_here(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    damage(fixture, "aaaa", "");
    assert_false(has(fixture, "aaaa"));
    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_true(has(fixture, "aaaa"));
    damage(fixture, "aaaa", "aa");
    reopen(fixture, SIZE_MAX_BYTES);
    assert_false(has(fixture, "aaaa"));
    assert_int_equal(content_size(fixture->content), 0);
}

static void what_an_earlier_agent_left_is_checked_once(void **state)
{
    struct fixture *fixture = *state;
    const char *hash = hash_of("aaaa");

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_true(content_is_proven(fixture->content, hash));
    reopen(fixture, SIZE_MAX_BYTES);
    assert_false(content_is_proven(fixture->content, hash));
    assert_true(content_pin(fixture->content, hash, 4));
    assert_int_equal(content_check(fixture->content, hash, NULL), 0);
    assert_true(content_is_proven(fixture->content, hash));
    content_unpin(fixture->content, hash);
}

static void a_damaged_content_comes_again_while_others_hold_it(void **state)
{
    struct fixture *fixture = *state;
    const char *hash = hash_of("aaaa");

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    damage(fixture, "aaaa", "aaab");
    reopen(fixture, SIZE_MAX_BYTES);
    assert_true(content_pin(fixture->content, hash, 4));
    assert_true(content_pin(fixture->content, hash, 4));
    assert_int_equal(content_check(fixture->content, hash, NULL), -EBADMSG);
    content_reject(fixture->content, hash);
    content_unpin(fixture->content, hash);
    assert_false(content_pin(fixture->content, hash, 4));
    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_true(content_pin(fixture->content, hash, 4));
    assert_int_equal(content_check(fixture->content, hash, NULL), 0);
    content_unpin(fixture->content, hash);
    content_unpin(fixture->content, hash);
    assert_true(has(fixture, "aaaa"));
}

static void a_damaged_content_that_nobody_holds_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    const char *hash = hash_of("aaaa");

    assert_int_equal(arrive(fixture, "aaaa", "aaaa"), 0);
    assert_true(content_pin(fixture->content, hash, 4));
    content_reject(fixture->content, hash);
    content_unpin(fixture->content, hash);
    assert_false(has(fixture, "aaaa"));
    assert_int_equal(content_size(fixture->content), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_arrived_can_be_read),
        TEST(an_empty_content_is_one_too),
        TEST(another_content_than_announced_is_refused),
        TEST(what_is_longest_unused_goes_first),
        TEST(what_is_pinned_stays),
        TEST(the_order_of_use_outlives_the_agent),
        TEST(a_file_that_somebody_removed_is_not_here),
        TEST(the_same_content_may_arrive_twice),
        TEST(a_file_that_is_too_short_is_not_here),
        TEST(what_an_earlier_agent_left_is_checked_once),
        TEST(a_damaged_content_comes_again_while_others_hold_it),
        TEST(a_damaged_content_that_nobody_holds_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
