/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's HTTP side, asked by the client, by raw sockets and by raw TLS. */
#define _GNU_SOURCE
#include "listener.h"

#include "base/memory.h"
#include "base/test.h"
#include "fixture.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { DAY_S = 86400, TEXT_SIZE = 64 << 10 };

static struct fixture fixture;
static struct authority *foreign_authority; /* the system would trust it, the server must not */

/* Sends a text over the Unix socket, reads to the end (the peer must close), gives the text back.
 */
static char *converse(const char *request, size_t length)
{
    _cleanup_fd_ int fd = descriptor_connect_unix(fixture.socket_path, SOCK_STREAM, NULL);
    char *text = memory_allocate(TEXT_SIZE);

    assert_true(fd >= 0);
    file_write_all(fd, request, length);
    fixture_read(fd, text, TEXT_SIZE - 1);
    return text;
}

static char *ask(const char *request)
{
    return converse(request, strlen(request));
}

/* One GET over a TLS connection that was just made. */
static char *ask_tls(SSL *ssl, const char *path)
{
    char *text = memory_allocate(TEXT_SIZE);
    char request[256];

    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", path);
    SSL_write(ssl, request, (int)strlen(request));
    fixture_read_tls(ssl, text, TEXT_SIZE - 1);
    return text;
}

static char *get_as(const char *identity, const char *path)
{
    SSL *ssl = fixture_connect_tls(&fixture, identity, TLS1_3_VERSION);
    char *text;

    assert_non_null(ssl);
    text = ask_tls(ssl, path);
    fixture_close_tls(ssl);
    return text;
}

static uint64_t get_number(const char *path)
{
    unsigned int status = 0;
    _cleanup_free_ char *text = fixture_get(&fixture, path, &status);

    assert_int_equal(status, 200);
    return strtoull(text, NULL, 10);
}

static void a_request_is_shown_decoded_with_its_peer(void **state)
{
    unsigned int status = 0;
    _cleanup_free_ char *text =
        fixture_get(&fixture, "/echo?job=17&name=a%26b%20%C3%A4&empty=&bare", &status);
    char peer[64];

    (void)state;
    snprintf(peer, sizeof(peer), "uid=%u\npid=%d\n", (unsigned int)getuid(), (int)getpid());
    assert_int_equal(status, 200);
    assert_non_null(strstr(text, "method=GET\nkind=1\n"));
    assert_non_null(strstr(text, "protocol=1\n"));
    assert_non_null(strstr(text, peer));
    assert_non_null(strstr(text, "parameter job=17\nparameter name=a&b \xc3\xa4\n"
                                 "parameter empty=\nparameter bare=\n"));
}

static void paths_never_climb_out(void **state)
{
    static const char *const paths[] = {"/../../etc/passwd", "/a/../../../x", "/%2e%2e/x",
                                        "/a%2f..%2f..%2fx"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        char request[128];
        _cleanup_free_ char *text = NULL;

        snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", paths[i]);
        text = ask(request);
        assert_true(text[0] == '\0' || strstr(text, "404") || strstr(text, "403"));
    }
}

static void a_certificate_names_its_node_or_user(void **state)
{
    _cleanup_free_ char *node = get_as(fixture.node, "/echo");
    _cleanup_free_ char *user = get_as(fixture.user, "/echo");
    _cleanup_free_ char *nobody = get_as(NULL, "/echo");
    char serial[128];

    (void)state;
    snprintf(serial, sizeof(serial), "kind=2\nname=pc7\nserial=%s\naddress=127.0.0.1\n",
             fixture.node_serial);
    assert_non_null(strstr(node, serial));
    assert_non_null(strstr(user, "kind=3\nname=ada\n"));
    assert_non_null(strstr(nobody, "kind=0\nname=\nserial=\n"));
}

static void a_withdrawn_certificate_is_told_so(void **state)
{
    _cleanup_free_ char *text = get_as(fixture.revoked, "/echo");

    (void)state;
    assert_non_null(strstr(text, " 401 "));
    assert_non_null(strstr(text, "not accepted any more"));
}

