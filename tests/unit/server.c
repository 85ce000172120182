/* net/server: whole requests in, answers straight out, and what clients do in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/num.h"
#include "net/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    struct loop *loop;
    struct server *server;
    struct server_conn *last; // that gave a request
    struct buf seen;          // "METHOD TARGET BODY|" of each
    int requests, gone, wrote;
    uint64_t sent;
    int64_t at_ns;
    enum { ANSWER_AT_ONCE, ANSWER_LATER } answers;
} test;

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void on_request(struct server_conn *conn, const struct http *head, struct str body, void *context)
{
    assert_ptr_equal(context, &test);
    test.requests++;
    test.last = conn;
    for (size_t i = 0; i < SERVER_PADDING; i++)
        assert_int_equal(body.ptr[body.len + i], 0);
    buf_addf(&test.seen, "%.*s %.*s %.*s|", STR_ARG(head->method), STR_ARG(head->target), STR_ARG(body));
    if (test.answers == ANSWER_LATER)
        return;
    server_write(conn, ok, sizeof ok - 1);
    server_done(conn, SERVER_KEEP);
}

static void on_gone(struct server_conn *conn, void *context)
{
    (void)context;
    assert_ptr_equal(conn, test.last);
    test.gone++;
}

static void on_wrote(struct server_conn *conn, uint64_t sent, int64_t at_ns, void *context)
{
    (void)conn;
    (void)context;
    assert_true(sent > test.sent && at_ns >= test.at_ns);
    test.wrote++;
    test.sent = sent;
    test.at_ns = at_ns;
}

static int begin(void **state)
{
    struct err err;
    (void)state;
    memset(&test, 0, sizeof test);
    test.loop = loop_new(&err);
    test.server = server_new(test.loop,
                             &(struct server_options){.host = "127.0.0.1", .max_body = 1000, .request = on_request, .gone = on_gone,
                                                      .wrote = on_wrote, .context = &test},
                             &err);
    return test.server ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    server_free(test.server);
    loop_free(test.loop);
    buf_release(&test.seen);
    return 0;
}

static void ignore(struct loop_timer *timer, int64_t now_ns)
{
    (void)timer;
    (void)now_ns;
}

/* Turns of the loop, each of which ends soon though nothing happens. */
static void turn(int turns)
{
    struct err err;
    while (turns-- > 0) {
        struct loop_timer soon = {.fire = ignore};
        loop_timer_set(test.loop, &soon, clock_ns() + NS_PER_MS);
        assert_int_equal(loop_turn(test.loop, &err), 0);
        loop_timer_stop(test.loop, &soon);
    }
}

static int client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((uint16_t)server_port(test.server));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

enum { OPEN = -1, CLOSED = 0, WAS_RESET = 1 };

/* Adds what comes to got until it has so many bytes or the connection ends; turns the loop in between. */
static int hear(int fd, struct buf *got, size_t want)
{
    for (int tries = 0; tries < 5000; tries++) {
        char bytes[65536];
        ssize_t len = recv(fd, bytes, sizeof bytes, 0);
        if (len > 0)
            buf_add(got, bytes, (size_t)len);
        else if (len == 0 || errno != EAGAIN)
            return len == 0 ? CLOSED : WAS_RESET;
        if (got->len >= want)
            return OPEN;
        turn(1);
    }
    fail_msg("%zu bytes came, not %zu", got->len, want);
    return OPEN;
}

static void assert_hears(int fd, const char *text)
{
    struct buf got = {0};
    hear(fd, &got, strlen(text));
    assert_true(str_is(buf_str(&got), text));
    buf_release(&got);
}

static void until(const int *counter, int value)
{
    for (int tries = 0; tries < 5000 && *counter < value; tries++)
        turn(1);
    assert_int_equal(*counter, value);
}

static void assert_seen(const char *text)
{
    assert_true(str_is(buf_str(&test.seen), text));
}

