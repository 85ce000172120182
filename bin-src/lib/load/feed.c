/* load/feed.c: see feed.h */
#include "load/feed.h"

#include "base/clock.h"
#include "base/num.h"
#include "load/batch.h"
#include "load/due.h"
#include "load/request.h"
#include "load/session.h"
#include "record/own.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const own_names[] = {"response", "timing", NULL};
enum { QUEUE_JOBS = 8192, QUEUE_BYTES = 64 << 20, ASIDE_BYTES = 1 << 30, ANSWER_BYTES = 1 << 30 };

struct lane {
    struct job *first, **last;
    struct due_queue turns; // later ones, whose former one has ended
};

/* How a worker is told that its lane has something. */
struct waker {
    int fd;      // an eventfd
    bool hungry; // it found its lane empty
};

struct feed {
    const struct load_options *options;
    struct jsonl_reader *reader;
    struct jsonl_record *first_record; // read to learn the mode, and not yet taken; NULL: none
    struct kept *kept;
    void (*pass_on)(void *user, struct job *job);
    void *user;
    struct requester *requester;
    struct jdoc *doc;
    struct sessions *sessions;
    int64_t place;      // records read
    struct batch batch; // being gathered
    struct arrivals_leg rate;
    struct arrivals arrivals;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t room, first;
    struct lane *lanes;
    struct waker *wakers; // one a worker
    int lane_count, worker_count;
    size_t queued, queued_bytes;
    size_t aside, aside_bytes; // later turns that were read and not taken
    bool stopped, failed;
    struct err err;
    struct feed_counts counts;
    int64_t start_ns; // CLOCK_MONOTONIC; 0: not yet
    int64_t made;     // jobs to send
    int64_t lent;     // of them, to lanes
    int64_t dealt;    // records and sessions, to all shards
    int64_t placed;   // records in this part, of all shards
    int64_t base_ns;  // of at_ns in this part; TIMING_NEVER: not known yet
    bool told_aside;
};

static struct job *copy_record(const struct jsonl_record *rec, struct err *err)
{
    struct job *job = job_new();
    if (job) {
        if (buf_reserve(&job->line, rec->line.len + JDOC_PADDING)) {
            buf_add_str(&job->line, rec->line);
            job->record = (struct jsonl_record){.line = buf_str(&job->line), .cut = rec->cut, .empty = rec->empty};
            return job;
        }
        job_free(job);
    }
    err_nomem(err);
    return NULL;
}

/* --- the queue --- */

static void wake(struct waker *waker)
{
    eventfd_write(waker->fd, 1); // fails only where the counter is full, and then it is ready
    waker->hungry = false;
}

static void wake_all(struct feed *feed)
{
    for (int i = 0; i < feed->worker_count; i++)
        wake(&feed->wakers[i]);
}

/* One that waits for this lane: one job is one worker's. */
static void wake_one(struct feed *feed, int lane)
{
    for (int i = 0; i < feed->worker_count; i++)
        if (i % feed->lane_count == lane && feed->wakers[i].hungry) {
            wake(&feed->wakers[i]);
            return;
        }
}

static size_t weight(const struct job *job)
{
    size_t bytes = job->line.len + job->changed.len + job->head.len;
    for (size_t i = 0; i < job->member_count; i++)
        bytes += weight(job->members[i]);
    return bytes;
}

/* Of the lock's holder. */
static void count_made(struct feed *feed)
{
    if (feed->made++ == 0)
        pthread_cond_broadcast(&feed->first);
}

/* Queues it once there is room. False: stopped meanwhile. */
static bool put(struct feed *feed, struct job *job)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopped && feed->queued > 0 && (feed->queued >= QUEUE_JOBS || feed->queued_bytes >= QUEUE_BYTES))
        pthread_cond_wait(&feed->room, &feed->lock);
    bool stopped = feed->stopped;
    if (!stopped) {
        int place = (int)(feed->lent++ % feed->lane_count);
        struct lane *lane = &feed->lanes[place];
        job->read_ns = clock_ns();
        job->weight = weight(job);
        *lane->last = job;
        lane->last = &job->next;
        feed->queued++;
        feed->queued_bytes += job->weight;
        count_made(feed);
        wake_one(feed, place);
    }
    pthread_mutex_unlock(&feed->lock);
    return !stopped;
}

