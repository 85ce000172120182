/* net/dial.c: see dial.h */
#include "net/dial.h"

#include "base/clock.h"
#include "base/num.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 256 << 10, SPARE_MAX = 64 };
static const int64_t longest_ns = 300 * NS_PER_S; // to connect, where no limit is given

/* A socket that libcurl is waiting for. */
struct curl_watch {
    struct loop_watch watch;
    struct dialer *dialer;
};

struct dialer {
    struct loop *loop;
    struct dialer_options options;
    CURLM *multi;
    struct loop_timer timer;
    CURL *spare[SPARE_MAX]; // handles of plain connections that were adopted, to be used again
    int spare_count;
    struct sockaddr_storage peer; // where libcurl's last plain connection went
    socklen_t peer_len;           // 0: not known
};

static void act(struct dialer *dialer, curl_socket_t fd, int bits);

static void on_socket_ready(struct loop_watch *watch, int what)
{
    struct curl_watch *self = (struct curl_watch *)((char *)watch - offsetof(struct curl_watch, watch));
    act(self->dialer, watch->fd,
        (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
            (what & LOOP_HANGUP ? CURL_CSELECT_ERR : 0));
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int action, void *user, void *own)
{
    struct dialer *dialer = user;
    struct curl_watch *self = own;
    struct err err;
    (void)easy;
    if (action == CURL_POLL_REMOVE) {
        if (self)
            loop_unwatch(dialer->loop, &self->watch);
        free(self);
        curl_multi_assign(dialer->multi, fd, NULL);
        return 0;
    }
    int what = (action & CURL_POLL_IN ? LOOP_READ : 0) | (action & CURL_POLL_OUT ? LOOP_WRITE : 0);
    if (self)
        return loop_ask(dialer->loop, &self->watch, what, &err);
    self = calloc(1, sizeof *self);
    if (!self)
        return -1; // libcurl fails the transfer
    self->dialer = dialer;
    self->watch.ready = on_socket_ready;
    if (loop_watch(dialer->loop, &self->watch, fd, what, &err) < 0) {
        free(self);
        return -1;
    }
    curl_multi_assign(dialer->multi, fd, self);
    return 0;
}

static int on_curl_timer(CURLM *multi, long wait_ms, void *user)
{
    struct dialer *dialer = user;
    (void)multi;
    if (wait_ms < 0)
        loop_timer_stop(dialer->loop, &dialer->timer);
    else
        loop_timer_set(dialer->loop, &dialer->timer, clock_ns() + wait_ms * NS_PER_MS);
    return 0;
}

static void on_timer(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    act((struct dialer *)((char *)timer - offsetof(struct dialer, timer)), CURL_SOCKET_TIMEOUT, 0);
}

static void widen(int fd)
{
    int size = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

/* libcurl closes what it opened, but not what is ours. */
static int on_curl_close(void *user, curl_socket_t fd)
{
    struct dial *dial = user;
    if (dial && dial->adopted && dial->fd == fd)
        return 0;
    return close(fd);
}

static int on_curl_sockopt(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)purpose;
    widen(fd);
    return CURL_SOCKOPT_OK;
}

struct dialer *dialer_new(struct loop *loop, const struct dialer_options *options, struct err *err)
{
    struct dialer *dialer = calloc(1, sizeof *dialer);
    if (!dialer) {
        err_nomem(err);
        return NULL;
    }
    *dialer = (struct dialer){.loop = loop, .options = *options, .timer = {.fire = on_timer}, .multi = curl_multi_init()};
    if (!dialer->multi) {
        free(dialer);
        err_nomem(err);
        return NULL;
    }
    curl_multi_setopt(dialer->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(dialer->multi, CURLMOPT_SOCKETDATA, dialer);
    curl_multi_setopt(dialer->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(dialer->multi, CURLMOPT_TIMERDATA, dialer);
    return dialer;
}

void dialer_free(struct dialer *dialer)
{
    if (!dialer)
        return;
    while (dialer->spare_count > 0)
        curl_easy_cleanup(dialer->spare[--dialer->spare_count]);
    curl_multi_cleanup(dialer->multi);
    loop_timer_stop(dialer->loop, &dialer->timer);
    free(dialer);
}

static int64_t limit_of(const struct dialer *dialer)
{
    return dialer->options.timeout_ns > 0 ? dialer->options.timeout_ns : longest_ns;
}

static CURL *take_easy(struct dialer *dialer)
{
    if (dialer->spare_count > 0)
        return dialer->spare[--dialer->spare_count];
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, dialer->options.origin) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK; // libcurl obeys http_proxy else
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(limit_of(dialer) / NS_PER_MS) * 2 + 1000); // ours comes first
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L); // it reads no body
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_curl_close);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_curl_sockopt);
    if (dialer->options.ca_file)
        ok = ok && curl_easy_setopt(easy, CURLOPT_CAINFO, dialer->options.ca_file) == CURLE_OK;
    if (dialer->options.insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (ok)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

static void give_easy_back(struct dial *dial)
{
    struct dialer *dialer = dial->dialer;
    CURL *easy = dial->easy;
    dial->easy = NULL;
    curl_multi_remove_handle(dialer->multi, easy); // this closes, unless the socket is ours
    if (dialer->spare_count < SPARE_MAX) {
        curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, NULL);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
        dialer->spare[dialer->spare_count++] = easy;
    } else
        curl_easy_cleanup(easy);
}

