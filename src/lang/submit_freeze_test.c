/* SPDX-License-Identifier: Apache-2.0 */
/* A frozen submit needs no world, and is the same submit: of texts by hand and of random ones. */
#include "lang/submit_fixture.h"

#include "base/random.h"

#include <string.h>

static void describe_list(const char *name, struct submit_list list, struct buffer *text)
{
    for (size_t i = 0; i < list.count; i++)
        buffer_appendf(text, " %s[%s]", name, list.items[i]);
}

/* All that a task is, as text. */
static void describe_task(const struct submit_task *task, struct buffer *text)
{
    buffer_appendf(text, "%s [%s] %s %s %s %s %s\n", task->executable, task->arguments_text,
                   task->initialdir ? task->initialdir : "-", task->input ? task->input : "-",
                   task->output ? task->output : "-", task->error ? task->error : "-",
                   task->log ? task->log : "-");
    describe_list("argument", task->arguments, text);
    describe_list("environment", task->environment, text);
    describe_list("in", task->transfer_input, text);
    describe_list("out", task->transfer_output, text);
    for (size_t i = 0; i < task->remap_count; i++)
        buffer_appendf(text, " remap[%s=%s]", task->remaps[i].from, task->remaps[i].to);
    for (size_t i = 0; i < task->attribute_count; i++)
        buffer_appendf(text, " +%s[%s]", task->attributes[i].name, task->attributes[i].expression);
    buffer_appendf(text, " %llu %llu %llu %lld %d %d %d %d\n",
                   (unsigned long long)task->request_cpus,
                   (unsigned long long)task->request_memory_bytes,
                   (unsigned long long)task->request_disk_bytes, (long long)task->priority,
                   task->hold, task->transfer_output_given, (int)task->should_transfer_files,
                   (int)task->when_to_transfer_output);
}

/* The first tasks of a submit; a task that fails is what its error says, without its place. */
static void describe_submit(const struct submit *submit, struct buffer *text)
{
    struct submit_task task;

    submit_task_init(&task);
    buffer_appendf(text, "%llu tasks in %zu parts\n", (unsigned long long)submit_task_count(submit),
                   submit_part_count(submit));
    for (uint64_t i = 0; i < submit_task_count(submit) && i < 50; i++) {
        if (submit_expand(submit, 17, i, &task, NULL) == 0)
            describe_task(&task, text);
        else
            buffer_append_text(text, "fails\n");
        buffer_appendf(text, "varies %d\n", submit_varies(submit, task.part, "arguments"));
    }
    submit_task_deinit(&task);
}

/* Freezes, reads without a world, and compares tasks and canonical text. */
static void check_frozen(const struct submit *submit)
{
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT, again = BUFFER_INIT;
    _cleanup_buffer_ struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *copy = NULL;

    submit_freeze(submit, &frozen);
    if (submit_parse((struct slice){frozen.data, frozen.length}, "frozen", NULL, &copy, NULL,
                     &err) < 0)
        fail_msg("%s\n%s", error_text(&err), frozen.data);
    submit_freeze(copy, &again);
    assert_string_equal(frozen.data, again.data);
    describe_submit(submit, &before);
    describe_submit(copy, &after);
    assert_string_equal(before.data, after.data);
}

static void what_came_from_the_submitter_stands_in_the_text(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT;

    (void)state;
    submit = fixture_parse("# a comment\n"
                           "executable=run\n"
                           "input = $ENV(LANG) $ENV(NONE:none) \\\n $(x) $(Process)\n"
                           "queue x,y from items\n"
                           "output = $(x)\\\\\n"
                           "\n"
                           "queue x from echo # ) |\n"
                           "error = never used\n",
                           NULL);
    submit_freeze(submit, &frozen);
    assert_string_equal(frozen.data, "$ENV(LANG) = \"C $(Process) \\\"x\\\\\"\n"
                                     "$ENV(NONE)\n"
                                     "executable = run\n"
                                     "input = $ENV(LANG) $ENV(NONE:none) $(x) $(Process)\n"
                                     "queue 1 x,y from (\n"
                                     "a 1\n"
                                     "b 2\n"
                                     "c 3\n"
                                     ")\n"
                                     "output = $(x)\\\\\n"
                                     "\n"
                                     "queue 1 x from (\n"
                                     "\x1e# )\x1e\n"
                                     ")\n");
    check_frozen(submit);
}