/* When the job is due, if the load has a schedule and this is no later turn. */
static void schedule(struct feed *feed, struct job *job)
{
    int64_t *due_ns = &job->timing.due_ns;
    job->timing.warmup = feed->placed++ < feed->options->warmup;
    if (turn_is_later(job->turn))
        return;
    if (feed->options->mode == LOAD_OPEN)
        *due_ns = arrivals_next_ns(&feed->arrivals);
    if (feed->options->mode == LOAD_AT && kept_count(feed->kept) > 0 && *due_ns != TIMING_NEVER) {
        if (feed->base_ns == TIMING_NEVER) // a resumed run: the first left is due at once
            feed->base_ns = *due_ns;
        *due_ns = *due_ns > feed->base_ns ? *due_ns - feed->base_ns : 0;
    }
}

/* Another shard's record has its place in the schedule. A resumed run's schedule begins with the first that is left. */
static void leave_to_others(struct feed *feed, bool later)
{
    if (kept_count(feed->kept) > 0 && feed->placed == 0)
        return;
    feed->placed++;
    if (feed->options->mode == LOAD_OPEN && !later)
        arrivals_next_ns(&feed->arrivals);
}

static void count_read(struct feed *feed, const struct jsonl_record *rec, int ours)
{
    pthread_mutex_lock(&feed->lock);
    feed->counts.read += ours > 0;
    feed->counts.bytes += rec->line.len + 1;
    pthread_mutex_unlock(&feed->lock);
}

static void count(struct feed *feed, uint64_t *counter)
{
    pthread_mutex_lock(&feed->lock);
    ++*counter;
    pthread_mutex_unlock(&feed->lock);
}

static void report(struct feed *feed, const char *where, const char *why)
{
    count(feed, &feed->counts.reported);
    feed->options->report(where, why);
}

/* --- later turns of sessions --- */

/* Of the lock's holder: one that is aside is so no more. */
static void leave_aside(struct feed *feed, const struct job *job)
{
    feed->aside--;
    feed->aside_bytes -= job->weight;
    if (feed->aside_bytes <= ASIDE_BYTES / 2)
        pthread_cond_signal(&feed->room);
    if (feed->aside == 0 && feed->counts.ended)
        wake_all(feed);
}

/* Puts it aside once there is room. False: stopped meanwhile. */
static bool set_aside(struct feed *feed, struct job *job, const char *where)
{
    pthread_mutex_lock(&feed->lock);
    bool full = feed->aside_bytes >= ASIDE_BYTES;
    pthread_mutex_unlock(&feed->lock);
    if (full && !feed->told_aside)
        feed->options->report(where, "1 GiB of turns wait for the answers before them: so does the input, and requests may be late");
    feed->told_aside |= full;
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopped && feed->aside_bytes >= ASIDE_BYTES)
        pthread_cond_wait(&feed->room, &feed->lock);
    bool stopped = feed->stopped;
    if (!stopped) {
        job->weight = weight(job) + sizeof *job;
        feed->aside++;
        feed->aside_bytes += job->weight;
        count_made(feed);
    }
    pthread_mutex_unlock(&feed->lock);
    return !stopped;
}

/* The former turn was answered: all that is sent is known, and when. */
static int complete(struct feed *feed, struct job *job, struct err *err)
{
    if (job->blanks.len > 0) {
        struct buf filled = {0};
        session_fill(job->turn, job->body, buf_str(&job->blanks), &filled);
        buf_release(&job->changed);
        job->changed = filled;
        job->body = buf_str(&job->changed);
    }
    job->timing.due_ns = job->turn->former->end_ns + job->turn->think_ns;
    return requester_address(feed->requester, job, err);
}

