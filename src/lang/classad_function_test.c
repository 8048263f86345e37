/* SPDX-License-Identifier: Apache-2.0 */
/* Functions beyond what HTCondor's own table has (classad_corpus_test.c), from its manual. */
#include "classad_fixture.h"

static void types_are_asked_for(void **state)
{
    (void)state;
    ASSERT_VALUES({"isUndefined(x)", "true"}, {"isError(1/0)", "true"}, {"isList({})", "true"},
                  {"isClassAd([])", "true"}, {"isReltime(relTime(\"1\"))", "true"},
                  {"isString(1, 2)", "error"}, {"nosuch(1)", "error"},
                  {"ifThenElse(0.0, 1, 2)", "2"}, {"ifThenElse(\"x\", 1, 2)", "error"},
                  {"ifThenElse(true, 1, 1/0)", "1"}, {"debug(1 + 1)", "2"});
}

static void values_are_converted(void **state)
{
    (void)state;
    ASSERT_VALUES({"int(\"17.9 apples\")", "17"}, {"int(\"2K\")", "2048"}, {"int(\"x\")", "error"},
                  {"int(-3.9)", "-3"}, {"int(true)", "1"}, {"int(undefined)", "undefined"},
                  {"int(1e300)", "9223372036854775807"}, {"real(\"1.5\")", "1.500000000000000E+00"},
                  {"real(\"INF\")", "real(\"INF\")"}, {"real({})", "error"},
                  {"string(1.5)", "\"1.500000000000000E+00\""}, {"string({1, 2})", "\"{ 1,2 }\""},
                  {"string(undefined)", "undefined"}, {"bool(\"TRUE\")", "true"},
                  {"bool(0)", "false"}, {"bool(\"x\")", "undefined"}, {"bool({})", "error"});
}

static void expressions_are_looked_at_as_expressions(void **state)
{
    static const char ad[] =
        "x = y + 3\ny = 1\nReq = OpSys == \"LINUX\" && TARGET.Arch == y && MY.q\n"
        "name = \"slot15\"\nslot15_State = \"Busy\"\nads = {[p = 3], [p = 1], undefined}\n"
        "big = p > 2\nodd = 'no such'(1)";

    (void)state;
    assert_value_in("unparse(x)", ad, NULL, "\"y + 3\"");
    assert_value_in("unparse(odd)", ad, NULL, "\"'no such'(1)\"");
    assert_value_in("unparse(nothing)", ad, NULL, "\"\"");
    assert_value_in("unparse(1 + 1)", ad, NULL, "error");
    assert_value_in("unresolved(Req)", ad, NULL, "\"Arch,OpSys\"");
    assert_value_in("unresolved(Req, \"^Op\")", ad, NULL, "true");
    assert_value_in("unresolved(Req, \"OpSys.+\")", ad, NULL, "false");
    assert_value_in("unresolved(nothing)", ad, NULL, "undefined");
    assert_value_in("eval(strCat(name, \"_State\"))", ad, NULL, "\"Busy\"");
    assert_value_in("eval(\"x * 2\")", ad, NULL, "8");
    assert_value_in("countMatches(big, ads)", ad, NULL, "1");
    assert_value_in("countMatches(MY.big, ads)", ad, NULL, "1");
    assert_value_in("evalInEachContext(p + y, ads)", ad, NULL, "{ 4,2,undefined }");
    assert_value_in("countMatches(p > 2, nothing)", ad, NULL, "0");
    assert_value_in("evalInEachContext(p > 2, 5)", ad, NULL, "error");
}