static void frozen_texts_give_the_same_tasks(void **state)
{
    static const char *const texts[] = {
        "executable = x\ngetenv = true\nqueue 3\ngetenv = H*, !L*\nqueue 2",
        "allow_undefined = yes\nexecutable = x$(NONE)$ENV(NONE)\nqueue 2",
        ("executable = x\nX = $(X:1) 2\nX = $(X) $(X)\narguments = $(X) $(a) $(b)|\n"
         "queue 2 a, b from (\na\nb, c  d\n#\n,\na,\n$(Process) \\\n  more\n)\n"),
        "executable = x\nqueue x in (#a, \\\\\n\n)\n",
        "executable = x\n+A = $(B)\n-A = 1\nB @=end\n1 +\n2 \\\\\n\n@end\nqueue\n",
        ("executable = x\narguments = $RANDOM_INTEGER(1,99)$(x:$(name))$CHOICE(Step,a,b)\n"
         "queue 2 from TABLE table.csv\nname = n\nqueue x matching [::-1] *.dat\n"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        _cleanup_submit_ struct submit *submit = fixture_parse(texts[i], NULL);

        check_frozen(submit);
    }
}

static void automatic_names_are_frozen_if_they_are_used(void **state)
{
    static const struct submit_automatic automatics[] = {
        {"Year", "2026"}, {"Node", ""}, {"ARCH", "x\\"}, {"SUBMIT_TIME", "1700000000"}};
    static const struct submit_options options = {.world = &fixture_world,
                                                  .automatics = automatics,
                                                  .automatic_count = ARRAY_LENGTH(automatics)};
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    submit = fixture_parse("executable = x\nYear = $(year)b\n"
                           "arguments = $(YEAR) [$(Node)] $(Arch)\nqueue\nYear = 1\nqueue\n",
                           &options);
    submit_freeze(submit, &frozen);
    assert_string_equal(frozen.data, "$AUTO(Year) = \"2026\"\n$AUTO(Node) = \"\"\n"
                                     "$AUTO(ARCH) = \"x\\\\\"\n"
                                     "executable = x\nYear = $(year)b\n"
                                     "arguments = $(YEAR) [$(Node)] $(Arch)\nqueue 1\n"
                                     "Year = 1\nqueue 1\n");
    check_frozen(submit);
}

static void undefined_names_stay_allowed(void **state)
{
    static const struct submit_options allowed = {.world = &fixture_world, .allow_undefined = true};
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    submit = fixture_parse("executable = x$(a)$ENV(NONE)\nqueue 2\n", &allowed);
    check_frozen(submit);
}

/* Lines that mostly make sense, in any order. */
static void append_random_line(struct random *random, struct buffer *text)
{
    static const char *const pieces[] = {
        "\narguments = ",
        "\noutput = ",
        "\nenvironment = A=",
        "\nrequest_memory = 5",
        "\n+Mine = ",
        "\nX = ",
        "\nY = ",
        "\ntransfer_input_files = a, ",
        "$(X)",
        "$(Y:none)",
        "$(Process)",
        "$(Item:i)",
        "$(a:1)",
        "$(2 * $(Process) + 1)",
        "$ENV(HOME)",
        "$ENV(LANG:x)",
        "$ENV(NONE:y)",
        "\\\n  ",
        " # ",
        "\\",
        "'",
        "5",
        "\x1f",
        "\x1e",
        ", ",
        "$",
        "\nqueue\n",
        "\nqueue 2\n",
        "\nqueue 2 a,b from (\nx y\n #z\n $(X),$ENV(HOME) b \n)\n",
        "\nqueue in (u, v$(Row) ##)\n",
        "\nqueue a,b from items\n",
        "\nqueue a from echo $(X) # |\n",
    };
    uint64_t count = random_between(random, 1, 6);

    buffer_append_text(text, pieces[random_below(random, 8)]);
    for (uint64_t i = 0; i < count; i++)
        buffer_append_text(text, pieces[random_below(random, ARRAY_LENGTH(pieces))]);
    buffer_append_character(text, '\n');
}

static void random_texts_stay_the_same(void **state)
{
    static const struct submit_options options = {.world = &fixture_world};
    struct random random = {.state = 7};
    size_t read = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        _cleanup_submit_ struct submit *submit = NULL;
        uint64_t count = random_between(&random, 1, 8);

        buffer_append_text(&text, "executable = x\nX = 1\n");
        while (count-- > 0)
            append_random_line(&random, &text);
        buffer_append_text(&text, "queue 3\n");
        if (submit_parse((struct slice){text.data, text.length}, "x", &options, &submit, NULL,
                         NULL) < 0)
            continue;
        read++;
        check_frozen(submit);
    }
    assert_true(read > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_from_the_submitter_stands_in_the_text),
        cmocka_unit_test(frozen_texts_give_the_same_tasks),
        cmocka_unit_test(automatic_names_are_frozen_if_they_are_used),
        cmocka_unit_test(undefined_names_stay_allowed),
        cmocka_unit_test(random_texts_stay_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
