/* SPDX-License-Identifier: Apache-2.0 */
/* Links, from both ends: a listener and a dialer on one loop, and raw peers who misbehave. */
#define _GNU_SOURCE
#include "dialer.h"

#include "base/memory.h"
#include "base/test.h"
#include "fixture.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400 };

/* What one end has seen. */
struct end {
    struct link *link;
    unsigned int connected, closed, writable;
    unsigned int texts, binaries;
    size_t text_bytes, binary_bytes;
    char *last_text;
    unsigned int close_code;
    char *close_reason;
    const char *refusal; /* what on_connected will return */
    bool echoes;
};

struct pair {
    uv_loop_t loop;
    struct listener *listener;
    struct dialer *dialer;
    struct end server, agent;
    bool stopped;
};

static struct fixture fixture;

static struct end *server_end(void *userdata)
{
    return &((struct pair *)userdata)->server;
}

static struct end *agent_end(void *userdata)
{
    return &((struct pair *)userdata)->agent;
}

static const char *end_connected(struct end *end, struct link *link)
{
    end->link = link;
    end->connected++;
    return end->refusal;
}

static void end_text(struct end *end, struct link *link, const char *text, size_t length)
{
    assert_int_equal(text[length], '\0');
    end->texts++;
    end->text_bytes += length;
    free(end->last_text);
    end->last_text = memory_copy_bytes(text, length);
    if (end->echoes)
        link_send_text(link, text, length);
}

static void end_binary(struct end *end, struct link *link, const void *data, size_t length)
{
    end->binaries++;
    end->binary_bytes += length;
    if (end->echoes)
        link_send_binary(link, data, length);
}

static void end_closed(struct end *end, unsigned int code, const char *reason)
{
    end->link = NULL;
    end->closed++;
    end->close_code = code;
    free(end->close_reason);
    end->close_reason = memory_copy_string(reason);
}

