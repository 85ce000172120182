/* When an open loop sends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/arrivals.h"

#include "base/num.h"

#include <math.h>
#include <string.h>

static struct arrivals_leg legs[ARRIVALS_LEGS_MAX];

static struct arrivals start_plan(struct arrivals_plan plan, const char *rate)
{
    struct arrivals arrivals;
    struct err err;
    int count = arrivals_parse_rate(str_of(rate), legs, &err);
    assert_true(count > 0);
    plan.legs = legs;
    plan.leg_count = (size_t)count;
    assert_int_equal(arrivals_init(&arrivals, &plan, &err), 0);
    return arrivals;
}

static struct arrivals start(enum arrivals_kind kind, const char *rate, int64_t seed, int64_t shard)
{
    return start_plan((struct arrivals_plan){.kind = kind, .burstiness = 1, .seed = seed, .shard = shard}, rate);
}

static void constant_is_i_over_the_rate_and_does_not_drift(void **state)
{
    (void)state;
    struct arrivals arrivals = start(ARRIVALS_CONSTANT, "3", 0, 0);
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
    struct arrivals arrivals = start(ARRIVALS_POISSON, "50", 1, 0);
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
    struct arrivals arrivals = start(ARRIVALS_POISSON, "10", 42, 3);
    for (int i = 0; i < 5; i++)
        assert_int_equal(arrivals_next_ns(&arrivals), expected[i]);
    struct arrivals other = start(ARRIVALS_POISSON, "10", 42, 4);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(arrivals_next_ns(&other), expected[i]);
}

static void a_rate_must_be_above_zero_and_finite(void **state)
{
    (void)state;
    static const double wrong[] = {0, -1, NAN, INFINITY};
    struct arrivals arrivals;
    struct err err = {0};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct arrivals_leg leg = {wrong[i], wrong[i], 0};
        struct arrivals_plan plan = {.kind = ARRIVALS_POISSON, .legs = &leg, .leg_count = 1};
        assert_int_equal(arrivals_init(&arrivals, &plan, &err), -1);
        assert_int_equal(err.kind, ERR_RANGE);
    }
    struct arrivals_leg one = {1, 1, 0};
    struct arrivals_plan plan = {.kind = ARRIVALS_GAMMA, .legs = &one, .leg_count = 1};
    assert_int_equal(arrivals_init(&arrivals, &plan, &err), -1);
    static const char *const texts[] = {"", "x", "2:", "2:30", "2,3", "2-8", "2:30s,", "-1", "2:30s,2-8"};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strcmp(texts[i], "2:30") != 0) // a bare number is seconds
            assert_int_equal(arrivals_parse_rate(str_of(texts[i]), legs, &err), -1);
}

static void gamma_gaps_have_the_mean_and_the_variation_that_are_asked_for(void **state)
{
    (void)state;
    static const double shapes[] = {0.25, 1, 4};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct arrivals arrivals = start_plan((struct arrivals_plan){.kind = ARRIVALS_GAMMA, .burstiness = shapes[i], .seed = 7}, "100");
        double sum = 0, squares = 0, before = 0;
        enum { GAPS = 200000 };
        for (int k = 0; k < GAPS; k++) {
            double now = (double)arrivals_next_ns(&arrivals) / 1e9, gap = (now - before) * 100;
            sum += gap;
            squares += gap * gap;
            before = now;
        }
        double mean = sum / GAPS;
        assert_near(mean, 1, 0.02);
        assert_near((squares / GAPS - mean * mean) * shapes[i], 1, 0.05); // the variance is 1 / shape
    }
}

/* Constant gaps show the course of the rate itself: arrival k is where its integral is k. */
static void the_rate_may_take_its_course(void **state)
{
    (void)state;
    struct arrivals arrivals = start(ARRIVALS_CONSTANT, "2:10s,4-8:5s,8", 0, 0);
    for (int k = 0; k <= 20; k++)
        assert_int_equal(arrivals_next_ns(&arrivals), k * NS_PER_S / 2);
    for (int k = 1; k <= 30; k++) { // 4 t + 0.4 t^2 = k
        double t = (sqrt(16 + 1.6 * k) - 4) / 0.8;
        assert_near((double)arrivals_next_ns(&arrivals) / 1e9, 10 + t, 2e-9);
    }
    for (int k = 1; k <= 30; k++)
        assert_near((double)arrivals_next_ns(&arrivals) / 1e9, 15 + k / 8.0, 2e-9);
    // From nothing: guidellm's ramp, arrival k at sqrt(2 k D / r); and its end goes on.
    arrivals = start(ARRIVALS_CONSTANT, "0-10:20s", 0, 0);
    for (int k = 0; k <= 100; k++)
        assert_near((double)arrivals_next_ns(&arrivals) / 1e9, sqrt(2.0 * k * 20 / 10), 2e-9);
    assert_near((double)arrivals_next_ns(&arrivals) / 1e9, 20.1, 2e-9);
    // Where the rate is 0 nothing comes.
    arrivals = start(ARRIVALS_CONSTANT, "1:2s,0:10s,1", 0, 0);
    static const int64_t expected[] = {0, 1, 2, 13, 14};
    for (size_t k = 0; k < COUNT(expected); k++)
        assert_int_equal(arrivals_next_ns(&arrivals), expected[k] * NS_PER_S);
    // Down to a lower rate.
    arrivals = start(ARRIVALS_CONSTANT, "8-2:10s,2", 0, 0);
    for (int k = 0; k <= 50; k++) { // 8 t - 0.3 t^2 = k
        double t = (8 - sqrt(64 - 1.2 * k)) / 0.6;
        assert_near((double)arrivals_next_ns(&arrivals) / 1e9, t, 3e-9);
    }
    assert_near((double)arrivals_next_ns(&arrivals) / 1e9, 10.5, 2e-9);
}

