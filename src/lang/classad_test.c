/* SPDX-License-Identifier: Apache-2.0 */
/* The language: literals, operators, scopes, printing, limits. Functions: classad_function_test.c.
 */
#include "classad_fixture.h"

#include "base/memory.h"

#include <errno.h>

static void literals_of_all_types_are_read_and_printed(void **state)
{
    (void)state;
    ASSERT_VALUES({"17", "17"}, {"0x1F", "31"}, {"010", "10"}, {"2K", "2048"},
                  {"1.5M", "1.572864000000000E+06"}, {"-5", "-5"},
                  {"9223372036854775807", "9223372036854775807"},
                  {"-9223372036854775808", "-9223372036854775808"},
                  {"99999999999999999999", "9223372036854775807"}, {"0.1", "1.000000000000000E-01"},
                  {"1e3", "1.000000000000000E+03"}, {"0.1 + 0.2", "3.0000000000000004E-01"},
                  {"-0.0", "-0.0"}, {".5", "5.000000000000000E-01"}, {"TRUE", "true"},
                  {"False", "false"}, {"UNDEFINED", "undefined"}, {"error", "error"},
                  {"\"a\\\"b\\n\\101\"", "\"a\\\"b\\nA\""}, {"\"one\" \"two\"", "\"onetwo\""},
                  {"\"it's\"", "\"it's\""}, {"{ 1, \"x\", {} }", "{ 1,\"x\",{  } }"},
                  {"[ a = 1; 'b c' = 2; ]", "[ a = 1; 'b c' = 2 ]"}, {"[]", "[  ]"},
                  {"/* so */ 1 // and so\n + 1", "2"});
}

static void operators_bind_as_in_c(void **state)
{
    (void)state;
    ASSERT_VALUES({"1 + 2 * 3 - 4 / 2", "5"}, {"7 % 4 + 1", "4"}, {"-2 * -3", "6"},
                  {"1 << 3 | 1", "9"}, {"6 & 3 ^ 1", "3"}, {"~0", "-1"}, {"-16 >> 2", "-4"},
                  {"-1 >>> 60", "15"}, {"1 << 64", "0"}, {"1 < 2 == true", "true"},
                  {"true || false && false", "true"}, {"1 + 1 == 2 ? \"yes\" : \"no\"", "\"yes\""},
                  {"false ? 1 : true ? 2 : 3", "2"}, {"10 - 3 - 2", "5"}, {"!true || true", "true"},
                  {"(1 + 2) * 3", "9"}, {"- - 3", "3"}, {"+3", "3"});
}

static void arithmetic_converts_numbers_only(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"1 + true", "2"}, {"1 + 1.0", "2.000000000000000E+00"}, {"\"1\" + 1", "error"},
        {"1 / 0", "error"}, {"1 % 0", "error"}, {"1.0 / 0", "error"}, {"7 / 2", "3"},
        {"-7 / 2", "-3"}, {"-7 % 2", "-1"}, {"9223372036854775807 + 1", "-9223372036854775808"},
        {"-9223372036854775808 / -1", "9223372036854775807"}, {"1.5 % 1", "error"},
        {"{1} + 1", "error"}, {"undefined + 1", "undefined"}, {"undefined + error", "error"},
        {"!\"x\"", "error"}, {"-undefined", "undefined"}, {"!3", "false"});
}

static void comparisons_ignore_the_case_of_strings(void **state)
{
    (void)state;
    ASSERT_VALUES({"\"Linux\" == \"LINUX\"", "true"}, {"\"Linux\" =?= \"LINUX\"", "false"},
                  {"\"a\" < \"B\"", "true"}, {"\"ab\" > \"a\"", "true"}, {"1 == 1.0", "true"},
                  {"1 =?= 1.0", "false"}, {"1 == \"1\"", "error"}, {"true == 1", "true"},
                  {"{1} == {1}", "error"}, {"{1, 2} =?= {1,2}", "true"},
                  {"[a=1] is [A = 1]", "true"});
}

