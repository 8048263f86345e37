/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/submit_fixture.h"

#include <string.h>

/* The arguments of all tasks, with '|' behind each. */
static char *tasks_of(const char *arguments, const char *queue)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    buffer_appendf(&text, "executable = x\nfive = 5\narguments = %s\n%s", arguments, queue);
    submit = fixture_parse(buffer_text(&text), NULL);
    return fixture_arguments(submit);
}

#define ASSERT_TASKS(arguments, queue, expected)                                                   \
    do {                                                                                           \
        _cleanup_free_ char *tasks_ = tasks_of((arguments), (queue));                              \
        assert_string_equal(tasks_, (expected));                                                   \
    } while (0)

static void a_number_says_how_many_tasks(void **state)
{
    (void)state;
    ASSERT_TASKS("$(Process)", "queue", "0|");
    ASSERT_TASKS("$(Process)", "Queue 3\n", "0|1|2|");
    ASSERT_TASKS("$(Process)", "queue $(five) - 2*2\n", "0|");
    ASSERT_TASKS("$(Process)", "queue $(five - 3)\n", "0|1|");
    ASSERT_TASKS("$(Process)", "queue $(five) > 3 ? 2 : 1\n", "0|1|");
    ASSERT_TASKS("$(Process)", "queue int($(five) / 2.0)\n", "0|1|");
}

static void processes_count_across_queue_statements(void **state)
{
    (void)state;
    ASSERT_TASKS("$(Process).$(Step)", "queue 2\nqueue 0\narguments = b$(Process)\nqueue 2",
                 "0.0|1.1|b2|b3|");
}

static void items_are_separated_by_commas_and_white_space(void **state)
{
    (void)state;
    ASSERT_TASKS("$(Item)", "queue in (a, b c,,d)", "a|b|c|d|");
    ASSERT_TASKS("$(x)", "queue x in a, b", "a|b|");
    ASSERT_TASKS("$(x)$(Step)", "queue 2 x in(a b)", "a0|a1|b0|b1|");
    ASSERT_TASKS("$(x)", "queue x in (a\n  b, c\n # no\n\n d\n ) e\n", "a|b|c|d|");
}

static void lines_are_divided_among_the_variables(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)-$(y)", "queue x,y from (\na b c\nd , e\nf,g\nh\n#i j\n)\n",
                 "a-b c|d-e|f-g|h-|");
    ASSERT_TASKS("$(x)", "queue x from (a b)", "a b|");
    ASSERT_TASKS("$(x)-$(y)-$(z)", "queue x y , z from (\na,,c d\n)\n", "a--c d|");
    ASSERT_TASKS("$(x)-$(y)", "queue x,y from (\na b\x1f c d \n)\n", "a b-c d|");
}

static void files_and_commands_hold_items(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)$(y)", "queue x,y from items\n", "a1|b2|c3|");
    ASSERT_TASKS("$(x)", "queue x from echo $(five) # y |\n", "5 # y|");
}

static void items_may_hold_macros(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)", "queue 2 x from (\na$(Process)\n$(five + $(Step))\n)\n", "a0|a1|5|6|");
    ASSERT_TASKS("$(five)", "queue five in (x$(five)y)\n", "x5y|");
}

static void the_name_of_a_variable_is_free_again_behind_its_statement(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x:none)", "queue x in (a)\nqueue\n", "a|none|");
}

static void parts_are_ranges_of_tasks(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    submit = fixture_parse("executable = x\nqueue 3\nqueue 0\nqueue 4 in (a, b)\n", NULL);
    assert_int_equal(submit_task_count(submit), 11);
    assert_int_equal(submit_part_count(submit), 2);
    assert_int_equal(submit_part_range(submit, 1).first, 3);
    assert_int_equal(submit_part_range(submit, 1).count, 8);
    assert_int_equal(submit_part_of(submit, 2), 0);
    assert_int_equal(submit_part_of(submit, 3), 1);
    assert_int_equal(submit_part_of(submit, 10), 1);
}

