/* SPDX-License-Identifier: Apache-2.0 */
#include "gpus.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

static struct gpu cards[] = {
    {GPU_NVIDIA, 0, (char *)"CUDA0", (char *)"GPU-ab", NULL},
    {GPU_NVIDIA, 1, (char *)"CUDA1", NULL, (char *)"0000:42:00.0"},
    {GPU_AMD, 0, (char *)"HIP0", NULL, NULL},
    {GPU_AMD, 1, (char *)"HIP1", NULL, (char *)"0:768"},
};
static const struct gpu_list nvidia = {.items = cards, .count = 2};
static const struct gpu_list amd = {.items = cards + 2, .count = 2};
static const struct gpu_list both = {.items = cards, .count = 4};

static struct attempt *add(struct attempts *attempts, uint64_t epoch, uint32_t gpus)
{
    struct wire_start start = {
        .epoch = epoch, .request = {.cpus = 1, .gpus = gpus}, .gpus_given = true};

    return attempts_add(attempts, &start);
}

static int assign(const struct gpu_list *list, size_t lent, struct attempts *attempts,
                  struct attempt *attempt)
{
    int r = gpus_assign(list, lent, attempts, attempt, NULL);

    attempt->is_kept = r == 0;
    return r;
}

static void no_two_that_run_have_the_same(void **state)
{
    struct attempts attempts = {0};
    struct attempt *first = add(&attempts, 1, 1), *second = add(&attempts, 2, 2);
    struct attempt *none = add(&attempts, 3, 0), *third = add(&attempts, 4, 2);

    (void)state;
    assert_int_equal(assign(&both, 4, &attempts, first), 0);
    assert_string_equal(first->gpus, "CUDA0,GPU-ab");
    assert_int_equal(assign(&both, 4, &attempts, second), 0);
    assert_string_equal(second->gpus, "CUDA1,0000:42:00.0,HIP0");
    assert_int_equal(assign(&both, 4, &attempts, none), 0);
    assert_null(none->gpus);
    assert_int_equal(assign(&both, 4, &attempts, third), -EBUSY);
    assert_null(third->gpus);
    /* It has ended, and its outputs are still here. */
    first->has_ended = true;
    assert_int_equal(assign(&both, 4, &attempts, third), 0);
    assert_string_equal(third->gpus, "CUDA0,GPU-ab,HIP1,0:768");
    attempts_deinit(&attempts);
}

/*
 * What is given to a task for all that is free, beside one that was found with those words; both
 * cards if none of them is the other's.
 */
static void assert_free(const struct gpu_list *list, const char *found, const char *expected)
{
    struct attempts attempts = {0};
    struct attempt *old = add(&attempts, 1, 1), *new;
    uint32_t held;

    old->gpus = memory_copy_string(found);
    old->is_kept = old->was_found = true;
    held = gpus_count_held(list, list->count, old);
    new = add(&attempts, 2, (uint32_t)list->count - held);
    assert_int_equal(assign(list, list->count, &attempts, new), 0);
    assert_string_equal(new->gpus ? new->gpus : "", expected);
    new = add(&attempts, 3, 1);
    assert_int_equal(assign(list, list->count, &attempts, new), -EBUSY);
    attempts_deinit(&attempts);
}

static void a_card_that_got_another_name_is_still_in_use(void **state)
{
    struct gpu moved = {GPU_NVIDIA, 0, (char *)"CUDA0", (char *)"GPU-cd", (char *)"0000:42:00.0"};
    struct gpu_list one = {.items = &moved, .count = 1}, unknown = GPU_LIST_INIT;

    (void)state;
    gpu_list_extend(&unknown, 2);
    /* The one before it dropped off the bus. */
    assert_free(&one, "CUDA1,GPU-cd,0000:43:00.0", "");
    assert_free(&one, "CUDA1,0000:42:00.0", "");
    assert_free(&one, "CUDA1,GPU-ef,0000:43:00.0", "CUDA0,GPU-cd,0000:42:00.0");
    /* A driver was loaded, or is not there any more. */
    assert_free(&nvidia, "GPU0", "CUDA1,0000:42:00.0");
    assert_free(&both, "GPU1", "CUDA0,GPU-ab,HIP0");
    assert_free(&unknown, "CUDA0,GPU-ab", "GPU1");
    assert_free(&unknown, "HIP1,0:768", "GPU0");
    /* What an agent wrote that knew names alone. */
    assert_free(&nvidia, "CUDA1", "CUDA0,GPU-ab");
    assert_free(&amd, "CUDA1", "HIP0,HIP1,0:768");
    assert_free(&nvidia, "CUDA10", "CUDA0,GPU-ab,CUDA1,0000:42:00.0");
    gpu_list_deinit(&unknown);
}