#define DEFINE_HANDLERS(side)                                                                      \
    static const char *side##_connected(void *userdata, struct link *link)                         \
    {                                                                                              \
        return end_connected(side##_end(userdata), link);                                          \
    }                                                                                              \
    static void side##_text(void *userdata, struct link *link, const char *text, size_t length)    \
    {                                                                                              \
        end_text(side##_end(userdata), link, text, length);                                        \
    }                                                                                              \
    static void side##_binary(void *userdata, struct link *link, const void *data, size_t length)  \
    {                                                                                              \
        end_binary(side##_end(userdata), link, data, length);                                      \
    }                                                                                              \
    static void side##_writable(void *userdata, struct link *link)                                 \
    {                                                                                              \
        (void)link;                                                                                \
        side##_end(userdata)->writable++;                                                          \
    }                                                                                              \
    static void side##_closed(void *userdata, struct link *link, unsigned int code,                \
                              const char *reason)                                                  \
    {                                                                                              \
        (void)link;                                                                                \
        end_closed(side##_end(userdata), code, reason);                                            \
    }                                                                                              \
    static const struct link_handlers side##_handlers = {                                          \
        .on_connected = side##_connected,                                                          \
        .on_text = side##_text,                                                                    \
        .on_binary = side##_binary,                                                                \
        .on_writable = side##_writable,                                                            \
        .on_closed = side##_closed,                                                                \
    }

DEFINE_HANDLERS(server);
DEFINE_HANDLERS(agent);

static struct body_plan on_request_begin(void *userdata, struct request *request)
{
    (void)userdata;
    request_reply(request, 404, "text/plain", "", 0);
    return (struct body_plan){0};
}

static void on_request(void *userdata, struct request *request)
{
    (void)userdata, (void)request;
}

static bool welcomes(void *userdata, const struct peer *peer)
{
    (void)userdata;
    return strcmp(peer->name, "gone") != 0;
}

static void open_listener(struct pair *pair, const char *host, uint64_t ping_interval_s)
{
    struct listener_options options = fixture_listener_options(&fixture, &pair->loop);

    options.host = host;
    options.socket_path = NULL;
    options.ping_interval_s = ping_interval_s;
    options.userdata = pair;
    options.handlers = (struct listener_handlers){
        .accepts = welcomes,
        .on_request_begin = on_request_begin,
        .on_request = on_request,
        .link = server_handlers,
    };
    assert_int_equal(listener_new(&options, &pair->listener, NULL), 0);
    fixture.port = listener_port(pair->listener);
}

static uint64_t dialer_ping_interval_s; /* 0: as long as a dialer has by itself */

static void dial(struct pair *pair, const char *host, uint16_t port, const char *identity)
{
    struct dialer_options options = {
        .loop = &pair->loop,
        .host = host,
        .port = port,
        .identity_folder = identity,
        .ping_interval_s = dialer_ping_interval_s,
        .handlers = agent_handlers,
        .userdata = pair,
    };

    assert_int_equal(dialer_new(&options, &pair->dialer, NULL), 0);
    assert_int_equal(dialer_dial(pair->dialer, NULL), 0);
    assert_int_equal(dialer_dial(pair->dialer, NULL), -EALREADY);
}

#define run_until(pair, condition)                                                                 \
    while (!(condition))                                                                           \
    uv_run(&(pair)->loop, UV_RUN_ONCE)

/* Both ends up, with the node's identity. */
static void connect_pair(struct pair *pair)
{
    open_listener(pair, "127.0.0.1", 0);
    dial(pair, "localhost", fixture.port, fixture.node);
    run_until(pair, pair->agent.connected && pair->server.connected);
}

static int set_up(void **state)
{
    struct pair *pair = memory_allocate(sizeof(*pair));

    uv_loop_init(&pair->loop);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    dialer_free(pair->dialer);
    listener_free(pair->listener);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
    assert_int_equal(pair->server.connected, pair->server.closed);
    free(pair->server.last_text);
    free(pair->server.close_reason);
    free(pair->agent.last_text);
    free(pair->agent.close_reason);
    free(pair);
    return 0;
}

static void a_link_knows_both_ends(void **state)
{
    struct pair *pair = *state;
    const struct peer *peer;

    connect_pair(pair);
    peer = link_peer(pair->server.link);
    assert_int_equal(peer->kind, PEER_NODE);
    assert_string_equal(peer->name, "pc7");
    assert_string_equal(peer->serial, fixture.node_serial);
    assert_string_equal(peer->address, "127.0.0.1");
    assert_ptr_equal(dialer_link(pair->dialer), pair->agent.link);
    assert_int_equal(link_peer(pair->agent.link)->kind, PEER_UNKNOWN);
    link_set_userdata(pair->agent.link, pair);
    assert_ptr_equal(link_userdata(pair->agent.link), pair);
}

static void messages_go_both_ways_in_order(void **state)
{
    struct pair *pair = *state;
    char text[32];

    connect_pair(pair);
    pair->server.echoes = true;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "message %d", i);
        assert_int_equal(link_send_text(pair->agent.link, text, strlen(text)), 0);
        assert_int_equal(link_send_binary(pair->agent.link, text, strlen(text)), 0);
    }
    run_until(pair, pair->agent.texts == 1000 && pair->agent.binaries == 1000);
    assert_string_equal(pair->agent.last_text, "message 999");
    assert_int_equal(link_queued_bytes(pair->agent.link), 0);
    assert_int_equal(link_send_text(pair->agent.link, "", 0), 0);
    run_until(pair, pair->agent.texts == 1001);
    assert_string_equal(pair->agent.last_text, "");
}

