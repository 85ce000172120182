/* load/worker.c: see worker.h */
#include "load/worker.h"

#include "base/clock.h"
#include "base/num.h"
#include "load/batch.h"
#include "load/channel.h"
#include "stats/rng.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { SENDS_A_TURN = 64, SENDS_A_DIAL = 4 }; // to connect costs as much as so many sends
enum { STALE_MAX = 3 };                       // connections found closed, where none has carried a second request
static const int64_t unreached_pause_ns = NS_PER_S; // of a closed loop's slot whose request met no server
static const int64_t first_backoff_ns = NS_PER_S / 2, most_backoff_ns = 30 * NS_PER_S;

/* A place of a closed loop: carries one request after another. */
struct worker_slot {
    struct loop_timer timer;
    struct worker *worker;
    struct worker_slot *next; // of those that are free
    int64_t ready_ns;         // when it was, or is to be
};

/* What is known of a server. */
struct worker_target {
    struct channel *idle; // the latest used first
    int stale;            // connections that the server had closed when they were to be used again
    bool reused;          // one of them was not
};

struct worker {
    struct worker_run *run;
    int index;
    struct channel_context context;
    struct worker_target *targets;
    struct channel *active; // carry a job
    int64_t dialed;         // connections begun
    struct job *waiting;    // for another attempt
    struct worker_slot *slots, *free_slots, **free_last;
    int64_t slot_count, cap, in_flight; // cap: of an open loop
    struct loop_watch woken;
    struct loop_timer next_due;
    struct rng rng;
    bool ended;  // the feed has
    pthread_t thread;
    bool started;
};

static int64_t since_start(const struct worker *worker, int64_t at_ns)
{
    return at_ns - worker->run->start_ns;
}

/* --- lists of channels --- */

static void link_in(struct channel **list, struct channel *channel)
{
    channel->prev = NULL;
    channel->next = *list;
    if (*list)
        (*list)->prev = channel;
    *list = channel;
}

static void link_out(struct channel **list, struct channel *channel)
{
    if (channel->prev)
        channel->prev->next = channel->next;
    else
        *list = channel->next;
    if (channel->next)
        channel->next->prev = channel->prev;
}

/* --- the end of a job --- */

static void free_slot(struct worker_slot *slot)
{
    struct worker *worker = slot->worker;
    slot->next = NULL;
    *worker->free_last = slot;
    worker->free_last = &slot->next;
}

static void on_slot_ready(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    free_slot((struct worker_slot *)((char *)timer - offsetof(struct worker_slot, timer)));
}

/* The slot's next request is due at once, or after thinking. Where there is no server, a pause keeps the slot from
 * burning through the input. */
static void leave_slot(struct worker *worker, const struct job *job, int64_t end_ns)
{
    struct worker_slot *slot = job->slot;
    int64_t pause_ns = worker->run->options->think_ns;
    if (!job->reached && pause_ns < unreached_pause_ns)
        pause_ns = unreached_pause_ns;
    slot->ready_ns = end_ns + pause_ns;
    if (pause_ns > 0)
        loop_timer_set(worker->context.loop, &slot->timer, slot->ready_ns);
    else
        free_slot(slot);
}

static void stop_run(struct worker *worker, const struct err *err)
{
    if (!worker->context.failed)
        worker->context.err = *err;
    worker->context.failed = true;
}

/* To the sink, a batch's records one by one. */
static void hand_over(struct worker *worker, struct job *job)
{
    struct err err;
    if (job->member_count == 0) {
        sink_put(worker->run->sink, job);
        return;
    }
    if (batch_spread(job, &err) < 0)
        stop_run(worker, &err);
    for (size_t i = 0; i < job->member_count; i++)
        sink_put(worker->run->sink, job->members[i]);
    job->member_count = 0;
    job_free(job);
}

