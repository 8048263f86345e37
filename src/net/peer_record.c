/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See peer_record.h. A name is believed only if OpenSSL verified the certificate in the handshake
 * (SSL_get_verify_result is also X509_V_OK without any certificate, so both are asked), and only
 * as long as it has not expired: connections live longer than handshakes.
 */
#define _GNU_SOURCE
#include "peer_record.h"

#include "openssl.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

/* Of the moment of connect(): who passes the socket on to another process is still himself. */
static void ask_kernel(struct peer_record *record, int fd)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    snprintf(record->address, sizeof(record->address), "socket");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return;
    record->peer.kind = PEER_SOCKET;
    record->peer.uid = credentials.uid;
    record->peer.pid = credentials.pid;
}

static void ask_certificate(struct peer_record *record, SSL *ssl)
{
    X509 *certificate = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
    struct certificate *described = &record->certificate;
    int64_t now = (int64_t)time(NULL);

    if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
        return;
    openssl_describe(certificate, described);
    if (described->kind == PEER_UNKNOWN || described->name[0] == '\0' ||
        now > described->valid_until)
        return;
    record->peer.kind = described->kind;
    record->peer.name = described->name;
    record->peer.serial = described->serial;
}

void peer_record_init(struct peer_record *record, struct lws *wsi, bool unix_socket)
{
    /* A stream of HTTP/2 is a wsi of its own, without a socket and without TLS. */
    struct lws *connection = lws_get_network_wsi(wsi);

    *record = (struct peer_record){.peer = {.kind = PEER_UNKNOWN, .name = "", .serial = ""}};
    record->peer.address = record->address;
    if (unix_socket) {
        ask_kernel(record, lws_get_socket_fd(connection));
        return;
    }
    lws_get_peer_simple(connection, record->address, sizeof(record->address));
    ask_certificate(record, lws_get_ssl(connection));
}

void peer_record_deinit(struct peer_record *record)
{
    certificate_deinit(&record->certificate);
}
