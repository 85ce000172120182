/*
 * stats/bootstrap.h: how far mean and quantiles could be off by chance
 *
 *     struct bootstrap_sample samples[] = {{.kept = quantiles_kept(ttft)}, {.kept = quantiles_kept(itl)}};
 *     struct bootstrap plan = {.units = requests, .resamples = 1000, .level = 0.95, .seed = 1, .quantiles = p, .quantile_count = 7};
 *     if (bootstrap_run(&plan, samples, 2, &err) < 0) ...
 *     samples[0].mean.low, samples[1].quantiles[3].high ...
 *     bootstrap_release(samples, 2);
 *
 * The percentile bootstrap (Efron, 1979): what was measured is drawn again, as many units and with replacement, and
 * the interval holds the middle share, level, of the results. A unit is a request with all its values: the gaps in one
 * stream are alike, so that drawing single gaps would give intervals far too narrow (a cluster bootstrap). Every sample
 * sees the same draws. Time: resamples times the values.
 */
#ifndef STATS_BOOTSTRAP_H
#define STATS_BOOTSTRAP_H

#include "stats/quantile.h"

/* NaN where there is none: an empty sample. */
struct bootstrap_interval {
    double low, high;
};

struct bootstrap_sample {
    struct quantiles_kept kept; // tagged by the number of the unit
    struct bootstrap_interval mean;
    struct bootstrap_interval *quantiles; // as many as the plan has
};

struct bootstrap {
    size_t units; // every tag is below
    size_t resamples;
    double level; // 0 to 1
    int64_t seed;
    const double *quantiles; // ascending, 0 to 1
    size_t quantile_count;
};

int bootstrap_run(const struct bootstrap *plan, struct bootstrap_sample *samples, size_t sample_count, struct err *err);

/*
 * The results themselves, for what is made of several samples, such as a difference: of sample s, figure f (0: the mean,
 * then the quantiles), drawing i they stand at [(s * (quantile_count + 1) + f) * resamples + i]; NaN where a drawing held
 * no value. NULL: cannot. The caller frees them. Of the plan, level is not looked at.
 */
double *bootstrap_draw(const struct bootstrap *plan, const struct quantiles_kept *samples, size_t sample_count, struct err *err);
/* The middle share, level, of the results that there are. */
int bootstrap_middle(const double *results, size_t count, double level, struct bootstrap_interval *interval, struct err *err);

void bootstrap_release(struct bootstrap_sample *samples, size_t sample_count);

#endif