/* To the sink, and behind it the turns of its session that will not be sent. */
static void put_away(struct worker *worker, struct job *job)
{
    struct job *cancelled, *next;
    struct err err;
    if (feed_ended(worker->run->feed, worker->index, job, &cancelled, &err) < 0)
        stop_run(worker, &err);
    hand_over(worker, job);
    for (; cancelled; cancelled = next) {
        next = cancelled->next;
        sink_put(worker->run->sink, cancelled);
    }
}

static void finish_job(struct worker *worker, struct job *job, int64_t end_ns)
{
    int cpu = atomic_load_explicit(&worker->run->cpu_per_mille, memory_order_relaxed);
    job->timing.end_ns = since_start(worker, end_ns);
    job->timing.cpu = cpu < 0 ? -1 : cpu / 1000.0;
    str_conceal(buf_str(&job->reply.message), worker->run->options->secret); // servers quote what they refuse
    if (job->slot)
        leave_slot(worker, job, end_ns);
    worker->in_flight--;
    atomic_fetch_sub_explicit(&worker->run->in_flight, 1, memory_order_relaxed);
    put_away(worker, job);
}

/* --- attempts --- */

static void on_over(struct channel *channel, int64_t end_ns, bool reusable);

static struct worker *worker_of(const struct channel *channel)
{
    return (struct worker *)((char *)channel->context - offsetof(struct worker, context));
}

enum choice { ANY_CHANNEL, NEW_CHANNEL };

static void start_attempt(struct worker *worker, struct job *job, enum choice choice)
{
    struct worker_target *target = &worker->targets[job->target];
    struct channel *channel = choice == ANY_CHANNEL ? target->idle : NULL;
    struct err err;
    if (channel)
        link_out(&target->idle, channel);
    else {
        channel = channel_new(&worker->context, job->target, on_over, &err);
        worker->dialed++;
    }
    int64_t now_ns = clock_ns();
    job->timing.sent_ns = since_start(worker, now_ns);
    if (job->first_sent_ns == 0)
        job->first_sent_ns = now_ns;
    if (!channel) {
        stop_run(worker, &err);
        reply_fail(&job->reply, FAILURE_CONNECT, "%s", err.msg);
        finish_job(worker, job, now_ns);
        return;
    }
    link_in(&worker->active, channel);
    job->reached |= channel->connected;
    channel_send(channel, job);
}

static bool may_retry(const struct job *job)
{
    switch (job->reply.failure) {
    case FAILURE_CONNECT:
    case FAILURE_TRUNCATED:
    case FAILURE_TIMEOUT:
    case FAILURE_ERROR_EVENT:
        return true;
    case FAILURE_HTTP_STATUS:
        return job->status == 408 || job->status == 409 || job->status == 425 || job->status == 429 || job->status >= 500;
    case FAILURE_NONE:
    case FAILURE_TLS:
    case FAILURE_CANCELLED:
    case FAILURE_PARSE:
    case FAILURE_NO_TOKENS:
    case FAILURE_COUNT:
        break;
    }
    return false;
}

/* Half a second, doubled each time, and by up to half less at random, so that many do not come back at once; or what
 * the server asks for. */
static int64_t backoff(struct worker *worker, const struct job *job)
{
    if (job->retry_after_ns >= 0)
        return job->retry_after_ns;
    int64_t wait_ns = job->retries < 6 ? first_backoff_ns << job->retries : most_backoff_ns;
    return wait_ns - (int64_t)((double)(wait_ns / 2) * rng_uniform(&worker->rng));
}

static void unlink_waiting(struct worker *worker, struct job *job)
{
    if (job->prev)
        job->prev->next = job->next;
    else
        worker->waiting = job->next;
    if (job->next)
        job->next->prev = job->prev;
    job->next = job->prev = NULL;
}

