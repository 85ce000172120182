/* net/loop: timers and watches. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/num.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 400 };

struct seen {
    struct loop *loop;
    int count;
    int64_t last_ns;
};

struct alarm {
    struct loop_timer timer; // first
    struct seen *seen;
    struct alarm *other; // which fire_and_stop stops
    int fired;
};

static int make_loop(void **state)
{
    struct err err;
    *state = loop_new(&err);
    return *state ? 0 : -1;
}

static int free_loop(void **state)
{
    loop_free(*state);
    return 0;
}

static void turn(struct loop *loop)
{
    struct err err;
    if (loop_turn(loop, &err) < 0)
        fail_msg("%s", err.msg);
}

static void fire(struct loop_timer *timer, int64_t now_ns)
{
    struct alarm *alarm = (struct alarm *)timer;
    assert_false(timer->set);
    assert_true(timer->at_ns <= now_ns && timer->at_ns >= alarm->seen->last_ns);
    alarm->seen->last_ns = timer->at_ns;
    alarm->seen->count++;
    alarm->fired++;
}

static void fire_and_stop(struct loop_timer *timer, int64_t now_ns)
{
    struct alarm *alarm = (struct alarm *)timer;
    fire(timer, now_ns);
    loop_timer_stop(alarm->seen->loop, &alarm->other->timer);
    loop_timer_stop(alarm->seen->loop, timer); // is not set: nothing
}

static void fire_and_set(struct loop_timer *timer, int64_t now_ns)
{
    struct alarm *alarm = (struct alarm *)timer;
    fire(timer, now_ns);
    if (alarm->fired < 3)
        loop_timer_set(alarm->seen->loop, timer, timer->at_ns + 1);
}

/* Many are set, moved and stopped, in an order without a pattern; what is due fires once, and by its time. */
static void timers_fire_in_order(void **state)
{
    static struct alarm alarms[MANY];
    struct seen seen = {.loop = *state};
    int64_t past_ns = clock_ns() - NS_PER_S;
    unsigned draw = 1;
    int set = 0;
    for (size_t i = 0; i < 4 * MANY; i++) {
        struct alarm *alarm = &alarms[((draw = draw * 1103515245 + 12345) >> 16 & 0x7fff) % MANY];
        alarm->seen = &seen;
        alarm->timer.fire = fire;
        if (draw % 5 == 0)
            loop_timer_stop(*state, &alarm->timer);
        else
            loop_timer_set(*state, &alarm->timer, past_ns + (draw >> 8) % 1000);
        if (i % MANY == MANY / 2) // the first is taken out, and the rest stands
            loop_timer_stop(*state, &alarms[draw % MANY].timer);
    }
    for (size_t i = 0; i < MANY; i++)
        set += alarms[i].timer.set ? 1 : 0;
    assert_true(set > MANY / 4);
    for (size_t i = 0; i < MANY; i++)
        alarms[i].fired = alarms[i].timer.set ? -1 : 0;
    turn(*state);
    assert_int_equal(seen.count, set);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(alarms[i].fired, 0);
}

static void timer_stops_another(void **state)
{
    struct seen seen = {.loop = *state};
    int64_t past_ns = clock_ns() - NS_PER_S;
    struct alarm alarms[3] = {{.timer.fire = fire_and_stop, .seen = &seen, .other = &alarms[1]},
                              {.timer.fire = fire, .seen = &seen},
                              {.timer.fire = fire, .seen = &seen}};
    for (int i = 0; i < 3; i++)
        loop_timer_set(*state, &alarms[i].timer, past_ns + i);
    turn(*state);
    assert_int_equal(alarms[0].fired, 1);
    assert_int_equal(alarms[1].fired, 0);
    assert_int_equal(alarms[2].fired, 1);
}

static void timer_sets_itself_again(void **state)
{
    struct seen seen = {.loop = *state};
    struct alarm alarm = {.timer.fire = fire_and_set, .seen = &seen};
    loop_timer_set(*state, &alarm.timer, clock_ns() - NS_PER_S);
    turn(*state);
    assert_int_equal(alarm.fired, 3);
}

/* A turn ends when the first timer is due, and not before. */
static void timer_is_waited_for(void **state)
{
    struct seen seen = {.loop = *state};
    struct alarm late = {.timer.fire = fire, .seen = &seen}, soon = {.timer.fire = fire, .seen = &seen};
    int64_t now_ns = clock_ns();
    loop_timer_set(*state, &late.timer, now_ns + 3600 * NS_PER_S);
    loop_timer_set(*state, &soon.timer, now_ns + 3600 * NS_PER_S);
    loop_timer_set(*state, &soon.timer, now_ns + NS_PER_MS); // moved
    while (seen.count == 0)
        turn(*state);
    assert_true(clock_ns() >= now_ns + NS_PER_MS);
    assert_int_equal(soon.fired, 1);
    assert_true(late.timer.set);
    loop_timer_stop(*state, &late.timer);
}

