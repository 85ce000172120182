/* net/loop.c: see loop.h */
#include "net/loop.h"

#include "base/clock.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, BASELINE_NS = 10 * 1000 * 1000 };

struct loop {
    int epoll, schedstat;
    struct loop_timer *timers; // the root of the heap: the first due
    struct epoll_event events[EVENTS];
    int event_count, event_at;     // those of this turn, and the one that is being handled
    uint64_t turn;                 // counts polls
    int64_t polled_ns, before_ns;  // returns of this poll and of the one before
    bool waited;                   // this poll had to, and was woken by an event
    bool opened;                   // schedstat was tried
    int64_t baseline_ns, queued_ns; // when the time in the run queue was last read, and what it was
};

struct loop *loop_new(struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        err_nomem(err);
        return NULL;
    }
    loop->schedstat = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        err_errno(err, "epoll");
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->schedstat >= 0)
        close(loop->schedstat);
    close(loop->epoll);
    free(loop);
}

static uint32_t epoll_bits(int what)
{
    return (what & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (what & LOOP_WRITE ? EPOLLOUT : 0u);
}

int loop_watch(struct loop *loop, struct loop_watch *watch, int fd, int what, struct err *err)
{
    struct epoll_event event = {.events = epoll_bits(what), .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, "epoll_ctl");
    watch->fd = fd;
    watch->asked = what;
    watch->reported = watch->reported_before = loop->turn;
    return 0;
}

int loop_ask(struct loop *loop, struct loop_watch *watch, int what, struct err *err)
{
    if (watch->asked == what)
        return 0;
    struct epoll_event event = {.events = epoll_bits(what), .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return err_errno(err, "epoll_ctl");
    watch->asked = what;
    return 0;
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = loop->event_at + 1; i < loop->event_count; i++) // what this turn still holds of it
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

/* --- timers --- */

static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->at_ns < a->at_ns) {
        struct loop_timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Melds the siblings in pairs, and the pairs from the last to the first. */
static struct loop_timer *meld_all(struct loop_timer *first)
{
    struct loop_timer *pairs = NULL, *root = NULL;
    while (first) {
        struct loop_timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct loop_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->set)
        return;
    struct loop_timer *children = meld_all(timer->child);
    if (timer == loop->timers) {
        loop->timers = children;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        loop->timers = meld(loop->timers, children);
    }
    timer->child = timer->next = timer->prev = NULL;
    timer->set = false;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ns)
{
    if (timer->set && timer->at_ns == at_ns)
        return;
    loop_timer_stop(loop, timer);
    timer->at_ns = at_ns;
    timer->set = true;
    timer->child = timer->next = timer->prev = NULL;
    loop->timers = meld(loop->timers, timer);
}

static void fire_timers(struct loop *loop)
{
    int64_t now_ns = clock_ns();
    while (loop->timers && loop->timers->at_ns <= now_ns) {
        struct loop_timer *timer = loop->timers;
        loop_timer_stop(loop, timer);
        timer->fire(timer, now_ns);
    }
}

/* --- polling --- */

/* ns that this thread has stood in the run queue since it began, or -1 where the kernel does not say. */
static int64_t queued_ns(struct loop *loop)
{
    char text[96];
    if (!loop->opened) { // here, since it must be the thread that polls
        loop->opened = true;
        loop->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    }
    if (loop->schedstat < 0)
        return -1;
    ssize_t got = pread(loop->schedstat, text, sizeof text - 1, 0);
    if (got <= 0)
        return -1;
    text[got] = '\0';
    char *second = strchr(text, ' ');
    return second ? strtoll(second, NULL, 10) : -1;
}

static int poll_once(struct loop *loop, int64_t wait_ns)
{
    static bool too_old; // of the kernel (before 5.11): true once is true for ever, whoever finds it
    if (wait_ns == 0)
        return epoll_wait(loop->epoll, loop->events, EVENTS, 0);
#ifdef SYS_epoll_pwait2
    if (!too_old) {
        struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
        int got = (int)syscall(SYS_epoll_pwait2, loop->epoll, loop->events, EVENTS, wait_ns < 0 ? NULL : &wait, NULL, 0);
        if (got >= 0 || errno != ENOSYS)
            return got;
        too_old = true;
    }
#endif
    return epoll_wait(loop->epoll, loop->events, EVENTS, wait_ns < 0 ? -1 : (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
}

/* A poll that does not wait comes first: only so is it known of the second that it had to. */
static int poll_events(struct loop *loop, struct err *err)
{
    loop->before_ns = loop->polled_ns;
    loop->waited = false;
    loop->turn++;
    int got = poll_once(loop, 0);
    if (got == 0) {
        int64_t now_ns = clock_ns();
        if (now_ns - loop->baseline_ns > BASELINE_NS) {
            loop->queued_ns = queued_ns(loop);
            loop->baseline_ns = now_ns;
        }
        loop->before_ns = now_ns;
        loop->turn++; // nothing was ready in that one
        int64_t wait_ns = loop->timers ? loop->timers->at_ns - now_ns : -1;
        if (wait_ns < 0 && loop->timers)
            wait_ns = 0;
        if (wait_ns > 3600 * NS_PER_S)
            wait_ns = 3600 * NS_PER_S;
        got = poll_once(loop, wait_ns);
        loop->waited = got > 0 && wait_ns != 0; // a signal that stopped us, or a stop, tells nothing
    }
    loop->polled_ns = clock_ns();
    if (got < 0 && errno == EINTR)
        got = 0;
    return got < 0 ? err_errno(err, "epoll_wait") : got;
}

int loop_turn(struct loop *loop, struct err *err)
{
    int got = poll_events(loop, err);
    if (got < 0)
        return -1;
    loop->event_count = got;
    for (int i = 0; i < got; i++) {
        struct loop_watch *watch = loop->events[i].data.ptr;
        watch->reported_before = watch->reported;
        watch->reported = loop->turn;
    }
    for (loop->event_at = 0; loop->event_at < got; loop->event_at++) {
        struct epoll_event *event = &loop->events[loop->event_at];
        struct loop_watch *watch = event->data.ptr;
        if (!watch)
            continue;
        int what = (event->events & (EPOLLIN | EPOLLRDHUP) ? LOOP_READ : 0) | (event->events & EPOLLOUT ? LOOP_WRITE : 0) |
                   (event->events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0);
        watch->ready(watch, what);
    }
    loop->event_count = 0;
    fire_timers(loop);
    return 0;
}

int64_t loop_polled_ns(const struct loop *loop)
{
    return loop->polled_ns;
}

int64_t loop_quiet_ns(struct loop *loop, const struct loop_watch *watch)
{
    int64_t quiet_ns = INT64_MIN;
    if (watch->reported_before + 1 < watch->reported)
        quiet_ns = loop->before_ns;
    if (loop->waited) {
        int64_t queued = queued_ns(loop), stood_ns = queued < 0 || loop->queued_ns < 0 ? 0 : queued - loop->queued_ns;
        if (loop->polled_ns - stood_ns > quiet_ns)
            quiet_ns = loop->polled_ns - stood_ns;
    }
    return quiet_ns;
}