/* Names are compared in pieces of eight letters. */
static void names_of_any_length_are_found_whatever_their_case(void **state)
{
    (void)state;
    ASSERT_VALUES({"[ a = 1; B = A ].b", "1"}, {"[ Memory_A = 1; memory_B = 2 ].MEMORY_A", "1"},
                  {"[ Memory_9A = 1; memory_9B = 2 ].MEMORY_9b", "2"},
                  {"[ A23456789012345A = 1 ].a23456789012345a", "1"},
                  {"[ A234567890123456A = 1; A234567890123456B = 2 ].a234567890123456b", "2"},
                  {"[ a2345678 = 1 ].a234567", "undefined"},
                  {"[ a2345678 = 1 ].a23456789", "undefined"});
}

static void what_is_undefined_may_still_be_compared_by_identity(void **state)
{
    (void)state;
    ASSERT_VALUES({"undefined == undefined", "undefined"}, {"undefined =?= undefined", "true"},
                  {"undefined is 1", "false"}, {"undefined isnt 1", "true"},
                  {"error =!= error", "false"}, {"x =?= undefined", "true"}, {"x ?: 3", "3"},
                  {"false ?: 3", "false"}, {"undefined ? 1 : 2", "undefined"},
                  {"\"x\" ? 1 : 2", "error"});
}

static void logic_has_three_values_and_stops_early(void **state)
{
    (void)state;
    ASSERT_VALUES({"false && error", "false"}, {"true || error", "true"},
                  {"error && false", "error"}, {"undefined && false", "false"},
                  {"undefined || true", "true"}, {"undefined && true", "undefined"},
                  {"undefined || error", "error"}, {"1 && 2.5", "true"}, {"0 || 0.0", "false"},
                  {"\"x\" && true", "error"}, {"true && \"x\"", "error"},
                  {"false || undefined || true", "true"});
}

static void times_are_computed_with(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"absTime(\"2026-11-26T12:00:00Z\")", "absTime(\"2026-11-26T12:00:00-00:00\")"},
        {"absTime(\"2026-11-26T12:00:00+01:00\") == absTime(\"2026-11-26T11:00:00Z\")", "true"},
        {"absTime(\"2026-11-26T12:00:00+01:00\") =?= absTime(\"2026-11-26T11:00:00Z\")", "false"},
        {"absTime(\"2026-11-26T12:00:00Z\") + relTime(\"1+00:00:01\")",
         "absTime(\"2026-11-27T12:00:01-00:00\")"},
        {"absTime(\"2026-11-26T12:00:00Z\") - absTime(\"2026-11-26T11:59:00Z\")",
         "relTime(\"01:00\")"},
        {"relTime(\"1:30\") * 2", "relTime(\"03:00\")"}, {"-relTime(\"5\")", "relTime(\"-05\")"},
        {"relTime(\"1d2h3m4.5s\")", "relTime(\"1+02:03:4.5\")"}, {"relTime(\"10\") + 1", "error"},
        {"absTime(\"yesterday\")", "error"}, {"relTime(\"a while\")", "error"});
}

