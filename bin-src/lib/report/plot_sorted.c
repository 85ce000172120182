/* report/plot_sorted.c: each run's latencies in ascending order, over their index */
#include "report/curve.h"
#include "report/plot_kind.h"

#include <stdio.h>

/* How many values each run has of the metric; 0: not all as many. */
static uint64_t count_of_all(const struct plot *plot, enum metric metric)
{
    uint64_t count = quantiles_count(plot_values(plot, plot->runs[0].points, metric));
    for (size_t i = 1; i < plot->run_count; i++)
        if (quantiles_count(plot_values(plot, plot->runs[i].points, metric)) != count)
            return 0;
    return count;
}

/* Shows where the percentiles lie, if it is at one place for all runs. */
static void write_percentiles(struct plot *plot, enum metric metric)
{
    static const double percentiles[] = {50, 90, 99};
    struct buf *out = &plot->picture.panels;
    uint64_t count = count_of_all(plot, metric);
    double room = 1.9 * plot->picture.page->font / picture_panel_width(&plot->picture), last = 2;
    for (size_t i = COUNT(percentiles); i-- > 0 && count > 1;) {
        double p = percentiles[i] / 100, at = 1 + p * (double)(count - 1);
        buf_addf(out, "set arrow from first %.10g,graph 0 to first %.10g,graph 1 nohead linestyle 22 back\n", at, at);
        if (last - p > room) {
            buf_addf(out, "set label 'p%g' at first %.10g,graph 1 center offset 0,0.6 textcolor rgb '#555555' font ',%.4g'\n",
                     percentiles[i], at, picture_small_font(&plot->picture));
            last = p;
        }
    }
}

static void draw_metric(struct plot *plot, enum metric metric)
{
    struct picture *picture = &plot->picture;
    struct axis_extent ranks = AXIS_EXTENT_NONE;
    struct plot_unit unit;
    char order[64];
    struct axis y = plot_values_axis(plot, metric, AXIS_FROM_ZERO, picture_ticks_y(picture), &unit);
    for (size_t i = 0; i < plot->run_count; i++)
        axis_extent_add(&ranks, (double)quantiles_count(plot_values(plot, plot->runs[i].points, metric)));
    struct axis x = axis_fit(&ranks, &(struct axis_wish){.scale = AXIS_LINEAR, .ticks = picture_ticks_x(picture), .least_step = 1});
    snprintf(order, sizeof order, "%s, sorted by %s", metric == METRIC_ITL ? "gap" : "request", plot_metric_labels[metric]);
    picture_panel(picture, &x, order, &y, unit.label);
    write_percentiles(plot, metric);
    for (size_t i = 0; i < plot->run_count; i++) {
        struct plot_ranks values = plot_ranks(plot_values(plot, plot->runs[i].points, metric));
        struct curve curve;
        char block[PLOT_BLOCK_SIZE], columns[128];
        double value;
        snprintf(columns, sizeof columns, "place in the order, %s", unit.label);
        plot_block(plot, &plot->runs[i], metric, columns, block);
        curve_begin(&curve, &x, &y, &picture->data);
        for (uint64_t rank; plot_next_rank(&values, &rank, &value);)
            curve_add(&curve, (double)rank + 1, value / unit.unit);
        curve_end(&curve);
        buf_add_str(&picture->data, STR("EOD\n"));
        plot_curve(plot, &plot->runs[i], block, "lines", curve.written);
    }
    buf_add_str(&picture->panels, STR("\nunset arrow; unset label\n"));
}

int plot_sorted(struct plot *plot, struct err *err)
{
    if (plot_choose_metrics(plot, err) < 0)
        return -1;
    plot_legend(plot, "linespoints");
    bool alike = false;
    for (size_t i = 0; i < plot->metric_count; i++)
        alike = alike || count_of_all(plot, plot->metrics[i]) > 1;
    picture_layout(&plot->picture, plot->metric_count, alike ? PICTURE_ROOM_ABOVE : PICTURE_PLAIN);
    for (size_t i = 0; i < plot->metric_count; i++)
        draw_metric(plot, plot->metrics[i]);
    return 0;
}
