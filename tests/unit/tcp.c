/* tests/unit/tcp.c: tap/tcp, against what RFC 9293 says of sequence numbers and the header of what is lost when */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tap/tcp.h"

#define MS (1000 * 1000)

/* What was delivered: "abc@5 " for bytes at 5 ms, "-3@7 " for three lost. */
static void on_bytes(void *arg, struct str bytes, int64_t at_ns)
{
    buf_addf(arg, "%.*s@%d ", STR_ARG(bytes), (int)(at_ns / MS));
}

static void on_lost(void *arg, size_t count, int64_t at_ns)
{
    buf_addf(arg, "-%zu@%d ", count, (int)(at_ns / MS));
}

struct fixture {
    struct buf told;
    struct tcp tcp;
    uint32_t isn;
};

static void begin(struct fixture *f, uint32_t isn)
{
    *f = (struct fixture){.isn = isn};
    f->tcp = (struct tcp){.bytes = on_bytes, .lost = on_lost, .arg = &f->told};
}

/* A packet whose first byte is the one at place `at` of the stream. */
static void take_flags(struct fixture *f, int64_t at_ms, int at, const char *text, size_t len, unsigned flags)
{
    struct packet packet = {.seq = f->isn + (uint32_t)at, .flags = flags | PACKET_ACK, .payload = str_of(text),
                            .payload_len = len ? len : strlen(text), .at_ns = at_ms * MS};
    struct err err;
    assert_int_equal(tcp_take(&f->tcp, &packet, &err), 0);
}

static void take(struct fixture *f, int64_t at_ms, int at, const char *text)
{
    take_flags(f, at_ms, at, text, 0, 0);
}

static void acked(struct fixture *f, int64_t at_ms, int upto)
{
    tcp_acked(&f->tcp, f->isn + (uint32_t)upto, at_ms * MS);
}

static void assert_told(struct fixture *f, const char *wanted)
{
    buf_add_char(&f->told, '\0');
    assert_string_equal(f->told.ptr, wanted);
    buf_clear(&f->told);
}

static void end(struct fixture *f)
{
    tcp_release(&f->tcp);
    buf_release(&f->told);
}

static const uint32_t isns[] = {0, 1000, UINT32_MAX, UINT32_MAX - 4, INT32_MAX, INT32_MAX - 2};

static void order_repeats_and_overlap(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(isns); i++) {
        struct fixture f;
        begin(&f, isns[i]);
        take(&f, 1, 0, "ab");
        take(&f, 2, 0, "ab");   // again
        take(&f, 3, 1, "bcd");  // half of it again
        take(&f, 5, 6, "gh");   // ahead
        take(&f, 6, 6, "GH");   // the first copy counts
        take(&f, 7, 8, "i");
        take(&f, 9, 4, "efg");  // fills the hole, and covers a byte that waited
        take(&f, 8, 9, "j");    // stamps may run back between queues; ours do not
        assert_told(&f, "ab@1 cd@3 efg@9 h@9 i@9 j@9 ");
        end(&f);
    }
}

static void what_the_other_side_has_is_lost_after_a_while(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 7);
    take(&f, 0, 0, "a");
    take(&f, 10, 3, "d");
    acked(&f, 11, 4);          // it had the bytes 1 and 2: but perhaps they are only late
    take(&f, 50, 4, "e");
    assert_told(&f, "a@0 ");
    take(&f, 60, 1, "bc");     // they were
    assert_told(&f, "bc@60 d@60 e@60 ");
    take(&f, 100, 6, "g");
    acked(&f, 101, 5);         // it lacks byte 5 as we do
    acked(&f, 300, 5);
    assert_told(&f, "");
    acked(&f, 301, 7);
    acked(&f, 400, 7);
    assert_told(&f, "");
    acked(&f, 401, 7);
    assert_told(&f, "-1@100 g@100 ");
    end(&f);
}

static void holding_has_bounds(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 0);
    take(&f, 1, 0, "a");
    for (int i = 0; i <= TCP_HELD_COUNT; i++)
        take(&f, 2, 2 + 2 * i, "x");
    assert_true(f.tcp.held_count <= TCP_HELD_COUNT);
    f.told.ptr[17] = '\0';
    assert_string_equal(f.told.ptr, "a@1 -1@2 x@2 ");
    end(&f);
}

static void ends(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 0);
    take_flags(&f, 1, 0, "", 0, PACKET_SYN); // takes a number of its own
    take(&f, 2, 1, "ab");
    take_flags(&f, 3, 4, "d", 0, PACKET_FIN);
    assert_false(f.tcp.over);
    take(&f, 4, 3, "c");
    assert_true(f.tcp.over);
    assert_told(&f, "ab@2 c@4 d@4 ");
    end(&f);

    begin(&f, 0); // the last bytes before the end were missed
    take(&f, 2, 0, "ab");
    take_flags(&f, 3, 5, "", 0, PACKET_FIN);
    assert_false(f.tcp.over);
    tcp_flush(&f.tcp);
    assert_true(f.tcp.over);
    assert_told(&f, "ab@2 -3@2 ");
    end(&f);
}

static void packets_that_were_cut(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 0);
    take_flags(&f, 1, 0, "ab", 5, 0);
    take_flags(&f, 2, 7, "h", 2, 0); // waits, cut as it is
    take(&f, 3, 5, "fg");
    take(&f, 4, 9, "j");
    assert_told(&f, "ab@1 -3@1 fg@3 h@3 -1@3 j@4 ");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_repeats_and_overlap),
        cmocka_unit_test(what_the_other_side_has_is_lost_after_a_while),
        cmocka_unit_test(holding_has_bounds),
        cmocka_unit_test(ends),
        cmocka_unit_test(packets_that_were_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