/* Of the lock's holder. */
static void queue_turn(struct feed *feed, int lane, struct job *job)
{
    job->follows = true;
    due_put(&feed->lanes[lane].turns, job);
    wake_one(feed, lane);
}

/* A turn whose former one was over before it was read is due now, if not later. Then it is where a closed loop's record is:
 * it has waited for its place in the input. */
static int put_answered(struct feed *feed, struct job *job, struct err *err)
{
    if (complete(feed, job, err) < 0) {
        job_free(job);
        return -1;
    }
    pthread_mutex_lock(&feed->lock);
    int64_t now_ns = feed->start_ns > 0 ? clock_ns() - feed->start_ns : 0;
    bool as_others = job->timing.due_ns <= now_ns && feed->options->mode == LOAD_CLOSED;
    if (job->timing.due_ns < now_ns)
        job->timing.due_ns = now_ns;
    if (as_others)
        leave_aside(feed, job);
    else {
        int lane = (int)(feed->lent++ % feed->lane_count);
        queue_turn(feed, lane, job);
        wake(&feed->wakers[lane]); // it may wait for a time of the schedule
    }
    pthread_mutex_unlock(&feed->lock);
    if (!as_others || put(feed, job))
        return 1;
    job_free(job);
    return 0;
}

static void cancel(struct job *job)
{
    job->unsent = true;
    job->timing.due_ns = TIMING_NEVER;
    reply_fail(&job->reply, FAILURE_CANCELLED, "turn %lld of the session failed", (long long)job->turn->former->number);
}

/* The record is not sent, and goes out as it came. */
static void pass(struct feed *feed, struct job *job, const char *where, const char *why)
{
    report(feed, where, why);
    job->kind = JOB_PASS;
    feed->pass_on(feed->user, job);
}

/* 1: go on, 0: stopped, -1: cannot go on. */
static int put_turn(struct feed *feed, struct job *job, const char *where, struct err *err)
{
    struct turn *turn = job->turn;
    struct job *none;
    if (!set_aside(feed, job, where)) {
        job_free(job);
        return 0;
    }
    enum turn_state former = sessions_wait(feed->sessions, turn, job);
    if (former == TURN_OPEN) // the job is no longer ours
        return 1;
    if (former == TURN_ANSWERED)
        return put_answered(feed, job, err);
    pthread_mutex_lock(&feed->lock);
    leave_aside(feed, job);
    pthread_mutex_unlock(&feed->lock);
    int rc = sessions_end(feed->sessions, turn, former, 0, STR(""), &none, err);
    if (former == TURN_UNSENT) {
        pass(feed, job, where, "session: the turn before it cannot be sent");
    } else {
        cancel(job);
        feed->pass_on(feed->user, job);
    }
    return rc < 0 ? -1 : 1;
}

/* A turn that an earlier run sent: its answer is read, and it ended, for the next, at the start. */
static int end_kept(struct feed *feed, struct turn *turn, struct err *err)
{
    struct str line, text = STR("");
    struct jval record, error;
    struct job *none;
    if (kept_read(feed->kept, &line, err) < 0 || jdoc_parse(feed->doc, line.ptr, line.len, &record, err) < 0)
        return -1;
    bool failed = jval_at(record, "/response/error", &error);
    jval_str_at(record, "/response/text", &text);
    return sessions_end(feed->sessions, turn, failed ? TURN_FAILED : TURN_ANSWERED, 0, text, &none, err);
}

/* --- requests --- */

/* Queues a request. It, and the next two: 1: go on, 0: stopped, -1: cannot go on. The job is theirs. */
static int send_on(struct feed *feed, struct job *job, struct err *err)
{
    int rc = requester_address(feed->requester, job, err);
    if (rc == 0) {
        schedule(feed, job);
        if (put(feed, job))
            return 1;
    }
    job_free(job);
    return rc;
}

