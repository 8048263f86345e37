/* SPDX-License-Identifier: Apache-2.0 */
/* See fixture.h. */
#define _GNU_SOURCE
#include "fixture.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/test.h"
#include "identity.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY_S = 86400, HELD_MAX = 16, NUMBER_LENGTH = 8, NUMBERS_A_CHUNK = 4096 };

/* What the child's server remembers. */
struct test_server {
    uv_loop_t loop;
    const struct fixture *fixture;
    uint64_t body_bytes;
    uint64_t produced;
    struct request *held[HELD_MAX];
    size_t held_count;
    uint64_t unanswered;
};

void fixture_init(struct fixture *fixture)
{
    char folder[] = "/tmp/dusk-net-XXXXXX";

    signal(SIGPIPE, SIG_IGN);
    *fixture = (struct fixture){0};
    assert_non_null(mkdtemp(folder));
    fixture->folder = memory_copy_string(folder);
    fixture->socket_path = file_join(folder, "socket");
    {
        _cleanup_free_ char *authority = file_join(folder, "authority");

        assert_int_equal(authority_open(authority, &fixture->authority, NULL), 0);
    }
    assert_int_equal(authority_renew_server(fixture->authority, NULL, 0, NULL), 0);
    fixture->node = fixture_make_identity(fixture, fixture->authority, "pc7", PEER_NODE, DAY_S,
                                          &fixture->node_serial);
    fixture->user =
        fixture_make_identity(fixture, fixture->authority, "ada", PEER_USER, DAY_S, NULL);
    fixture->revoked =
        fixture_make_identity(fixture, fixture->authority, "gone", PEER_NODE, DAY_S, NULL);
}

void fixture_deinit(struct fixture *fixture)
{
    authority_free(fixture->authority);
    file_remove_tree(fixture->folder, NULL);
    free(fixture->folder);
    free(fixture->socket_path);
    free(fixture->node);
    free(fixture->node_serial);
    free(fixture->user);
    free(fixture->revoked);
}

/* Stored by hand: identity_store() refuses what some tests need, an expired certificate. */
char *fixture_make_identity(struct fixture *fixture, struct authority *authority, const char *name,
                            enum peer_kind kind, int64_t validity_s, char **ret_serial)
{
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *pem = NULL;
    _cleanup_free_ char *serial = NULL;
    struct identity_paths paths;
    char *folder = file_join(fixture->folder, name);

    assert_int_equal(identity_make_request(folder, name, &request, NULL), 0);
    assert_int_equal(
        authority_sign(authority, request, kind, name, validity_s, &pem, &serial, NULL), 0);
    identity_paths_init(&paths, folder);
    assert_int_equal(file_replace(paths.certificate, pem, strlen(pem), 0644, false, NULL), 0);
    assert_int_equal(file_replace(paths.authority, authority_pem(authority),
                                  strlen(authority_pem(authority)), 0644, false, NULL),
                     0);
    identity_paths_deinit(&paths);
    if (ret_serial)
        *ret_serial = take_pointer(serial);
    return folder;
}

struct listener_options fixture_listener_options(const struct fixture *fixture, uv_loop_t *loop)
{
    return (struct listener_options){
        .loop = loop,
        .host = "127.0.0.1",
        .authority_path = authority_pem_path(fixture->authority),
        .certificate_path = authority_server_pem_path(fixture->authority),
        .key_path = authority_server_key_path(fixture->authority),
        .socket_path = fixture->socket_path,
    };
}

static bool welcomes(void *userdata, const struct peer *peer)
{
    (void)userdata;
    return strcmp(peer->name, "gone") != 0;
}

static void reply_text(struct request *request, const char *text)
{
    request_reply(request, 200, "text/plain", text, strlen(text));
}

static void reply_number(struct request *request, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    reply_text(request, text);
}

struct numbers {
    struct test_server *server;
    uint64_t next, count;
};

static int produce_numbers(void *userdata, struct buffer *chunk)
{
    struct numbers *numbers = userdata;

    for (int i = 0; i < NUMBERS_A_CHUNK && numbers->next < numbers->count; i++, numbers->next++)
        buffer_append(chunk, "1234567\n", NUMBER_LENGTH);
    numbers->server->produced += chunk->length;
    return numbers->next < numbers->count ? STREAM_MORE : STREAM_END;
}

static int produce_break(void *userdata, struct buffer *chunk)
{
    int *turns = userdata;

    buffer_append_text(chunk, "some of it");
    return ++*turns < 3 ? STREAM_MORE : -EIO;
}

static void reply_numbers(struct test_server *server, struct request *request)
{
    struct numbers *numbers = memory_allocate(sizeof(*numbers));
    struct stream stream = {
        .produce = produce_numbers, .release = free, .userdata = numbers, .size = -1};

    numbers->server = server;
    number_parse_u64(slice_from_text(request_parameter(request, "count")), &numbers->count);
    if (request_parameter(request, "size"))
        stream.size = (int64_t)numbers->count * NUMBER_LENGTH;
    request_reply_stream(request, 200, "text/plain", &stream);
}

