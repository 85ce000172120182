/* mock/script and mock/fault: what a script may say, and how faults are drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/num.h"
#include "mock/fault.h"
#include "mock/script.h"

/* Lays the JSON over the script. */
static int apply(struct script *script, const char *json, struct err *err)
{
    struct jdoc *doc = jdoc_new();
    struct buf text = {0};
    struct jval root;
    assert_non_null(doc);
    buf_add_str(&text, str_of(json));
    assert_true(buf_reserve(&text, JDOC_PADDING));
    assert_int_equal(jdoc_parse(doc, text.ptr, text.len, &root, err), 0);
    int rc = script_apply(script, root, err);
    jdoc_free(doc);
    buf_release(&text);
    return rc;
}

static void a_script_says_what_it_says_and_no_more(void **state)
{
    struct script script, before;
    struct err err;
    (void)state;
    script_init(&script);
    before = script;
    assert_int_equal(apply(&script, "{}", &err), 0);
    assert_memory_equal(&script, &before, sizeof script);
    assert_int_equal(apply(&script,
                           "{\"ttft_ms\":1.5,\"itl_ms\":\"normal:20ms,2ms\",\"tokens\":7,\"per_event\":2,\"per_write\":3,\"reasoning\":4,"
                           "\"usage\":\"always\",\"role\":\"early\",\"finish\":\"abort\",\"headers_ms\":2,"
                           "\"fault\":\"crlf,split\",\"after\":1,"
                           "\"for_ms\":0.5,\"every\":9,\"retry_after_s\":3}",
                           &err),
                     0);
    assert_int_equal(script.ttft.kind, DISTRIBUTION_FIXED);
    assert_true(script.ttft.first == 1.5 * NS_PER_MS);
    assert_int_equal(script.itl.kind, DISTRIBUTION_NORMAL);
    assert_true(script.itl.second == 2 * NS_PER_MS);
    assert_int_equal(script.tokens_are, SCRIPT_TOKENS_EXACT);
    assert_true(script.tokens.first == 7);
    assert_int_equal(script.per_event, 2);
    assert_int_equal(script.per_write, 3);
    assert_int_equal(script.reasoning, 4);
    assert_int_equal(script.usage, SCRIPT_USAGE_ALWAYS);
    assert_int_equal(script.role, SCRIPT_ROLE_EARLY);
    assert_int_equal(script.finish, WIRE_ABORT);
    assert_true(script.has_headers && script.headers_ns == 2 * NS_PER_MS);
    assert_true(script.says_fault && script.faults == (FAULT_BIT(FAULT_CRLF) | FAULT_BIT(FAULT_SPLIT)));
    assert_int_equal(script.after, 1);
    assert_int_equal(script.for_ns, NS_PER_MS / 2);
    assert_int_equal(script.every, 9);
    assert_int_equal(script.retry_after_s, 3);
    assert_int_equal(apply(&script, "{\"fault\":null}", &err), 0); // over it: none, and none is drawn
    assert_true(script.says_fault && script.faults == 0);
    assert_int_equal(script.every, 9);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *json, *why;
    } wrong[] = {
        {"[]", "a script is an object"},
        {"{\"ttft\":1}", "ttft: no such member of a script"},
        {"{\"ttft_ms\":-1}", "ttft_ms: neither a number of ms nor a distribution"},
        {"{\"itl_ms\":\"sometimes:1\"}", "itl_ms: \"sometimes\" is no distribution"},
        {"{\"tokens\":-1}", "tokens: not a whole number from 0 to "},
        {"{\"tokens\":true}", "tokens: not a whole number from 0 to "},
        {"{\"per_event\":0}", "per_event: not a whole number from 1 to 1000"},
        {"{\"usage\":true}", "usage: no string"},
        {"{\"role\":\"late\"}", "role: \"late\" is none of its names"},
        {"{\"fault\":\"crlf,\"}", "fault: \"\" is no fault"},
        {"{\"fault\":3}", "fault: neither a string nor null"},
        {"{\"tool_calls\":[{\"name\":\"f\"}]}", "tool_calls: a call needs a name and arguments"},
        {"{\"for_ms\":\"1s\"}", "for_ms: not a number of ms"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct script script;
        struct err err;
        script_init(&script);
        assert_int_equal(apply(&script, wrong[i].json, &err), -1);
        assert_int_equal(strncmp(err.msg, wrong[i].why, strlen(wrong[i].why)), 0);
    }
}

static void faults_have_names_both_ways(void **state)
{
    struct err err;
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        uint64_t set;
        struct buf names = {0};
        assert_int_equal(fault_parse(str_of(fault_name((enum fault)i)), &set, &err), 0);
        assert_true(set == FAULT_BIT(i));
        fault_names(set | FAULT_BIT(FAULT_ENDLESS), &names);
        assert_true(str_starts(buf_str(&names), str_of(fault_name((enum fault)i))));
        assert_int_equal(fault_parse(buf_str(&names), &set, &err), 0);
        assert_true(set == (FAULT_BIT(i) | FAULT_BIT(FAULT_ENDLESS)));
        buf_release(&names);
    }
}

static void faults_are_drawn_by_their_shares(void **state)
{
    enum { DRAWS = 100000 };
    struct script_draws draws = {0};
    struct err err;
    struct rng rng = rng_stream(1, "test", 0);
    int resets = 0, both = 0;
    (void)state;
    assert_int_equal(script_draws_add(&draws, STR("reset:0.1"), &err), 0);
    assert_int_equal(script_draws_add(&draws, STR("crlf,comments:0.25"), &err), 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t set = script_draw(&draws, &rng);
        resets += set == FAULT_BIT(FAULT_RESET);
        both += set == (FAULT_BIT(FAULT_CRLF) | FAULT_BIT(FAULT_COMMENTS));
        assert_true(set == 0 || set == FAULT_BIT(FAULT_RESET) || set == (FAULT_BIT(FAULT_CRLF) | FAULT_BIT(FAULT_COMMENTS)));
    }
    assert_in_range(resets, DRAWS * 0.1 - 5 * 95, DRAWS * 0.1 + 5 * 95);    // five standard deviations: sqrt(n p (1 - p)) = 95
    assert_in_range(both, DRAWS * 0.25 - 5 * 137, DRAWS * 0.25 + 5 * 137);
    assert_int_equal(script_draws_add(&draws, STR("hang:0.7"), &err), -1);
    assert_int_equal(err.kind, ERR_RANGE);
    assert_int_equal(script_draws_add(&draws, STR("hang:0.65"), &err), 0);
    assert_int_equal(script_draws_add(&draws, STR("hung:0"), &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_says_what_it_says_and_no_more),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(faults_have_names_both_ways),
        cmocka_unit_test(faults_are_drawn_by_their_shares),
    };
    return cmocka_run_group_tests_name("mock/script", tests, NULL, NULL);
}
