/* stats/steady.h: against windows that are known, and MSER-5 against its definition */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/rng.h"
#include "stats/steady.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 1000 };
static int64_t from_ns[MOST], to_ns[MOST];
static double values[MOST];

static struct steady in_flight(size_t count, int64_t concurrency)
{
    struct steady steady;
    struct err err;
    assert_int_equal(steady_in_flight(from_ns, to_ns, count, concurrency, &steady, &err), 0);
    return steady;
}

static void in_flight_from_the_first_full_to_the_last(void **state)
{
    (void)state;
    // Twenty begin at 0, 1, ..., 19 and end at 119, 118, ..., 100: nineteen are in flight from 18 to 101.
    for (int i = 0; i < 20; i++) {
        from_ns[i] = i;
        to_ns[i] = 119 - i;
    }
    struct steady steady = in_flight(20, 20);
    assert_true(steady.found);
    assert_int_equal(steady.from_ns, 18);
    assert_int_equal(steady.to_ns, 101);
    // A dip within is part of it: it ends when it ends for the last time.
    for (int i = 0; i < 20; i++) {
        from_ns[20 + i] = 200 + i;
        to_ns[20 + i] = 319 - i;
    }
    steady = in_flight(40, 20);
    assert_int_equal(steady.from_ns, 18);
    assert_int_equal(steady.to_ns, 301);
    assert_false(in_flight(40, 22).found); // 21 are wanted
    assert_true(in_flight(40, 10).found);
    assert_int_equal(in_flight(40, 10).from_ns, 18); // 20 there were: shards of 10 each
    assert_false(in_flight(0, 1).found);
}

static void one_behind_the_other_is_one_in_flight(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        from_ns[i] = i * 10;
        to_ns[i] = i * 10 + 10;
    }
    struct steady steady = in_flight(5, 1);
    assert_true(steady.found);
    assert_int_equal(steady.from_ns, 0);
    assert_int_equal(steady.to_ns, 50);
}

/* By its definition: where the squared deviations of what is kept, over the square of its number, are least. */
static size_t by_definition(size_t count)
{
    size_t batches = count / 5, best = 0;
    double least = INFINITY;
    for (size_t cut = 0; cut <= batches / 2; cut++) {
        double mean = 0, sum = 0;
        for (size_t b = cut; b < batches; b++)
            for (size_t i = 0; i < 5; i++)
                mean += values[b * 5 + i] / 5 / (double)(batches - cut);
        for (size_t b = cut; b < batches; b++) {
            double batch = 0;
            for (size_t i = 0; i < 5; i++)
                batch += values[b * 5 + i] / 5;
            sum += (batch - mean) * (batch - mean);
        }
        double statistic = sum / (double)(batches - cut) / (double)(batches - cut);
        if (statistic < least) {
            least = statistic;
            best = cut;
        }
    }
    return best;
}

static struct steady mser(size_t count)
{
    struct steady steady;
    struct err err;
    for (size_t i = 0; i < count; i++)
        from_ns[i] = (int64_t)i * 1000;
    assert_int_equal(steady_mser(from_ns, values, count, &steady, &err), 0);
    return steady;
}

static void mser_is_its_definition(void **state)
{
    (void)state;
    for (int seed = 0; seed < 50; seed++) {
        struct rng rng = rng_stream(seed, "test", 0);
        for (size_t i = 0; i < MOST; i++)
            values[i] = 5e7 + 1e7 * rng_normal(&rng) + 2e8 * exp(-(double)i / (10 + 2 * seed));
        size_t cut = by_definition(MOST);
        struct steady steady = mser(MOST);
        assert_int_equal(steady.found, cut < MOST / 10);
        assert_int_equal(steady.from_ns, (int64_t)cut * 5000);
        assert_int_equal(steady.to_ns, (MOST - 1) * 1000);
        assert_true(cut > 2);
    }
}

static void what_goes_on_changing_is_not_steady(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        values[i] = (double)i;
    assert_false(mser(MOST).found);
    for (size_t i = 0; i < MOST; i++)
        values[i] = 7;
    struct steady steady = mser(MOST);
    assert_true(steady.found);
    assert_int_equal(steady.from_ns, 0);
    assert_false(mser(49).found); // too few
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_flight_from_the_first_full_to_the_last),
        cmocka_unit_test(one_behind_the_other_is_one_in_flight),
        cmocka_unit_test(mser_is_its_definition),
        cmocka_unit_test(what_goes_on_changing_is_not_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
