#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "near.h"
#include "report/curve.h"

static const struct axis unit_axis = {.scale = AXIS_LINEAR, .from = 0, .to = 1, .step = 0.1, .ticks = 5};

/* Reads back what was written: points into xy, two numbers each. */
static size_t read_points(struct buf *out, double *xy, size_t room)
{
    size_t count = 0;
    buf_add_char(out, '\0');
    for (char *at = out->ptr, *end; count < room; at = end, count++) {
        xy[2 * count] = strtod(at, &end);
        if (end == at)
            break;
        xy[2 * count + 1] = strtod(end, &end);
    }
    return count;
}

/* A little generator: the same numbers on every machine. */
static double next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return (double)*seed / 4294967296.0;
}

/* By the definition: in each column that has points, the first, last, lowest and highest of all stand in what is written. */
static void the_extremes_of_each_column_are_kept(void **state)
{
    enum { POINTS = 50000, ROOM = 4 * CURVE_COLUMNS + 4 };
    static double xs[POINTS], ys[POINTS], xy[2 * ROOM];
    struct buf out = {0};
    struct curve curve;
    uint32_t seed = 5;
    (void)state;
    curve_begin(&curve, &unit_axis, &unit_axis, &out);
    for (size_t i = 0; i < POINTS; i++) {
        xs[i] = (double)i / POINTS;
        ys[i] = next(&seed);
        curve_add(&curve, xs[i], ys[i]);
    }
    curve_end(&curve);
    size_t written = read_points(&out, xy, ROOM);
    assert_int_equal(written, curve.written);
    assert_true(written <= 4 * CURVE_COLUMNS);
    for (size_t i = 0, w = 0; i < POINTS;) {
        double column = floor(xs[i] * CURVE_COLUMNS), low = ys[i], high = ys[i], got_low = INFINITY, got_high = -INFINITY;
        size_t first = i, w_first = w;
        for (; i < POINTS && floor(xs[i] * CURVE_COLUMNS) == column; i++)
            low = fmin(low, ys[i]), high = fmax(high, ys[i]);
        for (; w < written && floor(xy[2 * w] * CURVE_COLUMNS + 1e-6) == column; w++)
            got_low = fmin(got_low, xy[2 * w + 1]), got_high = fmax(got_high, xy[2 * w + 1]);
        assert_near(xy[2 * w_first], xs[first], 1e-6);
        assert_near(xy[2 * w - 2], xs[i - 1], 1e-6);
        assert_near(got_low, low, 1e-6);
        assert_near(got_high, high, 1e-6);
    }
    buf_release(&out);
}

static void points_come_in_their_order(void **state)
{
    const double ys[] = {0.5, 0.9, 0.1, 0.7}; // high before low, in one column
    double xy[16];
    struct buf out = {0};
    struct curve curve;
    (void)state;
    curve_begin(&curve, &unit_axis, &unit_axis, &out);
    for (size_t i = 0; i < COUNT(ys); i++)
        curve_add(&curve, 0.5, ys[i]);
    curve_add(&curve, NAN, 1);
    curve_add(&curve, 0.5, NAN);
    curve_end(&curve);
    assert_int_equal(read_points(&out, xy, 8), 4);
    for (size_t i = 0; i < COUNT(ys); i++)
        assert_near(xy[2 * i + 1], ys[i], 1e-6);
    buf_release(&out);
}

static void a_point_is_written_once(void **state)
{
    double xy[16];
    struct buf out = {0};
    struct curve curve;
    (void)state;
    curve_begin(&curve, &unit_axis, &unit_axis, &out);
    curve_add(&curve, 0.25, 0.5);
    curve_end(&curve);
    assert_int_equal(read_points(&out, xy, 8), 1);
    curve_begin(&curve, &unit_axis, &unit_axis, &out);
    curve_end(&curve);
    assert_int_equal(curve.written, 0);
    buf_release(&out);
}

