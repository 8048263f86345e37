/* SPDX-License-Identifier: Apache-2.0 */
/* From attributes to classes, and from classes to where tasks run. */
#include "core/match_fixture.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* The class of a task with these; NULL: it does not have that attribute. */
static uint32_t task_class(struct matchmaker *matchmaker, const char *requirements,
                           const char *rank, int expected)
{
    const struct match_attribute attributes[] = {{"RequestMemory", "2 * Base"},
                                                 {"Base", "512"},
                                                 {"Owner", "\"erika\""},
                                                 {"Requirements", requirements},
                                                 {"Rank", rank}};
    uint32_t job_class = NONE;

    assert_int_equal(matchmaker_classify_task(matchmaker, NULL, attributes,
                                              ARRAY_LENGTH(attributes), &job_class, NULL),
                     expected);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    return job_class;
}

static void tasks_that_ask_for_nothing_are_of_class_0(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    assert_int_equal(task_class(matchmaker, NULL, NULL, 0), 0);
    assert_int_equal(task_class(matchmaker, "true", "0.0", 0), 0);
    assert_int_equal(task_class(matchmaker, "(1)", "undefined", 0), 0);
    assert_int_not_equal(task_class(matchmaker, "false", NULL, 0), 0);
    assert_int_not_equal(task_class(matchmaker, NULL, "5", 0), 0);
    matchmaker_free(matchmaker);
    assert_null(matchmaker_free(NULL));
}

static void what_is_written_the_same_is_one_class(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t first = task_class(matchmaker, "TARGET.Memory - 1 >= RequestMemory", NULL, 1);

    assert_int_equal(task_class(matchmaker, "TARGET.Memory-1>=RequestMemory", NULL, 0), first);
    assert_true(matchmaker_looks_at(matchmaker, first, "base"));
    assert_false(matchmaker_looks_at(matchmaker, first, "Owner"));
    assert_int_not_equal(task_class(matchmaker, "TARGET.Memory > RequestMemory", NULL, 0), first);
    assert_int_equal(fixture_node_class(matchmaker, "Memory = 1024\nName = \"a\"\n"),
                     fixture_node_class(matchmaker, "junk\nName = \"b\"\nmemory = 1024\nX = ((\n"));
    assert_int_not_equal(fixture_node_class(matchmaker, "Memory = 1025"),
                         fixture_node_class(matchmaker, "Memory = 1024"));
    assert_int_equal(fixture_node_class(matchmaker, "Name = \"c\"\n\n"), 0);
    matchmaker_free(matchmaker);
}

static void amounts_are_left_to_the_brain(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    static const char added[] = "(TARGET.Disk >= RequestDisk) && (TARGET.memory >= RequestMemory) "
                                "&& (TARGET.Cpus >= RequestCpus) && (TARGET.GPUs >= RequestGPUs)";

    uint32_t with, without;

    assert_int_equal(task_class(matchmaker, added, NULL, 0), 0);
    with =
        task_class(matchmaker, "(Arch == \"ARM\" || Old) && (TARGET.Disk >= RequestDisk)", NULL, 1);
    without = task_class(matchmaker, "(Arch == \"ARM\" || Old)", NULL, 0);
    assert_int_not_equal(with, 0);
    assert_int_equal(with, without);
    assert_false(matchmaker_is_crowded(matchmaker));
    matchmaker_free(matchmaker);
}

static void a_name_that_is_new_tells_nodes_apart(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    assert_int_equal(fixture_node_class(matchmaker, "Big = Memory > 4\nMemory = 8\n"), 0);
    (void)task_class(matchmaker, "Big", NULL, 1);
    assert_int_not_equal(fixture_node_class(matchmaker, "Big = Memory > 4\nMemory = 8\n"),
                         fixture_node_class(matchmaker, "Big = Memory > 4\nMemory = 9\n"));
    assert_int_not_equal(
        fixture_node_class(matchmaker, "Big = eval(Limit)\nLimit = \"Memory > 4\"\n"),
        fixture_node_class(matchmaker, "Big = eval(Limit)\nLimit = \"Memory > 5\"\n"));
    assert_int_not_equal(fixture_node_class(matchmaker, "Big = eval(\"Limit > 4\")\nLimit = 5\n"),
                         fixture_node_class(matchmaker, "Big = eval(\"Limit > 4\")\nLimit = 4\n"));
    assert_int_equal(fixture_node_class(matchmaker, "Big = TARGET.x > MY.y\n"),
                     fixture_node_class(matchmaker, "Big = TARGET.x > MY.y\n"));
    matchmaker_free(matchmaker);
}

