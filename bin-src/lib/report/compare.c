/* report/compare.c: see compare.h */
#include "report/compare.h"

#include "stats/student.h"

#include <math.h>
#include <search.h>
#include <stdlib.h>

const char *const compare_methods[COMPARE_METHODS] = {
    [COMPARE_NOT] = "none",           [COMPARE_RUNS] = "runs",     [COMPARE_BOOTSTRAP] = "bootstrap",
    [COMPARE_BATCHES] = "batch_means", [COMPARE_SHARES] = "shares",
};
const char *const compare_verdicts[COMPARE_VERDICTS] = {
    [COMPARE_UNTOLD] = "untold", [COMPARE_NO_DIFFERENCE] = "no difference shown", [COMPARE_BETTER] = "better", [COMPARE_WORSE] = "worse"};

/* A share of which fewer went one way is not resampled: the draws would hardly differ. */
enum { FEW = 10 };

/* Completed or failed. */
struct request {
    uint32_t unit;
    bool completed;
    uint64_t met;   // a bit an SLO
    double last_ns; // of a completed one
    double tokens;
};

struct compare_run {
    struct summary *summary;
    struct request *requests;
    size_t count, room;
};

/* Where a unit's key is found. */
struct unit {
    struct str key;
    uint32_t number;
    unsigned sides; // a bit a side that has it
    char text[];    // what key views, once it is kept
};

struct compare *compare_new(const struct compare_plan *plan)
{
    struct compare *compare = calloc(1, sizeof *compare);
    if (!compare)
        return NULL;
    compare->plan = plan;
    compare->summary_plan = plan->summary;
    compare->summary_plan.resamples = 0; // the summaries keep their requests' tags, and make no intervals
    compare->results = calloc(plan->figure_count + 1, sizeof *compare->results);
    if (compare->results)
        return compare;
    free(compare);
    return NULL;
}

void compare_free(struct compare *compare)
{
    if (!compare)
        return;
    for (int side = 0; side < COMPARE_SIDES; side++) {
        for (size_t i = 0; i < compare->run_count[side]; i++) {
            summary_free(compare->runs[side][i].summary);
            free(compare->runs[side][i].requests);
        }
        free(compare->runs[side]);
    }
    tdestroy(compare->units, free);
    buf_release(&compare->key);
    free(compare->results);
    free(compare);
}

int compare_run(struct compare *compare, enum compare_side side, struct err *err)
{
    struct compare_run *runs = realloc(compare->runs[side], (compare->run_count[side] + 1) * sizeof *runs);
    if (!runs)
        return err_nomem(err);
    compare->runs[side] = runs;
    compare->side = side;
    struct summary *summary = summary_new(&compare->summary_plan);
    if (!summary)
        return err_nomem(err);
    runs[compare->run_count[side]++] = (struct compare_run){.summary = summary};
    return 0;
}

static int compare_units(const void *left, const void *right)
{
    const struct unit *a = left, *b = right;
    size_t shorter = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = memcmp(a->key.ptr, b->key.ptr, shorter);
    return order != 0 ? order : (a->key.len > b->key.len) - (a->key.len < b->key.len);
}

static struct unit *add_unit(struct compare *compare, struct str key)
{
    struct unit *unit = malloc(sizeof *unit + key.len);
    if (!unit)
        return NULL;
    *unit = (struct unit){.key = {unit->text, key.len}, .number = compare->unit_count};
    memcpy(unit->text, key.ptr, key.len);
    if (tsearch(unit, &compare->units, compare_units)) {
        compare->unit_count++;
        return unit;
    }
    free(unit);
    return NULL;
}

