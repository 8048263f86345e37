/* SPDX-License-Identifier: Apache-2.0 */
/* if, include, use, here-documents: what happens while a text is read, and nothing of it later. */
#include "lang/submit_fixture.h"

#include <string.h>

/* Checks the arguments of the first task, and that the frozen text gives the same without a world.
 */
static void assert_arguments(const char *lines, const char *arguments, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, frozen = BUFFER_INIT, again = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL, *copy = NULL;
    static const struct submit_options no_world = {0};
    struct submit_task task;

    buffer_appendf(&text, "executable = x\nhere = 1\nempty =\n%s\narguments = %s\nqueue\n", lines,
                   arguments);
    submit = fixture_parse(buffer_text(&text), NULL);
    submit_freeze(submit, &frozen);
    copy = fixture_parse(buffer_text(&frozen), &no_world);
    submit_freeze(copy, &again);
    assert_string_equal(buffer_text(&again), buffer_text(&frozen));
    submit_task_init(&task);
    fixture_expand(copy, submit_task_count(copy) - 1, &task);
    assert_string_equal(task.arguments_text, expected);
    submit_task_deinit(&task);
}

static void assert_condition(const char *condition, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "if %s\nr = yes\nelse\nr = no\nendif\n", condition);
    assert_arguments(buffer_text(&text), "$(r)", expected);
}

