/* report/plot_rate.c: each run's latency percentiles over the rate, or the concurrency, that it was driven with */
#include "report/plot_kind.h"

#include <stdio.h>

/* So many runs have the room between their percentiles filled, and all percentiles where nobody chose: more is mud. */
enum { MOST_BANDS = 2 };
static const double outer_percentiles[] = {50, 99};

static const char *const dashes[] = {"solid", "(9,4)", "(3,3)", "(9,3,3,3)"};

static double figure(const struct plot *plot, const struct plot_point *point, enum metric metric, size_t percentile)
{
    return quantiles_at(plot_values(plot, point, metric), plot->summaries.percentiles[percentile] / 100);
}

static struct axis axis_of_x(const struct plot *plot)
{
    struct axis_extent extent = AXIS_EXTENT_NONE;
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            axis_extent_add(&extent, plot->runs[i].points[k].x);
    struct axis_wish wish = {.middle = extent.least_positive, .ticks = picture_ticks_x(&plot->picture)};
    return axis_fit(&extent, &wish);
}

static struct axis axis_of_figures(const struct plot *plot, enum metric metric, struct plot_unit *unit)
{
    struct axis_extent extent = AXIS_EXTENT_NONE, in_units = AXIS_EXTENT_NONE;
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            for (size_t p = 0; p < plot->summaries.percentile_count; p++)
                axis_extent_add(&extent, figure(plot, &plot->runs[i].points[k], metric, p));
    *unit = plot_unit(metric, extent.most, NULL);
    axis_extent_add(&in_units, extent.least / unit->unit);
    axis_extent_add(&in_units, extent.least_positive / unit->unit);
    axis_extent_add(&in_units, extent.most / unit->unit);
    struct axis_wish wish = {plot->plan->scale, .middle = in_units.least_positive, .ticks = picture_ticks_y(&plot->picture)};
    return axis_fit(&in_units, &wish);
}

/* x, the percentiles, and for each whether many samples lie beyond it. */
static void write_data(struct plot *plot, const struct plot_run *run, enum metric metric, const struct plot_unit *unit,
                       const struct axis *y)
{
    struct buf *data = &plot->picture.data;
    for (size_t k = 0; k < run->point_count; k++) {
        const struct quantiles *values = plot_values(plot, &run->points[k], metric);
        if (quantiles_count(values) == 0)
            continue;
        buf_addf(data, "%.7g", run->points[k].x);
        for (size_t p = 0; p < plot->summaries.percentile_count; p++)
            buf_addf(data, " %.7g", axis_clamp(y, figure(plot, &run->points[k], metric, p) / unit->unit));
        for (size_t p = 0; p < plot->summaries.percentile_count; p++)
            buf_addf(data, " %d", !summary_is_few(quantiles_count(values), plot->summaries.percentiles[p]));
        buf_add_char(data, '\n');
    }
    buf_add_str(data, STR("EOD\n"));
}

static void draw_run(struct plot *plot, const struct plot_run *run, const char *block)
{
    struct buf *out = &plot->picture.panels;
    size_t style = (size_t)(run - plot->runs) + 1, count = plot->summaries.percentile_count;
    for (size_t p = 1; p < count && plot->run_count <= MOST_BANDS; p++) { // each over the former: the nearer to the first, the darker
        buf_addf(out, "%s using 1:2:%zu with filledcurves linestyle %zu", block, p + 2, style);
        buf_add_str(out, STR(" fillstyle transparent solid 0.12 noborder notitle, \\\n    "));
    }
    for (size_t p = 0; p < count; p++) {
        buf_addf(out, "%s%s using 1:%zu with lines linestyle %zu dashtype %s notitle", p > 0 ? ", \\\n    " : "", block, p + 2, style,
                 dashes[p % COUNT(dashes)]);
        buf_addf(out, ", %s using 1:($%zu == 1 ? $%zu : NaN) with points linestyle %zu notitle", block, count + p + 2, p + 2, style);
        buf_addf(out, ", %s using 1:($%zu == 1 ? NaN : $%zu) with points linestyle %zu linecolor rgb '#ffffff' notitle", block,
                 count + p + 2, p + 2, style);
        buf_addf(out, ", %s using 1:($%zu == 1 ? NaN : $%zu) with points linestyle %zu notitle", block, count + p + 2, p + 2,
                 style + 10);
    }
}

static void draw_metric(struct plot *plot, enum metric metric, const struct axis *x)
{
    struct picture *picture = &plot->picture;
    struct plot_unit unit;
    struct axis y = axis_of_figures(plot, metric, &unit);
    char columns[256], percentiles[128] = "";
    for (size_t p = 0, len = 0; p < plot->summaries.percentile_count && len < sizeof percentiles - 16; p++)
        len += (size_t)snprintf(percentiles + len, sizeof percentiles - len, "%sp%g", p > 0 ? ", " : "", plot->summaries.percentiles[p]);
    snprintf(columns, sizeof columns, "%s; %s: %s; for each 1 where 10 samples or more lie beyond it", plot->x_label, unit.label,
             percentiles);
    picture_panel(picture, x, plot->x_label, &y, unit.label);
    for (size_t i = 0; i < plot->run_count; i++) {
        char block[PLOT_BLOCK_SIZE];
        plot_block(plot, &plot->runs[i], metric, columns, block);
        write_data(plot, &plot->runs[i], metric, &unit, &y);
        buf_add_str(&picture->panels, i > 0 ? STR(", \\\n    ") : STR("plot "));
        draw_run(plot, &plot->runs[i], block);
    }
    buf_add_char(&picture->panels, '\n');
}

/* Is some point hollow? */
static bool has_few(const struct plot *plot)
{
    double last = plot->summaries.percentiles[plot->summaries.percentile_count - 1];
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            for (size_t m = 0; m < plot->metric_count; m++)
                if (summary_is_few(quantiles_count(plot_values(plot, &plot->runs[i].points[k], plot->metrics[m])), last))
                    return true;
    return false;
}

int plot_rate(struct plot *plot, struct err *err)
{
    struct picture *picture = &plot->picture;
    if (plot_choose_metrics(plot, err) < 0)
        return -1;
    if (plot->run_count > 1)
        plot_legend(plot, "points");
    if (plot->run_count > MOST_BANDS && plot->plan->percentile_count == 0) {
        plot->summaries.percentiles = outer_percentiles;
        plot->summaries.percentile_count = COUNT(outer_percentiles);
    }
    for (size_t p = 0; p < plot->summaries.percentile_count; p++) {
        char label[32], how[64];
        snprintf(label, sizeof label, "p%g", plot->summaries.percentiles[p]);
        snprintf(how, sizeof how, "lines linewidth 2 linecolor rgb '%s' dashtype %s", plot->run_count > 1 ? "#555555" : "#0072B2",
                 dashes[p % COUNT(dashes)]);
        picture_legend(picture, str_of(label), how);
    }
    if (has_few(plot))
        buf_addf(&picture->note, "%shollow points: fewer than %d samples lie beyond", picture->note.len > 0 ? "; " : "",
                 SUMMARY_FEW_SAMPLES);
    picture_layout(picture, plot->metric_count, PICTURE_PLAIN);
    struct axis x = axis_of_x(plot);
    for (size_t i = 0; i < plot->metric_count; i++)
        draw_metric(plot, plot->metrics[i], &x);
    return 0;
}