/* assert_values() prints each of them, in both spellings, and reads that back. */
static void what_a_date_or_a_clock_cannot_show_is_printed_nevertheless(void **state)
{
    (void)state;
    ASSERT_VALUES({"absTime(253402300799, 0)", "absTime(\"9999-12-31T23:59:59-00:00\")"},
                  {"absTime(253402300800, -3600)", "absTime(\"9999-12-31T23:00:00-01:00\")"},
                  {"absTime(253402300800, 0)", "absTime(253402300800,0)"},
                  {"absTime(-30610224000, 0)", "absTime(\"1000-01-01T00:00:00-00:00\")"},
                  {"absTime(-30610224001, 0)", "absTime(-30610224001,0)"},
                  {"absTime(-9223372036854775808, 0)", "absTime(-9223372036854775808,0)"},
                  {"absTime(0, 3601)", "absTime(0,3601)"}, {"absTime(0, -90)", "absTime(0,-90)"},
                  {"absTime(\"2026-11-26T12:00:00+99:99\") - absTime(\"2026-11-26T12:00:00Z\")",
                   "relTime(\"-4+04:39:00\")"},
                  {"absTime(\"2026-11-26T12:00:00+99:99\")", "absTime(1795332060,362340)"},
                  {"absTime(0, 362341)", "error"}, {"relTime(0.1)", "relTime(\"0.1\")"},
                  {"relTime(0.1 + 0.2)", "relTime(\"0.30000000000000004\")"},
                  {"relTime(12.3456789)", "relTime(\"12.3456789\")"},
                  {"relTime(59.9999999)", "relTime(\"59.9999999\")"},
                  {"relTime(90061.123456789)", "relTime(\"1+01:01:1.1234567890060134\")"},
                  {"relTime(0.00000001)", "relTime(\"0.00000001\")"},
                  {"relTime(-1234567890123456768)", "relTime(-1.2345678901234568E+18)"},
                  {"relTime(4.9e-324)", "relTime(4.940656458412465E-324)"},
                  {"relTime(-1e-12)", "relTime(\"-0.000000000001\")"},
                  {"relTime(real(\"INF\"))", "relTime(real(\"INF\"))"},
                  {"relTime(real(\"-INF\"))", "relTime(real(\"-INF\"))"},
                  {"relTime(real(\"NaN\"))", "relTime(real(\"NaN\"))"},
                  {"relTime(\".\")", "error"});
}

static void names_are_looked_up_from_the_inside_out(void **state)
{
    (void)state;
    ASSERT_VALUES({"[a = 1; b = [c = a + 1]].b.c", "2"}, {"[a = 1; b = [a = 2; c = a]].b.c", "2"},
                  {"[a = 1; b = [a = 2; c = .a]].b.c", "1"}, {"[A = 1].a", "1"},
                  {"[a = b; b = c; c = 3].a", "3"}, {"[a = 1].b", "undefined"},
                  {"{[a = 1], [a = 2], [b = 3]}.a", "{ 1,2,undefined }"}, {"(1).a", "error"},
                  {"[a = 1][\"A\"]", "1"}, {"{4, 5}[1]", "5"}, {"{4, 5}[2]", "error"},
                  {"{4, 5}[-1]", "error"}, {"[a = 1; b = [c = parent.a]].b.c", "1"});
}

static void a_pair_of_ads_sees_each_other(void **state)
{
    static const char my[] = "Memory = 1\nNeed = TARGET.Memory > MY.Memory\nBoth = Memory + Disk\n"
                             "Theirs = TARGET.Mine";
    static const char target[] = "Memory = 2\nDisk = 10\nMine = MY.Memory\n";

    (void)state;
    assert_value_in("Need", my, target, "true");
    assert_value_in("Both", my, target, "11");
    assert_value_in("Theirs", my, target, "2");
    assert_value_in("TARGET.Need", target, my, "true");
    assert_value_in("TARGET.Nothing", my, target, "undefined");
    assert_value_in("TARGET.Memory", my, NULL, "undefined");
    assert_value_in("MY.Disk", my, target, "undefined");
    assert_value_in("my.memory + target.MEMORY", my, target, "3");
}

static void an_expression_is_printed_as_htcondor_prints_it(void **state)
{
    (void)state;
    assert_printed("a&&b||!c", CLASSAD_NEW, "a && b ||  !c");
    assert_printed("(x=?=y)isnt z", CLASSAD_NEW, "(x is y) isnt z");
    assert_printed("f ( a,b )", CLASSAD_NEW, "f(a,b)");
    assert_printed("a?b:c", CLASSAD_NEW, "a ? b : c");
    assert_printed("a?:b", CLASSAD_NEW, "a ?: b");
    assert_printed("a.b[1].'c d'", CLASSAD_NEW, "a.b[1].'c d'");
    assert_printed("x > -5", CLASSAD_NEW, "x > -5");
    assert_printed("x is y", CLASSAD_OLD, "x =?= y");
    assert_printed("x >= 11.6 && y == \"a\\b\"", CLASSAD_OLD, "x >= 11.6 && y == \"a\\b\"");
    assert_printed("\"say \\\"so\\\"\"", CLASSAD_OLD, "\"say \\\"so\\\"\"");
    assert_printed("100.0", CLASSAD_OLD, "100.0");
}

