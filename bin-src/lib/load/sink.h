/*
 * load/sink.h: finished jobs become records, in the order they end
 *
 * A thread of its own formats and writes, one write(2) a record, so that a slow reader of standard output stops no
 * clock. With an output file, records go to FILE.part; failures to reach a server are held back until it is known
 * whether the server only stumbled (then they are results) or is gone (then the caller has them printed, and the
 * rerun sends them again).
 */
#ifndef LOAD_SINK_H
#define LOAD_SINK_H

#include "load/packets.h"

/* What the records so far amount to. */
struct sink_counts {
    uint64_t written, failed, passed; // failed ones are among the written
    uint64_t unseen;       // answers whose packets were to tell their times, and did not
    uint64_t chunks, late; // without the warm-up's
    int64_t tokens;
    double ttft_ms; // the mean; below 0: none yet
    bool any_reached;
    int64_t unreached;       // the last so many reached no server
    int64_t last_reached_ns; // CLOCK_MONOTONIC, when the last that did was taken; the start before
};

struct sink;

/* fd: standard output, or the .part file, which the sink appends to and does not close. holds: hold failures back. */
enum sink_holding { SINK_WRITES_ALL, SINK_HOLDS };
struct sink *sink_new(int fd, enum sink_holding holding, struct err *err);
int sink_start(struct sink *sink, int64_t start_ns, struct str start, struct str load, struct err *err);

/* Arrivals are to be the packets'; before sink_start. They are watched until sink_join. */
void sink_ask(struct sink *sink, struct packets *packets);

/* Takes the job. From any thread. */
void sink_put(struct sink *sink, struct job *job);
struct sink_counts sink_counts(struct sink *sink);
/* Why it cannot write any more; false: it can. */
bool sink_broken(struct sink *sink, struct err *err);

#define SINK_FAILURE_MAX 320
/* After sink_join: what the first record with a failure says of it, "KIND: MESSAGE"; "": there was none. */
void sink_first_failure(const struct sink *sink, char text[SINK_FAILURE_MAX]);

/* Takes all that was put, and ends the thread: the counts are final then. */
void sink_join(struct sink *sink);

/* Where what was held back goes in the end. */
enum sink_end { SINK_KEEP, SINK_SHOW }; // with the records, or to standard output
/* After sink_join. -1: some record could not be written. */
int sink_finish(struct sink *sink, enum sink_end end, struct err *err);
void sink_free(struct sink *sink);

#endif