/* What several requests may be alike by. A record without any is one of its own. */
static int find_unit(struct compare *compare, struct jval record, uint32_t *number, struct err *err)
{
    static const char *const paths[] = {"/meta/item", "/session/id", "/id"};
    struct jval value;
    size_t i = 0;
    while (i < COUNT(paths) && !jval_at(record, paths[i], &value))
        i++;
    buf_clear(&compare->key);
    if (i < COUNT(paths))
        jval_write(value, &compare->key);
    else
        buf_addf(&compare->key, "%u", compare->unit_count);
    if (compare->key.failed)
        return err_nomem(err);
    struct unit wanted = {.key = buf_str(&compare->key)}, **found = tfind(&wanted, &compare->units, compare_units);
    struct unit *unit = found ? *found : add_unit(compare, wanted.key);
    if (!unit)
        return err_nomem(err);
    compare->shared_units += unit->sides != 0 && unit->sides != 3 && unit->sides != 1u << compare->side;
    unit->sides |= 1u << compare->side;
    *number = unit->number;
    return 0;
}

static uint64_t limits_met(const struct summary_plan *plan, const struct measured *request)
{
    double figures[METRIC_COUNT];
    uint64_t met = 0;
    measured_figures(request, plan->profile, figures);
    for (size_t i = 0; i < plan->slo_count; i++)
        met |= (uint64_t)slo_judge(&plan->slos[i], request, plan->profile, figures).met << i;
    return met;
}

int compare_add(struct compare *compare, struct jval record, const struct measured *request, struct err *err)
{
    struct compare_run *run = &compare->runs[compare->side][compare->run_count[compare->side] - 1];
    struct request kept = {.completed = request->outcome == OUTCOME_COMPLETED};
    if (summary_add(run->summary, request, err) < 0)
        return -1;
    if (request->timing.warmup || request->outcome == OUTCOME_CANCELLED)
        return 0;
    if (run->count == run->room) {
        size_t room = run->room * 2 + 64;
        struct request *requests = realloc(run->requests, room * sizeof *requests);
        if (!requests)
            return err_nomem(err);
        run->requests = requests;
        run->room = room;
    }
    if (find_unit(compare, record, &kept.unit, err) < 0)
        return -1;
    if (kept.completed) {
        kept.met = limits_met(&compare->summary_plan, request);
        kept.last_ns = (double)measured_last_ns(request, compare->summary_plan.profile);
        kept.tokens = request->output_tokens > 0 ? (double)request->output_tokens : 0;
    }
    run->requests[run->count++] = kept;
    return 0;
}

const struct summary *compare_summary(const struct compare *compare, enum compare_side side, size_t run)
{
    return compare->runs[side][run].summary;
}

static struct student_sample figures_of_runs(const struct compare *compare, enum compare_side side, const struct figure *figure)
{
    double sum = 0, squares = 0;
    size_t count = compare->run_count[side];
    for (size_t i = 0; i < count; i++)
        sum += figure_of(compare->runs[side][i].summary, figure);
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(figure_of(compare->runs[side][i].summary, figure) - mean, 2);
    return (struct student_sample){count, mean, count > 1 ? squares / (double)(count - 1) : NAN};
}

/* The difference as it is, and the ratio by that of the logarithms (the delta method). */
static void by_student(struct student_sample a, struct student_sample b, double level, struct compare_result *result)
{
    struct student_difference d = student_difference(a, b, level);
    result->difference_interval = (struct bootstrap_interval){d.low, d.high};
    result->p = d.p;
    if (!(a.mean > 0 && b.mean > 0))
        return;
    a = (struct student_sample){a.count, log(a.mean), a.variance / (a.mean * a.mean)};
    b = (struct student_sample){b.count, log(b.mean), b.variance / (b.mean * b.mean)};
    d = student_difference(a, b, level);
    result->ratio_interval = (struct bootstrap_interval){exp(d.low), exp(d.high)};
}

