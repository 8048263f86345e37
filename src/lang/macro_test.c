/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/submit_fixture.h"

#include <errno.h>
#include <string.h>

static void names_are_found_whatever_their_case(void **state)
{
    (void)state;
    assert_value("Name = World", "hello $(NAME)", "hello World");
}

static void the_last_definition_before_the_queue_statement_counts(void **state)
{
    (void)state;
    assert_value("A = $(B)\nB = 1\nB = 2", "$(A)", "2");
}

static void a_name_in_its_own_value_means_the_definition_before(void **state)
{
    (void)state;
    assert_value("X = a\nX = $(X) b\nX = $(x) c", "$(X)", "a b c");
    assert_value("X = $(X:none) b", "$(X)", "none b");
}

static void a_fallback_stands_in_for_what_is_not_defined(void **state)
{
    (void)state;
    assert_value("B = b", "[$(A:x y)] [$(B:z)] [$(A:)] [$(A:$(C:$(B)))]", "[x y] [b] [] [b]");
    assert_value("", "$(A:f(1)(2))", "f(1)(2)");
}

static void a_job_and_its_task_have_a_number_together(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    assert_value("", "$(JobId)", "17.0");
    assert_value("JobID = a$(JobId)", "$(jobid)", "a17.0");
    submit = fixture_parse("executable = x\narguments = $(JobID)\nqueue 2\nqueue 2 JobID in (5)\n",
                           NULL);
    assert_true(submit_varies(submit, 0, "arguments"));
    assert_false(submit_varies(submit, 1, "arguments"));
}

static void what_is_requested_is_known_under_htcondors_names(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    assert_value("RequestMemory = 2G", "$(Request_Memory) $(VM_MEMORY)", "2G 2G");
    assert_value("request_cpus = 3", "$(Request_CPUs) $(vm_vcpus)", "3 3");
    assert_value("", "$(VM_MEMORY:512) $(Request_CPUs:1)", "512 1");
    ASSERT_ERROR("executable = x\narguments = $(VM_VCPUS)\nqueue\n",
                 "x.sub:2:13: macro 'VM_VCPUS' is not defined\narguments = $(VM_VCPUS)\n"
                 "            ^\nhint: define it, give it a fallback as in $(VM_VCPUS:0), or set "
                 "allow_undefined = true if it is meant to be empty");
    ASSERT_ERROR("executable = x\nRequestCPUs = $(Request_CPUs)\nqueue\n",
                 "x.sub:2:15: this macro is defined by itself, or nested too deeply\n"
                 "RequestCPUs = $(Request_CPUs)\n              ^");
    submit = fixture_parse("executable = x\narguments = $(vm_memory)\nRequestMemory = $(v)\n"
                           "queue v in (1, 2)\n",
                           NULL);
    assert_true(submit_varies(submit, 0, "arguments"));
}

static void names_may_be_computed(void **state)
{
    (void)state;
    assert_value("kind = big\nbig_size = 8\nn = $(kind)_size", "$($(kind)_size) $($(n))", "8 8");
    assert_value("i = 1\nx1 = a\nx2 = b", "$(x$(i))$(x$(Step):c)$(x$(i + 1))", "acb");
    assert_value("n = 3 + 1", "$($(n)) $(2 * $($(n)))", "4 8");
    ASSERT_ERROR("executable = x\na = b\narguments = $(c$(a))\nqueue\n",
                 "x.sub:3:13: macro 'cb', which is meant here, is not defined\n"
                 "arguments = $(c$(a))\n            ^");
}

static void a_fallback_stands_in_for_an_empty_value_too(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    assert_value("a =\nb = $(a)", "[$(a:x)] [$(b:x)]", "[x] []");
    submit = fixture_parse("executable = x\na =\narguments = $(a:$(Process)) $(v:1)\n"
                           "output = $(v:$(Process))\nqueue 2 v from (\n\x1e\x1e\n)\n",
                           NULL);
    assert_true(submit_varies(submit, 0, "arguments"));
    assert_true(submit_varies(submit, 0, "output"));
}