static void a_backslash_is_itself_in_the_old_spelling(void **state)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_failure failure;

    (void)state;
    assert_int_equal(classad_read(ad, slice_from_text("Path = \"C:\\new\\\"\n# no\n\nB = 2\n"),
                                  CLASSAD_OLD, &failure),
                     0);
    classad_print(ad, CLASSAD_NEW, &text);
    assert_string_equal(text.data, "[ Path = \"C:\\\\new\\\\\"; B = 2 ]");
}

static void what_the_old_spelling_cannot_say_is_said_in_the_new_one(void **state)
{
    (void)state;
    assert_printed("\"C:\\\"", CLASSAD_OLD, "\"C:\\\"");
    assert_value_in("{ \"C:\\\\\", \"a\\\"b\\nc\", \"d\" }[0]", NULL, NULL, "\"C:\\\\\"");
    assert_value_in("{ \"C:\\\\\", \"a\\\"b\\nc\", \"d\" }", NULL, NULL,
                    "{ \"C:\\\\\",\"a\\\"b\\nc\",\"d\" }");
    assert_value_in("{ \"C:\\\\\" }", NULL, NULL, "{ \"C:\\\\\" }");
    assert_value_in("join(\"\", \"a\\nb\\\\\")", NULL, NULL, "\"a\\nb\\\\\"");
}

static void an_ad_is_changed_and_walked(void **state)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_failure failure;

    (void)state;
    classad_set_integer(ad, "Cpus", 4);
    classad_set_string(ad, "Name", slice_from_text("pc\"17"));
    classad_set_boolean(ad, "Quiet", true);
    classad_set_real(ad, "Load", 0.5);
    assert_int_equal(
        classad_set(ad, slice_from_text("CPUS"), slice_from_text("8"), CLASSAD_OLD, &failure), 0);
    classad_remove(ad, "quiet");
    classad_remove(ad, "nothing");
    assert_int_equal(classad_count(ad), 3);
    assert_true(slice_equals(classad_name(ad, 0), "Cpus"));
    assert_null(classad_get(ad, "Quiet"));
    classad_print(ad, CLASSAD_OLD, &text);
    assert_string_equal(text.data, "Cpus = 8\nName = \"pc\\\"17\"\nLoad = 0.5\n");
    assert_int_equal(
        classad_set(ad, slice_from_text("Load"), slice_from_text("1 +"), CLASSAD_OLD, &failure),
        -EINVAL);
    assert_int_equal(classad_read(ad, slice_from_text("[x = 1"), CLASSAD_NEW, &failure), -EINVAL);
}

static void many_attributes_are_all_found(void **state)
{
    _cleanup_classad_ struct classad *ad = classad_new();
    char name[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "A%d", i);
        classad_set_integer(ad, name, i);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "a%d", i);
        assert_non_null(classad_get(ad, name));
    }
    assert_int_equal(classad_count(ad), 1000);
}

