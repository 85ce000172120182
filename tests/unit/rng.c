/* The generator, the streams, and the laws that the draws follow. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/rng.h"

enum { DRAWS = 200000 };

static struct rng stream(void)
{
    return rng_stream(1, "test", 0);
}

static void the_generator_is_xoshiro256starstar(void **state)
{
    (void)state;
    // The first numbers from the state 1, 2, 3, 4, as in the test vector of the rand_xoshiro crate, made from the authors' C code.
    static const uint64_t expected[] = {11520,
                                        0,
                                        1509978240,
                                        1215971899390074240,
                                        1216172134540287360,
                                        607988272756665600,
                                        16172922978634559625u,
                                        8476171486693032832,
                                        10595114339597558777u,
                                        2904607092377533576};
    struct rng rng = {{1, 2, 3, 4}};
    for (int i = 0; i < 10; i++)
        assert_int_equal(rng_bits(&rng), expected[i]);
}

static void a_stream_is_its_seed_name_and_shard(void **state)
{
    (void)state;
    struct rng first = rng_stream(7, "arrivals", 0), again = rng_stream(7, "arrivals", 0);
    struct rng others[] = {rng_stream(8, "arrivals", 0), rng_stream(7, "arrival", 0), rng_stream(7, "arrivalt", 0),
                           rng_stream(7, "arrivals", 1), rng_stream(-7, "arrivals", 0)};
    uint64_t bits = rng_bits(&first);
    assert_int_equal(bits, rng_bits(&again));
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(bits, rng_bits(&others[i]));
}

static void uniform_stays_below_one(void **state)
{
    (void)state;
    struct rng rng = stream();
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_near(sum / DRAWS, 0.5, 0.003);
}

static void below_is_even(void **state)
{
    (void)state;
    struct rng rng = stream();
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9600, 10400); // four deviations
    assert_int_equal(rng_below(&rng, 1), 0);
    // Two thirds of 2^64: without rejection the lower half would come twice as often.
    uint64_t n = UINT64_MAX / 3 * 2;
    int low = 0;
    for (int i = 0; i < 10000; i++)
        low += rng_below(&rng, n) < n / 2;
    assert_in_range(low, 4800, 5200);
}

/* Mean, variance and skewness of DRAWS draws. */
static void assert_moments(double (*draw)(struct rng *), double mean, double variance, double skewness, double tolerance)
{
    struct rng rng = stream();
    double sum = 0, squares = 0, cubes = 0;
    for (int i = 0; i < DRAWS; i++) {
        double centred = draw(&rng) - mean;
        sum += centred;
        squares += centred * centred;
        cubes += centred * centred * centred;
    }
    assert_near(sum / DRAWS, 0, tolerance * sqrt(variance));
    assert_near(squares / DRAWS / variance, 1, 5 * tolerance);
    assert_near(cubes / DRAWS / pow(variance, 1.5), skewness, 20 * tolerance);
}

static double gamma_4(struct rng *rng)
{
    return rng_gamma(rng, 4);
}

static double gamma_quarter(struct rng *rng)
{
    return rng_gamma(rng, 0.25);
}

static void draws_follow_their_laws(void **state)
{
    (void)state;
    assert_moments(rng_exponential, 1, 1, 2, 0.01);
    assert_moments(rng_normal, 0, 1, 0, 0.01);
    assert_moments(gamma_4, 4, 4, 1, 0.01);
    assert_moments(gamma_quarter, 0.25, 0.25, 4, 0.02);
}

static void a_lognormal_has_median_one(void **state)
{
    (void)state;
    struct rng rng = stream();
    int below = 0;
    double logs = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = rng_lognormal(&rng, 0.5);
        below += x < 1;
        logs += log(x) * log(x);
    }
    assert_near((double)below / DRAWS, 0.5, 0.005);
    assert_near(sqrt(logs / DRAWS), 0.5, 0.005);
}

static void our_logarithm_is_the_libms_to_a_few_bits(void **state)
{
    (void)state;
    struct rng draws = stream(), uniforms = stream();
    for (int i = 0; i < DRAWS; i++) {
        double expected = -log(1 - rng_uniform(&uniforms));
        assert_near(rng_exponential(&draws), expected, 1e-15 + 4e-16 * expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256starstar), cmocka_unit_test(a_stream_is_its_seed_name_and_shard),
        cmocka_unit_test(uniform_stays_below_one),             cmocka_unit_test(below_is_even),
        cmocka_unit_test(draws_follow_their_laws),             cmocka_unit_test(a_lognormal_has_median_one),
        cmocka_unit_test(our_logarithm_is_the_libms_to_a_few_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
