/* How many intervals overlap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/peak.h"

#include "base/num.h"
#include "stats/rng.h"

static int64_t most(struct peak *peak)
{
    int64_t value = -1;
    struct err err;
    assert_int_equal(peak_most(peak, &value, &err), 0);
    return value;
}

static int64_t most_touching(struct peak *peak)
{
    int64_t value = -1;
    struct err err;
    assert_int_equal(peak_most_touching(peak, &value, &err), 0);
    return value;
}

static void add(struct peak *peak, int64_t from_ms, int64_t to_ms)
{
    struct err err;
    assert_int_equal(peak_add(peak, from_ms * NS_PER_MS, to_ms * NS_PER_MS, &err), 0);
}

static void what_ends_as_another_begins_does_not_overlap_it(void **state)
{
    (void)state;
    // Five requests of 100 ms, one after the other: 1 at a time, and 5 in their second (vllm issue 56653).
    struct peak *peak = peak_new(100);
    assert_int_equal(most(peak), 0);
    for (int i = 0; i < 5; i++)
        add(peak, 5100 + i * 100, 5200 + i * 100);
    assert_int_equal(most(peak), 1);
    assert_int_equal(most_touching(peak), 5);
    add(peak, 5250, 5250); // nothing
    assert_int_equal(most(peak), 1);
    add(peak, 5250, 5240); // no interval
    assert_int_equal(most_touching(peak), 6);
    add(peak, 5150, 5350);
    assert_int_equal(most(peak), 2);
    peak_free(peak);
}

static void seconds_begin_at_the_earliest(void **state)
{
    (void)state;
    struct peak *peak = peak_new(100);
    add(peak, 700, 900);
    add(peak, 1100, 1650); // still in the second that began at 700
    add(peak, 1700, 1800); // in the next
    assert_int_equal(most_touching(peak), 2);
    peak_free(peak);
}

/* Brute force: the most is reached where one begins. */
static int64_t counted(const int64_t (*intervals)[2], int count)
{
    int64_t best = 0;
    for (int i = 0; i < count; i++) {
        int64_t here = 0;
        for (int j = 0; j < count; j++)
            here += intervals[j][0] <= intervals[i][0] && intervals[i][0] < intervals[j][1];
        best = here > best ? here : best;
    }
    return best;
}

static int64_t counted_by_second(const int64_t (*intervals)[2], int count)
{
    int64_t best = 0;
    for (int64_t second = -10; second < 100; second++) {
        int64_t here = 0;
        for (int j = 0; j < count; j++)
            here += intervals[j][0] < (second + 1) * 1000 && intervals[j][1] >= second * 1000;
        best = here > best ? here : best;
    }
    return best;
}

static void a_sweep_is_exact_and_seconds_are_no_less(void **state)
{
    (void)state;
    enum { INTERVALS = 300 };
    int64_t intervals[INTERVALS][2];
    struct rng rng = rng_stream(1, "test", 0);
    for (int round = 0; round < 20; round++) {
        struct peak *exact = peak_new(INTERVALS), *sketch = peak_new((size_t)round * 10);
        for (int i = 0; i < INTERVALS; i++) {
            intervals[i][0] = (int64_t)rng_below(&rng, 60000) - 5000;
            intervals[i][1] = intervals[i][0] + (int64_t)rng_below(&rng, 3000);
            add(exact, intervals[i][0], intervals[i][1]);
            add(sketch, intervals[i][0], intervals[i][1]);
        }
        assert_true(peak_exact(exact) && !peak_exact(sketch));
        assert_int_equal(most(exact), counted(intervals, INTERVALS));
        assert_int_equal(most(sketch), counted_by_second(intervals, INTERVALS));
        peak_free(exact);
        peak_free(sketch);
    }
}

static void a_long_time_has_wider_buckets(void **state)
{
    (void)state;
    struct peak *peak = peak_new(0);
    add(peak, -1000, 1500);
    add(peak, 1000, 2000);
    add(peak, INT64_MAX / NS_PER_MS - 1, INT64_MAX / NS_PER_MS); // 292 years later
    add(peak, INT64_MIN / NS_PER_MS, INT64_MIN / NS_PER_MS + 1);
    assert_int_equal(most(peak), 2);
    peak_free(peak);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ends_as_another_begins_does_not_overlap_it),
        cmocka_unit_test(seconds_begin_at_the_earliest),
        cmocka_unit_test(a_sweep_is_exact_and_seconds_are_no_less),
        cmocka_unit_test(a_long_time_has_wider_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
