/*
 * load/worker.h: the thread that sends requests and reads answers
 *
 * It does nothing that can wait: reads come first, each one recvmsg that brings bytes and their stamp; then, at most 64
 * between two polls, sends. Input and output have threads of their own (feed, sink).
 */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include "load/feed.h"
#include "load/sink.h"

#include <stdatomic.h>

/* What all workers of a run share. */
struct worker_run {
    const struct load_options *options;
    struct feed *feed;
    struct sink *sink;
    int64_t start_ns;         // set before they start
    int64_t file_cap;         // so many connections have files
    atomic_bool at_file_cap;  // arrivals had to wait for that
    atomic_int_fast64_t in_flight;
    atomic_int cpu_per_mille; // of the busiest thread; below 0: not known yet
    atomic_bool stopping;     // no new attempts
    atomic_bool aborting;     // what is in flight is given up,
    const char *why_aborted;  // for this reason; set before
    int done_fd;              // an eventfd: counts workers that have ended
};

struct worker;
struct worker *worker_new(struct worker_run *run, int index, struct err *err);
void worker_free(struct worker *worker); // NULL is fine

int worker_start(struct worker *worker, struct err *err);
/* Waits for its end, which comes when the feed has ended and its last request has. -1: it could not go on. */
int worker_join(struct worker *worker, struct err *err);
/* CPU time that its thread has used. */
int64_t worker_cpu_ns(const struct worker *worker);

#endif
