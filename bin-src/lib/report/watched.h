/*
 * report/watched.h: what lm-watch saw while the requests ran, beside what the client counted (lmutils-metrics(7))
 *
 *     struct watched *watched = watched_new(profile);
 *     watched_of(watched, sample, &err);               // the first of the watch, then
 *     watched_add_request(watched, record, &request, &err); // all of them, then
 *     watched_add_sample(watched, sample, &err);       // all of the watch, in order; then
 *     watched_finish(watched, &err);
 *     watched_write_json(watched, &out), watched_write_table(watched, style, &out);
 *     watched_free(watched);
 *
 * A watch is of one server: where a load had several, a request counts that names its (response.url).
 *
 * The run goes from the first request's due or sent to the last's end. Its samples are those that lie within it; what a
 * counter rose by in it is taken between the last sample that ended before it and the first that began after it. Both
 * sides are placed by UTC, as they may be of two machines. Memory does not grow with the samples, but for 8 bytes each.
 */
#ifndef REPORT_WATCHED_H
#define REPORT_WATCHED_H

#include "report/grid.h"
#include "report/measured.h"
#include "stats/quantile.h"

/* Counts that are further apart than this share of the server's are said to be. */
#define WATCHED_TOLERANCE 0.005

/* A counter over the run. */
struct watched_tally {
    double last, rise;           // last: NaN, no reading yet
    bool from_before, to_after;  // it was read before the run, and after
    uint64_t restarts;           // it went down so often: from 0 again, and what came between is lost
};

/* A gauge within the run. */
struct watched_level {
    double sum, most;
    uint64_t count;
};

enum watched_counter {
    WATCHED_PROMPT_TOKENS,
    WATCHED_GENERATION_TOKENS,
    WATCHED_PREFIX_QUERIES,
    WATCHED_PREFIX_HITS,
    WATCHED_PREEMPTIONS,
    WATCHED_COUNTERS,
};
enum watched_gauge { WATCHED_RUNNING, WATCHED_WAITING, WATCHED_KV_CACHE_USAGE, WATCHED_GAUGES };

struct watched_gpu {
    int64_t index;
    char uuid[96], name[96];
    struct watched_level utilization, power_w;
    struct watched_tally energy_j;
};

struct watched {
    enum profile profile;
    struct buf url;              // of the server; empty: not known
    /* requests: all that were sent to it, warm-ups too */
    int64_t first_ns, last_ns;   // the run, UTC; INT64_MIN: no request says when it was
    char start[40];              // of the latest request, as text, and what it is
    int64_t start_utc_ns;
    uint64_t requests, answered; // answered: without a failure
    uint64_t unplaced;           // whose timing.start is no time in UTC, so that nothing is known of the run
    uint64_t uncounted, tries;   // that nobody counted the tokens of; earlier tries
    int64_t input_tokens, output_tokens;
    struct quantiles *ttft_ns;
    /* samples */
    uint64_t samples, within, failed, missed;
    enum { WATCHED_NOT_RESET, WATCHED_RESET, WATCHED_RESET_FAILED } cache;
    struct watched_tally counters[WATCHED_COUNTERS];
    struct watched_level gauges[WATCHED_GAUGES];
    struct quantiles *rtt_ns;
    struct watched_gpu *gpus;
    size_t gpu_count;
};

struct watched *watched_new(enum profile profile); // NULL: out of memory
void watched_free(struct watched *watched);        // NULL is fine

/* Learns from a sample which server the watch is of. */
int watched_of(struct watched *watched, struct jval sample, struct err *err);

int watched_add_request(struct watched *watched, struct jval record, const struct measured *request, struct err *err);
/* Fails where it is no sample of lm-watch, naming the member. */
int watched_add_sample(struct watched *watched, struct jval sample, struct err *err);
int watched_finish(struct watched *watched, struct err *err);

/* A counter's rise over the run is known: it was read before and after, and never went down. */
bool watched_covers(const struct watched *watched, const struct watched_tally *tally);
/* Of all GPUs; NaN: not known of each. */
double watched_energy_j(const struct watched *watched);

/* The member "watch", onto an object that is open. */
void watched_write_json(const struct watched *watched, struct buf *out);
void watched_write_table(const struct watched *watched, enum grid_style style, struct buf *out);

#endif
