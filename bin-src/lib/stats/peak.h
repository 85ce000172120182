/*
 * stats/peak.h: how many of many intervals of time overlap at most
 *
 *     struct peak *peak = peak_new(1000000);
 *     peak_add(peak, sent_ns, end_ns, &err);
 *     int64_t most;
 *     if (peak_most(peak, &most, &err) < 0) ...
 *     peak_free(peak);
 *
 * Up to keep intervals are kept, 16 bytes each, and the peak is exact: a sweep over half-open [from, to), so that what
 * ends as another begins does not overlap it. The next interval turns them into counts of beginnings and ends by
 * second (of the clock that the times are on), and the peak is then the most that were in one second together, which
 * is the true one or more. Counts are held for up to a million seconds; a longer time has buckets of 2 s, 4 s and so on.
 *
 * Times in ns, negative ones too. One thread at a time.
 */
#ifndef STATS_PEAK_H
#define STATS_PEAK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peak; // its members are in peak.c and nowhere else

struct peak *peak_new(size_t keep);   // NULL: out of memory
void peak_free(struct peak *peak);    // NULL is fine

/* Nothing is added where to_ns is below from_ns. */
int peak_add(struct peak *peak, int64_t from_ns, int64_t to_ns, struct err *err);
bool peak_exact(const struct peak *peak); // nothing but kept intervals so far

int peak_most(struct peak *peak, int64_t *most, struct err *err);
/*
 * As vllm bench serve counts (max_concurrent_requests): an interval counts in each second that it touches, its first
 * and last whole; seconds begin at the earliest from_ns (beyond keep: at 0).
 */
int peak_most_touching(struct peak *peak, int64_t *most, struct err *err);

#endif
