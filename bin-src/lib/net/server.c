/* net/server.c: see server.h */
#include "net/server.h"

#include "base/clock.h"
#include "base/num.h"

#include <errno.h>
#include <netdb.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_MAX = 256 << 10,  // bytes a recv(2)
    AHEAD_MAX = 64 << 10,  // bytes kept of requests that came too early
    KEPT_MAX = 64 << 10,   // a buffer larger than this is not kept for the next request
    ACCEPTS = 64,          // connections accepted a turn
    BACKLOG = 8192,
};
#define PAUSE_NS (100 * NS_PER_MS) // of accepting, at the file limit
#define LINGER_NS (2 * NS_PER_S)   // for a client to stop sending what nobody reads

struct server {
    struct server_options options;
    struct loop *loop;
    struct loop_watch listener;
    struct loop_timer pause;
    int port;
    struct server_conn *conns;
    char read[READ_MAX];
};

struct server_conn {
    struct loop_watch watch; // first: a watch is its connection
    struct loop_timer timer; // to go on with what is in ahead, or to give up lingering
    struct server *server;
    struct server_conn *next, *prev;
    struct http http;
    struct buf body, ahead; // ahead came after the request that is being answered
    struct buf held;
    size_t held_at;
    uint64_t sent, requests;
    void *data;
    int peer_port;
    enum { READING, ANSWERING, ENDING, LINGERING } state;
    bool continued; // 100 Continue was sent
    bool closes;    // when the answer is written
    bool broken;    // no more can be written
    bool busy;      // one of its own callbacks runs and frees it if it is dead
    bool dead;
};

/* --- closing --- */

static void conn_free(struct server_conn *conn)
{
    http_release(&conn->http);
    buf_release(&conn->body);
    buf_release(&conn->ahead);
    buf_release(&conn->held);
    free(conn);
}

static void accept_again(struct server *server)
{
    struct err err;
    loop_timer_stop(server->loop, &server->pause);
    loop_ask(server->loop, &server->listener, LOOP_READ, &err);
}

static void conn_close(struct server_conn *conn)
{
    struct server *server = conn->server;
    loop_unwatch(server->loop, &conn->watch);
    loop_timer_stop(server->loop, &conn->timer);
    close(conn->watch.fd);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    if (server->pause.set)
        accept_again(server);
    conn->dead = true;
    if (!conn->busy)
        conn_free(conn);
}

/* The client left, or can be told no more. */
static void conn_lost(struct server_conn *conn)
{
    if (conn->state == ANSWERING)
        conn->server->options.gone(conn, conn->server->options.context);
    conn_close(conn);
}

/* A close while the client still sends would be a reset, and would take the answer with it. */
static void linger(struct server_conn *conn)
{
    shutdown(conn->watch.fd, SHUT_WR);
    conn->state = LINGERING;
    struct err err;
    loop_ask(conn->server->loop, &conn->watch, LOOP_READ, &err);
    loop_timer_set(conn->server->loop, &conn->timer, clock_ns() + LINGER_NS);
}

/* --- writing --- */

static void keep_small(struct buf *buf)
{
    if (buf->cap > KEPT_MAX)
        buf_release(buf);
    else
        buf_clear(buf);
}

/* All of the answer is written. */
static void answer_over(struct server_conn *conn)
{
    if (conn->closes) {
        if (conn->ahead.len > 0 || conn->http.state != HTTP_OVER)
            linger(conn);
        else
            conn_close(conn);
        return;
    }
    http_reset(&conn->http);
    keep_small(&conn->body);
    conn->state = READING;
    conn->continued = false;
    conn->sent = 0;
    struct err err;
    loop_ask(conn->server->loop, &conn->watch, LOOP_READ, &err);
    if (conn->ahead.len > 0) // in a turn of its own: the caller is not called within server_done
        loop_timer_set(conn->server->loop, &conn->timer, clock_ns());
}