static void keeps_a_connection(void **state)
{
    int fd = client();
    (void)state;
    for (int i = 1; i <= 3; i++) {
        say(fd, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
        assert_hears(fd, ok);
        assert_int_equal(server_requests(test.last), i);
        assert_int_equal(test.sent, sizeof ok - 1); // of this answer alone
        test.sent = 0;
    }
    assert_seen("POST /a abc|POST /a abc|POST /a abc|");
    close(fd);
    turn(2);
    assert_int_equal(test.gone, 0); // nothing was being answered
}

static void takes_any_pieces(void **state)
{
    static const char text[] = "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n3;e=1\r\nz!?\r\n0\r\n\r\n";
    int fd = client();
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
        turn(1);
    }
    assert_hears(fd, ok);
    assert_seen("POST /b xyz!?|");
    close(fd);
}

static void answers_in_order_what_comes_ahead(void **state)
{
    int fd = client();
    (void)state;
    test.answers = ANSWER_LATER;
    say(fd, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HT");
    until(&test.requests, 1);
    turn(3);
    assert_seen("GET /1 |"); // the next waits for its turn
    server_write(test.last, "one", 3);
    server_done(test.last, SERVER_KEEP);
    assert_seen("GET /1 |"); // and for a turn of the loop
    test.answers = ANSWER_AT_ONCE;
    test.sent = 0;
    until(&test.requests, 2);
    test.sent = 0;
    say(fd, "TP/1.1\r\n\r\n");
    until(&test.requests, 3);
    assert_seen("GET /1 |GET /2 |GET /3 |");
    struct buf got = {0};
    hear(fd, &got, 3 + 2 * (sizeof ok - 1));
    assert_memory_equal(got.ptr, "oneHTTP", 7);
    buf_release(&got);
    close(fd);
}

static void closes_where_the_client_asks(void **state)
{
    struct buf got = {0};
    int fd = client();
    (void)state;
    say(fd, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_int_equal(hear(fd, &got, 1000), CLOSED);
    assert_true(str_is(buf_str(&got), ok));
    buf_release(&got);
    close(fd);
}

static void assert_refused(const char *request, const char *status)
{
    struct buf got = {0};
    int fd = client();
    say(fd, request);
    assert_int_equal(hear(fd, &got, 1000), CLOSED); // and no reset that would take the answer with it
    assert_true(str_starts(buf_str(&got), str_of(status)));
    buf_release(&got);
    close(fd);
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("\x16\x03\x01 hello\r\n\r\n", "HTTP/1.1 400 ");
    assert_refused("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\nand some of it", "HTTP/1.1 413 ");
    char chunked[1400] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4b0\r\n";
    memset(chunked + strlen(chunked), 'x', 1200);
    assert_refused(chunked, "HTTP/1.1 413 ");
    assert_int_equal(test.requests, 0);
}

/* More is on its way than the server reads before it refuses: closing with that unread would be a reset. */
static void refuses_who_still_sends(void **state)
{
    struct buf got = {0};
    static char body[1 << 20];
    int fd = client();
    (void)state;
    say(fd, "POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n");
    assert_true(send(fd, body, sizeof body, MSG_NOSIGNAL) > 300000);
    assert_int_equal(hear(fd, &got, 1000), CLOSED);
    assert_true(str_starts(buf_str(&got), STR("HTTP/1.1 413 ")));
    buf_release(&got);
    close(fd);
}

static void says_go_on(void **state)
{
    int fd = client();
    (void)state;
    say(fd, "POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_hears(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "hi");
    assert_hears(fd, ok);
    assert_seen("POST / hi|");
    close(fd);
}

static void notices_who_leaves(void **state)
{
    (void)state;
    test.answers = ANSWER_LATER;
    int before = client();
    say(before, "GET / HTTP/1.1\r\n\r\n");
    until(&test.requests, 1);
    close(before);
    until(&test.gone, 1);

    int during = client();
    say(during, "GET / HTTP/1.1\r\n\r\n");
    until(&test.requests, 2);
    test.sent = 0;
    server_write(test.last, "part", 4);
    close(during); // with bytes unread: a reset
    while (server_write(test.last, "more", 4) == 0 && test.gone == 1)
        continue; // no SIGPIPE, and in the end -1
    assert_int_equal(test.gone, 1); // not from within server_write
    until(&test.gone, 2);
}

static void holds_what_does_not_fit(void **state)
{
    enum { LEN = 16 << 20 };
    char *bytes = malloc(LEN);
    struct buf got = {0};
    int fd = client();
    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (char)(i * 7 / 5);
    test.answers = ANSWER_LATER;
    say(fd, "GET / HTTP/1.1\r\n\r\n");
    until(&test.requests, 1);
    assert_int_equal(server_write(test.last, bytes, LEN), 0);
    assert_int_equal(test.wrote, 1);
    assert_int_equal(test.sent + server_held(test.last), LEN);
    assert_true(server_held(test.last) > 0);
    assert_int_equal(server_write(test.last, "end", 3), 0);
    assert_int_equal(test.wrote, 1); // behind what is held: not written yet
    hear(fd, &got, LEN / 2);
    assert_true(test.wrote > 1);
    server_done(test.last, SERVER_CLOSE); // when all is written
    assert_int_equal(hear(fd, &got, LEN + 4), CLOSED);
    assert_int_equal(got.len, LEN + 3);
    assert_memory_equal(got.ptr, bytes, LEN);
    assert_memory_equal(got.ptr + LEN, "end", 3);
    buf_release(&got);
    free(bytes);
    close(fd);
}

static void resets_hard(void **state)
{
    struct buf got = {0};
    int fd = client();
    (void)state;
    test.answers = ANSWER_LATER;
    say(fd, "GET / HTTP/1.1\r\n\r\n");
    until(&test.requests, 1);
    server_done(test.last, SERVER_RESET);
    assert_int_equal(hear(fd, &got, 1), WAS_RESET);
    buf_release(&got);
    close(fd);
}

static void lives_at_the_file_limit(void **state)
{
    struct rlimit limit, low;
    int first = client(), second;
    (void)state;
    say(first, "GET /first HTTP/1.1\r\n\r\n");
    until(&test.requests, 1);
    second = client();
    int next = dup(second); // the lowest free descriptor is the limit
    getrlimit(RLIMIT_NOFILE, &limit);
    low = (struct rlimit){(rlim_t)next, limit.rlim_max};
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    say(second, "GET /second HTTP/1.1\r\n\r\n");
    turn(20);
    assert_int_equal(test.requests, 1); // it could not be accepted
    test.sent = 0;
    say(first, "GET /first HTTP/1.1\r\n\r\n");
    until(&test.requests, 2); // while others are served
    test.sent = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    close(first); // which makes room
    until(&test.requests, 3);
    close(second);
}

static void says_why_it_cannot_listen(void **state)
{
    struct err err;
    struct server_options options = {.host = "127.0.0.1", .port = server_port(test.server)};
    (void)state;
    assert_null(server_new(test.loop, &options, &err));
    assert_non_null(strstr(err.msg, "Address already in use"));
    options = (struct server_options){.host = "no such host"};
    assert_null(server_new(test.loop, &options, &err));
    assert_int_equal(err.kind, ERR_NET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_a_connection),
        TEST(takes_any_pieces),
        TEST(answers_in_order_what_comes_ahead),
        TEST(closes_where_the_client_asks),
        TEST(refuses_what_is_wrong),
        TEST(refuses_who_still_sends),
        TEST(says_go_on),
        TEST(notices_who_leaves),
        TEST(holds_what_does_not_fit),
        TEST(resets_hard),
        TEST(lives_at_the_file_limit),
        TEST(says_why_it_cannot_listen),
    };
    return cmocka_run_group_tests_name("net/server", tests, NULL, NULL);
}
