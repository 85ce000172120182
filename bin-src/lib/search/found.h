/*
 * search/found.h: what a search, or the repeating of a run, has come to, for programs and for people
 *
 *     struct found found = {.unit = "rate_rps", .label = "requests/s", ...};
 *     found_add(&found, &(struct found_trial){...}, &err);
 *     found_write(&found, FORMAT_JSON, &out, &err);
 *     found_release(&found);
 */
#ifndef SEARCH_FOUND_H
#define SEARCH_FOUND_H

#include "base/buf.h"
#include "base/opt.h"

#include <stdint.h>

/* Numbers that are NaN, and strings that are NULL, are not there. */
struct found_trial {
    double load;                 // of a search
    double value;                // of the figure, of a run
    const char *outcome;         // "kept" or "failed", of a search
    uint64_t sent, judged, not_met;
    double throughput_rps;
    const char *file;            // is copied
    const char *how;             // "sent", "found" (a former run's) or "killed"
};

struct found {
    const char *subject; // in JSON: "slo" or "figure"
    const char *about;   // its text
    double attain;       // NaN: none
    const char *unit;    // the result's name in JSON: rate_rps, concurrency, or value
    const char *label;   // and for people
    const char *state;   // found, unsure, below or above
    double result, low, high, level, precision;
    int digits;          // for people
    struct found_trial *trials;
    size_t count;
    uint64_t requests;   // sent in all
};

int found_add(struct found *found, const struct found_trial *trial, struct err *err);
void found_release(struct found *found);
int found_write(const struct found *found, enum opt_format format, struct buf *out, struct err *err);

#endif
