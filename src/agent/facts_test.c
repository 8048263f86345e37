/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include "base/memory.h"
#include "base/test.h"

#include <jansson.h>
#include <string.h>

static void limits_are_added_to_what_was_known(void **state)
{
    struct keeper_means means = {.keeps_groups = true, .limits_processes = true};
    _cleanup_free_ char *facts = facts_add_limits("{\"arch\":\"X86_64\"}", &means);

    (void)state;
    assert_string_equal(facts, "{\"arch\":\"X86_64\",\"limits\":{\"memory\":\"watched\","
                               "\"processes\":\"enforced\",\"cpus\":\"no\",\"disk\":\"watched\"}}");
}

static void what_may_be_lent_is_what_is_set_or_what_is_there(void **state)
{
    struct computer computer = {
        .cpus = 4, .memory_bytes = 1000, .disk_free_bytes = 50, .gpus.count = 3};
    struct settings settings = {.cpus = 2};
    struct resources capacity = facts_capacity(&computer, &settings);

    (void)state;
    assert_int_equal(capacity.cpus, 2);
    assert_int_equal(capacity.memory, 950);
    assert_int_equal(capacity.disk, 50);
    assert_int_equal(capacity.gpus, 3);
    settings.gpus_given = true;
    assert_int_equal(facts_capacity(&computer, &settings).gpus, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_added_to_what_was_known),
        cmocka_unit_test(what_may_be_lent_is_what_is_set_or_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
