/* report/plot_pareto.c: each run's output tokens/s against a latency, a point a load, and which points no other beats */
#include "report/gnuplot.h"
#include "report/plot_kind.h"

#include <stdio.h>
#include <stdlib.h>

struct place {
    double cost;   // ascending is worse: the latency, or the tokens/s of a stream taken negative
    double tokens_per_s;
};

static double latency_of(const struct plot *plot, const struct plot_point *point)
{
    return quantiles_at(plot_values(plot, point, plot->metrics[0]), plot->summaries.percentiles[0] / 100);
}

static bool has_place(const struct plot *plot, const struct plot_point *point)
{
    return !isnan(latency_of(plot, point)) && !isnan(point->summary->output_tps);
}

/* Of two that cost the same, the one with more tokens comes first. */
static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->tokens_per_s < b->tokens_per_s) - (a->tokens_per_s > b->tokens_per_s);
}

/* The places of all runs in that order. The caller frees them; NULL: out of memory. */
static struct place *all_places(const struct plot *plot, size_t *count)
{
    size_t room = 1;
    for (size_t i = 0; i < plot->run_count; i++)
        room += plot->runs[i].point_count;
    struct place *places = calloc(room, sizeof *places);
    *count = 0;
    for (size_t i = 0; i < plot->run_count && places; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++) {
            const struct plot_point *point = &plot->runs[i].points[k];
            double latency = latency_of(plot, point);
            double cost = plot->metrics[0] == METRIC_TOKENS_PER_S ? -latency : latency;
            if (has_place(plot, point))
                places[(*count)++] = (struct place){cost, point->summary->output_tps};
        }
    if (places)
        qsort(places, *count, sizeof *places, compare_places);
    return places;
}

/* The stair below which all points lie: what is the most tokens/s for so much latency or less? */
static void write_front(struct plot *plot, const struct place *places, size_t count, double unit)
{
    struct buf *data = &plot->picture.data;
    double most = -INFINITY, sign = plot->metrics[0] == METRIC_TOKENS_PER_S ? -1 : 1;
    buf_add_str(data, STR("\n# the Pareto front: what no other point beats in both\n$front << EOD\n"));
    for (size_t i = 0; i < count; i++)
        if (places[i].tokens_per_s > most) {
            most = places[i].tokens_per_s;
            buf_addf(data, "%.7g %.7g\n", sign * places[i].cost / unit, most);
        }
    buf_add_str(data, STR("EOD\n"));
}

/* A rectangle of the panel that is taken, in pixels. */
struct taken {
    double left, top, right, bottom;
};

struct labelling {
    struct plot *plot;
    const struct axis *x, *y;
    double unit, width, height;
    struct taken *taken; // a place for each point and its label
    size_t count;
};

static struct taken around(const struct labelling *labelling, const struct plot_point *point)
{
    double x = axis_place(labelling->x, latency_of(labelling->plot, point) / labelling->unit) * labelling->width;
    double y = (1 - axis_place(labelling->y, point->summary->output_tps)) * labelling->height;
    double half = 0.3 * labelling->plot->picture.page->font;
    return (struct taken){x - half, y - half, x + half, y + half};
}

static bool is_free(const struct labelling *labelling, const struct taken *wanted)
{
    for (size_t i = 0; i < labelling->count; i++) {
        const struct taken *other = &labelling->taken[i];
        if (wanted->left < other->right && other->left < wanted->right && wanted->top < other->bottom && other->top < wanted->bottom)
            return false;
    }
    double above_axis = labelling->height - 0.4 * labelling->plot->picture.page->font; // a label's box would cut the axis
    return wanted->left >= 0 && wanted->right <= labelling->width && wanted->top >= 0 && wanted->bottom <= above_axis;
}

/* Writes the point's x value beside it where there is room, first off the curve, which rises where less is better and
 * falls where more is: below or above it, on the right or the left. Else nowhere. */
static void label_point(struct labelling *labelling, const struct plot_point *point, size_t run)
{
    static const struct {
        int across, down;
    } sides[] = {{1, 1}, {-1, -1}, {1, -1}, {-1, 1}};
    struct picture *picture = &labelling->plot->picture;
    double font = 0.85 * picture->page->font;
    char text[32];
    struct taken own = around(labelling, point);
    double wide = font * (0.6 * snprintf(text, sizeof text, "%g", point->x) + 0.4);
    for (size_t i = 0; i < COUNT(sides); i++) {
        size_t side = labelling->plot->metrics[0] == METRIC_TOKENS_PER_S ? COUNT(sides) - 1 - i : i;
        bool right = sides[side].across > 0, below = sides[side].down > 0;
        struct taken wanted = {right ? own.right : own.left - wide, below ? own.bottom - 0.3 * font : own.top - 0.6 * font,
                               right ? own.right + wide : own.left, below ? own.bottom + 0.6 * font : own.top + 0.3 * font};
        if (!is_free(labelling, &wanted))
            continue;
        labelling->taken[labelling->count++] = wanted;
        buf_addf(&picture->panels, "set label '%s' at %.7g,%.7g %s offset character %.2f,%.2f", text,
                 latency_of(labelling->plot, point) / labelling->unit, point->summary->output_tps, right ? "left" : "right",
                 right ? 0.5 : -0.5, below ? -0.4 : 0.4);
        buf_addf(&picture->panels, " front boxed textcolor rgb '%s' font ',%.4g'\n", picture_colour(run), picture_small_font(picture));
        return;
    }
}

