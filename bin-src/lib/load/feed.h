/*
 * load/feed.h: the input of a load, read and made ready ahead of the workers
 *
 * A thread of its own reads lines, makes each a job with the bytes to send and the time that it is due, and queues it:
 * at most so many, so that memory does not grow with the input. Workers take jobs; nothing that they call here waits
 * for input. A closed loop has one lane that all workers share; an open one deals its arrivals out to a lane a worker.
 *
 * A later turn of a session is read like any other record, and waits aside: it takes no place of the queue, so that it
 * keeps nothing behind it from being read, until 1 GiB of such turns wait. Since a turn stands behind its former one in the
 * input, none of them waits for what is not read yet. When the former one has ended, it goes to the lane of the worker that
 * had that, where it is taken as soon as it is due, before records of the input.
 *
 * Of several shards each reads the whole input. They deal it out by turns, a session as one, and each draws the schedule of
 * all: together they send what one run would, when it would.
 */
#ifndef LOAD_FEED_H
#define LOAD_FEED_H

#include "load/job.h"
#include "load/kept.h"
#include "load/options.h"

struct feed;

enum feed_got {
    FEED_JOB,
    FEED_LATER, // the next is due later
    FEED_EMPTY, // none has been read; the lane's eventfd will say when there is one
    FEED_END,   // there will be none
};

/* Reads up to the first record, which may set options->mode; options are not changed after. */
struct feed *feed_new(struct load_options *options, struct err *err);
/* Ends it, and frees it unless its thread still waits for input. -1: the input could not be read to its end. */
int feed_close(struct feed *feed, struct err *err);

/* pass_on takes the jobs that are not sent; called from the feed's thread. */
int feed_start(struct feed *feed, struct kept *kept, void (*pass_on)(void *user, struct job *job), void *user, struct err *err);
/* From now on times are ns after start_ns (CLOCK_MONOTONIC), and workers may take jobs. */
void feed_begin(struct feed *feed, int64_t start_ns);
/* Waits until the first job is there, or there will be none. */
void feed_wait_first(struct feed *feed);
/* Hands out no more jobs. From any thread. */
void feed_stop(struct feed *feed);

/* The next job of the worker's lane that is due at now_ns, ns after the start. FEED_LATER sets *due_ns. */
enum feed_got feed_take(struct feed *feed, int worker, int64_t now_ns, struct job **job, int64_t *due_ns);
/* The worker's job is over, if that is a turn of a session: the next turn becomes due after its think time, or, where this
 * one failed, is cancelled with all behind it. These go to *cancelled, linked by next, and are the caller's; NULL: there
 * are none. The job stays the caller's. -1: out of memory. */
int feed_ended(struct feed *feed, int worker, struct job *job, struct job **cancelled, struct err *err);
/* Will no job come any more for the worker? */
bool feed_is_over(struct feed *feed, int worker, int64_t now_ns);
/* Readable when the worker's lane, found empty, has a job, or when the feed ends. Not to be read from. */
int feed_wake_fd(const struct feed *feed, int worker);
/* To be called when it was: arms it again. */
void feed_woken(struct feed *feed, int worker);

/* Records of the input read so far (this shard's), kept ones of them, lines that were reported; and whether all was read. */
struct feed_counts {
    uint64_t read, kept, reported;
    uint64_t bytes, bytes_total; // of all lines read, and of all files; 0: not known, as of a pipe
    bool ended;
};
struct feed_counts feed_counts(struct feed *feed);

#endif