static void the_queue_statement_sets_process_step_row_and_cluster(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = fixture_parse("executable = x\n"
                           "arguments = $(Cluster) $(ClusterId) $(Process) $(ProcId) $(Step) "
                           "$(Row) $(ItemIndex) $(Item)\n"
                           "queue 2 in (a, b)\n",
                           NULL);
    submit_task_init(&task);
    fixture_expand(submit, 3, &task);
    assert_string_equal(task.arguments_text, "17 17 3 3 1 1 1 b");
    submit_task_deinit(&task);
}

static void a_dollar_sign_alone_is_only_a_character(void **state)
{
    (void)state;
    assert_value("A = 1", "$ $A $x(1) 5$ $(DOLLAR)(A)", "$ $A $x(1) 5$ $(A)");
}

static void environment_variables_come_from_the_submitter(void **state)
{
    (void)state;
    assert_value("", "$ENV(HOME)/x $ENV(NONE:none) $env(HOME:y)", "/h/u/x none /h/u");
}

static void arithmetic_stands_between_the_parentheses(void **state)
{
    (void)state;
    assert_value("N = 7", "$(1000 + 100*$(N)) $(N*2) $( -N + 1 ) $((1+2)*(3-5))", "1700 14 -6 -6");
    assert_value("N = 7", "$(N/2) $(-N/2) $(N%4) $(N/2.0) $(1e3) $(0.1+0.5)",
                 "3 -3 3 3.5 1000.0 0.6");
    assert_value("N = 7", "$(N, %05d) $(N+0.6,%d) $(N, %.2f) $( 255 , %#x )", "00007 7 7.00 0xff");
}

static void a_value_that_is_arithmetic_counts_as_its_result(void **state)
{
    (void)state;
    assert_value("N = 2 + 3", "$($(N) * 2) $(X:4) $($(X:4) + 1)", "10 4 5");
}

static void without_a_definition_allow_undefined_gives_nothing(void **state)
{
    (void)state;
    assert_value("allow_undefined = true", "[$(A)] [$ENV(NONE)] [$(B:c)]", "[] [UNDEFINED] [c]");
}

static void undefined_names_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\narguments = a $(Nmae)\nName = 1\nqueue\n",
                 "x.sub:2:15: macro 'Nmae' is not defined\n"
                 "arguments = a $(Nmae)\n"
                 "              ^\n"
                 "hint: did you mean 'Name'?");
    ASSERT_ERROR("executable = x\narguments = é \\\n  \t$(Zzzz)\nqueue\n",
                 "x.sub:3:4: macro 'Zzzz' is not defined\n"
                 "  \t$(Zzzz)\n"
                 "  \t^\n"
                 "hint: define it, give it a fallback as in $(Zzzz:0), or set allow_undefined = "
                 "true if it is meant to be empty");
    ASSERT_ERROR("executable = $ENV(NONE)\nqueue\n",
                 "x.sub:1:14: environment variable 'NONE' is not set\n"
                 "executable = $ENV(NONE)\n"
                 "             ^\n"
                 "hint: set it before you submit, or give it a fallback as in $ENV(NONE:value)");
}

static void what_is_never_used_may_be_wrong(void **state)
{
    (void)state;
    assert_value("A = $(NONE) $(1/0) $ENV(NONE)", "fine", "fine");
}

static void arithmetic_that_fails_is_an_error_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\narguments = $(10 / ($(Process) - 2))\nqueue 3\n",
                 "x.sub:2:18: division by zero\n"
                 "arguments = $(10 / ($(Process) - 2))\n"
                 "                 ^");
    ASSERT_ERROR("executable = $(9223372036854775807 + 1)\nqueue\n",
                 "x.sub:1:36: the result does not fit into 64 bits\n"
                 "executable = $(9223372036854775807 + 1)\n"
                 "                                   ^");
    ASSERT_ERROR("executable = x\nN = five\narguments = $($(N) + 1)\nqueue\n",
                 "x.sub:3:15: the value of $(N) is 'five': this is not a number\n"
                 "arguments = $($(N) + 1)\n"
                 "              ^");
    ASSERT_ERROR("executable = $(1.5 % 2)\nqueue\n", "x.sub:1:20: a remainder needs integers\n"
                                                     "executable = $(1.5 % 2)\n"
                                                     "                   ^");
}