static void what_differs_between_tasks_is_known(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    submit = fixture_parse("executable = x$(Cluster)\nA = $(B)\nB = $(Process)\nC = $(1 + $(B))\n"
                           "arguments = $(A)\nrequest_memory = $(C)\nrequest_cpus = $(cores:1)\n"
                           "+Mine = $(x:1)\n"
                           "queue 2\nqueue x,cores from (\n7 1\n8 2\n)\nqueue\n",
                           NULL);
    assert_false(submit_varies(submit, 0, "executable"));
    assert_true(submit_varies(submit, 0, "Arguments"));
    assert_true(submit_varies(submit, 0, "request_memory"));
    assert_false(submit_varies(submit, 0, "request_disk"));
    assert_true(submit_varies(submit, 0, "b"));
    assert_false(submit_varies(submit, 0, "+Mine"));
    assert_true(submit_varies(submit, 1, "MY.mine"));
    assert_false(submit_varies(submit, 0, "nothing"));
    assert_false(submit_varies(submit, 2, "arguments"));
}

static void wrong_statements_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nqueue 5 form list\n",
                 "x.sub:2:9: here 'in', 'from' or the end of the line is expected\n"
                 "queue 5 form list\n        ^\nhint: did you mean 'from' by 'form'?");
    ASSERT_ERROR("executable = x\nqueue -1\n",
                 "x.sub:2:7: the number of tasks must be a whole number, not negative\n"
                 "queue -1\n      ^");
    ASSERT_ERROR("executable = x\nqueue = 5\n",
                 "x.sub:2:7: a queue statement has no '='\nqueue = 5\n      ^\n"
                 "hint: write 'queue' and a number, as in 'queue 10'");
    ASSERT_ERROR("executable = x\nqueue=5\n",
                 "x.sub:2:6: a queue statement has no '='\nqueue=5\n     ^\n"
                 "hint: write 'queue' and a number, as in 'queue 10'");
    ASSERT_ERROR("executable = x\nqueue x in (a\nb\n",
                 "x.sub:2:12: this list of items is never closed\nqueue x in (a\n           ^\n"
                 "hint: put ')' on a line of its own behind the last item");
    ASSERT_ERROR("executable = x\nqueue x, X in (a)\n",
                 "x.sub:2:10: variable 'X' is named twice\nqueue x, X in (a)\n         ^");
    ASSERT_ERROR("executable = x\nqueue ProcID from (\n1\n)\n",
                 "x.sub:2:7: 'ProcID' is set for each task already\nqueue ProcID from (\n      ^\n"
                 "hint: choose another name for the variable");
    ASSERT_ERROR("executable = x\nqueue x in\n",
                 "x.sub:2:11: behind 'in' the items are missing\nqueue x in\n          ^");
    ASSERT_ERROR("executable = x\nqueue 10000001\n",
                 "x.sub:2:7: there are more than 10000000 tasks\nqueue 10000001\n      ^");
    ASSERT_ERROR("executable = x\nqueue $(Process)\n",
                 "x.sub:2:7: macro 'Process' has no value outside of a task\n"
                 "queue $(Process)\n      ^");
}

static void patterns_match_files_in_order_and_each_once(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)", "queue x matching *.dat", "a.dat|b.dat|d.dat/|");
    ASSERT_TASKS("$(x)", "queue x matching files *.dat", "a.dat|b.dat|");
    ASSERT_TASKS("$(Item)", "queue matching dirs *", "d.dat/|");
    ASSERT_TASKS("$(x)", "queue x matching any (b.*, *.dat\n)", "b.dat|a.dat|d.dat/|");
    ASSERT_TASKS("$(x)", "queue 2 x matching Files (\nc* nothing*\nb*\n)",
                 "c.txt|c.txt|b.dat|b.dat|");
}

static void a_pattern_that_matches_nothing_is_a_warning(void **state)
{
    static const struct submit_options options = {.world = &fixture_world};
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    assert_int_equal(submit_parse(slice_from_text("executable = x\nuse STRICT : false\nqueue\n"),
                                  "x.sub", &options, &submit, &warnings, NULL),
                     0);
    assert_int_equal(warnings.count, 0);
    submit_free(submit);
    assert_int_equal(submit_parse(slice_from_text("executable = x\nqueue matching c* *.none\n"),
                                  "x.sub", &options, &submit, &warnings, NULL),
                     0);
    assert_int_equal(submit_task_count(submit), 1);
    assert_int_equal(warnings.count, 1);
    assert_string_equal(warnings.texts[0], "x.sub:2:19: '*.none' matches nothing\n"
                                           "queue matching c* *.none\n                  ^");
}

/* What is said of a text, with '|' behind each. */
static char *warnings_of(const char *text)
{
    static const struct submit_options options = {.world = &fixture_world};
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct buffer said = BUFFER_INIT;

    assert_int_equal(
        submit_parse(slice_from_text(text), "x.sub", &options, &submit, &warnings, NULL), 0);
    for (size_t i = 0; i < warnings.count; i++)
        buffer_appendf(&said, "%s|", warnings.texts[i]);
    buffer_append_text(&said, "");
    return buffer_take(&said);
}