/* What was reached in each of WINDOWS equal parts of the run's time, a second. */
static struct student_sample batches_of(const struct compare_run *run, enum figure_kind kind)
{
    double batches[COMPARE_WINDOWS] = {0};
    const struct summary_part *part = run->summary->parts;
    if (run->summary->part_count != 1 || run->summary->completed < 2 * COMPARE_WINDOWS || isnan(run->summary->duration_s) ||
        (kind == FIGURE_OUTPUT_TPS && isnan(run->summary->output_tps)))
        return (struct student_sample){0};
    double width_s = run->summary->duration_s / COMPARE_WINDOWS;
    for (size_t i = 0; i < run->count; i++) {
        const struct request *request = &run->requests[i];
        if (!request->completed)
            continue;
        double at = (request->last_ns - (double)part->first_ns) / 1e9 / width_s;
        batches[at >= COMPARE_WINDOWS ? COMPARE_WINDOWS - 1 : (int)at] += (kind == FIGURE_OUTPUT_TPS ? request->tokens : 1) / width_s;
    }
    return student_sample(batches, COMPARE_WINDOWS);
}

/* Differences and ratios of what was drawn for both sides; p as of a normal difference of that deviation. */
static int by_draws(const double *a, const double *b, size_t count, double level, struct compare_result *result, struct err *err)
{
    double *differences = malloc((2 * count + 1) * sizeof *differences), *ratios = differences + count;
    size_t told = 0, positive = 0;
    if (!differences)
        return err_nomem(err);
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            continue;
        differences[told++] = b[i] - a[i];
        if (a[i] > 0)
            ratios[positive++] = b[i] / a[i];
    }
    double deviation = sqrt(student_sample(differences, told).variance);
    int rc = bootstrap_middle(differences, told, level, &result->difference_interval, err);
    if (rc == 0 && positive == told)
        rc = bootstrap_middle(ratios, positive, level, &result->ratio_interval, err);
    if (told > 1)
        result->p = deviation > 0 ? 2 * student_below(-fabs(result->difference) / deviation, INFINITY) : result->difference != 0 ? 0 : 1;
    free(differences);
    return rc;
}

/* The run's values of the metric, tagged by units; the tags are the caller's to free. */
static struct quantiles_kept values_of(const struct compare_run *run, enum profile profile, enum metric metric)
{
    struct quantiles_kept kept = quantiles_kept(run->summary->values[profile][metric]);
    uint32_t *units = malloc((run->count + 1) * sizeof *units), *tags = malloc((kept.count + 1) * sizeof *tags);
    for (size_t i = 0, completed = 0; units && i < run->count; i++)
        if (run->requests[i].completed)
            units[completed++] = run->requests[i].unit;
    for (size_t i = 0; units && tags && i < kept.count; i++)
        tags[i] = units[kept.tags[i]];
    if (!units) {
        free(tags);
        tags = NULL;
    }
    free(units);
    kept.tags = tags;
    return kept;
}

static struct bootstrap bootstrap_of(const struct compare *compare)
{
    const struct summary_plan *plan = &compare->plan->summary;
    return (struct bootstrap){.units = compare->unit_count, .resamples = plan->resamples, .seed = plan->seed};
}

/* All figures of the metric, from the same draws. quantiles: as many as figures, ascending. */
static int resample_metric(struct compare *compare, enum metric metric, const double *quantiles, size_t quantile_count, struct err *err)
{
    struct quantiles_kept samples[COMPARE_SIDES];
    struct bootstrap bootstrap = bootstrap_of(compare);
    bootstrap.quantiles = quantiles;
    bootstrap.quantile_count = quantile_count;
    for (int side = 0; side < COMPARE_SIDES; side++)
        samples[side] = values_of(compare->runs[side], compare->summary_plan.profile, metric);
    double *draws = NULL;
    int rc = samples[0].tags && samples[1].tags ? 0 : err_nomem(err);
    if (rc == 0 && samples[0].count > 0 && samples[1].count > 0 && !(draws = bootstrap_draw(&bootstrap, samples, COMPARE_SIDES, err)))
        rc = -1;
    size_t resamples = bootstrap.resamples, of_side = (quantile_count + 1) * resamples;
    for (size_t i = 0; rc == 0 && draws && i < compare->plan->figure_count; i++) {
        const struct figure *figure = &compare->plan->figures[i];
        struct compare_result *result = &compare->results[i];
        bool percentile = figure->kind == FIGURE_PERCENTILE;
        if ((!percentile && figure->kind != FIGURE_MEAN) || figure->metric != metric)
            continue;
        size_t fewer = samples[0].count < samples[1].count ? samples[0].count : samples[1].count;
        if (fewer < 2 || (percentile && summary_is_few(fewer, figure->percentile)))
            continue;
        size_t place = 0;
        while (percentile && !(quantiles[place] >= figure->percentile / 100))
            place++;
        const double *a = draws + (percentile ? place + 1 : 0) * resamples;
        result->method = COMPARE_BOOTSTRAP;
        rc = by_draws(a, a + of_side, resamples, compare->plan->summary.ci_level, result, err);
    }
    free(draws);
    for (int side = 0; side < COMPARE_SIDES; side++)
        free((void *)samples[side].tags);
    return rc;
}

