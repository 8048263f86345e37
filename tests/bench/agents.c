/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many agents cost a server: real TLS connections with real identities, and nothing behind
 * them. Each says hello, reports, and answers every start at once with an end.
 *
 *     agents prepare STATE FOLDER COUNT
 *         before the server's first start: makes its authority, signs COUNT nodes with one key and
 *         enters them into its store. Enrolling them by token is the same, and takes minutes.
 *     agents run FOLDER PORT SERVER-PID DUSK SUBMIT-FILE TASKS STEP...
 *         connects up to each STEP, has the job submitted and done, and prints a line: STEP, the
 *         server's memory in KB, its CPU time in microseconds per task, the seconds that connecting
 *         took, and the server's CPU time in microseconds per connection.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "net/authority.h"
#include "net/identity.h"
#include "net/listener.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    ATTRIBUTES = 64,
    CERTIFICATE_DAYS = 2,
    SERVE_EVERY = 32, /* connections between two looks at the others */
    EVENTS_MAX = 256,
    PIECE_SIZE = 16384,
    OPCODE_TEXT = 1,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
    CPUS = 1
};

static const uint64_t memory = 1ULL << 40;

struct held {
    uint64_t epoch;
    uint32_t job, task, attempt;
};

struct fake_agent {
    SSL *tls;
    int fd;
    uint64_t session, highest_epoch, heartbeat_ms, report_at_ms;
    struct held *held; /* owned */
    size_t held_count, held_capacity;
    struct buffer in;      /* bytes of frames that are not whole */
    struct buffer message; /* frames of a message that is not whole */
};

struct crowd {
    SSL_CTX *context;
    FILE *certificates;
    int poll;
    uint16_t port;
    struct fake_agent *agents; /* owned */
    size_t count;
    struct attributes attributes; /* of each: as many and as long as real ones are */
};

