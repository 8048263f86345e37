/* SPDX-License-Identifier: Apache-2.0 */
#include "distribution.h"

#include "base/test.h"

#include <string.h>

static void distributions_have_the_names_of_htcondor(void **state)
{
    static const struct {
        const char *os_release, *name, *versioned, *long_name;
        uint64_t major, minor;
    } cases[] = {
        {"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
         "VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n",
         "Debian", "Debian12", "Debian GNU/Linux 12 (bookworm)", 12, 0},
        {"ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME='Ubuntu 22.04.3 LTS'\nVERSION_ID=\"22.04\"",
         "Ubuntu", "Ubuntu22", "Ubuntu 22.04.3 LTS", 22, 4},
        {"ID=\"rhel\"\nVERSION_ID=\"9.10\"\n", "RedHat", "RedHat9", "RedHat", 9, 10},
        {"ID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"\n", "openSUSE", "openSUSE15", "openSUSE", 15,
         5},
        {"ID=arch\nVERSION_ID=TEMPLATE\n", "Arch", "Arch", "Arch", 0, 0},
        {"", "LINUX", "LINUX", "LINUX", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_(distribution_deinit) struct distribution distribution = DISTRIBUTION_INIT;

        distribution_read(cases[i].os_release, &distribution);
        assert_string_equal(distribution.name, cases[i].name);
        assert_string_equal(distribution.versioned, cases[i].versioned);
        assert_string_equal(distribution.long_name, cases[i].long_name);
        assert_int_equal(distribution.major, cases[i].major);
        assert_int_equal(distribution.minor, cases[i].minor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_have_the_names_of_htcondor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
