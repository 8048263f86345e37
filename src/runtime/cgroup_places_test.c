/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "cgroup_places.h"

static struct cgroup_places places;

static int forget(void **state)
{
    (void)state;
    cgroup_places_deinit(&places);
    return 0;
}

static void a_pc_has_one_tree(void **state)
{
    (void)state;
    cgroup_places_parse(
        "24 29 0:22 / /sys rw,nosuid - sysfs sysfs rw\n"
        "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        "0::/system.slice/dusk-agent.service\n", &places);
    assert_string_equal(places.unified.mount, "/sys/fs/cgroup");
    assert_string_equal(places.unified.own, "/sys/fs/cgroup/system.slice/dusk-agent.service");
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        assert_null(places.by_controller[i].mount);
    assert_null(places.freezer.mount);
}

static void a_hybrid_host_has_a_tree_for_each_controller(void **state)
{
    (void)state;
    cgroup_places_parse(
        "30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
        "31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpuacct,cpu\n"
        "34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
        "37 30 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
        "39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
        "40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
        "9:name=systemd:/pids\n6:freezer:/c\n4:memory:/a/b\n2:cpuacct,cpu:/\n0::/\n", &places);
    assert_string_equal(places.unified.own, "/sys/fs/cgroup/unified");
    assert_string_equal(places.freezer.own, "/sys/fs/cgroup/freezer/c");
    assert_string_equal(places.by_controller[CGROUP_MEMORY].mount, "/sys/fs/cgroup/memory");
    assert_string_equal(places.by_controller[CGROUP_MEMORY].own, "/sys/fs/cgroup/memory/a/b");
    assert_string_equal(places.by_controller[CGROUP_CPUS].own, "/sys/fs/cgroup/cpu,cpuacct");
    assert_string_equal(places.by_controller[CGROUP_CPU_TIME].own, "/sys/fs/cgroup/cpu,cpuacct");
    assert_null(places.by_controller[CGROUP_PROCESSES].mount);
}

static void a_container_sees_its_part_of_a_tree(void **state)
{
    (void)state;
    cgroup_places_parse(
        "31 30 0:31 /other /mnt rw - cgroup cgroup rw,memory\n"
        "34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n",
        "4:memory:/docker/abc/inner\n", &places);
    assert_string_equal(places.by_controller[CGROUP_MEMORY].mount, "/sys/fs/cgroup/memory");
    assert_string_equal(places.by_controller[CGROUP_MEMORY].own, "/sys/fs/cgroup/memory/inner");
}

static void a_group_that_only_begins_like_the_mount_is_elsewhere(void **state)
{
    (void)state;
    cgroup_places_parse("34 30 0:31 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                        "0::/docker/abcdef\n", &places);
    assert_null(places.unified.mount);
}

static void a_group_above_the_namespace_is_no_place(void **state)
{
    (void)state;
    cgroup_places_parse("30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                        "0::/../user.slice\n", &places);
    assert_null(places.unified.mount);
}

static void without_control_groups_there_is_no_place(void **state)
{
    (void)state;
    cgroup_places_parse("24 29 0:22 / /sys rw - sysfs sysfs rw\nnonsense\n\n", "", &places);
    assert_null(places.unified.mount);
    cgroup_places_parse("", "0::/\n", &places);
    assert_null(places.unified.mount);
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pc_has_one_tree),
        TEST(a_hybrid_host_has_a_tree_for_each_controller),
        TEST(a_container_sees_its_part_of_a_tree),
        TEST(a_group_that_only_begins_like_the_mount_is_elsewhere),
        TEST(a_group_above_the_namespace_is_no_place),
        TEST(without_control_groups_there_is_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