static _noreturn_ void die(const char *what)
{
    fprintf(stderr, "agents: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static _noreturn_ void die_of(const struct error *err)
{
    fprintf(stderr, "agents: %s\n", error_text(err));
    exit(1);
}

/* ---- before the server ---- */

static void enter_node(struct store *store, uint32_t number, const char *name, const char *serial)
{
    store_save_node(store, &(struct store_node){.node = number,
                                                .name = name,
                                                .serial = serial,
                                                .enrolled_at = clock_wall_seconds()});
}

static void sign(const struct authority *authority, const char *folder, uint32_t number,
                 struct store *store, FILE *certificates)
{
    _cleanup_free_ char *request = NULL, *certificate = NULL, *serial = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    char name[32];

    snprintf(name, sizeof(name), "pc%u", number);
    if (identity_make_request(folder, name, &request, &err) < 0 ||
        authority_sign(authority, request, PEER_NODE, name, CERTIFICATE_DAYS * 86400, &certificate,
                       &serial, &err) < 0)
        die_of(&err);
    enter_node(store, number, name, serial);
    fputs(certificate, certificates);
}

static int prepare(const char *state, const char *folder, uint32_t count)
{
    _cleanup_free_ char *authority_folder = file_join(state, "authority");
    _cleanup_free_ char *database = file_join(state, "dusk.db");
    _cleanup_free_ char *list = file_join(folder, "certificates.pem");
    _cleanup_error_ struct error err = ERROR_INIT;
    struct authority *authority;
    struct store *store;
    FILE *certificates;

    if (file_make_folders(folder, 0700, &err) < 0 || file_make_folders(state, 0755, &err) < 0 ||
        authority_open(authority_folder, &authority, &err) < 0 ||
        store_open(database, &store, &err) < 0)
        die_of(&err);
    certificates = fopen(list, "we");
    if (!certificates)
        die(list);
    store_begin(store);
    for (uint32_t i = 0; i < count; i++)
        sign(authority, folder, i, store, certificates);
    if (store_commit(store, &err) < 0)
        die_of(&err);
    store_close(store);
    authority_free(authority);
    return fclose(certificates) == 0 ? 0 : 1;
}

/* ---- frames (RFC 6455) ---- */

/* The key that a client must mask with is 0, which leaves everything as it is. */
static void send_frame(struct fake_agent *agent, int opcode, const void *data, size_t length)
{
    _cleanup_buffer_ struct buffer frame = BUFFER_INIT;
    unsigned char head[14] = {(unsigned char)(0x80 | opcode)};
    size_t size = 2;
    int written;

    if (length < 126) {
        head[1] = (unsigned char)(0x80 | length);
    } else {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        size = 4;
    }
    buffer_append(&frame, head, size + 4);
    buffer_append(&frame, data, length);
    /* What these few bytes must wait for is only ever the server, which is what is measured. */
    do {
        written = SSL_write(agent->tls, frame.data, (int)frame.length);
    } while (written <= 0 && SSL_get_error(agent->tls, written) == SSL_ERROR_WANT_WRITE);
    if (written <= 0)
        die("a link broke while it was written to");
}

static void send_message(struct fake_agent *agent, const struct wire_message *message)
{
    struct wire_batch batch = {0};

    wire_batch_append(&batch, message);
    if (wire_batch_close(&batch))
        send_frame(agent, OPCODE_TEXT, batch.frame.data, batch.frame.length);
    wire_batch_deinit(&batch);
}

static struct wire_attempt end_of(const struct held *held)
{
    return (struct wire_attempt){.epoch = held->epoch,
                                 .job = held->job,
                                 .task = held->task,
                                 .attempt = held->attempt,
                                 .state = ATTEMPT_ENDED,
                                 .outcome = OUTCOME_EXITED,
                                 .reason = REASON_ENDED_BY_ITSELF};
}

static void report(struct fake_agent *agent, const struct held *news)
{
    size_t count = news ? 1 : agent->held_count;
    _cleanup_free_ struct wire_attempt *attempts = memory_allocate((count + 1) * sizeof(*attempts));
    struct wire_message message = {.kind = WIRE_REPORT};

    for (size_t i = 0; i < count; i++)
        attempts[i] = end_of(news ? news : &agent->held[i]);
    message.report = (struct wire_report){.session = agent->session,
                                          .sent_ms = clock_boot_ms(),
                                          .highest_epoch = agent->highest_epoch,
                                          .full = !news,
                                          .attempts = attempts,
                                          .attempt_count = count};
    send_message(agent, &message);
    if (!news)
        agent->report_at_ms = clock_boot_ms() + agent->heartbeat_ms;
}

/* ---- what the server says ---- */

static void hear_start(struct fake_agent *agent, const struct wire_start *start)
{
    struct held held = {start->epoch, start->job, start->task, start->attempt};

    if (start->session != agent->session || start->epoch <= agent->highest_epoch)
        return;
    agent->highest_epoch = start->epoch;
    array_reserve(agent->held, agent->held_capacity, agent->held_count + 1);
    agent->held[agent->held_count++] = held;
    report(agent, &held);
}

static void hear_forget(struct fake_agent *agent, uint64_t epoch)
{
    for (size_t i = 0; i < agent->held_count; i++)
        if (agent->held[i].epoch == epoch) {
            agent->held[i] = agent->held[--agent->held_count];
            return;
        }
}

static int hear(void *userdata, struct wire_message *message)
{
    struct fake_agent *agent = userdata;

    if (message->kind == WIRE_WELCOME) {
        agent->session = message->welcome.session;
        agent->heartbeat_ms = message->welcome.heartbeat_ms;
        report(agent, NULL);
    } else if (message->kind == WIRE_START) {
        hear_start(agent, &message->start);
    } else if (message->kind == WIRE_FORGET) {
        hear_forget(agent, message->epoch);
    }
    return 0;
}

static void take_frame(struct fake_agent *agent, const unsigned char *head, const char *data,
                       size_t length)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct slice text;

    if ((head[0] & 15) == OPCODE_PING)
        send_frame(agent, OPCODE_PONG, data, length);
    if ((head[0] & 15) == OPCODE_CLOSE) {
        fprintf(stderr, "agents: the server closed a link: %.*s\n",
                (int)(length > 2 ? length - 2 : 0), data + 2);
        exit(1);
    }
    if ((head[0] & 15) > OPCODE_CLOSE)
        return;
    buffer_append(&agent->message, data, length);
    if (!(head[0] & 0x80))
        return;
    text = (struct slice){agent->message.data, agent->message.length};
    if (wire_decode(text, hear, agent, &err) < 0)
        die_of(&err);
    buffer_clear(&agent->message);
}

/* Takes the whole frames out of what has come. */
static void take_frames(struct fake_agent *agent)
{
    for (;;) {
        const unsigned char *head = (const unsigned char *)agent->in.data;
        size_t size = 2, length;

        if (agent->in.length < size)
            return;
        length = head[1] & 127;
        size += length == 126 ? 2 : length == 127 ? 8 : 0;
        if (agent->in.length < size)
            return;
        if (size > 2)
            for (size_t i = length = 0; i < size - 2; i++)
                length = length << 8 | head[2 + i];
        if (agent->in.length < size + length)
            return;
        take_frame(agent, head, agent->in.data + size, length);
        buffer_consume(&agent->in, size + length);
    }
}

static void read_agent(struct fake_agent *agent)
{
    char piece[PIECE_SIZE];
    int n;

    while ((n = SSL_read(agent->tls, piece, sizeof(piece))) > 0)
        buffer_append(&agent->in, piece, (size_t)n);
    if (SSL_get_error(agent->tls, n) != SSL_ERROR_WANT_READ)
        die("the server broke a link off");
    take_frames(agent);
    if (agent->in.length == 0)
        buffer_deinit(&agent->in);
    if (agent->message.length == 0)
        buffer_deinit(&agent->message);
}

/* All that has come: whoever leaves a ping unanswered for long is taken for dead. */
static void serve(struct crowd *crowd, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count;

    do {
        count = epoll_wait(crowd->poll, events, EVENTS_MAX, timeout_ms);
        for (int i = 0; i < count; i++)
            read_agent(&crowd->agents[events[i].data.u32]);
        timeout_ms = 0;
    } while (count == EVENTS_MAX);
}

static void beat(struct crowd *crowd)
{
    uint64_t now_ms = clock_boot_ms();

    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->agents[i].session != 0 && crowd->agents[i].report_at_ms <= now_ms)
            report(&crowd->agents[i], NULL);
}

