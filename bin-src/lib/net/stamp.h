/*
 * net/stamp.h: when bytes arrived, by the kernel's stamp on their segment
 *
 * SO_TIMESTAMPING gives, with the bytes of a recvmsg, the real time at which the segment that brought the last of them
 * came in. It says so however late the program reads, with one limit: TCP merges queued segments and keeps only the
 * last stamp. stamp_clock turns real time into CLOCK_MONOTONIC: slewing moves both clocks alike, so only steps matter,
 * and a timerfd that a step cancels tells of those at once.
 */
#ifndef NET_STAMP_H
#define NET_STAMP_H

#include "net/loop.h"

#include <sys/types.h>

struct stamp_clock {
    struct loop *loop;
    struct loop_watch steps;
    struct loop_timer each_second;
    int64_t offset_ns; // real time less monotonic
    int warm;          // a socket with stamps on: while there is one, the kernel stamps all packets, the first too
};

/* The clock stays where it is until stamp_clock_release. */
int stamp_clock_init(struct stamp_clock *clock, struct loop *loop, struct err *err);
void stamp_clock_release(struct stamp_clock *clock);

/* Turns stamps on. 0, or -1 where the kernel has none for this socket. */
int stamp_enable(int fd);

/*
 * recv(2), with the time of arrival on CLOCK_MONOTONIC in *arrived_ns: INT64_MIN where the kernel gave no stamp, or one
 * that cannot be (a step of the clock lay between). read_ns is a time just after the call.
 */
ssize_t stamp_recv(const struct stamp_clock *clock, int fd, void *bytes, size_t size, int flags, int64_t *arrived_ns, int64_t *read_ns);

#endif