/* Neither may take a square of time, nor more than what steps allow. */
static void many_names_are_told_in_order(void **state)
{
    enum { COUNT = 30000 };
    _cleanup_buffer_ struct buffer ad = BUFFER_INIT, expected = BUFFER_INIT;

    (void)state;
    buffer_append_text(&ad, "all = { 0");
    for (int i = COUNT; i > 0; i--)
        buffer_appendf(&ad, ",N%05d,n%05d", i, i);
    buffer_append_text(&ad, " }\nb = UNRESOLVED(all)\nads = { 0");
    for (int i = 0; i < 20; i++)
        buffer_append_text(&ad, ",[]");
    buffer_append_text(&ad, " }\n");
    buffer_append_text(&expected, "\"");
    for (int i = 1; i <= COUNT; i++)
        buffer_appendf(&expected, "%sN%05d", i > 1 ? "," : "", i);
    buffer_append_text(&expected, "\"");
    assert_value_in("b", ad.data, NULL, expected.data);
    assert_value_in("unresolved(all, join(\"\", \"^N2\", \"9999$\"))", ad.data, NULL, "true");
    assert_value_in("evalInEachContext(size(b), ads)", ad.data, NULL, "error");
}

/* It is compiled once, and so costs the steps for that once. */
static void a_pattern_that_is_computed_serves_a_whole_list(void **state)
{
    _cleanup_buffer_ struct buffer ad = BUFFER_INIT;

    (void)state;
    buffer_append_text(&ad, "pattern = join(\"\", \"b\", \"$\")\nall = { \"a\"");
    for (int i = 0; i < 20000; i++)
        buffer_append_text(&ad, ",\"a\"");
    buffer_append_text(&ad, " }");
    assert_value_in("regexpMember(pattern, all)", ad.data, NULL, "false");
    assert_value_in("stringList_regexpMember(pattern, join(\",\", all))", ad.data, NULL, "false");
    assert_value_in("regexpMember(pattern + 1, all)", ad.data, NULL, "error");
}

static void lists_are_searched_and_summed(void **state)
{
    (void)state;
    ASSERT_VALUES({"member(\"A\", {\"a\"})", "true"}, {"identicalMember(\"A\", {\"a\"})", "false"},
                  {"member(undefined, {1})", "undefined"},
                  {"identicalMember(undefined, {undefined})", "true"}, {"member({}, {1})", "error"},
                  {"sum({1, 2.5, undefined})", "3.500000000000000E+00"},
                  {"sum({undefined})", "undefined"}, {"sum({\"x\"})", "error"},
                  {"avg({1, 2})", "1.500000000000000E+00"},
                  {"min({3, 1.0, 2})", "1.000000000000000E+00"}, {"max({})", "undefined"},
                  {"anyCompare(\">\", {1, 5}, 3)", "true"},
                  {"allCompare(\"is\", {1, 1}, 1)", "true"}, {"anyCompare(\"~\", {1}, 1)", "error"},
                  {"allCompare(\"<\", {1, undefined}, 3)", "false"}, {"size([a = 1])", "1"});
}

static void strings_are_cut_and_joined(void **state)
{
    (void)state;
    ASSERT_VALUES({"strCat()", "\"\""}, {"strCat(\"a\", undefined)", "undefined"},
                  {"join(\"-\", {1, 2, 3})", "\"1-2-3\""}, {"join({\"a\", \"b\"})", "\"ab\""},
                  {"join(\";\", \"a\", undefined, \"b\")", "\"a;b\""},
                  {"substr(\"abcde\", -2)", "\"de\""}, {"substr(\"abcde\", 1, -1)", "\"bcd\""},
                  {"substr(\"abcde\", -9, 2)", "\"ab\""}, {"substr(\"abcde\", 9)", "\"\""},
                  {"substr(\"abc\", 0, 0)", "\"\""}, {"substr(\"abc\", 2, -5)", "\"\""},
                  {"toUpper(undefined)", "undefined"}, {"toUpper(\"a1z{\")", "\"A1Z{\""},
                  {"strcmp(1, \"1\")", "0"}, {"split(\"a b,c\")", "{ \"a\",\"b\",\"c\" }"},
                  {"split(\"a:b::c\", \":\")", "{ \"a\",\"b\",\"\",\"c\" }"},
                  {"split(\"\")", "{  }"}, {"splitUserName(\"u@d\")", "{ \"u\",\"d\" }"},
                  {"splitUserName(\"u\")", "{ \"u\",\"\" }"},
                  {"splitSlotName(\"m\")", "{ \"\",\"m\" }"});
}