static void vllm_s_schedule_is_reproduced(void **state)
{
    (void)state;
    // numpy.random.seed(0), rate 10, five requests (load-metrics, section 4).
    static const double expected[] = {.092258660, .237847554, .344868610, .436121845, .5};
    struct arrivals_leg ten = {10, 10, 0};
    struct arrivals_plan plan = {.kind = ARRIVALS_POISSON, .legs = &ten, .leg_count = 1};
    int64_t at_ns[1000];
    struct err err;
    assert_int_equal(arrivals_exact_span(&plan, 5, at_ns, &err), 0);
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_near((double)at_ns[i] / 1e9, expected[i], 1e-9);
    // Beyond one state of the generator, and of the other kinds: the last is where it must be.
    for (int kind = 0; kind < ARRIVALS_COUNT; kind++) {
        plan.kind = (enum arrivals_kind)kind;
        plan.burstiness = 0.5;
        assert_int_equal(arrivals_exact_span(&plan, 1000, at_ns, &err), 0);
        assert_int_equal(at_ns[999], 100 * NS_PER_S);
        for (int i = 1; i < 1000; i++)
            assert_true(at_ns[i] >= at_ns[i - 1]);
    }
    assert_int_equal(arrivals_exact_span(&plan, 0, at_ns, &err), 0);
    plan.seed = -1;
    assert_int_equal(arrivals_exact_span(&plan, 1, at_ns, &err), -1);
}

static void beyond_all_time_is_the_last_ns(void **state)
{
    (void)state;
    struct arrivals_leg slow = {1e-300, 1e-300, 0};
    struct arrivals arrivals;
    struct err err;
    assert_int_equal(arrivals_init(&arrivals, &(struct arrivals_plan){.legs = &slow, .leg_count = 1}, &err), 0);
    arrivals_next_ns(&arrivals);
    assert_int_equal(arrivals_next_ns(&arrivals), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_is_i_over_the_rate_and_does_not_drift), cmocka_unit_test(poisson_counts_vary_as_a_free_process_does),
        cmocka_unit_test(one_seed_gives_one_schedule_and_shards_differ),  cmocka_unit_test(a_rate_must_be_above_zero_and_finite),
        cmocka_unit_test(beyond_all_time_is_the_last_ns),
        cmocka_unit_test(gamma_gaps_have_the_mean_and_the_variation_that_are_asked_for),
        cmocka_unit_test(the_rate_may_take_its_course),
        cmocka_unit_test(vllm_s_schedule_is_reproduced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