static void the_largest_messages_come_whole_and_larger_ones_are_refused(void **state)
{
    struct pair *pair = *state;
    _cleanup_free_ char *bytes = memory_allocate(LINK_TEXT_SIZE_MAX + 1);

    connect_pair(pair);
    pair->server.echoes = true;
    memset(bytes, 'm', LINK_TEXT_SIZE_MAX + 1);
    assert_int_equal(link_send_text(pair->agent.link, bytes, LINK_TEXT_SIZE_MAX), 0);
    assert_int_equal(link_send_binary(pair->agent.link, bytes, LINK_BINARY_SIZE_MAX), 0);
    assert_int_equal(link_send_text(pair->agent.link, bytes, LINK_TEXT_SIZE_MAX + 1), -EMSGSIZE);
    assert_int_equal(link_send_binary(pair->agent.link, bytes, LINK_BINARY_SIZE_MAX + 1),
                     -EMSGSIZE);
    assert_true(link_queued_bytes(pair->agent.link) >= LINK_TEXT_SIZE_MAX);
    run_until(pair, pair->agent.texts == 1 && pair->agent.binaries == 1);
    assert_int_equal(pair->agent.text_bytes, LINK_TEXT_SIZE_MAX);
    assert_int_equal(strspn(pair->agent.last_text, "m"), LINK_TEXT_SIZE_MAX);
    assert_int_equal(pair->agent.binary_bytes, LINK_BINARY_SIZE_MAX);
    assert_int_equal(pair->agent.writable, 1);
    assert_int_equal(pair->agent.closed, 0);
}

static void a_close_carries_its_code_and_reason_after_what_was_queued(void **state)
{
    struct pair *pair = *state;

    connect_pair(pair);
    link_send_text(pair->agent.link, "last words", 10);
    link_close(pair->agent.link, LINK_CLOSE_NORMAL, "good night");
    assert_int_equal(link_send_text(pair->agent.link, "too late", 8), -ENOTCONN);
    run_until(pair, pair->agent.closed && pair->server.closed);
    assert_string_equal(pair->server.last_text, "last words");
    assert_int_equal(pair->server.close_code, LINK_CLOSE_NORMAL);
    assert_string_equal(pair->server.close_reason, "good night");
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_NORMAL);
    assert_null(dialer_link(pair->dialer));
    /* And it can dial again. */
    assert_int_equal(dialer_dial(pair->dialer, NULL), 0);
    run_until(pair, pair->agent.connected == 2 && pair->server.connected == 2);
}

static void whoever_shall_try_later_is_told_so(void **state)
{
    struct pair *pair = *state;

    connect_pair(pair);
    link_close(pair->server.link, LINK_CLOSE_TRY_LATER, "in a moment");
    run_until(pair, pair->agent.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_TRY_LATER);
    assert_string_equal(pair->agent.close_reason, "in a moment");
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    struct pair *pair = *state;
    char reason[400];

    connect_pair(pair);
    for (int i = 0; i < 199; i++)
        memcpy(reason + 2 * i, "\xc3\xa4", 3);
    link_close(pair->server.link, LINK_CLOSE_NORMAL, reason);
    run_until(pair, pair->agent.closed);
    assert_int_equal(strlen(pair->agent.close_reason), LINK_REASON_SIZE_MAX - 1);
}

static void the_program_may_refuse_a_node(void **state)
{
    struct pair *pair = *state;

    pair->server.refusal = "this computer was removed from the pool";
    open_listener(pair, "127.0.0.1", 0);
    dial(pair, "127.0.0.1", fixture.port, fixture.node);
    run_until(pair, pair->agent.closed && pair->server.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_REFUSED);
    assert_string_equal(pair->agent.close_reason, "this computer was removed from the pool");
}

static void users_and_withdrawn_nodes_are_refused_with_a_reason(void **state)
{
    struct pair *pair = *state;

    open_listener(pair, "127.0.0.1", 0);
    dial(pair, "127.0.0.1", fixture.port, fixture.user);
    run_until(pair, pair->agent.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_REFUSED);
    assert_non_null(strstr(pair->agent.close_reason, "only nodes"));
    dialer_free(pair->dialer);
    dial(pair, "127.0.0.1", fixture.port, fixture.revoked);
    run_until(pair, pair->agent.closed == 2);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_REFUSED);
    assert_non_null(strstr(pair->agent.close_reason, "not accepted any more"));
    assert_int_equal(pair->server.connected, 0);
}

