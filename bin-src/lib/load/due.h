/*
 * load/due.h: jobs by the time at which they are due
 *
 * A pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986) through the jobs themselves: it allocates nothing, so that
 * no job can fail to be put there. Of two that are due at once, the one that was put first comes first. No thread of its own
 * and no lock.
 */
#ifndef LOAD_DUE_H
#define LOAD_DUE_H

#include "load/job.h"

struct due_queue {
    struct job *first; // due first; NULL: it is empty
    uint64_t count;    // of all that were ever put
};

/* By job->timing.due_ns, which is not changed while it is there. */
void due_put(struct due_queue *queue, struct job *job);
/* Takes the one that is due first out; the queue is not empty. */
struct job *due_take(struct due_queue *queue);

#endif
