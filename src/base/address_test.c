/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"
#include "test.h"

#include <errno.h>

static void assert_split(const char *text, const char *expected_host, uint16_t expected_port)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *host = NULL;
    uint16_t port = 0;

    assert_int_equal(address_split(text, 7433, &host, &port, &err), 0);
    assert_string_equal(host, expected_host);
    assert_int_equal(port, expected_port);
}

static void a_host_may_have_a_port(void **state)
{
    (void)state;
    assert_split("server", "server", 7433);
    assert_split("server:80", "server", 80);
    assert_split("192.0.2.7:65535", "192.0.2.7", 65535);
}

static void an_ipv6_address_carries_its_port_behind_brackets(void **state)
{
    (void)state;
    assert_split("::1", "::1", 7433);
    assert_split("[::1]", "::1", 7433);
    assert_split("[2001:db8::7]:99", "2001:db8::7", 99);
}

static void what_is_no_address_is_refused_with_a_hint(void **state)
{
    static const char *const wrong[] = {"",       ":80", "host:", "host:0", "host:65536",
                                        "host:x", "[]",  "[::1",  "[::1]x", "[::1]:"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        char *host = NULL;
        uint16_t port = 1;

        assert_int_equal(address_split(wrong[i], 7433, &host, &port, &err), -EINVAL);
        assert_null(host);
        assert_int_equal(port, 1);
        assert_non_null(err.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_may_have_a_port),
        cmocka_unit_test(an_ipv6_address_carries_its_port_behind_brackets),
        cmocka_unit_test(what_is_no_address_is_refused_with_a_hint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