/* ---- connecting ---- */

static void upgrade(struct fake_agent *agent)
{
    static const char request[] = "GET " LISTENER_LINK_PATH " HTTP/1.1\r\n"
                                  "Host: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: ZHVzaydzIGJlbmNobWFyayE=\r\n"
                                  "Sec-WebSocket-Protocol: " LISTENER_LINK_SUBPROTOCOL "\r\n\r\n";
    char *end;

    if (SSL_write(agent->tls, request, sizeof(request) - 1) <= 0)
        die("cannot ask for a link");
    do {
        char piece[PIECE_SIZE];
        int n = SSL_read(agent->tls, piece, sizeof(piece));

        if (n <= 0)
            die("the server gave no answer");
        buffer_append(&agent->in, piece, (size_t)n);
        end = strstr(buffer_text(&agent->in), "\r\n\r\n");
    } while (!end);
    if (strncmp(agent->in.data, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "agents: the server refused: %.60s\n", agent->in.data);
        exit(1);
    }
    buffer_consume(&agent->in, (size_t)(end + 4 - agent->in.data));
}

static void shake_hands(struct crowd *crowd, struct fake_agent *agent)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(crowd->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    X509 *certificate = PEM_read_X509(crowd->certificates, NULL, NULL, NULL);
    int on = 1;

    agent->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        die("cannot connect");
    setsockopt(agent->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    agent->tls = SSL_new(crowd->context);
    if (!certificate || !agent->tls || SSL_use_certificate(agent->tls, certificate) != 1 ||
        SSL_set_fd(agent->tls, agent->fd) != 1 || SSL_connect(agent->tls) != 1)
        die("no TLS");
    X509_free(certificate);
    upgrade(agent);
}

/* What ordinary tasks require of a node, and as many attributes as one has. */
static void describe(struct crowd *crowd)
{
    static const char *const required[][2] = {
        {"Arch", "\"X86_64\""}, {"OpSys", "\"LINUX\""}, {"HasFileTransfer", "true"},
        {"Memory", "1000000"},  {"Disk", "1000000000"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(required); i++)
        if (attributes_set(&crowd->attributes, required[i][0], required[i][1], NULL) < 0)
            die("no attributes");
    for (int i = 0; i < ATTRIBUTES; i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;

        buffer_appendf(&name, "Attribute%02d", i);
        if (attributes_set_text(&crowd->attributes, name.data, "a text", NULL) < 0)
            die("no attributes");
    }
}

static void join(struct crowd *crowd)
{
    struct fake_agent *agent = &crowd->agents[crowd->count];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)crowd->count};
    struct wire_message hello = {.kind = WIRE_HELLO};

    shake_hands(crowd, agent);
    fcntl(agent->fd, F_SETFL, O_NONBLOCK);
    crowd->count++;
    epoll_ctl(crowd->poll, EPOLL_CTL_ADD, agent->fd, &event);
    hello.hello = (struct wire_hello){.protocol = WIRE_PROTOCOL,
                                      .version = (char *)DUSK_VERSION,
                                      .machine = crowd->count,
                                      .capacity = {.cpus = CPUS, .memory = memory, .disk = memory},
                                      .facts = (char *)"{\"arch\":\"X86_64\",\"os\":\"LINUX\"}",
                                      .attributes = crowd->attributes};
    send_message(agent, &hello);
    read_agent(agent);
}

