/*
 * base/progress.h: how far a long run is
 *
 * On a terminal one line on stderr, at most four times a second, erased at the end. Where stderr is no terminal, a
 * log line every 30 s, so that a batch log shows life.
 *
 *     struct progress progress = {0};
 *     progress_show(&progress, &(struct progress_state){.done = done, .total = total}, clock_ns());
 *     progress_erase();
 *
 * For programs, from one thread.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

struct progress {
    int64_t start_ns, shown_ns; // zero at first
    uint64_t start_done;
};

struct progress_state {
    uint64_t done, failed;
    uint64_t total;     // 0: not known
    int64_t ends_ns;    // when the run ends whatever happens, CLOCK_MONOTONIC; 0: no such time
    int64_t in_flight;  // below 0: the run has no such thing
    double tokens_per_s, ttft_ms; // below 0: not known
};

/* Shows it if it is time to. */
void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ns);
/* Takes the line off the terminal. Does nothing where there is none. */
void progress_erase(void);

#endif
