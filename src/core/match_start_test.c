/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes ask of tasks by START and RANK, and what bounds that. */
#include "core/match_fixture.h"
#include "core/match_wishes.h"

#include "base/memory.h"

#include <string.h>

static uint32_t task_class_of(struct matchmaker *matchmaker, const char *owner, const char *size,
                              const char *requirements)
{
    const struct match_attribute attributes[] = {
        {"Owner", owner}, {"Size", size}, {"Base", "4"}, {"Requirements", requirements}};
    uint32_t class = NONE;

    assert_in_range(matchmaker_classify_task(matchmaker, NULL, attributes, ARRAY_LENGTH(attributes),
                                             &class, NULL),
                    0, 1);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    return class;
}

static uint32_t task_class(struct matchmaker *matchmaker, const char *owner, const char *size)
{
    return task_class_of(matchmaker, owner, size, NULL);
}

static void a_task_runs_only_where_start_is_true(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    fixture_join_class(
        fixture, 1,
        fixture_node_class(matchmaker,
                           "Start = TARGET.Owner == \"erika\" && TARGET.Size <= MY.Largest\n"
                           "Largest = 8\n"));
    assert_true(matchmaker_take_new_wishes(matchmaker));
    assert_false(matchmaker_take_new_wishes(matchmaker));
    assert_int_equal(fixture_start(fixture, 1, task_class(matchmaker, "\"otto\"", "4")), NONE);
    assert_int_equal(fixture_start(fixture, 2, task_class(matchmaker, "\"erika\"", NULL)), NONE);
    assert_int_equal(fixture_start(fixture, 3, task_class(matchmaker, "\"erika\"", "9")), NONE);
    assert_int_equal(fixture_start(fixture, 4, task_class(matchmaker, "\"erika\"", "2 * Base")), 1);
    matchmaker_free(matchmaker);
}

static void a_start_that_is_true_is_none(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    assert_int_equal(fixture_node_class(matchmaker, "Start = true"), 0);
    fixture_join_class(fixture, 1, fixture_node_class(matchmaker, "Start = false"));
    assert_int_equal(fixture_start(fixture, 1, 0), NONE);
    assert_int_equal(fixture_start(fixture, 2, task_class(matchmaker, "\"erika\"", NULL)), NONE);
    matchmaker_free(matchmaker);
}

/* Their Owner was no matter when they were classified, so it would be UNDEFINED. */
static void tasks_of_which_nothing_is_known_run_nowhere_where_that_matters(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t before = task_class(matchmaker, "\"otto\"", NULL), after;

    fixture_join_class(fixture, 1,
                       fixture_node_class(matchmaker, "Start = TARGET.Owner =!= \"otto\""));
    assert_int_equal(before, 0);
    assert_int_equal(fixture_start(fixture, 1, before), NONE);
    assert_int_equal(fixture_start(fixture, 2, task_class(matchmaker, "\"otto\"", NULL)), NONE);
    after = task_class(matchmaker, "\"erika\"", NULL);
    assert_int_equal(fixture_start(fixture, 3, after), 1);
    assert_int_equal(task_class(matchmaker, "\"erika\"", "7"), after);
    fixture_join_class(fixture, 2,
                       fixture_node_class(matchmaker, "Start = TARGET.Size =?= undefined"));
    assert_int_not_equal(task_class(matchmaker, "\"erika\"", NULL), after);
    assert_int_not_equal(task_class(matchmaker, "\"erika\"", "7"), after);
    matchmaker_free(matchmaker);
}

/* The brain tells tasks of different requests apart, so what is said of these may differ. */
static void tasks_of_a_part_that_differ_in_what_is_asked_run_nowhere_where_it_is(void **state)
{
    static const uint32_t nodes_of_class[] = {0, 1};
    const struct match_attribute attributes[] = {{"Owner", "\"erika\"", false},
                                                 {"requestMemory", "4", true},
                                                 {"Args", "\"1\"", true},
                                                 {"Size", "1", true},
                                                 {"Requirements", "TARGET.X =!= 1", true}};
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t first = fixture_node_class(matchmaker, "Start = TARGET.RequestMemory < 8"),
             class = NONE;
    struct match_analysis analysis;

    fixture_join_class(fixture, 1, first);
    assert_int_equal(matchmaker_classify_task(matchmaker, NULL, attributes, 4, &class, NULL), 0);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    assert_int_equal(fixture_start(fixture, 1, class), 1);
    (void)fixture_node_class(matchmaker, "Start = TARGET.Size < 8");
    assert_int_equal(matchmaker_classify_task(matchmaker, NULL, attributes, 4, &class, NULL), 0);
    assert_int_equal(class, 0);
    assert_int_equal(fixture_start(fixture, 2, class), NONE);
    /* Not told apart, but by their requirements. */
    assert_int_equal(matchmaker_classify_task(matchmaker, NULL, attributes, 5, &class, NULL), 1);
    assert_int_equal(fixture_start(fixture, 3, class), NONE);
    matchmaker_analyze(matchmaker, class, nodes_of_class, 2, &analysis);
    assert_true(analysis.is_untold);
    match_analysis_deinit(&analysis);
    matchmaker_free(matchmaker);
}