static void reply_break(struct request *request)
{
    struct stream stream = {.produce = produce_break,
                            .release = free,
                            .userdata = memory_allocate(sizeof(int)),
                            .size = -1};

    request_reply_stream(request, 200, "text/plain", &stream);
}

static void reply_file(struct request *request)
{
    _cleanup_free_ char *content = memory_allocate(100000);
    int fd = memfd_create("file", MFD_CLOEXEC);

    memset(content, 'f', 100000);
    file_write_all(fd, content, 100000);
    lseek(fd, 0, SEEK_SET);
    request_reply_file(request, 200, "application/octet-stream", fd, 100000);
}

static void reply_echo(struct request *request)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    const struct peer *peer = request_peer(request);
    const char *name;

    buffer_appendf(&text, "method=%s\nkind=%d\nname=%s\nserial=%s\naddress=%s\nprotocol=%u\n",
                   request_method(request), (int)peer->kind, peer->name, peer->serial,
                   peer->address, (unsigned int)request_protocol(request));
    if (peer->kind == PEER_SOCKET)
        buffer_appendf(&text, "uid=%u\npid=%d\n", (unsigned int)peer->uid, (int)peer->pid);
    for (size_t i = 0; (name = request_parameter_name(request, i)) != NULL; i++)
        buffer_appendf(&text, "parameter %s=%s\n", name, request_parameter(request, name));
    request_add_header(request, "x-test", "yes");
    reply_text(request, buffer_text(&text));
}

static void reply_authority(const struct test_server *server, struct request *request)
{
    const char *pem = authority_pem(server->fixture->authority);

    request_reply(request, 200, "application/x-pem-file", pem, strlen(pem));
}

/* Whatever the token is: only the words around it are the test's. */
static void reply_enrol(const struct test_server *server, struct request *request)
{
    static const char refusal[] = "{\"error\": \"this token was revoked\", \"hint\": \"ask\"}";
    struct slice body = request_body(request);
    json_t *asked = json_loadb(body.data, body.length, 0, NULL), *reply;
    const char *name = json_string_value(json_object_get(asked, "name"));
    const char *kind = json_string_value(json_object_get(asked, "kind"));
    _cleanup_free_ char *certificate = NULL, *serial = NULL, *text = NULL;

    if (strcmp(name, "mallory") == 0) {
        request_reply(request, 403, "application/json", refusal, strlen(refusal));
    } else if (strcmp(name, "eve") == 0) {
        reply_text(request, "[\"what?\"]");
    } else if (authority_sign(server->fixture->authority,
                              json_string_value(json_object_get(asked, "request")),
                              strcmp(kind, "node") == 0 ? PEER_NODE : PEER_USER, name, DAY_S,
                              &certificate, &serial, NULL) == 0) {
        reply = json_pack("{s:s, s:s}", "name", name, "certificate", certificate);
        text = json_dumps(reply, 0);
        json_decref(reply);
        reply_text(request, text);
    }
    json_decref(asked);
}

static struct body_plan on_request_begin(void *userdata, struct request *request)
{
    bool sink = strcmp(request_path(request), "/sink") == 0;

    (void)userdata;
    if (strcmp(request_path(request), "/early") == 0)
        request_reply(request, 403, "text/plain", "no", 2);
    return (struct body_plan){.streamed = sink, .size_max = sink ? (uint64_t)1 << 40 : 1 << 20};
}

static void on_request_body(void *userdata, struct request *request, struct slice piece)
{
    struct test_server *server = userdata;

    (void)request;
    server->body_bytes += piece.length;
}

static void release_held(struct test_server *server)
{
    for (size_t i = 0; i < server->held_count; i++)
        reply_text(server->held[i], "released");
    server->held_count = 0;
}

static void answer(struct test_server *server, struct request *request, const char *path)
{
    struct slice body = request_body(request);

    if (strcmp(path, "/echo") == 0)
        reply_echo(request);
    else if (strcmp(path, "/body") == 0)
        request_reply(request, 200, "text/plain", body.data, body.length);
    else if (strcmp(path, "/sink") == 0)
        reply_number(request, server->body_bytes);
    else if (strcmp(path, "/numbers") == 0)
        reply_numbers(server, request);
    else if (strcmp(path, "/produced") == 0)
        reply_number(request, server->produced);
    else if (strcmp(path, "/broken") == 0)
        reply_break(request);
    else if (strcmp(path, "/file") == 0)
        reply_file(request);
    else if (strcmp(path, "/v1/authority") == 0)
        reply_authority(server, request);
    else if (strcmp(path, "/v1/enrol") == 0)
        reply_enrol(server, request);
    else if (strcmp(path, "/held") == 0)
        reply_number(request, server->held_count);
    else if (strcmp(path, "/unanswered") == 0)
        reply_number(request, server->unanswered);
    else
        request_reply(request, 404, "text/plain", "nothing here", 12);
}