static void items_that_are_odd_are_warnings(void **state)
{
    static const char short_lines[] = "executable = x\n%squeue x, y from (\na\nb\n)\n";
    static const char twice[] = "executable = x\n%squeue matching a* a*\n";
    static const struct {
        const char *text;
        const char *setting;
        const char *said;
    } cases[] = {
        {short_lines, "", "x.sub:3:2: here a value for 'y' is missing, so it is empty\na\n ^|"},
        {short_lines, "SubmitWarnEmptyFields = false\n", ""},
        {short_lines, "use STRICT : false\n", ""},
        {twice, "",
         "x.sub:2:19: 'a.dat' is matched a second time, and is one item\n"
         "queue matching a* a*\n                  ^|"},
        {twice, "submit_warn_duplicate_matches = no\n", ""},
        {twice, "SubmitAllowDuplicateMatches = yes\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        const char *place = strstr(cases[i].text, "%s");
        _cleanup_free_ char *said = NULL;

        buffer_append(&text, cases[i].text, (size_t)(place - cases[i].text));
        buffer_appendf(&text, "%s%s", cases[i].setting, place + 2);
        said = warnings_of(buffer_text(&text));
        assert_string_equal(said, cases[i].said);
    }
}

static void strictness_can_be_set(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)", "SubmitMatchDirectories = only\nqueue x matching *.dat", "d.dat/|");
    ASSERT_TASKS("$(x)", "submit_match_directories = never\nqueue x matching *.dat",
                 "a.dat|b.dat|");
    ASSERT_TASKS("$(x)", "submit_match_directories = no\nqueue x matching any d.d*", "d.dat/|");
    ASSERT_TASKS("$(x)", "submit_allow_duplicate_matches = true\nqueue x matching a* a*",
                 "a.dat|a.dat|");
    ASSERT_TASKS("$(x)$(y)", "use STRICT : TRUE\nqueue x,y from (\na\n)", "a|");
    ASSERT_ERROR("executable = x\nuse STRICT : true\nqueue matching none*\n",
                 "x.sub:3:16: 'none*' matches nothing\nqueue matching none*\n               ^");
    ASSERT_ERROR("executable = x\nuse strict : Harsh\nqueue x, y from (\na b\nc\n)\n",
                 "x.sub:5:2: here a value for 'y' is missing\nc\n ^");
    ASSERT_ERROR("executable = x\nSubmitFailEmptyMatches = maybe\nqueue matching a*\n",
                 "x.sub:2:26: SubmitFailEmptyMatches must be true or false\n"
                 "SubmitFailEmptyMatches = maybe\n                         ^");
    ASSERT_ERROR("use STRICT : very\n",
                 "x.sub:1:14: there is no strictness 'very'\nuse STRICT : very\n"
                 "             ^\nhint: write 'use STRICT : true', false or harsh");
}

static void a_slice_chooses_items_as_python_does(void **state)
{
    (void)state;
    ASSERT_TASKS("$(x)", "queue x in [1:] (a b c d)", "b|c|d|");
    ASSERT_TASKS("$(x)", "queue x in [:2] a b c d", "a|b|");
    ASSERT_TASKS("$(x)", "queue x in [-3:-1](a b c d)", "b|c|");
    ASSERT_TASKS("$(x)", "queue x in [ 0 : 99 : 2 ] (a b c d e)", "a|c|e|");
    ASSERT_TASKS("$(x)", "queue x in [::-1] (a b c)", "c|b|a|");
    ASSERT_TASKS("$(x)", "queue x in [-1:0:-2] (a b c d e)", "e|c|");
    ASSERT_TASKS("$(x)", "queue x in [2] (a b c d)", "c|d|");
    ASSERT_TASKS("$(x)$(y)", "queue 2 x,y from [1:$(five)] items", "b2|b2|c3|c3|");
    ASSERT_TASKS("$(x)", "queue x matching files [1:] *.dat", "b.dat|");
    ASSERT_TASKS("$(x)", "queue x in [7:] (a b)\nqueue x in (c)", "c|");
}

