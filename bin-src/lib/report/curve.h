/*
 * report/curve.h: a curve of any number of points, written as few
 *
 *     struct curve curve;
 *     curve_begin(&curve, &x_axis, &y_axis, &script);
 *     curve_add(&curve, x, y); // x never falls
 *     curve_end(&curve);
 *
 * Of the points that fall into one of CURVE_COLUMNS columns of the picture the first, the lowest, the highest and the
 * last are written (M4: U. Jugel et al., "M4: a visualization-oriented time series data aggregation", VLDB 2014). A
 * column is less than a pixel wide on a screen, so that the line drawn through them is the line through all; the
 * extremes are always among them.
 */
#ifndef REPORT_CURVE_H
#define REPORT_CURVE_H

#include "report/axis.h"

enum { CURVE_COLUMNS = 1000 };

struct curve_point {
    double x, y;
    size_t nth;
};

struct curve {
    const struct axis *x, *y;
    struct buf *out;
    double column;
    size_t added, written, first; // first: of the column
    struct curve_point low, high, last;
};

void curve_begin(struct curve *curve, const struct axis *x, const struct axis *y, struct buf *out);
/* NaN: not added. What lies below a logarithmic axis stands at its end. */
void curve_add(struct curve *curve, double x, double y);
void curve_end(struct curve *curve);

#endif