static struct student_share share_of(const struct summary *summary, const struct figure *figure)
{
    uint64_t count = figure->kind == FIGURE_SUCCESS ? summary->completed : summary->slos[figure->slo].met;
    return (struct student_share){count, summary_offered(summary)};
}

static bool share_is_few(struct student_share share)
{
    return share.count < FEW || share.of - share.count < FEW;
}

static int resample_share(struct compare *compare, const struct figure *figure, struct compare_result *result, struct err *err)
{
    struct quantiles_kept samples[COMPARE_SIDES] = {{0}, {0}};
    struct bootstrap bootstrap = bootstrap_of(compare);
    double *draws = NULL;
    int rc = 0;
    for (int side = 0; side < COMPARE_SIDES && rc == 0; side++) {
        const struct compare_run *run = compare->runs[side];
        double *values = malloc((run->count + 1) * sizeof *values);
        uint32_t *tags = malloc((run->count + 1) * sizeof *tags);
        samples[side] = (struct quantiles_kept){values, tags, run->count};
        if (!values || !tags)
            rc = err_nomem(err);
        for (size_t i = 0; rc == 0 && i < run->count; i++) {
            values[i] = (figure->kind == FIGURE_SUCCESS ? run->requests[i].completed : run->requests[i].met >> figure->slo & 1) ? 1 : 0;
            tags[i] = run->requests[i].unit;
        }
    }
    if (rc == 0 && !(draws = bootstrap_draw(&bootstrap, samples, COMPARE_SIDES, err)))
        rc = -1;
    if (rc == 0) {
        result->method = COMPARE_BOOTSTRAP;
        rc = by_draws(draws, draws + bootstrap.resamples, bootstrap.resamples, compare->plan->summary.ci_level, result, err);
    }
    free(draws);
    for (int side = 0; side < COMPARE_SIDES; side++) {
        free((void *)samples[side].values);
        free((void *)samples[side].tags);
    }
    return rc;
}