static uint32_t task_of_user(struct matchmaker *matchmaker, const char *user, int number)
{
    char text[16];
    const struct match_attribute attribute = {"ClusterId", text};
    uint32_t class = NONE;

    (void)snprintf(text, sizeof(text), "%d", number);
    assert_int_equal(matchmaker_classify_task(matchmaker, user, &attribute, 1, &class, NULL), 0);
    return class;
}

/* Else one node could use up the classes that tasks with other requirements need. */
static void what_is_asked_makes_so_many_classes_and_no_more(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t last = NONE;
    char user[16];

    matchmaker_bound_shares(matchmaker, true);
    (void)fixture_node_class(matchmaker, "Start = TARGET.ClusterId != 7");
    for (uint32_t i = 0; i < MATCH_TOLD_CLASSES_MAX; i++) {
        (void)snprintf(user, sizeof(user), "u%u", i / (MATCH_TOLD_SHARE_MAX - 1));
        last = task_of_user(matchmaker, user, (int)i);
    }
    assert_int_equal(last, 0);
    assert_int_not_equal(task_of_user(matchmaker, user, 5), 0);
    assert_int_equal(task_of_user(matchmaker, NULL, -1), 0);
    matchmaker_tidy(matchmaker);
    (void)fixture_node_class(matchmaker, "Start = TARGET.ClusterId != 7");
    for (uint32_t i = 0; i < MATCH_TOLD_SHARE_MAX; i++)
        assert_int_not_equal(task_of_user(matchmaker, "u", (int)i), 0);
    assert_int_equal(task_of_user(matchmaker, "u", -1), 0);
    assert_int_not_equal(task_of_user(matchmaker, "v", -1), 0);
    matchmaker_free(matchmaker);
}

static void what_nobody_asks_any_more_tells_no_tasks_apart(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t class;

    (void)fixture_node_class(matchmaker, "Start = TARGET.Owner == \"erika\"");
    (void)fixture_node_class(matchmaker, "Start = TARGET.Owner == \"anna\"");
    class = task_class(matchmaker, "\"erika\"", NULL);
    assert_int_equal(fixture_start(fixture, 1, class), NONE);
    matchmaker_tidy(matchmaker);
    assert_int_equal(task_class(matchmaker, "\"erika\"", NULL), 0);
    /* The class that is left is one of those that the name tells apart, when it comes again. */
    (void)matchmaker_take_new_wishes(matchmaker);
    fixture_join_class(fixture, 1,
                       fixture_node_class(matchmaker, "Start = TARGET.Owner == \"erika\""));
    assert_true(matchmaker_take_new_wishes(matchmaker));
    assert_int_equal(task_class(matchmaker, "\"erika\"", NULL), class);
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    matchmaker_free(matchmaker);
}

/* Names TARGET.a0 to TARGET.a(count-1), which are made others by the prefix. */
static void append_names(struct buffer *text, const char *prefix, uint32_t count)
{
    buffer_append_text(text, "Start = true");
    for (uint32_t i = 0; i < count; i++)
        buffer_appendf(text, " && TARGET.%s%u =?= undefined", prefix, i);
}

static void a_start_that_asks_for_too_much_is_true_of_no_task(void **state)
{
    static const uint32_t nodes_of_class[] = {0, 1, 1, 1, 1, 1};
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer many = BUFFER_INIT, most = BUFFER_INIT, dear = BUFFER_INIT;
    struct match_analysis analysis;
    uint32_t class;

    append_names(&many, "a", MATCH_NODE_WISHES_MAX);
    append_names(&most, "a", MATCH_NODE_WISHES_MAX - 1);
    buffer_append_text(&dear, "Start = TARGET.Owner == \"erika\"");
    for (int i = 0; i < 1000; i++)
        buffer_append_text(&dear, " && TARGET.Owner == \"erika\"");
    fixture_join_class(fixture, 1, fixture_node_class(matchmaker, many.data));
    fixture_join_class(fixture, 2, fixture_node_class(matchmaker, dear.data));
    fixture_join_class(fixture, 3, fixture_node_class(matchmaker, "Start = size(TARGET) =!= 0"));
    fixture_join_class(fixture, 4,
                       fixture_node_class(matchmaker, "Start = TARGET.'a b' =?= undefined"));
    fixture_join_class(fixture, 5, fixture_node_class(matchmaker, most.data));
    class = task_class(matchmaker, "\"erika\"", NULL);
    assert_int_equal(fixture_start(fixture, 1, class), 5);
    matchmaker_analyze(matchmaker, class, nodes_of_class, 6, &analysis);
    assert_int_equal(analysis.refused, 4);
    match_analysis_deinit(&analysis);
    matchmaker_free(matchmaker);
}

