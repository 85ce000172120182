/* report/plot.c: see plot.h */
#include "report/plot.h"

#include "base/num.h"
#include "report/gnuplot.h"
#include "report/plot_kind.h"

#include <stdio.h>
#include <stdlib.h>

const char *const plot_metrics[METRIC_COUNT] = {
    [METRIC_TTFT] = "ttft",
    [METRIC_TTFT_FROM_DUE] = "ttft_from_due",
    [METRIC_TPOT] = "tpot",
    [METRIC_ITL] = "itl",
    [METRIC_E2E] = "e2e",
    [METRIC_E2E_FROM_DUE] = "e2e_from_due",
    [METRIC_QUEUE_WAIT] = "queue_wait",
    [METRIC_TOKENS_PER_S] = "tokens_per_s",
};
const char *const plot_metric_labels[METRIC_COUNT] = {
    [METRIC_TTFT] = "TTFT",
    [METRIC_TTFT_FROM_DUE] = "TTFT from due",
    [METRIC_TPOT] = "TPOT",
    [METRIC_ITL] = "ITL",
    [METRIC_E2E] = "E2E latency",
    [METRIC_E2E_FROM_DUE] = "E2E latency from due",
    [METRIC_QUEUE_WAIT] = "queue wait",
    [METRIC_TOKENS_PER_S] = "tokens/s a stream",
};

static const double percentiles_of_rate[] = {50, 90, 99}, percentiles_of_pareto[] = {50};

static const struct kind {
    int (*draw)(struct plot *plot, struct err *err);
    enum metric metrics[2];
    size_t metric_count;
    const double *percentiles;
    size_t percentile_count;
    bool has_x, is_timeline;
} kinds[PLOT_KINDS] = {
    [PLOT_SORTED] = {plot_sorted, {METRIC_TTFT, METRIC_TPOT}, 2},
    [PLOT_CDF] = {plot_cdf, {METRIC_TTFT, METRIC_TPOT}, 2},
    [PLOT_TAIL] = {plot_cdf, {METRIC_TTFT, METRIC_TPOT}, 2},
    [PLOT_RATE] = {plot_rate, {METRIC_TTFT, METRIC_TPOT}, 2, percentiles_of_rate, COUNT(percentiles_of_rate), .has_x = true},
    [PLOT_PARETO] = {plot_pareto, {METRIC_TPOT}, 1, percentiles_of_pareto, COUNT(percentiles_of_pareto), .has_x = true},
    [PLOT_TIMELINE] = {plot_timeline, .is_timeline = true},
};
const char *const plot_kinds[PLOT_KINDS + 1] = {
    [PLOT_SORTED] = "sorted", [PLOT_CDF] = "cdf",       [PLOT_TAIL] = "tail",
    [PLOT_RATE] = "rate",     [PLOT_PARETO] = "pareto", [PLOT_TIMELINE] = "timeline",
};

enum { KEPT_VALUES = 1000000 }; // beyond, a sketch that is right within a quarter of a pixel

struct plot *plot_new(const struct plot_plan *plan)
{
    const struct kind *kind = &kinds[plan->kind];
    struct plot *plot = calloc(1, sizeof *plot);
    if (!plot)
        return NULL;
    plot->plan = plan;
    plot->x = plan->x;
    plot->metric_count = plan->metric_count > 0 ? plan->metric_count : kind->metric_count;
    memcpy(plot->metrics, plan->metric_count > 0 ? plan->metrics : kind->metrics, plot->metric_count * sizeof *plot->metrics);
    plot->summaries = (struct summary_plan){.profile = plan->profile,
                                            .keep = KEPT_VALUES,
                                            .percentiles = kind->percentiles,
                                            .percentile_count = kind->percentile_count};
    if (plan->percentile_count > 0) {
        plot->summaries.percentiles = plan->percentiles;
        plot->summaries.percentile_count = plan->percentile_count;
    }
    plot->picture = (struct picture){.page = &plan->page, .name = plot_kinds[plan->kind]};
    if (!kind->is_timeline || (plot->timeline = timeline_new(plan->profile)))
        return plot;
    free(plot);
    return NULL;
}