static void what_is_wrong_has_a_place_and_a_sentence(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *message;
    } cases[] = {
        {"1 +", 3, "the expression breaks off here"},
        {"(1", 2, "expected ')' here"},
        {"1 2", 2, "expected an operator or the end here"},
        {"a ? b", 5, "expected ':' here, as in a ? b : c"},
        {"f(1 2)", 4, "expected ',' or ')' here"},
        {"{1; 2}", 2, "expected ',' or '}' here"},
        {"[a 1]", 3, "expected '=' behind the name"},
        {"[a = 1", 6, "expected ';' or ']' here"},
        {"x.1", 1, "expected an operator or the end here"},
        {"x.+", 2, "expected a name behind '.'"},
        {"\"abc", 0, "this string has no end"},
        {"'abc", 0, "this name has no end"},
        {"''", 0, "a name cannot be empty"},
        {"/* abc", 0, "this comment has no end"},
        {"1.", 0, "a digit must stand behind the point"},
        {"1e+", 0, "the exponent has no digits"},
        {"0x", 0, "'0x' needs a hexadecimal digit behind it"},
        {"1e999", 0, "this number is too large"},
        {"a = b", 2, "expected an operator or the end here"},
        {"a # b", 2, "this character has no meaning here"},
        {"\"a\\0b\"", 0, "a string cannot hold a NUL character"},
        {"", 0, "the expression breaks off here"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct classad_expression *expression = NULL;
        struct classad_failure failure;

        assert_int_equal(classad_expression_parse(slice_from_text(cases[i].text), CLASSAD_NEW,
                                                  &expression, &failure),
                         -EINVAL);
        assert_string_equal(failure.message, cases[i].message);
        assert_int_equal(failure.at - cases[i].text, cases[i].at);
    }
}

/* `count` times the text in front, the middle, `count` times the text behind. */
static char *nest(const char *front, const char *middle, const char *behind, size_t count)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < count; i++)
        buffer_append_text(&text, front);
    buffer_append_text(&text, middle);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&text, behind);
    return buffer_take(&text);
}

static void nesting_is_bounded_and_length_is_not(void **state)
{
    static const char *const fronts[] = {"(", "{", "[a=", "f(", "!", "x[", "true?"};
    static const char *const behinds[] = {")", "}", "]", ")", "", "]", ":1"};
    _cleanup_free_ char *chain = nest("1 + ", "1", "", 20000), *paths = nest("", "x", ".a", 1000);
    struct classad_expression *expression = NULL;
    struct classad_failure failure;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(fronts); i++) {
        _cleanup_free_ char *deep = nest(fronts[i], "1", behinds[i], 100 * 1000);

        assert_int_equal(
            classad_expression_parse(slice_from_text(deep), CLASSAD_NEW, &expression, &failure),
            -EINVAL);
        assert_string_equal(failure.message, "this nests too deep");
    }
    assert_int_equal(
        classad_expression_parse(slice_from_text(paths), CLASSAD_NEW, &expression, &failure),
        -EINVAL);
    assert_values(&(struct classad_case){chain, "20001"}, 1);
}

static void evaluation_without_end_is_an_error(void **state)
{
    _cleanup_buffer_ struct buffer doubling = BUFFER_INIT;

    (void)state;
    assert_value_in("a", "a = b\nb = a", NULL, "error");
    assert_value_in("a", "a = a + 1", NULL, "error");
    assert_value_in("a", "a = eval(\"a\")", NULL, "error");
    assert_value_in("isError(a)", "a = [b = a].b", NULL, "true");
    for (int i = 0; i < 60; i++)
        buffer_appendf(&doubling, "a%d = a%d + a%d\n", i, i + 1, i + 1);
    buffer_append_text(&doubling, "a60 = 1\n");
    assert_value_in("a0", doubling.data, NULL, "error");
    doubling.length = 0;
    for (int i = 0; i < 40; i++)
        buffer_appendf(&doubling, "s%d = strCat(s%d, s%d)\n", i, i + 1, i + 1);
    buffer_append_text(&doubling, "s40 = \"xxxxxxxx\"\n");
    assert_value_in("s0", doubling.data, NULL, "error");
    assert_value_in("regexp(\"(a+)+$\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\")",
                    NULL, NULL, "error");
}

static void a_line_that_cannot_be_read_may_be_passed_over(void **state)
{
    static const char lines[] = "A = 1\nno line\n= 2\nB = ((\n# C = 3\n\nD = A + 3\r\n";
    _cleanup_classad_ struct classad *ad = classad_new();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    (void)state;
    classad_read_tolerantly(ad, slice_from_text(lines));
    classad_print(ad, CLASSAD_OLD, &text);
    assert_string_equal(text.data, "A = 1\nD = A + 3\n");
}

