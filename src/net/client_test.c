/* SPDX-License-Identifier: Apache-2.0 */
/* The client: what it says when there is no answer, and that the next request goes on. */
#define _GNU_SOURCE
#include "client.h"

#include "base/memory.h"
#include "base/test.h"
#include "fixture.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct fixture fixture;

static struct client *make_client(const struct client_options *options)
{
    struct client *client = NULL;

    assert_int_equal(client_new(options, &client, NULL), 0);
    return client;
}

/* Asserts that GET /echo fails with this code and words. */
static void assert_fails(const struct client_options *options, int code, const char *words)
{
    _cleanup_(client_free_p) struct client *client = make_client(options);
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status = 0;

    assert_int_equal(client_request(client, "GET", "/echo", NULL, &status, NULL, &err), code);
    assert_non_null(strstr(error_text(&err), words));
    assert_int_equal(status, 0);
}

static void assert_answers(struct client *client, const char *words)
{
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status = 0;

    assert_int_equal(client_request(client, "GET", "/echo", NULL, &status, &answer, NULL), 0);
    assert_int_equal(status, 200);
    assert_non_null(strstr(buffer_text(&answer), words));
}

static void without_a_server_it_says_how_to_get_one(void **state)
{
    _cleanup_free_ char *path = file_join(fixture.folder, "nobody");
    struct client_options options = {.socket_path = path};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status;

    (void)state;
    assert_fails(&options, -ECONNREFUSED, "no server answers at");
    assert_int_equal(client_request(client, "GET", "/", NULL, &status, NULL, &err), -ECONNREFUSED);
    assert_non_null(strstr(err.hint, "DUSK_SOCKET"));
}

static void over_tls_failures_have_words_too(void **state)
{
    struct client_options options = {
        .host = "localhost", .port = fixture.port, .identity_folder = fixture.user};

    (void)state;
    options.port = 1;
    assert_fails(&options, -ECONNREFUSED, "no connection to 'localhost', port 1");
    options.host = "no.such.name.invalid";
    assert_fails(&options, -EHOSTUNREACH, "cannot be resolved");
}

static void only_the_pools_own_authority_is_trusted(void **state)
{
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_free_ char *folder = file_join(fixture.folder, "other");
    struct client_options options = {.host = "localhost", .port = fixture.port};
    struct client *client = NULL;

    (void)state;
    assert_int_equal(authority_open(folder, &other, NULL), 0);
    options.authority_pem = authority_pem(other);
    /* Not even if the system trusted it. */
    assert_int_equal(setenv("SSL_CERT_FILE", authority_pem_path(fixture.authority), 1), 0);
    assert_fails(&options, -EPROTO, "signed by another authority");
    unsetenv("SSL_CERT_FILE");
    options.authority_pem = authority_pem(fixture.authority);
    client = make_client(&options);
    assert_answers(client, "kind=0");
    client_free(client);
    options.host = "127.0.0.1";
    client = make_client(&options);
    assert_answers(client, "kind=0");
    client_free(client);
    options.authority_pem = NULL;
    assert_int_equal(client_new(&options, &client, NULL), -EINVAL);
}

static void an_unverified_request_can_fetch_what_is_then_compared(void **state)
{
    struct client_options options = {.host = "localhost", .port = fixture.port, .unverified = true};
    _cleanup_(client_free_p) struct client *client = make_client(&options);

    (void)state;
    assert_answers(client, "kind=0");
}

static void an_identity_is_shown(void **state)
{
    struct client_options options = {
        .host = "localhost", .port = fixture.port, .identity_folder = fixture.user, .protocol = 7};
    _cleanup_(client_free_p) struct client *client = make_client(&options);

    (void)state;
    assert_answers(client, "kind=3\nname=ada\n");
    assert_answers(client, "protocol=7\n");
}

static void a_socket_may_have_a_long_path(void **state)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    struct client_options options = {0};
    struct client *client;

    (void)state;
    buffer_append_text(&path, fixture.folder);
    for (int i = 0; i < 20; i++)
        buffer_append_text(&path, "/a folder");
    assert_int_equal(file_make_folders(buffer_text(&path), 0700, NULL), 0);
    buffer_append_text(&path, "/socket");
    assert_int_equal(symlink(fixture.socket_path, buffer_text(&path)), 0);
    options.socket_path = buffer_text(&path);
    client = make_client(&options);
    assert_answers(client, "kind=1");
    client_free(client);
}

