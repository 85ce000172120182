/* unit/record.c: "timing" both ways, and "response" as it is written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "record/response.h"
#include "record/timing.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct jdoc *doc;
    struct buf out;
    int64_t *chunks;
    size_t room;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f && (f->doc = jdoc_new()) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->out);
    free(f->chunks);
    jdoc_free(f->doc);
    free(f);
    return 0;
}

static const char *text_of(struct buf *out)
{
    assert_true(buf_reserve(out, JDOC_PADDING));
    out->ptr[out->len] = '\0';
    return out->ptr;
}

/* Reads {"timing":JSON}. */
static int read_back(struct fixture *f, const char *json, struct timing *timing)
{
    struct jval root;
    buf_clear(&f->out);
    buf_addf(&f->out, "{\"timing\":%s}", json);
    text_of(&f->out);
    assert_int_equal(jdoc_parse(f->doc, f->out.ptr, f->out.len, &root, &f->err), 0);
    return timing_read(root, timing, &f->chunks, &f->room, &f->err);
}

static void all_of_a_timing_is_written_in_order_and_read_back(void **state)
{
    struct fixture *f = *state;
    static const int64_t chunks[] = {50, 60, 70};
    static const struct timing_attempt attempts[] = {{1, 2, "connect", 0}, {3, 4, "http_status", 503}};
    struct timing timing = timing_none(), back;
    timing.start = STR("2026-11-24T07:43:00.123456789Z");
    timing.start_ns = 9007199254740993; // above 2^53
    timing.load = STR("{\"mode\":\"open\",\"rate_rps\":2.5}");
    timing.due_ns = 0;
    timing.sent_ns = 10;
    timing.connected_ns = 20;
    timing.headers_ns = 30;
    timing.first_ns = 50;
    timing.last_ns = 70;
    timing.end_ns = 80;
    timing.chunks_ns = chunks;
    timing.chunk_count = COUNT(chunks);
    timing.attempts = attempts;
    timing.attempt_count = COUNT(attempts);
    timing.clock = TIMING_CLOCK_PACKET;
    timing.late = 0;
    timing.read_lag_ns = 1234;
    timing.cpu = 0.37;
    timing.warmup = true;
    struct buf written = {0};
    timing_write(&timing, &written);
    static const char expected[] =
        "{\"start\":\"2026-11-24T07:43:00.123456789Z\",\"start_ns\":9007199254740993,\"load\":{\"mode\":\"open\",\"rate_rps\":2.5},"
        "\"due_ns\":0,\"sent_ns\":10,\"connected_ns\":20,\"headers_ns\":30,\"first_ns\":50,\"last_ns\":70,\"end_ns\":80,"
        "\"chunks_ns\":[50,60,70],\"attempts\":[{\"sent_ns\":1,\"end_ns\":2,\"kind\":\"connect\"},"
        "{\"sent_ns\":3,\"end_ns\":4,\"kind\":\"http_status\",\"status\":503}],\"clock\":\"packet\",\"late\":0,\"read_lag_ns\":1234,"
        "\"cpu\":0.37,\"warmup\":true}";
    assert_string_equal(text_of(&written), expected);
    assert_int_equal(read_back(f, written.ptr, &back), 0);
    assert_int_equal(back.chunk_count, 3);
    assert_memory_equal(back.chunks_ns, chunks, sizeof chunks);
    // Written again with the two that are not read, it is the same text.
    back.load = timing.load;
    back.attempts = attempts;
    back.attempt_count = COUNT(attempts);
    struct buf again = {0};
    timing_write(&back, &again);
    assert_string_equal(text_of(&again), expected);
    buf_release(&written);
    buf_release(&again);
}

static void what_did_not_happen_is_absent_and_read_as_never(void **state)
{
    struct fixture *f = *state;
    struct timing timing = timing_none(), back;
    timing.start = STR("");
    timing.load = STR("{}");
    timing.due_ns = -5;
    struct buf written = {0};
    timing_write(&timing, &written);
    assert_string_equal(text_of(&written), "{\"start\":\"\",\"start_ns\":0,\"load\":{},\"due_ns\":-5}");
    assert_int_equal(read_back(f, written.ptr, &back), 0);
    assert_int_equal(back.due_ns, -5);
    assert_true(back.sent_ns == TIMING_NEVER && back.end_ns == TIMING_NEVER && back.late == TIMING_NEVER &&
                back.read_lag_ns == TIMING_NEVER);
    assert_null(back.chunks_ns);
    assert_true(back.clock == TIMING_CLOCK_COUNT && back.cpu < 0 && !back.warmup);
    buf_release(&written);
}

static void no_chunk_is_not_the_same_as_not_streamed(void **state)
{
    struct fixture *f = *state;
    struct timing timing = timing_none(), back;
    static const int64_t none[1];
    timing.start = STR("");
    timing.load = STR("{}");
    timing.chunks_ns = none;
    struct buf written = {0};
    timing_write(&timing, &written);
    assert_non_null(strstr(text_of(&written), "\"chunks_ns\":[]"));
    assert_int_equal(read_back(f, written.ptr, &back), 0);
    assert_non_null(back.chunks_ns);
    assert_int_equal(back.chunk_count, 0);
    buf_release(&written);
}