static void note_name(void *user_data, enum classad_side side, struct slice name)
{
    static const char *const sides[] = {"", "MY.", "TARGET.", "?."};

    buffer_appendf(user_data, "%s%.*s ", sides[side], (int)name.length, name.data);
}

static void assert_names(const char *text, const char *expected)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    struct classad_failure failure;

    assert_int_equal(
        classad_expression_parse(slice_from_text(text), CLASSAD_NEW, &expression, &failure), 0);
    classad_node_walk_names(classad_expression_node(expression), note_name, &names);
    assert_string_equal(names.data, expected);
}

/* "?. " is told for what may be any attribute at all. */
static void names_behind_other_names_are_told(void **state)
{
    (void)state;
    assert_names("TARGET[\"Memory\"] + ((target)).Disk + self.x", "?.Memory ?.Disk MY.x ");
    assert_names("a.b[\"c\"].d[3]", "?.d ?.c ?.b a ");
    assert_names("a[b] + [c = d][\"c\"]", "?. a b ?.c d ");
    assert_names("eval(a) + size(PARENT) + currentTime + .e", "?. a PARENT ?. currentTime MY.e ");
}

static void note_condition(void *user_data, const struct classad_node *condition)
{
    classad_node_print(condition, CLASSAD_NEW, user_data);
    buffer_append_text(user_data, "\n");
}

static void names_and_conditions_are_told(void **state)
{
    static const char text[] =
        "((TARGET.Arch == \"X86_64\") && (OpSys == \"LINUX\" && f(MY.x, [y = z].y)))";
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_buffer_ struct buffer names = BUFFER_INIT, conditions = BUFFER_INIT;
    struct classad_failure failure;
    const struct classad_node *node;

    (void)state;
    assert_int_equal(
        classad_expression_parse(slice_from_text(text), CLASSAD_NEW, &expression, &failure), 0);
    node = classad_expression_node(expression);
    classad_node_walk_names(node, note_name, &names);
    assert_string_equal(names.data, "TARGET.Arch OpSys MY.x ?.y z ");
    classad_node_walk_conditions(node, note_condition, &conditions);
    assert_string_equal(conditions.data, "TARGET.Arch == \"X86_64\"\nOpSys == \"LINUX\"\n"
                                         "f(MY.x,[ y = z ].y)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_of_all_types_are_read_and_printed),
        cmocka_unit_test(operators_bind_as_in_c),
        cmocka_unit_test(arithmetic_converts_numbers_only),
        cmocka_unit_test(comparisons_ignore_the_case_of_strings),
        cmocka_unit_test(names_of_any_length_are_found_whatever_their_case),
        cmocka_unit_test(what_is_undefined_may_still_be_compared_by_identity),
        cmocka_unit_test(logic_has_three_values_and_stops_early),
        cmocka_unit_test(times_are_computed_with),
        cmocka_unit_test(what_a_date_or_a_clock_cannot_show_is_printed_nevertheless),
        cmocka_unit_test(names_are_looked_up_from_the_inside_out),
        cmocka_unit_test(a_pair_of_ads_sees_each_other),
        cmocka_unit_test(an_expression_is_printed_as_htcondor_prints_it),
        cmocka_unit_test(a_backslash_is_itself_in_the_old_spelling),
        cmocka_unit_test(what_the_old_spelling_cannot_say_is_said_in_the_new_one),
        cmocka_unit_test(an_ad_is_changed_and_walked),
        cmocka_unit_test(many_attributes_are_all_found),
        cmocka_unit_test(what_is_wrong_has_a_place_and_a_sentence),
        cmocka_unit_test(nesting_is_bounded_and_length_is_not),
        cmocka_unit_test(evaluation_without_end_is_an_error),
        cmocka_unit_test(a_line_that_cannot_be_read_may_be_passed_over),
        cmocka_unit_test(names_and_conditions_are_told),
        cmocka_unit_test(names_behind_other_names_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