static void versions_are_compared_by_their_numbers(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"versioncmp(\"7.9\", \"7.10\") < 0", "true"}, {"versionGT(\"10\", \"9\")", "true"},
        {"versionLT(\"000\", \"00\")", "true"}, {"versionLT(\"00\", \"01\")", "true"},
        {"versionLT(\"09\", \"0\")", "true"}, {"versionLT(\"0\", \"1\")", "true"},
        {"versionEQ(\"1.2\", \"1.2\")", "true"}, {"versionLE(\"1.x\", \"1.y\")", "true"},
        {"versionGE(\"8.9.8\", \"8.9.7\")", "true"}, {"versioncmp(undefined, \"1\")", "undefined"},
        {"version_in_range(\"2\", \"1\", \"1.9\")", "false"});
}

static void words_in_strings_are_lists(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"stringListSize(\"a, b,,c\")", "3"}, {"stringListSize(\"a;b\", \";\")", "2"},
        {"stringListSize(1)", "error"}, {"stringListSum(\"1, 2.5\")", "3.500000000000000E+00"},
        {"stringListSum(\"\")", "0"}, {"stringListSum(\"1,x\")", "error"},
        {"stringListAvg(\"1,2\")", "1.500000000000000E+00"}, {"stringListMin(\"3,1\")", "1"},
        {"stringListMax(\"\")", "undefined"}, {"stringListMember(\"b\", \"a, b\")", "true"},
        {"stringListMember(\"B\", \"a, b\")", "false"},
        {"stringListIMember(\"B\", \"a, b\")", "true"},
        {"stringListMember(\"b\", undefined)", "undefined"},
        {"stringListSubsetMatch(\"a,b\", \"b,c,a\")", "true"},
        {"stringListISubsetMatch(\"A\", \"a\")", "true"},
        {"stringListSubsetMatch(undefined, \"a\")", "true"},
        {"stringListSubsetMatch(\"a\", undefined)", "false"});
}

static void regular_expressions_match_and_replace(void **state)
{
    (void)state;
    ASSERT_VALUES({"regexp(\"^a.c$\", \"ABC\", \"i\")", "true"}, {"regexp(\"(\", \"x\")", "error"},
                  {"regexp(undefined, \"x\")", "undefined"}, {"regexp(\"a\", 1)", "error"},
                  {"regexp(strCat(\"b\", \"+\"), \"abb\")", "true"},
                  {"regexps(\"b\", \"abcb\", \"<\\\\0>\")", "\"<b>\""},
                  {"regexps(\"b\", \"abcb\", \"x\", \"f\")", "\"axcb\""},
                  {"replace(\"b\", \"abcb\", \"x\")", "\"axcb\""},
                  {"replaceAll(\"b\", \"abcb\", \"[\\\\0]\")", "\"a[b]c[b]\""},
                  {"replaceAll(\"x*\", \"ab\", \"-\")", "\"-a-b-\""},
                  {"replaceAll(\"|a\", \"ab\", \"-\")", "\"---b-\""},
                  {"replaceAll(\"^|b\", \"bab\", \"[\\\\0]\")", "\"[][b]a[b]\""},
                  {"replaceAll(\"\", \"\", \"-\")", "\"-\""},
                  {"replace(\"\", \"ab\", \"-\")", "\"-ab\""},
                  {"regexps(\"^\", \"ab\", \"-\", \"g\")", "\"-a\""},
                  {"regexps(\"(a)(z)?\", \"a\", \"\\\\1\\\\2\")", "error"},
                  {"regexps(\"(z)?(a)\", \"a\", \"\\\\1\\\\2\")", "\"a\""},
                  {"regexps(\"a\", \"a\", \"\\\\\\\\0\")", "\"\\\\a\""},
                  {"regexps(\"(?(DEFINE)(ab\\\\K))(?=(?1))\", \"abc\", \"\\\\0\")", "error"},
                  {"regexpMember(\"b.*\", {\"a\", undefined})", "undefined"},
                  {"stringList_regexpMember(\"^a\", \"xa, ab\")", "true"},
                  {"stringList_regexpMember(\"a\", \"\")", "undefined"},
                  {"stringList_regexpMember(\"A\", \"a;b\", \";\", \"i\")", "true"});
}

