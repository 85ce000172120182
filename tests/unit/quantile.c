/* Mean, deviation and quantiles: NumPy's where values are kept, within the stated error beyond. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/quantile.h"
#include "stats/sort.h"

#include <stdlib.h>

enum { MANY = 10000 };

static double value_of(int i)
{
    double x = i * 7919 % 10007;
    return x * sqrt(x) * 1e3 + i;
}

static struct quantiles *sample_of(size_t keep, enum quantiles_flags flags)
{
    struct quantiles *q = quantiles_new(keep, flags);
    struct err err;
    for (int i = 0; i < MANY; i++)
        assert_int_equal(quantiles_add(q, value_of(i), (uint32_t)i, &err), 0);
    assert_int_equal(quantiles_settle(q, &err), 0);
    return q;
}

// numpy.percentile, .mean and .std (2.4.6) of [(i*7919%10007)**1.5*1e3+i for i in range(10000)]
static const struct {
    double p, value;
} numpy[] = {
    {0, 0},
    {0.01, 1005937.7756273557},
    {0.25, 125138779.62187591},
    {0.5, 354039763.37154275},
    {0.75, 650203669.7406206},
    {0.9, 854684369.5876379},
    {0.95, 926831249.6865379},
    {0.99, 985939639.6663839},
    {0.999, 999401641.9377483},
    {0.9999, 1000752188.6423134},
    {1, 1000901174.986503},
};
static const double numpy_mean = 400448034.4087453, numpy_std = 300322451.16437995;

static void assert_sample(struct quantiles *q, double tolerance)
{
    struct quantiles_moments m = quantiles_moments(q);
    assert_int_equal(quantiles_count(q), MANY);
    assert_near(m.mean, numpy_mean, 1e-14 * numpy_mean);
    assert_near(m.std, numpy_std, 1e-13 * numpy_std);
    assert_near(m.min, 0, 0);
    assert_near(m.max, 1000901174.986503, 1e-6);
    for (size_t i = 0; i < sizeof numpy / sizeof *numpy; i++)
        assert_near(quantiles_at(q, numpy[i].p), numpy[i].value, tolerance * numpy[i].value);
    quantiles_free(q);
}

static void kept_values_give_numpys_quantiles(void **state)
{
    (void)state;
    struct quantiles *q = sample_of(MANY, QUANTILES_PLAIN);
    assert_true(quantiles_exact(q));
    assert_sample(q, 1e-12);
}

static void a_sketch_is_within_its_stated_error(void **state)
{
    (void)state;
    size_t keeps[] = {0, 1, 100, MANY - 1};
    for (int i = 0; i < 4; i++) {
        struct quantiles *q = sample_of(keeps[i], QUANTILES_PLAIN);
        assert_false(quantiles_exact(q));
        assert_int_equal(quantiles_kept(q).count, 0);
        assert_sample(q, QUANTILES_ERROR);
    }
}

static void small_samples_are_as_defined(void **state)
{
    (void)state;
    // The vector of load-metrics 3.8: numpy's "linear" of 1..10.
    static const double expected[][2] = {{0.5, 5.5}, {0.9, 9.1}, {0.95, 9.55}, {0.99, 9.91}, {0.999, 9.991}};
    struct quantiles *q = quantiles_new(1000, QUANTILES_PLAIN);
    struct err err;
    assert_int_equal(quantiles_settle(q, &err), 0);
    assert_true(isnan(quantiles_at(q, 0.5)) && isnan(quantiles_moments(q).mean));
    for (int i = 10; i >= 1; i--)
        quantiles_add(q, i, 0, &err);
    assert_int_equal(quantiles_settle(q, &err), 0);
    for (int i = 0; i < 5; i++)
        assert_near(quantiles_at(q, expected[i][0]), expected[i][1], 1e-12);
    assert_near(quantiles_moments(q).std, 2.8722813232690143, 1e-15);
    quantiles_add(q, -1e300, 0, &err); // asked before, added to, asked again
    assert_int_equal(quantiles_settle(q, &err), 0);
    assert_near(quantiles_at(q, 0), -1e300, 0);
    assert_near(quantiles_at(q, 0.1), 1, 0);
    assert_int_equal(quantiles_add(q, NAN, 0, &err), -1);
    assert_int_equal(quantiles_count(q), 11);
    quantiles_free(q);
}

static void one_huge_mean_does_not_swallow_the_deviation(void **state)
{
    (void)state;
    for (int keep = 0; keep <= 1000; keep += 1000) {
        struct quantiles *q = quantiles_new((size_t)keep, QUANTILES_PLAIN);
        struct err err;
        for (int i = 0; i < 1000; i++)
            quantiles_add(q, 1e9 + (i % 2), 0, &err);
        assert_int_equal(quantiles_settle(q, &err), 0);
        assert_near(quantiles_moments(q).mean, 1e9 + 0.5, 0);
        assert_near(quantiles_moments(q).std, 0.5, 1e-9);
        quantiles_free(q);
    }
}

static void a_sketch_holds_zeros_negatives_and_all_magnitudes(void **state)
{
    (void)state;
    static const double values[] = {-1e200, -5, -1e-200, 0, 0, 0, 3e-100, 7, 1e250};
    struct quantiles *q = quantiles_new(0, QUANTILES_PLAIN);
    struct err err;
    for (int i = 8; i >= 0; i--)
        quantiles_add(q, values[i], 0, &err);
    assert_int_equal(quantiles_settle(q, &err), 0);
    for (int i = 0; i <= 8; i++)
        assert_near(quantiles_at(q, i / 8.0), values[i], fabs(values[i]) * QUANTILES_ERROR);
    quantiles_free(q);
}

static void adding_all_of_another_is_adding_each(void **state)
{
    (void)state;
    size_t keeps[][2] = {{MANY, MANY}, {MANY, 10}, {10, MANY}, {10, 20}};
    for (int k = 0; k < 4; k++) {
        struct quantiles *all = quantiles_new(keeps[k][0], QUANTILES_PLAIN), *part = quantiles_new(keeps[k][1], QUANTILES_PLAIN);
        struct err err;
        for (int i = 0; i < MANY; i++)
            quantiles_add(i % 3 ? all : part, value_of(i), 0, &err);
        assert_int_equal(quantiles_settle(part, &err), 0);
        assert_int_equal(quantiles_settle(all, &err), 0);
        assert_int_equal(quantiles_add_all(all, part, &err), 0);
        assert_int_equal(quantiles_settle(all, &err), 0);
        assert_sample(all, k == 0 ? 1e-12 : QUANTILES_ERROR);
        quantiles_free(part);
    }
}

static void tags_move_with_their_values(void **state)
{
    (void)state;
    struct quantiles *q = sample_of(MANY, QUANTILES_TAGGED);
    struct quantiles_kept kept = quantiles_kept(q);
    assert_int_equal(kept.count, MANY);
    for (size_t i = 0; i < kept.count; i++) {
        assert_near(kept.values[i], value_of((int)kept.tags[i]), 0);
        assert_true(i == 0 || kept.values[i - 1] <= kept.values[i]);
    }
    quantiles_free(q);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sorting_agrees_with_qsort(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 1000};
    uint64_t keys[1000], expected[1000];
    struct err err;
    for (int shift = 0; shift < 64; shift += 9)
        for (int c = 0; c < 5; c++) {
            for (size_t i = 0; i < counts[c]; i++)
                keys[i] = expected[i] = i * 0x9e3779b97f4a7c15u >> shift;
            qsort(expected, counts[c], sizeof *expected, compare_keys);
            assert_int_equal(sort_keys(keys, NULL, counts[c], &err), 0);
            assert_memory_equal(keys, expected, counts[c] * sizeof *keys);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_values_give_numpys_quantiles),
        cmocka_unit_test(a_sketch_is_within_its_stated_error),
        cmocka_unit_test(small_samples_are_as_defined),
        cmocka_unit_test(one_huge_mean_does_not_swallow_the_deviation),
        cmocka_unit_test(a_sketch_holds_zeros_negatives_and_all_magnitudes),
        cmocka_unit_test(adding_all_of_another_is_adding_each),
        cmocka_unit_test(tags_move_with_their_values),
        cmocka_unit_test(sorting_agrees_with_qsort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
