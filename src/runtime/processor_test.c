/* SPDX-License-Identifier: Apache-2.0 */
#include "processor.h"

#include "base/test.h"

#include <string.h>

#define V2 "lm cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
#define V3 V2 " abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"
#define V4 V3 " avx512bw avx512cd avx512dq avx512f avx512vl"

static void the_first_processor_is_read(void **state)
{
    _cleanup_(processor_deinit) struct processor processor = PROCESSOR_INIT;

    (void)state;
    processor_read("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 158\n"
                   "model name\t: Some: CPU @ 3 GHz\ncache size\t: 8192 KB\nflags\t\t: fpu lm\n\n"
                   "processor\t: 1\nmodel\t\t: 7\nmodel name\t: Other\n",
                   &processor);
    assert_string_equal(processor.model, "Some: CPU @ 3 GHz");
    assert_int_equal(processor.family, 6);
    assert_int_equal(processor.model_number, 158);
    assert_int_equal(processor.cache_kb, 8192);
    assert_true(processor_has(&processor, "fpu"));
    assert_true(processor_has(&processor, "lm"));
    assert_false(processor_has(&processor, "l"));
    assert_string_equal(processor_level(&processor), "x86_64-v1");
}

static void what_is_not_said_is_unknown(void **state)
{
    _cleanup_(processor_deinit) struct processor processor = PROCESSOR_INIT;

    (void)state;
    processor_read("Features : fp asimd\nmodel : many\ncache size", &processor);
    assert_string_equal(processor.model, "");
    assert_string_equal(processor.flags, "");
    assert_int_equal(processor.model_number, 0);
    assert_null(processor_level(&processor));
}

static void a_level_has_all_instructions_of_those_below(void **state)
{
    static const struct {
        const char *flags, *level;
    } cases[] = {
        {"flags: " V2, "x86_64-v2"},
        {"flags: " V3, "x86_64-v3"},
        {"flags: " V4, "x86_64-v4"},
        {"flags: lm avx avx2 avx512f", "x86_64-v1"},
        {"flags: " V2 " abm avx avx2 bmi1 bmi2 f16c movbe xsave", "x86_64-v2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_(processor_deinit) struct processor processor = PROCESSOR_INIT;

        processor_read(cases[i].flags, &processor);
        assert_string_equal(processor_level(&processor), cases[i].level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_processor_is_read),
        cmocka_unit_test(what_is_not_said_is_unknown),
        cmocka_unit_test(a_level_has_all_instructions_of_those_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
