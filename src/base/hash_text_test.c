/* SPDX-License-Identifier: Apache-2.0 */
#include "hash_text.h"

#include "base/test.h"

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void only_sixty_four_small_digits_are_a_hash(void **state)
{
    (void)state;
    assert_true(hash_text_is_valid(DIGITS "0"));
    assert_false(hash_text_is_valid(""));
    assert_false(hash_text_is_valid(DIGITS));
    assert_false(hash_text_is_valid(DIGITS "00"));
    assert_false(hash_text_is_valid(DIGITS "F"));
    assert_false(hash_text_is_valid(DIGITS "/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_sixty_four_small_digits_are_a_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