void plot_free(struct plot *plot)
{
    if (!plot)
        return;
    for (size_t i = 0; i < plot->run_count; i++) {
        groups_free(plot->runs[i].groups);
        free(plot->runs[i].points);
        free(plot->runs[i].label);
    }
    timeline_free(plot->timeline);
    picture_release(&plot->picture);
    free(plot);
}

/* The run's name: the label, the member's value where runs are told apart by it, or both where there are several labels. */
static int name_run(const struct plot *plot, const char *label, struct jval record, struct buf *name, struct err *err)
{
    struct jval value;
    struct str text;
    char *path = NULL;
    buf_add_str(name, str_of(label));
    if (plot->plan->by && !(path = group_path(plot->plan->by)))
        return err_nomem(err);
    if (path && name->len > 0)
        buf_add_char(name, ' ');
    if (path && !jval_at(record, path, &value))
        buf_add_str(name, STR("(missing)"));
    else if (path && jval_str(value, &text))
        buf_add_str(name, text);
    else if (path)
        jval_write(value, name);
    free(path);
    buf_add_char(name, '\0');
    return name->failed ? err_nomem(err) : 0;
}

static struct plot_run *add_run(struct plot *plot, struct buf *name, struct err *err)
{
    if (plot->run_count == PICTURE_RUNS) {
        err_set(err, ERR_RANGE, "more than %d runs: nobody could tell so many curves apart", PICTURE_RUNS);
        return NULL;
    }
    struct plot_run *run = &plot->runs[plot->run_count++];
    *run = (struct plot_run){.label = name->ptr, .groups = groups_new(&plot->summaries, plot->x)};
    *name = (struct buf){0};
    if (run->groups)
        return run;
    err_nomem(err);
    return NULL;
}

static struct plot_run *find_run(struct plot *plot, const char *label, struct jval record, struct err *err)
{
    struct buf name = {0};
    struct plot_run *run = NULL;
    if (name_run(plot, label, record, &name, err) == 0) {
        for (size_t i = 0; i < plot->run_count && !run; i++)
            run = strcmp(plot->runs[i].label, name.ptr) == 0 ? &plot->runs[i] : NULL;
        run = run ? run : add_run(plot, &name, err);
    }
    buf_release(&name);
    return run;
}

int plot_add(struct plot *plot, const char *label, struct jval record, const struct measured *request, struct err *err)
{
    struct jval value;
    if (plot->timeline)
        return timeline_add(plot->timeline, request, err);
    if (kinds[plot->plan->kind].has_x && !plot->x) // all runs are along one member: the first request says which
        plot->x = jval_at(record, "/timing/load/rate_rps", &value) ? "timing.load.rate_rps" : "timing.load.concurrency";
    struct plot_run *run = find_run(plot, label, record, err);
    struct summary *summary = run ? groups_find(run->groups, record, label, err) : NULL;
    return summary ? summary_add(summary, request, err) : -1;
}

int plot_watch(struct plot *plot, struct jval sample, struct err *err)
{
    return timeline_watch(plot->timeline, sample, err);
}

struct plot_unit plot_unit(enum metric metric, double most, const char *what)
{
    const char *name = plot_metric_labels[metric];
    struct plot_unit unit = {.unit = 1};
    if (metric == METRIC_TOKENS_PER_S) {
        snprintf(unit.label, sizeof unit.label, "%s%s%s", name, what ? " " : "", what ? what : "");
        return unit;
    }
    unit.unit = most >= 10.0 * NS_PER_S ? NS_PER_S : most >= NS_PER_MS ? NS_PER_MS : NS_PER_US;
    const char *symbol = most >= 10.0 * NS_PER_S ? "s" : most >= NS_PER_MS ? "ms" : "µs";
    snprintf(unit.label, sizeof unit.label, "%s%s%s (%s)", name, what ? " " : "", what ? what : "", symbol);
    return unit;
}

struct quantiles *plot_values(const struct plot *plot, const struct plot_point *point, enum metric metric)
{
    return point->summary->values[plot->plan->profile][metric];
}

