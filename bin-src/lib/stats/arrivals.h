/*
 * stats/arrivals.h: when an open loop sends its requests
 *
 *     struct arrivals_leg rate = {.from_rps = 10, .to_rps = 10};
 *     struct arrivals_plan plan = {.kind = ARRIVALS_POISSON, .legs = &rate, .leg_count = 1, .seed = seed};
 *     struct arrivals arrivals;
 *     if (arrivals_init(&arrivals, &plan, &err) < 0) ...
 *     int64_t due_ns = arrivals_next_ns(&arrivals); // ns after the start; never earlier than the one before
 *
 * Gaps are drawn with mean 1, and their sum is put on the time axis by the integral of the rate: so every kind follows
 * every course of the rate (Cinlar, 1975).
 *
 * constant: gaps of 1, the first arrival at 0. poisson: a free Poisson process, gaps exponential, the first one before
 * the first arrival. gamma: gaps of shape b, the burstiness: their coefficient of variation is 1 / sqrt(b), so that
 * below 1 arrivals come in bursts. (vllm bench serve stretches the whole so that the last of n arrivals is at n / rate,
 * which makes counts vary less than a free process's: arrivals_exact_span, load-metrics section 4.) The shards of one
 * load each draw from streams of their own; each has the rate that it is given. One thread at a time.
 */
#ifndef STATS_ARRIVALS_H
#define STATS_ARRIVALS_H

#include "base/err.h"
#include "base/str.h"
#include "stats/rng.h"

#include <stddef.h>

enum arrivals_kind { ARRIVALS_CONSTANT, ARRIVALS_POISSON, ARRIVALS_GAMMA, ARRIVALS_COUNT };
extern const char *const arrivals_kinds[ARRIVALS_COUNT + 1]; // NULL ends it: as an option's choices

/* The rate goes from one to the other in a straight line. */
struct arrivals_leg {
    double from_rps, to_rps;
    double for_s; // the last leg is level, and goes on for ever whatever stands here
};
#define ARRIVALS_LEGS_MAX 64

struct arrivals_plan {
    enum arrivals_kind kind;
    double burstiness; // of gamma; above 0
    const struct arrivals_leg *legs; // as long as the arrivals
    size_t leg_count;
    int64_t seed, shard;
};

struct arrivals {
    struct arrivals_plan plan;
    size_t leg;
    double leg_s, leg_units; // when this leg begins, and how many arrivals there are before it, on average
    double units;            // the sum of the gaps so far
    int64_t count;           // how many arrivals there were
    struct rng rng;
};

/* "5": five a second. "2:30s,2-8:1m,8": two a second for 30 s, then ever more, to eight after a minute, which stay.
 * -1: it is none, or has more than ARRIVALS_LEGS_MAX legs; else their number. */
int arrivals_parse_rate(struct str text, struct arrivals_leg legs[ARRIVALS_LEGS_MAX], struct err *err);

/* Fails where a rate is below 0 or not finite, the last is 0 or no one rate, or the burstiness is not above 0. */
int arrivals_init(struct arrivals *arrivals, const struct arrivals_plan *plan, struct err *err);
/* INT64_MAX: beyond all time. */
int64_t arrivals_next_ns(struct arrivals *arrivals);

/*
 * The n arrivals of vllm bench serve at one rate, the last of them at n / rate_rps. Of poisson they are the same numbers:
 * it draws them by NumPy's legacy generator (MT19937, Matsumoto and Nishimura, 1998), seeded with its --seed; of gamma
 * the draws are ours. at_ns has room for n.
 */
int arrivals_exact_span(const struct arrivals_plan *plan, size_t n, int64_t *at_ns, struct err *err);

#endif