static void loads_that_are_nearly_the_same_are_one_class(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    (void)task_class(matchmaker, "TARGET.LoadAvg < 0.3", NULL, 1);
    assert_int_equal(fixture_node_class(matchmaker, "LoadAvg = 0.26"),
                     fixture_node_class(matchmaker, "LoadAvg = 0.29"));
    assert_int_not_equal(fixture_node_class(matchmaker, "LoadAvg = 0.29"),
                         fixture_node_class(matchmaker, "LoadAvg = 0.30"));
    matchmaker_free(matchmaker);
}

/* Each of them sees an attribute of the node without saying TARGET.Memory. */
static void an_attribute_that_is_looked_at_in_a_roundabout_way_tells_nodes_apart(void **state)
{
    static const char *const requirements[] = {
        "TARGET[\"Memory\"] > 8",
        "(TARGET).Memory > 8",
        "eval(join(\"\", \"TARGET.Mem\", \"ory\")) > 8",
        "MY.Other.Memory > 8",
        "size(TARGET) > 2",
        "TARGET[join(\"\", \"Mem\", \"ory\")] > 8",
        "countMatches(Memory > 8, TARGET.Slots) > 0",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(requirements); i++) {
        const struct match_attribute attributes[] = {
            {"Other", "TARGET"}, {"Memory", "5"}, {"Requirements", requirements[i]}};
        struct pool_fixture *fixture = *state;
        struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
        uint32_t job_class;

        assert_int_equal(fixture_node_class(matchmaker, "Memory = 9"), 0);
        assert_int_equal(
            matchmaker_classify_task(matchmaker, NULL, attributes, 3, &job_class, NULL), 1);
        assert_int_not_equal(
            fixture_node_class(matchmaker, "Memory = 9\nSlots = { [ Cpus = 1 ] }\n"),
            fixture_node_class(matchmaker, "Memory = 8\nSlots = { [ Cpus = 1 ] }\n"));
        assert_int_equal(
            matchmaker_classify_task(matchmaker, NULL, attributes, 3, &job_class, NULL), 0);
        matchmaker_free(matchmaker);
    }
}

/* When the task is gone that can look at everything, what nobody names counts no more. */
static void all_attributes_count_as_long_as_somebody_can_look_at_them(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);

    (void)task_class(matchmaker, "eval(TARGET.Wish)", NULL, 1);
    assert_int_not_equal(fixture_node_class(matchmaker, "Wish = \"Cpus > 2\"\nCpus = 4\n"),
                         fixture_node_class(matchmaker, "Wish = \"Cpus > 2\"\nCpus = 2\n"));
    matchmaker_tidy(matchmaker);
    assert_int_equal(fixture_node_class(matchmaker, "Wish = \"Cpus > 2\"\nCpus = 4\n"), 0);
    matchmaker_free(matchmaker);
}

static void requirements_and_rank_decide_where_a_task_runs(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t large = task_class(matchmaker, "TARGET.Memory > RequestMemory", "-KFlops", 1);
    uint32_t fast = task_class(matchmaker, "Arch == \"X86_64\"", "KFlops", 1);
    uint32_t nowhere = task_class(matchmaker, "Arch == \"ARM\"", "KFlops", 0);
    uint32_t odd = task_class(matchmaker, "Memory == 512", "real(\"NaN\")", 0);

    fixture_join_class(
        fixture, 0,
        fixture_node_class(matchmaker, "Memory = 2048\nKFlops = 5\nArch = \"x86_64\"\n"));
    fixture_join_class(
        fixture, 1,
        fixture_node_class(matchmaker, "Memory = 512\nKFlops = 9.5\nArch = \"X86_64\"\n"));
    fixture_join_class(fixture, 2, fixture_node_class(matchmaker, "Memory = 4096\nKFlops = 7\n"));
    assert_int_equal(fixture_start(fixture, 1, large), 0);
    assert_int_equal(fixture_start(fixture, 2, fast), 1);
    assert_int_equal(fixture_start(fixture, 3, nowhere), NONE);
    assert_int_equal(fixture_start(fixture, 4, odd), 1);
    matchmaker_free(matchmaker);
}

