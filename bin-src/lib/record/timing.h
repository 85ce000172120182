/*
 * record/timing.h: the member "timing", both ways (design, section 2)
 *
 * All times are ns after the start of this part of the run; what did not happen is TIMING_NEVER here and absent in the
 * record. timing_write and timing_read are each other's inverse.
 */
#ifndef RECORD_TIMING_H
#define RECORD_TIMING_H

#include "jsonl/jdoc.h"

#define TIMING_NEVER INT64_MIN

/* Where a time of arrival comes from, the best first. */
enum timing_clock { TIMING_CLOCK_PACKET, TIMING_CLOCK_KERNEL, TIMING_CLOCK_TLS, TIMING_CLOCK_READ, TIMING_CLOCK_COUNT };
extern const char *const timing_clocks[TIMING_CLOCK_COUNT];

/* An earlier try of the same request. */
struct timing_attempt {
    int64_t sent_ns, end_ns;
    const char *kind; // of its error
    int64_t status;   // HTTP's; 0: got none
};

struct timing {
    struct str start;  // UTC, to the ns
    int64_t start_ns;  // the same instant on CLOCK_MONOTONIC; TIMING_NEVER, for timing_write: not known (a capture file's)
    struct str load;   // JSON text: how the load was driven
    int64_t syn_ns;    // lm-tap: the connection's first packet, where this is its first request
    int64_t due_ns, sent_ns, connected_ns, headers_ns, first_ns, last_ns, end_ns;
    const int64_t *chunks_ns; // NULL: not streamed
    size_t chunk_count;
    const struct timing_attempt *attempts;
    size_t attempt_count;
    enum timing_clock clock; // TIMING_CLOCK_COUNT: nothing arrived
    int64_t late;            // chunks whose arrival is uncertain by over 1 ms; TIMING_NEVER: not streamed
    int64_t read_lag_ns;     // longest from stamp to read; TIMING_NEVER: nothing was stamped
    double cpu;              // busiest thread's share of a core in the last second; below 0: not known
    bool warmup;
    bool partial;            // lm-tap: not all of it was captured
};

/* All times TIMING_NEVER, nothing known. */
struct timing timing_none(void);

/* Writes the object onto out, behind a key. */
void timing_write(const struct timing *timing, struct buf *out);

/*
 * Reads the record's "timing", less load and attempts (load is a jval: look there). chunks_ns point into *chunks, an
 * array of *room numbers, made larger as needed; the caller frees it. Fails, naming the member, where one has the
 * wrong type; start, start_ns and end_ns or due_ns may be absent here: lm-check says what must be there.
 */
int timing_read(struct jval record, struct timing *timing, int64_t **chunks, size_t *room, struct err *err);

#endif