static void a_node_of_another_pool_is_told_so(void **state)
{
    struct pair *pair = *state;
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_free_ char *folder = file_join(fixture.folder, "other");
    _cleanup_free_ char *identity = NULL;

    assert_int_equal(authority_open(folder, &other, NULL), 0);
    identity = fixture_make_identity(&fixture, other, "pc8", PEER_NODE, DAY_S, NULL);
    open_listener(pair, "127.0.0.1", 0);
    dial(pair, "127.0.0.1", fixture.port, identity);
    run_until(pair, pair->agent.closed);
    assert_int_equal(pair->agent.connected, 0);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_LOST);
    assert_non_null(strstr(pair->agent.close_reason, "another authority"));
}

static void an_expired_identity_is_refused_before_dialling(void **state)
{
    struct pair *pair = *state;
    _cleanup_free_ char *identity =
        fixture_make_identity(&fixture, fixture.authority, "old", PEER_NODE, -DAY_S, NULL);
    struct dialer_options options = {
        .loop = &pair->loop, .host = "localhost", .port = 1, .identity_folder = identity};
    _cleanup_error_ struct error err = ERROR_INIT;

    assert_int_equal(dialer_new(&options, &pair->dialer, &err), -EKEYEXPIRED);
    assert_non_null(strstr(error_text(&err), "expired on"));
}

static void a_server_under_another_name_is_not_trusted(void **state)
{
    struct pair *pair = *state;

    open_listener(pair, "127.0.0.2", 0);
    dial(pair, "127.0.0.2", fixture.port, fixture.node);
    run_until(pair, pair->agent.closed);
    assert_non_null(strstr(pair->agent.close_reason, "not for the name '127.0.0.2'"));
}

static void nobody_there_is_said_in_words(void **state)
{
    struct pair *pair = *state;

    open_listener(pair, "127.0.0.1", 0);
    pair->listener = listener_free(pair->listener);
    dial(pair, "localhost", fixture.port, fixture.node);
    run_until(pair, pair->agent.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_LOST);
    assert_non_null(strstr(pair->agent.close_reason, "connection refused"));
}

static void on_stopped(void *userdata)
{
    struct pair *pair = userdata;

    pair->stopped = true;
}

static void a_stopping_server_says_good_bye(void **state)
{
    struct pair *pair = *state;

    connect_pair(pair);
    listener_stop(pair->listener, 5000, on_stopped);
    run_until(pair, pair->stopped && pair->agent.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_GOING_AWAY);
    assert_int_equal(listener_connections(pair->listener), 0);
}

static void either_end_answers_when_it_is_asked(void **state)
{
    struct pair *pair = *state;

    connect_pair(pair);
    assert_false(link_has_answered(pair->server.link));
    link_ask(pair->server.link);
    link_ask(pair->agent.link);
    assert_false(link_has_answered(pair->server.link));
    run_until(pair, link_has_answered(pair->server.link) && link_has_answered(pair->agent.link));
    /* A second question is open until it is answered itself. */
    link_ask(pair->server.link);
    assert_false(link_has_answered(pair->server.link));
    run_until(pair, link_has_answered(pair->server.link));
}

