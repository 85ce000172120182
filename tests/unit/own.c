/* What a filter may append and cut (record/own.h; design, section 2, "Appending"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "record/own.h"

static const char *const own[] = {"answer", "extra", NULL};

/* The record as it is when the filter has cut; NULL: it may not append. */
static char *cut(const char *line, unsigned flags, struct err *err)
{
    struct jdoc *doc = jdoc_new();
    struct jsonl_record rec = {0};
    struct own_place place;
    struct buf padded = {0}, out = {0};
    assert_true(doc && buf_reserve(&padded, strlen(line) + JDOC_PADDING));
    buf_add_str(&padded, str_of(line));
    assert_int_equal(jsonl_parse(doc, buf_str(&padded), &rec, err), 0);
    int rc = own_claim(&rec, own, flags, &place, err);
    if (rc == 0) {
        own_cut(&rec, &place);
        assert_int_equal(jsonl_format(&rec, &out, err), 0);
        out.ptr[out.len - 1] = '\0'; // over the line feed
    }
    buf_release(&rec.added);
    buf_release(&padded);
    jdoc_free(doc);
    return out.ptr;
}

static void assert_cut(const char *line, unsigned flags, const char *want)
{
    struct err err = {0};
    char *got = cut(line, flags, &err);
    if (!got)
        fail_msg("%s: %s", line, err.msg);
    assert_string_equal(got, want);
    free(got);
}

static void assert_refused(const char *line, unsigned flags, const char *member)
{
    struct err err = {0};
    assert_null(cut(line, flags, &err));
    assert_int_equal(err.kind, ERR_EXISTS);
    assert_true(str_starts(str_of(err.msg), str_of(member)));
}

static void nothing_is_cut_where_none_is_there(void **state)
{
    (void)state;
    assert_cut("{\"id\":\"a\",\"b\":{\"answer\":1}}", 0, "{\"id\":\"a\",\"b\":{\"answer\":1}}");
    assert_cut("{\"id\":\"a\"}", OWN_REPLACE, "{\"id\":\"a\"}");
}

static void a_member_that_is_there_is_an_error_unless_replaced(void **state)
{
    (void)state;
    assert_refused("{\"id\":\"a\",\"answer\":1}", 0, "answer");
    assert_refused("{\"id\":\"a\",\"extra\":null}", 0, "extra");
    assert_cut("{\"id\":\"a\", \"extra\":[1] ,\"score\":2,\"answer\":1,\"x\":3 }", OWN_REPLACE, "{\"id\":\"a\"}");
    assert_cut("{\"id\":\"a\",\"\\u0061nswer\":1}", OWN_REPLACE, "{\"id\":\"a\"}"); // names compare unescaped
}

static void what_nobody_computes_again_is_not_cut(void **state)
{
    (void)state;
    assert_refused("{\"answer\":1,\"id\":\"a\"}", OWN_REPLACE, "id");
    assert_refused("{\"id\":\"a\",\"extra\":1,\"input\":{}}", OWN_REPLACE, "input");
    assert_refused("{\"id\":\"a\",\"extra\":1,\"x\":1,\"gold\":{}}", OWN_REPLACE | OWN_REQUEST, "gold");
    assert_refused("{\"id\":\"a\",\"answer\":1,\"request\":{}}", OWN_REPLACE, "request");
    assert_cut("{\"id\":\"a\",\"answer\":1,\"request\":{}}", OWN_REPLACE | OWN_REQUEST, "{\"id\":\"a\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_cut_where_none_is_there),
        cmocka_unit_test(a_member_that_is_there_is_an_error_unless_replaced),
        cmocka_unit_test(what_nobody_computes_again_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