static void what_cannot_be_understood_is_an_error_at_once(void **state)
{
    (void)state;
    ASSERT_ERROR("a = $(b\n", "x.sub:1:6: this parenthesis is never closed\na = $(b\n     ^");
    ASSERT_ERROR("a = $()\n",
                 "x.sub:1:6: between these parentheses a name is missing\na = $()\n     ^");
    ASSERT_ERROR("a = $(1 +)\n",
                 "x.sub:1:10: here a number or a macro is missing\na = $(1 +)\n         ^");
    ASSERT_ERROR("a = $(my name)\n",
                 "x.sub:1:10: here an operator or ')' is missing\na = $(my name)\n         ^\n"
                 "hint: a macro's name has letters, digits, '_' and '.'; anything else between $( "
                 "and ) is arithmetic");
    ASSERT_ERROR("a = $(1, %s)\n",
                 "x.sub:1:10: '%s' is not a number format\na = $(1, %s)\n         ^\n"
                 "hint: write one conversion of printf, such as %d, %05d, %x or %.3f");
}

static void circles_are_found(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = $(A)\nA = $(B)\nB = $(A)\nqueue\n",
                 "x.sub:3:5: this macro is defined by itself, or nested too deeply\n"
                 "B = $(A)\n"
                 "    ^");
}

static void nesting_has_an_end(void **state)
{
    static const char *const openings[] = {"$(A:", "$ENV(NONE:", "$(1+", "$((", "$(A:$("};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(openings); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        _cleanup_free_ char *error = NULL;

        buffer_append_text(&text, "A = ");
        for (int j = 0; j < 50000; j++)
            buffer_append_text(&text, openings[i]);
        error = fixture_error(buffer_text(&text), NULL);
        assert_non_null(strstr(error, "nested too deeply"));
    }
}

static void doubling_is_stopped(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *error = NULL;

    (void)state;
    buffer_append_text(&text, "X =\n");
    for (int i = 0; i < 50; i++)
        buffer_append_text(&text, "X = $(X)$(X)\n");
    buffer_append_text(&text, "executable = a$(X)\nqueue\n");
    error = fixture_error(buffer_text(&text), NULL);
    assert_non_null(strstr(error, "takes too many steps"));
}

static void a_value_has_a_largest_size(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *error = NULL;

    (void)state;
    buffer_append_text(&text, "X = 0123456789\n");
    for (int i = 0; i < 20; i++)
        buffer_append_text(&text, "X = $(X)$(X)\n");
    buffer_append_text(&text, "executable = $(X)\nqueue\n");
    error = fixture_error(buffer_text(&text), NULL);
    assert_non_null(strstr(error, "the value becomes longer than 1 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_whatever_their_case),
        cmocka_unit_test(the_last_definition_before_the_queue_statement_counts),
        cmocka_unit_test(a_name_in_its_own_value_means_the_definition_before),
        cmocka_unit_test(a_fallback_stands_in_for_what_is_not_defined),
        cmocka_unit_test(a_job_and_its_task_have_a_number_together),
        cmocka_unit_test(what_is_requested_is_known_under_htcondors_names),
        cmocka_unit_test(names_may_be_computed),
        cmocka_unit_test(a_fallback_stands_in_for_an_empty_value_too),
        cmocka_unit_test(the_queue_statement_sets_process_step_row_and_cluster),
        cmocka_unit_test(a_dollar_sign_alone_is_only_a_character),
        cmocka_unit_test(environment_variables_come_from_the_submitter),
        cmocka_unit_test(arithmetic_stands_between_the_parentheses),
        cmocka_unit_test(a_value_that_is_arithmetic_counts_as_its_result),
        cmocka_unit_test(without_a_definition_allow_undefined_gives_nothing),
        cmocka_unit_test(undefined_names_are_errors_with_a_place),
        cmocka_unit_test(what_is_never_used_may_be_wrong),
        cmocka_unit_test(arithmetic_that_fails_is_an_error_with_a_place),
        cmocka_unit_test(what_cannot_be_understood_is_an_error_at_once),
        cmocka_unit_test(circles_are_found),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(doubling_is_stopped),
        cmocka_unit_test(a_value_has_a_largest_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
