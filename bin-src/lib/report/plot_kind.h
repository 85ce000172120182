/*
 * report/plot_kind.h: what a kind of plot is made of; for plot.c and plot_KIND.c only
 */
#ifndef REPORT_PLOT_KIND_H
#define REPORT_PLOT_KIND_H

#include "report/group.h"
#include "report/plot.h"
#include "report/timeline.h"

/* One curve's requests: a summary for each value along the x axis, or a single one. */
struct plot_run {
    char *label;
    struct groups *groups;
    struct plot_point {
        double x;
        const struct summary *summary;
    } *points; // ascending x; there when all is read
    size_t point_count;
    uint64_t without_x; // requests
};

struct plot {
    const struct plot_plan *plan;
    struct summary_plan summaries;
    const char *x;    // the member; NULL: the kind has none
    char x_label[64]; // what its axis says; no quote in it
    struct plot_run runs[PICTURE_RUNS];
    size_t run_count;
    struct timeline *timeline; // NULL: is none
    enum metric metrics[METRIC_COUNT]; // to draw
    size_t metric_count;
    struct picture picture;
};

#define PLOT_BLOCK_SIZE 64

/* How a metric is called in a picture. */
extern const char *const plot_metric_labels[METRIC_COUNT];

/* How a metric is drawn: values are divided by unit. */
struct plot_unit {
    double unit;
    char label[64]; // "TTFT (ms)", "TTFT p50 (ms)"
};
/* By the highest value that is drawn. what: behind the name, such as "p50"; NULL: nothing. */
struct plot_unit plot_unit(enum metric metric, double most, const char *what);

/* The values of a metric that a point has. */
struct quantiles *plot_values(const struct plot *plot, const struct plot_point *point, enum metric metric);
/* Are there any in any run? */
bool plot_has(const struct plot *plot, enum metric metric);
/* Drops the metrics of which there are no values, and notes them. Fails with ERR_MISSING if none is left. */
int plot_choose_metrics(struct plot *plot, struct err *err);

/* All values of a run, ascending, with their ranks from 0 on; of a sketch some thousands, the highest all (by their rank). */
struct plot_ranks {
    const struct quantiles *values;
    struct quantiles_kept kept;
    uint64_t count, next;
};
struct plot_ranks plot_ranks(const struct quantiles *values);
bool plot_next_rank(struct plot_ranks *ranks, uint64_t *rank, double *value);

/* The axis for the metric's values in all runs, in units, with the unit; latencies: on the scale that the plan says. */
struct axis plot_values_axis(const struct plot *plot, enum metric metric, enum axis_start start, int ticks, struct plot_unit *unit);
/* One entry of the legend a run. */
void plot_legend(struct plot *plot, const char *how);
/* Begins the data block of a run's metric, and says its name; columns tells readers of the script what is in it. */
void plot_block(struct plot *plot, const struct plot_run *run, enum metric metric, const char *columns, char block[PLOT_BLOCK_SIZE]);
/* Adds the commands that draw the run's data block: the curve, and points on it: all where there are few. */
void plot_curve(struct plot *plot, const struct plot_run *run, const char *block, const char *with, size_t written);

int plot_sorted(struct plot *plot, struct err *err);
int plot_cdf(struct plot *plot, struct err *err); // and the tail
int plot_rate(struct plot *plot, struct err *err);
int plot_pareto(struct plot *plot, struct err *err);
int plot_timeline(struct plot *plot, struct err *err);

#endif
