/*
 * stats/quantile.h: mean, deviation and quantiles of any number of values, in bounded memory
 *
 *     struct quantiles *q = quantiles_new(1000000, QUANTILES_PLAIN);
 *     quantiles_add(q, (double)ttft_ns, request, &err);
 *     if (quantiles_settle(q, &err) < 0) ...
 *     double p99_ns = quantiles_at(q, 0.99);
 *     quantiles_free(q);
 *
 * Up to keep values are kept as they are, 8 bytes each, and quantiles are exact: type 7 of Hyndman and Fan (1996), as
 * NumPy's default. The next value turns them into a sketch, a histogram whose buckets are the values that share sign,
 * exponent and the first 11 bits of the mantissa, as in HdrHistogram (Tene) and UDDSketch. A bucket stands for its
 * middle, so that a quantile is then off by at most QUANTILES_ERROR, 2^-12 of itself (0.025%), whatever the law of the
 * values; 16 KiB for each power of two that occurs. Count, mean, deviation, min and max are exact in both.
 *
 * Values are in any unit, and results in the same. One thread at a time.
 */
#ifndef STATS_QUANTILE_H
#define STATS_QUANTILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUANTILES_ERROR_PARTS = 4096 }; // a whole number, that the compiler can assert on
#define QUANTILES_ERROR (1.0 / QUANTILES_ERROR_PARTS)

struct quantiles; // its members are in quantile.c and nowhere else

enum quantiles_flags { QUANTILES_PLAIN = 0, QUANTILES_TAGGED = 1 }; // tagged: each kept value keeps its tag too, for bootstrap.h

struct quantiles *quantiles_new(size_t keep, enum quantiles_flags flags); // NULL: out of memory
void quantiles_free(struct quantiles *q);                                // NULL is fine

/* The tag says whose the value is (its request). Fails on NaN and infinities, and when out of memory. */
int quantiles_add(struct quantiles *q, double value, uint32_t tag, struct err *err);
/* Adds all that other has. */
int quantiles_add_all(struct quantiles *q, const struct quantiles *other, struct err *err);

uint64_t quantiles_count(const struct quantiles *q);
bool quantiles_exact(const struct quantiles *q); // nothing but kept values so far

/* Makes ready for the questions below, until the next value is added. */
int quantiles_settle(struct quantiles *q, struct err *err);

struct quantiles_moments {
    double mean, std, min, max; // NaN where there are no values; std is the population's (divided by the count)
};
struct quantiles_moments quantiles_moments(const struct quantiles *q);
/* The p-quantile, 0 <= p <= 1; NaN for an empty sample, which has none. */
double quantiles_at(const struct quantiles *q, double p);

/* The kept values in ascending order, and their tags (NULL unless tagged). Returns how many; 0 for a sketch. */
struct quantiles_kept {
    const double *values;
    const uint32_t *tags;
    size_t count;
};
struct quantiles_kept quantiles_kept(const struct quantiles *q);

/* Where the p-quantile of count > 0 sorted values lies by type 7: between at and the next, by the share beyond. */
struct quantiles_place {
    uint64_t at;
    double share;
};
static inline struct quantiles_place quantiles_place(uint64_t count, double p)
{
    double position = p * (double)(count - 1);
    uint64_t at = (uint64_t)position < count - 1 ? (uint64_t)position : count - 1;
    return (struct quantiles_place){at, position - (double)at};
}

#endif
