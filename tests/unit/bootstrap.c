/* Intervals by resampling whole requests. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/bootstrap.h"
#include "stats/rng.h"

#include <stdlib.h>

static const double asked[] = {0.5, 0.9, 0.99};
static const struct bootstrap plan = {.units = 400, .resamples = 2000, .level = 0.95, .seed = 1, .quantiles = asked, .quantile_count = 3};

/* Each unit has a normal mean, and values around it. */
static struct quantiles *sample_of(int values_each, double spread_between, double spread_within)
{
    struct quantiles *q = quantiles_new(100000, QUANTILES_TAGGED);
    struct rng rng = rng_stream(5, "test", 0);
    struct err err;
    for (uint32_t unit = 0; unit < plan.units; unit++) {
        double mean = 100 + spread_between * rng_normal(&rng);
        for (int i = 0; i < values_each; i++)
            quantiles_add(q, mean + spread_within * rng_normal(&rng), unit, &err);
    }
    assert_int_equal(quantiles_settle(q, &err), 0);
    return q;
}

static struct bootstrap_sample run_plan(const struct bootstrap *with, const struct quantiles *q)
{
    struct bootstrap_sample sample = {.kept = quantiles_kept(q)};
    struct err err;
    assert_int_equal(bootstrap_run(with, &sample, 1, &err), 0);
    return sample;
}

static double width(struct bootstrap_interval interval)
{
    return interval.high - interval.low;
}

static void the_interval_of_a_mean_is_that_of_theory(void **state)
{
    (void)state;
    struct quantiles *q = sample_of(1, 10, 0);
    struct bootstrap_sample sample = run_plan(&plan, q);
    struct quantiles_moments m = quantiles_moments(q);
    double half = 1.96 * m.std / sqrt(400);
    assert_near(sample.mean.low, m.mean - half, 0.1 * half);
    assert_near(sample.mean.high, m.mean + half, 0.1 * half);
    // A median's deviation is 1.2533 of a mean's.
    assert_near(width(sample.quantiles[0]), 1.2533 * 2 * half, 0.5 * half);
    for (int i = 0; i < 3; i++)
        assert_true(sample.quantiles[i].low <= quantiles_at(q, asked[i]) && quantiles_at(q, asked[i]) <= sample.quantiles[i].high);
    bootstrap_release(&sample, 1);
    quantiles_free(q);
}

static void values_of_one_request_are_drawn_together(void **state)
{
    (void)state;
    // Fifty alike values each tell no more than one: drawn singly, the interval would be a seventh as wide.
    struct quantiles *one = sample_of(1, 10, 0), *fifty = sample_of(50, 10, 0);
    struct bootstrap_sample few = run_plan(&plan, one), many = run_plan(&plan, fifty);
    assert_near(width(many.mean) / width(few.mean), 1, 0.15);
    assert_near(width(many.quantiles[0]) / width(few.quantiles[0]), 1, 0.3);
    bootstrap_release(&few, 1);
    bootstrap_release(&many, 1);
    quantiles_free(one);
    quantiles_free(fifty);
}

static void one_seed_gives_one_interval(void **state)
{
    (void)state;
    struct bootstrap other = plan;
    other.seed = 2;
    struct quantiles *q = sample_of(3, 10, 1);
    struct bootstrap_sample a = run_plan(&plan, q), b = run_plan(&plan, q), c = run_plan(&other, q);
    assert_near(a.mean.low, b.mean.low, 0);
    assert_near(a.quantiles[2].high, b.quantiles[2].high, 0);
    assert_true(a.mean.low != c.mean.low);
    bootstrap_release(&a, 1);
    bootstrap_release(&b, 1);
    bootstrap_release(&c, 1);
    quantiles_free(q);
}

/* The same by brute force: the resample written out, sorted, and its quantile taken as quantile.h does. */
static void a_resamples_quantile_is_that_of_its_values_written_out(void **state)
{
    (void)state;
    struct quantiles *q = sample_of(3, 10, 4), *out = quantiles_new(100000, QUANTILES_PLAIN);
    struct bootstrap single = plan;
    struct rng rng = rng_stream(plan.seed, "bootstrap", 0);
    uint32_t weights[400] = {0};
    struct err err;
    single.resamples = 1;
    for (size_t i = 0; i < plan.units; i++)
        weights[rng_below(&rng, plan.units)]++;
    struct quantiles_kept kept = quantiles_kept(q);
    for (size_t i = 0; i < kept.count; i++)
        for (uint32_t w = 0; w < weights[kept.tags[i]]; w++)
            quantiles_add(out, kept.values[i], 0, &err);
    assert_int_equal(quantiles_settle(out, &err), 0);
    struct bootstrap_sample sample = run_plan(&single, q);
    assert_near(sample.mean.low, quantiles_moments(out).mean, 1e-10);
    for (int i = 0; i < 3; i++)
        assert_near(sample.quantiles[i].low, quantiles_at(out, asked[i]), 1e-12);
    bootstrap_release(&sample, 1);
    quantiles_free(out);
    quantiles_free(q);
}

static void an_empty_sample_has_no_interval(void **state)
{
    (void)state;
    struct bootstrap_sample sample = {0};
    struct err err;
    assert_int_equal(bootstrap_run(&plan, &sample, 1, &err), 0);
    assert_true(isnan(sample.mean.low) && isnan(sample.quantiles[2].high));
    bootstrap_release(&sample, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_of_a_mean_is_that_of_theory),
        cmocka_unit_test(values_of_one_request_are_drawn_together),
        cmocka_unit_test(one_seed_gives_one_interval),
        cmocka_unit_test(a_resamples_quantile_is_that_of_its_values_written_out),
        cmocka_unit_test(an_empty_sample_has_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
