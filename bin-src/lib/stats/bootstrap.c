/* stats/bootstrap.c: see bootstrap.h */
#include "stats/bootstrap.h"

#include "stats/rng.h"
#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>

/* How often each unit was drawn. */
static void draw_weights(uint32_t *weights, size_t units, struct rng *rng)
{
    memset(weights, 0, units * sizeof *weights);
    for (size_t i = 0; i < units; i++)
        weights[rng_below(rng, units)]++;
}

/* The sample as drawn, each value as often as its unit: its size and its mean. */
static uint64_t weigh(const struct quantiles_kept *kept, const uint32_t *weights, double *mean)
{
    uint64_t size = 0;
    double sum = 0;
    for (size_t i = 0; i < kept->count; i++) {
        uint32_t weight = weights[kept->tags[i]];
        size += weight;
        sum += weight * kept->values[i];
    }
    *mean = size > 0 ? sum / (double)size : NAN;
    return size;
}

/* A walk over the values in order, each as often as it was drawn. */
struct walk {
    const struct quantiles_kept *kept;
    const uint32_t *weights;
    size_t next;     // value
    uint64_t behind; // drawn values before it
};

/* The value at a place that is not before the one asked for last. */
static double walk_to(struct walk *walk, uint64_t place)
{
    while (walk->behind <= place && walk->next < walk->kept->count)
        walk->behind += walk->weights[walk->kept->tags[walk->next++]];
    return walk->kept->values[walk->next - 1];
}

/* Writes the mean and the quantiles of one resample, apart by stride: all results of one figure stand together. */
static void resample(const struct bootstrap *plan, const struct quantiles_kept *kept, const uint32_t *weights, double *out)
{
    uint64_t size = weigh(kept, weights, out);
    struct walk walk = {.kept = kept, .weights = weights};
    for (size_t i = 0; i < plan->quantile_count; i++) {
        double *result = out + (i + 1) * plan->resamples;
        *result = NAN;
        if (size == 0)
            continue;
        struct quantiles_place place = quantiles_place(size, plan->quantiles[i]);
        double low = walk_to(&walk, place.at);
        struct walk ahead = walk; // a copy: the next quantile may lie at this place, too
        *result = place.share > 0 ? low + (walk_to(&ahead, place.at + 1) - low) * place.share : low;
    }
}

int bootstrap_middle(const double *results, size_t count, double level, struct bootstrap_interval *interval, struct err *err)
{
    struct quantiles *q = quantiles_new(count, QUANTILES_PLAIN);
    int rc = q ? 0 : err_nomem(err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!isnan(results[i]))
            rc = quantiles_add(q, results[i], 0, err);
    if (rc == 0)
        rc = quantiles_settle(q, err);
    if (rc == 0)
        *interval = (struct bootstrap_interval){quantiles_at(q, (1 - level) / 2), quantiles_at(q, (1 + level) / 2)};
    quantiles_free(q);
    return rc;
}

static int intervals_of(const struct bootstrap *plan, const double *results, struct bootstrap_sample *sample, struct err *err)
{
    sample->quantiles = calloc(plan->quantile_count + 1, sizeof *sample->quantiles);
    if (!sample->quantiles)
        return err_nomem(err);
    for (size_t i = 0; i <= plan->quantile_count; i++) {
        struct bootstrap_interval *interval = i == 0 ? &sample->mean : &sample->quantiles[i - 1];
        if (bootstrap_middle(results + i * plan->resamples, plan->resamples, plan->level, interval, err) < 0)
            return -1;
    }
    return 0;
}

double *bootstrap_draw(const struct bootstrap *plan, const struct quantiles_kept *samples, size_t sample_count, struct err *err)
{
    size_t of_sample = (plan->quantile_count + 1) * plan->resamples, bytes;
    if (__builtin_mul_overflow(of_sample * sizeof(double), sample_count, &bytes)) {
        err_set(err, ERR_RANGE, "%zu resamples of %zu samples", plan->resamples, sample_count);
        return NULL;
    }
    uint32_t *weights = calloc(plan->units + 1, sizeof *weights);
    double *results = malloc(bytes + 1);
    struct rng rng = rng_stream(plan->seed, "bootstrap", 0);
    for (size_t i = 0; weights && results && i < plan->resamples; i++) {
        draw_weights(weights, plan->units, &rng);
        for (size_t s = 0; s < sample_count; s++)
            resample(plan, &samples[s], weights, results + s * of_sample + i);
    }
    if (!weights || !results) {
        free(results);
        results = NULL;
        err_nomem(err);
    }
    free(weights);
    return results;
}

int bootstrap_run(const struct bootstrap *plan, struct bootstrap_sample *samples, size_t sample_count, struct err *err)
{
    struct quantiles_kept *kept = calloc(sample_count + 1, sizeof *kept);
    if (!kept)
        return err_nomem(err);
    for (size_t s = 0; s < sample_count; s++)
        kept[s] = samples[s].kept;
    double *results = bootstrap_draw(plan, kept, sample_count, err);
    int rc = results ? 0 : -1;
    for (size_t s = 0; rc == 0 && s < sample_count; s++)
        rc = intervals_of(plan, results + s * (plan->quantile_count + 1) * plan->resamples, &samples[s], err);
    free(results);
    free(kept);
    return rc;
}

void bootstrap_release(struct bootstrap_sample *samples, size_t sample_count)
{
    for (size_t s = 0; s < sample_count; s++) {
        free(samples[s].quantiles);
        samples[s].quantiles = NULL;
    }
}