/* Each of its characters has two bytes, and the first byte moves them off every even place. */
static void a_question_may_be_answered_in_the_middle_of_a_text(void **state)
{
    struct pair *pair = *state;
    size_t length = LINK_TEXT_SIZE_MAX - 1;
    _cleanup_free_ char *text = memory_allocate(length + 1);
    unsigned int answers = 0;

    connect_pair(pair);
    text[0] = 'x';
    for (size_t i = 1; i < length; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    assert_int_equal(link_send_text(pair->agent.link, text, length), 0);
    link_ask(pair->server.link);
    while (pair->server.texts == 0 && pair->server.closed == 0) {
        uv_run(&pair->loop, UV_RUN_ONCE);
        if (pair->server.link && link_has_answered(pair->server.link)) {
            answers++;
            link_ask(pair->server.link);
        }
    }
    assert_int_equal(pair->server.closed, 0);
    assert_int_equal(pair->server.text_bytes, length);
    assert_true(answers > 1);
}

/* A server in a process of its own, which can be stopped. */
static pid_t start_server(void)
{
    int ports[2];
    pid_t child;

    assert_int_equal(pipe(ports), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct pair pair = {0};

        uv_loop_init(&pair.loop);
        open_listener(&pair, "127.0.0.1", 0);
        file_write_all(ports[1], &fixture.port, sizeof(fixture.port));
        for (;;)
            uv_run(&pair.loop, UV_RUN_ONCE);
    }
    assert_int_equal(read(ports[0], &fixture.port, sizeof(fixture.port)),
                     (ssize_t)sizeof(fixture.port));
    close(ports[0]);
    close(ports[1]);
    return child;
}

static void a_server_that_falls_silent_is_lost(void **state)
{
    struct pair *pair = *state;
    pid_t child = start_server();

    dialer_ping_interval_s = 1;
    dial(pair, "127.0.0.1", fixture.port, fixture.node);
    dialer_ping_interval_s = 0;
    run_until(pair, pair->agent.connected);
    assert_int_equal(kill(child, SIGSTOP), 0);
    run_until(pair, pair->agent.closed);
    assert_int_equal(pair->agent.close_code, LINK_CLOSE_LOST);
    assert_string_equal(pair->agent.close_reason, "the connection was lost");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static const char upgrade[] = "GET " LISTENER_LINK_PATH " HTTP/1.1\r\nHost: x\r\n"
                              "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: " LISTENER_LINK_SUBPROTOCOL "\r\n\r\n";

enum manner { NEVER_READS, READS };

/* A node in a child process that connects and sends these bytes and then nothing, not even a PONG.
 */
static pid_t start_raw_node(const char *bytes, size_t length, enum manner manner)
{
    pid_t child = fork();
    char byte;
    SSL *ssl;

    assert_true(child >= 0);
    if (child > 0)
        return child;
    ssl = fixture_connect_tls(&fixture, fixture.node, TLS1_3_VERSION);
    if (ssl) {
        SSL_write(ssl, upgrade, (int)strlen(upgrade));
        SSL_write(ssl, bytes, (int)length);
        while (manner == READS && fixture_read_tls(ssl, &byte, 1) == 1)
            continue;
        pause();
    }
    _exit(1);
}

/*
 * One that asks for something else first, on the same connection; then it waits until the server
 * wants to know whether it lives, and says so in a text.
 */
static pid_t start_node_that_asks_first(void)
{
    static const char request[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char text[] = "\x81\x85\0\0\0\0alive";
    char byte = 0;
    pid_t child = fork();
    SSL *ssl;

    assert_true(child >= 0);
    if (child > 0)
        return child;
    ssl = fixture_connect_tls(&fixture, fixture.node, TLS1_3_VERSION);
    if (ssl) {
        SSL_write(ssl, request, (int)strlen(request));
        fixture_read_tls(ssl, &byte, 1);
        SSL_write(ssl, upgrade, (int)strlen(upgrade));
        while (byte != '\x89' && fixture_read_tls(ssl, &byte, 1) == 1)
            continue;
        SSL_write(ssl, text, sizeof(text) - 1);
        pause();
    }
    _exit(1);
}

static void stop_raw_node(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_node_that_does_not_read_is_dropped_as_too_slow(void **state)
{
    struct pair *pair = *state;
    _cleanup_free_ char *bytes = memory_allocate(LINK_BINARY_SIZE_MAX);
    pid_t child;
    int r = 0;

    open_listener(pair, "127.0.0.1", 0);
    child = start_raw_node("", 0, NEVER_READS);
    run_until(pair, pair->server.connected);
    while (r == 0) {
        r = link_send_binary(pair->server.link, bytes, LINK_BINARY_SIZE_MAX);
        uv_run(&pair->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(r, -ENOBUFS);
    run_until(pair, pair->server.closed);
    assert_int_equal(pair->server.close_code, LINK_CLOSE_TOO_SLOW);
    stop_raw_node(child);
}

static void a_node_that_answers_no_ping_is_lost(void **state)
{
    struct pair *pair = *state;
    pid_t child;

    open_listener(pair, "127.0.0.1", 1);
    child = start_raw_node("", 0, NEVER_READS);
    run_until(pair, pair->server.closed);
    assert_int_equal(pair->server.connected, 1);
    assert_int_equal(pair->server.close_code, LINK_CLOSE_LOST);
    stop_raw_node(child);
}

/* What is sent proves nothing: only what is heard does. */
static void a_node_that_is_only_sent_to_is_lost(void **state)
{
    struct pair *pair = *state;
    pid_t child;

    open_listener(pair, "127.0.0.1", 1);
    child = start_raw_node("", 0, READS);
    run_until(pair, pair->server.connected);
    while (!pair->server.closed) {
        if (link_queued_bytes(pair->server.link) == 0)
            link_send_text(pair->server.link, "hello", 5);
        uv_run(&pair->loop, UV_RUN_ONCE);
    }
    assert_int_equal(pair->server.close_code, LINK_CLOSE_LOST);
    assert_string_equal(pair->server.close_reason, "the connection was lost");
    stop_raw_node(child);
}

static void a_connection_that_carried_a_request_may_become_a_link(void **state)
{
    struct pair *pair = *state;
    pid_t child;

    open_listener(pair, "127.0.0.1", 1);
    child = start_node_that_asks_first();
    run_until(pair, pair->server.texts || pair->server.closed);
    assert_int_equal(pair->server.texts, 1);
    assert_string_equal(pair->server.last_text, "alive");
    stop_raw_node(child);
}

static void broken_frames_end_only_their_link(void **state)
{
    static const char *const frames[] = {
        "\x83\x80"
        "abcd", /* an unknown kind of frame */
        "\x80\x80"
        "abcd", /* goes on with what never began */
        "\xf1\x80"
        "abcd", /* reserved bits */
        "\x81\x81"
        "aaaa"
        "\x9f", /* text that is no UTF-8 */
        "\x89\xfe"
        "\xff\xff"
        "abcd", /* a ping of 64 KiB */
    };
    struct pair *pair = *state;

    open_listener(pair, "127.0.0.1", 0);
    for (unsigned int i = 0; i < ARRAY_LENGTH(frames); i++) {
        pid_t child = start_raw_node(frames[i], strlen(frames[i]), NEVER_READS);

        run_until(pair, pair->server.closed == i + 1);
        stop_raw_node(child);
    }
    assert_int_equal(pair->server.texts, 0);
    assert_int_equal(pair->server.binaries, 0);
}

static int begin(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_deinit(&fixture);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_knows_both_ends),
        TEST(messages_go_both_ways_in_order),
        TEST(the_largest_messages_come_whole_and_larger_ones_are_refused),
        TEST(a_close_carries_its_code_and_reason_after_what_was_queued),
        TEST(whoever_shall_try_later_is_told_so),
        TEST(a_long_reason_is_cut_between_characters),
        TEST(the_program_may_refuse_a_node),
        TEST(users_and_withdrawn_nodes_are_refused_with_a_reason),
        TEST(a_node_of_another_pool_is_told_so),
        TEST(an_expired_identity_is_refused_before_dialling),
        TEST(a_server_under_another_name_is_not_trusted),
        TEST(nobody_there_is_said_in_words),
        TEST(a_stopping_server_says_good_bye),
        TEST(either_end_answers_when_it_is_asked),
        TEST(a_question_may_be_answered_in_the_middle_of_a_text),
        TEST(a_server_that_falls_silent_is_lost),
        TEST(a_node_that_does_not_read_is_dropped_as_too_slow),
        TEST(a_node_that_answers_no_ping_is_lost),
        TEST(a_node_that_is_only_sent_to_is_lost),
        TEST(a_connection_that_carried_a_request_may_become_a_link),
        TEST(broken_frames_end_only_their_link),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
