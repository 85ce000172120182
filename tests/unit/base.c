/* unit/base.c: err, buf, str, num, clock and the JSON writer */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void an_error_is_a_kind_and_a_sentence(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_PARSE, "line %d: %s", 3, "no comma"), -1);
    assert_int_equal(err.kind, ERR_PARSE);
    assert_int_equal(err_prefix(&err, "%s: ", "a.json"), -1);
    assert_string_equal(err.msg, "a.json: line 3: no comma");
    assert_int_equal(err.kind, ERR_PARSE);
    errno = ENOENT;
    assert_int_equal(err_errno(&err, "open %s", "x"), -1);
    assert_string_equal(err.msg, "open x: No such file or directory");
    assert_int_equal(err.kind, ERR_IO);
    errno = ENOMEM;
    err_errno(&err, "open %s", "x");
    assert_int_equal(err.kind, ERR_NOMEM);
    assert_string_equal(err.msg, "out of memory");
}

static void an_error_too_long_is_cut_at_its_end(void **state)
{
    (void)state;
    struct err err;
    char text[sizeof err.msg + 100];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    err_prefix(&err, "%s: ", "file");
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    assert_memory_equal(err.msg, "file: xxx", 9);
    err_prefix(&err, "%s: ", text); // nothing is left of what was there
    assert_memory_equal(err.msg, text, sizeof err.msg - 1);
    assert_int_equal(err.msg[sizeof err.msg - 1], '\0');
}

static void bytes_grow(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_true(str_is(buf_str(&buf), ""));
    for (int i = 0; i < 10000; i++) {
        buf_addf(&buf, "%d,", i);
        buf_add(&buf, NULL, 0);
    }
    assert_false(buf.failed);
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
    assert_memory_equal(buf.ptr + buf.len - 10, "9998,9999,", 10);
    char *at = buf.ptr;
    buf_clear(&buf);
    buf_add_char(&buf, 'a');
    assert_ptr_equal(buf.ptr, at); // its room is used again
    assert_true(str_is(buf_str(&buf), "a"));
    buf_release(&buf);
    assert_null(buf.ptr);
    assert_int_equal(buf.cap, 0);
}

static void a_size_that_overflows_fails_and_stays_failed(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_add(&buf, "ab", 2);
    assert_false(buf_reserve(&buf, SIZE_MAX - 1));
    assert_true(buf.failed);
    buf_add(&buf, "c", 1);
    buf_add_char(&buf, 'd');
    buf_addf(&buf, "%s", "e");
    assert_int_equal(buf.len, 2);
    assert_false(buf_reserve(&buf, 0));
    buf_clear(&buf);
    buf_add(&buf, "f", 1);
    assert_true(!buf.failed && str_is(buf_str(&buf), "f"));
    buf_release(&buf);
}

static void strings_are_views(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), (struct str){"a\0b", 3}));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_is(STR("a\0"), "a"));
    assert_true(str_is_nocase(STR("Content-Type"), "content-TYPE"));
    assert_false(str_is_nocase(STR("Content-Typ"), "content-type"));
    assert_true(str_starts(STR("data: x"), STR("data:")));
    assert_false(str_starts(STR("dat"), STR("data:")));
    assert_true(str_is(str_trim(STR(" \t\r\n a b \r\n")), "a b"));
    assert_true(str_is(str_trim(STR(" \n")), ""));
    assert_int_equal(str_trim(STR("\0 ")).len, 1);
}

