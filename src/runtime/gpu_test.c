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

static void those_that_compute_are_counted(void **state)
{
    (void)state;
    assert_int_equal(gpu_count(root), 0);
    make_device("/sys/class/kfd/kfd/topology/nodes/0", "properties",
                "cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\n");
    assert_int_equal(gpu_count(root), 0);
    make_device("/sys/class/kfd/kfd/topology/nodes/1", "properties",
                "cpu_cores_count 0\nsimd_count 240\n");
    make_device("/sys/class/kfd/kfd/topology/nodes/2", "name", "without properties\n");
    assert_int_equal(gpu_count(root), 1);
    make_device("/proc/driver/nvidia/gpus/0000:01:00.0", "information", "Model: Some\n");
    make_device("/proc/driver/nvidia/gpus/0000:02:00.0", "information", "Model: Some\n");
    assert_int_equal(gpu_count(root), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(those_that_compute_are_counted)};

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