/* Nothing more can be written: the loop will report the socket, and conn_lost comes from there. */
static int conn_break(struct server_conn *conn)
{
    conn->broken = true;
    shutdown(conn->watch.fd, SHUT_RDWR);
    return -1;
}

/* One send(2). The bytes that went, or -1. */
static ssize_t send_some(struct server_conn *conn, const char *bytes, size_t len, int64_t *at_ns)
{
    ssize_t sent;
    do {
        *at_ns = clock_ns();
        sent = send(conn->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return 0;
    if (sent < 0)
        return conn_break(conn);
    conn->sent += (uint64_t)sent;
    return sent;
}

static void tell_wrote(struct server_conn *conn, int64_t at_ns)
{
    const struct server_options *options = &conn->server->options;
    if (options->wrote && conn->state == ANSWERING)
        options->wrote(conn, conn->sent, at_ns, options->context);
}

int server_write(struct server_conn *conn, const void *bytes, size_t len)
{
    ssize_t sent = 0;
    int64_t at_ns = 0;
    struct err err;
    if (conn->broken)
        return -1;
    if (server_held(conn) == 0) {
        sent = send_some(conn, bytes, len, &at_ns);
        if (sent < 0)
            return -1;
    }
    if ((size_t)sent < len) {
        buf_add(&conn->held, (const char *)bytes + sent, len - (size_t)sent);
        int what = (conn->watch.asked & LOOP_READ) | LOOP_WRITE;
        if (conn->held.failed || loop_ask(conn->server->loop, &conn->watch, what, &err) < 0)
            return conn_break(conn);
    }
    if (sent > 0)
        tell_wrote(conn, at_ns);
    return 0;
}

static void write_held(struct server_conn *conn)
{
    int64_t at_ns;
    struct err err;
    ssize_t sent = send_some(conn, conn->held.ptr + conn->held_at, server_held(conn), &at_ns);
    if (sent <= 0)
        return;
    conn->held_at += (size_t)sent;
    if (server_held(conn) == 0) {
        conn->held_at = 0;
        keep_small(&conn->held);
        loop_ask(conn->server->loop, &conn->watch, conn->watch.asked & LOOP_READ, &err);
    } else if (conn->held_at > conn->held.len / 2) { // so a body that never ends is held in bounded memory
        memmove(conn->held.ptr, conn->held.ptr + conn->held_at, server_held(conn));
        conn->held.len -= conn->held_at;
        conn->held_at = 0;
    }
    tell_wrote(conn, at_ns);
    if (!conn->dead && conn->state == ENDING && server_held(conn) == 0)
        answer_over(conn);
}

size_t server_held(const struct server_conn *conn)
{
    return conn->held.len - conn->held_at;
}

void server_done(struct server_conn *conn, enum server_end end)
{
    if (end == SERVER_RESET) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->watch.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        conn_close(conn);
        return;
    }
    conn->closes = end == SERVER_CLOSE || !conn->http.keep_alive;
    conn->state = ENDING;
    if (server_held(conn) == 0 && !conn->broken)
        answer_over(conn);
}

/* --- reading --- */

/* Answers in place of the caller, and closes. */
static void refuse(struct server_conn *conn, const char *status, const char *why)
{
    struct buf answer = {0};
    buf_addf(&answer, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n", status,
             strlen(why) + 1, why);
    conn->state = ENDING;
    if (!answer.failed)
        server_write(conn, answer.ptr, answer.len);
    buf_release(&answer);
    server_done(conn, SERVER_CLOSE);
}

static void refuse_large(struct server_conn *conn)
{
    refuse(conn, "413 Content Too Large", "the request's body is too large");
}

static bool head_is_fine(struct server_conn *conn, size_t input_left)
{
    struct str expect;
    if (conn->http.has_length && (uint64_t)conn->http.length > conn->server->options.max_body) {
        refuse_large(conn);
        return false;
    }
    if (input_left == 0 && !conn->continued && http_header(&conn->http, "expect", &expect) && str_is_nocase(expect, "100-continue")) {
        conn->continued = true;
        server_write(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        conn->sent = 0;
    }
    return true;
}

static bool add_body(struct server_conn *conn, struct str piece)
{
    if (conn->body.len + piece.len > conn->server->options.max_body) {
        refuse_large(conn);
        return false;
    }
    buf_add_str(&conn->body, piece);
    if (conn->body.failed)
        refuse(conn, "503 Service Unavailable", "out of memory");
    return !conn->body.failed;
}

static void give_request(struct server_conn *conn)
{
    if (!buf_reserve(&conn->body, SERVER_PADDING)) {
        refuse(conn, "503 Service Unavailable", "out of memory");
        return;
    }
    memset(conn->body.ptr + conn->body.len, 0, SERVER_PADDING);
    conn->state = ANSWERING;
    conn->requests++;
    conn->server->options.request(conn, &conn->http, buf_str(&conn->body), conn->server->options.context);
}

/* Takes requests out of the input, each as the one before is answered. */
static void take(struct server_conn *conn, struct str *input)
{
    struct err err;
    struct str piece;
    while (!conn->dead && conn->state == READING)
        switch (http_next(&conn->http, input, &piece, &err)) {
        case HTTP_MORE:
            return;
        case HTTP_HEAD:
            if (!head_is_fine(conn, input->len))
                return;
            break;
        case HTTP_BODY:
            if (!add_body(conn, piece))
                return;
            break;
        case HTTP_DONE:
            give_request(conn);
            break;
        case HTTP_BAD:
            refuse(conn, err.kind == ERR_NOMEM ? "503 Service Unavailable" : "400 Bad Request", err.msg);
            return;
        }
}

static void keep_ahead(struct server_conn *conn, struct str input)
{
    struct err err;
    buf_add_str(&conn->ahead, input);
    if (conn->ahead.failed)
        conn_break(conn);
    else if (conn->ahead.len >= AHEAD_MAX)
        loop_ask(conn->server->loop, &conn->watch, conn->watch.asked & LOOP_WRITE, &err);
}

/* What waits goes on before what comes. */
static void take_ahead(struct server_conn *conn)
{
    struct str input = buf_str(&conn->ahead);
    take(conn, &input);
    if (conn->dead)
        return;
    if (input.len == 0) {
        keep_small(&conn->ahead);
        return;
    }
    memmove(conn->ahead.ptr, input.ptr, input.len);
    conn->ahead.len = input.len;
}

static void read_some(struct server_conn *conn)
{
    struct server *server = conn->server;
    ssize_t got = recv(conn->watch.fd, server->read, sizeof server->read, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        conn_lost(conn);
        return;
    }
    if (conn->state == LINGERING)
        return;
    struct str input = {server->read, (size_t)got};
    if (conn->state == READING && conn->ahead.len == 0)
        take(conn, &input);
    if (!conn->dead && input.len > 0 && conn->state != LINGERING)
        keep_ahead(conn, input);
}

static void leave(struct server_conn *conn)
{
    conn->busy = false;
    if (conn->dead)
        conn_free(conn);
}

static void on_ready(struct loop_watch *watch, int what)
{
    struct server_conn *conn = (struct server_conn *)watch;
    conn->busy = true;
    if (what & LOOP_WRITE && server_held(conn) > 0 && !conn->broken)
        write_held(conn);
    if (!conn->dead && what & LOOP_READ && conn->watch.asked & LOOP_READ)
        read_some(conn);
    if (!conn->dead && (what & LOOP_HANGUP || conn->broken))
        conn_lost(conn);
    leave(conn);
}

static void on_timer(struct loop_timer *timer, int64_t now_ns)
{
    struct server_conn *conn = (struct server_conn *)((char *)timer - offsetof(struct server_conn, timer));
    (void)now_ns;
    conn->busy = true;
    if (conn->state == LINGERING)
        conn_close(conn);
    else if (conn->state == READING)
        take_ahead(conn);
    leave(conn);
}

/* --- accepting --- */

static int port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

static int add_conn(struct server *server, int fd, const struct sockaddr_storage *address, struct err *err)
{
    struct server_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return err_nomem(err);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    http_init(&conn->http, HTTP_REQUEST);
    conn->server = server;
    conn->peer_port = port_of(address);
    conn->watch.ready = on_ready;
    conn->timer.fire = on_timer;
    if (loop_watch(server->loop, &conn->watch, fd, LOOP_READ, err) < 0) {
        conn_free(conn);
        return -1;
    }
    conn->next = server->conns;
    if (conn->next)
        conn->next->prev = conn;
    server->conns = conn;
    return 0;
}

static void pause_accepting(struct server *server)
{
    struct err err;
    loop_ask(server->loop, &server->listener, 0, &err);
    loop_timer_set(server->loop, &server->pause, clock_ns() + PAUSE_NS);
}

static void on_pause_over(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    accept_again((struct server *)((char *)timer - offsetof(struct server, pause)));
}

static void on_connection(struct loop_watch *watch, int what)
{
    struct server *server = (struct server *)((char *)watch - offsetof(struct server, listener));
    struct err err;
    (void)what;
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd = accept4(watch->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (add_conn(server, fd, &address, &err) == 0)
                continue;
            close(fd);
        }
        if (fd >= 0 || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(server);
            return;
        }
        if (errno == EAGAIN)
            return; // any other error is of that one connection, which left again
    }
}

static int bind_one(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (at->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* The first of the host's addresses that can be bound; of all addresses, IPv6's, which take IPv4's in. */
static int listen_at(const char *host, int port, struct err *err)
{
    struct addrinfo hints = {.ai_family = host ? AF_UNSPEC : AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char service[8], bare[INET6_ADDRSTRLEN + IF_NAMESIZE]; // ::1 of [::1], as a URL has it
    int fd = -1;
    size_t len = host ? strlen(host) : 0;
    if (len > 2 && len - 2 < sizeof bare && host[0] == '[' && host[len - 1] == ']') {
        memcpy(bare, host + 1, len - 2);
        bare[len - 2] = '\0';
        host = bare;
    }
    snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_NET, "%s: %s", host ? host : "::", gai_strerror(rc));
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = bind_one(at);
    int why = errno;
    freeaddrinfo(found);
    if (fd < 0 && !host && why == EAFNOSUPPORT)
        return listen_at("0.0.0.0", port, err);
    errno = why;
    return fd < 0 ? err_errno(err, "%s port %d", host ? host : "::", port) : fd;
}

struct server *server_new(struct loop *loop, const struct server_options *options, struct err *err)
{
    struct server *server = calloc(1, sizeof *server);
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (!server) {
        err_nomem(err);
        return NULL;
    }
    server->options = *options;
    if (server->options.max_body == 0)
        server->options.max_body = 64 << 20;
    server->loop = loop;
    server->listener.ready = on_connection;
    server->pause.fire = on_pause_over;
    int fd = listen_at(options->host, options->port, err);
    if (fd < 0 || loop_watch(loop, &server->listener, fd, LOOP_READ, err) < 0) {
        if (fd >= 0)
            close(fd);
        free(server);
        return NULL;
    }
    getsockname(fd, (struct sockaddr *)&address, &len);
    server->port = port_of(&address);
    return server;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    loop_timer_stop(server->loop, &server->pause);
    while (server->conns)
        conn_close(server->conns);
    loop_unwatch(server->loop, &server->listener);
    close(server->listener.fd);
    free(server);
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_set_data(struct server_conn *conn, void *data)
{
    conn->data = data;
}

void *server_data(const struct server_conn *conn)
{
    return conn->data;
}

int server_peer_port(const struct server_conn *conn)
{
    return conn->peer_port;
}

uint64_t server_requests(const struct server_conn *conn)
{
    return conn->requests;
}
