/*
 * meter/sampler.h: a server's /metrics and this machine's GPUs, a line of JSON a sample (lmutils-metrics(7), "lm-watch")
 *
 *     struct sampler *sampler = sampler_open(&options, &err);
 *     switch (sampler_take(sampler, missed, &line, &err)) {
 *     case SAMPLE_WHOLE:  // line holds it
 *     case SAMPLE_FAILED: // likewise, with its "error", which err has too
 *     case SAMPLE_STOPPED: // stop_fd became readable: there is none
 *     case SAMPLE_NONE:   // out of memory
 *     }
 *     sampler_close(sampler);
 */
#ifndef METER_SAMPLER_H
#define METER_SAMPLER_H

#include "net/fetch.h"

enum sampler_series { SAMPLER_KNOWN, SAMPLER_ALL }; // the figures of meter/served.h; and all series besides

struct sampler_options {
    struct fetch_options server; // connections: always fresh
    int64_t timeout_ns;          // of a request
    int stop_fd;                 // when it is readable, a sample that waits for the server is given up; 0: none
    enum sampler_series series;
    const char *gpus; // indices and beginnings of UUIDs with commas between, "all" or "none"; NULL: all, if there are any
    const char *nvml; // the library; NULL: where the loader finds it
};

struct sampler;
/* ERR_RANGE: a GPU that is not there. ERR_MISSING: no NVML, and GPUs or a library were named. */
struct sampler *sampler_open(const struct sampler_options *options, struct err *err);
void sampler_close(struct sampler *sampler); // NULL is fine

int64_t sampler_start_ns(const struct sampler *sampler); // CLOCK_MONOTONIC: what the samples count from

/* Has the server forget what it computed of earlier prompts. The next sample says whether it did ("cache_reset"). -1: it
 * did not, err says why. */
int sampler_reset_cache(struct sampler *sampler, struct err *err);

/* Was any series of the last sample one of those that have our names? */
bool sampler_knows(const struct sampler *sampler);

enum sample { SAMPLE_WHOLE, SAMPLE_FAILED, SAMPLE_STOPPED, SAMPLE_NONE };
/* Adds a line to out. missed: samples that were due since the last and not taken. */
enum sample sampler_take(struct sampler *sampler, int64_t missed, struct buf *out, struct err *err);

#endif
