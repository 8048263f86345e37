/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/submit_fixture.h"

#include <stdio.h>
#include <string.h>

static void parts_of_a_file_name_are_chosen_by_letters(void **state)
{
    static const char *const cases[][3] = {
        {"f = /a/b/c.tar.gz", "$F(f)", "/a/b/c.tar.gz"},
        {"f = /a/b/c.tar.gz", "$Fn(f)", "c.tar"},
        {"f = /a/b/c.tar.gz", "$Fx(f)", ".gz"},
        {"f = /a/b/c.tar.gz", "$Fbx(f)", "gz"},
        {"f = /a/b/c.tar.gz", "$Fnx(f)", "c.tar.gz"},
        {"f = /a/b/c.tar.gz", "$Fp(f)", "/a/b/"},
        {"f = /a/b/c.tar.gz", "$Fpb(f)", "/a/b"},
        {"f = /a/b/c.tar.gz", "$Fpn(f)", "/a/b/c.tar"},
        {"f = /a/b/c.tar.gz", "$Fpx(f)", "/a/b/c.tar.gz"},
        {"f = /a/b/c.tar.gz", "$Fd(f)", "b/"},
        {"f = /a/b/c.tar.gz", "$Fdb(f)", "b"},
        {"f = /a/b/c.tar.gz", "$Fdd(f)", "a/b/"},
        {"f = /a/b/c.tar.gz", "$Fdnx(f)", "b/c.tar.gz"},
        {"f = /a/b/c.tar.gz", "$Fdn(f)", "b/c.tar"},
        {"f = /a/b/c.tar.gz", "$Fddddd(f)", "/a/b/"},
        {"f = c.txt", "$Fpnx(f)", "c.txt"},
        {"f = c.txt", "$Fdnx(f)", "c.txt"},
        {"f = c.txt", "[$Fd(f)]", "[]"},
        {"f = c.txt", "[$Fp(f)]", "[]"},
        {"f = /a/b", "[$Fx(f)]", "[]"},
        {"f = \"x y/z.q\"", "$F(f)", "x y/z.q"},
        {"f = 'x y/z.q'", "$Fq(f)", "\"x y/z.q\""},
        {"f = x y/z.q", "$Fqanx(f)", "'z.q'"},
        {"f = a/b\\c", "$Fu(f)", "a/b/c"},
        {"f = a/b\\c", "$Fw(f)", "a\\b\\c"},
        {"f = /a/$(g).txt\ng = n$(Process)", "$Fn(f)", "n0"},
        {"", "$Fn(data.txt)", "data"},
        {"", "$Fnx(in/some file.txt)", "some file.txt"},
        {"f = /a/b.txt", "$BASENAME(f)", "b.txt"},
        {"f = /a/b.txt", "$BASENAME( f , .txt )", "b"},
        {"f = /a/b.txt", "$DIRNAME(f)", "/a/"},
        {"f = /a/b.txt", "$Fn($(f))", "b"},
        {"f = ./a", "$Ff(f)", "./a"},
        {"f = a/b.c", "$fn(f)", "$fn(f)"},
        {"f = a/b.c", "$Fz(f)", "$Fz(f)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_value(cases[i][0], cases[i][1], cases[i][2]);
}

static void a_full_path_counts_from_where_the_task_starts(void **state)
{
    static const struct submit_automatic folder = {"SUBMIT_FOLDER", "/h/u/"};
    static const struct submit_options options = {
        .world = &fixture_world, .automatics = &folder, .automatic_count = 1};
    static const char *const cases[][2] = {
        {"executable = x\nf = ./a/b\narguments = $Ff(f)\nqueue", "/h/u/a/b"},
        {"executable = x\nf = /a/b\narguments = $Ffn(f)\nqueue", "b"},
        {"executable = x\nf = b\ninitialdir = run$(Process)\narguments = $Ff(f)\nqueue",
         "/h/u/run0/b"},
        {"executable = x\nf = b\ninitial_dir = /r\narguments = $Ffq(f)\nqueue", "\"/r/b\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_submit_ struct submit *submit = fixture_parse(cases[i][0], &options);
        struct submit_task task;

        submit_task_init(&task);
        fixture_expand(submit, 0, &task);
        assert_string_equal(task.arguments_text, cases[i][1]);
        submit_task_deinit(&task);
    }
}

static void numbers_are_computed_and_written_as_asked(void **state)
{
    static const char *const cases[][3] = {
        {"x = 7", "$INT(x) $INT(x,%04d) $INT(x, n%3ld.txt)", "7 0007 n  7.txt"},
        {"x = 2 * $(y) + 1\ny = 3", "$INT(x)", "7"},
        {"x = 3.9", "$INT(x) $REAL(x) $REAL(x,%.3f)", "3 3.9 3.900"},
        {"x = 3", "$REAL(x) $REAL(x,%g)", "3 3.0"},
        {"", "$INT(2+3) $INT(7/2) $INT(Process) $INT(255,%x)", "5 3 0 ff"},
        {"x = ifThenElse($(Process) > 0, 10, 20)", "$INT(x)", "20"},
        {"x = 5 > 3", "$INT(x)", "1"},
        {"x = 4", "$INT($(x) * 2)", "8"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_value(cases[i][0], cases[i][1], cases[i][2]);
}

static void expressions_are_evaluated(void **state)
{
    static const char *const cases[][3] = {
        {"x = substr(\"xa$(y)\", 1)\ny = 3", "$STRING(x) $STRING(x,<%4s>) $STRING(x,%-3.1s|)",
         "a3 <  a3> a  |"},
        {"x = plain text", "$STRING(x)", "plain text"},
        {"x = 1 + 2", "[$STRING(x)] [$EVAL(x)]", "[1 + 2] [3]"},
        {"x = toUpper(\"$(y)\")\ny = abc", "$EVAL(x)", "ABC"},
        {"list = \"a,b,c\"", "$EVAL(size(split($(list))))", "3"},
        {"", "$EVAL(3 > 2) $EVAL(5 / 2.0) $EVAL(nothing + 1)",
         "true 2.500000000000000E+00 undefined"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_value(cases[i][0], cases[i][1], cases[i][2]);
}

static void parts_and_choices_are_counted_from_zero(void **state)
{
    static const char *const cases[][3] = {
        {"x = abcdef", "$SUBSTR(x,2) $SUBSTR(x,1,3) $SUBSTR(x,-2) $SUBSTR(x,0,-1)",
         "cdef bcd ef abcde"},
        {"x = abcdef\ns = 4", "$SUBSTR(x,s) [$SUBSTR(x,9)] $SUBSTR(x,-99,2) [$SUBSTR(x,1,-9)]",
         "ef [] ab []"},
        {"x = a\ny = $(x)bc$(Process)", "$SUBSTR(y,1)", "bc0"},
        {"", "$CHOICE(1,a, b c ,d) [$CHOICE(1,a,,b)]", "b c []"},
        {"list = a, , b$(Process),c\ni = 1", "$CHOICE(i,list) $CHOICE(0,$(list))", "b0 a"},
        {"", "$CHOICE(Process,f(1,2),g,h)", "f(1,2)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_value(cases[i][0], cases[i][1], cases[i][2]);
}

static char *drawn(const char *text, uint64_t seed)
{
    const struct submit_options options = {.world = &fixture_world, .seed = seed};
    _cleanup_submit_ struct submit *submit = fixture_parse(text, &options), *copy = NULL;
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT;
    _cleanup_free_ char *again = NULL;
    char *arguments = fixture_arguments(submit);

    assert_true(submit_varies(submit, 0, "arguments"));
    submit_freeze(submit, &frozen);
    copy = fixture_parse(buffer_text(&frozen), NULL);
    again = fixture_arguments(copy);
    assert_string_equal(again, arguments);
    return arguments;
}

static void what_is_drawn_depends_on_the_seed_and_the_task_alone(void **state)
{
    static const char text[] = "executable = x\na = $RANDOM_INTEGER(1,1000000)\n"
                               "a = $(a)\nlist = u v, w\n"
                               "arguments = $(a) $(a) $RANDOM_INTEGER(1,1000000) "
                               "$RANDOM_CHOICE(p,q,,r) $RANDOM_CHOICE(list) $(Item)\n"
                               "queue 50 in [1:] (a, $RANDOM_INTEGER(5,9,2))\nqueue 2 in (z)\n";
    _cleanup_free_ char *one = drawn(text, 1), *two = drawn(text, 1), *other = drawn(text, 2);
    unsigned int first, same, second, number;
    char letter, item;

    (void)state;
    assert_string_equal(one, two);
    assert_string_not_equal(one, other);
    assert_int_equal(
        sscanf(one, "%u %u %u %c %c %u|", &first, &same, &second, &letter, &item, &number), 6);
    assert_int_equal(first, same);
    assert_int_not_equal(first, second);
    assert_non_null(strchr("pqr", letter));
    assert_non_null(strchr("uvw", item));
    assert_true(number == 5 || number == 7 || number == 9);
}

/* Each of five numbers in a thousand drawings, and none of them much too often. */
static void all_numbers_are_drawn_about_as_often(void **state)
{
    _cleanup_free_ char *numbers =
        drawn("executable = x\narguments = $RANDOM_INTEGER(-1,3)\nqueue 1000\n", 7);
    unsigned int counts[5] = {0};

    (void)state;
    for (const char *at = numbers; *at; at = strchr(at, '|') + 1) {
        long number = strtol(at, NULL, 10);

        assert_in_range(number + 1, 0, 4);
        counts[number + 1]++;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++)
        assert_in_range(counts[i], 150, 250);
}

static void what_a_function_varies_with_is_known(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;

    (void)state;
    submit = fixture_parse("executable = x\nf = a/b\ng = a/$(Process)\n"
                           "arguments = $Fn(f) $INT(3)\noutput = $Fn(g)\n"
                           "error = $CHOICE(Step,a,b,c,d)\nqueue 4\n",
                           NULL);
    assert_false(submit_varies(submit, 0, "arguments"));
    assert_true(submit_varies(submit, 0, "output"));
    assert_true(submit_varies(submit, 0, "error"));
}

static void random_expressions_are_drawn_for_each_task(void **state)
{
    _cleanup_free_ char *numbers =
        drawn("executable = x\nr = random(1000000)\narguments = $EVAL(r)\nqueue 2\n", 3);
    _cleanup_submit_ struct submit *submit = NULL;
    unsigned int first, second;

    (void)state;
    assert_int_equal(sscanf(numbers, "%u|%u|", &first, &second), 2);
    assert_int_not_equal(first, second);
    submit = fixture_parse("executable = x\narguments = $EVAL(1 + 1)\nqueue 2\n", NULL);
    assert_false(submit_varies(submit, 0, "arguments"));
}

static void functions_that_cannot_be_computed_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\narguments = $INT(y,%04d)\nqueue\n",
                 "x.sub:2:18: macro 'y' is not defined\narguments = $INT(y,%04d)\n"
                 "                 ^\nhint: define it, give it a fallback as in $(y:0), or set "
                 "allow_undefined = true if it is meant to be empty");
    ASSERT_ERROR("executable = x\ny = many\narguments = $INT(y)\nqueue\n",
                 "x.sub:3:18: the value of y is 'many': this is not a number\n"
                 "arguments = $INT(y)\n                 ^");
    ASSERT_ERROR("executable = x\narguments = $CHOICE(3,a,b)\nqueue\n",
                 "x.sub:2:13: there is no item number 3 to choose; the first has number 0\n"
                 "arguments = $CHOICE(3,a,b)\n            ^");
    ASSERT_ERROR("executable = x\narguments = $RANDOM_INTEGER(5,1)\nqueue\n",
                 "x.sub:2:13: the smallest number is larger than the largest\n"
                 "arguments = $RANDOM_INTEGER(5,1)\n            ^");
    ASSERT_ERROR("executable = x\narguments = $EVAL(1 +)\nqueue\n",
                 "x.sub:2:13: the expression '1 +' cannot be read: the expression breaks off here\n"
                 "arguments = $EVAL(1 +)\n            ^");
}

static void functions_that_cannot_be_understood_are_errors_at_once(void **state)
{
    (void)state;
    ASSERT_ERROR("a = $INT(b,%s)\n", "x.sub:1:12: '%s' is no format for this\na = $INT(b,%s)\n"
                                     "           ^\nhint: write one conversion of printf, such as "
                                     "%d, %05d or %x");
    ASSERT_ERROR("a = $REAL(b,%d %d)\n", "x.sub:1:13: '%d %d' is no format for this\n"
                                         "a = $REAL(b,%d %d)\n            ^\n"
                                         "hint: write one conversion of printf, such as %f, %.3f "
                                         "or %g");
    ASSERT_ERROR("a = $SUBSTR(b)\n", "x.sub:1:5: this has not the arguments that it needs\n"
                                     "a = $SUBSTR(b)\n    ^\n"
                                     "hint: write $SUBSTR(NAME, START) or $SUBSTR(NAME, START, "
                                     "LENGTH)");
    ASSERT_ERROR("a = $Fn(\n", "x.sub:1:8: this parenthesis is never closed\na = $Fn(\n       ^");
}

static void what_the_node_fills_in_stays_as_it_is(void **state)
{
    (void)state;
    assert_value("x = 5", "$$(Arch) $$(OpSys:none) $$([Memory > $(x)]) $$($(x))",
                 "$$(Arch) $$(OpSys:none) $$([Memory > 5]) $$(5)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_file_name_are_chosen_by_letters),
        cmocka_unit_test(a_full_path_counts_from_where_the_task_starts),
        cmocka_unit_test(numbers_are_computed_and_written_as_asked),
        cmocka_unit_test(expressions_are_evaluated),
        cmocka_unit_test(parts_and_choices_are_counted_from_zero),
        cmocka_unit_test(what_is_drawn_depends_on_the_seed_and_the_task_alone),
        cmocka_unit_test(all_numbers_are_drawn_about_as_often),
        cmocka_unit_test(what_a_function_varies_with_is_known),
        cmocka_unit_test(random_expressions_are_drawn_for_each_task),
        cmocka_unit_test(functions_that_cannot_be_computed_are_errors_with_a_place),
        cmocka_unit_test(functions_that_cannot_be_understood_are_errors_at_once),
        cmocka_unit_test(what_the_node_fills_in_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
