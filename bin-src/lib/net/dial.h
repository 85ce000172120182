/*
 * net/dial.h: connections, made by libcurl and read by us
 *
 *     struct dialer *dialer = dialer_new(loop, &options, &err);
 *     dial.done = on_done;
 *     dial_start(dialer, &dial, &err);     // later: on_done(&dial), with dial.fd, or dial.failed and dial.why
 *     ...
 *     dial_send, dial_recv
 *     dial_close(&dial);
 *
 * libcurl resolves names, tries addresses, connects and does TLS. A plain socket is ours from then on: bytes and their
 * stamp come in one recvmsg. libcurl would read inside its send and timer calls, before any stamp can be asked for. A
 * TLS one is read through libcurl, and its stamp is peeked at just before. Sockets have no Nagle delay, a receive
 * buffer of 256 KiB, and stamps.
 *
 * A handle of libcurl costs some 100 us a connection. So, where libcurl has made a plain connection, the next ones go to
 * the same address by connect(2), until one fails: then libcurl is asked again.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/stamp.h"

#include <sys/uio.h>

struct dialer_options {
    const char *origin; // "https://host:8443"; as long as the dialer
    int64_t timeout_ns; // of a connection, TLS included; 0: five minutes
    const char *ca_file; // certificates to trust; NULL: the system's
    bool insecure;       // any certificate will do
};

enum dial_failure { DIAL_OK, DIAL_CONNECT, DIAL_TLS, DIAL_TIMEOUT };

struct dial {
    void (*done)(struct dial *dial);
    int fd; // -1: not connected
    enum dial_failure failed;
    char why[256];
    struct dialer *dialer;
    void *easy; // libcurl's
    bool adopted, tls, connecting; // the last: by connect(2), with the two that follow
    struct loop_watch watch;
    struct loop_timer timer;
    int64_t peeked_ns; // TLS: arrival of what was last seen in the socket; INT64_MIN: all of it was handed on
};

struct dialer;
/* curl_global_init comes before, by the program, while it has one thread. */
struct dialer *dialer_new(struct loop *loop, const struct dialer_options *options, struct err *err);
void dialer_free(struct dialer *dialer); // all dials are closed before; NULL is fine

/* Begins to connect. done is called from a later turn of the loop. */
int dial_start(struct dialer *dialer, struct dial *dial, struct err *err);
/* Closes, or stops connecting. Done already: nothing. */
void dial_close(struct dial *dial);

/* As send(2) and recv(2) of a non-blocking socket: -1 with errno EAGAIN, 0 at the end. stamped tells whose time it is. */
ssize_t dial_send(struct dial *dial, const struct iovec *parts, int count);
enum dial_stamp { DIAL_STAMP_KERNEL, DIAL_STAMP_TLS, DIAL_STAMP_READ };
ssize_t dial_recv(struct dial *dial, const struct stamp_clock *clock, void *bytes, size_t size, int64_t *arrived_ns, int64_t *read_ns,
                  enum dial_stamp *stamped);

#endif
