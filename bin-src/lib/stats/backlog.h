/*
 * stats/backlog.h: does the number of those that wait or are served grow through a run?
 *
 *     struct backlog backlog;
 *     if (backlog_judge(due_ns, end_ns, count, &backlog, &err) < 0) ...
 *     if (backlog.grows) ... backlog.growth_per_s ...
 *
 * For open loops: arrivals do not wait for departures. N(t) counts who was due and has not ended. What is taken for
 * growth is its mean over the last tenth of the arrivals' time less that over the first tenth behind the warm-up, less
 * what the arrivals themselves explain.
 *
 * What is no queue: N rises from 0 in any system as it fills, and follows the arrivals where their rate changes, as in a
 * ramp or a trace. With nobody waiting, who was due at d is there at t with the probability that a stay S is longer than
 * t - d (the infinite-server queue, Palm 1943): the mean of N that follows from the arrivals as they were is taken off.
 * S is taken from who was due in the first half, before a queue could lengthen it much; the 90th percentile of it, at
 * most half the time, is left out in front.
 *
 * Significance: at the very limit of what it can carry, a server's N is a random walk reflected at 0, and below that
 * limit it is less (Iglehart and Whitt, 1970). The walk's variance is that of arrivals and departures: their counts'
 * indices of dispersion (Fendick and Whitt, 1989), from 20 bins, so that bursts, batches and correlation are in it.
 * z is the growth in deviations of that walk. A run within the server's capacity exceeds BACKLOG_Z with a probability
 * of 4.6% at the limit, and the less the further below; and where fewer than BACKLOG_SHARE of the arrivals pile up,
 * nothing grows whatever z says. (Measured rates of both errors: lmutils-metrics(7).)
 */
#ifndef STATS_BACKLOG_H
#define STATS_BACKLOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKLOG_Z 2.0
#define BACKLOG_SHARE 0.02
enum { BACKLOG_LEAST = 50 }; // arrivals behind the warm-up; of fewer nothing is said

struct backlog {
    bool judged, grows;   // not judged: too few arrivals, or no time between them
    double growth_per_s;  // of those that wait or are served
    double share;         // of the arrivals: who piled up
    double z;
    double from_n, to_n;  // N, over the first and last tenth
    size_t arrivals;      // behind the warm-up
};

/* Any order; end_ns is not before due_ns. Fails when out of memory. */
int backlog_judge(const int64_t *due_ns, const int64_t *end_ns, size_t count, struct backlog *backlog, struct err *err);

#endif
