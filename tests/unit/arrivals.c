/* When an open loop sends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/arrivals.h"

#include "base/num.h"

static struct arrivals start(enum arrivals_kind kind, double rate_rps, int64_t seed, int64_t shard)
{
    struct arrivals arrivals;
    struct err err;
    assert_int_equal(arrivals_init(&arrivals, kind, rate_rps, seed, shard, &err), 0);
    return arrivals;
}

static void constant_is_i_over_the_rate_and_does_not_drift(void **state)
{
    (void)state;
    struct arrivals arrivals = start(ARRIVALS_CONSTANT, 3, 0, 0);
    assert_int_equal(arrivals_next_ns(&arrivals), 0);
    assert_int_equal(arrivals_next_ns(&arrivals), 333333333);
    assert_int_equal(arrivals_next_ns(&arrivals), 666666667);
    for (int64_t i = 3; i < 3000000; i++)
        arrivals_next_ns(&arrivals);
    assert_int_equal(arrivals_next_ns(&arrivals), 1000000 * NS_PER_S);
}

static void poisson_counts_vary_as_a_free_process_does(void **state)
{
    (void)state;
    // Counts in 2,000 windows of 50 arrivals: mean and variance are both 50.
    struct arrivals arrivals = start(ARRIVALS_POISSON, 50, 1, 0);
    double sum = 0, squares = 0;
    int64_t next = arrivals_next_ns(&arrivals);
    for (int window = 1; window <= 2000; window++) {
        double count = 0;
        for (; next < window * NS_PER_S; count++) {
            int64_t before = next;
            next = arrivals_next_ns(&arrivals);
            assert_true(next >= before);
        }
        sum += count;
        squares += (count - 50) * (count - 50);
    }
    assert_near(sum / 2000, 50, 0.7);
    assert_near(squares / 2000, 50, 7);
}

static void one_seed_gives_one_schedule_and_shards_differ(void **state)
{
    (void)state;
    // Computed from the definitions in stats/rng.h by an independent program (Python's integers, decimal logarithms).
    static const int64_t expected[] = {12125942, 73088330, 457658445, 457773343, 502577400};
    struct arrivals arrivals = start(ARRIVALS_POISSON, 10, 42, 3), other = start(ARRIVALS_POISSON, 10, 42, 4);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(arrivals_next_ns(&arrivals), expected[i]);
        assert_int_not_equal(arrivals_next_ns(&other), expected[i]);
    }
}

static void a_rate_must_be_above_zero_and_finite(void **state)
{
    (void)state;
    struct arrivals arrivals;
    struct err err = {0};
    assert_int_equal(arrivals_init(&arrivals, ARRIVALS_POISSON, 0, 0, 0, &err), -1);
    assert_int_equal(err.kind, ERR_RANGE);
    assert_int_equal(arrivals_init(&arrivals, ARRIVALS_CONSTANT, NAN, 0, 0, &err), -1);
    assert_int_equal(arrivals_init(&arrivals, ARRIVALS_CONSTANT, INFINITY, 0, 0, &err), -1);
}

static void beyond_all_time_is_the_last_ns(void **state)
{
    (void)state;
    struct arrivals arrivals = start(ARRIVALS_CONSTANT, 1e-300, 0, 0);
    arrivals_next_ns(&arrivals);
    assert_int_equal(arrivals_next_ns(&arrivals), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_is_i_over_the_rate_and_does_not_drift), cmocka_unit_test(poisson_counts_vary_as_a_free_process_does),
        cmocka_unit_test(one_seed_gives_one_schedule_and_shards_differ),  cmocka_unit_test(a_rate_must_be_above_zero_and_finite),
        cmocka_unit_test(beyond_all_time_is_the_last_ns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