/* In TLS 1.3 the client's side may look done before the server has refused. */
static void assert_refused(const char *identity)
{
    SSL *ssl = fixture_connect_tls(&fixture, identity, TLS1_3_VERSION);
    _cleanup_free_ char *text = NULL;

    if (!ssl)
        return;
    text = ask_tls(ssl, "/echo");
    assert_string_equal(text, "");
    fixture_close_tls(ssl);
}

static void foreign_and_expired_certificates_are_refused_in_the_handshake(void **state)
{
    _cleanup_free_ char *foreign = NULL;
    _cleanup_free_ char *expired = NULL;

    (void)state;
    foreign = fixture_make_identity(&fixture, foreign_authority, "pc8", PEER_NODE, DAY_S, NULL);
    expired = fixture_make_identity(&fixture, fixture.authority, "pc9", PEER_NODE, -DAY_S, NULL);
    assert_refused(foreign);
    assert_refused(expired);
}

static void tls_1_2_is_refused(void **state)
{
    (void)state;
    assert_null(fixture_connect_tls(&fixture, NULL, TLS1_2_VERSION));
}

static void plain_http_on_the_port_is_answered_with_a_sentence(void **state)
{
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
    _cleanup_fd_ int fd = fixture_connect(&fixture);
    _cleanup_free_ char *text = memory_allocate(TEXT_SIZE);

    (void)state;
    assert_int_equal(file_write_all(fd, request, strlen(request)), 0);
    fixture_read(fd, text, TEXT_SIZE - 1);
    assert_non_null(strstr(text, "this port speaks TLS only"));
}

static void garbage_costs_only_its_own_connection(void **state)
{
    char bytes[4096];
    unsigned int seed = 7;

    (void)state;
    for (int turn = 0; turn < 50; turn++) {
        _cleanup_fd_ int fd = fixture_connect(&fixture);
        _cleanup_free_ char *text = NULL;

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)rand_r(&seed);
        bytes[0] = turn % 2 ? '\x16' : bytes[0]; /* a TLS record, for half of them */
        file_write_all(fd, bytes, sizeof(bytes));
        shutdown(fd, SHUT_WR);
        fixture_read(fd, bytes, sizeof(bytes));
        text = converse(bytes, sizeof(bytes));
    }
    assert_int_equal(get_number("/held"), 0);
}

static void headers_have_a_limit(void **state)
{
    _cleanup_buffer_ struct buffer request = BUFFER_INIT;
    _cleanup_free_ char *text = NULL;

    (void)state;
    buffer_append_text(&request, "GET /echo HTTP/1.1\r\nHost: x\r\nx-long: ");
    for (int i = 0; i < 100000; i++)
        buffer_append_character(&request, 'a');
    buffer_append_text(&request, "\r\n\r\n");
    text = ask(buffer_text(&request));
    assert_null(strstr(text, " 200 "));
    assert_int_equal(get_number("/held"), 0);
}

static void bodies_are_collected_up_to_their_limit(void **state)
{
    _cleanup_(client_free_p) struct client *client = NULL;
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_free_ char *bytes = memory_allocate((1 << 20) + 1);
    struct slice body = {.data = bytes};

    (void)state;
    memset(bytes, 'b', (1 << 20) + 1);
    assert_int_equal(client_new(&options, &client, NULL), 0);
    for (size_t length = 0; length <= 1 << 20; length = length * 4 + 1) {
        _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
        unsigned int status = 0;

        body.length = length;
        assert_int_equal(client_request(client, "POST", "/body", &body, &status, &answer, NULL), 0);
        assert_int_equal(status, 200);
        assert_int_equal(answer.length, length);
        assert_true(length == 0 || memcmp(answer.data, bytes, length) == 0);
    }
    {
        _cleanup_buffer_ struct buffer answer = BUFFER_INIT;
        unsigned int status = 0;

        body.length = (1 << 20) + 1;
        assert_int_equal(client_request(client, "POST", "/body", &body, &status, &answer, NULL), 0);
        assert_int_equal(status, 413);
        assert_non_null(strstr(buffer_text(&answer), "too large"));
    }
}