static enum dial_failure classify(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return DIAL_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return DIAL_TLS;
    default:
        return DIAL_CONNECT;
    }
}

static void explain(struct dial *dial, CURLcode code)
{
    char curl_says[sizeof dial->why];
    long os_error = 0;
    memcpy(curl_says, dial->why, sizeof curl_says);
    curl_easy_getinfo((CURL *)dial->easy, CURLINFO_OS_ERRNO, &os_error);
    dial->failed = classify(code);
    const char *why = curl_says[0] ? curl_says : curl_easy_strerror(code);
    if (dial->failed == DIAL_CONNECT && code == CURLE_COULDNT_CONNECT && os_error != 0)
        snprintf(dial->why, sizeof dial->why, "%s: %s", dial->dialer->options.origin, strerror((int)os_error));
    else
        snprintf(dial->why, sizeof dial->why, "%s: %.180s", dial->dialer->options.origin, why);
}

/* libcurl has made one connection, or tried in vain. */
static void settle(struct dial *dial, CURLcode code)
{
    struct dialer *dialer = dial->dialer;
    curl_socket_t fd = CURL_SOCKET_BAD;
    loop_timer_stop(dialer->loop, &dial->timer);
    if (code == CURLE_OK)
        curl_easy_getinfo((CURL *)dial->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
        explain(dial, code);
        give_easy_back(dial);
        return;
    }
    dial->fd = fd;
    stamp_enable(fd);
    if (dial->tls)
        return;
    dial->adopted = true;
    give_easy_back(dial);
    dialer->peer_len = sizeof dialer->peer;
    if (getpeername(fd, (struct sockaddr *)&dialer->peer, &dialer->peer_len) < 0)
        dialer->peer_len = 0;
}

static void act(struct dialer *dialer, curl_socket_t fd, int bits)
{
    int running, left;
    CURLMsg *message;
    curl_multi_socket_action(dialer->multi, fd, bits, &running);
    while ((message = curl_multi_info_read(dialer->multi, &left))) {
        struct dial *dial = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&dial);
        if (!dial)
            continue;
        settle(dial, code);
        dial->done(dial);
    }
}

static int dial_by_curl(struct dialer *dialer, struct dial *dial, struct err *err)
{
    dial->easy = take_easy(dialer);
    if (!dial->easy)
        return err_nomem(err);
    curl_easy_setopt((CURL *)dial->easy, CURLOPT_PRIVATE, dial);
    curl_easy_setopt((CURL *)dial->easy, CURLOPT_CLOSESOCKETDATA, dial);
    curl_easy_setopt((CURL *)dial->easy, CURLOPT_ERRORBUFFER, dial->why);
    CURLMcode code = curl_multi_add_handle(dialer->multi, dial->easy); // starts at the timer that this sets
    if (code == CURLM_OK)
        return 0;
    curl_easy_cleanup(dial->easy);
    dial->easy = NULL;
    return code == CURLM_OUT_OF_MEMORY ? err_nomem(err) : err_set(err, ERR_NET, "%s", curl_multi_strerror(code));
}

/* --- plain connections to an address that is known --- */

static void on_direct_ready(struct loop_watch *watch, int what)
{
    struct dial *dial = (struct dial *)((char *)watch - offsetof(struct dial, watch));
    struct dialer *dialer = dial->dialer;
    int error = 0;
    socklen_t size = sizeof error;
    (void)what;
    getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
        loop_timer_stop(dialer->loop, &dial->timer);
        loop_unwatch(dialer->loop, watch);
        dial->connecting = false;
        dial->adopted = true;
        dial->fd = watch->fd;
    } else {
        dial_close(dial);
        dialer->peer_len = 0; // the next asks libcurl: the name may have another address
        dial->failed = DIAL_CONNECT;
        snprintf(dial->why, sizeof dial->why, "%s: %s", dialer->options.origin, strerror(error));
    }
    dial->done(dial);
}