static void an_attribute_that_is_its_own_end_is_an_end(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer chain = BUFFER_INIT;

    (void)task_class(matchmaker, "Requirements && A0", NULL, 1);
    for (int i = 0; i < 300; i++)
        buffer_appendf(&chain, "A%d = A%d\n", i, i + 1);
    (void)fixture_node_class(matchmaker, chain.data);
    (void)fixture_node_class(matchmaker, "A0 = A1\nA1 = A0");
    matchmaker_free(matchmaker);
}

static void what_the_clock_decides_is_looked_at_again(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t late = task_class(matchmaker, "time() >= 1000", NULL, 0);
    uint32_t night = task_class(matchmaker, "ClockMin < 60", NULL, 1);

    matchmaker_set_clock(matchmaker, 900, 0);
    fixture_join_class(fixture, 0, fixture_node_class(matchmaker, "ClockMin = time() / 60"));
    assert_int_equal(fixture_start(fixture, 1, late), NONE);
    assert_int_equal(fixture_start(fixture, 2, night), 0);
    (void)fixture_node_class(matchmaker, "ClockMin = 5");
    matchmaker_set_clock(matchmaker, 3600, 0);
    matchmaker_look_again(matchmaker);
    assert_true(matchmaker_go_on(matchmaker, 1));
    matchmaker_look_again(matchmaker);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    assert_int_equal(fixture_start(fixture, 3, night), NONE);
    matchmaker_free(matchmaker);
}

/* The key of the class does not say "time". */
static void what_is_made_of_strings_may_be_decided_by_the_clock(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t late = task_class(matchmaker, "eval(join(\"im\", \"t\", \"e()\")) > 9", NULL, 1);

    fixture_join_class(fixture, 0, fixture_node_class(matchmaker, "Memory = 1"));
    assert_int_equal(fixture_start(fixture, 1, late), NONE);
    matchmaker_set_clock(matchmaker, 10, 0);
    matchmaker_look_again(matchmaker);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_state(fixture, 1, 0), TASK_RUNNING);
    matchmaker_free(matchmaker);
}

static void an_expression_that_cannot_be_read_is_refused(void **state)
{
    const struct match_attribute attributes[] = {{"Requirements", "Memory >"}};
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_error_ struct error err = ERROR_INIT;
    uint32_t job_class;

    assert_int_equal(matchmaker_classify_task(matchmaker, NULL, attributes, 1, &job_class, &err),
                     -EINVAL);
    assert_string_equal(error_text(&err),
                        "'Requirements = Memory >': the expression breaks off here");
    matchmaker_free(matchmaker);
}

/* Printed in full for its class, it is longer than an expression may be. */
static void requirements_that_cannot_be_kept_are_refused(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct match_attribute attributes[] = {{"Requirements", "Long == TARGET.x"}, {"Long", NULL}};
    _cleanup_error_ struct error err = ERROR_INIT;
    uint32_t job_class;

    buffer_append_character(&text, '"');
    for (int i = 0; i < 300000; i++)
        buffer_append_character(&text, '\1');
    buffer_append_character(&text, '"');
    attributes[1].expression = buffer_text(&text);
    assert_true(matchmaker_classify_task(matchmaker, NULL, attributes, 2, &job_class, &err) < 0);
    assert_non_null(strstr(error_text(&err), "requirements or rank, written in full: "));
    /* The name that it looked at is still new to the nodes. */
    (void)task_class(matchmaker, "TARGET.x", NULL, 1);
    (void)task_class(matchmaker, "TARGET.x == 2", NULL, 0);
    matchmaker_free(matchmaker);
}