bool plot_has(const struct plot *plot, enum metric metric)
{
    for (size_t i = 0; i < plot->run_count; i++)
        for (size_t k = 0; k < plot->runs[i].point_count; k++)
            if (quantiles_count(plot_values(plot, &plot->runs[i].points[k], metric)) > 0)
                return true;
    return false;
}

int plot_choose_metrics(struct plot *plot, struct err *err)
{
    size_t kept = 0, points = 0;
    for (size_t i = 0; i < plot->run_count; i++)
        points += plot->runs[i].point_count;
    if (plot->run_count > 0 && points == 0)
        return err_set(err, ERR_MISSING, "nothing to draw: no request has a number for %s (--x names what the load was varied by)",
                       plot->x);
    for (size_t i = 0; i < plot->metric_count; i++) {
        enum metric metric = plot->metrics[i];
        if (plot_has(plot, metric))
            plot->metrics[kept++] = metric;
        else
            buf_addf(&plot->picture.note, "%sno request has a %s", plot->picture.note.len > 0 ? "; " : "", plot_metric_labels[metric]);
    }
    if (kept == 0)
        return err_set(err, ERR_MISSING, "nothing to draw: no completed request has a %s%s", plot_metric_labels[plot->metrics[0]],
                       plot->metric_count > 1 ? ", or any other of the metrics" : "");
    plot->metric_count = kept;
    return 0;
}

struct plot_ranks plot_ranks(const struct quantiles *values)
{
    return (struct plot_ranks){values, quantiles_kept(values), quantiles_count(values), 0};
}

bool plot_next_rank(struct plot_ranks *ranks, uint64_t *rank, double *value)
{
    enum { EVEN = 4000, OF_REST = 400 }; // a sketch's ranks are that far apart, and ever closer towards the end
    if (ranks->next >= ranks->count)
        return false;
    *rank = ranks->next;
    if (ranks->kept.count > 0) {
        *value = ranks->kept.values[ranks->next++];
        return true;
    }
    *value = quantiles_at(ranks->values, (double)*rank / (double)(ranks->count - 1));
    uint64_t even = ranks->count / EVEN, of_rest = (ranks->count - ranks->next) / OF_REST, step = even < of_rest ? even : of_rest;
    ranks->next += step > 0 ? step : 1;
    return true;
}

static double least_positive(const struct quantiles *values)
{
    struct plot_ranks ranks = plot_ranks(values);
    double value;
    for (uint64_t rank; plot_next_rank(&ranks, &rank, &value);)
        if (value > 0)
            return value;
    return NAN;
}

struct axis plot_values_axis(const struct plot *plot, enum metric metric, enum axis_start start, int ticks, struct plot_unit *unit)
{
    struct axis_extent extent = AXIS_EXTENT_NONE, in_units = AXIS_EXTENT_NONE;
    double middle = INFINITY; // of the run that is pressed most
    for (size_t i = 0; i < plot->run_count; i++) {
        const struct quantiles *values = plot_values(plot, plot->runs[i].points, metric);
        axis_extent_add(&extent, least_positive(values));
        axis_extent_add(&extent, quantiles_moments(values).min);
        axis_extent_add(&extent, quantiles_moments(values).max);
        middle = fmin(middle, quantiles_at(values, 0.5));
    }
    *unit = plot_unit(metric, extent.most, NULL);
    axis_extent_add(&in_units, extent.least_positive / unit->unit);
    axis_extent_add(&in_units, extent.least / unit->unit);
    axis_extent_add(&in_units, extent.most / unit->unit);
    return axis_fit(&in_units, &(struct axis_wish){plot->plan->scale, start, .middle = middle / unit->unit, .ticks = ticks});
}

void plot_legend(struct plot *plot, const char *how)
{
    char with[64];
    for (size_t i = 0; i < plot->run_count; i++) {
        snprintf(with, sizeof with, "%s linestyle %zu", how, i + 1);
        picture_legend(&plot->picture, str_of(plot->runs[i].label), with);
    }
}