static void all_nodes_together_ask_for_so_much_and_no_more(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t last = NONE, class;

    for (uint32_t i = 0; i * (MATCH_NODE_WISHES_MAX - 1) < MATCH_WISHES_MAX; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT, prefix = BUFFER_INIT;

        buffer_appendf(&prefix, "b%u_", i);
        append_names(&text, prefix.data, MATCH_NODE_WISHES_MAX - 1);
        last = fixture_node_class(matchmaker, text.data);
    }
    fixture_join_class(fixture, 1, last);
    fixture_join_class(fixture, 2,
                       fixture_node_class(matchmaker, "Start = TARGET.Owner == \"erika\""));
    class = task_class(matchmaker, "\"erika\"", NULL);
    assert_int_equal(fixture_start(fixture, 1, class), 2);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CHANGED, .changed = {.node = 2}});
    matchmaker_tidy(matchmaker);
    assert_int_equal(fixture_start(fixture, 2, class), 2);
    matchmaker_free(matchmaker);
}

/* Which of two jobs that wait a node takes, the first or the second; both are gone then. */
static uint32_t whom_it_takes(struct pool_fixture *fixture, struct matchmaker *matchmaker,
                              uint32_t node, const char *lines)
{
    static const char not_before[] = "TARGET.Here";
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint32_t class, first = 2 * node, job;

    buffer_appendf(&text, "%sHere = true\n", lines);
    /* Each side looks at what the other is told apart by. */
    (void)fixture_node_class(matchmaker, text.data);
    (void)fixture_start(fixture, first, task_class_of(matchmaker, "\"otto\"", "3", not_before));
    (void)fixture_start(fixture, first + 1,
                        task_class_of(matchmaker, "\"erika\"", "4", not_before));
    class = fixture_node_class(matchmaker, text.data);
    fixture_join(fixture, node, 1);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CHANGED,
                                              .changed = {.node = node, .node_class = class}});
    assert_int_equal(fixture_count(fixture, POOL_SEND_START), 1);
    job = fixture_find(fixture, POOL_SEND_START)->send.job;
    fixture_choose(fixture, POOL_REMOVE, first, NONE);
    fixture_choose(fixture, POOL_REMOVE, first + 1, NONE);
    return job - first;
}

static void a_node_takes_first_whom_it_ranks_highest(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    static const struct {
        const char *lines;
        uint32_t expected;
    } cases[] = {
        {"Start = Fits\nFits = TARGET.Size < 9\nRank = Fits * TARGET.Size\n", 1},
        {"Start = Fits\nFits = TARGET.Size < 9\nRank = Fits * (TARGET.Owner == \"otto\")\n", 0},
        {"Start = TARGET.Owner != \"x\"\nRank = -TARGET.Size\n", 0},
        {"Start = TARGET.Owner != \"x\"\nRank = TARGET.Nothing\n", 0},
        {"Start = TARGET.Size == 4\nRank = TARGET.Owner == \"otto\"\n", 1},
        {"Start = TARGET.Owner != \"x\"\nRank = size(TARGET) + TARGET.Size\n", 0},
    };

    for (uint32_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(whom_it_takes(fixture, matchmaker, i + 1, cases[i].lines),
                         cases[i].expected);
    matchmaker_free(matchmaker);
}

static void an_analysis_tells_where_start_is_not_true(void **state)
{
    static const uint32_t nodes_of_class[] = {2, 3};
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct match_analysis analysis;

    assert_int_equal(fixture_node_class(matchmaker, "Start = TARGET.Owner == \"erika\""), 1);
    matchmaker_analyze(matchmaker, task_class(matchmaker, "\"otto\"", NULL), nodes_of_class, 2,
                       &analysis);
    assert_int_equal(analysis.nodes, 5);
    assert_int_equal(analysis.suited, 2);
    assert_int_equal(analysis.refused, 3);
    matchmaker_append_start(matchmaker, analysis.refused_class, &text);
    assert_string_equal(text.data, "TARGET.Owner == \"erika\"");
    match_analysis_deinit(&analysis);
    assert_true(matchmaker_has_start(matchmaker, 1));
    assert_false(matchmaker_has_start(matchmaker, 0));
    matchmaker_free(matchmaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_task_runs_only_where_start_is_true),
        fixture_test(a_start_that_is_true_is_none),
        fixture_test(tasks_of_which_nothing_is_known_run_nowhere_where_that_matters),
        fixture_test(tasks_of_a_part_that_differ_in_what_is_asked_run_nowhere_where_it_is),
        fixture_test(what_is_asked_makes_so_many_classes_and_no_more),
        fixture_test(what_nobody_asks_any_more_tells_no_tasks_apart),
        fixture_test(a_start_that_asks_for_too_much_is_true_of_no_task),
        fixture_test(all_nodes_together_ask_for_so_much_and_no_more),
        fixture_test(a_node_takes_first_whom_it_ranks_highest),
        fixture_test(an_analysis_tells_where_start_is_not_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
