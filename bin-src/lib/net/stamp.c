/* net/stamp.c: see stamp.h */
#include "net/stamp.h"

#include "base/clock.h"
#include "base/num.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The narrowest of 50 bracketed readings. */
static int64_t measure_offset(void)
{
    int64_t best_width = INT64_MAX, offset = 0;
    for (int i = 0; i < 50; i++) {
        int64_t before = clock_ns(), real = clock_utc_ns(), after = clock_ns();
        if (after - before < best_width) {
            best_width = after - before;
            offset = real - (before + (after - before) / 2);
        }
    }
    return offset;
}

static struct stamp_clock *clock_of_timer(struct loop_timer *timer)
{
    return (struct stamp_clock *)((char *)timer - offsetof(struct stamp_clock, each_second));
}

static void on_second(struct loop_timer *timer, int64_t now_ns)
{
    struct stamp_clock *clock = clock_of_timer(timer);
    clock->offset_ns = measure_offset();
    loop_timer_set(clock->loop, timer, now_ns + NS_PER_S);
}

static void arm(int fd)
{
    struct itimerspec never = {.it_value.tv_sec = (time_t)1 << 33}; // far away: only a step of the clock ends the wait
    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void on_step(struct loop_watch *watch, int what)
{
    struct stamp_clock *clock = (struct stamp_clock *)((char *)watch - offsetof(struct stamp_clock, steps));
    uint64_t ignored;
    (void)what;
    while (read(watch->fd, &ignored, sizeof ignored) == (ssize_t)sizeof ignored)
        ;
    arm(watch->fd);
    clock->offset_ns = measure_offset();
}

int stamp_clock_init(struct stamp_clock *clock, struct loop *loop, struct err *err)
{
    *clock = (struct stamp_clock){.loop = loop, .steps = {.ready = on_step, .fd = -1}, .each_second = {.fire = on_second}};
    clock->warm = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (clock->warm >= 0)
        stamp_enable(clock->warm);
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) {
        err_errno(err, "timerfd");
        stamp_clock_release(clock);
        return -1;
    }
    arm(fd);
    if (loop_watch(loop, &clock->steps, fd, LOOP_READ, err) < 0) {
        close(fd);
        stamp_clock_release(clock);
        return -1;
    }
    clock->offset_ns = measure_offset();
    loop_timer_set(loop, &clock->each_second, clock_ns() + NS_PER_S);
    return 0;
}

void stamp_clock_release(struct stamp_clock *clock)
{
    if (clock->steps.fd >= 0) {
        loop_unwatch(clock->loop, &clock->steps);
        close(clock->steps.fd);
    }
    if (clock->warm >= 0)
        close(clock->warm);
    loop_timer_stop(clock->loop, &clock->each_second);
    clock->steps.fd = clock->warm = -1;
}

int stamp_enable(int fd)
{
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

ssize_t stamp_recv(const struct stamp_clock *clock, int fd, void *bytes, size_t size, int flags, int64_t *arrived_ns, int64_t *read_ns)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct scm_timestamping)) + 64];
        struct cmsghdr align;
    } control;
    struct iovec vector = {bytes, size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(fd, &message, flags);
    *arrived_ns = INT64_MIN;
    *read_ns = clock_ns();
    if (got <= 0)
        return got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
            struct scm_timestamping stamps;
            memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
            int64_t real = stamps.ts[0].tv_sec * NS_PER_S + stamps.ts[0].tv_nsec;
            if (real > 0)
                *arrived_ns = real - clock->offset_ns;
        }
    // A microsecond after the read is the conversion's error; more is a stepped clock.
    if (*arrived_ns > *read_ns)
        *arrived_ns = *arrived_ns - *read_ns < 50 * NS_PER_US ? *read_ns : INT64_MIN;
    return got;
}
