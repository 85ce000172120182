/*
 * floor: the least that a load client can do, for make bench to hold ours against
 *
 * epoll and recvmsg, HTTP/1.1 with keep-alive over C connections; it counts SSE events and ends of chunked bodies, and
 * looks at nothing else. One thread, no library of ours. A JSON line on stdout:
 * {"connections","events","requests","failed","seconds","events_per_s","requests_per_s","cpu_s"}
 *
 *     floor --port P [--host ADDRESS] [--connections C] [--requests N | --seconds S] [--tokens T] [--extra JSON]
 *
 * Each request asks for T tokens, streamed; --extra adds members to its body, such as '"mock":{"ttft_ms":50}'.
 * Requests are sent until N were, or S seconds are over (then what is in flight is left behind).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, READ = 256 << 10, TAIL = 5 };
static const char event_mark[] = "data: ", body_end[TAIL + 1] = "0\r\n\r\n";

struct connection {
    int fd;
    size_t matched;  // of event_mark, at the end of the last read
    char tail[TAIL]; // the last bytes read
};

static struct {
    const char *host, *extra;
    long port, connections, requests, tokens;
    double seconds;
} opt = {.host = "127.0.0.1", .extra = "", .connections = 64, .requests = -1, .tokens = 1, .seconds = 5};

static struct {
    int epoll;
    struct sockaddr_in address;
    char request[4096], read[READ];
    size_t request_len;
    long sent, done, failed;
    uint64_t events;
} run;

static void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(3);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
}

static void send_request(struct connection *connection)
{
    if (opt.requests >= 0 && run.sent >= opt.requests)
        return;
    if (send(connection->fd, run.request, run.request_len, MSG_NOSIGNAL) != (ssize_t)run.request_len)
        fail("send");
    run.sent++;
}

static void connect_one(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    *connection = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&run.address, sizeof run.address) < 0)
        fail("connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        fail("epoll_ctl");
}

/* Counts the marks in the bytes, one that began in the read before too. */
static void count_events(struct connection *connection, const char *bytes, size_t len)
{
    enum { MARK = sizeof event_mark - 1 };
    size_t matched = connection->matched, need = MARK - matched;
    if (matched > 0 && len >= need && memcmp(bytes, event_mark + matched, need) == 0)
        run.events++;
    const char *at = bytes, *end = bytes + len, *found;
    while ((found = memmem(at, (size_t)(end - at), event_mark, MARK))) {
        run.events++;
        at = found + MARK;
    }
    size_t left = (size_t)(end - at);
    for (matched = left < MARK - 1 ? left : MARK - 1; matched > 0 && memcmp(end - matched, event_mark, matched) != 0;)
        matched--;
    connection->matched = matched;
}

static bool body_ended(struct connection *connection, const char *bytes, size_t len)
{
    if (len >= TAIL) {
        memcpy(connection->tail, bytes + len - TAIL, TAIL);
    } else {
        memmove(connection->tail, connection->tail + len, TAIL - len);
        memcpy(connection->tail + TAIL - len, bytes, len);
    }
    return memcmp(connection->tail, body_end, TAIL) == 0;
}

static void read_some(struct connection *connection)
{
    struct iovec iov = {run.read, sizeof run.read};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t got = recvmsg(connection->fd, &message, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        run.failed++;
        close(connection->fd);
        connect_one(connection);
        send_request(connection);
        return;
    }
    count_events(connection, run.read, (size_t)got);
    if (body_ended(connection, run.read, (size_t)got)) {
        run.done++;
        send_request(connection);
    }
}

static void prepare(void)
{
    char body[3000];
    int len = snprintf(body, sizeof body,
                       "{\"model\":\"mock\",\"messages\":[{\"role\":\"user\",\"content\":\"Say something.\"}],"
                       "\"max_tokens\":%ld,\"stream\":true%s%s}",
                       opt.tokens, opt.extra[0] ? "," : "", opt.extra);
    int all = snprintf(run.request, sizeof run.request,
                       "POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Type: application/json\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       len, body);
    if (len >= (int)sizeof body || all >= (int)sizeof run.request) {
        errno = E2BIG;
        fail("--extra");
    }
    run.request_len = (size_t)all;
    run.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    if (inet_pton(AF_INET, opt.host, &run.address.sin_addr) != 1) {
        errno = EINVAL;
        fail(opt.host);
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run.epoll < 0)
        fail("epoll");
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {{"host", 1, NULL, 'h'},     {"port", 1, NULL, 'p'},    {"connections", 1, NULL, 'c'},
                                          {"requests", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'}, {"tokens", 1, NULL, 't'},
                                          {"extra", 1, NULL, 'x'},    {NULL, 0, NULL, 0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
        switch (letter) {
        case 'h':
            opt.host = optarg;
            break;
        case 'p':
            opt.port = strtol(optarg, NULL, 10);
            break;
        case 'c':
            opt.connections = strtol(optarg, NULL, 10);
            break;
        case 'n':
            opt.requests = strtol(optarg, NULL, 10);
            break;
        case 's':
            opt.seconds = strtod(optarg, NULL);
            break;
        case 't':
            opt.tokens = strtol(optarg, NULL, 10);
            break;
        case 'x':
            opt.extra = optarg;
            break;
        default:
            exit(2);
        }
    if (opt.port < 1 || opt.port > 65535 || opt.connections < 1 || opt.connections > 60000 || opt.tokens < 1) {
        fprintf(stderr,
                "usage: floor --port P [--host ADDRESS] [--connections C] [--requests N | --seconds S] [--tokens T] [--extra JSON]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    prepare();
    struct connection *connections = calloc((size_t)opt.connections, sizeof *connections);
    if (!connections)
        fail("calloc");
    for (long i = 0; i < opt.connections; i++)
        connect_one(&connections[i]);
    double start_s = now_s(), before_cpu_s = cpu_s(), end_s = start_s + opt.seconds;
    for (long i = 0; i < opt.connections; i++)
        send_request(&connections[i]);
    while (opt.requests >= 0 ? run.done < opt.requests : now_s() < end_s) {
        struct epoll_event events[EVENTS];
        int got = epoll_wait(run.epoll, events, EVENTS, opt.requests >= 0 ? -1 : 10);
        if (got < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < got; i++)
            read_some(events[i].data.ptr);
    }
    double seconds = now_s() - start_s;
    printf("{\"connections\":%ld,\"events\":%llu,\"requests\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"events_per_s\":%.0f,\"requests_per_"
           "s\":%.0f,"
           "\"cpu_s\":%.3f}\n",
           opt.connections, (unsigned long long)run.events, run.done, run.failed, seconds, (double)run.events / seconds,
           (double)run.done / seconds, cpu_s() - before_cpu_s);
    free(connections);
    return fflush(stdout) == 0 ? 0 : 3;
}