static void the_room_for_chunks_grows_and_is_used_again(void **state)
{
    struct fixture *f = *state;
    struct timing back;
    struct buf many = {0};
    json_object(&many);
    json_key(&many, "chunks_ns"), json_array(&many);
    for (int i = 0; i < 5000; i++)
        json_int(&many, i * 7);
    json_array_end(&many);
    json_object_end(&many);
    assert_int_equal(read_back(f, "{\"chunks_ns\":[1]}", &back), 0);
    assert_int_equal(read_back(f, text_of(&many), &back), 0);
    assert_int_equal(back.chunk_count, 5000);
    assert_int_equal(back.chunks_ns[4999], 4999 * 7);
    int64_t *before = f->chunks;
    assert_int_equal(read_back(f, "{\"chunks_ns\":[3,4]}", &back), 0);
    assert_ptr_equal(f->chunks, before);
    assert_true(back.chunk_count == 2 && back.chunks_ns[1] == 4);
    buf_release(&many);
}

static void a_member_of_the_wrong_type_is_named(void **state)
{
    struct fixture *f = *state;
    struct timing back;
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"{\"sent_ns\":\"1\"}", "timing.sent_ns: not a whole number"},
        {"{\"sent_ns\":1.5}", "timing.sent_ns: not a whole number"},
        {"{\"due_ns\":null}", "timing.due_ns: not a whole number"},
        {"{\"start\":1}", "timing.start: not a string"},
        {"{\"start_ns\":[]}", "timing.start_ns: not a whole number"},
        {"{\"chunks_ns\":3}", "timing.chunks_ns: not an array of whole numbers"},
        {"{\"chunks_ns\":[1,null]}", "timing.chunks_ns: not an array of whole numbers"},
        {"{\"clock\":\"sun\"}", "timing.clock: none of packet, kernel, tls, read"},
        {"{\"clock\":7}", "timing.clock: none of packet, kernel, tls, read"},
        {"{\"cpu\":\"x\"}", "timing.cpu: not a number"},
        {"{\"warmup\":1}", "timing.warmup: neither true nor false"},
        {"[]", "has no \"timing\" (lm-send makes it)"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(read_back(f, bad[i].json, &back), -1);
        assert_string_equal(f->err.msg, bad[i].message);
    }
    assert_int_equal(read_back(f, "{\"new_member\":{},\"sent_ns\":3.0,\"clock\":\"tls\"}", &back), 0);
    assert_int_equal(back.sent_ns, 3);
    assert_int_equal(back.clock, TIMING_CLOCK_TLS);
}

static void a_response_writes_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct response response = response_none();
    response_write(&response, &f->out);
    assert_string_equal(text_of(&f->out), "{}");
    response.text = STR("");
    response.reasoning = STR("2\n");
    response.tool_calls = STR("[]");
    response.finish_reason = STR("stop");
    response.status = 200;
    response.model = STR("m");
    response.url = STR("http://a/v1");
    response.usage = STR("{\"prompt_tokens\":3 }");
    response.tokens_source = "usage";
    response.prompt_tokens = 3;
    response.logprobs = STR("[]");
    buf_clear(&f->out);
    response_write(&response, &f->out);
    assert_string_equal(text_of(&f->out),
                        "{\"text\":\"\",\"reasoning\":\"2\\n\",\"tool_calls\":[],\"finish_reason\":\"stop\",\"status\":200,\"model\":\"m\","
                        "\"url\":\"http://a/v1\",\"usage\":{\"prompt_tokens\":3 },"
                        "\"tokens\":{\"prompt\":3,\"source\":\"usage\"},\"logprobs\":[]}");
}

static void a_failure_is_a_kind_and_a_message(void **state)
{
    struct fixture *f = *state;
    for (enum failure failure = FAILURE_CONNECT; failure < FAILURE_COUNT; failure++)
        assert_non_null(failure_names[failure]);
    struct response response = response_none();
    response.text = STR("half");
    response.failure = FAILURE_TRUNCATED;
    response_write(&response, &f->out);
    assert_string_equal(text_of(&f->out), "{\"text\":\"half\",\"error\":{\"kind\":\"truncated\",\"message\":\"\"}}");
    response.message = STR("reset \"by\" peer");
    buf_clear(&f->out);
    response_write(&response, &f->out);
    assert_string_equal(text_of(&f->out), "{\"text\":\"half\",\"error\":{\"kind\":\"truncated\",\"message\":\"reset \\\"by\\\" peer\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_a_timing_is_written_in_order_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_did_not_happen_is_absent_and_read_as_never, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_chunk_is_not_the_same_as_not_streamed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_room_for_chunks_grows_and_is_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_of_the_wrong_type_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_response_writes_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_a_kind_and_a_message, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
