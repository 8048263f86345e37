/* SPDX-License-Identifier: Apache-2.0 */
#include "speed.h"

#include "base/test.h"

/* How much it is depends on the computer, and on what else it does. */
static void a_computer_does_something_in_its_time(void **state)
{
    struct speed speed = speed_measure();

    (void)state;
    assert_true(speed.mips > 0);
    assert_true(speed.kflops > 0);
    assert_true(speed.memory_mb > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_does_something_in_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
