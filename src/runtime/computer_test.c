/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "base/test.h"
#include "computer.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static char folder[] = "/tmp/computer-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static void a_computer_says_what_it_has(void **state)
{
    _cleanup_(computer_deinit) struct computer computer = COMPUTER_INIT;
    struct utsname names;

    (void)state;
    assert_int_equal(uname(&names), 0);
    assert_int_equal(computer_detect(folder, &computer, NULL), 0);
    assert_in_range(computer.cpus, 1, sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(computer.memory_bytes >= 16 << 20);
    assert_true(computer.disk_free_bytes > 0);
    assert_string_equal(computer.platform.opsys, "LINUX");
    assert_string_equal(computer.kernel, names.release);
    assert_string_equal(computer.hostname, names.nodename);
    assert_true(computer.platform.arch[0] != '\0' && computer.platform.name[0] != '\0');
    assert_true(computer.glibc[0] != '\0');
}

static void speed_is_measured_once_per_kind_of_cpu(void **state)
{
    _cleanup_(computer_deinit) struct computer first = COMPUTER_INIT, again = COMPUTER_INIT,
                                               other = COMPUTER_INIT;
    _cleanup_free_ char *path = file_join(folder, "speed");
    static const char foreign[] = "2: 1 1 1 some other CPU\n";

    (void)state;
    assert_int_equal(computer_detect(folder, &first, NULL), 0);
    assert_int_equal(computer_detect(folder, &again, NULL), 0);
    assert_memory_equal(&first.speed, &again.speed, sizeof(first.speed));
    assert_int_equal(file_replace(path, foreign, strlen(foreign), 0644, false, NULL), 0);
    assert_int_equal(computer_detect(folder, &other, NULL), 0);
    assert_true(other.speed.memory_mb > 1);
}

static void a_copied_state_folder_has_another_fingerprint(void **state)
{
    _cleanup_(computer_deinit) struct computer here = COMPUTER_INIT, again = COMPUTER_INIT,
                                               copied = COMPUTER_INIT;
    _cleanup_free_ char *copy = file_join(folder, "copy");

    (void)state;
    assert_int_equal(file_make_folders(copy, 0700, NULL), 0);
    assert_int_equal(computer_detect(folder, &here, NULL), 0);
    assert_int_equal(computer_detect(folder, &again, NULL), 0);
    assert_int_equal(computer_detect(copy, &copied, NULL), 0);
    assert_true(hash_text_is_valid(here.fingerprint));
    assert_string_equal(here.fingerprint, again.fingerprint);
    assert_string_not_equal(here.fingerprint, copied.fingerprint);
}

static void a_missing_state_folder_is_an_error(void **state)
{
    struct computer computer = COMPUTER_INIT;
    uint64_t bytes;

    (void)state;
    assert_int_equal(computer_detect("/missing/state", &computer, NULL), -ENOENT);
    assert_int_equal(computer_measure_disk("/missing/state", &bytes, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computer_says_what_it_has),
        cmocka_unit_test(speed_is_measured_once_per_kind_of_cpu),
        cmocka_unit_test(a_copied_state_folder_has_another_fingerprint),
        cmocka_unit_test(a_missing_state_folder_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
