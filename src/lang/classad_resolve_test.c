/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions for those who have the other ad, and what bounds them. */
#include "base/test.h"
#include "lang/classad.h"

#include "base/buffer.h"

#include <string.h>

static const char node[] = "KeyboardIdle = 7\n"
                           "Zero = -0.5\n"
                           "Name = \"pc\\1\"\n"
                           "Group = { \"anna\", Boss }\n"
                           "Quotas = [ anna = 3 ]\n"
                           "IsBosses = (TARGET.Owner == \"boss\")\n"
                           "IsIdle = KeyboardIdle > 5\n"
                           "Loop = Loop + TARGET.x\n"
                           "Wide = Wide1 + Wide1\n"
                           "Wide1 = Wide2 + Wide2\n"
                           "Wide2 = Wide3 + Wide3\n"
                           "Wide3 = Wide4 + Wide4\n"
                           "Wide4 = { TARGET.a, TARGET.b, TARGET.c, TARGET.d, TARGET.e }\n";

struct resolve_case {
    const char *condition;
    const char *expected; /* NULL: it does not look out of the ad */
    bool is_open;
    bool is_value; /* and no condition */
};

static bool resolve(const char *condition, bool is_condition, size_t size_max, struct buffer *text,
                    bool *ret_is_open)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    struct classad_evaluator evaluator = {.now_seconds = 1000};
    _cleanup_classad_ struct classad *my = classad_new();
    struct classad_failure failure;
    bool leads_out;

    classad_read_tolerantly(my, slice_from_text(node));
    if (classad_expression_parse(slice_from_text(condition), CLASSAD_OLD, &expression, &failure))
        fail_msg("cannot read '%s'", condition);
    leads_out = classad_node_leads_out(classad_expression_node(expression), my);
    *ret_is_open = classad_resolve(&evaluator, classad_expression_node(expression), my,
                                   is_condition, size_max, text);
    classad_evaluator_deinit(&evaluator);
    return leads_out;
}

static void check(const struct resolve_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        bool is_open,
            leads_out = resolve(cases[i].condition, !cases[i].is_value, 4096, &text, &is_open);

        assert_string_equal(buffer_text(&text), cases[i].expected);
        assert_true(is_open == cases[i].is_open);
        assert_true(leads_out || !is_open);
    }
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct resolve_case cases_[] = {__VA_ARGS__};                                 \
        check(cases_, ARRAY_LENGTH(cases_));                                                       \
    } while (0)

static void what_hangs_on_the_ad_alone_is_its_value(void **state)
{
    (void)state;
    CHECK({"KeyboardIdle > 5", "true", false}, {"MY.Nothing", "undefined", false},
          {"CurrentTime == 1000", "true", false}, {"1 / 0", "error", false},
          {"TARGET.Size < KeyboardIdle * 2", "TARGET.Size < 14", true},
          {"TARGET.Size - Zero", "TARGET.Size - (-0.5)", true},
          {"TARGET.Host == Name", "TARGET.Host == \"pc\\1\"", true},
          {"TARGET.Since < absTime(0, 0)", "TARGET.Since < absTime(\"1970-01-01T00:00:00-00:00\")",
           true});
}

static void names_that_are_left_are_the_others(void **state)
{
    (void)state;
    CHECK({"Owner == \"anna\"", "TARGET.Owner == \"anna\"", true},
          {"(IsBosses)", "(TARGET.Owner == \"boss\")", true},
          {"MY.IsBosses =?= true", "(TARGET.Owner == \"boss\") =?= true", true},
          {".IsBosses || .Nothing", "(TARGET.Owner == \"boss\") || undefined", true},
          {"member(Owner, Group)", "member(TARGET.Owner,({ \"anna\",TARGET.Boss }))", true},
          {"Quotas[TARGET.Owner] > 1", "([ anna = 3 ])[TARGET.Owner] > 1", true},
          {"!Owner ? IsIdle : -Rank", " !TARGET.Owner ? true :  -TARGET.Rank", true},
          {"(Owner ?: Name).x", "(TARGET.Owner ?: \"pc\\1\").x", true});
}

/* Only as a condition: what is negated or compared stands as it is. */
static void what_need_not_be_asked_is_left_out(void **state)
{
    (void)state;
    CHECK({"TARGET.Owner =?= \"anna\" || KeyboardIdle > 5", "true", false},
          {"TARGET.Owner =?= \"anna\" || KeyboardIdle > 8", "TARGET.Owner =?= \"anna\"", true},
          {"TARGET.Owner =?= \"anna\" && KeyboardIdle > 8", "false", false},
          {"IsIdle && (IsBosses && IsIdle)", "(TARGET.Owner == \"boss\")", true},
          {"IsIdle && (IsBosses || IsIdle)", "true", false},
          {"a && b && IsIdle", "TARGET.a && TARGET.b", true},
          {"!(a && KeyboardIdle > 8)", " !(TARGET.a && false)", true},
          {"(a || IsIdle) == 1", "(TARGET.a || true) == 1", true}, {"a | 1", "TARGET.a | 1", true});
}

static void what_is_made_of_strings_is_not_looked_into(void **state)
{
    (void)state;
    CHECK({"eval(\"TARGET.Owner\") == \"x\"", "undefined", false},
          {"TARGET[\"Owner\"] == \"x\"", "undefined", false},
          {"size(MY) > 2 && TARGET =?= undefined", "true", false});
}

static void what_is_too_much_is_an_error(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, nested = BUFFER_INIT;
    bool is_open;

    (void)state;
    CHECK({"Loop", "error", false}, {"Wide + Wide + Wide + Wide + Wide + Wide", "error", false});
    assert_true(resolve("TARGET.Owner", true, 5, &text, &is_open));
    assert_string_equal(text.data, "error");
    assert_false(is_open);
    /* Parentheses within parentheses are one pair, so it takes calls to nest too deep. */
    for (int i = 0; i < 150; i++)
        buffer_append_text(&nested, "int(");
    buffer_append_text(&nested, "Loop");
    for (int i = 0; i < 150; i++)
        buffer_append_character(&nested, ')');
    buffer_clear(&text);
    assert_true(resolve(nested.data, true, 1 << 20, &text, &is_open));
    assert_string_equal(text.data, "error");
}

static void append_name(void *user_data, struct slice name)
{
    struct buffer *text = user_data;

    buffer_append_slice(text, name);
    buffer_append_character(text, ' ');
}

static void names_that_lead_out_are_told_through_what_they_refer_to(void **state)
{
    static const char condition[] =
        "IsBosses && Loop > b || MY.c || time() > CurrentTime || TARGET.KeyboardIdle < IsIdle || b";
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    _cleanup_classad_ struct classad *my = classad_new();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct classad_failure failure;

    (void)state;
    classad_read_tolerantly(my, slice_from_text(node));
    assert_int_equal(
        classad_expression_parse(slice_from_text(condition), CLASSAD_OLD, &expression, &failure),
        0);
    classad_node_walk_outer(classad_expression_node(expression), my, append_name, &text);
    assert_string_equal(buffer_text(&text), "b KeyboardIdle b Owner x ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hangs_on_the_ad_alone_is_its_value),
        cmocka_unit_test(names_that_are_left_are_the_others),
        cmocka_unit_test(what_need_not_be_asked_is_left_out),
        cmocka_unit_test(what_is_made_of_strings_is_not_looked_into),
        cmocka_unit_test(what_is_too_much_is_an_error),
        cmocka_unit_test(names_that_lead_out_are_told_through_what_they_refer_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
