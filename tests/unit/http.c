/* net/http: heads and bodies out of bytes. tests/fuzz/http.c has what must hold of all bytes. */
#include "net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Reads messages to the end of the bytes. Each head becomes "STATUS" or "METHOD TARGET" (a '-' behind: the connection
 * ends), each body "{...}", what is wrong its message. False: nothing may follow. */
static bool feed(struct http *http, const char *bytes, size_t len, struct buf *body, struct buf *story)
{
    struct str input = {bytes, len}, part;
    struct err err;
    for (;;)
        switch (http_next(http, &input, &part, &err)) {
        case HTTP_MORE:
            assert_int_equal(input.len, 0);
            return true;
        case HTTP_HEAD:
            if (http->side == HTTP_REQUEST)
                buf_addf(story, "%.*s %.*s", STR_ARG(http->method), STR_ARG(http->target));
            else
                buf_addf(story, "%d", http->status);
            buf_addf(story, "%s", http->keep_alive ? "" : "-");
            break;
        case HTTP_BODY:
            buf_add_str(body, part);
            break;
        case HTTP_DONE:
            buf_addf(story, "{%.*s}", STR_ARG(buf_str(body)));
            buf_clear(body);
            if (!http->keep_alive) {
                buf_addf(story, "%.*s", STR_ARG(input));
                return false;
            }
            http_reset(http);
            break;
        case HTTP_BAD:
            buf_addf(story, "%s", err.msg);
            return false;
        }
}

static void end(struct http *http, struct buf *body, struct buf *story)
{
    struct err err;
    if (http->state == HTTP_IN_HEAD && http->head.len == 0)
        return;
    if (http_end(http, &err) == HTTP_DONE)
        buf_addf(story, "{%.*s}", STR_ARG(buf_str(body)));
    else
        buf_addf(story, "{%.*s}%s", STR_ARG(buf_str(body)), err.msg);
}

static void assert_read_as(enum http_side side, const char *text, const char *wanted)
{
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++) {
        struct http http;
        struct buf body = {0}, story = {0};
        http_init(&http, side);
        bool open = feed(&http, text, cut, &body, &story);
        if (open)
            open = feed(&http, text + cut, len - cut, &body, &story);
        else
            buf_addf(&story, "%s", http.state == HTTP_OVER ? text + cut : "");
        if (open)
            end(&http, &body, &story);
        buf_add_char(&story, '\0');
        assert_string_equal(story.ptr, wanted);
        http_release(&http);
        buf_release(&body);
        buf_release(&story);
    }
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static void length_ends_a_body(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, OK "Content-Length: 5\r\n\r\nhello", "200{hello}");
    assert_read_as(HTTP_RESPONSE, OK "content-length:0\r\n\r\n" OK "CONTENT-LENGTH: 2 \r\n\r\nhi", "200{}200{hi}");
    assert_read_as(HTTP_RESPONSE, OK "Content-Length: 2\nContent-Length: 2\n\nhi", "200{hi}");
    assert_read_as(HTTP_RESPONSE, OK "Content-Length: 5\r\n\r\nhel", "200{hel}the connection ended in the middle of the body");
    assert_read_as(HTTP_REQUEST, "POST /v1/x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /?a=b c HTTP/1.1\r\n\r\n",
                   "POST /v1/x{{}}GET /?a=b c{}");
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    static const char *const lengths[] = {"", "-1", "+1", "0x10", "1 2", "1, 1", "9999999999999999999", "1.0"};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char text[128];
        snprintf(text, sizeof text, OK "Content-Length: %s\r\n\r\nx", lengths[i]);
        assert_read_as(HTTP_RESPONSE, text, "bad HTTP: a wrong Content-Length");
    }
    assert_read_as(HTTP_RESPONSE, OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "bad HTTP: a wrong Content-Length");
}

static void chunks_are_joined(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, CHUNKED "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "200{hello!}");
    assert_read_as(HTTP_RESPONSE, CHUNKED "01B;a=\"b;c\";d\r\nabcdefghijklmnopqrstuvwxyz.\r\n0 ;x\r\n\r\n",
                   "200{abcdefghijklmnopqrstuvwxyz.}");
    assert_read_as(HTTP_RESPONSE, CHUNKED "1\nx\n0\n\n", "200{x}");
    assert_read_as(HTTP_RESPONSE, CHUNKED "1\r\nx\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n" OK "Content-Length: 1\r\n\r\nz", "200{x}200{z}");
    assert_read_as(HTTP_RESPONSE, OK "Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200{hi}");
}

static void wrong_chunks_are_refused(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, CHUNKED "1\r\nxy\r\n", "200bad HTTP: a chunk longer than its size");
    assert_read_as(HTTP_RESPONSE, CHUNKED "\nx\r\n", "200bad HTTP: a chunk without a size");
    assert_read_as(HTTP_RESPONSE, CHUNKED "g\r\nx\r\n", "200bad HTTP: a chunk's size that is no number");
    assert_read_as(HTTP_RESPONSE, CHUNKED "-1\r\nx\r\n", "200bad HTTP: a chunk's size that is no number");
    assert_read_as(HTTP_RESPONSE, CHUNKED "fffffffffffffffff\r\nx\r\n", "200bad HTTP: a chunk's size that is no number");
    assert_read_as(HTTP_RESPONSE, CHUNKED "2\r\nx", "200{x}the connection ended in the middle of the body");
    assert_read_as(HTTP_RESPONSE, CHUNKED "1\r\nx\r\n", "200{x}the connection ended in the middle of the body");
    assert_read_as(HTTP_RESPONSE, CHUNKED "0\r\n", "200{}the connection ended in the middle of the body");
    assert_read_as(HTTP_RESPONSE, OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "bad HTTP: a Transfer-Encoding other than chunked");
}