static void a_body_must_say_its_length(void **state)
{
    _cleanup_free_ char *none = ask("POST /body HTTP/1.1\r\nHost: x\r\n\r\n");
    _cleanup_free_ char *chunked = ask("POST /body HTTP/1.1\r\nHost: x\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    _cleanup_free_ char *wrong = ask("POST /body HTTP/1.1\r\nHost: x\r\n"
                                     "Content-Length: 5x\r\n\r\nhello");
    _cleanup_free_ char *negative = ask("POST /body HTTP/1.1\r\nHost: x\r\n"
                                        "Content-Length: -5\r\n\r\nhello");

    (void)state;
    assert_non_null(strstr(none, " 411 "));
    assert_non_null(strstr(chunked, " 411 "));
    assert_non_null(strstr(wrong, " 400 "));
    assert_non_null(strstr(negative, " 400 "));
}

static void requests_that_come_together_are_answered_in_order(void **state)
{
    _cleanup_free_ char *text = ask("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "GET /held HTTP/1.0\r\nHost: x\r\n\r\n");
    const char *nothing = strstr(text, "nothing here");
    const char *echo = nothing ? strstr(nothing, "method=GET") : NULL;

    (void)state;
    assert_non_null(echo);
    assert_non_null(strstr(echo, "\r\n\r\n0"));
}

/* In one packet they would hang libwebsockets 4.1; see request_receive_end(). */
static void bodies_that_come_behind_another_request_harm_nobody(void **state)
{
    _cleanup_free_ char *first = ask("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
                                     "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
                                     "body");
    _cleanup_free_ char *second = ask("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
                                      "body"
                                      "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
                                      "body");

    (void)state;
    (void)second;
    assert_non_null(strstr(first, "method=GET"));
    assert_int_equal(get_number("/held"), 0);
}

static void a_head_request_gets_only_the_head(void **state)
{
    _cleanup_free_ char *text = ask("HEAD /file HTTP/1.0\r\nHost: x\r\n\r\n");

    (void)state;
    assert_non_null(strstr(text, "content-length: 100000\r\n"));
    assert_null(strstr(text, "ffff"));
}

static void a_file_is_sent_whole_and_headers_are_added(void **state)
{
    unsigned int status = 0;
    _cleanup_free_ char *file = fixture_get(&fixture, "/file", &status);
    _cleanup_free_ char *echo = ask("GET /echo HTTP/1.0\r\nHost: x\r\n\r\n");

    (void)state;
    assert_int_equal(status, 200);
    assert_int_equal(strspn(file, "f"), 100000);
    assert_non_null(strstr(echo, "x-test: yes\r\n"));
}

static int count_bytes(void *userdata, const void *data, size_t length)
{
    uint64_t *count = userdata;

    (void)data;
    *count += length;
    return 0;
}

static void download_numbers(const struct client_options *options, const char *path)
{
    _cleanup_(client_free_p) struct client *client = NULL;
    unsigned int status = 0;
    uint64_t count = 0;

    assert_int_equal(client_new(options, &client, NULL), 0);
    assert_int_equal(client_download(client, path, count_bytes, &count, &status, NULL, NULL), 0);
    assert_int_equal(status, 200);
    assert_int_equal(count, 12500000 * 8);
}

static void a_stream_of_100_mb_comes_whole_every_way(void **state)
{
    struct client_options socket = {.socket_path = fixture.socket_path};
    struct client_options port = {
        .host = "127.0.0.1", .port = fixture.port, .identity_folder = fixture.user};

    (void)state;
    download_numbers(&socket, "/numbers?count=12500000");
    download_numbers(&socket, "/numbers?count=12500000&size=1");
    download_numbers(&port, "/numbers?count=12500000");
    download_numbers(&port, "/numbers?count=12500000&size=1");
}

static void an_empty_stream_is_an_empty_answer(void **state)
{
    unsigned int status = 0;
    _cleanup_free_ char *text = fixture_get(&fixture, "/numbers?count=0", &status);
    _cleanup_free_ char *sized = fixture_get(&fixture, "/numbers?count=0&size=1", &status);

    (void)state;
    assert_int_equal(status, 200);
    assert_string_equal(text, "");
    assert_string_equal(sized, "");
}

/* 8 MB are what the socket's buffers, one chunk and OpenSSL may hold, with much to spare. */
static void a_slow_reader_slows_only_its_own_stream(void **state)
{
    static const char request[] = "GET /numbers?count=12500000 HTTP/1.0\r\nHost: x\r\n\r\n";
    SSL *ssl = fixture_connect_tls(&fixture, NULL, TLS1_3_VERSION);
    uint64_t before = get_number("/produced"), made, again;
    char bytes[1000];

    (void)state;
    assert_non_null(ssl);
    SSL_write(ssl, request, (int)strlen(request));
    assert_int_equal(fixture_read_tls(ssl, bytes, sizeof(bytes)), sizeof(bytes));
    /* The stream stops by itself: two numbers that are the same, with other requests between. */
    do {
        made = get_number("/produced") - before;
        for (int i = 0; i < 100; i++)
            again = get_number("/produced") - before;
    } while (again != made);
    assert_true(made < 8 << 20);
    fixture_close_tls(ssl);
}

static void a_stream_that_breaks_off_is_no_whole_answer(void **state)
{
    _cleanup_(client_free_p) struct client *client = NULL;
    struct client_options options = {.socket_path = fixture.socket_path};
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status = 0;

    (void)state;
    assert_int_equal(client_new(&options, &client, NULL), 0);
    assert_int_equal(client_request(client, "GET", "/broken", NULL, &status, NULL, &err),
                     -ECONNRESET);
    assert_non_null(strstr(error_text(&err), "broke off"));
}

static void an_upload_is_streamed_and_can_be_refused_early(void **state)
{
    struct client_options port = {
        .host = "localhost", .port = fixture.port, .identity_folder = fixture.user};
    _cleanup_(client_free_p) struct client *client = NULL;
    FILE *file = tmpfile();
    unsigned int status = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 50000000), 0);
    assert_int_equal(client_new(&port, &client, NULL), 0);
    {
        _cleanup_buffer_ struct buffer answer = BUFFER_INIT;

        assert_int_equal(
            client_upload(client, "/sink", fileno(file), 50000000, &status, &answer, NULL), 0);
        assert_int_equal(status, 200);
        assert_string_equal(buffer_text(&answer), "50000000");
    }
    {
        _cleanup_buffer_ struct buffer answer = BUFFER_INIT;

        rewind(file);
        assert_int_equal(
            client_upload(client, "/early", fileno(file), 50000000, &status, &answer, NULL), 0);
        assert_int_equal(status, 403);
        assert_string_equal(buffer_text(&answer), "no");
    }
    fclose(file);
}

