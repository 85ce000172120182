/* report/plot_cdf.c: how many of each run's requests were so fast, or (the tail) at least so slow, as a stair */
#include "report/curve.h"
#include "report/gnuplot.h"
#include "report/plot_kind.h"

#include <stdio.h>

/* The share of the sorted values that are at most the one at rank, or at least it, in percent. */
static double share_of(const struct plot *plot, uint64_t rank, uint64_t count)
{
    double part = plot->plan->kind == PLOT_TAIL ? (double)(count - rank) : (double)(rank + 1);
    return 100 * part / (double)count;
}

static struct axis axis_of_shares(const struct plot *plot, enum metric metric)
{
    uint64_t most = 1;
    for (size_t i = 0; i < plot->run_count; i++) {
        uint64_t count = quantiles_count(plot_values(plot, plot->runs[i].points, metric));
        most = count > most ? count : most;
    }
    int ticks = picture_ticks_y(&plot->picture);
    if (plot->plan->kind == PLOT_CDF)
        return (struct axis){.scale = AXIS_LINEAR, .from = 0, .to = 100, .step = ticks < 5 ? 25 : 10, .ticks = ticks};
    struct axis_extent shares = {100 / (double)most, 100, 80 / (double)most};
    return axis_fit(&shares, &(struct axis_wish){.scale = AXIS_LOG, .ticks = ticks});
}

/* Names the shares that percentiles leave beyond them, on the left, where no curve is so low. */
static void name_percentiles(struct picture *picture, const struct axis *y)
{
    static const char *const names[] = {"p90", "p99", "p99.9", "p99.99", "p99.999"};
    double share = 10;
    for (size_t i = 0; i < COUNT(names) && share > y->from; i++, share /= 10)
        buf_addf(&picture->panels, "set label '%s' at graph 0,first %.10g left offset 0.5,0.5 textcolor rgb '#555555'\n", names[i], share);
}

/* F has its step at a value, the tail behind it. Few steps are drawn as such; of many, a stair whose treads are narrower
 * than a column of the picture is drawn as a slope: no eye sees the difference, and a dash stays a dash. */
enum { FEW_STEPS = 200 };

static void add_corner(struct curve *curve, const struct plot *plot, double x, double share)
{
    if (curve->added == 0 || axis_place(curve->x, x) - axis_place(curve->x, curve->last.x) < 2.0 / CURVE_COLUMNS)
        return;
    if (plot->plan->kind == PLOT_TAIL)
        curve_add(curve, curve->last.x, share);
    else
        curve_add(curve, x, curve->last.y);
}

static void write_stair(struct plot *plot, struct curve *curve, struct plot_ranks *values, double unit)
{
    double value;
    for (uint64_t rank; plot_next_rank(values, &rank, &value);) {
        double x = value / unit, share = share_of(plot, rank, values->count);
        if (curve->added == 0 && plot->plan->kind == PLOT_CDF)
            curve_add(curve, x, 0);
        if (values->count > FEW_STEPS)
            add_corner(curve, plot, x, share);
        curve_add(curve, x, share);
    }
    curve_end(curve);
}

static void draw_metric(struct plot *plot, enum metric metric)
{
    struct picture *picture = &plot->picture;
    bool tail = plot->plan->kind == PLOT_TAIL;
    struct plot_unit unit;
    struct axis x = plot_values_axis(plot, metric, AXIS_FROM_LEAST, picture_ticks_x(picture), &unit), y = axis_of_shares(plot, metric);
    const char *what = metric == METRIC_ITL ? "gaps" : "requests";
    char label[64], columns[160];
    snprintf(label, sizeof label, tail ? "%s as slow or slower (%%)" : "%s (%%)", what);
    picture_panel(picture, &x, unit.label, &y, label);
    if (tail)
        name_percentiles(picture, &y);
    snprintf(columns, sizeof columns, "%s, %s", unit.label, label);
    for (size_t i = 0; i < plot->run_count; i++) {
        struct plot_ranks values = plot_ranks(plot_values(plot, plot->runs[i].points, metric));
        char block[PLOT_BLOCK_SIZE];
        struct curve curve;
        plot_block(plot, &plot->runs[i], metric, columns, block);
        curve_begin(&curve, &x, &y, &picture->data);
        write_stair(plot, &curve, &values, unit.unit);
        buf_add_str(&picture->data, STR("EOD\n"));
        plot_curve(plot, &plot->runs[i], block, values.count > FEW_STEPS ? "lines" : tail ? "fsteps" : "steps", curve.written);
    }
    buf_add_str(&picture->panels, STR("\nunset label\n"));
}

int plot_cdf(struct plot *plot, struct err *err)
{
    if (plot_choose_metrics(plot, err) < 0)
        return -1;
    plot_legend(plot, "linespoints");
    picture_layout(&plot->picture, plot->metric_count, PICTURE_PLAIN);
    for (size_t i = 0; i < plot->metric_count; i++)
        draw_metric(plot, plot->metrics[i]);
    return 0;
}
