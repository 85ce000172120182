/* Student's distribution, and intervals for few. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/rng.h"
#include "stats/student.h"

static void the_incomplete_beta_function_is_that_of_its_definition(void **state)
{
    (void)state;
    // B(1/2, 1/2): arcsine. B(2, 3) at 1/2: 11/16. B(a, 1): x^a. B(1, b): 1 - (1 - x)^b.
    assert_near(beta_below(0.1, 0.5, 0.5), 2 / M_PI * asin(sqrt(0.1)), 1e-13);
    assert_near(beta_below(0.5, 2, 3), 11.0 / 16, 1e-13);
    assert_near(beta_below(0.9, 30, 1), pow(0.9, 30), 1e-13);
    assert_near(beta_below(0.01, 1, 500), 1 - pow(0.99, 500), 1e-13);
    assert_near(beta_below(0, 2, 3), 0, 0);
    assert_near(beta_below(1, 2, 3), 1, 0);
}

/* As in the tables that textbooks print. */
static void quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_near(student_quantile(0.975, 1), 12.706, 5e-4);
    assert_near(student_quantile(0.975, 4), 2.776, 5e-4);
    assert_near(student_quantile(0.995, 10), 3.169, 5e-4);
    assert_near(student_quantile(0.975, 120), 1.980, 5e-4);
    assert_near(student_quantile(0.975, INFINITY), 1.959963984540054, 1e-12);
    assert_near(student_quantile(0.025, 4), -student_quantile(0.975, 4), 1e-9);
    assert_near(student_below(1, 1), 0.75, 1e-13); // Cauchy's: 1/2 + atan(t) / pi
    assert_near(student_below(2, 2), 0.5 + 2 / (2 * sqrt(2 + 4)), 1e-13);
}

/* Share of intervals that hold the difference, 4, between samples of such sizes. */
static double coverage(size_t count_a, size_t count_b, double spread_a, double spread_b)
{
    enum { REPEATS = 4000, MOST = 8 };
    struct rng rng = rng_stream(1, "coverage", 0);
    int held = 0;
    for (int i = 0; i < REPEATS; i++) {
        double a[MOST], b[MOST];
        for (size_t k = 0; k < count_a; k++)
            a[k] = spread_a * rng_normal(&rng);
        for (size_t k = 0; k < count_b; k++)
            b[k] = 4 + spread_b * rng_normal(&rng);
        struct student_difference d = student_difference(student_sample(a, count_a), student_sample(b, count_b), 0.95);
        held += d.low <= 4 && 4 <= d.high;
        assert_true((d.p < 0.05) == (d.low > 0 || d.high < 0));
    }
    return held / (double)REPEATS;
}

static void intervals_hold_the_difference_as_often_as_they_say(void **state)
{
    (void)state;
    // 4,000 coins of 95%: a deviation of 0.0034; four of them.
    assert_near(coverage(5, 5, 1, 1), 0.95, 0.014);
    assert_near(coverage(1, 5, 1, 1), 0.95, 0.014);
    assert_near(coverage(8, 4, 1, 3), 0.95, 0.02); // Welch's is a good approximation, not exact
}

static void a_single_value_a_side_tells_nothing(void **state)
{
    (void)state;
    double one = 1, two = 2;
    struct student_difference d = student_difference(student_sample(&one, 1), student_sample(&two, 1), 0.95);
    assert_true(isnan(d.low) && isnan(d.p));
    assert_true(isnan(student_half_width(student_sample(&one, 1), 0.95)));
    const double values[] = {1, 2, 3, 4, 5};
    assert_near(student_half_width(student_sample(values, 5), 0.95), 2.776445 * sqrt(2.5 / 5), 1e-6);
}

/* Newcombe, Statistics in Medicine 17 (1998), p. 873, table II, method 10: 56/70 - 48/80 is 0.0524 to 0.3339; 9/10 - 3/10
 * is 0.1705 to 0.8090; 10/10 - 0/10 is 0.6075 to 1. Fisher's tea lady: 3 of 4 and 1 of 4 is 34/70. */
static void shares_of_few_have_the_intervals_of_the_papers(void **state)
{
    (void)state;
    struct student_difference d = student_share_difference((struct student_share){48, 80}, (struct student_share){56, 70}, 0.95);
    assert_near(d.low, 0.0524, 5e-5);
    assert_near(d.high, 0.3339, 5e-5);
    d = student_share_difference((struct student_share){3, 10}, (struct student_share){9, 10}, 0.95);
    assert_near(d.low, 0.1705, 5e-5);
    assert_near(d.high, 0.8090, 5e-5);
    d = student_share_difference((struct student_share){0, 10}, (struct student_share){10, 10}, 0.95);
    assert_near(d.low, 0.6075, 5e-5);
    assert_near(d.high, 1, 1e-12);
    assert_near(student_share_difference((struct student_share){3, 4}, (struct student_share){1, 4}, 0.95).p, 34.0 / 70, 1e-9);
    assert_near(student_share_difference((struct student_share){5, 5}, (struct student_share){5, 5}, 0.95).p, 1, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_incomplete_beta_function_is_that_of_its_definition),
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(intervals_hold_the_difference_as_often_as_they_say),
        cmocka_unit_test(a_single_value_a_side_tells_nothing),
        cmocka_unit_test(shares_of_few_have_the_intervals_of_the_papers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