static void a_table_names_its_columns_itself(void **state)
{
    (void)state;
    ASSERT_TASKS("$(name)-$(Size)-$(rest)", "queue from TABLE table.csv", "x-1-a, b c|y y-2-|");
    ASSERT_TASKS("$(name)", "queue 2 from table [1:] table.csv", "y y|y y|");
    ASSERT_TASKS("$(a)+$(b)", "queue from table (\na\tb\n1 2\t3\n)", "1 2+3|");
    ASSERT_TASKS("$(a)+$(b)", "queue from table (\na  b\n1, 2 3\n)", "1,+2 3|");
    ASSERT_TASKS("$(Item)", "queue from (table)", "table|");
    ASSERT_ERROR(
        "executable = x\nqueue x from table table.csv\n",
        "x.sub:2:7: the first line of a table names the variables, so none can stand here\n"
        "queue x from table table.csv\n      ^");
    ASSERT_ERROR("executable = x\nqueue from table (\na, b c\n)\n",
                 "x.sub:3:4: 'b c' is not a name of a variable\na, b c\n   ^");
}

static void a_wrong_choice_of_items_is_an_error(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nqueue x in [1:2:0] (a b)\n",
                 "x.sub:2:13: this is no choice of items\nqueue x in [1:2:0] (a b)\n"
                 "            ^\nhint: write [start:end] or [start:end:step], all of them whole "
                 "numbers, the step not 0");
    ASSERT_ERROR("executable = x\nqueue x in [1:2 (a b)\n",
                 "x.sub:2:12: this '[' is never closed\nqueue x in [1:2 (a b)\n           ^");
    ASSERT_ERROR("executable = x\nqueue x matching o*\n",
                 "x.sub:2:18: 'odd?name' cannot be an item: its name holds a line end or a "
                 "separator, or white space at an end\nqueue x matching o*\n                 ^");
}

static void a_bar_that_was_forgotten_is_a_hint(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nqueue row from seq 0 99\n",
                 "x.sub:2:16: cannot read the items: cannot open 'seq 0 99': no such file\n"
                 "queue row from seq 0 99\n               ^\n"
                 "hint: if 'seq' is a command that prints the items, put '|' behind it: "
                 "from seq 0 99 |");
}

static void a_world_that_fails_is_an_error(void **state)
{
    static const struct submit_options no_world = {0};
    _cleanup_free_ char *error = NULL;

    (void)state;
    ASSERT_ERROR("executable = x\nqueue x from nowhere\n",
                 "x.sub:2:14: cannot read the items: cannot open 'nowhere': no such file\n"
                 "queue x from nowhere\n             ^");
    ASSERT_ERROR("executable = x\nqueue x from false |\n",
                 "x.sub:2:14: cannot read the items: 'false' failed with status 1\n"
                 "queue x from false |\n             ^");
    ASSERT_ERROR("executable = x\nqueue x matching a* secret/*\n",
                 "x.sub:2:21: cannot list the items: cannot read the folder 'secret'\n"
                 "queue x matching a* secret/*\n                    ^");
    error = fixture_error("executable = x\nqueue x from items\n", &no_world);
    assert_string_equal(error, "x.sub:2:14: files cannot be read here\nqueue x from items\n"
                               "             ^");
    free(error);
    error = fixture_error("executable = x\nqueue x matching *\n", &no_world);
    assert_string_equal(error, "x.sub:2:18: files cannot be listed here\nqueue x matching *\n"
                               "                 ^");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_says_how_many_tasks),
        cmocka_unit_test(processes_count_across_queue_statements),
        cmocka_unit_test(items_are_separated_by_commas_and_white_space),
        cmocka_unit_test(lines_are_divided_among_the_variables),
        cmocka_unit_test(files_and_commands_hold_items),
        cmocka_unit_test(items_may_hold_macros),
        cmocka_unit_test(the_name_of_a_variable_is_free_again_behind_its_statement),
        cmocka_unit_test(parts_are_ranges_of_tasks),
        cmocka_unit_test(what_differs_between_tasks_is_known),
        cmocka_unit_test(wrong_statements_are_errors_with_a_place),
        cmocka_unit_test(patterns_match_files_in_order_and_each_once),
        cmocka_unit_test(a_pattern_that_matches_nothing_is_a_warning),
        cmocka_unit_test(items_that_are_odd_are_warnings),
        cmocka_unit_test(strictness_can_be_set),
        cmocka_unit_test(a_slice_chooses_items_as_python_does),
        cmocka_unit_test(a_table_names_its_columns_itself),
        cmocka_unit_test(a_wrong_choice_of_items_is_an_error),
        cmocka_unit_test(a_bar_that_was_forgotten_is_a_hint),
        cmocka_unit_test(a_world_that_fails_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