static void whole_numbers(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t value = 5;
    assert_int_equal(num_int(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &value, &err), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(num_int(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value, &err), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(num_int(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &value, &err), -1);
    assert_int_equal(err.kind, ERR_RANGE);
    assert_string_equal(err.msg, "9223372036854775808 is too large (-9223372036854775808 to 9223372036854775807)");
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "\f1", "1.0", "0x1", "1e2", "one",
                                      "1111111111111111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        value = 5;
        assert_int_equal(num_int(str_of(bad[i]), 0, 100, &value, &err), -1);
        assert_int_equal(err.kind, ERR_PARSE);
        assert_int_equal(value, 5);
    }
    assert_int_equal(num_int(STR("1\0"), 0, 100, &value, &err), -1);
    assert_int_equal(num_int((struct str){"123", 2}, 0, 100, &value, &err), 0); // a view need not end with a zero
    assert_int_equal(value, 12);
}

static void doubles_read_and_written_are_equal(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 2.0 / 3, 1e-7, 123456.789, 1e15, 1e15 + 1, 9007199254740993.0, 1e22, 1e23, 5e-324,
                                    M_PI, -0.0, 0.3, 1 - 1e-16, 2.5e-5, 4503599627370497.5, -7, 999999999999999.0,
                                    1.7976931348623157e308};
    char text[40];
    struct err err;
    for (size_t i = 0; i < COUNT(values); i++) {
        double back;
        size_t len = num_format_double(text, sizeof text, values[i]);
        assert_int_equal(len, strlen(text));
        assert_int_equal(num_double((struct str){text, len}, -INFINITY, INFINITY, &back, &err), 0);
        assert_true(back == values[i]);
    }
    num_format_double(text, sizeof text, 0.1);
    assert_string_equal(text, "0.1");
    num_format_double(text, sizeof text, 42);
    assert_string_equal(text, "42");
    num_format_double(text, sizeof text, 0.1 + 0.2);
    assert_string_equal(text, "0.30000000000000004");
    // The digits are those of printf, whichever way they are made.
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 300000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17; // xorshift64
        double any = ldexp((double)(bits >> 11), -60 + i % 75), tries[] = {any, -(double)(bits % 1000000007) / 1e6, any / 997,
                                                                           ldexp(1, i % 75 - 15), (double)(bits >> 14) + 0.25};
        double tried = tries[i % 5];
        char usual[40];
        int digits = 15;
        do
            snprintf(usual, sizeof usual, "%.*g", digits, tried);
        while (digits++ < 17 && strtod(usual, NULL) != tried);
        num_format_double(text, sizeof text, tried);
        if (tried != trunc(tried))
            assert_string_equal(text, usual);
    }
    double value = 5;
    static const char *const bad[] = {"", ".", "nan", "inf", "-inf", "infinity", "0x1p3", "1,5", " 1", "+1", "1e", "1 "};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(num_double(str_of(bad[i]), -1e9, 1e9, &value, &err), -1);
    assert_int_equal(num_double(STR("1e999"), 0, 1e300, &value, &err), -1);
    assert_string_equal(err.msg, "1e999 is too large (0 to 1e+300)");
    assert_true(value == 5);
}

static void whole_numbers_are_written(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN, -1000000};
    for (size_t i = 0; i < COUNT(values); i++) {
        char text[24];
        int64_t back;
        struct err err;
        struct str written = {text, num_format_int(text, values[i])};
        assert_int_equal(num_int(written, INT64_MIN, INT64_MAX, &back, &err), 0);
        assert_true(back == values[i]);
    }
}

static void times_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"1", 1000000000}, {"0", 0},     {"500ms", 500000000},   {"1.5us", 1500},          {"3ns", 3},
                {".5s", 500000000}, {"2m", 120000000000}, {"1h", 3600000000000}, {"1e3s", 1000000000000}, {"0.1", 100000000},
                {"1.005", 1005000000}, {"8.2", 8200000000}}; // the last two, times 1e9, are just below as doubles
    static const char *const bad[] = {"", "s", "1 s", "-1s", "1d", "1S", "1ss", "ms5", "1e99h", "999999999h", "nans"};
    struct err err;
    int64_t ns;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(num_duration_ns(str_of(good[i].text), &ns, &err), 0);
        assert_true(ns == good[i].ns);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(num_duration_ns(str_of(bad[i]), &ns, &err), -1);
}

static void utc_is_written_to_the_digit_asked_for(void **state)
{
    (void)state;
    char text[CLOCK_UTC_SIZE];
    int64_t at = 1795506180123456789; // date -u -d @1795506180: 2026-11-24T07:43:00
    clock_format_utc(text, at, 9);
    assert_string_equal(text, "2026-11-24T07:43:00.123456789Z");
    clock_format_utc(text, at, 3);
    assert_string_equal(text, "2026-11-24T07:43:00.123Z");
    clock_format_utc(text, at, 0);
    assert_string_equal(text, "2026-11-24T07:43:00Z");
    clock_format_utc(text, 1000000007, 9);
    assert_string_equal(text, "1970-01-01T00:00:01.000000007Z");
}