static void a_function_that_is_none_rules_out_every_node(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t class = task_class(matchmaker, "'no such'(1) && OpSys == \"LINUX\"", NULL, 1);

    fixture_join_class(fixture, 0, fixture_node_class(matchmaker, "OpSys = \"LINUX\""));
    assert_int_equal(fixture_start(fixture, 1, class), NONE);
    matchmaker_free(matchmaker);
}

static void attributes_are_followed_as_deep_as_they_are_evaluated(void **state)
{
    enum { DEPTH = 300 };
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    struct match_attribute attributes[DEPTH + 1] = {{"Requirements", "X1 == TARGET.Memory"}};
    char names[DEPTH + 1][8];
    uint32_t job_class;

    for (int i = 1; i <= DEPTH; i++)
        (void)snprintf(names[i], sizeof(names[i]), "X%d", i);
    for (int i = 1; i <= DEPTH; i++)
        attributes[i] = (struct match_attribute){names[i], i < DEPTH ? names[i + 1] : "7"};
    assert_int_equal(
        matchmaker_classify_task(matchmaker, NULL, attributes, DEPTH + 1, &job_class, NULL), 1);
    fixture_join_class(fixture, 0, fixture_node_class(matchmaker, "Memory = 7"));
    assert_int_equal(fixture_start(fixture, 1, job_class), 0);
    matchmaker_free(matchmaker);
}

static void classes_that_nobody_is_of_make_room(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t used = task_class(matchmaker, "Memory > 1", NULL, 1);
    uint32_t unused = task_class(matchmaker, "Memory > 2", NULL, 0);
    uint32_t here = fixture_node_class(matchmaker, "Memory = 1");
    uint32_t gone = fixture_node_class(matchmaker, "Memory = 2");

    fixture_join_class(fixture, 0, here);
    (void)fixture_start(fixture, 1, used);
    matchmaker_tidy(matchmaker);
    matchmaker_tidy(matchmaker);
    assert_int_not_equal(task_class(matchmaker, NULL, "Memory", 0), used);
    matchmaker_tidy(matchmaker);
    assert_int_equal(fixture_node_class(matchmaker, "Memory = 3"), gone);
    assert_int_equal(task_class(matchmaker, "Memory > 3", NULL, 0), unused);
    assert_int_equal(task_class(matchmaker, "Memory > 1", NULL, 0), used);
    assert_int_not_equal(task_class(matchmaker, "Memory > 4", NULL, 0), unused);
    /* What was let go says nothing of new ones. */
    fixture_choose(fixture, POOL_REMOVE, 1, NONE);
    matchmaker_tidy(matchmaker);
    assert_int_equal(fixture_node_class(matchmaker, "Memory = 4"), 0);
    (void)task_class(matchmaker, "Memory > 1", NULL, 1);
    assert_int_equal(fixture_node_class(matchmaker, "Memory = 4"), gone);
    matchmaker_free(matchmaker);
}

/* Requirements of so many comparisons, each of four steps, and a number that makes them others. */
static void append_long(struct buffer *text, int comparisons, int number)
{
    buffer_appendf(text, "%d > 0", number);
    for (int i = 0; i < comparisons; i++)
        buffer_append_text(text, " && Memory > 0");
}

static bool is_pending(struct matchmaker *matchmaker, uint32_t job_class)
{
    struct match_analysis analysis;
    bool pending;

    matchmaker_analyze(matchmaker, job_class, NULL, 0, &analysis);
    pending = analysis.is_pending;
    match_analysis_deinit(&analysis);
    return pending;
}

static uint32_t waiting_class(struct matchmaker *matchmaker, const char *user,
                              const char *requirements)
{
    struct match_attribute attribute = {"Requirements", requirements};
    uint32_t job_class;

    assert_true(matchmaker_classify_task(matchmaker, user, &attribute, 1, &job_class, NULL) >= 0);
    assert_true(is_pending(matchmaker, job_class));
    return job_class;
}

