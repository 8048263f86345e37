/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include "base/memory.h"
#include "base/test.h"

#include <jansson.h>
#include <string.h>

static void limits_are_added_to_what_was_known(void **state)
{
    struct keeper_means means = {.hold = KEEPER_HOLD_GROUPS, .limits_processes = true};
    _cleanup_free_ char *facts = facts_add_limits("{\"arch\":\"X86_64\"}", &means);

    (void)state;
    assert_string_equal(facts, "{\"arch\":\"X86_64\",\"limits\":{\"memory\":\"watched\","
                               "\"processes\":\"enforced\",\"cpus\":\"no\",\"disk\":\"watched\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_added_to_what_was_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