static void wait_until_held(uint64_t count)
{
    while (get_number("/held") != count)
        usleep(1000);
}

static void a_reply_may_come_much_later(void **state)
{
    static const char request[] = "GET /hold HTTP/1.0\r\nHost: x\r\n\r\n";
    _cleanup_fd_ int fd = descriptor_connect_unix(fixture.socket_path, SOCK_STREAM, NULL);
    SSL *ssl = fixture_connect_tls(&fixture, fixture.user, TLS1_3_VERSION);
    _cleanup_free_ char *text = memory_allocate(TEXT_SIZE);
    _cleanup_free_ char *text_tls = memory_allocate(TEXT_SIZE);
    unsigned int status = 0;

    (void)state;
    assert_non_null(ssl);
    assert_int_equal(file_write_all(fd, request, strlen(request)), 0);
    SSL_write(ssl, request, (int)strlen(request));
    wait_until_held(2);
    free(fixture_get(&fixture, "/release", &status));
    fixture_read(fd, text, TEXT_SIZE - 1);
    fixture_read_tls(ssl, text_tls, TEXT_SIZE - 1);
    assert_non_null(strstr(text, "released"));
    assert_non_null(strstr(text_tls, "released"));
    fixture_close_tls(ssl);
}

static void a_caller_who_goes_away_ends_his_request(void **state)
{
    static const char request[] = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = descriptor_connect_unix(fixture.socket_path, SOCK_STREAM, NULL);
    SSL *ssl = fixture_connect_tls(&fixture, fixture.user, TLS1_3_VERSION);
    uint64_t before = get_number("/unanswered");

    (void)state;
    assert_int_equal(file_write_all(fd, request, strlen(request)), 0);
    SSL_write(ssl, request, (int)strlen(request));
    wait_until_held(2);
    descriptor_close(fd);
    fixture_close_tls(ssl);
    wait_until_held(0);
    /* Others, of the tests before, may be noticed only now. */
    assert_true(get_number("/unanswered") >= before + 2);
}