static int compare_shares(struct compare *compare, const struct figure *figure, struct compare_result *result, struct err *err)
{
    struct student_share a = share_of(compare->runs[COMPARE_A]->summary, figure), b = share_of(compare->runs[COMPARE_B]->summary, figure);
    if (a.of == 0 || b.of == 0)
        return 0;
    if (!share_is_few(a) && !share_is_few(b))
        return resample_share(compare, figure, result, err);
    struct student_difference d = student_share_difference(a, b, compare->plan->summary.ci_level);
    result->method = COMPARE_SHARES;
    result->difference_interval = (struct bootstrap_interval){d.low, d.high};
    result->p = d.p;
    return 0;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* One run a side. */
static int compare_requests(struct compare *compare, struct err *err)
{
    const struct compare_plan *plan = compare->plan;
    double *quantiles = calloc(plan->figure_count + 1, sizeof *quantiles);
    size_t quantile_count = 0;
    bool asked[METRIC_COUNT] = {0};
    int rc = quantiles ? 0 : err_nomem(err);
    for (size_t i = 0; rc == 0 && i < plan->figure_count; i++) {
        const struct figure *figure = &plan->figures[i];
        struct compare_result *result = &compare->results[i];
        if (figure->kind == FIGURE_PERCENTILE)
            quantiles[quantile_count++] = figure->percentile / 100;
        if (figure->kind == FIGURE_MEAN || figure->kind == FIGURE_PERCENTILE)
            asked[figure->metric] = true;
        else if (figure->kind == FIGURE_SUCCESS || figure->kind == FIGURE_ATTAINMENT)
            rc = compare_shares(compare, figure, result, err);
        else {
            struct student_sample a = batches_of(compare->runs[COMPARE_A], figure->kind);
            struct student_sample b = batches_of(compare->runs[COMPARE_B], figure->kind);
            if (a.count > 0 && b.count > 0) {
                result->method = COMPARE_BATCHES;
                by_student(a, b, plan->summary.ci_level, result);
            }
        }
    }
    if (rc == 0)
        qsort(quantiles, quantile_count, sizeof *quantiles, compare_doubles);
    for (int metric = 0; rc == 0 && metric < METRIC_COUNT; metric++)
        if (asked[metric])
            rc = resample_metric(compare, (enum metric)metric, quantiles, quantile_count, err);
    free(quantiles);
    return rc;
}

static void compare_runs(struct compare *compare)
{
    for (size_t i = 0; i < compare->plan->figure_count; i++) {
        const struct figure *figure = &compare->plan->figures[i];
        struct compare_result *result = &compare->results[i];
        if (isnan(result->difference))
            continue;
        result->method = COMPARE_RUNS;
        by_student(figures_of_runs(compare, COMPARE_A, figure), figures_of_runs(compare, COMPARE_B, figure),
                   compare->plan->summary.ci_level, result);
    }
}

/* Holm: the smallest p is multiplied by all that there are, the next by one less, and none gets below the one before. */
static void judge(struct compare *compare)
{
    size_t figures = compare->plan->figure_count, left = 0;
    double floor = 0;
    for (size_t i = 0; i < figures; i++)
        left += isnan(compare->results[i].p) ? 0 : 1;
    compare->looked_at = left;
    for (; left > 0; left--) {
        size_t next = figures;
        for (size_t i = 0; i < figures; i++) {
            const struct compare_result *result = &compare->results[i];
            if (!isnan(result->p) && isnan(result->p_holm) && (next == figures || result->p < compare->results[next].p))
                next = i;
        }
        struct compare_result *result = &compare->results[next];
        floor = result->p_holm = fmax(floor, fmin(1, result->p * (double)left));
        bool up = figure_better(&compare->plan->figures[next]) == FIGURE_HIGHER;
        result->verdict = COMPARE_NO_DIFFERENCE;
        if (result->p_holm < 1 - compare->plan->summary.ci_level)
            result->verdict = (result->difference > 0) == up ? COMPARE_BETTER : COMPARE_WORSE;
    }
}

int compare_finish(struct compare *compare, struct err *err)
{
    for (int side = 0; side < COMPARE_SIDES; side++)
        for (size_t i = 0; i < compare->run_count[side]; i++)
            if (summary_finish(compare->runs[side][i].summary, err) < 0)
                return -1;
    for (size_t i = 0; i < compare->plan->figure_count; i++) {
        const struct figure *figure = &compare->plan->figures[i];
        const double a = figures_of_runs(compare, COMPARE_A, figure).mean, b = figures_of_runs(compare, COMPARE_B, figure).mean;
        compare->results[i] = (struct compare_result){.values = {a, b},
                                                      .difference = b - a,
                                                      .ratio = a > 0 ? b / a : NAN,
                                                      .difference_interval = {NAN, NAN},
                                                      .ratio_interval = {NAN, NAN},
                                                      .p = NAN,
                                                      .p_holm = NAN};
    }
    if (compare->run_count[COMPARE_A] > 1 || compare->run_count[COMPARE_B] > 1)
        compare_runs(compare);
    else if (compare_requests(compare, err) < 0)
        return -1;
    judge(compare);
    return 0;
}