static void what_is_simple_does_not_wait_for_what_is_not(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint32_t dear, simple, last = 0;

    (void)task_class(matchmaker, "Memory > 3", NULL, 1);
    for (int i = 1; i <= 60; i++) {
        char line[32];

        (void)snprintf(line, sizeof(line), "Memory = %d", i);
        last = fixture_node_class(matchmaker, line);
    }
    fixture_join_class(fixture, 1, last);
    append_long(&text, 1000, 1);
    dear = waiting_class(matchmaker, NULL, text.data);
    assert_true(matchmaker_go_on(matchmaker, 60000));
    simple = waiting_class(matchmaker, NULL, "Memory > 59");
    assert_int_equal(fixture_start(fixture, 1, simple), NONE);
    assert_true(matchmaker_go_on(matchmaker, 60000));
    assert_false(is_pending(matchmaker, simple));
    assert_true(is_pending(matchmaker, dear));
    fixture_tick(fixture, 0);
    assert_int_equal(fixture_find(fixture, POOL_SEND_START)->send.node, 1);
    /* One that nobody is of any more is waited for no longer. */
    matchmaker_tidy(matchmaker);
    assert_false(matchmaker_go_on(matchmaker, 1));
    matchmaker_free(matchmaker);
}

/* A dear class of one user is in the way of no new node. */
static void new_nodes_suit_what_is_simple_before_what_is_not(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t dear = 0, simple;

    (void)task_class(matchmaker, "Memory > 3", NULL, 1);
    (void)fixture_node_class(matchmaker, "Memory = 1");
    for (int i = 1; i <= 20; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        append_long(&text, 1000, i);
        dear = task_class(matchmaker, text.data, NULL, 0);
    }
    simple = task_class(matchmaker, "Memory > 59", NULL, 0);
    fixture_join(fixture, 0, 8);
    for (int i = 60; i < 70; i++) {
        char line[32];
        uint32_t class;

        (void)snprintf(line, sizeof(line), "Memory = %d", i);
        assert_int_equal(matchmaker_classify_node(matchmaker, slice_from_text(line), &class), 0);
        fixture_step(fixture, (struct pool_event){
                                  .kind = POOL_NODE_CHANGED,
                                  .changed = {.node = 0, .node_class = class},
                              });
    }
    assert_true(is_pending(matchmaker, simple));
    assert_true(matchmaker_go_on(matchmaker, 1000));
    assert_false(is_pending(matchmaker, simple));
    assert_true(is_pending(matchmaker, dear));
    assert_int_equal(fixture_start(fixture, 1, simple), 0);
    matchmaker_free(matchmaker);
}

static void requirements_that_take_too_long_are_not_true(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, longer = BUFFER_INIT;

    append_long(&text, 1000, 1);
    append_long(&longer, 10000, 1);
    fixture_join_class(fixture, 0, fixture_node_class(matchmaker, "Memory = 1"));
    (void)task_class(matchmaker, "Memory > 1", NULL, 1);
    fixture_join_class(fixture, 1, fixture_node_class(matchmaker, "Memory = 1"));
    assert_int_equal(fixture_start(fixture, 1, task_class(matchmaker, text.data, NULL, 0)), 1);
    assert_int_equal(fixture_start(fixture, 2, task_class(matchmaker, longer.data, NULL, 0)), NONE);
    matchmaker_free(matchmaker);
}

static void an_analysis_ends_though_not_all_nodes_were_looked_at(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint32_t counts[1000] = {0}, job_class;
    struct match_analysis analysis;

    append_long(&text, 1000, 1);
    job_class = task_class(matchmaker, text.data, NULL, 1);
    for (int i = 1; i < 1000; i++) {
        char line[32];

        (void)snprintf(line, sizeof(line), "Memory = %d", i);
        counts[fixture_node_class(matchmaker, line)]++;
    }
    matchmaker_analyze(matchmaker, job_class, counts, 10, &analysis);
    assert_false(analysis.is_cut);
    assert_int_equal(analysis.suited, 9);
    match_analysis_deinit(&analysis);
    matchmaker_analyze(matchmaker, job_class, counts, 1000, &analysis);
    assert_true(analysis.is_cut);
    assert_in_range(analysis.nodes, 10, 998);
    match_analysis_deinit(&analysis);
    matchmaker_free(matchmaker);
}

