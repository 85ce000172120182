/* report/figure.c: see figure.h */
#include "report/figure.h"

#include "base/num.h"

#include <math.h>
#include <stdio.h>

static const struct whole {
    enum figure_kind kind;
    const char *name, *label;
} wholes[] = {
    {FIGURE_REQUESTS_RPS, "request_throughput_rps", "requests/s"},
    {FIGURE_OUTPUT_TPS, "output_token_throughput_tps", "output tokens/s"},
    {FIGURE_SUCCESS, "success_rate", "success rate"},
    {FIGURE_ATTAINMENT, "attainment", "SLO attainment"},
};

static const struct whole *whole_of(enum figure_kind kind)
{
    for (size_t i = 0; i < COUNT(wholes); i++)
        if (wholes[i].kind == kind)
            return &wholes[i];
    return NULL;
}

/* The metric whose name this is, with or without its unit. */
static int parse_metric(struct figure *figure, struct str name, struct err *err)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        struct str known = str_of(summary_metrics[i].name), bare = known;
        bare.len -= known.len > 3 && memcmp(known.ptr + known.len - 3, "_ms", 3) == 0 ? 3 : 0;
        if (str_eq(name, known) || str_eq(name, bare)) {
            figure->metric = (enum metric)i;
            return 0;
        }
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is no metric of lm-stat's, such as ttft, tpot, itl, e2e",
                   name.len < 40 ? (int)name.len : 40, name.ptr);
}

int figure_parse(struct figure *figure, struct str name, struct err *err)
{
    int64_t place;
    *figure = (struct figure){0};
    for (size_t i = 0; i < COUNT(wholes); i++)
        if (str_is(name, wholes[i].name)) {
            figure->kind = wholes[i].kind;
            return 0;
        }
    const char *dot = memrchr(name.ptr, '.', name.len), *first = memchr(name.ptr, '.', name.len);
    if (!dot)
        return err_set(err, ERR_PARSE, "\"%.*s\" is no figure such as ttft.p99, tpot.mean or request_throughput_rps",
                       name.len < 40 ? (int)name.len : 40, name.ptr);
    struct str metric = {name.ptr, (size_t)(first - name.ptr)}, of = {first + 1, name.len - metric.len - 1};
    if (str_is(metric, "attainment")) {
        figure->kind = FIGURE_ATTAINMENT;
        if (num_int(of, 0, 63, &place, err) < 0)
            return -1;
        figure->slo = (size_t)place;
        return 0;
    }
    if (parse_metric(figure, metric, err) < 0)
        return -1;
    figure->kind = str_is(of, "mean") ? FIGURE_MEAN : FIGURE_PERCENTILE;
    if (figure->kind == FIGURE_MEAN)
        return 0;
    if (of.len < 2 || of.ptr[0] != 'p')
        return err_set(err, ERR_PARSE, "\"%.*s\" is neither mean nor a percentile such as p99", of.len < 40 ? (int)of.len : 40, of.ptr);
    return num_double((struct str){of.ptr + 1, of.len - 1}, 0, 100, &figure->percentile, err);
}

static void write_name(const struct figure *figure, const char *metric, char between, const char *whole, char out[FIGURE_NAME_SIZE])
{
    if (figure->kind == FIGURE_MEAN)
        snprintf(out, FIGURE_NAME_SIZE, "%s%cmean", metric, between);
    else if (figure->kind == FIGURE_PERCENTILE)
        snprintf(out, FIGURE_NAME_SIZE, "%s%cp%.10g", metric, between, figure->percentile);
    else if (figure->kind == FIGURE_ATTAINMENT && figure->slo > 0)
        snprintf(out, FIGURE_NAME_SIZE, "%s%c%zu", whole, between, figure->slo);
    else
        snprintf(out, FIGURE_NAME_SIZE, "%s", whole);
}

void figure_name(const struct figure *figure, char name[FIGURE_NAME_SIZE])
{
    const struct whole *whole = whole_of(figure->kind);
    write_name(figure, summary_metrics[figure->metric].name, '.', whole ? whole->name : "", name);
}

void figure_label(const struct figure *figure, char label[FIGURE_NAME_SIZE])
{
    const struct whole *whole = whole_of(figure->kind);
    write_name(figure, summary_metrics[figure->metric].label, ' ', whole ? whole->label : "", label);
}

enum figure_better figure_better(const struct figure *figure)
{
    bool latency = figure->kind == FIGURE_MEAN || figure->kind == FIGURE_PERCENTILE;
    return latency && figure->metric != METRIC_TOKENS_PER_S ? FIGURE_LOWER : FIGURE_HIGHER;
}

double figure_unit(const struct figure *figure)
{
    return figure->kind == FIGURE_MEAN || figure->kind == FIGURE_PERCENTILE ? summary_metrics[figure->metric].unit : 1;
}

double figure_of(const struct summary *summary, const struct figure *figure)
{
    const struct quantiles *values = summary->values[summary->plan->profile][figure->metric];
    switch (figure->kind) {
    case FIGURE_MEAN:
        return quantiles_moments(values).mean;
    case FIGURE_PERCENTILE:
        return quantiles_at(values, figure->percentile / 100);
    case FIGURE_REQUESTS_RPS:
        return summary->request_rps;
    case FIGURE_OUTPUT_TPS:
        return summary->output_tps;
    case FIGURE_SUCCESS:
        return summary_share(summary->completed, summary_offered(summary));
    case FIGURE_ATTAINMENT:
        return figure->slo < summary->plan->slo_count ? summary_share(summary->slos[figure->slo].met, summary_offered(summary)) : NAN;
    }
    return NAN;
}
