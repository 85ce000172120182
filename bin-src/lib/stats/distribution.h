/*
 * stats/distribution.h: a random time or number, from a text
 *
 *     struct distribution ttft;
 *     if (distribution_parse_ns(&ttft, STR("lognormal:50ms,0.3"), &err) < 0) ...
 *     int64_t ns = distribution_draw_ns(&ttft, &rng);
 *
 *     50ms                    always that
 *     uniform:40ms,60ms       from the first to the second, each as likely
 *     normal:50ms,5ms         mean, standard deviation; what falls below 0 is 0
 *     lognormal:50ms,0.3      median, sigma of the logarithm
 *     exp:50ms                mean
 *     gamma:50ms,0.5          mean, coefficient of variation (deviation / mean; 1 is exp, 0 always the mean)
 *
 * As numbers, the same with "50" for "50ms". A draw is never below 0.
 */
#ifndef STATS_DISTRIBUTION_H
#define STATS_DISTRIBUTION_H

#include "base/err.h"
#include "base/str.h"
#include "stats/rng.h"

enum distribution_kind {
    DISTRIBUTION_FIXED,
    DISTRIBUTION_UNIFORM,
    DISTRIBUTION_NORMAL,
    DISTRIBUTION_LOGNORMAL,
    DISTRIBUTION_EXP,
    DISTRIBUTION_GAMMA,
    DISTRIBUTION_COUNT,
};

/* All zeros is a distribution too: always 0. */
struct distribution {
    enum distribution_kind kind;
    double first, second; // the parameters, in their order
};

int distribution_parse_ns(struct distribution *distribution, struct str text, struct err *err); // times, as base/num.h reads them
int distribution_parse(struct distribution *distribution, struct str text, struct err *err);    // numbers

double distribution_draw(const struct distribution *distribution, struct rng *rng);
/* Rounded; at most INT64_MAX. */
int64_t distribution_draw_ns(const struct distribution *distribution, struct rng *rng);

#endif
