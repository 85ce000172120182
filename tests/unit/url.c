/* net/url: base URLs, taken apart. */
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define assert_buf(buf, wanted) assert_part(&(buf), wanted, #buf, text)

static void assert_part(const struct buf *buf, const char *wanted, const char *part, const char *text)
{
    if (!str_is(buf_str(buf), wanted))
        fail_msg("%s of %s is \"%.*s\", not \"%s\"", part, text, STR_ARG(buf_str(buf)), wanted);
}

static void assert_url(const char *text, const char *origin, const char *base, const char *shown)
{
    struct url url;
    struct err err;
    if (url_parse(&url, text, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    assert_buf(url.origin, origin);
    assert_string_equal(url.origin.ptr, origin); // a zero byte follows, for libcurl
    assert_buf(url.base, base);
    assert_buf(url.shown, shown);
    assert_string_equal(strstr(origin, "://") + 3, (buf_add_char(&url.host, '\0'), url.host.ptr));
    assert_int_equal(url.tls, strncmp(origin, "https", 5) == 0);
    url_release(&url);
}

static void v1_is_added_once(void **state)
{
    (void)state;
    static const char *const same[] = {"http://h:8000",     "http://h:8000/",  "http://h:8000/v1",
                                       "http://h:8000/v1/", "http://h:8000//", "http://h:8000/v1//"};
    for (size_t i = 0; i < COUNT(same); i++)
        assert_url(same[i], "http://h:8000", "/v1", "http://h:8000/v1");
}

static void other_paths_stay(void **state)
{
    (void)state;
    assert_url("http://h/openai", "http://h", "/openai/v1", "http://h/openai/v1");
    assert_url("http://h/api/v3/", "http://h", "/api/v3", "http://h/api/v3");
    assert_url("https://h/v1beta", "https://h", "/v1beta", "https://h/v1beta");
    assert_url("https://h/version", "https://h", "/version/v1", "https://h/version/v1");
    assert_url("http://h/v", "http://h", "/v/v1", "http://h/v/v1");
    assert_url("http://h/a%20b", "http://h", "/a%20b/v1", "http://h/a%20b/v1");
}

static void endpoints_are_cut(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"/chat/completions", "/completions", "/embeddings", "/models", "/models/"};
    for (size_t i = 0; i < COUNT(endpoints); i++) {
        char text[100];
        snprintf(text, sizeof text, "http://h:8000/v1%s", endpoints[i]);
        assert_url(text, "http://h:8000", "/v1", "http://h:8000/v1");
        snprintf(text, sizeof text, "http://h:8000/api/v3%s?k=1", endpoints[i]);
        assert_url(text, "http://h:8000", "/api/v3", "http://h:8000/api/v3");
    }
    assert_url("http://h/models", "http://h", "/models/v1", "http://h/models/v1");
    assert_url("http://h/v1/models/v1", "http://h", "/v1/models/v1", "http://h/v1/models/v1");
    assert_url("http://h/v1/mymodels", "http://h", "/v1/mymodels/v1", "http://h/v1/mymodels/v1");
}

static void user_and_query_do_not_show(void **state)
{
    (void)state;
    static const char text[] = "https://user:p%40ss@h:8443/v1?api-version=1&key=secret#part";
    struct url url;
    struct err err;
    assert_url(text, "https://h:8443", "/v1", "https://h:8443/v1");
    assert_int_equal(url_parse(&url, text, &err), 0);
    assert_buf(url.query, "?api-version=1&key=secret");
    assert_buf(url.authority, "Basic dXNlcjpwQHNz");
    url_release(&url);
    assert_url("http://h?key=secret", "http://h", "/v1", "http://h/v1");
    assert_url("token@h:8000", "http://h:8000", "/v1", "http://h:8000/v1");
}

static void base64_is_padded(void **state)
{
    (void)state;
    static const char *const users[][2] = {{"http://a:b@h", "Basic YTpi"},
                                           {"http://a:@h", "Basic YTo="},
                                           {"http://a:bc@h", "Basic YTpiYw=="},
                                           {"http://a@h", "Basic YTo="},
                                           {"http://h", ""}};
    for (size_t i = 0; i < COUNT(users); i++) {
        const char *text = users[i][0];
        struct url url;
        struct err err;
        assert_int_equal(url_parse(&url, text, &err), 0);
        assert_buf(url.authority, users[i][1]);
        assert_buf(url.query, "");
        url_release(&url);
    }
}

static void addresses_keep_their_brackets(void **state)
{
    (void)state;
    assert_url("http://[::1]:8000/v1", "http://[::1]:8000", "/v1", "http://[::1]:8000/v1");
    assert_url("https://[2001:db8::1]", "https://[2001:db8::1]", "/v1", "https://[2001:db8::1]/v1");
    assert_url("[::1]:8000", "http://[::1]:8000", "/v1", "http://[::1]:8000/v1");
    assert_url("127.0.0.1:8000", "http://127.0.0.1:8000", "/v1", "http://127.0.0.1:8000/v1");
}

static void scheme_may_lack(void **state)
{
    (void)state;
    assert_url("localhost", "http://localhost", "/v1", "http://localhost/v1");
    assert_url("localhost:8000/v1", "http://localhost:8000", "/v1", "http://localhost:8000/v1");
    assert_url("HTTPS://h", "https://h", "/v1", "https://h/v1");
    assert_url("ftp.example.org:8000", "http://ftp.example.org:8000", "/v1", "http://ftp.example.org:8000/v1");
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "ftp://h",
                                        "file:///etc/passwd",
                                        "http://",
                                        "http://h:port",
                                        "http://h:70000",
                                        "http://secret @h",
                                        "http://h/a b",
                                        "http://[::1",
                                        "http://h\n",
                                        "unix:/run/secret"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct url url;
        struct err err = {0};
        if (url_parse(&url, texts[i], &err) == 0)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(err.kind, ERR_PARSE);
        assert_null(strstr(err.msg, "secret"));
        assert_null(url.origin.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_is_added_once),           cmocka_unit_test(other_paths_stay), cmocka_unit_test(base64_is_padded),
        cmocka_unit_test(user_and_query_do_not_show), cmocka_unit_test(scheme_may_lack),  cmocka_unit_test(addresses_keep_their_brackets),
        cmocka_unit_test(others_are_refused),         cmocka_unit_test(endpoints_are_cut),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