static void a_silent_server_is_given_up_and_the_next_request_works(void **state)
{
    struct client_options options = {.socket_path = fixture.socket_path, .timeout_ms = 100};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status = 0;

    (void)state;
    assert_int_equal(client_request(client, "GET", "/hold", NULL, &status, NULL, &err), -ETIMEDOUT);
    assert_non_null(strstr(error_text(&err), "was silent"));
    client_set_timeout(client, 0);
    assert_answers(client, "kind=1");
}

static int refuse(void *userdata, const void *data, size_t length)
{
    (void)userdata, (void)data, (void)length;
    return -ENOSPC;
}

static void a_sink_can_end_a_download(void **state)
{
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    unsigned int status = 0;

    (void)state;
    assert_int_equal(
        client_download(client, "/numbers?count=1000000", refuse, NULL, &status, NULL, NULL),
        -ENOSPC);
    assert_answers(client, "kind=1");
}

static void what_is_not_200_goes_to_the_body_and_not_to_the_sink(void **state)
{
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status = 0;

    (void)state;
    assert_int_equal(client_download(client, "/none", refuse, NULL, &status, &answer, NULL), 0);
    assert_int_equal(status, 404);
    assert_string_equal(buffer_text(&answer), "nothing here");
}

static void a_file_that_is_shorter_than_said_is_not_sent(void **state)
{
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    FILE *file = tmpfile();
    unsigned int status = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(client_upload(client, "/sink", fileno(file), 100, &status, NULL, NULL),
                     -ENODATA);
    fclose(file);
    assert_answers(client, "kind=1");
}

static void many_requests_work_one_after_the_other(void **state)
{
    struct client_options socket_options = {.socket_path = fixture.socket_path};
    struct client_options port_options = {
        .host = "localhost", .port = fixture.port, .identity_folder = fixture.user};
    _cleanup_(client_free_p) struct client *over_socket = make_client(&socket_options);
    _cleanup_(client_free_p) struct client *over_port = make_client(&port_options);
    struct slice body = {.data = "hello", .length = 5};

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct client *client = i % 2 ? over_socket : over_port;
        _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
        unsigned int status = 0;

        assert_int_equal(
            client_request(client, i % 3 ? "POST" : "PUT", "/body", &body, &status, &answer, NULL),
            0);
        assert_string_equal(buffer_text(&answer), "hello");
        assert_answers(client, "method=GET");
    }
}

static void encoded_text_survives_the_way(void **state)
{
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_(client_free_p) struct client *client = make_client(&options);
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
    unsigned int status = 0;

    (void)state;
    buffer_append_text(&path, "/echo?x=");
    client_append_encoded(&path, "a&b=c d+e%f/\xc3\xa4?#");
    assert_string_equal(buffer_text(&path), "/echo?x=a%26b%3Dc%20d%2Be%25f%2F%C3%A4%3F%23");
    assert_int_equal(
        client_request(client, "GET", buffer_text(&path), NULL, &status, &answer, NULL), 0);
    assert_non_null(strstr(buffer_text(&answer), "parameter x=a&b=c d+e%f/\xc3\xa4?#\n"));
}

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_start_server(&fixture, 0);
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
        cmocka_unit_test(without_a_server_it_says_how_to_get_one),
        cmocka_unit_test(over_tls_failures_have_words_too),
        cmocka_unit_test(only_the_pools_own_authority_is_trusted),
        cmocka_unit_test(an_unverified_request_can_fetch_what_is_then_compared),
        cmocka_unit_test(an_identity_is_shown),
        cmocka_unit_test(a_socket_may_have_a_long_path),
        cmocka_unit_test(a_silent_server_is_given_up_and_the_next_request_works),
        cmocka_unit_test(a_sink_can_end_a_download),
        cmocka_unit_test(what_is_not_200_goes_to_the_body_and_not_to_the_sink),
        cmocka_unit_test(a_file_that_is_shorter_than_said_is_not_sent),
        cmocka_unit_test(many_requests_work_one_after_the_other),
        cmocka_unit_test(encoded_text_survives_the_way),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