static void on_retry(struct loop_timer *timer, int64_t now_ns)
{
    struct job *job = (struct job *)((char *)timer - offsetof(struct job, timer));
    struct worker *worker = job->worker;
    (void)now_ns;
    unlink_waiting(worker, job);
    if (job_note_attempt(job, since_start(worker, job->failed_ns)) < 0) {
        finish_job(worker, job, job->failed_ns);
        return;
    }
    job->retries++;
    job->retry_after_ns = -1;
    job_again(job);
    start_attempt(worker, job, ANY_CHANNEL);
}

/* Sets the job up for another attempt, if there may be one within its total time. */
static bool retry(struct worker *worker, struct job *job, int64_t end_ns)
{
    const struct load_options *options = worker->run->options;
    int64_t now_ns = clock_ns(), wait_ns;
    if (!may_retry(job) || job->retries >= options->retries || atomic_load(&worker->run->stopping))
        return false;
    wait_ns = backoff(worker, job);
    if (options->timeout_ns > 0 && now_ns + wait_ns >= job->first_sent_ns + options->timeout_ns)
        return false;
    job->failed_ns = end_ns;
    job->timer.fire = on_retry;
    job->prev = NULL;
    job->next = worker->waiting;
    if (job->next)
        job->next->prev = job;
    worker->waiting = job;
    loop_timer_set(worker->context.loop, &job->timer, now_ns + wait_ns);
    return true;
}

/* A connection that had carried requests, closed by the server before a byte of this answer: opened anew, once. */
static bool reopen(struct worker *worker, struct job *job, int64_t end_ns, bool was_used, bool answered)
{
    if (!was_used || answered || job->reopened || job->reply.failure != FAILURE_TRUNCATED || atomic_load(&worker->run->aborting))
        return false;
    if (job_note_attempt(job, since_start(worker, end_ns)) < 0)
        return false;
    worker->targets[job->target].stale++;
    job->reopened = true;
    job_again(job);
    start_attempt(worker, job, NEW_CHANNEL);
    return true;
}

static void on_over(struct channel *channel, int64_t end_ns, bool reusable)
{
    struct worker *worker = worker_of(channel);
    struct worker_target *target = &worker->targets[channel->target];
    struct job *job = channel->job;
    if (!job) {
        link_out(&target->idle, channel);
        channel_free(channel);
        return;
    }
    bool was_used = channel->carried > 1, answered = channel->answered;
    link_out(&worker->active, channel);
    channel->job = NULL;
    target->reused |= was_used && answered;
    if (reusable && (target->reused || target->stale < STALE_MAX))
        link_in(&target->idle, channel);
    else
        channel_free(channel);
    if (!reopen(worker, job, end_ns, was_used, answered) && !retry(worker, job, end_ns))
        finish_job(worker, job, end_ns);
}

/* --- what to send next --- */

static void start_job(struct worker *worker, struct job *job, struct worker_slot *slot)
{
    job->worker = worker;
    job->slot = slot;
    job->retry_after_ns = -1;
    if (slot && !job->follows) {
        // What had not been read when the slot became free is due when it was.
        int64_t due_ns = slot->ready_ns > job->read_ns ? slot->ready_ns : job->read_ns;
        job->timing.due_ns = due_ns > worker->run->start_ns ? since_start(worker, due_ns) : 0;
    }
    worker->in_flight++;
    atomic_fetch_add_explicit(&worker->run->in_flight, 1, memory_order_relaxed);
    start_attempt(worker, job, ANY_CHANNEL);
}

static void drop_job(struct worker *worker, struct job *job)
{
    job->unsent = true;
    reply_fail(&job->reply, FAILURE_CANCELLED, "dropped: %lld requests were in flight", (long long)worker->run->options->concurrency);
    put_away(worker, job);
}

static bool is_closed(const struct worker *worker)
{
    return worker->run->options->mode == LOAD_CLOSED;
}

