/*
 * report/axis.h: the axis of a plot: its range, its scale, and where its ticks stand
 *
 *     struct axis_extent extent = AXIS_EXTENT_NONE;
 *     axis_extent_add(&extent, value); // again for each
 *     struct axis axis = axis_fit(&extent, &(struct axis_wish){.middle = median, .ticks = 6});
 *     axis_write(&axis, 'y', "TTFT (ms)", &script);
 *
 * Ticks stand at 1, 2 or 5 times a power of ten, as many as there is room for their labels, since gnuplot's own choice
 * does not look at the width of the picture.
 */
#ifndef REPORT_AXIS_H
#define REPORT_AXIS_H

#include "base/buf.h"

#include <math.h>

enum axis_scale { AXIS_AUTO, AXIS_LINEAR, AXIS_LOG };
extern const char *const axis_scales[]; // NULL ends it
enum axis_start { AXIS_FROM_ZERO, AXIS_FROM_LEAST };

/* On a linear axis the middle of the data would lie in the lowest twentieth: then it is logarithmic. */
#define AXIS_LOG_RATIO 20.0
/* No logarithmic axis goes further down from its end than this. */
#define AXIS_LOG_SPAN 1e5

struct axis_extent {
    double least, most, least_positive;
};
#define AXIS_EXTENT_NONE ((struct axis_extent){INFINITY, -INFINITY, INFINITY})

void axis_extent_add(struct axis_extent *extent, double value); // NaN, infinite: nothing

struct axis_wish {
    enum axis_scale scale;
    enum axis_start start; // of a linear axis; from its least value only where zero is far from all values
    double middle;         // what must not be pressed flat
    int ticks;             // labels that there is room for
    double least_step;     // of counts 1: no tick stands at half a request
};

struct axis {
    enum axis_scale scale; // not AXIS_AUTO
    double from, to, step; // step: between ticks of a linear axis
    int ticks;
};

/* An extent without values gives 0 to 1. */
struct axis axis_fit(const struct axis_extent *extent, const struct axis_wish *wish);
/* Where the value lies, 0 to 1 and beyond; what a logarithmic axis has no place for is at 0. */
double axis_place(const struct axis *axis, double value);
/* The value, or the lower end of a logarithmic axis for what lies below it. */
double axis_clamp(const struct axis *axis, double value);
/* The characters of the longest label. */
size_t axis_label_width(const struct axis *axis);
/* Sets range, scale, ticks and label of which, 'x' or 'y'. The label has no quote in it. */
void axis_write(const struct axis *axis, char which, const char *label, struct buf *out);

#endif
