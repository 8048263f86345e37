/* SPDX-License-Identifier: Apache-2.0 */
/* Which sources there are, and what one that does not work means. */
#include "presence.h"

#include "base/test.h"

#include <stdlib.h>
#include <string.h>

static void names_are_checked_and_the_error_lists_what_there_is(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(presence_check("auto", &err), 0);
    assert_int_equal(presence_check("none", &err), 0);
    assert_int_equal(presence_check("x11", &err), 0);
    assert_int_equal(presence_check(" x11 , x11", &err), 0);
    assert_true(presence_check("x11,camera", &err) < 0);
    assert_string_equal(err.text, "there is no way 'camera' to notice the owner");
    assert_non_null(strstr(err.hint, "x11"));
    assert_true(presence_check("", &err) < 0);
    assert_true(presence_check("none,x11", &err) < 0);
}

struct heard {
    uint64_t used_ms;
    unsigned int uses;
    bool holds[OWNER_REASON_COUNT];
};

static void on_used(void *userdata, uint64_t used_ms)
{
    struct heard *heard = userdata;

    heard->uses++;
    heard->used_ms = used_ms;
}

static void on_lasts(void *userdata, enum owner_reason reason, bool holds)
{
    struct heard *heard = userdata;

    heard->holds[reason] = holds;
}

static struct presence *begin(uv_loop_t *loop, const char *sources, struct heard *heard)
{
    struct presence_options options = {.sources = sources, .root = ""};
    struct presence_listener listener = {on_used, on_lasts, heard};

    assert_int_equal(uv_loop_init(loop), 0);
    return presence_new(loop, &options, &listener);
}

static void end(uv_loop_t *loop, struct presence *presence)
{
    presence_free(presence);
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

static void none_watches_nothing(void **state)
{
    struct heard heard = {0};
    uv_loop_t loop;
    struct presence *presence = begin(&loop, "none", &heard);

    (void)state;
    assert_false(presence_is_wanted("none"));
    assert_int_equal(presence_count(presence), 0);
    assert_false(heard.holds[OWNER_REASON_UNWATCHED]);
    end(&loop, presence);
}

static void where_nothing_can_be_watched_the_computer_counts_as_used(void **state)
{
    struct heard heard = {0};
    struct presence *presence;
    uv_loop_t loop;

    (void)state;
    unsetenv("DISPLAY");
    presence = begin(&loop, "auto", &heard);
    assert_int_equal(heard.holds[OWNER_REASON_UNWATCHED], presence_count(presence) == 0);
    end(&loop, presence);
}

static void one_that_was_asked_for_and_does_not_work_leaves_the_computer_used(void **state)
{
    struct heard heard = {0};
    struct presence_view view;
    struct presence *presence;
    uv_loop_t loop;

    (void)state;
    setenv("DISPLAY", ":no-such-display", 1);
    presence = begin(&loop, "x11,x11", &heard);
    assert_int_equal(presence_count(presence), 1);
    view = presence_view(presence, 0);
    assert_string_equal(view.name, "x11");
    assert_false(view.works);
    assert_string_equal(view.why_not, "cannot connect to the X server of DISPLAY=:no-such-display");
    assert_true(heard.holds[OWNER_REASON_UNWATCHED]);
    assert_int_equal(heard.uses, 0);
    end(&loop, presence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked_and_the_error_lists_what_there_is),
        cmocka_unit_test(none_watches_nothing),
        cmocka_unit_test(where_nothing_can_be_watched_the_computer_counts_as_used),
        cmocka_unit_test(one_that_was_asked_for_and_does_not_work_leaves_the_computer_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
