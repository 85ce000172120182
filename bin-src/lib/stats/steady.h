/*
 * stats/steady.h: the part of a run in which the load was steady
 *
 *     struct steady steady;
 *     steady_in_flight(sent_ns, end_ns, count, 64, &steady, &err);   // a closed loop
 *     steady_mser(due_ns, values, count, &steady, &err);             // an open one
 *     if (steady.found) ... steady.from_ns, steady.to_ns ...
 *
 * Times in ns, any order.
 */
#ifndef STATS_STEADY_H
#define STATS_STEADY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct steady {
    bool found;
    int64_t from_ns, to_ns;
};

/* From the first time that at least 95% of concurrency (rounded up) are in flight to the last time that this ends, as
 * the Rust client of vllm bench serve has it. Where more were in flight than concurrency (shards that were put
 * together), the most that were stand for it. Fails when out of memory. */
int steady_in_flight(const int64_t *sent_ns, const int64_t *end_ns, size_t count, int64_t concurrency, struct steady *steady,
        struct err *err);

/*
 * MSER-5 (White 1997; White, Cobb and Spratt 2000): of the means of five values each, in the order of at_ns, as many
 * are cut off in front, at most half, as make the standard error of the mean of the rest least. If that is half of them,
 * the run has not become steady. The steady part ends with the last arrival: what comes behind is the drain.
 */
int steady_mser(const int64_t *at_ns, const double *values, size_t count, struct steady *steady, struct err *err);

#endif