/* Takes the next job and does with it what is to be done. False: there is none now. */
static bool dispatch_one(struct worker *worker)
{
    struct worker_slot *slot = worker->free_slots;
    bool blocked = is_closed(worker) ? !slot : worker->in_flight >= worker->cap;
    bool drops = blocked && !is_closed(worker) && worker->run->options->blocked == LOAD_DROPPED;
    struct job *job;
    int64_t due_ns;
    if (worker->ended)
        return false;
    if (blocked && !drops) {
        if (worker->in_flight == 0) // all slots are thinking: of what, if nothing comes?
            worker->ended = feed_is_over(worker->run->feed, worker->index, since_start(worker, clock_ns()));
        else if (worker->run->options->concurrency == 0)
            atomic_store_explicit(&worker->run->at_file_cap, true, memory_order_relaxed);
        return false;
    }
    switch (feed_take(worker->run->feed, worker->index, since_start(worker, clock_ns()), &job, &due_ns)) {
    case FEED_JOB:
        break;
    case FEED_LATER:
        loop_timer_set(worker->context.loop, &worker->next_due, due_ns + worker->run->start_ns);
        return false;
    case FEED_EMPTY:
        return false;
    case FEED_END:
        worker->ended = true;
        return false;
    }
    if (drops) {
        drop_job(worker, job);
        return true;
    }
    if (slot) {
        worker->free_slots = slot->next;
        if (!worker->free_slots)
            worker->free_last = &worker->free_slots;
    }
    start_job(worker, job, slot);
    return true;
}

static void on_next_due(struct loop_timer *timer, int64_t now_ns)
{
    (void)timer;
    (void)now_ns; // dispatch follows each turn
}

static void dispatch(struct worker *worker)
{
    int sends = 0;
    while (sends < SENDS_A_TURN) {
        int64_t dialed = worker->dialed;
        if (!dispatch_one(worker))
            break;
        sends += worker->dialed > dialed ? SENDS_A_DIAL : 1;
    }
    if (sends >= SENDS_A_TURN) // reading comes first: go on at once, but after another look
        loop_timer_set(worker->context.loop, &worker->next_due, clock_ns());
}

static void on_woken(struct loop_watch *watch, int what)
{
    struct worker *worker = (struct worker *)((char *)watch - offsetof(struct worker, woken));
    (void)what;
    feed_woken(worker->run->feed, worker->index);
}

/* --- the end of all --- */

static void finish_waiting(struct worker *worker)
{
    while (worker->waiting) {
        struct job *job = worker->waiting;
        unlink_waiting(worker, job);
        loop_timer_stop(worker->context.loop, &job->timer);
        finish_job(worker, job, job->failed_ns);
    }
}

static void finish_active(struct worker *worker, const char *why)
{
    while (worker->active) {
        struct channel *channel = worker->active;
        struct job *job = channel->job;
        link_out(&worker->active, channel);
        reply_fail(&job->reply, channel->connected ? FAILURE_TRUNCATED : FAILURE_CONNECT, "%s", why);
        channel_free(channel);
        finish_job(worker, job, clock_ns());
    }
}

static void run_loop(struct worker *worker)
{
    struct err err;
    while (!worker->context.failed) {
        dispatch(worker);
        if (atomic_load(&worker->run->stopping))
            finish_waiting(worker);
        if (atomic_load(&worker->run->aborting))
            finish_active(worker, worker->run->why_aborted);
        if (worker->ended && worker->in_flight == 0)
            return;
        if (loop_turn(worker->context.loop, &err) < 0)
            stop_run(worker, &err);
    }
    feed_stop(worker->run->feed); // its lane has nobody any more
    finish_waiting(worker);
    finish_active(worker, worker->context.err.msg);
}

static void *run(void *user)
{
    struct worker *worker = user;
    for (int64_t i = 0; i < worker->slot_count; i++) {
        worker->slots[i].ready_ns = worker->run->start_ns;
        free_slot(&worker->slots[i]);
    }
    run_loop(worker);
    eventfd_write(worker->run->done_fd, 1);
    return NULL;
}

/* The share of this worker, of what is divided among all. */
static int64_t share(int64_t whole, int64_t parts, int index)
{
    return whole / parts + (index < whole % parts ? 1 : 0);
}