void plot_block(struct plot *plot, const struct plot_run *run, enum metric metric, const char *columns, char block[PLOT_BLOCK_SIZE])
{
    snprintf(block, PLOT_BLOCK_SIZE, "$%s_%zu", plot_metrics[metric], (size_t)(run - plot->runs) + 1);
    buf_add_str(&plot->picture.data, STR("\n# "));
    gnuplot_quote(&plot->picture.data, str_of(run->label));
    buf_addf(&plot->picture.data, ": %s\n%s << EOD\n", columns, block);
}

void plot_curve(struct plot *plot, const struct plot_run *run, const char *block, const char *with, size_t written)
{
    enum { FEW = 40, POINTS = 8 };
    size_t nth = (size_t)(run - plot->runs), every = written <= FEW ? 1 : written / POINTS;
    // Runs have their points at different places, so that curves which coincide are both seen.
    size_t first = every * (2 * nth + 1) / (2 * plot->run_count);
    buf_addf(&plot->picture.panels, "%s%s with %s linestyle %zu notitle, %s every %zu::%zu with points linestyle %zu notitle",
             nth > 0 ? ", \\\n    " : "plot ", block, with, nth + 1, block, every, first, nth + 1);
}

struct finishing {
    struct plot *plot;
    struct plot_run *run;
};

static int finish_group(void *arg, struct group *group, struct err *err)
{
    struct plot_run *run = ((struct finishing *)arg)->run;
    double x = NAN;
    if (((struct finishing *)arg)->plot->x) {
        struct err none;
        if (group->key.len == 0 || num_double(group->key, -1e300, 1e300, &x, &none) < 0) {
            run->without_x += group->summary->completed;
            return 0;
        }
    }
    if (summary_finish(group->summary, err) < 0)
        return -1;
    struct plot_point *points = realloc(run->points, (run->point_count + 1) * sizeof *points);
    if (!points)
        return err_nomem(err);
    run->points = points;
    points[run->point_count++] = (struct plot_point){x, group->summary};
    return 0;
}

static void note_run(struct plot *plot, const struct plot_run *run)
{
    uint64_t failed = 0, cancelled = 0, warmup = 0;
    for (size_t i = 0; i < run->point_count; i++) {
        failed += run->points[i].summary->failed;
        cancelled += run->points[i].summary->cancelled;
        warmup += run->points[i].summary->warmup;
    }
    struct buf *note = &plot->picture.note;
    char without[96];
    snprintf(without, sizeof without, "without %s", plot->x ? plot->x : "");
    const struct {
        uint64_t count;
        const char *what;
    } left_out[] = {{failed, "failed"}, {cancelled, "cancelled"}, {warmup, "warm-up"}, {run->without_x, without}};
    bool any = false;
    for (size_t i = 0; i < COUNT(left_out); i++) {
        if (left_out[i].count == 0)
            continue;
        buf_add_str(note, note->len == 0 ? STR("Left out: ") : any ? STR(", ") : STR("; "));
        if (!any && plot->run_count > 1)
            buf_addf(note, "%s ", run->label);
        buf_addf(note, "%llu %s", (unsigned long long)left_out[i].count, left_out[i].what);
        any = true;
    }
}

static void label_x(struct plot *plot)
{
    const char *known = !plot->x                                       ? ""
                        : strcmp(plot->x, "timing.load.rate_rps") == 0    ? "request rate (1/s)"
                        : strcmp(plot->x, "timing.load.concurrency") == 0 ? "concurrency"
                                                                          : plot->x;
    snprintf(plot->x_label, sizeof plot->x_label, "%s", known);
    for (char *c = plot->x_label; *c; c++)
        *c = *c == '\'' || (unsigned char)*c < ' ' ? ' ' : *c;
}

int plot_write(struct plot *plot, struct buf *script, struct err *err)
{
    label_x(plot);
    for (size_t i = 0; i < plot->run_count; i++) {
        struct finishing finishing = {plot, &plot->runs[i]};
        if (groups_each(plot->runs[i].groups, finish_group, &finishing, err) < 0)
            return -1;
        note_run(plot, &plot->runs[i]);
    }
    if (kinds[plot->plan->kind].draw(plot, err) < 0)
        return -1;
    picture_write(&plot->picture, script);
    return script->failed ? err_nomem(err) : 0;
}
