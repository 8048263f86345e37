/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu.h"

#include "base/buffer.h"
#include "base/test.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/gpu-test-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return file_remove_tree(root, NULL);
}

static void make_device(const char *folder, const char *file, const char *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s%s", root, folder);
    assert_int_equal(file_make_folders(path.data, 0700, NULL), 0);
    buffer_appendf(&path, "/%s", file);
    assert_int_equal(file_replace(path.data, text, strlen(text), 0600, false, NULL), 0);
}

static void assert_names(const struct gpu_list *list, const char *expected)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < list->count; i++)
        buffer_appendf(&names, "%s%s%s%s%s%s ", list->items[i].name, list->items[i].uuid ? "=" : "",
                       list->items[i].uuid ? list->items[i].uuid : "",
                       list->items[i].bus ? "@" : "", list->items[i].bus ? list->items[i].bus : "",
                       list->items[i].index == i ? "" : "*");
    assert_string_equal(buffer_text(&names), expected);
}

static void assert_found(const char *expected)
{
    struct gpu_list list = GPU_LIST_INIT;

    gpu_list_find(&list, root);
    assert_names(&list, expected);
    gpu_list_deinit(&list);
}

#define KFD    "/sys/class/kfd/kfd/topology/nodes"
#define NVIDIA "/proc/driver/nvidia/gpus"

static void those_that_compute_are_found_in_a_stable_order(void **state)
{
    (void)state;
    assert_found("");
    make_device(KFD "/0", "properties", "cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\n");
    assert_found("");
    make_device(KFD "/10", "properties", "simd_count 240\nlocation_id 768\ndomain 1\n");
    make_device(KFD "/2", "properties", "simd_count 120\nlocation_id 512\n");
    make_device(KFD "/3", "name", "without properties\n");
    make_device(KFD "/11", "properties", "simd_count 240\n");
    assert_found("HIP0@:512 HIP1@1:768 HIP2 ");
    make_device(NVIDIA "/0000:41:00.0", "information",
                "Model: \t\t Some\nIRQ:   \t\t 94\nGPU UUID: \t GPU-5f2c95a0-0123-beef\n");
    make_device(NVIDIA "/0000:0a:00.0", "information",
                "Model: \t\t Some\nGPU UUID: \t GPU-?-?-?\nBus Type: \t PCIe\n");
    make_device(NVIDIA "/0000:42:00.0", "information", "Model: Some\n");
    make_device(NVIDIA "/0000:43:00.0", "information", "GPU UUID: 7\n");
    assert_found("CUDA0@0000:0a:00.0 CUDA1=GPU-5f2c95a0-0123-beef@0000:41:00.0 "
                 "CUDA2@0000:42:00.0 CUDA3@0000:43:00.0 HIP0@:512* HIP1@1:768* HIP2* ");
}

static void cards_without_a_driver_are_numbered_as_if_there_were_one(void **state)
{
    struct gpu_list list = GPU_LIST_INIT;

    (void)state;
    gpu_list_extend(&list, 0);
    assert_names(&list, "");
    gpu_list_extend(&list, 2);
    gpu_list_extend(&list, 1);
    assert_names(&list, "GPU0 GPU1 ");
    gpu_list_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_compute_are_found_in_a_stable_order),
        cmocka_unit_test(cards_without_a_driver_are_numbered_as_if_there_were_one),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
