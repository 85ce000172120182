/*
 * stats/arrivals.h: when an open loop sends its requests
 *
 *     struct arrivals arrivals;
 *     if (arrivals_init(&arrivals, ARRIVALS_POISSON, rate_rps, seed, shard, &err) < 0) ...
 *     int64_t due_ns = arrivals_next_ns(&arrivals); // ns after the start; never earlier than the one before
 *
 * constant: arrival i, from 0, at i / rate. poisson: a free Poisson process, the gaps exponential with mean 1 / rate,
 * the first one before the first arrival. (vllm bench serve stretches the whole so that the last of n arrivals is at
 * n / rate, which makes counts vary less than a Poisson process's: load-metrics, section 4.) The shards of one load
 * each draw from streams of their own; each has the rate that it is given. One thread at a time.
 */
#ifndef STATS_ARRIVALS_H
#define STATS_ARRIVALS_H

#include "base/err.h"
#include "stats/rng.h"

enum arrivals_kind { ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_COUNT };
extern const char *const arrivals_kinds[ARRIVALS_COUNT + 1]; // NULL ends it: as an option's choices

struct arrivals {
    enum arrivals_kind kind;
    double gap_ns; // the mean
    double at_ns;  // of the latest
    int64_t count; // how many there were
    struct rng rng;
};

/* Fails where rate_rps is not above 0 and finite. */
int arrivals_init(struct arrivals *arrivals, enum arrivals_kind kind, double rate_rps, int64_t seed, int64_t shard, struct err *err);
/* INT64_MAX: beyond all time. */
int64_t arrivals_next_ns(struct arrivals *arrivals);

#endif