static void utc_is_read_as_it_is_written(void **state)
{
    (void)state;
    // The last two: 2000-02-29, and the end of 2261.
    static const int64_t times[] = {0, 1000000007, 1795506180123456789, 951782400000000000, 9214646399999999999};
    static const char *const none[] = {"", "2026-11-24T07:43:00", "2026-11-24 07:43:00Z", "2026-13-24T07:43:00Z", "2026-11-32T07:43:00Z",
                                       "2026-02-30T00:00:00Z", "2026-11-24T24:43:00Z", "2026-11-24T07:60:00Z", "2026-11-24T07:43:00.5",
                                       "2026-11-24T07:43:00.5Zx", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2026-11-24T07:4x:00Z"};
    char text[CLOCK_UTC_SIZE];
    int64_t read_ns = 0;
    for (size_t i = 0; i < COUNT(times); i++) {
        clock_format_utc(text, times[i], 9);
        assert_true(clock_parse_utc(str_of(text), &read_ns));
        assert_int_equal(read_ns, times[i]);
    }
    assert_true(clock_parse_utc(STR("2026-11-24T07:43:00Z"), &read_ns));
    assert_int_equal(read_ns, 1795506180000000000);
    assert_true(clock_parse_utc(STR("2026-11-24T07:43:00.5Z"), &read_ns));
    assert_int_equal(read_ns, 1795506180500000000);
    assert_true(clock_parse_utc(STR("2026-11-24T07:43:00.1234567899999Z"), &read_ns));
    assert_int_equal(read_ns, 1795506180123456789);
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(clock_parse_utc(str_of(none[i]), &read_ns));
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t before = clock_ns(), cpu = clock_thread_cpu_ns();
    assert_true(before > 0 && clock_ns() >= before);
    assert_true(cpu >= 0 && clock_thread_cpu_ns() >= cpu);
    assert_true(clock_utc_ns() > 1767225600 * NS_PER_S); // 2026
}

static void written_is(struct buf *out, const char *expected)
{
    buf_add_char(out, '\0');
    assert_false(out->failed);
    assert_string_equal(out->ptr, expected);
    buf_release(out);
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    struct buf out = {0};
    json_object(&out);
    json_key(&out, "a"), json_array(&out);
    json_array(&out), json_array_end(&out);
    json_int(&out, -1), json_double(&out, 0.5), json_bool(&out, true), json_null(&out), json_cstr(&out, "{"), json_cstr(&out, ",");
    json_raw(&out, STR("{\"x\":1}"));
    json_object(&out), json_object_end(&out);
    json_array_end(&out);
    json_key(&out, "b"), json_object(&out), json_object_end(&out);
    json_key(&out, "c"), json_bool(&out, false);
    json_object_end(&out);
    written_is(&out, "{\"a\":[[],-1,0.5,true,null,\"{\",\",\",{\"x\":1},{}],\"b\":{},\"c\":false}");
}

static void what_is_no_number_is_null(void **state)
{
    (void)state;
    struct buf out = {0};
    json_array(&out);
    json_double(&out, NAN), json_double(&out, INFINITY), json_double(&out, -INFINITY), json_double(&out, 0);
    json_array_end(&out);
    written_is(&out, "[null,null,null,0]");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    json_str(&out, STR("\"\\/\b\f\n\r\t\x01\x1f\x7f\0.\xc3\xa9\xf0\x9f\x98\x80"));
    written_is(&out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000.\xc3\xa9\xf0\x9f\x98\x80\"");
    json_object(&out);
    json_key_str(&out, STR("a\"\n")), json_cstr(&out, "");
    json_object_end(&out);
    written_is(&out, "{\"a\\\"\\n\":\"\"}");
}

/* Well-formed and ill-formed sequences: The Unicode Standard 15.0, table 3-7 and section 3.9. */
static void bytes_that_are_no_utf8_become_the_replacement(void **state)
{
    (void)state;
#define BAD "\xef\xbf\xbd"
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {STR("a\xff" "b"), "\"a" BAD "b\""},
        {STR("\x80"), "\"" BAD "\""},
        {STR("\xc0\xaf"), "\"" BAD BAD "\""},                       // overlong /
        {STR("\xe0\x9f\xbf"), "\"" BAD BAD BAD "\""},               // overlong
        {STR("\xed\xa0\x80"), "\"" BAD BAD BAD "\""},               // a surrogate
        {STR("\xf0\x8f\xbf\xbf"), "\"" BAD BAD BAD BAD "\""},       // overlong
        {STR("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""},       // above U+10FFFF
        {STR("\xc3"), "\"" BAD "\""},                               // cut short at the end
        {STR("\xe2\x82"), "\"" BAD BAD "\""},
        {STR("\xe2\x82\""), "\"" BAD BAD "\\\"\""},                 // and in front of a quote
        {STR("\xed\x9f\xbf\xee\x80\x80"), "\"\xed\x9f\xbf\xee\x80\x80\""}, // around the surrogates
        {STR("\xf4\x8f\xbf\xbf\xc2\x80"), "\"\xf4\x8f\xbf\xbf\xc2\x80\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = {0};
        json_str(&out, cases[i].in);
        written_is(&out, cases[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_a_kind_and_a_sentence),
        cmocka_unit_test(an_error_too_long_is_cut_at_its_end),
        cmocka_unit_test(bytes_grow),
        cmocka_unit_test(a_size_that_overflows_fails_and_stays_failed),
        cmocka_unit_test(strings_are_views),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(doubles_read_and_written_are_equal),
        cmocka_unit_test(whole_numbers_are_written),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(utc_is_written_to_the_digit_asked_for),
        cmocka_unit_test(utc_is_read_as_it_is_written),
        cmocka_unit_test(clocks_go_forward),
        cmocka_unit_test(commas_come_by_themselves),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