static int send_batch(struct feed *feed, struct err *err)
{
    if (feed->batch.count == 0)
        return 1;
    struct job *whole = batch_seal(&feed->batch, err);
    return whole ? send_on(feed, whole, err) : -1;
}

/* Sends it alone, or gathers it. */
static int take_job(struct feed *feed, struct job *job, struct err *err)
{
    int rc = 1;
    bool may_share = feed->options->batch > 1 && !job->has_target && job->id.len > 0; // the batch is named after its first
    if (may_share && batch_look(feed->doc, job, err) < 0)
        rc = -1;
    if (rc > 0 && feed->batch.count > 0 && (job->prompt.len == 0 || !batch_fits(&feed->batch, job)))
        rc = send_batch(feed, err);
    if (rc <= 0) {
        job_free(job);
        return rc;
    }
    if (job->prompt.len == 0)
        return send_on(feed, job, err);
    batch_add(&feed->batch, job);
    return (int64_t)feed->batch.count < feed->options->batch ? 1 : send_batch(feed, err);
}

/* --- records --- */

/* The record's place among the shards, and in its session: 1: it is ours; 0: it is not; -1: cannot go on. Where it cannot be
 * sent, *why says so. */
static int place_record(struct feed *feed, const struct jsonl_record *rec, struct turn **turn, struct err *why, struct err *err)
{
    struct session_place place;
    why->kind = ERR_NONE;
    int found = sessions_find(feed->sessions, rec->root, &place, why);
    bool later = found > 0 && !place.is_first;
    if (found < 0 && why->kind == ERR_NOMEM) {
        *err = *why;
        return -1;
    }
    int64_t dealt = later ? *place.dealt : feed->dealt++;
    if (found > 0)
        *place.dealt = dealt;
    if (!shard_has(&feed->options->shard, dealt)) {
        leave_to_others(feed, later);
        return 0;
    }
    *turn = found > 0 ? sessions_add(feed->sessions, &place, err) : NULL;
    return found > 0 && !*turn ? -1 : 1;
}

/* One record; returns as send_on. */
static int take_record(struct feed *feed, struct jsonl_record *rec, const char *where, struct err *err)
{
    struct err why;
    struct own_place place;
    struct turn *turn;
    struct job *none;
    feed->place++;
    int ours = place_record(feed, rec, &turn, &why, err);
    count_read(feed, rec, ours);
    if (ours <= 0)
        return ours < 0 ? -1 : 1;
    bool sendable = why.kind == ERR_NONE && own_claim(rec, own_names, feed->options->own_flags, &place, &why) == 0;
    if (sendable) {
        own_cut(rec, &place);
        int taken = kept_take(feed->kept, (struct str){rec->line.ptr, rec->cut}, err);
        if (taken > 0)
            count(feed, &feed->counts.kept);
        if (taken > 0 && turn && end_kept(feed, turn, err) < 0)
            return -1;
        if (taken != 0)
            return taken;
    }
    struct job *job = copy_record(rec, err);
    if (!job)
        return -1;
    job->turn = turn;
    if (sendable && requester_make(feed->requester, job, rec, feed->place - 1, &why) < 0) {
        if (why.kind == ERR_NOMEM) {
            job_free(job);
            *err = why;
            return -1;
        }
        sendable = false;
    }
    if (!sendable) {
        schedule(feed, job); // it takes its place, so that all shards have one schedule
        pass(feed, job, where, why.msg);
        return turn && sessions_end(feed->sessions, turn, TURN_UNSENT, 0, STR(""), &none, err) < 0 ? -1 : 1;
    }
    if (!turn_is_later(job->turn))
        return take_job(feed, job, err);
    schedule(feed, job);
    return put_turn(feed, job, where, err);
}

/* The next record; malformed lines are reported. JSONL_BAD is never returned. The thread may be cancelled in here: a line
 * on a pipe may never come. */