/* False: it cannot be begun, and libcurl is to say why. */
static bool dial_directly(struct dialer *dialer, struct dial *dial)
{
    const struct sockaddr *peer = (const struct sockaddr *)&dialer->peer;
    int fd = socket(peer->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct err err;
    if (fd < 0)
        return false;
    widen(fd);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    stamp_enable(fd);
    dial->watch = (struct loop_watch){.ready = on_direct_ready};
    if ((connect(fd, peer, dialer->peer_len) < 0 && errno != EINPROGRESS) ||
        loop_watch(dialer->loop, &dial->watch, fd, LOOP_WRITE, &err) < 0) {
        close(fd);
        return false;
    }
    dial->connecting = true;
    return true;
}

/* --- for both --- */

/* The limit is ours, not libcurl's: where libcurl finds no memory, it may forget a connection that it makes. */
static void on_late(struct loop_timer *timer, int64_t now_ns)
{
    struct dial *dial = (struct dial *)((char *)timer - offsetof(struct dial, timer));
    struct dialer *dialer = dial->dialer;
    (void)now_ns;
    dial_close(dial);
    dialer->peer_len = 0;
    dial->failed = DIAL_TIMEOUT;
    snprintf(dial->why, sizeof dial->why, "%s: no connection within %g s", dialer->options.origin,
             (double)limit_of(dialer) / NS_PER_S);
    dial->done(dial);
}

int dial_start(struct dialer *dialer, struct dial *dial, struct err *err)
{
    dial->dialer = dialer;
    dial->fd = -1;
    dial->adopted = dial->connecting = false;
    dial->peeked_ns = INT64_MIN;
    dial->tls = strncmp(dialer->options.origin, "https:", 6) == 0;
    dial->failed = DIAL_OK;
    dial->why[0] = '\0';
    dial->timer = (struct loop_timer){.fire = on_late};
    if (!(dialer->peer_len > 0 && dial_directly(dialer, dial)) && dial_by_curl(dialer, dial, err) < 0)
        return -1;
    loop_timer_set(dialer->loop, &dial->timer, clock_ns() + limit_of(dialer));
    return 0;
}

void dial_close(struct dial *dial)
{
    if (dial->easy)
        give_easy_back(dial);
    if (dial->connecting) {
        loop_unwatch(dial->dialer->loop, &dial->watch);
        close(dial->watch.fd);
    }
    if (dial->adopted)
        close(dial->fd);
    if (dial->dialer)
        loop_timer_stop(dial->dialer->loop, &dial->timer);
    dial->fd = -1;
    dial->adopted = dial->connecting = false;
}

static ssize_t send_tls(struct dial *dial, const struct iovec *parts, int count)
{
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        size_t sent = 0;
        if (parts[i].iov_len == 0)
            continue;
        CURLcode code = curl_easy_send((CURL *)dial->easy, parts[i].iov_base, parts[i].iov_len, &sent);
        if (code != CURLE_OK && all == 0) {
            errno = code == CURLE_AGAIN ? EAGAIN : EPIPE;
            return -1;
        }
        all += (ssize_t)sent;
        if (code != CURLE_OK || sent < parts[i].iov_len)
            break;
    }
    return all;
}

ssize_t dial_send(struct dial *dial, const struct iovec *parts, int count)
{
    if (dial->tls)
        return send_tls(dial, parts, count);
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    return sendmsg(dial->fd, &message, MSG_NOSIGNAL);
}

ssize_t dial_recv(struct dial *dial, const struct stamp_clock *clock, void *bytes, size_t size, int64_t *arrived_ns, int64_t *read_ns,
                  enum dial_stamp *stamped)
{
    if (!dial->tls) {
        ssize_t got = stamp_recv(clock, dial->fd, bytes, size, 0, arrived_ns, read_ns);
        *stamped = *arrived_ns != INT64_MIN ? DIAL_STAMP_KERNEL : DIAL_STAMP_READ;
        return got;
    }
    // The stamp of what is queued, as far as it can be read now: nothing is copied or taken.
    stamp_recv(clock, dial->fd, bytes, size, MSG_PEEK | MSG_TRUNC, arrived_ns, read_ns);
    if (*arrived_ns == INT64_MIN) // what the library holds already came with what was peeked at before
        *arrived_ns = dial->peeked_ns;
    dial->peeked_ns = *arrived_ns;
    *stamped = *arrived_ns != INT64_MIN ? DIAL_STAMP_TLS : DIAL_STAMP_READ;
    size_t got = 0;
    CURLcode code = curl_easy_recv((CURL *)dial->easy, bytes, size, &got);
    *read_ns = clock_ns();
    if (code == CURLE_OK)
        return (ssize_t)got;
    dial->peeked_ns = INT64_MIN; // it holds nothing now
    errno = code == CURLE_AGAIN ? EAGAIN : ECONNRESET;
    return -1;
}
