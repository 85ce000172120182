/*
 * report/figure.h: one figure of a summary, by its name
 *
 *     struct figure figure;
 *     if (figure_parse(&figure, STR("ttft.p99"), &err) < 0) ...
 *     double value = figure_of(summary, &figure) / figure_unit(&figure);
 *
 * Names are the paths of lm-stat's JSON (lmutils-metrics(7)), whose _ms may be left out: "ttft_ms.p99", "tpot.mean",
 * "request_throughput_rps", "output_token_throughput_tps", "success_rate"; "attainment" is that
 * of the first SLO, "attainment.1" of the next.
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include "report/summary.h"

enum figure_kind { FIGURE_MEAN, FIGURE_PERCENTILE, FIGURE_REQUESTS_RPS, FIGURE_OUTPUT_TPS, FIGURE_SUCCESS, FIGURE_ATTAINMENT };
enum figure_better { FIGURE_LOWER, FIGURE_HIGHER };

struct figure {
    enum figure_kind kind;
    enum metric metric; // FIGURE_MEAN, FIGURE_PERCENTILE
    double percentile;  // 0 to 100
    size_t slo;         // FIGURE_ATTAINMENT: its place
};

int figure_parse(struct figure *figure, struct str name, struct err *err);
#define FIGURE_NAME_SIZE 64
void figure_name(const struct figure *figure, char name[FIGURE_NAME_SIZE]);
/* For people: "TTFT ms p99". */
void figure_label(const struct figure *figure, char label[FIGURE_NAME_SIZE]);
enum figure_better figure_better(const struct figure *figure);
/* What is printed is the value divided by this. */
double figure_unit(const struct figure *figure);

/* Of a summary that is finished; NaN: it has none. */
double figure_of(const struct summary *summary, const struct figure *figure);

#endif
