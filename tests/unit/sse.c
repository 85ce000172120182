/* net/sse: events out of bytes, whole and split everywhere. tests/fuzz/sse.c has what must hold of all bytes. */
#include "net/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Feeds a piece that arrived then, from a block that ends behind its padding. Each event becomes "[data@arrived]",
 * with a '!' if it is an error. */
static void feed(struct sse *sse, const char *bytes, size_t len, int64_t arrived_ns, struct buf *story)
{
    struct sse_event event;
    int got;
    char *piece = malloc(len + SSE_PADDING);
    assert_non_null(piece);
    memcpy(piece, bytes, len);
    memset(piece + len, 0, SSE_PADDING);
    struct str input = {piece, len};
    while ((got = sse_next(sse, &input, arrived_ns, &event)) > 0)
        buf_addf(story, "[%s%.*s@%lld]", event.is_error ? "!" : "", STR_ARG(event.data), (long long)event.arrived_ns);
    assert_int_equal(got, 0);
    free(piece);
}

static void end(struct sse *sse, struct buf *story)
{
    struct sse_event event;
    if (sse_end(sse, &event) > 0)
        buf_addf(story, "[%s%.*s@%lld]", event.is_error ? "!" : "", STR_ARG(event.data), (long long)event.arrived_ns);
    assert_int_equal(sse_end(sse, &event), 0);
}

static void assert_story(struct buf *story, const char *wanted)
{
    buf_add_char(story, '\0');
    assert_string_equal(story->ptr, wanted);
    buf_release(story);
}

/* Whole, and cut in two at every place: wanted, with all arrivals 0. */
static void assert_events(const char *text, const char *wanted)
{
    size_t len = strlen(text);
    for (size_t cut = 0; cut <= len; cut++) {
        struct sse sse = {0};
        struct buf story = {0};
        feed(&sse, text, cut, 0, &story);
        feed(&sse, text + cut, len - cut, 0, &story);
        end(&sse, &story);
        assert_story(&story, wanted);
        sse_release(&sse);
    }
}

static void lines_end_in_three_ways(void **state)
{
    (void)state;
    assert_events("data: a\n\ndata: b\n\n", "[a@0][b@0]");
    assert_events("data: a\r\n\r\ndata: b\r\n\r\n", "[a@0][b@0]");
    assert_events("data: a\r\rdata: b\r\r", "[a@0][b@0]");
    assert_events("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", "[a@0][b@0][c@0]");
}

static void one_blank_is_dropped(void **state)
{
    (void)state;
    assert_events("data:a\n\ndata:  b \n\ndata:\tc\n\n", "[a@0][ b @0][\tc@0]");
    assert_events("data: a: b\n\n", "[a: b@0]");
}

static void data_lines_are_joined(void **state)
{
    (void)state;
    assert_events("data: a\ndata: b\ndata:\ndata: c\n\n", "[a\nb\n\nc@0]");
    assert_events("data\n\ndata\ndata\n\n", "[@0][\n@0]");
    assert_events("data: a\r\n: note\r\nid: 3\r\ndata: b\r\n\r\n", "[a\nb@0]");
}

static void other_lines_are_skipped(void **state)
{
    (void)state;
    assert_events(": ping\n\n:\n\nid: 1\nretry: 9\n\ndatum: x\n\n\n\ndata: a\n\n", "[a@0]");
    assert_events(" data: a\n\nData: a\n\n", "");
    assert_events("\xef\xbb\xbf" "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "[a@0]"); // a byte order mark at the start
}

static void errors_are_named(void **state)
{
    (void)state;
    assert_events("event: error\ndata: a\n\ndata: b\n\n", "[!a@0][b@0]");
    assert_events("data: a\nevent: error\n\n", "[!a@0]");
    assert_events("event: message\ndata: a\n\n", "[a@0]");
    assert_events("event: error\n\ndata: a\n\n", "[a@0]");
    assert_events("error: {}\n\ndata: b\n\n", "[!{}@0][b@0]");
}

static void last_blank_line_may_lack(void **state)
{
    (void)state;
    assert_events("data: a\n\ndata: [DONE]\n", "[a@0][[DONE]@0]");
    assert_events("data: a\n\ndata: [DONE]", "[a@0][[DONE]@0]");
    assert_events("data: a\r", "[a@0]");
    assert_events("data: a\ndata: b", "[a\nb@0]");
    assert_events("da", "");
    assert_events("", "");
}

static void event_arrives_with_its_last_data_byte(void **state)
{
    (void)state;
    static const struct {
        const char *pieces[5];
        const char *wanted;
    } cases[] = {
        {{"data: a", "\n", "\n"}, "[a@0]"},
        {{"data: a\n", "\ndata: b\n\n"}, "[a@0][b@1]"},
        {{"da", "ta: a", "b", "\r", "\n\r\n"}, "[ab@2]"},
        {{"data: a\n", "data: b", "\n: note\n", "id: 1\n\n"}, "[a\nb@1]"},
        {{"data:", " ", "\n\n"}, "[@1]"},
        {{"event: error\n", "data: a\n", "event: error\n", "\n"}, "[!a@1]"},
        {{"data: a\n\ndata: b\n\nda", "ta: c", "\n\n"}, "[a@0][b@0][c@1]"},
        {{"data: a", "b"}, "[ab@1]"}, // and no blank line
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sse sse = {0};
        struct buf story = {0};
        for (size_t k = 0; k < COUNT(cases[i].pieces) && cases[i].pieces[k]; k++)
            feed(&sse, cases[i].pieces[k], strlen(cases[i].pieces[k]), (int64_t)k, &story);
        end(&sse, &story);
        assert_story(&story, cases[i].wanted);
        sse_release(&sse);
    }
}

/* No copy is made of what stands whole in the input. */
static void whole_event_is_a_view(void **state)
{
    (void)state;
    static const char text[128] = "data: {\"a\":1}\n\n";
    struct sse sse = {0};
    struct sse_event event;
    struct str input = {text, 15};
    assert_int_equal(sse_next(&sse, &input, 5, &event), 1);
    assert_ptr_equal(event.data.ptr, text + 6);
    assert_int_equal(event.data.len, 7);
    assert_int_equal(input.len, 0);
    sse_release(&sse);
}

static void reset_forgets(void **state)
{
    (void)state;
    static const char *const starts[] = {"data: a", "data: a\n", "event: error\ndata: a\n", "data: a\r", "data"};
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct sse sse = {0};
        struct buf story = {0};
        feed(&sse, starts[i], strlen(starts[i]), 0, &story);
        sse_reset(&sse);
        feed(&sse, "\ndata: b\n\n", 10, 1, &story);
        end(&sse, &story);
        assert_story(&story, "[b@1]");
        sse_release(&sse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_three_ways), cmocka_unit_test(one_blank_is_dropped),
        cmocka_unit_test(data_lines_are_joined),   cmocka_unit_test(other_lines_are_skipped),
        cmocka_unit_test(errors_are_named),        cmocka_unit_test(last_blank_line_may_lack),
        cmocka_unit_test(whole_event_is_a_view),   cmocka_unit_test(event_arrives_with_its_last_data_byte),
        cmocka_unit_test(reset_forgets),
    };
    return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