static int set_up_targets(struct worker *worker, struct err *err)
{
    const struct load_options *options = worker->run->options;
    struct channel_context *context = &worker->context;
    worker->targets = calloc(options->targets->count, sizeof *worker->targets);
    context->dialers = calloc(options->targets->count, sizeof(struct dialer *));
    if (!worker->targets || !context->dialers)
        return err_nomem(err);
    for (size_t i = 0; i < options->targets->count; i++) {
        struct dialer_options dialer = {.origin = options->targets->each[i].url.origin.ptr, .timeout_ns = options->timeout_connect_ns,
                                        .ca_file = options->ca_file, .insecure = options->insecure};
        context->dialers[i] = dialer_new(context->loop, &dialer, err);
        if (!context->dialers[i])
            return -1;
    }
    return 0;
}

static int set_up(struct worker *worker, struct err *err)
{
    const struct load_options *options = worker->run->options;
    struct channel_context *context = &worker->context;
    int64_t places = share(options->concurrency, options->threads, worker->index);
    context->options = options;
    context->loop = loop_new(err);
    if (!context->loop || stamp_clock_init(&context->stamps, context->loop, err) < 0)
        return -1;
    if (set_up_targets(worker, err) < 0)
        return -1;
    context->doc = jdoc_new();
    context->bytes = calloc(1, CHANNEL_READ_BYTES + JDOC_PADDING);
    worker->cap = options->concurrency > 0 ? places : share(worker->run->file_cap, options->threads, worker->index);
    worker->slot_count = is_closed(worker) ? places : 0;
    worker->slots = calloc((size_t)worker->slot_count + 1, sizeof *worker->slots);
    if (!context->doc || !context->bytes || !worker->slots)
        return err_nomem(err);
    for (int64_t i = 0; i < worker->slot_count; i++)
        worker->slots[i] = (struct worker_slot){.timer = {.fire = on_slot_ready}, .worker = worker};
    worker->free_last = &worker->free_slots;
    worker->next_due.fire = on_next_due;
    worker->woken.ready = on_woken;
    worker->rng = rng_stream(options->seed, "retries", worker->index);
    return loop_watch(context->loop, &worker->woken, feed_wake_fd(worker->run->feed, worker->index), LOOP_READ, err);
}

struct worker *worker_new(struct worker_run *run_, int index, struct err *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        err_nomem(err);
        return NULL;
    }
    worker->run = run_;
    worker->index = index;
    worker->context.stamps.warm = worker->context.stamps.steps.fd = -1;
    if (set_up(worker, err) == 0)
        return worker;
    worker_free(worker);
    return NULL;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    struct channel_context *context = &worker->context;
    for (size_t i = 0; worker->targets && context->dialers && i < worker->run->options->targets->count; i++) {
        while (worker->targets[i].idle) {
            struct channel *channel = worker->targets[i].idle;
            link_out(&worker->targets[i].idle, channel);
            channel_free(channel);
        }
        dialer_free(context->dialers[i]);
    }
    free(worker->targets);
    free(context->dialers);
    if (context->stamps.loop)
        stamp_clock_release(&context->stamps);
    loop_free(context->loop);
    jdoc_free(context->doc);
    free(context->bytes);
    free(worker->slots);
    free(worker);
}

int worker_start(struct worker *worker, struct err *err)
{
    worker->context.start_ns = worker->run->start_ns;
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        return err_set(err, ERR_NOMEM, "cannot start a thread");
    worker->started = true;
    return 0;
}

int worker_join(struct worker *worker, struct err *err)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = false;
    if (!worker->context.failed)
        return 0;
    *err = worker->context.err;
    return -1;
}

int64_t worker_cpu_ns(const struct worker *worker)
{
    clockid_t id;
    struct timespec used = {0};
    if (worker->started && pthread_getcpuclockid(worker->thread, &id) == 0)
        clock_gettime(id, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}
