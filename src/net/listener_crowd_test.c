/* SPDX-License-Identifier: Apache-2.0 */
/* A listener whose places are all taken. Nobody is closed for idleness here: that would take years.
 */
#include "listener.h"

#include "base/memory.h"
#include "base/test.h"
#include "fixture.h"
#include "sys/descriptor.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 16, STRANGERS = 3 * PLACES, IDLE_S = 100000000 };

static struct fixture fixture;

static void ask_as_node(void)
{
    static const char request[] = "GET /echo HTTP/1.0\r\nHost: x\r\n\r\n";
    SSL *ssl = fixture_connect_tls(&fixture, fixture.node, TLS1_3_VERSION);
    char text[4096] = "";

    assert_non_null(ssl);
    assert_int_equal(SSL_write(ssl, request, (int)strlen(request)), (int)strlen(request));
    fixture_read_tls(ssl, text, sizeof(text) - 1);
    assert_non_null(strstr(text, "name=pc7"));
    fixture_close_tls(ssl);
}

static void strangers_who_say_nothing_displace_only_each_other(void **state)
{
    int fds[STRANGERS];
    char byte;

    (void)state;
    for (int i = 0; i < STRANGERS; i++) {
        fds[i] = fixture_connect(&fixture);
        assert_true(fds[i] >= 0);
    }
    ask_as_node();
    /* The first came long before the last for whom there was room. */
    assert_true(read(fds[0], &byte, 1) <= 0);
    for (int i = 0; i < STRANGERS; i++)
        close(fds[i]);
}

static void a_local_user_finds_a_place_among_strangers(void **state)
{
    _cleanup_free_ char *text = NULL;
    SSL *strangers[PLACES];
    unsigned int status = 0;

    (void)state;
    /* These have a question open, so none of them has to go; the last ones wait outside. */
    for (int i = 0; i < PLACES; i++) {
        static const char request[] = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";

        strangers[i] =
            i < PLACES - 2 ? fixture_connect_tls(&fixture, fixture.node, TLS1_3_VERSION) : NULL;
        if (strangers[i])
            SSL_write(strangers[i], request, (int)strlen(request));
    }
    text = fixture_get(&fixture, "/held", &status);
    assert_int_equal(status, 200);
    for (int i = 0; i < PLACES; i++)
        if (strangers[i])
            fixture_close_tls(strangers[i]);
}

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture.connections_max = PLACES;
    fixture_start_server(&fixture, IDLE_S);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop_server(&fixture);
    fixture_deinit(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_who_say_nothing_displace_only_each_other),
        cmocka_unit_test(a_local_user_finds_a_place_among_strangers),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
