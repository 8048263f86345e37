/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include "base/test.h"

static void distributions_have_the_names_that_requirements_use(void **state)
{
    static const struct {
        const char *machine;
        const char *release;
        const char *arch;
        const char *name;
        uint32_t major;
        uint32_t version;
    } cases[] = {
        {"x86_64", "NAME=x\nVERSION_ID=\"12\"\nID=debian\n", "X86_64", "Debian12", 12, 1200},
        {"aarch64", "ID=ubuntu\nVERSION_ID=\"22.04\"", "aarch64", "Ubuntu22", 22, 2204},
        {"x86_64", "VERSION_ID=\"9.4\"\nID=\"almalinux\"\n", "X86_64", "AlmaLinux9", 9, 904},
        {"i686", "ID=arch\n", "INTEL", "arch", 0, 0},
        {"riscv64", "", "riscv64", "Unknown", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_platform_ struct platform platform = PLATFORM_INIT;

        platform_describe(cases[i].machine, slice_from_text(cases[i].release), &platform);
        assert_string_equal(platform.arch, cases[i].arch);
        assert_string_equal(platform.opsys, "LINUX");
        assert_string_equal(platform.opsys_and_version, cases[i].name);
        assert_int_equal(platform.major, cases[i].major);
        assert_int_equal(platform.version, cases[i].version);
    }
}

static void this_computer_is_of_some_kind(void **state)
{
    _cleanup_platform_ struct platform platform = PLATFORM_INIT;

    (void)state;
    platform_read(&platform);
    assert_string_not_equal(platform.arch, "Unknown");
    assert_true(platform.opsys_and_version[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_have_the_names_that_requirements_use),
        cmocka_unit_test(this_computer_is_of_some_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