static void times_are_taken_apart_and_formatted(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"time()", "1234567890"},
        {"formatTime(time(), \"%Y-%m-%d %H:%M:%S %j %U %W %w %y %I %p %%\")",
         "\"2009-02-13 23:31:30 044 06 06 5 09 11 PM %\""},
        {"formatTime(0)", "\"Thu Jan  1 00:00:00 1970\""}, {"formatTime(relTime(\"1\"))", "error"},
        {"formatTime(951782400, \"%F %T\")", "\"2000-02-29 00:00:00\""},
        {"formatTime(time(), \"%G %g %V %u %k %l %s %C %P %h %R %r %D\")",
         "\"2009 09 07 5 23 11 1234567890 20 pm Feb 23:31 11:31:30 PM 02/13/09\""},
        {"formatTime(absTime(\"2010-01-03T00:00:00+01:00\"), \"%G-W%V-%u %s %z[%Z]\")",
         "\"2009-W53-7 1262473200 +0000[]\""},
        {"formatTime(absTime(\"2018-12-31T00:00:00Z\"), \"%G-W%V-%u %c\")",
         "\"2019-W01-1 Mon Dec 31 00:00:00 2018\""},
        {"formatTime(0, \"%-d %_d %05d %5e %0e %^a %#B %#p %^c|%12T|%012T\")",
         "\"1  1 00001     1 01 THU JANUARY am THU JAN  1 00:00:00 1970|    "
         "00:00:00|000000:00:00\""},
        {"formatTime(0, \"%Ey %OH %Ed %EQ %5Q %_\")", "\"70 00 %Ed %EQ   %5Q %_\""},
        {"formatTime(absTime(-62200000000, 0), \"%C %Y %y %5Y\")", "\"-1 -2 98 -0002\""},
        {"size(formatTime(0, \"%99999999999d\"))", "1023"},
        {"formatTime(splitTime(86399), \"%s\")", "\"86399\""},
        {"getYear(absTime(\"2024-02-29T12:34:56Z\"))", "2024"},
        {"getDayOfYear(absTime(\"2024-12-31T00:00:00Z\"))", "365"},
        {"getDayOfWeek(absTime(\"2026-11-26T00:00:00Z\"))", "4"},
        {"getDays(relTime(\"2+03:04:05\"))", "2"}, {"getHours(relTime(\"2+03:04:05\"))", "3"},
        {"getDays(absTime(0))", "error"}, {"getMonth(5)", "error"},
        {"splitTime(absTime(\"2026-11-26T01:02:03+01:00\")).offset", "3600"},
        {"currentTime()", "absTime(\"2009-02-13T23:31:30-00:00\")"},
        {"dayTime()", "relTime(\"23:31:30\")"}, {"timeZoneOffset()", "relTime(\"00\")"},
        {"absTime(0, 3600)", "absTime(\"1970-01-01T01:00:00+01:00\")"},
        {"relTime(90061)", "relTime(\"1+01:01:01\")"}, {"interval(67)", "\"1:07\""},
        {"interval(1472523)", "\"17+01:02:03\""}, {"interval(-61)", "\"-1:01\""},
        {"interval(\"x\")", "error"});
}

static void numbers_are_rounded(void **state)
{
    (void)state;
    ASSERT_VALUES({"floor(-1.5)", "-2"}, {"ceiling(-1.5)", "-1"}, {"ceil(1.2)", "2"},
                  {"round(2.5)", "2"}, {"round(3.5)", "4"}, {"round(\"x\")", "error"},
                  {"pow(2, 10)", "1024"}, {"pow(2, -1)", "5.000000000000000E-01"},
                  {"pow(0, 0)", "1"}, {"pow(2.0, 2)", "4.000000000000000E+00"},
                  {"quantize(3, 8)", "8"}, {"quantize(3, 2)", "4"}, {"quantize(0, 4)", "0"},
                  {"quantize(6.8, 1.2)", "7.199999999999999E+00"}, {"quantize(0, {4})", "4"},
                  {"quantize(2, {1, 2, \"A\"})", "2"}, {"quantize(3, {1, 2, \"A\"})", "error"},
                  {"quantize(5, {})", "5"}, {"random(1)", "0"}, {"random(\"x\")", "error"},
                  {"random() < 1.0", "true"});
}