struct pipe {
    struct loop_watch watch; // first
    struct loop *loop;
    struct pipe *other; // which unwatch_both closes too
    int ends[2], called, what;
};

static void note(struct loop_watch *watch, int what)
{
    struct pipe *it = (struct pipe *)watch;
    it->called++;
    it->what = what;
}

static void unwatch_both(struct loop_watch *watch, int what)
{
    struct pipe *it = (struct pipe *)watch;
    note(watch, what);
    loop_unwatch(it->loop, watch);
    loop_unwatch(it->loop, &it->other->watch);
}

static void open_pipe(struct pipe *it, struct loop *loop, void (*ready)(struct loop_watch *watch, int what), int what)
{
    struct err err;
    *it = (struct pipe){.watch.ready = ready, .loop = loop};
    assert_int_equal(pipe2(it->ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(loop_watch(loop, &it->watch, it->ends[what == LOOP_READ ? 0 : 1], what, &err), 0);
}

static void close_pipe(struct pipe *it)
{
    close(it->ends[0]);
    close(it->ends[1]);
}

static void watch_says_what(void **state)
{
    struct pipe in, out;
    struct err err;
    char byte;
    open_pipe(&out, *state, note, LOOP_WRITE);
    turn(*state);
    assert_int_equal(out.called, 1);
    assert_int_equal(out.what, LOOP_WRITE);
    loop_unwatch(*state, &out.watch);
    open_pipe(&in, *state, note, LOOP_READ);
    assert_int_equal(write(in.ends[1], "x", 1), 1);
    turn(*state);
    assert_int_equal(in.called, 1);
    assert_int_equal(in.what, LOOP_READ);
    assert_int_equal(loop_ask(*state, &in.watch, 0, &err), 0);
    assert_int_equal(read(in.ends[0], &byte, 1), 1);
    close(in.ends[1]);
    turn(*state);
    assert_int_equal(in.what, LOOP_HANGUP); // which is not asked for
    loop_unwatch(*state, &in.watch);
    close(in.ends[0]);
    assert_int_equal(out.called, 1);
    close_pipe(&out);
}

/* Both are ready; whichever comes first takes the other away, which is then not called in this turn or later. */
static void unwatched_is_not_called(void **state)
{
    struct seen seen = {.loop = *state};
    struct alarm end = {.timer.fire = fire, .seen = &seen};
    struct pipe one, two;
    open_pipe(&one, *state, unwatch_both, LOOP_WRITE);
    open_pipe(&two, *state, unwatch_both, LOOP_WRITE);
    one.other = &two;
    two.other = &one;
    turn(*state);
    assert_int_equal(one.called + two.called, 1);
    loop_timer_set(*state, &end.timer, clock_ns());
    while (seen.count == 0)
        turn(*state);
    assert_int_equal(one.called + two.called, 1);
    close_pipe(&one);
    close_pipe(&two);
}

/* What was not ready in the poll before was quiet then; what was reported in both tells nothing. */
static void quiet_time_is_between_polls(void **state)
{
    struct pipe in;
    open_pipe(&in, *state, note, LOOP_READ);
    struct seen seen = {.loop = *state};
    struct alarm soon = {.timer.fire = fire, .seen = &seen};
    int64_t before_ns = clock_ns();
    loop_timer_set(*state, &soon.timer, before_ns);
    while (seen.count == 0)
        turn(*state);
    assert_int_equal(write(in.ends[1], "x", 1), 1);
    turn(*state);
    assert_int_equal(in.called, 1);
    assert_in_range(loop_quiet_ns(*state, &in.watch), before_ns, loop_polled_ns(*state));
    turn(*state); // it was not read
    assert_int_equal(in.called, 2);
    assert_true(loop_quiet_ns(*state, &in.watch) == INT64_MIN);
    loop_unwatch(*state, &in.watch);
    close_pipe(&in);
}

#define with_loop(test) cmocka_unit_test_setup_teardown(test, make_loop, free_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_loop(timers_fire_in_order),        with_loop(timer_stops_another), with_loop(timer_sets_itself_again),
        with_loop(timer_is_waited_for),         with_loop(watch_says_what),     with_loop(unwatched_is_not_called),
        with_loop(quiet_time_is_between_polls),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