/* Submits tasks of different classes until that is refused; returns how many there were. */
static uint32_t use_up(struct matchmaker *matchmaker, const char *user, struct error *err)
{
    static int number = 0;
    uint32_t count = 0, job_class;
    char text[32];
    int r;

    do {
        struct match_attribute attribute = {"Rank", text};

        (void)snprintf(text, sizeof(text), "%d", ++number);
        r = matchmaker_classify_task(matchmaker, user, &attribute, 1, &job_class, err);
        count += r == 0 ? 1 : 0;
    } while (r == 0);
    return count;
}

static void no_user_takes_all_classes_from_the_others(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_error_ struct error first = ERROR_INIT, second = ERROR_INIT, third = ERROR_INIT;

    (void)waiting_class(matchmaker, "first", "Memory > 1");
    (void)waiting_class(matchmaker, "first", "Memory > 2");
    matchmaker_bound_shares(matchmaker, true);
    assert_int_equal(use_up(matchmaker, "first", &first), MATCH_JOB_CLASSES_MAX / 2 - 2);
    assert_non_null(strstr(error_text(&first), "as one user may have"));
    assert_int_equal(use_up(matchmaker, "second", &second), MATCH_JOB_CLASSES_MAX / 4);
    /* Refused, he makes those that nobody is of worth a tidying. */
    assert_true(matchmaker_is_crowded(matchmaker));
    matchmaker_tidy(matchmaker);
    assert_int_equal(use_up(matchmaker, "third", &third), MATCH_JOB_CLASSES_MAX / 2);
    matchmaker_free(matchmaker);
}

static void what_was_accepted_before_has_no_share(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    _cleanup_error_ struct error err = ERROR_INIT;

    assert_int_equal(use_up(matchmaker, "first", &err), MATCH_JOB_CLASSES_MAX);
    assert_non_null(strstr(error_text(&err), "different requirements and ranks already"));
    (void)waiting_class(matchmaker, NULL, "false");
    matchmaker_free(matchmaker);
}

static void conditions_are_counted_one_by_one(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    uint32_t job_class =
        task_class(matchmaker, "(Arch == \"X86_64\") && Memory >= 8 && HasMatlab", NULL, 1);
    uint32_t counts[8] = {0};
    struct match_analysis analysis;

    counts[fixture_node_class(matchmaker, "Arch = \"X86_64\"\nMemory = 8\nHasMatlab = true\n")] +=
        1;
    counts[fixture_node_class(matchmaker, "Arch = \"X86_64\"\nMemory = 4\nHasMatlab = true\n")] +=
        10;
    counts[fixture_node_class(matchmaker, "Arch = \"ARM\"\nMemory = 4\n")] += 100;
    matchmaker_analyze(matchmaker, job_class, counts, 8, &analysis);
    assert_int_equal(analysis.nodes, 111);
    assert_int_equal(analysis.suited, 1);
    assert_int_equal(analysis.count, 3);
    assert_string_equal(analysis.conditions[0].text, "Arch == \"X86_64\"");
    assert_int_equal(analysis.conditions[0].fails, 100);
    assert_int_equal(analysis.conditions[0].alone, 0);
    assert_int_equal(analysis.conditions[1].fails, 110);
    assert_int_equal(analysis.conditions[1].alone, 10);
    assert_int_equal(counts[analysis.conditions[1].alone_class], 10);
    assert_int_equal(analysis.conditions[2].fails, 100);
    match_analysis_deinit(&analysis);
    matchmaker_analyze(matchmaker, 0, counts, 2, &analysis);
    assert_int_equal(analysis.count, 0);
    assert_int_equal(analysis.suited, analysis.nodes);
    match_analysis_deinit(&analysis);
    matchmaker_free(matchmaker);
}

static uint32_t class_of_user(struct matchmaker *matchmaker, const char *user,
                              const char *requirements)
{
    const struct match_attribute attribute = {"Requirements", requirements};
    uint32_t class = NONE;

    assert_in_range(matchmaker_classify_task(matchmaker, user, &attribute, 1, &class, NULL), 0, 1);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    return class;
}

