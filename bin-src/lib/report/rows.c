/* report/rows.c: see rows.h */
#include "report/rows.h"

#include <math.h>
#include <stdio.h>

/* The columns in front of those of the SLOs, and of the notes. */
static const struct {
    const char *heading;
    enum metric metric;
    bool high; // the high percentile, else the low one
} latencies[] = {
    {"TTFT", METRIC_TTFT, false}, {"TTFT", METRIC_TTFT, true}, {"TPOT", METRIC_TPOT, false}, {"TPOT", METRIC_TPOT, true},
    {"ITL", METRIC_ITL, true},    {"E2E", METRIC_E2E, false},  {"E2E", METRIC_E2E, true},
};
enum { COUNTS = 5 };

static double percentile(const struct summary_plan *plan, double wanted, double otherwise)
{
    for (size_t i = 0; i < plan->percentile_count; i++)
        if (plan->percentiles[i] == wanted)
            return wanted;
    return otherwise;
}

/* "p99": the percentile of a column. */
static void percentile_name(const struct summary_plan *plan, bool high, char name[32])
{
    double p = high ? percentile(plan, 99, plan->percentiles[plan->percentile_count - 1]) : percentile(plan, 50, plan->percentiles[0]);
    snprintf(name, 32, "p%.10g", p);
}

static void begin(struct rows *rows)
{
    const struct summary_plan *plan = rows->plan;
    char name[32];
    rows->grid.columns = COUNTS + COUNT(latencies) + plan->slo_count + 1;
    grid_cell(&rows->grid, "%s", rows->heading);
    grid_cell(&rows->grid, "completed"), grid_cell(&rows->grid, "failed");
    grid_cell(&rows->grid, "req/s"), grid_cell(&rows->grid, "out tok/s");
    for (size_t i = 0; i < COUNT(latencies); i++) {
        percentile_name(plan, latencies[i].high, name);
        grid_cell(&rows->grid, "%s %s ms", latencies[i].heading, name);
    }
    for (size_t i = 0; i < plan->slo_count; i++)
        grid_cell(&rows->grid, "%s", plan->slos[i].text);
    grid_cell(&rows->grid, "notes");
}

static void number(struct rows *rows, struct jval summary, const char *path, int digits)
{
    double value;
    if (jval_double_at(summary, path, &value))
        grid_cell(&rows->grid, "%.*f", digits, value);
    else
        grid_cell(&rows->grid, "-");
}

static bool is_few(struct jval metric, const char *name)
{
    struct jval list, element;
    struct str text;
    if (jval_member(metric, "few_samples", &list))
        for (struct jiter iter = jval_items(list); jiter_next(&iter, NULL, &element);)
            if (jval_str(element, &text) && str_is(text, name))
                return true;
    return false;
}

static void latency(struct rows *rows, struct jval summary, size_t i)
{
    char name[32];
    struct jval metric, value;
    double ms;
    percentile_name(rows->plan, latencies[i].high, name);
    if (!jval_member(summary, summary_metrics[latencies[i].metric].name, &metric) || !jval_member(metric, name, &value) ||
        !jval_double(value, &ms)) {
        grid_cell(&rows->grid, "-");
        return;
    }
    bool few = is_few(metric, name);
    rows->few = rows->few || few;
    grid_cell(&rows->grid, "%s%.*f", few ? "*" : "", ms < 10 ? 3 : 2, ms);
}

/* The share that kept the limits; NaN: this summary does not know. */
static double attainment(struct jval summary, const char *limits)
{
    struct jval list, slo;
    struct str text;
    if (jval_member(summary, "slo", &list))
        for (struct jiter iter = jval_items(list); jiter_next(&iter, NULL, &slo);)
            if (jval_str_at(slo, "/limits", &text) && str_is(text, limits)) {
                double share = NAN;
                jval_double_at(slo, "/attainment", &share);
                return share;
            }
    return NAN;
}

static void slos(struct rows *rows, struct jval summary)
{
    for (size_t i = 0; i < rows->plan->slo_count; i++) {
        double share = attainment(summary, rows->plan->slos[i].text);
        if (isnan(share))
            grid_cell(&rows->grid, "-");
        else
            grid_cell(&rows->grid, "%.2f%%", 100 * share);
    }
}

static void notes(struct rows *rows, struct jval summary)
{
    struct jval value;
    struct str text;
    bool yes = false;
    struct buf out = {0};
    struct jval parts, part;
    if (jval_str_at(summary, "/tool", &text))
        buf_add_str(&out, text);
    else if (jval_member(summary, "parts", &parts)) {
        struct jiter iter = jval_items(parts);
        if (jiter_next(&iter, NULL, &part) && jval_str_at(part, "/load/tool", &text))
            buf_add_str(&out, text);
    }
    if (jval_at(summary, "/saturation/over_saturated", &value) && jval_bool(value, &yes) && yes)
        buf_addf(&out, "%sover-saturated", out.len > 0 ? ", " : "");
    if (jval_at(summary, "/client/bottleneck", &value) && jval_bool(value, &yes) && yes)
        buf_addf(&out, "%sclient too slow", out.len > 0 ? ", " : "");
    grid_cell(&rows->grid, "%.*s", STR_ARG(buf_str(&out)));
    rows->grid.text.failed = rows->grid.text.failed || out.failed;
    buf_release(&out);
}

void rows_add(struct rows *rows, struct str name, struct jval summary)
{
    if (rows->grid.cells == 0)
        begin(rows);
    grid_cell(&rows->grid, "%.*s", STR_ARG(name));
    number(rows, summary, "/requests/completed", 0), number(rows, summary, "/requests/failed", 0);
    number(rows, summary, "/request_throughput_rps", 2), number(rows, summary, "/output_token_throughput_tps", 2);
    for (size_t i = 0; i < COUNT(latencies); i++)
        latency(rows, summary, i);
    slos(rows, summary);
    notes(rows, summary);
}

void rows_write(struct rows *rows, struct buf *out)
{
    if (rows->grid.cells == 0)
        return;
    grid_write(&rows->grid, rows->style, out);
    if (rows->few)
        buf_addf(out, "%s* fewer than %d samples lie beyond it\n", rows->style == GRID_MARKDOWN ? "\n\\" : "", SUMMARY_FEW_SAMPLES);
}

void rows_release(struct rows *rows)
{
    grid_release(&rows->grid);
    rows->grid = (struct grid){0};
}