/* "1\r2" is no 18. */
static void carriage_return_ends_a_size(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, CHUNKED "1\r2\r\nx\r\n0\r\n\r\n", "200{x}");
}

static void interim_answers_are_skipped(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE,
                   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", "200{x}");
    assert_read_as(HTTP_RESPONSE, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304\r\nContent-Length: 7\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
                   "204{}304{}200{}");
    assert_read_as(HTTP_RESPONSE, "HTTP/1.1 101 Switching Protocols\r\n\r\n", "101{}");
}

static void connection_ends_a_body(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall there is", "200-{all there is}");
    assert_read_as(HTTP_RESPONSE, OK "\r\n", "200-{}");
}

static void connection_is_kept_or_not(void **state)
{
    (void)state;
    assert_read_as(HTTP_RESPONSE, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nxrest", "200-{x}rest");
    assert_read_as(HTTP_RESPONSE, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", "200{x}");
    assert_read_as(HTTP_RESPONSE, OK "Connection: upgrade, close\r\nContent-Length: 1\r\n\r\nx", "200-{x}");
    assert_read_as(HTTP_RESPONSE, OK "Connection: closed\r\nContent-Length: 1\r\n\r\nx", "200{x}");
    assert_read_as(HTTP_REQUEST, "GET / HTTP/1.0\r\n\r\n", "GET /-{}");
    assert_read_as(HTTP_REQUEST, "\r\n\nGET / HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\r\n\r\n", "GET /{}GET /b{}");
}

static void wrong_heads_are_refused(void **state)
{
    (void)state;
    static const char *const responses[] = {"HTTP/2 200 OK",    "HTTP/1.1 20 OK",  "HTTP/1.1 2000 OK",
                                            "HTTP/1.1  200 OK", "HTTP/1.x 200 OK", "http/1.1 200 OK",
                                            "HTTP/1.1 099 OK",  "SSH-2.0-OpenSSH", "x"};
    static const char *const requests[] = {"GET /", "GET HTTP/1.1", "GET  HTTP/1.1", " / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/2.0"};
    static const char *const fields[] = {" a: b", "a : b", ": b", "no colon", "a: b\r\n folded"};
    char text[128];
    for (size_t i = 0; i < COUNT(responses); i++) {
        snprintf(text, sizeof text, "%s\r\n\r\n", responses[i]);
        assert_read_as(HTTP_RESPONSE, text, "bad HTTP: no status line");
    }
    for (size_t i = 0; i < COUNT(requests); i++) {
        snprintf(text, sizeof text, "%s\r\n\r\n", requests[i]);
        assert_read_as(HTTP_REQUEST, text, "bad HTTP: no request line");
    }
    for (size_t i = 0; i < COUNT(fields); i++) {
        snprintf(text, sizeof text, OK "%s\r\n\r\n", fields[i]);
        assert_read_as(HTTP_RESPONSE, text, "bad HTTP: a header line without a name");
    }
    assert_read_as(HTTP_RESPONSE, OK "Content-Len", "{}the connection ended in the middle of the headers");
}

/* A head of just this size is the longest; in pieces too. */
static void head_has_a_limit(void **state)
{
    (void)state;
    for (size_t piece = 1 << 10; piece <= 1 << 20; piece <<= 10)
        for (size_t over = 0; over < 2; over++) {
            struct http http;
            struct buf text = {0}, body = {0}, story = {0};
            buf_addf(&text, OK "Content-Length: 0\r\nX: ");
            while (text.len < HTTP_HEAD_MAX + over - 4)
                buf_add_char(&text, 'x');
            buf_addf(&text, "\r\n\r\n");
            http_init(&http, HTTP_RESPONSE);
            bool open = true;
            for (size_t at = 0; open && at < text.len; at += piece)
                open = feed(&http, text.ptr + at, at + piece < text.len ? piece : text.len - at, &body, &story);
            buf_add_char(&story, '\0');
            assert_string_equal(story.ptr, over ? "bad HTTP: a head over 64 KiB" : "200{}");
            http_release(&http);
            buf_release(&text);
            buf_release(&body);
            buf_release(&story);
        }
}

static void fields_are_found(void **state)
{
    (void)state;
    static const char text[] =
        OK "Content-Type:\ttext/event-stream \r\nX-Empty:\r\nX-Two: first\r\nX-Two: second\r\nContent-Length: 0\r\n\r\n";
    struct http http;
    struct str input = str_of(text), body, value;
    struct err err;
    http_init(&http, HTTP_RESPONSE);
    assert_int_equal(http_next(&http, &input, &body, &err), HTTP_HEAD);
    assert_true(http_header(&http, "content-type", &value) && str_is(value, "text/event-stream"));
    assert_true(http_header(&http, "X-EMPTY", &value) && value.len == 0);
    assert_true(http_header(&http, "x-two", &value) && str_is(value, "first"));
    assert_false(http_header(&http, "x-tw", &value));
    assert_false(http_header(&http, "HTTP/1.1 200 OK", &value));
    assert_true(http.has_length && http.length == 0);
    http_release(&http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_ends_a_body),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(wrong_chunks_are_refused),
        cmocka_unit_test(interim_answers_are_skipped),
        cmocka_unit_test(carriage_return_ends_a_size),
        cmocka_unit_test(connection_ends_a_body),
        cmocka_unit_test(connection_is_kept_or_not),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(head_has_a_limit),
        cmocka_unit_test(fields_are_found),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
