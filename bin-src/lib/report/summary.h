/*
 * report/summary.h: many requests in one summary (the definitions: lmutils-metrics(7))
 *
 *     struct summary *summary = summary_new(&plan);
 *     while (...)
 *         summary_add(summary, &request, &err);
 *     if (summary_finish(summary, &err) < 0) ...
 *     summary_write_json(summary, &out);
 *     summary_free(summary);
 *
 * Memory is bounded by plan.keep values of each metric and as many intervals of each part, whatever the number of
 * requests. The members are for reading; those behind "finished" are there after summary_finish, which comes once.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "report/course.h"
#include "report/grid.h"
#include "report/measured.h"
#include "report/shards.h"
#include "report/slo.h"
#include "stats/bootstrap.h"
#include "stats/peak.h"
#include "stats/quantile.h"

/* A steady part of a run is short below this, or below this share of the whole. */
#define SUMMARY_SHORT_S 10
#define SUMMARY_SHORT_SHARE 0.1
/* A percentile with fewer samples beyond it is marked. */
#define SUMMARY_FEW_SAMPLES 10
/* Beyond these the client itself, and not the server, is taken for the bottleneck. */
#define SUMMARY_LATE_SHARE 0.001    // of all chunks are late
#define SUMMARY_SEND_LAG_NS 10e6    // sent - due, of more than this share of the requests,
#define SUMMARY_LAGGED_SHARE 0.01
#define SUMMARY_LAGGED_LEAST 3      // and of so many
#define SUMMARY_CPU 0.9             // of a core is used by the busiest thread ...
#define SUMMARY_CPU_HIGH_SHARE 0.01 // ... as more than this share of the requests ended

struct summary_plan {
    enum profile profile;
    size_t keep;               // values of each kind before the sketch
    const double *percentiles; // ascending, 0 to 100
    size_t percentile_count;
    const struct slo *slos;
    size_t slo_count;
    double ci_level;           // of the intervals, 0 to 1; 0: none
    size_t resamples;
    int64_t seed;
};

/* Of the requests that share timing.start. */
struct summary_part {
    struct str start;
    struct buf load;            // JSON text, as the part's first record has it, less its shard
    struct shards shards;
    double given_s;             // its duration as another program measured it (foreign.h); NaN: ours is to be found
    bool unplaced;              // when its requests were sent, nobody kept
    uint64_t requests;
    int64_t first_ns, last_ns;  // first due or sent, last end; TIMING_NEVER: there is none
    struct peak *in_flight;     // [sent, end), earlier tries too
    struct peak *vllm;          // [sent, last token chunk] of the completed ones
    struct course course;
    double duration_s;          // finished; NaN: not known
    int64_t peak;               // finished; below 0: not known
};

struct summary_slo {
    uint64_t met, unmeasured, violated[SLO_COUNT];
};

enum summary_reason { SUMMARY_LATE_CHUNKS, SUMMARY_SEND_LAG, SUMMARY_BUSY_CPU, SUMMARY_REASONS };
extern const char *const summary_reasons[SUMMARY_REASONS];

struct summary_client {
    uint64_t chunks, late, clocks[TIMING_CLOCK_COUNT];
    int64_t read_lag_ns;          // the longest; TIMING_NEVER: nobody said
    double cpu;                   // the highest; below 0: nobody said
    uint64_t cpu_known, cpu_high; // requests
    uint64_t lagged;              // requests with a send lag over the limit
    struct quantiles *send_lag;   // sent - due where no cap on concurrency and no earlier try explains it
    bool bottleneck, reasons[SUMMARY_REASONS]; // finished
};

struct summary {
    const struct summary_plan *plan;
    const struct summary *whole; // of the same run: only who ended in the steady time of its parts counts; NULL: all do
    uint64_t outside;            // who did not
    uint64_t completed, failed, cancelled, warmup;
    uint64_t partial;                // lm-tap did not see all of them: they are in no figure
    uint64_t retries;                // earlier tries of all of these but the warm-ups
    uint64_t errors[FAILURE_COUNT];  // [FAILURE_NONE]: of a kind that we do not know
    uint64_t sources[TOKENS_COUNT];  // of the completed ones
    uint64_t input_tokens, output_tokens;
    uint64_t cached_tokens, cached_of; // of the input that the server had computed before; input of the requests that say
    uint64_t cached_said;            // these
    uint64_t output_counted;         // of the completed ones, those whose output is in the sum
    uint64_t batched, batches;       // records that shared a request with others, and these requests
    struct quantiles *values[PROFILE_COUNT][METRIC_COUNT]; // in ns, and tokens/s
    struct summary_slo *slos;
    struct summary_client client;
    struct summary_part *parts;
    size_t part_count, part_last;    // the one that the latest request belongs to
    void *part_places;               // by their starts (tsearch)

    /* finished; NaN: not known */
    double duration_s, request_rps, input_tps, output_tps, total_tps; // input_tps: where there is no output, as of embeddings
    int64_t peak, vllm_peak;         // below 0: not known
    bool peak_exact;
    const struct summary_part *saturated; // the part whose queue grew most surely, or would have; NULL: nobody can say
    bool profiles_differ;            // by more than 1 ms in some figure
    struct bootstrap_sample intervals[METRIC_COUNT]; // of the plan's profile
};

/* How a metric is printed. */
struct summary_metric {
    const char *name;  // in JSON
    const char *label; // for people
    double unit;       // what is printed is the value divided by this
};
extern const struct summary_metric summary_metrics[METRIC_COUNT];

/* "50,99,99.9": ascending, at most max of them. */
int summary_parse_percentiles(const char *text, double *percentiles, size_t max, size_t *count, struct err *err);

/* The plan, and what it points to, must live as long. NULL: out of memory. */
struct summary *summary_new(const struct summary_plan *plan);
/* The same once more, of the steady time of a finished one, which must live as long: give it the same requests, in the
 * same order. NULL: out of memory. */
struct summary *summary_within(const struct summary *whole);
void summary_free(struct summary *summary); // NULL is fine
int summary_add(struct summary *summary, const struct measured *request, struct err *err);
int summary_finish(struct summary *summary, struct err *err);

/* The steady time of a part; NULL: it has none. */
const struct steady *summary_steady(const struct summary *summary, const struct summary_part *part);
double summary_steady_s(const struct steady *steady); // how long it is; 0 for NULL
bool summary_is_short(double steady_s, double whole_s);

/* Requests that the success rate and SLO attainment are shares of: completed and failed. */
uint64_t summary_offered(const struct summary *summary);
/* Was nothing added, not even a warm-up? */
bool summary_is_empty(const struct summary *summary);
/* A share of whole; NaN where there is no whole. */
double summary_share(uint64_t part, uint64_t whole);
/* Whether fewer than SUMMARY_FEW_SAMPLES of count lie beyond the percentile. */
bool summary_is_few(uint64_t count, double percentile);
/* Whether the other profile's figure is worth printing: some figure differs, and there are values. */
bool summary_other_has(const struct summary *summary, enum metric metric);

/* The members of the summary's object, onto an object that is open. */
void summary_write_json(const struct summary *summary, struct buf *out);
/* Tables for people, rounded: what was done, the metrics, SLOs, and parts where there is more than one. */
void summary_write_table(const struct summary *summary, enum grid_style style, struct buf *out);

#endif