static void whoever_none_was_hidden_from_holds_all(void **state)
{
    struct attempts attempts = {0};
    struct attempt *attempt = add(&attempts, 1, 0);

    (void)state;
    assert_int_equal(gpus_count_held(&both, 3, attempt), 0);
    attempt->start.gpus_given = false;
    assert_int_equal(gpus_count_held(&both, 3, attempt), 3);
    attempts_deinit(&attempts);
}

static void what_is_not_lent_is_given_to_nobody(void **state)
{
    struct attempts attempts = {0};
    struct attempt *first = add(&attempts, 1, 1), *second = add(&attempts, 2, 1);

    (void)state;
    assert_int_equal(assign(&both, 1, &attempts, first), 0);
    assert_int_equal(assign(&both, 1, &attempts, second), -EBUSY);
    attempts_deinit(&attempts);
}

static void assert_told(const struct gpu_list *list, const char *assigned, const char *expected)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    _cleanup_buffer_ struct buffer all = BUFFER_INIT;
    const char *variables[GPUS_VARIABLES_MAX];
    size_t count = gpus_variables(list, assigned, &arena, variables);

    for (size_t i = 0; i < count; i++)
        buffer_appendf(&all, "%s ", variables[i]);
    assert_string_equal(buffer_text(&all), expected);
}

static void each_library_is_told_in_its_own_numbers(void **state)
{
    (void)state;
    assert_told(&nvidia, "CUDA0,CUDA1",
                "_CONDOR_AssignedGPUs=GPU-ab,CUDA1 CUDA_VISIBLE_DEVICES=GPU-ab,1 "
                "NVIDIA_VISIBLE_DEVICES=GPU-ab,1 CUDA_DEVICE_ORDER=PCI_BUS_ID ");
    assert_told(&amd, "HIP1",
                "_CONDOR_AssignedGPUs=HIP1 ROCR_VISIBLE_DEVICES=1 HIP_VISIBLE_DEVICES=0 "
                "GPU_DEVICE_ORDINAL=0 ");
    assert_told(&both, "CUDA1",
                "_CONDOR_AssignedGPUs=CUDA1 CUDA_VISIBLE_DEVICES=1 NVIDIA_VISIBLE_DEVICES=1 "
                "CUDA_DEVICE_ORDER=PCI_BUS_ID ROCR_VISIBLE_DEVICES=10000 "
                "HIP_VISIBLE_DEVICES=10000 GPU_DEVICE_ORDINAL=10000 ");
}

static void a_card_of_an_unknown_maker_is_told_to_all_of_them(void **state)
{
    struct gpu_list list = GPU_LIST_INIT;

    (void)state;
    gpu_list_extend(&list, 2);
    assert_told(&list, "GPU1",
                "_CONDOR_AssignedGPUs=GPU1 CUDA_VISIBLE_DEVICES=1 NVIDIA_VISIBLE_DEVICES=1 "
                "CUDA_DEVICE_ORDER=PCI_BUS_ID ROCR_VISIBLE_DEVICES=1 HIP_VISIBLE_DEVICES=0 "
                "GPU_DEVICE_ORDINAL=0 ");
    gpu_list_deinit(&list);
}

static void a_task_that_asked_for_none_sees_none(void **state)
{
    const struct gpu_list none = GPU_LIST_INIT;

    (void)state;
    assert_told(&nvidia, "",
                "_CONDOR_AssignedGPUs=10000 CUDA_VISIBLE_DEVICES=10000 NVIDIA_VISIBLE_DEVICES=none "
                "CUDA_DEVICE_ORDER=PCI_BUS_ID ");
    assert_told(&none, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_that_run_have_the_same),
        cmocka_unit_test(a_card_that_got_another_name_is_still_in_use),
        cmocka_unit_test(whoever_none_was_hidden_from_holds_all),
        cmocka_unit_test(what_is_not_lent_is_given_to_nobody),
        cmocka_unit_test(each_library_is_told_in_its_own_numbers),
        cmocka_unit_test(a_card_of_an_unknown_maker_is_told_to_all_of_them),
        cmocka_unit_test(a_task_that_asked_for_none_sees_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
