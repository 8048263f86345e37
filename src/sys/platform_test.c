/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

#include "base/test.h"

static void distributions_have_the_names_that_requirements_use(void **state)
{
    static const struct {
        const char *machine, *os_release, *arch, *name, *versioned, *long_name;
        uint32_t version;
    } cases[] = {
        {"x86_64",
         "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
         "VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n",
         "X86_64", "Debian", "Debian12", "Debian GNU/Linux 12 (bookworm)", 1200},
        {"aarch64",
         "ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME='Ubuntu 22.04.3 LTS'\nVERSION_ID=\"22.04\"",
         "aarch64", "Ubuntu", "Ubuntu22", "Ubuntu 22.04.3 LTS", 2204},
        {"x86_64", "ID=\"rhel\"\nVERSION_ID=\"9.10\"\n", "X86_64", "RedHat", "RedHat9", "RedHat",
         910},
        {"x86_64", "VERSION_ID=\"9.4\"\nID=\"almalinux\"\n", "X86_64", "AlmaLinux", "AlmaLinux9",
         "AlmaLinux", 904},
        {"x86_64", "ID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"\n", "X86_64", "openSUSE",
         "openSUSE15", "openSUSE", 1505},
        {"i686", "ID=arch\nVERSION_ID=TEMPLATE\n", "INTEL", "Arch", "Arch", "Arch", 0},
        {"riscv64", "", "riscv64", "LINUX", "LINUX", "LINUX", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_platform_ struct platform platform = PLATFORM_INIT;

        platform_describe(cases[i].machine, cases[i].os_release, &platform);
        assert_string_equal(platform.arch, cases[i].arch);
        assert_string_equal(platform.opsys, "LINUX");
        assert_string_equal(platform.name, cases[i].name);
        assert_string_equal(platform.versioned, cases[i].versioned);
        assert_string_equal(platform.long_name, cases[i].long_name);
        assert_int_equal(platform_version(&platform), cases[i].version);
    }
}

static void this_computer_is_of_some_kind(void **state)
{
    _cleanup_platform_ struct platform platform = PLATFORM_INIT;

    (void)state;
    platform_read(&platform);
    assert_string_not_equal(platform.arch, "Unknown");
    assert_true(platform.versioned[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_have_the_names_that_requirements_use),
        cmocka_unit_test(this_computer_is_of_some_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