static void on_request(void *userdata, struct request *request)
{
    struct test_server *server = userdata;
    const char *path = request_path(request);

    if (strcmp(path, "/hold") == 0 && server->held_count < HELD_MAX) {
        server->held[server->held_count++] = request;
        return;
    }
    if (strcmp(path, "/release") == 0)
        release_held(server);
    if (strcmp(path, "/quit") == 0)
        uv_stop(&server->loop);
    else
        answer(server, request, path);
}

static void on_request_end(void *userdata, struct request *request, bool complete)
{
    struct test_server *server = userdata;

    if (!complete)
        server->unanswered++;
    for (size_t i = 0; i < server->held_count; i++)
        if (server->held[i] == request)
            server->held[i] = server->held[--server->held_count];
}

static int run_server(const struct fixture *fixture, uint64_t idle_timeout_s, int port_fd)
{
    struct test_server server = {.fixture = fixture};
    struct listener_options options = fixture_listener_options(fixture, &server.loop);
    struct listener *listener = NULL;
    uint16_t port;

    uv_loop_init(&server.loop);
    options.idle_timeout_s = idle_timeout_s;
    options.connections_max = fixture->connections_max;
    options.userdata = &server;
    options.handlers = (struct listener_handlers){
        .accepts = welcomes,
        .on_request_begin = on_request_begin,
        .on_request_body = on_request_body,
        .on_request = on_request,
        .on_request_end = on_request_end,
    };
    if (listener_new(&options, &listener, NULL) < 0)
        return 1;
    port = listener_port(listener);
    file_write_all(port_fd, &port, sizeof(port));
    uv_run(&server.loop, UV_RUN_DEFAULT);
    listener_free(listener);
    return uv_loop_close(&server.loop) == 0 && server.held_count == 0 ? 0 : 2;
}

void fixture_start_server(struct fixture *fixture, uint64_t idle_timeout_s)
{
    int ports[2];

    assert_int_equal(pipe(ports), 0);
    fixture->server = fork();
    assert_true(fixture->server >= 0);
    if (fixture->server == 0) {
        int result = run_server(fixture, idle_timeout_s, ports[1]);

        /* Only what the server itself left behind is to be called a leak. */
        fixture_deinit(fixture);
        exit(result);
    }
    assert_int_equal(read(ports[0], &fixture->port, sizeof(fixture->port)),
                     (ssize_t)sizeof(fixture->port));
    close(ports[0]);
    close(ports[1]);
}

void fixture_stop_server(struct fixture *fixture)
{
    int status = -1;
    int fd = descriptor_connect_unix(fixture->socket_path, SOCK_STREAM, NULL);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, "GET /quit HTTP/1.1\r\nHost: x\r\n\r\n", 31), 0);
    assert_int_equal(waitpid(fixture->server, &status, 0), fixture->server);
    assert_int_equal(status, 0);
    close(fd);
    fixture->server = 0;
}

char *fixture_get(const struct fixture *fixture, const char *path, unsigned int *ret_status)
{
    struct client_options options = {.socket_path = fixture->socket_path, .protocol = 1};
    struct buffer body = BUFFER_INIT;
    struct client *client = NULL;

    assert_int_equal(client_new(&options, &client, NULL), 0);
    assert_int_equal(client_request(client, "GET", path, NULL, ret_status, &body, NULL), 0);
    client_free(client);
    return buffer_take(&body);
}

int fixture_connect(const struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

SSL *fixture_connect_tls(const struct fixture *fixture, const char *identity, int version_max)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    SSL_CTX_set_max_proto_version(context, version_max);
    if (identity) {
        struct identity_paths paths;

        identity_paths_init(&paths, identity);
        assert_int_equal(SSL_CTX_use_certificate_file(context, paths.certificate, SSL_FILETYPE_PEM),
                         1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(context, paths.key, SSL_FILETYPE_PEM), 1);
        identity_paths_deinit(&paths);
    }
    ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(ssl, fixture_connect(fixture));
    if (SSL_connect(ssl) == 1)
        return ssl;
    fixture_close_tls(ssl);
    return NULL;
}

void fixture_close_tls(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

size_t fixture_read(int fd, char *bytes, size_t length)
{
    size_t got = 0;
    ssize_t n;

    while (got < length && (n = read(fd, bytes + got, length - got)) > 0)
        got += (size_t)n;
    return got;
}

size_t fixture_read_tls(SSL *ssl, char *bytes, size_t length)
{
    size_t got = 0;
    int n;

    while (got < length && (n = SSL_read(ssl, bytes + got, (int)(length - got))) > 0)
        got += (size_t)n;
    return got;
}
