/*
 * report/plot.h: pictures of runs, as gnuplot scripts that hold their data (the figures: lmutils-metrics(7))
 *
 *     struct plot *plot = plot_new(&plan);
 *     while (...)
 *         plot_add(plot, "vllm", rec->root, &request, &err);
 *     if (plot_write(plot, &script, &err) < 0) ...
 *     plot_free(plot);
 *
 * Every figure is a summary's (summary.h), so that a picture and lm-stat's table say the same; gnuplot only draws. A kind is
 * one file, plot_KIND.c, and one line of the table in plot.c. Memory is bounded as a summary's is, for each run and each
 * place on the x axis; the timeline has 16 bytes a request.
 */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include "report/measured.h"
#include "report/picture.h"

enum plot_kind { PLOT_SORTED, PLOT_CDF, PLOT_TAIL, PLOT_RATE, PLOT_PARETO, PLOT_TIMELINE, PLOT_KINDS };
extern const char *const plot_kinds[PLOT_KINDS + 1]; // NULL ends it

/* What is plotted: the metrics' names for --metric. */
extern const char *const plot_metrics[METRIC_COUNT];

struct plot_plan {
    enum plot_kind kind;
    struct picture_page page;
    enum profile profile;
    enum axis_scale scale;          // of latencies
    enum metric metrics[METRIC_COUNT];
    size_t metric_count;            // 0: those of the kind
    const double *percentiles;      // of rate and pareto, ascending
    size_t percentile_count;        // 0: those of the kind
    const char *by;                 // a run for each value of this member; NULL: one for each label
    const char *x;                  // rate and pareto: along this member; NULL: the load's rate, else its concurrency
};

struct plot; // its members are in plot_kind.h, for the kinds

struct plot *plot_new(const struct plot_plan *plan); // NULL: out of memory; the plan must live as long
void plot_free(struct plot *plot);                   // NULL is fine

/* Fails out of memory, and where there would be more than PICTURE_RUNS runs. */
int plot_add(struct plot *plot, const char *label, struct jval record, const struct measured *request, struct err *err);
/* A sample of lm-watch: for the timeline. What it does not have is not drawn. */
int plot_watch(struct plot *plot, struct jval sample, struct err *err);
/* Adds the script. Fails with ERR_MISSING where there is nothing to draw. Comes once. */
int plot_write(struct plot *plot, struct buf *script, struct err *err);

#endif
