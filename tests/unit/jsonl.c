/* unit/jsonl.c: the parsed document, and a record's members in its line. Files and pipes: tests/cli/jsonl.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "jsonl/jsonl.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct jdoc *doc;
    char text[4096 + JDOC_PADDING];
    struct jsonl_record rec;
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
    buf_release(&f->rec.added);
    jdoc_free(f->doc);
    free(f);
    return 0;
}

static struct jval parsed(struct fixture *f, const char *text)
{
    struct jval root;
    size_t len = strlen(text);
    memcpy(f->text, text, len);
    memset(f->text + len, '}', JDOC_PADDING); // what stands behind a text is nothing to the parser
    if (jdoc_parse(f->doc, f->text, len, &root, &f->err) < 0)
        fail_msg("%s: %s", text, f->err.msg);
    return root;
}

static int record_of(struct fixture *f, const char *text)
{
    size_t len = strlen(text);
    memcpy(f->text, text, len);
    memset(f->text + len, '}', JDOC_PADDING);
    return jsonl_parse(f->doc, (struct str){f->text, len}, &f->rec, &f->err);
}

static void record_is(struct fixture *f, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(jsonl_format(&f->rec, &out, &f->err), 0);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

static void getters_give_their_own_type_or_nothing(void **state)
{
    struct jval root = parsed(*state, "{\"i\":-7,\"d\":1.5,\"w\":3.0,"
                                      "\"u\":18446744073709551615,\"t\":true,\"n\":null,\"s\":\"a\\u0000b\",\"a\":[1]}");
    struct str text = STR("as it was");
    int64_t number = 99;
    double real = 99;
    assert_true(jval_int_at(root, "/i", &number));
    assert_int_equal(number, -7);
    assert_true(jval_int_at(root, "/w", &number));
    assert_int_equal(number, 3);
    assert_true(jval_double_at(root, "/i", &real) && real == -7);
    assert_true(jval_double_at(root, "/u", &real) && real == 18446744073709551615.0);
    assert_true(jval_str_at(root, "/s", &text));
    assert_true(str_eq(text, STR("a\0b")));
    number = 99, real = 99, text = STR("as it was");
    static const char *const not_whole[] = {"/d", "/u", "/t", "/n", "/s", "/a", "/none"};
    for (size_t i = 0; i < COUNT(not_whole); i++)
        assert_false(jval_int_at(root, not_whole[i], &number));
    assert_false(jval_double_at(root, "/s", &real));
    assert_false(jval_str_at(root, "/i", &text));
    assert_true(number == 99 && real == 99 && str_is(text, "as it was"));
    struct jval value;
    bool flag = false;
    assert_true(jval_member(root, "t", &value) && jval_bool(value, &flag) && flag);
    assert_true(jval_member(root, "n", &value) && jval_is_null(value) && !jval_bool(value, &flag));
    assert_int_equal(jval_count(root), 8);
    assert_int_equal(jval_type(root), JTYPE_OBJECT);
}

static void a_path_goes_through_objects_only(void **state)
{
    struct jval root = parsed(*state, "{\"a\":{\"b\":{\"\":5}},\"l\":[{\"b\":1}],\"s\":\"x\",\"same\":1,\"same\":2}"), value;
    int64_t number;
    assert_true(jval_int_at(root, "/a/b/", &number));
    assert_int_equal(number, 5);
    assert_true(jval_at(root, "/a/b", &value) && jval_type(value) == JTYPE_OBJECT);
    assert_true(jval_at(root, "", &value) && jval_count(value) == 5);
    assert_false(jval_at(root, "/a/c", &value));
    assert_false(jval_at(root, "/l/b", &value));
    assert_false(jval_at(root, "/s/b", &value));
    assert_true(jval_int_at(root, "/same", &number));
    assert_int_equal(number, 1);
}

static void items_come_in_order(void **state)
{
    struct jval root = parsed(*state, "{\"b\":[],\"a\":[10,20,[30],{}],\"c\":{}}"), value;
    struct str name;
    char names[4] = "";
    for (struct jiter it = jval_items(root); jiter_next(&it, &name, &value);)
        names[strlen(names)] = name.ptr[0];
    assert_string_equal(names, "bac");
    assert_true(jval_member(root, "a", &value));
    assert_int_equal(jval_count(value), 4);
    int64_t numbers[2] = {0};
    assert_int_equal(jval_ints(value, numbers, 2), -1);
    assert_int_equal(jval_ints(root, numbers, 2), -1);
    assert_int_equal(jval_ints(parsed(*state, "[1,2,3.0]"), numbers, 2), 3);
    assert_true(numbers[0] == 1 && numbers[1] == 2);
    assert_int_equal(jval_ints(parsed(*state, "[]"), NULL, 0), 0);
    struct jiter none = jval_items(parsed(*state, "7"));
    assert_false(jiter_next(&none, &name, &value));
}

static void what_is_not_json_is_said_so(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\xff\"", "\"a\nb\"", "01", "1e999", "'a'", "{\"a\":1}}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct jval root;
        size_t len = strlen(bad[i]);
        memcpy(f->text, bad[i], len);
        memset(f->text + len, ' ', JDOC_PADDING);
        f->err.kind = ERR_NONE;
        if (jdoc_parse(f->doc, f->text, len, &root, &f->err) == 0)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(f->err.kind, ERR_PARSE);
    }
    parsed(f, "[1]"); // and the parser goes on
}

static void a_value_written_is_json_of_the_same(void **state)
{
    static const char text[] = "{\"a\":[1,-2,18446744073709551615,"
                               "0.1,true,false,null,\"x\\n\\u0000\xc3\xa9\"],\"b\":{\"c\":{}},\"d\":[[],[[]]]}";
    struct buf out = {0};
    jval_write(parsed(*state, text), &out);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, text);
    buf_release(&out);
}

static void members_are_appended_before_the_last_brace(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(record_of(f, "{\"a\":1 } \r"), 0);
    json_int(jsonl_append(&f->rec, "b"), 2);
    struct buf *out = jsonl_append(&f->rec, "c\"");
    json_object(out), json_key(out, "x"), json_array(out), json_array_end(out), json_object_end(out);
    record_is(f, "{\"a\":1 ,\"b\":2,\"c\\\"\":{\"x\":[]}} \r\n");
    assert_int_equal(record_of(f, "{ }"), 0);
    json_int(jsonl_append(&f->rec, "b"), 2);
    json_int(jsonl_append(&f->rec, "c"), 3);
    record_is(f, "{ \"b\":2,\"c\":3}\n");
    assert_int_equal(record_of(f, "{}"), 0); // what was added before is forgotten
    record_is(f, "{}\n");
}

static void a_member_is_found_as_it_stands_in_the_line(void **state)
{
    struct fixture *f = *state;
    struct jsonl_member member;
    assert_int_equal(record_of(f, " { \"a\" : 1.50 ,\"\\u0062\":[ \"]\\\\\" , {} ],\"c\":\"}\\\"\" , \"d\":{\"a\":2}\t, \"e\":null }"), 0);
    static const struct {
        const char *name, *value;
    } members[] = {{"a", "1.50"}, {"b", "[ \"]\\\\\" , {} ]"}, {"c", "\"}\\\"\""}, {"d", "{\"a\":2}"}, {"e", "null"}};
    size_t i = 0;
    for (struct jsonl_walk walk = jsonl_members(&f->rec); jsonl_each(&f->rec, &walk, &member); i++) {
        assert_true(i < COUNT(members));
        assert_true(str_is(member.name, members[i].name));
        assert_true(str_is(member.value, members[i].value));
    }
    assert_int_equal(i, COUNT(members));
    assert_true(jsonl_member(&f->rec, "d", &member) && str_is(member.value, "{\"a\":2}"));
    assert_true(jsonl_has(&f->rec, "b"));
    assert_false(jsonl_has(&f->rec, "x"));
    assert_false(jsonl_member(&f->rec, "x", &member));
}

static void a_cut_drops_a_member_and_what_follows(void **state)
{
    struct fixture *f = *state;
    struct jsonl_member member, later;
    assert_int_equal(record_of(f, "{ \"a\":1 , \"b\":2,\"c\":3 }\r"), 0);
    json_int(jsonl_append(&f->rec, "old"), 0);
    assert_true(jsonl_member(&f->rec, "b", &member) && jsonl_member(&f->rec, "c", &later));
    jsonl_cut(&f->rec, &member);
    record_is(f, "{ \"a\":1 }\r\n");
    json_int(jsonl_append(&f->rec, "b"), 9);
    jsonl_cut(&f->rec, &later); // is gone already
    record_is(f, "{ \"a\":1 ,\"b\":9}\r\n");
    assert_false(jsonl_member(&f->rec, "c", &later));
    assert_true(jsonl_member(&f->rec, "a", &member));
    jsonl_cut(&f->rec, &member);
    record_is(f, "{}\r\n");
    assert_false(jsonl_member(&f->rec, "a", &member));
    json_int(jsonl_append(&f->rec, "n"), 1);
    record_is(f, "{\"n\":1}\r\n");
}

static void a_repeated_name_is_no_record(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"{\"a\":1,\"a\":1}", "{\"\":1,\"\":2}", "{\"\\u0061\":1,\"b\":{},\"a\":2}",
                                      "{\"a\\u0000\":1,\"a\\u0000\":1}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(record_of(f, bad[i]), -1);
        assert_int_equal(f->err.kind, ERR_PARSE);
        assert_non_null(strstr(f->err.msg, "is there twice"));
    }
    assert_int_equal(record_of(f, "{\"a\\u0000b\":1,\"a\\u0000c\":1,\"a\":{\"x\":1,\"x\":2}}"), 0);
    struct buf many = {0};
    for (int names = 23; names < 28; names++) // 24 is where the way of comparing changes
        for (int twice = 0; twice < 2; twice++) {
            buf_clear(&many);
            for (int i = 0; i < names; i++)
                buf_addf(&many, "%c\"name%d\":%d", i ? ',' : '{', twice && i == names - 1 ? 3 : i, i);
            buf_addf(&many, "}");
            buf_add_char(&many, '\0');
            assert_int_equal(record_of(f, many.ptr), twice ? -1 : 0);
        }
    buf_release(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(getters_give_their_own_type_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_path_goes_through_objects_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(items_come_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_json_is_said_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_written_is_json_of_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_are_appended_before_the_last_brace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_member_is_found_as_it_stands_in_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_drops_a_member_and_what_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_repeated_name_is_no_record, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