static int label_points(struct plot *plot, const struct axis *x, const struct axis *y, double unit, size_t places, struct err *err)
{
    struct picture *picture = &plot->picture;
    struct labelling labelling = {plot, x, y, unit, picture_panel_width(picture), picture_panel_height(picture), NULL, 0};
    labelling.taken = calloc(2 * places, sizeof *labelling.taken);
    if (!labelling.taken)
        return err_nomem(err);
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            if (has_place(plot, &plot->runs[i].points[k]))
                labelling.taken[labelling.count++] = around(&labelling, &plot->runs[i].points[k]);
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            if (has_place(plot, &plot->runs[i].points[k]))
                label_point(&labelling, &plot->runs[i].points[k], i);
    free(labelling.taken);
    return 0;
}

static void write_run(struct plot *plot, const struct plot_run *run, const char *label, double unit, char block[PLOT_BLOCK_SIZE])
{
    char columns[160];
    snprintf(columns, sizeof columns, "%s, output tokens/s, %s", label, plot->x_label);
    plot_block(plot, run, plot->metrics[0], columns, block);
    for (size_t k = 0; k < run->point_count; k++)
        if (has_place(plot, &run->points[k]))
            buf_addf(&plot->picture.data, "%.7g %.7g %.7g\n", latency_of(plot, &run->points[k]) / unit, run->points[k].summary->output_tps,
                     run->points[k].x);
    buf_add_str(&plot->picture.data, STR("EOD\n"));
}

static void find_extents(const struct plot *plot, struct axis_extent *latencies, struct axis_extent *tokens)
{
    *latencies = *tokens = AXIS_EXTENT_NONE;
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            if (has_place(plot, &plot->runs[i].points[k])) {
                axis_extent_add(latencies, latency_of(plot, &plot->runs[i].points[k]));
                axis_extent_add(tokens, plot->runs[i].points[k].summary->output_tps);
            }
}

static int draw(struct plot *plot, const struct place *places, size_t count, struct err *err)
{
    struct picture *picture = &plot->picture;
    struct axis_extent latencies, tokens;
    char percentile[32];
    find_extents(plot, &latencies, &tokens);
    snprintf(percentile, sizeof percentile, "p%g", plot->summaries.percentiles[0]);
    struct plot_unit unit = plot_unit(plot->metrics[0], latencies.most, percentile);
    struct axis_extent in_units = {latencies.least / unit.unit, latencies.most / unit.unit, latencies.least_positive / unit.unit};
    plot_legend(plot, "linespoints");
    picture_legend(picture, STR("Pareto front"), "lines linestyle 21");
    buf_addf(&picture->note, "%sbeside each point: %s", picture->note.len > 0 ? "; " : "", plot->x_label);
    picture_layout(picture, 1, PICTURE_PLAIN);
    struct axis_wish along = {plot->plan->scale, AXIS_FROM_ZERO, .middle = in_units.least_positive, .ticks = picture_ticks_x(picture)};
    struct axis x = axis_fit(&in_units, &along);
    struct axis y = axis_fit(&tokens, &(struct axis_wish){AXIS_LINEAR, AXIS_FROM_ZERO, .ticks = picture_ticks_y(picture)});
    picture_panel(picture, &x, unit.label, &y, "output tokens/s");
    if (label_points(plot, &x, &y, unit.unit, count, err) < 0)
        return -1;
    write_front(plot, places, count, unit.unit);
    // More tokens for more latency: the stair rises to the right. Of tokens/s a stream more is better: it falls.
    buf_addf(&picture->panels, "plot $front with %s linestyle 21 notitle", plot->metrics[0] == METRIC_TOKENS_PER_S ? "fsteps" : "steps");
    for (size_t i = 0; i < plot->run_count; i++) {
        char block[PLOT_BLOCK_SIZE];
        write_run(plot, &plot->runs[i], unit.label, unit.unit, block);
        buf_addf(&picture->panels, ", \\\n    %s with linespoints linestyle %zu notitle", block, i + 1);
    }
    buf_add_char(&picture->panels, '\n');
    return 0;
}

int plot_pareto(struct plot *plot, struct err *err)
{
    size_t count;
    if (plot_choose_metrics(plot, err) < 0)
        return -1;
    struct place *places = all_places(plot, &count);
    if (!places)
        return err_nomem(err);
    int rc = count > 0 ? 0 : err_set(err, ERR_MISSING, "nothing to draw: nobody counted the tokens");
    if (rc == 0)
        rc = draw(plot, places, count, err);
    free(places);
    return rc;
}