static void silent_connections_are_closed_and_hinder_nobody(void **state)
{
    enum { SILENT = 200 };
    int fds[SILENT];
    char byte;

    (void)state;
    for (int i = 0; i < SILENT; i++) {
        fds[i] = i % 2 ? fixture_connect(&fixture)
                       : descriptor_connect_unix(fixture.socket_path, SOCK_STREAM, NULL);
        assert_true(fds[i] >= 0);
        if (i % 4 == 0)
            assert_int_equal(write(fds[i], "GET /e", 6), 6); /* and never the rest */
    }
    assert_int_equal(get_number("/held"), 0);
    for (int i = 0; i < SILENT; i++) {
        assert_true(read(fds[i], &byte, 1) <= 0); /* waits for the end that must come */
        close(fds[i]);
    }
}

static void a_body_that_stops_coming_ends_its_connection(void **state)
{
    _cleanup_free_ char *text = ask("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
                                    "only");

    (void)state;
    assert_string_equal(text, "");
}

static void the_socket_is_open_to_every_user(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(stat(fixture.socket_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
}

static int set_up(void **state)
{
    _cleanup_free_ char *folder = NULL;

    (void)state;
    fixture_init(&fixture);
    folder = file_join(fixture.folder, "foreign");
    assert_int_equal(authority_open(folder, &foreign_authority, NULL), 0);
    assert_int_equal(setenv("SSL_CERT_FILE", authority_pem_path(foreign_authority), 1), 0);
    fixture_start_server(&fixture, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop_server(&fixture);
    authority_free(foreign_authority);
    fixture_deinit(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_shown_decoded_with_its_peer),
        cmocka_unit_test(paths_never_climb_out),
        cmocka_unit_test(a_certificate_names_its_node_or_user),
        cmocka_unit_test(a_withdrawn_certificate_is_told_so),
        cmocka_unit_test(foreign_and_expired_certificates_are_refused_in_the_handshake),
        cmocka_unit_test(tls_1_2_is_refused),
        cmocka_unit_test(plain_http_on_the_port_is_answered_with_a_sentence),
        cmocka_unit_test(garbage_costs_only_its_own_connection),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(bodies_are_collected_up_to_their_limit),
        cmocka_unit_test(a_body_must_say_its_length),
        cmocka_unit_test(requests_that_come_together_are_answered_in_order),
        cmocka_unit_test(bodies_that_come_behind_another_request_harm_nobody),
        cmocka_unit_test(a_head_request_gets_only_the_head),
        cmocka_unit_test(a_file_is_sent_whole_and_headers_are_added),
        cmocka_unit_test(a_stream_of_100_mb_comes_whole_every_way),
        cmocka_unit_test(an_empty_stream_is_an_empty_answer),
        cmocka_unit_test(a_slow_reader_slows_only_its_own_stream),
        cmocka_unit_test(a_stream_that_breaks_off_is_no_whole_answer),
        cmocka_unit_test(an_upload_is_streamed_and_can_be_refused_early),
        cmocka_unit_test(a_reply_may_come_much_later),
        cmocka_unit_test(a_caller_who_goes_away_ends_his_request),
        cmocka_unit_test(silent_connections_are_closed_and_hinder_nobody),
        cmocka_unit_test(a_body_that_stops_coming_ends_its_connection),
        cmocka_unit_test(the_socket_is_open_to_every_user),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
