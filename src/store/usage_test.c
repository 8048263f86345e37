/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/test.h"
#include "store/test_folder.h"

static int describe_usage(const struct store_usage *usage, void *userdata)
{
    buffer_appendf(userdata, "%u/%lld %g %g %g %g %g\n", usage->day,
                   usage->node == STORE_NONE ? -1LL : (long long)usage->node, usage->lent,
                   usage->computed, usage->suspended, usage->wasted, usage->flop);
    return 0;
}

static void days_are_replaced_found_and_forgotten(void **state)
{
    struct store_usage usage = {1, 0, 10, 20, 30, 40, 5e9};
    _cleanup_buffer_ struct buffer seen = BUFFER_INIT;
    struct store *store;

    (void)state;
    assert_int_equal(store_open(test_path(), &store, NULL), 0);
    store_begin(store);
    store_save_usage(store, &usage);
    usage.day = 2;
    store_save_usage(store, &usage);
    usage.lent = 11;
    store_save_usage(store, &usage);
    usage.node = STORE_NONE;
    store_save_usage(store, &usage);
    assert_int_equal(store_commit(store, NULL), 0);
    assert_int_equal(store_walk_usage(store, 1, false, describe_usage, &seen, NULL), 0);
    assert_string_equal(seen.data, "1/0 10 20 30 40 5e+09\n2/0 11 20 30 40 5e+09\n");
    buffer_clear(&seen);
    assert_int_equal(store_walk_usage(store, 1, true, describe_usage, &seen, NULL), 0);
    assert_string_equal(seen.data, "2/-1 11 20 30 40 5e+09\n");
    buffer_clear(&seen);
    store_begin(store);
    store_forget_usage(store, 2);
    assert_int_equal(store_commit(store, NULL), 0);
    assert_int_equal(store_walk_usage(store, 0, false, describe_usage, &seen, NULL), 0);
    assert_string_equal(seen.data, "2/0 11 20 30 40 5e+09\n");
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(days_are_replaced_found_and_forgotten, test_make_folder,
                                        test_remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
