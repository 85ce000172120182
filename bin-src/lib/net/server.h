/*
 * net/server.h: an HTTP/1.1 server on a loop, whose answers go straight to the socket
 *
 *     struct server *server = server_new(loop, &(struct server_options){.host = "127.0.0.1", .port = 8000, .request = on_request,
 *                                        .gone = on_gone, .context = this}, &err);
 *     static void on_request(struct server_conn *conn, const struct http *head, struct str body, void *context)
 *     {
 *         server_write(conn, answer, len);
 *         server_done(conn, SERVER_KEEP);
 *     }
 *
 * The caller gets whole requests and writes whole answers, status line and all: server_write is one send(2), at once,
 * and only what the socket did not take is held back, to follow as it drains. A connection carries one request at a
 * time; what a client sends ahead waits for server_done. A client that closes, be it only its sending side, is gone:
 * it is noticed before an answer starts and while one streams.
 *
 * Requests that are no HTTP, or too large, are answered here (400, 413) and the connection is closed. Where the file
 * limit is reached, accepting pauses until a connection closes or a tenth of a second is over. No SIGPIPE comes of
 * any of it. One thread at a time.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/http.h"
#include "net/loop.h"

#define SERVER_PADDING 64 // bytes behind a body that are readable

struct server;
struct server_conn;

struct server_options {
    const char *host; // a name or an address (IPv6: with brackets or without); NULL: every address of this machine
    int port;         // 0: any that is free (server_port)
    size_t max_body;  // bytes; 0: 64 MiB
    /* A request. head and body live until the answer is over. */
    void (*request)(struct server_conn *conn, const struct http *head, struct str body, void *context);
    /* The client left before server_done; the connection is no more when this returns. */
    void (*gone)(struct server_conn *conn, void *context);
    /* May be NULL. So many bytes of this answer are with the kernel, the last by a send(2) before which the clock said
     * at_ns. Called for each, from within server_write or later; may not end the answer. */
    void (*wrote)(struct server_conn *conn, uint64_t sent, int64_t at_ns, void *context);
    void *context;
};

struct server *server_new(struct loop *loop, const struct server_options *options, struct err *err); // listens when it returns
void server_free(struct server *server); // closes all connections, and tells nobody; NULL is fine
int server_port(const struct server *server);

/* -1: the client is gone, or there is no memory to hold what did not fit; options.gone will say so in a later turn. */
int server_write(struct server_conn *conn, const void *bytes, size_t len);
size_t server_held(const struct server_conn *conn); // bytes that the socket has not taken yet

enum server_end {
    SERVER_KEEP,  // the next request may come, unless the head of this one said otherwise (head->keep_alive)
    SERVER_CLOSE, // closes when all is written
    SERVER_RESET, // closes at once, and hard: the client sees a reset
};
/* The answer is over, and conn is not for the caller until its next request. */
void server_done(struct server_conn *conn, enum server_end end);

/* What the caller keeps with a connection; NULL at first. */
void server_set_data(struct server_conn *conn, void *data);
void *server_data(const struct server_conn *conn);
int server_peer_port(const struct server_conn *conn);
uint64_t server_requests(const struct server_conn *conn); // that came on this connection, this one counted

#endif
