/* Random times and numbers from a text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "stats/distribution.h"

#include <string.h>

enum { DRAWS = 100000 };
static const double MS = 1e6;

static void assert_draws(const char *text, double mean_ms, double deviation_ms, double min_ms, double max_ms)
{
    struct distribution distribution;
    struct err err = {0};
    struct rng rng = rng_stream(1, "test", 0);
    double sum = 0, squares = 0;
    if (distribution_parse_ns(&distribution, str_of(text), &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    for (int i = 0; i < DRAWS; i++) {
        int64_t ns = distribution_draw_ns(&distribution, &rng);
        double ms = (double)ns / MS;
        assert_true(ms >= min_ms && ms <= max_ms);
        sum += ms;
        squares += (ms - mean_ms) * (ms - mean_ms);
    }
    assert_near(sum / DRAWS, mean_ms, 0.02 * deviation_ms + 1e-9);
    assert_near(sqrt(squares / DRAWS), deviation_ms, 0.03 * deviation_ms + 1e-9);
}

static void each_has_its_mean_and_deviation(void **state)
{
    (void)state;
    assert_draws("50ms", 50, 0, 50, 50);
    assert_draws("0.05", 50, 0, 50, 50); // a bare number is seconds
    assert_draws("uniform:40ms,60ms", 50, 20 / sqrt(12), 40, 60);
    assert_draws("normal:50ms,5ms", 50, 5, 0, 100);
    assert_draws("normal:0ms,10ms", 10 / sqrt(2 * M_PI), 10 * sqrt(0.5 - 0.5 / M_PI), 0, 100); // below 0 is 0
    assert_draws("lognormal:50ms,0.3", 50 * exp(0.045), 50 * exp(0.045) * sqrt(exp(0.09) - 1), 0, 1000);
    assert_draws("exp:50ms", 50, 50, 0, 10000);
    assert_draws("gamma:50ms,0.5", 50, 25, 0, 10000);
    assert_draws("gamma:50ms,2", 50, 100, 0, 100000);
    assert_draws("gamma:50ms,0", 50, 0, 50, 50);
}

static void numbers_have_no_units(void **state)
{
    (void)state;
    struct distribution distribution;
    struct err err = {0};
    struct rng rng = rng_stream(1, "test", 0);
    assert_int_equal(distribution_parse(&distribution, STR("64"), &err), 0);
    assert_near(distribution_draw(&distribution, &rng), 64, 0);
    assert_int_equal(distribution_parse(&distribution, STR("64ms"), &err), -1);
    assert_string_equal(err.msg, "\"64ms\" is not a number");
}

static void assert_refused(const char *text, const char *why)
{
    struct distribution distribution = {DISTRIBUTION_EXP, 1, 2};
    struct err err = {0};
    assert_int_equal(distribution_parse_ns(&distribution, str_of(text), &err), -1);
    if (!strstr(err.msg, why))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.msg, why);
    assert_int_equal(distribution.kind, DISTRIBUTION_EXP); // left alone
}

static void errors_say_what_would_be_right(void **state)
{
    (void)state;
    assert_refused("unform:1ms,2ms", "\"unform\" is no distribution (known: a value alone, uniform:MIN,MAX, normal:MEAN,DEVIATION");
    assert_refused("uniform:1ms", "\"uniform:1ms\" is not uniform:MIN,MAX");
    assert_refused("exp:1ms,2ms", "is not exp:MEAN");
    assert_refused("1ms,2ms", "is not VALUE");
    assert_refused("normal:fast,1ms", "\"fast\" is not a time such as");
    assert_refused("normal:1ms,", "\"\" is not a time such as");
    assert_refused("lognormal:1ms,1ms", "\"1ms\" is not a number");
    assert_refused("gamma:1ms,-1", "-1 is too small (0 to 10)");
    assert_refused("uniform:2ms,1ms", "the second must not be below the first");
    assert_refused("-1ms", "-1 is too small");
    assert_refused("", "\"\" is not a time such as");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_mean_and_deviation),
        cmocka_unit_test(numbers_have_no_units),
        cmocka_unit_test(errors_say_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
