/*
 * report/timeline.h: what went on from moment to moment: requests in flight, failures, tokens; and the server's samples
 *
 *     struct timeline *timeline = timeline_new(PROFILE_CONTENT);
 *     timeline_add(timeline, &request, &err);      // again for each
 *     timeline_watch(timeline, sample, &err);      // again for each of lm-watch's lines
 *     if (timeline_finish(timeline, &err) < 0) ...
 *     timeline_free(timeline);
 *
 * Each part of a run, and of the samples, has a clock and a start of its own; they are put together by "start", which is
 * UTC. A request takes 16 bytes; a batch is one. Tokens are counted by 10 ms, beyond 11 hours by 100 ms, and so on; those
 * of a request are spread evenly over its chunks (profile: which those are); where nobody kept these, from its first token
 * to its last; and where it was not streamed they come at its end. The members are for reading; times are ns since 1970.
 */
#ifndef REPORT_TIMELINE_H
#define REPORT_TIMELINE_H

#include "report/measured.h"

struct timeline_part {
    int64_t start_ns;
    double *tokens; // in each bin from start_ns on
    int64_t bin_ns;
    size_t bins, room;
};

enum timeline_series {
    TIMELINE_RUNNING,
    TIMELINE_WAITING,
    TIMELINE_KV_USAGE,         // 0 to 1
    TIMELINE_GENERATED,        // tokens, a running total
    TIMELINE_GPU_UTILIZATION,  // 0 to 1, the mean of all GPUs
    TIMELINE_GPU_POWER,        // W, of all GPUs
    TIMELINE_SERIES,
};

struct timeline_sample {
    int64_t at_ns;
    double values[TIMELINE_SERIES]; // NaN: not exported
};

struct timeline_times {
    int64_t *ns;
    size_t count, room;
};

struct timeline {
    enum profile profile;
    struct timeline_times sent, ended, failed; // ended: as many as sent, each in an order of its own; ascending when finished
    struct timeline_part *parts;
    size_t part_count;
    struct timeline_sample *samples;
    size_t sample_count, sample_room;
    uint64_t completed, failures, cancelled, warmup;
    uint64_t uncounted; // completed ones without tokens
    uint64_t unplaced;  // that another program did not say when it sent
};

struct timeline *timeline_new(enum profile profile); // NULL: out of memory
void timeline_free(struct timeline *timeline);       // NULL is fine
/* Requests and earlier tries that were sent and ended; a warm-up, and what is not placed, is counted only. */
int timeline_add(struct timeline *timeline, const struct measured *request, struct err *err);
int timeline_watch(struct timeline *timeline, struct jval sample, struct err *err);
int timeline_finish(struct timeline *timeline, struct err *err);

/* Tokens between two times. */
double timeline_tokens(const struct timeline *timeline, int64_t from_ns, int64_t to_ns);
/* The coarsest of the parts' bins. */
int64_t timeline_bin_ns(const struct timeline *timeline);

#endif