static enum jsonl_got next_record(struct feed *feed, struct jsonl_record **rec, struct err *err)
{
    for (;;) {
        int state;
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
        enum jsonl_got got = jsonl_next(feed->reader, rec, err);
        pthread_setcancelstate(state, NULL);
        if (got != JSONL_BAD)
            return got;
        report(feed, jsonl_where(feed->reader), err->msg);
    }
}

static int read_all(struct feed *feed, struct err *err)
{
    const struct load_options *options = feed->options;
    struct jsonl_record *rec = feed->first_record;
    enum jsonl_got got = rec ? JSONL_RECORD : JSONL_END;
    int more = 1;
    for (int64_t n = 0; got == JSONL_RECORD && more > 0; n++) {
        more = take_record(feed, rec, jsonl_where(feed->reader), err);
        if (options->count > 0 && n + 1 >= options->count)
            break;
        if (more > 0)
            got = next_record(feed, &rec, err);
    }
    if (more > 0 && got != JSONL_FAILED) // the last, which may be a smaller one
        more = send_batch(feed, err);
    return more < 0 || got == JSONL_FAILED ? -1 : 0;
}

static void *run(void *user)
{
    struct feed *feed = user;
    struct err err = {0};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    setpriority(PRIO_PROCESS, (id_t)gettid(), 5); // on a shared core, reading the sockets comes first
    int rc = read_all(feed, &err);
    pthread_mutex_lock(&feed->lock);
    feed->failed = rc < 0;
    feed->err = err;
    feed->counts.ended = true;
    pthread_cond_broadcast(&feed->first);
    wake_all(feed);
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

/* --- for the others --- */

static void release_lane(struct lane *lane)
{
    for (struct job *job = lane->first, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    while (lane->turns.first)
        job_free(due_take(&lane->turns));
}

static void release(struct feed *feed)
{
    for (int i = 0; feed->lanes && i < feed->lane_count; i++)
        release_lane(&feed->lanes[i]);
    sessions_free(feed->sessions);
    for (int i = 0; feed->wakers && i < feed->worker_count; i++)
        if (feed->wakers[i].fd > 0)
            close(feed->wakers[i].fd);
    free(feed->wakers);
    requester_free(feed->requester);
    batch_release(&feed->batch);
    jsonl_close(feed->reader);
    jdoc_free(feed->doc);
    free(feed->lanes);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->room);
    pthread_cond_destroy(&feed->first);
    free(feed);
}

/* How long the input is; 0: nobody knows. */
static uint64_t bytes_of(char *const *paths)
{
    static char *const stdin_only[] = {"/dev/stdin", NULL};
    uint64_t bytes = 0;
    for (char *const *path = *paths ? paths : stdin_only; *path; path++) {
        struct stat info;
        const char *dot = strrchr(*path, '.');
        if (stat(strcmp(*path, "-") == 0 ? "/dev/stdin" : *path, &info) < 0 || !S_ISREG(info.st_mode) || (dot && strcmp(dot, ".gz") == 0))
            return 0;
        bytes += (uint64_t)info.st_size;
    }
    return bytes;
}

/* Reads the first record; where nobody said how to pace and it says when to be sent, it is sent then. */
static int read_first(struct feed *feed, struct load_options *options, struct err *err)
{
    struct jsonl_record *rec;
    feed->counts.bytes_total = bytes_of(options->paths);
    feed->reader = jsonl_open(options->paths, err);
    if (!feed->reader)
        return -1;
    enum jsonl_got got = next_record(feed, &rec, err);
    if (got == JSONL_FAILED)
        return -1;
    if (got == JSONL_RECORD) {
        feed->first_record = rec;
        if (!options->mode_is_given && options->mode == LOAD_CLOSED && jsonl_has(rec, "at_ns"))
            options->mode = LOAD_AT;
    }
    if (options->mode == LOAD_CLOSED && options->concurrency == 0)
        options->concurrency = 1;
    if (options->concurrency > 0 && options->threads > options->concurrency)
        options->threads = options->concurrency;
    return 0;
}

static int set_up(struct feed *feed, struct err *err)
{
    const struct load_options *options = feed->options;
    feed->doc = jdoc_new();
    feed->lane_count = options->mode == LOAD_CLOSED ? 1 : (int)options->threads;
    feed->lanes = calloc((size_t)feed->lane_count, sizeof *feed->lanes);
    feed->worker_count = (int)options->threads;
    feed->wakers = calloc((size_t)feed->worker_count, sizeof *feed->wakers);
    feed->sessions = sessions_new(ANSWER_BYTES);
    feed->base_ns = TIMING_NEVER;
    feed->requester = requester_new(options);
    bool ok = feed->doc && feed->lanes && feed->wakers && feed->requester && feed->sessions;
    for (int i = 0; ok && i < feed->lane_count; i++)
        feed->lanes[i].last = &feed->lanes[i].first;
    for (int i = 0; ok && i < feed->worker_count; i++)
        ok = (feed->wakers[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0;
    if (!ok)
        return err_nomem(err);
    if (options->mode != LOAD_OPEN)
        return 0;
    feed->rate = (struct arrivals_leg){.from_rps = options->rate_rps, .to_rps = options->rate_rps};
    struct arrivals_plan plan = {
        .kind = options->arrivals, .burstiness = options->burstiness, .legs = &feed->rate, .leg_count = 1, .seed = options->seed};
    return arrivals_init(&feed->arrivals, &plan, err);
}

struct feed *feed_new(struct load_options *options, struct err *err)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        err_nomem(err);
        return NULL;
    }
    feed->options = options;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->room, NULL);
    pthread_cond_init(&feed->first, NULL);
    if (read_first(feed, options, err) == 0 && set_up(feed, err) == 0)
        return feed;
    release(feed);
    return NULL;
}

