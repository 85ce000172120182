/* load/cancel, load/models: what is drawn for a record by its place in the input. */
#include "load/cancel.h"
#include "load/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 100000 };

static void shares_and_times_are_read(void **state)
{
    (void)state;
    struct cancel cancel;
    struct err err;
    assert_int_equal(cancel_parse(&cancel, "10%", NULL, &err), 0);
    assert_true(cancel.share == 0.1 && cancel.chunks == 1);
    assert_int_equal(cancel_parse(&cancel, "0.25", "20", &err), 0);
    assert_true(cancel.share == 0.25 && cancel.chunks == 20);
    assert_int_equal(cancel_parse(&cancel, "1", "500ms", &err), 0);
    assert_true(cancel.chunks == 0 && cancel.after.first == 500e6);
    static const char *const wrong[][2] = {{"10", NULL}, {"101%", NULL}, {"-1%", NULL}, {"%", NULL}, {"x", NULL},
                                             {"1", "soon"}, {"1", "-3"}};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(cancel_parse(&cancel, wrong[i][0], wrong[i][1], &err), -1);
}

static void a_share_is_given_up_the_same_ones_each_time(void **state)
{
    (void)state;
    struct cancel cancel, later;
    struct err err;
    int64_t given_up = 0, sum_ns = 0;
    assert_int_equal(cancel_parse(&cancel, "10%", NULL, &err), 0);
    assert_int_equal(cancel_parse(&later, "10%", "exp:2s", &err), 0);
    for (int64_t i = 0; i < DRAWS; i++) {
        struct cancel_when when = cancel_draw(&cancel, 7, i), then = cancel_draw(&later, 7, i);
        assert_int_equal(when.chunks > 0, then.after_ns >= 0); // who it is does not go by when
        given_up += when.chunks > 0;
        sum_ns += then.after_ns >= 0 ? then.after_ns : 0;
    }
    assert_in_range(given_up, 9700, 10300);                    // sigma is 95
    assert_in_range(sum_ns / given_up, 1900000000, 2100000000); // sigma is 20 ms
    assert_int_equal(cancel_parse(&cancel, "0", NULL, &err), 0);
    assert_int_equal(cancel_draw(&cancel, 7, 1).chunks, 0);
    assert_int_equal(cancel_parse(&cancel, "100%", "3", &err), 0);
    assert_int_equal(cancel_draw(&cancel, 7, 1).chunks, 3);
}

static void models_come_in_turn_or_by_weight(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b/c:d=2", "e"};
    struct models models;
    struct err err;
    struct buf json = {0};
    assert_int_equal(models_init(&models, names, COUNT(names), NULL, &err), 0);
    for (int64_t i = 0; i < 9; i++)
        assert_int_equal(models_pick(&models, 7, i), i % 3);
    models_describe(&models, &json);
    assert_true(str_is(buf_str(&json), "[{\"name\":\"a\"},{\"name\":\"b/c:d=2\"},{\"name\":\"e\"}]"));
    models_release(&models);
    buf_release(&json);
    int64_t counts[3] = {0};
    assert_int_equal(models_init(&models, names, COUNT(names), "3,1,0.5", &err), 0);
    for (int64_t i = 0; i < DRAWS; i++)
        counts[models_pick(&models, 7, i)]++;
    assert_in_range(counts[0], 66000, 67350); // 2 of 3; sigma is 149
    assert_in_range(counts[2], 10650, 11570); // 1 of 9; sigma is 99
    models_release(&models);
    static const char *const wrong[] = {"", "1", "1,2", "1,2,", "1,2,3,4", "1,0,1", "1,-1,1", "1,x,1"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(models_init(&models, names, COUNT(names), wrong[i], &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_and_times_are_read),
        cmocka_unit_test(a_share_is_given_up_the_same_ones_each_time),
        cmocka_unit_test(models_come_in_turn_or_by_weight),
    };
    return cmocka_run_group_tests_name("draws", tests, NULL, NULL);
}