static bool all_are_welcome(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->agents[i].session == 0)
            return false;
    return true;
}

static void grow(struct crowd *crowd, size_t count)
{
    while (crowd->count < count) {
        join(crowd);
        if (crowd->count % SERVE_EVERY == 0)
            serve(crowd, 0);
    }
    while (!all_are_welcome(crowd))
        serve(crowd, 10);
}

static void open_context(struct crowd *crowd, const char *folder)
{
    _cleanup_identity_paths_ struct identity_paths paths;

    identity_paths_init(&paths, folder);
    crowd->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(crowd->context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(crowd->context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_PrivateKey_file(crowd->context, paths.key, SSL_FILETYPE_PEM) != 1)
        die("cannot read the key");
}

/* ---- measuring ---- */

static uint64_t read_number(const char *path, const char *behind)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    const char *at;

    if (file_read(path, 1 << 20, &text, &err) < 0)
        die_of(&err);
    at = strstr(buffer_text(&text), behind);
    return at ? strtoull(at + strlen(behind), NULL, 10) : 0;
}

/* The job, from its submit to its last result; serves meanwhile. */
static void run_job(struct crowd *crowd, char *dusk, char *file)
{
    char *command[] = {dusk, (char *)"submit", (char *)"--wait", (char *)"--quiet", file, NULL};
    posix_spawn_file_actions_t actions;
    int status;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, dusk, &actions, NULL, command, environ) != 0)
        die("cannot submit");
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(pid, &status, WNOHANG) == 0)
        serve(crowd, 5);
    if (status != 0)
        die("the job failed");
}

static int run(char **arguments, int step_count)
{
    struct crowd crowd = {.poll = epoll_create1(EPOLL_CLOEXEC)};
    _cleanup_free_ char *list = file_join(arguments[0], "certificates.pem");
    char memory_path[64], time_path[64];
    uint64_t tasks = strtoull(arguments[5], NULL, 10);
    size_t most = strtoull(arguments[5 + step_count], NULL, 10);

    open_context(&crowd, arguments[0]);
    describe(&crowd);
    crowd.port = (uint16_t)strtoul(arguments[1], NULL, 10);
    crowd.certificates = fopen(list, "re");
    crowd.agents = memory_allocate(most * sizeof(*crowd.agents));
    if (!crowd.certificates)
        die(list);
    snprintf(memory_path, sizeof(memory_path), "/proc/%s/status", arguments[2]);
    snprintf(time_path, sizeof(time_path), "/proc/%s/schedstat", arguments[2]);
    for (int i = 0; i < step_count; i++) {
        size_t count = strtoull(arguments[6 + i], NULL, 10);
        size_t newcomers = count - crowd.count;
        uint64_t kilobytes, begun_us = clock_boot_us(), begun_ns = read_number(time_path, "");
        double connecting_s, connection_us, task_us;

        grow(&crowd, count);
        connecting_s = (double)(clock_boot_us() - begun_us) / 1e6;
        connection_us = (double)(read_number(time_path, "") - begun_ns) / 1e3 / (double)newcomers;
        beat(&crowd);
        kilobytes = read_number(memory_path, "VmRSS:");
        begun_ns = read_number(time_path, "");
        run_job(&crowd, arguments[3], arguments[4]);
        task_us = (double)(read_number(time_path, "") - begun_ns) / 1e3 / (double)tasks;
        printf("%zu %llu %.1f %.1f %.1f\n", count, (unsigned long long)kilobytes, task_us,
               connecting_s, connection_us);
        fflush(stdout);
    }
    return 0;
}

int main(int argument_count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    if (argument_count == 5 && strcmp(arguments[1], "prepare") == 0)
        return prepare(arguments[2], arguments[3], (uint32_t)strtoul(arguments[4], NULL, 10));
    if (argument_count >= 9 && strcmp(arguments[1], "run") == 0)
        return run(arguments + 2, argument_count - 8);
    fprintf(stderr, "usage: agents prepare STATE FOLDER COUNT\n"
                    "       agents run FOLDER PORT SERVER-PID DUSK SUBMIT-FILE TASKS STEP...\n");
    return 2;
}