int feed_start(struct feed *feed, struct kept *kept, void (*pass_on)(void *user, struct job *job), void *user, struct err *err)
{
    feed->kept = kept;
    feed->pass_on = pass_on;
    feed->user = user;
    if (pthread_create(&feed->thread, NULL, run, feed) != 0)
        return err_set(err, ERR_NOMEM, "cannot start a thread");
    feed->started = true;
    return 0;
}

void feed_wait_first(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (feed->made == 0 && !feed->counts.ended && !feed->stopped)
        pthread_cond_wait(&feed->first, &feed->lock);
    pthread_mutex_unlock(&feed->lock);
}

void feed_begin(struct feed *feed, int64_t start_ns)
{
    pthread_mutex_lock(&feed->lock);
    feed->start_ns = start_ns;
    pthread_mutex_unlock(&feed->lock);
}

void feed_stop(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->stopped = true;
    pthread_cond_broadcast(&feed->room);
    pthread_cond_broadcast(&feed->first);
    wake_all(feed);
    pthread_mutex_unlock(&feed->lock);
}

int feed_close(struct feed *feed, struct err *err)
{
    if (!feed)
        return 0;
    if (feed->started) {
        pthread_cancel(feed->thread); // where it waits for a line
        pthread_join(feed->thread, NULL);
    }
    int rc = feed->failed ? -1 : 0;
    if (feed->failed)
        *err = feed->err;
    release(feed);
    return rc;
}

/* Of the lock's holder. */
static bool is_stopped(const struct feed *feed, int64_t now_ns)
{
    return feed->stopped || (feed->options->duration_ns > 0 && now_ns >= feed->options->duration_ns);
}

/* Of the lock's holder: nothing comes to the lane any more. A turn that is aside may still. */
static bool is_over(const struct feed *feed, const struct lane *lane)
{
    return feed->counts.ended && !lane->first && feed->aside == 0;
}

bool feed_is_over(struct feed *feed, int worker, int64_t now_ns)
{
    pthread_mutex_lock(&feed->lock);
    bool over = is_stopped(feed, now_ns) || is_over(feed, &feed->lanes[worker % feed->lane_count]);
    pthread_mutex_unlock(&feed->lock);
    return over;
}