static struct axis fit(double least, double most, double middle, enum axis_scale scale, enum axis_start start)
{
    struct axis_extent extent = AXIS_EXTENT_NONE;
    axis_extent_add(&extent, least);
    axis_extent_add(&extent, most);
    axis_extent_add(&extent, NAN);
    return axis_fit(&extent, &(struct axis_wish){scale, start, middle, .ticks = 6});
}

static void an_axis_holds_its_values(void **state)
{
    (void)state;
    for (int power = -7; power < 9; power++)
        for (double times = 1; times < 10; times += 0.37)
            for (int scale = AXIS_AUTO; scale <= AXIS_LOG; scale++)
                for (int start = AXIS_FROM_ZERO; start <= AXIS_FROM_LEAST; start++) {
                    double most = times * pow(10, power), least = most / (1 + 90 * (times - 1));
                    struct axis axis = fit(least, most, least, (enum axis_scale)scale, (enum axis_start)start);
                    assert_true(axis.from <= least && axis.to >= most && axis.from < axis.to);
                    assert_true(axis_place(&axis, least) >= 0 && axis_place(&axis, most) <= 1);
                    assert_true(axis_label_width(&axis) <= 12);
                    if (axis.scale == AXIS_LINEAR)
                        assert_true((axis.to - axis.from) / axis.step <= 6);
                }
}

static void an_axis_is_logarithmic_where_that_shows_more(void **state)
{
    (void)state;
    assert_int_equal(fit(1, 100, 4, AXIS_AUTO, AXIS_FROM_ZERO).scale, AXIS_LOG);
    assert_int_equal(fit(1, 100, 6, AXIS_AUTO, AXIS_FROM_ZERO).scale, AXIS_LINEAR);
    assert_int_equal(fit(1, 100, 4, AXIS_LINEAR, AXIS_FROM_ZERO).scale, AXIS_LINEAR);
    assert_int_equal(fit(0, 0, 0, AXIS_LOG, AXIS_FROM_ZERO).scale, AXIS_LINEAR); // zero has no logarithm
    struct axis axis = fit(0, 1000, 1, AXIS_AUTO, AXIS_FROM_ZERO);
    assert_int_equal(axis.scale, AXIS_LOG); // from what is positive on
    assert_near(axis_place(&axis, 0), 0, 0);
    axis = fit(1e-9, 1000, 1, AXIS_LOG, AXIS_FROM_ZERO);
    assert_near(axis.from, 1000 / AXIS_LOG_SPAN, 1e-9);
    assert_near(axis_clamp(&axis, 1e-9), axis.from, 0);
}

static void an_axis_begins_at_zero_unless_all_is_far_from_it(void **state)
{
    (void)state;
    assert_near(fit(90, 100, 95, AXIS_AUTO, AXIS_FROM_ZERO).from, 0, 0);
    assert_true(fit(90, 100, 95, AXIS_AUTO, AXIS_FROM_LEAST).from > 85);
    assert_near(fit(50, 100, 95, AXIS_AUTO, AXIS_FROM_LEAST).from, 0, 0);
}

static void a_tick_stands_at_both_ends_of_a_logarithm(void **state)
{
    struct axis axis = fit(10, 5000, 20, AXIS_LOG, AXIS_FROM_ZERO);
    struct buf out = {0};
    (void)state;
    axis_write(&axis, 'y', "TTFT (ms)", &out);
    buf_add_char(&out, '\0');
    assert_non_null(strstr(out.ptr, "('10' 10, "));
    assert_non_null(strstr(out.ptr, "'5000' 5000)"));
    assert_non_null(strstr(out.ptr, "set ylabel 'TTFT (ms)'"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_extremes_of_each_column_are_kept),
        cmocka_unit_test(points_come_in_their_order),
        cmocka_unit_test(a_point_is_written_once),
        cmocka_unit_test(an_axis_holds_its_values),
        cmocka_unit_test(an_axis_is_logarithmic_where_that_shows_more),
        cmocka_unit_test(an_axis_begins_at_zero_unless_all_is_far_from_it),
        cmocka_unit_test(a_tick_stands_at_both_ends_of_a_logarithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