static void conditions_are_decided_as_in_htcondor(void **state)
{
    static const char *const cases[][2] = {
        {"true", "yes"},
        {"False", "no"},
        {"yes", "yes"},
        {"f", "no"},
        {"1", "yes"},
        {"0", "no"},
        {"-0.5", "yes"},
        {"0.0", "no"},
        {"! 0", "yes"},
        {"$(here)", "yes"},
        {"$(nowhere)", "no"},
        {"!$(nowhere)", "yes"},
        {"$(nowhere:true)", "yes"},
        {"defined here", "yes"},
        {"defined HERE", "yes"},
        {"defined empty", "no"},
        {"defined nowhere", "no"},
        {"! defined nowhere", "yes"},
        {"defined $(nowhere)", "no"},
        {"defined 5", "yes"},
        {"defined", "no"},
        {"defined use TEMPLATE:Sizes", "yes"},
        {"defined use template : None", "no"},
        {"defined use ROLE", "no"},
        {"version >= 8.1.5", "yes"},
        {"version >= 23.9.6", "yes"},
        {"version > 23.9.6", "no"},
        {"version > 23.9", "no"},
        {"version == 23.9", "yes"},
        {"version != 23.9.6", "no"},
        {"version < 24.0.0", "yes"},
        {"version<=v23.9.5", "no"},
        {"!version >= 8.0", "no"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_condition(cases[i][0], cases[i][1]);
}

static void the_first_branch_that_is_true_counts(void **state)
{
    (void)state;
    assert_arguments("if 0\nr = a\nelif 1\nr = b\nelif 1\nr = c\nelse\nr = d\nendif", "$(r)", "b");
    assert_arguments("if 0\nr = a\nelif 0\nr = b\nELSE\nr = d\nendif", "$(r)", "d");
    assert_arguments("if 1\nr = a\nelif nonsense is not read\nr = $(\nif more\nendif\nendif",
                     "$(r)", "a");
    assert_arguments("if 0\n if 1\n  r = a\n else\n  r = b\n endif\nelse\n if 1\n  r = c\n endif\n"
                     "endif",
                     "$(r)", "c");
    assert_arguments("if 1\n:r = a\nendif\n:if 0\n:r = b\n:endif", "$(r)", "a");
    assert_arguments("if 0\nqueue 5 in (\na\n)\nendif\nif = 3", "$(Process)$(if)", "03");
}

static void ifs_that_do_not_fit_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("if a b\nendif\n",
                 "x.sub:1:4: 'a b' is no condition that can be decided\nif a b\n   ^\n"
                 "hint: write a truth value or a number, 'defined NAME' or 'version >= 8.4.0'; a "
                 "comparison can be computed by a macro, as in $EVAL($(x) > 3)");
    ASSERT_ERROR("if\nendif\n", "x.sub:1:3: here a condition is missing\nif\n  ^");
    ASSERT_ERROR("if version >= 8\n",
                 "x.sub:1:4: a version is compared with two or three numbers, as in 'version >= "
                 "8.4.0'\nif version >= 8\n   ^");
    ASSERT_ERROR("if defined a b\n",
                 "x.sub:1:12: behind 'defined' a macro's name is missing\nif defined a b\n"
                 "           ^");
    ASSERT_ERROR("if $(Process)\n",
                 "x.sub:1:4: macro 'Process' has no value outside of a task\nif $(Process)\n   ^");
    ASSERT_ERROR("else\n", "x.sub:1:1: there is no 'if' that this 'else' belongs to\nelse\n^");
    ASSERT_ERROR("if 1\nendif\nendif\n",
                 "x.sub:3:1: there is no 'if' that this 'endif' belongs to\nendif\n^");
    ASSERT_ERROR("if 1\nelse\nelif 1\n",
                 "x.sub:3:1: an 'elif' cannot stand behind an 'else'\nelif 1\n^");
}

static void an_if_without_end_is_a_warning(void **state)
{
    static const struct submit_options options = {.world = &fixture_world};
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    assert_int_equal(
        submit_parse(slice_from_text("executable = x\nqueue\nwarning : $(executable)!\n"
                                     "if 0\n"),
                     "x.sub", &options, &submit, &warnings, NULL),
        0);
    assert_int_equal(warnings.count, 2);
    assert_string_equal(warnings.texts[0], "x.sub:3:1: x!\nwarning : $(executable)!\n^");
    assert_string_equal(warnings.texts[1], "x.sub:4:1: this 'if' has no 'endif'\nif 0\n^");
}

static void included_lines_are_read_in_place(void **state)
{
    (void)state;
    assert_arguments("file = more\ninclude : $(file).sub", "$(from) $(Process)", "more 1");
    assert_arguments("include command : echo a = 5", "$(a)", "5");
    assert_arguments("@Include OUTPUT: echo a = 5", "$(a)", "5");
    assert_arguments("include : echo a = 5 |", "$(a)", "5");
    assert_arguments("include ifexist : nowhere.sub\ninclude ifexists : more.sub", "$(from)",
                     "more");
    assert_arguments("include command into kept.sub : echo a = 6", "$(a)", "6");
    /* What is kept counts, and the command is not run. */
    assert_arguments("n = more\ninclude ifexist output into $(n).sub : false |", "$(from)", "more");
    assert_arguments("include ifexist command : false", "$(a:none)", "none");
    assert_arguments("include ifexist command into nowhere.sub : false", "$(a:none)", "none");
    assert_arguments("include = 3\nuse = 4", "$(include)$(use)", "34");
}

static void what_cannot_be_included_is_an_error_with_a_place(void **state)
{
    static const struct submit_options no_world = {0};
    _cleanup_free_ char *error = NULL;

    (void)state;
    ASSERT_ERROR("a = 1\ninclude : nowhere\n",
                 "x.sub:2:11: cannot include: cannot open 'nowhere': no such file\n"
                 "include : nowhere\n          ^");
    ASSERT_ERROR("include : wrong.sub\n", "wrong.sub:2:6: this parenthesis is never closed\n"
                                          "y = $(\n     ^");
    ASSERT_ERROR("include : d.sub\n", "d.sub:1:11: includes are nested more than 20 deep\n"
                                      "include : d.sub\n          ^");
    ASSERT_ERROR("include also : items\n", "x.sub:1:9: 'also' cannot stand behind 'include'\n"
                                           "include also : items\n        ^\n"
                                           "hint: write 'include [ifexist] [command [into "
                                           "FILE]] : NAME'");
    ASSERT_ERROR("include command into x : echo y\n",
                 "x.sub:1:22: cannot keep what is included: cannot write 'x': y?\n"
                 "include command into x : echo y\n                     ^");
    /* Of what may be missing too, because the command has printed something. */
    ASSERT_ERROR("include ifexist command into nowhere/x : echo y\n",
                 "x.sub:1:30: cannot keep what is included: there is no folder 'nowhere'\n"
                 "include ifexist command into nowhere/x : echo y\n"
                 "                             ^");
    ASSERT_ERROR("include command into x : false\n",
                 "x.sub:1:26: cannot include: 'false' failed with status 1\n"
                 "include command into x : false\n                         ^");
    ASSERT_ERROR("include command into : echo y\n",
                 "x.sub:1:21: behind 'into' a file is missing\n"
                 "include command into : echo y\n                    ^");
    ASSERT_ERROR("include into x : y\n",
                 "x.sub:1:9: 'into' cannot stand behind 'include'\ninclude into x : y\n"
                 "        ^\nhint: write 'include [ifexist] [command [into FILE]] : NAME'");
    ASSERT_ERROR("include :\n",
                 "x.sub:1:10: behind 'include :' a file is missing\ninclude :\n         ^");
    ASSERT_ERROR(
        "error 3 : this text is for whoever reads it, so that it is told in its whole length\n",
        "x.sub:1:1: this text is for whoever reads it, so that it is told in its whole "
        "length\nerror 3 : this text is for whoever reads it, so that it is told in its whole "
        "length\n^");
    ASSERT_ERROR("error : no $(nowhere)more\n", "x.sub:1:1: no more\nerror : no $(nowhere)more\n^");
    error = fixture_error("include : items\n", &no_world);
    assert_string_equal(error, "x.sub:1:11: files cannot be read here\ninclude : items\n"
                               "          ^");
}

static void templates_are_filled_in_and_read(void **state)
{
    (void)state;
    assert_arguments("use TEMPLATE : Sizes", "$(cores)|$(memory)|$(all)", "2||of 0");
    assert_arguments("m = 3\nuse template: Sizes( 4 , $(m)G, c )\nx = y",
                     "$(cores)|$(memory)|$(all)|$(rest)", "4|3G|4 , 3G, c of 3|3G, c 10 c y");
    assert_arguments("use TEMPLATE : Sizes(1), Sizes(8, (a,b))", "$(cores) $(memory)", "8 (a");
    ASSERT_ERROR("use TEMPLATE : Size\n",
                 "x.sub:1:16: there is no template 'Size'\nuse TEMPLATE : Size\n"
                 "               ^\nhint: templates are files of that name in the folder "
                 "'templates' of dusk's configuration");
    ASSERT_ERROR("use TEMPLATE : ../Sizes\n", "x.sub:1:16: '../Sizes' is not a name of a template\n"
                                              "use TEMPLATE : ../Sizes\n               ^");
    ASSERT_ERROR("use TEMPLATE : Locked\n",
                 "x.sub:1:16: cannot use the template: cannot open 'Locked'\n"
                 "use TEMPLATE : Locked\n               ^");
    ASSERT_ERROR("use ROLE : Execute\n", "x.sub:1:5: only templates can be used\n"
                                         "use ROLE : Execute\n    ^\n"
                                         "hint: write 'use TEMPLATE : NAME'");
}

static void a_here_document_has_several_lines(void **state)
{
    (void)state;
    assert_arguments("a @=end\n  one  \n# no comment\n\n $(here) \\\n two\n@end", "<$(a)>",
                     "<one\n1 two>");
    assert_arguments("a @=x\n@end\n@endless\n@x\nb @=\n@\nc @=e\none\n@e", "<$(a)$(b)$(c)>",
                     "<@end\n@endlessone>");
    assert_arguments("a @=end\nx \\\\\n\nif y\n@end", "<$(a)>", "<x \\\nif y>");
    assert_arguments("a = 1\na @=end\n$(a)\n2\n@end", "<$(a)>", "<1\n2>");
    ASSERT_ERROR("a @=end\nb\n@ end\n",
                 "x.sub:1:1: this value of several lines never ends\na @=end\n^\n"
                 "hint: put '@end' on a line of its own behind it");
    ASSERT_ERROR("a @=end\nb\nc $(\n@end\n",
                 "x.sub:3:4: this parenthesis is never closed\nc $(\n   ^");
}

static void an_attribute_with_a_minus_is_undefined(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = fixture_parse("executable = x\n+A = 1\n-B = 2\n-A = 3\nqueue\n", NULL);
    submit_task_init(&task);
    fixture_expand(submit, 0, &task);
    assert_int_equal(task.attribute_count, 2);
    assert_string_equal(task.attributes[0].name, "A");
    assert_string_equal(task.attributes[0].expression, "undefined");
    assert_string_equal(task.attributes[1].name, "B");
    assert_string_equal(task.attributes[1].expression, "undefined");
    submit_task_deinit(&task);
}

static void names_may_be_made_of_macros(void **state)
{
    (void)state;
    assert_arguments("n = a\n$(n)b = 5\n+$(n) = 1", "$(ab)", "5");
    ASSERT_ERROR("n = a b\n$(n) = 5\n",
                 "x.sub:2:1: 'a b' is not a name of a command or macro\n$(n) = 5\n^");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_decided_as_in_htcondor),
        cmocka_unit_test(the_first_branch_that_is_true_counts),
        cmocka_unit_test(ifs_that_do_not_fit_are_errors_with_a_place),
        cmocka_unit_test(an_if_without_end_is_a_warning),
        cmocka_unit_test(included_lines_are_read_in_place),
        cmocka_unit_test(what_cannot_be_included_is_an_error_with_a_place),
        cmocka_unit_test(templates_are_filled_in_and_read),
        cmocka_unit_test(a_here_document_has_several_lines),
        cmocka_unit_test(an_attribute_with_a_minus_is_undefined),
        cmocka_unit_test(names_may_be_made_of_macros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
