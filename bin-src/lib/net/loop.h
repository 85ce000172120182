/*
 * net/loop.h: an event loop over epoll that knows when a socket was last empty
 *
 *     struct loop *loop = loop_new(&err);
 *     watch.ready = on_ready;
 *     loop_watch(loop, &watch, fd, LOOP_READ, &err);
 *     timer.fire = on_timer;
 *     loop_timer_set(loop, &timer, clock_ns() + 5 * NS_PER_MS);
 *     while (running)
 *         if (loop_turn(loop, &err) < 0) ...
 *
 * Watches and timers are the caller's storage, embedded in what they belong to; nothing is allocated for them. Timers
 * are kept to some 10 us, and fire in the order of their times. Why not libevent: what a load client's late flag needs
 * (loop_quiet_ns) is known only to the code around epoll_wait. One thread at a time.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 }; // the last is reported, never asked for

struct loop_watch {
    void (*ready)(struct loop_watch *watch, int what);
    int fd, asked;
    uint64_t reported, reported_before; // the last two turns in which it was
};

struct loop_timer {
    void (*fire)(struct loop_timer *timer, int64_t now_ns);
    int64_t at_ns;
    struct loop_timer *child, *next, *prev; // a pairing heap (Fredman et al., 1986); prev of a first child is its parent
    bool set;
};

struct loop;
struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop); // NULL is fine

/* Starts to watch fd. The watch must stay until loop_unwatch, which comes before the close of fd. */
int loop_watch(struct loop *loop, struct loop_watch *watch, int fd, int what, struct err *err);
/* Asks for something else. Nothing happens where it is the same. */
int loop_ask(struct loop *loop, struct loop_watch *watch, int what, struct err *err);
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ns); // moves it if it is set
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);               // nothing if it is not

/* Waits for the first that is ready or due, and calls all that are: watches first, then timers. */
int loop_turn(struct loop *loop, struct err *err);
/* The time at which the poll of this turn returned. */
int64_t loop_polled_ns(const struct loop *loop);

/*
 * For a watch that is reported in this turn: the latest time at which it was certainly not ready, as far as polling
 * tells. That is the poll before, if it did not report it; and if this turn's poll had to wait, the moment that it was
 * woken, which is its return less the time that this thread stood in the run queue. INT64_MIN: nothing is known.
 */
int64_t loop_quiet_ns(struct loop *loop, const struct loop_watch *watch);

#endif