static void arguments_and_environments_change_their_syntax(void **state)
{
    (void)state;
    ASSERT_VALUES(
        {"argsToList(\"a 'b c' d''e\")", "{ \"a\",\"b c\",\"de\" }"},
        {"argsToList(\"a 'b c'\", 1)", "{ \"a\",\"'b\",\"c'\" }"},
        {"listToArgs({\"a\", \"b c\", \"\", \"it's\"})", "\"a 'b c' '' 'it''s'\""},
        {"listToArgs({\"a\", \"b\"}, 1)", "\"a b\""}, {"listToArgs({\"a b\"}, 1)", "error"},
        {"argsToList(\"'open\")", "error"}, {"argsToList(\"a\", 3)", "error"},
        {"envV1ToV2(\"A=1;B=x y\")", "\"A=1 'B=x y'\""}, {"envV1ToV2(undefined)", "undefined"},
        {"mergeEnvironment(\"A=1 B=2\", undefined, \"A=3\")", "\"A=3 B=2\""},
        {"mergeEnvironment(\"nothing\")", "error"}, {"userHome(\"x\")", "undefined"},
        {"userMap(\"m\", \"u\", \"p\", \"default\")", "\"default\""});
}

/* What an evaluation may cost is spent by each of these; that must not look like an answer. */
static void what_takes_too_long_is_an_error_and_no_answer(void **state)
{
    _cleanup_buffer_ struct buffer lists = BUFFER_INIT;

    (void)state;
    buffer_append_text(&lists, "l = {");
    for (int i = 0; i < 200000; i++)
        buffer_append_text(&lists, "1+1,");
    buffer_append_text(&lists, "8}\nwords = \"");
    for (int i = 0; i < 2000; i++)
        buffer_append_text(&lists, "aaaaaaaaaaaaaaaaaaaab,");
    buffer_append_text(&lists, "\"\nlong = \"");
    for (int i = 0; i < 150000; i++)
        buffer_append_character(&lists, 'x');
    buffer_append_text(&lists, "\"\nmany = 0");
    for (int i = 0; i < 200; i++)
        buffer_append_text(&lists, " + (long == long)");
    buffer_append_text(&lists, "\n");
    assert_value_in("long == long && stringListMember(\"x\", \"a b\", long)", lists.data, NULL,
                    "false");
    assert_value_in("many", lists.data, NULL, "error");
    assert_value_in("member(8, l)", lists.data, NULL, "true");
    assert_value_in("member(9, l) || member(9, l) || !member(8, l)", lists.data, NULL, "error");
    assert_value_in("allCompare(\"<\", l, 9) && allCompare(\"<\", l, 9) && allCompare(\"<\", l, 3)",
                    lists.data, NULL, "error");
    assert_value_in("stringList_regexpMember(\"^(a|aa)+$\", words)", lists.data, NULL, "error");
    assert_value_in("argsToList(strCat(words, words, words, words, words, words, words, words, "
                    "words, words, words, words, words, words, words, words, words, words, words, "
                    "words, words, words, words, words, words, words, words))",
                    lists.data, NULL, "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_asked_for),
        cmocka_unit_test(values_are_converted),
        cmocka_unit_test(expressions_are_looked_at_as_expressions),
        cmocka_unit_test(many_names_are_told_in_order),
        cmocka_unit_test(a_pattern_that_is_computed_serves_a_whole_list),
        cmocka_unit_test(lists_are_searched_and_summed),
        cmocka_unit_test(strings_are_cut_and_joined),
        cmocka_unit_test(versions_are_compared_by_their_numbers),
        cmocka_unit_test(words_in_strings_are_lists),
        cmocka_unit_test(regular_expressions_match_and_replace),
        cmocka_unit_test(times_are_taken_apart_and_formatted),
        cmocka_unit_test(numbers_are_rounded),
        cmocka_unit_test(arguments_and_environments_change_their_syntax),
        cmocka_unit_test(what_takes_too_long_is_an_error_and_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