/* Which of the lane is to be sent first; NULL: it is empty. A closed loop's record is due whenever a slot is free. */
static struct job *first_of(const struct feed *feed, const struct lane *lane, int64_t now_ns)
{
    struct job *record = lane->first, *turn = lane->turns.first;
    if (!record || !turn)
        return record ? record : turn;
    int64_t record_ns = feed->options->mode == LOAD_CLOSED ? now_ns : record->timing.due_ns;
    return turn->timing.due_ns <= record_ns ? turn : record;
}

static void take_out(struct feed *feed, struct lane *lane, struct job *job)
{
    if (job->follows) {
        due_take(&lane->turns);
        leave_aside(feed, job);
        return;
    }
    lane->first = job->next;
    if (!lane->first)
        lane->last = &lane->first;
    job->next = NULL;
    feed->queued--;
    feed->queued_bytes -= job->weight;
    if (feed->queued <= QUEUE_JOBS / 2 && feed->queued_bytes <= QUEUE_BYTES / 2)
        pthread_cond_signal(&feed->room);
}

enum feed_got feed_take(struct feed *feed, int worker, int64_t now_ns, struct job **job, int64_t *due_ns)
{
    struct lane *lane = &feed->lanes[worker % feed->lane_count];
    enum feed_got got = FEED_JOB;
    pthread_mutex_lock(&feed->lock);
    struct job *first = first_of(feed, lane, now_ns);
    if (is_stopped(feed, now_ns))
        got = FEED_END;
    else if (!first)
        got = is_over(feed, lane) ? FEED_END : FEED_EMPTY;
    else if ((first->follows || feed->options->mode != LOAD_CLOSED) && first->timing.due_ns > now_ns) {
        got = FEED_LATER;
        *due_ns = first->timing.due_ns;
    } else {
        take_out(feed, lane, first);
        *job = first;
    }
    feed->wakers[worker].hungry = got == FEED_EMPTY || (got == FEED_LATER && first->follows); // a turn may come that is due before
    pthread_mutex_unlock(&feed->lock);
    return got;
}

int feed_ended(struct feed *feed, int worker, struct job *job, struct job **cancelled, struct err *err)
{
    bool failed = job->reply.failure != FAILURE_NONE;
    int64_t end_ns = job->timing.end_ns;
    struct job *next;
    *cancelled = NULL;
    if (!job->turn)
        return 0;
    if (sessions_end(feed->sessions, job->turn, failed ? TURN_FAILED : TURN_ANSWERED, end_ns, buf_str(&job->reply.text), &next, err) < 0)
        return -1;
    if (next && !failed) {
        if (complete(feed, next, err) < 0) {
            job_free(next);
            return -1;
        }
        pthread_mutex_lock(&feed->lock);
        queue_turn(feed, worker % feed->lane_count, next);
        pthread_mutex_unlock(&feed->lock);
        return 0;
    }
    while (next) {
        pthread_mutex_lock(&feed->lock);
        bool stopped = is_stopped(feed, end_ns);
        leave_aside(feed, next);
        pthread_mutex_unlock(&feed->lock);
        if (stopped) { // what was not sent has no record
            job_free(next);
            return 0;
        }
        cancel(next);
        *cancelled = next;
        cancelled = &next->next;
        if (sessions_end(feed->sessions, next->turn, TURN_FAILED, 0, STR(""), &next, err) < 0)
            return -1;
    }
    return 0;
}

int feed_wake_fd(const struct feed *feed, int worker)
{
    return feed->wakers[worker].fd;
}

void feed_woken(struct feed *feed, int worker)
{
    eventfd_t ignored;
    eventfd_read(feed_wake_fd(feed, worker), &ignored);
}

struct feed_counts feed_counts(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    struct feed_counts counts = feed->counts;
    pthread_mutex_unlock(&feed->lock);
    return counts;
}
