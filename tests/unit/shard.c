/* Shards: which is which, who has what, and which of them a file holds (load/shard.h, report/shards.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/shard.h"
#include "report/shards.h"

static void a_shard_is_k_of_n(void **state)
{
    static const char *const wrong[] = {"", "/", "1", "0/2", "3/2", "-1/2", "1/0", "1/65537", "1 /2", "1/2/3", "a/b", "1.0/2"};
    struct shard shard;
    struct err err;
    (void)state;
    assert_int_equal(shard_parse(STR("2/3"), &shard, &err), 0);
    assert_int_equal(shard.number, 2);
    assert_int_equal(shard.count, 3);
    assert_int_equal(shard_parse(STR("65536/65536"), &shard, &err), 0);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(shard_parse(str_of(wrong[i]), &shard, &err), -1);
}

static void each_place_is_one_shards(void **state)
{
    (void)state;
    for (int64_t place = 0; place < 100; place++) {
        int owners = 0;
        for (int64_t k = 1; k <= 7; k++)
            owners += shard_has(&(struct shard){k, 7}, place);
        assert_int_equal(owners, 1);
        assert_true(shard_has(&(struct shard){place % 7 + 1, 7}, place));
        assert_true(shard_has(&(struct shard){0}, place));
    }
}

static void note(struct shards *shards, const char *load, struct buf *less)
{
    struct jdoc *doc = jdoc_new();
    struct buf text = {0};
    struct jval root;
    struct err err;
    assert_true(buf_reserve(&text, strlen(load) + JDOC_PADDING));
    buf_add_str(&text, str_of(load));
    assert_int_equal(jdoc_parse(doc, text.ptr, text.len, &root, &err), 0);
    assert_int_equal(shards_note(shards, root, &err), 0);
    buf_clear(less);
    shards_write_load(root, less);
    buf_add_char(less, '\0');
    buf_release(&text);
    jdoc_free(doc);
}

static void a_file_tells_which_shards_it_holds(void **state)
{
    struct shards shards = {0};
    struct buf less = {0};
    (void)state;
    note(&shards, "{\"mode\":\"open\",\"seed\":0}", &less);
    assert_string_equal(less.ptr, "{\"mode\":\"open\",\"seed\":0}");
    assert_int_equal(shards.count, 0);
    note(&shards, "{\"mode\":\"open\",\"shard\":\"3/3\",\"urls\":[\"a\"]}", &less);
    assert_string_equal(less.ptr, "{\"mode\":\"open\",\"urls\":[\"a\"]}");
    note(&shards, "{\"shard\":\"1/3\"}", &less);
    note(&shards, "{\"shard\":\"3/3\"}", &less);
    note(&shards, "{\"shard\":\"4/3\"}", &less); // is none
    assert_int_equal(shards.count, 3);
    assert_int_equal(shards.there, 2);
    note(&shards, "{\"shard\":\"5/9\"}", &less); // of another load that began at the same time
    assert_int_equal(shards.count, 9);
    assert_int_equal(shards.there, 3);
    shards_release(&shards);
    buf_release(&less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shard_is_k_of_n),
        cmocka_unit_test(each_place_is_one_shards),
        cmocka_unit_test(a_file_tells_which_shards_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
