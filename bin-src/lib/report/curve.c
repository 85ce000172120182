/* report/curve.c: see curve.h */
#include "report/curve.h"

void curve_begin(struct curve *curve, const struct axis *x, const struct axis *y, struct buf *out)
{
    *curve = (struct curve){.x = x, .y = y, .out = out, .column = NAN};
}

static void write_point(struct curve *curve, const struct curve_point *point)
{
    buf_addf(curve->out, "%.7g %.7g\n", point->x, point->y);
    curve->written++;
}

/* Writes what is left of the column, whose first point is written, in the order in which it came. */
static void end_column(struct curve *curve)
{
    const struct curve_point *early = &curve->low, *later = &curve->high;
    if (early->nth > later->nth)
        early = &curve->high, later = &curve->low;
    if (early->nth > curve->first)
        write_point(curve, early);
    if (later->nth > curve->first && later->nth > early->nth)
        write_point(curve, later);
    if (curve->last.nth > later->nth)
        write_point(curve, &curve->last);
}

void curve_add(struct curve *curve, double x, double y)
{
    struct curve_point point = {axis_clamp(curve->x, x), axis_clamp(curve->y, y), curve->added};
    if (isnan(x) || isnan(y))
        return;
    double column = floor(axis_place(curve->x, point.x) * CURVE_COLUMNS);
    if (column != curve->column) { // the first of all, too: its column is NaN before
        curve_end(curve);
        write_point(curve, &point);
        curve->low = curve->high = point;
        curve->column = column;
        curve->first = point.nth;
    }
    if (point.y < curve->low.y)
        curve->low = point;
    if (point.y > curve->high.y)
        curve->high = point;
    curve->last = point;
    curve->added++;
}

void curve_end(struct curve *curve)
{
    if (curve->added > 0)
        end_column(curve);
}
