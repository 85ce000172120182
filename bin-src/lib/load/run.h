/*
 * load/run.h: a whole load, from its first line to its last record
 *
 *     struct run_hooks hooks = {.progress = show};
 *     struct run_result result;
 *     if (run_load(&options, &hooks, &result, &err) < 0)
 *         die(EXIT_CANNOT, &err);
 *
 * The caller's thread waits for signals and workers, and samples the threads' CPU time. SIGINT and SIGTERM stop new
 * requests and let what is in flight end; a second one ends the process.
 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/feed.h"
#include "load/sink.h"

struct run_state {
    struct sink_counts done;
    struct feed_counts input;
    int64_t in_flight, now_ns, start_ns, ends_ns; // ends_ns: by --duration; 0: no such end
    uint64_t total;                               // records that there will be; 0: unknown
};

/* Called in the caller's thread. */
struct run_hooks {
    void (*progress)(const struct run_state *state); // four times a second; NULL is fine
    void (*resuming)(uint64_t kept, uint64_t dropped); // an earlier run left records, of which those of another load go
    void (*waiting)(int64_t left_ns);                  // all is ready, and the time to start is still to come
    void (*stopping)(int64_t in_flight);               // a signal came
    void (*limited)(int64_t connections);              // arrivals wait, since no more files may be open
};

struct run_result {
    struct run_state state; // at the end
    int signal;             // that stopped it; 0: none
    bool server_gone;       // no request reached it, or none of the last ten for ten seconds
    double cpu;             // of the busiest thread, the highest share of a core seen
    char failure[SINK_FAILURE_MAX]; // what the first that failed says, and how; "": none did
};

/* -1: it could not start, or could not go on; what could be written was. */
int run_load(const struct load_options *options, const struct run_hooks *hooks, struct run_result *result, struct err *err);

#endif
