/* SPDX-License-Identifier: Apache-2.0 */
#include "errand.h"

#include "base/test.h"

#include <errno.h>
#include <string.h>

struct fixture {
    uv_loop_t loop;
    const char *behaviour;
    unsigned done_count;
    int result;
    struct error err;
    struct buffer answer;
};

static int run(void *context, struct error *err)
{
    struct fixture *fixture = context;

    fixture->done_count = 100; /* only in the child's copy */
    buffer_append(&fixture->answer, "forty\0two", 9);
    if (strcmp(fixture->behaviour, "sleep") == 0)
        pause();
    if (strcmp(fixture->behaviour, "die") == 0)
        raise(SIGKILL);
    if (strcmp(fixture->behaviour, "fail") == 0) {
        error_set(err, -ENOSPC, "cannot write: %s", "it is full");
        error_hint(err, "make room");
        return -ENOSPC;
    }
    return 0;
}

static void on_done(void *context, int result, const struct error *err)
{
    struct fixture *fixture = context;

    fixture->done_count++;
    fixture->result = result;
    if (result < 0)
        error_set(&fixture->err, result, "%s|%s", error_text(err), err->hint ? err->hint : "");
}

static struct errand *begin(struct fixture *fixture, const char *behaviour)
{
    struct errand_task task = {
        .run = run, .on_done = on_done, .context = fixture, .answer = &fixture->answer};
    struct errand *errand = NULL;

    fixture->behaviour = behaviour;
    assert_int_equal(errand_start(&fixture->loop, &task, &errand, NULL), 0);
    return errand;
}

static int start(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.behaviour = ""};
    *state = &fixture;
    return uv_loop_init(&fixture.loop);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    error_clear(&fixture->err);
    buffer_deinit(&fixture->answer);
    return uv_loop_close(&fixture->loop);
}

static void a_child_does_the_work(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "succeed");
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->done_count, 1);
    assert_int_equal(fixture->result, 0);
    assert_int_equal(fixture->answer.length, 9);
    assert_memory_equal(fixture->answer.data, "forty\0two", 9);
}

static void its_words_come_back(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "fail");
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->result, -ENOSPC);
    assert_string_equal(error_text(&fixture->err), "cannot write: it is full|make room");
}

static void its_death_is_a_failure(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, "die");
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->done_count, 1);
    assert_true(fixture->result < 0);
    assert_int_equal(fixture->answer.length, 0);
}

static void a_cancelled_errand_says_nothing(void **state)
{
    struct fixture *fixture = *state;

    errand_cancel(begin(fixture, "sleep"));
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->done_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_does_the_work),
        TEST(its_words_come_back),
        TEST(its_death_is_a_failure),
        TEST(a_cancelled_errand_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
