/*
 * load/options.h: how a load is driven
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "load/cancel.h"
#include "load/models.h"
#include "load/shard.h"
#include "load/target.h"
#include "net/dial.h"
#include "openai/body.h"
#include "stats/arrivals.h"

enum load_mode { LOAD_CLOSED, LOAD_OPEN, LOAD_AT, LOAD_MODE_COUNT };
extern const char *const load_modes[LOAD_MODE_COUNT + 1]; // NULL ends it: as an option's choices

/* Whose time arrivals have: that of the segment that our read brought, or of each packet as another thread saw it. */
enum load_clock { LOAD_CLOCK_KERNEL, LOAD_CLOCK_PACKET };

/* What open loops do with an arrival that finds the cap reached. */
enum load_blocked { LOAD_WAITS, LOAD_DROPPED };

/* Times are ns; 0 is no limit where a limit is meant. */
struct load_options {
    char *const *paths;     // of the input
    const char *output;     // NULL: standard output
    unsigned own_flags;     // record/own.h
    const struct targets *targets; // requests go to them in turn
    struct str secret;      // a key among their headers, which no record may hold
    const struct body_change *changes;
    size_t change_count;
    const struct models *models; // one of them is set in each body; none: count is 0
    const struct cancel *cancel;
    int64_t batch;          // so many records may share a request; 1: each has its own
    const char *ca_file;
    bool insecure;

    enum load_mode mode;
    bool mode_is_given;     // else a closed loop becomes LOAD_AT where the first record has at_ns
    int64_t concurrency;    // closed: so many at a time; else the most at a time, 0: no cap
    enum load_blocked blocked;
    double rate_rps;        // open; of all shards together
    enum arrivals_kind arrivals;
    double burstiness;      // of gamma arrivals
    int64_t think_ns;       // closed: between an answer and the slot's next request
    double speed;           // at: so many times as fast
    struct shard shard;
    int64_t start_utc_ns;   // when to start; 0: as soon as all is ready
    int64_t seed;
    int64_t count;          // of input records, 0: all
    int64_t duration_ns;    // after which no more are sent
    int64_t warmup;         // the first so many of this part are marked
    int64_t threads;
    enum load_clock clock;

    int64_t timeout_ns, timeout_connect_ns, timeout_first_ns, timeout_gap_ns;
    int64_t retries;

    /* Tells of a line of the input that is no record, or cannot be sent. Called from a thread of its own. */
    void (*report)(const char *where, const char *why);
};

/* Writes timing.load, the same bytes for the same load. */
int load_describe(const struct load_options *options, struct buf *out, struct err *err);

#endif