static uint32_t class_of_kept(struct matchmaker *matchmaker, const char *lines, bool expected)
{
    uint32_t class = NONE;

    assert_int_equal(matchmaker_classify_node(matchmaker, slice_from_text(lines), &class), 0);
    assert_int_equal(matchmaker_take_new_user(matchmaker), expected);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    return class;
}

static void a_node_that_is_kept_for_a_user_takes_nobody_elses_tasks(void **state)
{
    struct pool_fixture *fixture = *state;
    struct matchmaker *matchmaker = matchmaker_new(fixture->pool);
    static const uint32_t nodes_of_class[] = {0, 3};
    struct match_analysis analysis;
    uint32_t kept;

    assert_int_equal(class_of_user(matchmaker, "erika", NULL), 0);
    kept = class_of_kept(matchmaker, "DuskOnlyUser = \"erika\"", 1);
    assert_int_equal(class_of_kept(matchmaker, "DuskOnlyUser = \"erika\"", 0), kept);
    assert_string_equal(matchmaker_only_user(matchmaker, kept), "erika");
    assert_null(matchmaker_only_user(matchmaker, 0));
    assert_true(matchmaker_keeps_for(matchmaker, "erika"));
    assert_int_not_equal(class_of_kept(matchmaker, "DuskOnlyUser = 7", 1), kept);
    fixture_join_class(fixture, 1, kept);
    assert_int_equal(fixture_start(fixture, 1, class_of_user(matchmaker, "otto", NULL)), NONE);
    assert_int_equal(fixture_start(fixture, 2, class_of_user(matchmaker, "otto", "Cpus =!= 1")),
                     NONE);
    assert_int_not_equal(class_of_user(matchmaker, "erika", NULL), 0);
    assert_int_equal(fixture_start(fixture, 3, class_of_user(matchmaker, "erika", NULL)), 1);
    class_of_kept(matchmaker, "DuskOnlyUser = \"otto\"", 1);
    assert_int_equal(fixture_start(fixture, 4, class_of_user(matchmaker, "otto", NULL)), NONE);
    assert_int_equal(kept, 1);
    matchmaker_analyze(matchmaker, 0, nodes_of_class, 2, &analysis);
    assert_int_equal(analysis.kept, 3);
    assert_int_equal(analysis.kept_class, kept);
    assert_int_equal(analysis.suited, 0);
    match_analysis_deinit(&analysis);
    matchmaker_free(matchmaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(tasks_that_ask_for_nothing_are_of_class_0),
        fixture_test(what_is_written_the_same_is_one_class),
        fixture_test(amounts_are_left_to_the_brain),
        fixture_test(a_name_that_is_new_tells_nodes_apart),
        fixture_test(loads_that_are_nearly_the_same_are_one_class),
        fixture_test(an_attribute_that_is_looked_at_in_a_roundabout_way_tells_nodes_apart),
        fixture_test(all_attributes_count_as_long_as_somebody_can_look_at_them),
        fixture_test(requirements_and_rank_decide_where_a_task_runs),
        fixture_test(an_attribute_that_is_its_own_end_is_an_end),
        fixture_test(what_the_clock_decides_is_looked_at_again),
        fixture_test(what_is_made_of_strings_may_be_decided_by_the_clock),
        fixture_test(an_expression_that_cannot_be_read_is_refused),
        fixture_test(requirements_that_cannot_be_kept_are_refused),
        fixture_test(a_function_that_is_none_rules_out_every_node),
        fixture_test(attributes_are_followed_as_deep_as_they_are_evaluated),
        fixture_test(classes_that_nobody_is_of_make_room),
        fixture_test(what_is_simple_does_not_wait_for_what_is_not),
        fixture_test(new_nodes_suit_what_is_simple_before_what_is_not),
        fixture_test(requirements_that_take_too_long_are_not_true),
        fixture_test(an_analysis_ends_though_not_all_nodes_were_looked_at),
        fixture_test(no_user_takes_all_classes_from_the_others),
        fixture_test(what_was_accepted_before_has_no_share),
        fixture_test(conditions_are_counted_one_by_one),
        fixture_test(a_node_that_is_kept_for_a_user_takes_nobody_elses_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
