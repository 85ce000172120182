/*
 * report/series.h: a run by windows of time
 *
 *     struct series *series = series_new(1000000000, PROFILE_CONTENT);
 *     series_add(series, &request, &err);
 *     series_write(series, FORMAT_CSV, &out, &err); // as often as asked for
 *     series_free(series);
 *
 * Windows are of one width and begin at the start of the part of the run that a request belongs to (timing.start); each
 * part has its own, in the order in which the parts came. A window has what happened in it:
 *
 * start_s: its beginning, after the start · part: timing.start, where there is more than one · sent · completed,
 * failed, cancelled: who ended · in_flight_mean, in_flight_max: who was between sent and end · output_tps: output
 * tokens of the requests that were completed, each request's spread evenly over its chunks with content, at their arrival
 * (all at the last token where there are no chunks; of who was not counted none) · ttft_p50_ms, ttft_p99_ms: of the
 * first tokens that came · itl_p50_ms, itl_p99_ms: of the gaps that ended · e2e_p50_ms, e2e_p99_ms: of who was completed.
 *
 * What nothing happened for is absent, or an empty cell. Warm-ups are left out. Memory: 24 bytes a request, and 8 a
 * first token, gap and end. One thread at a time.
 */
#ifndef REPORT_SERIES_H
#define REPORT_SERIES_H

#include "base/opt.h"
#include "report/measured.h"

struct series;

enum { SERIES_MOST_WINDOWS = 1000000 }; // of a part

struct series *series_new(int64_t width_ns, enum profile profile); // NULL: out of memory
void series_free(struct series *series);                           // NULL is fine

/* Fails where a part would have more than SERIES_MOST_WINDOWS. */
int series_add(struct series *series, const struct measured *request, struct err *err);
/* Adds a line for each window to out, behind one of the columns' names. */
int series_write(struct series *series, enum opt_format format, struct buf *out, struct err *err);
/* The last count windows of the part that the last request was of, as a table, for one who watches: without who is in
 * flight, which is not known before they end. */
int series_write_last(struct series *series, size_t count, struct buf *out, struct err *err);

#endif
