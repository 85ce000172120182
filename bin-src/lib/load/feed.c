/* load/feed.c: see feed.h */
#include "load/feed.h"

#include "base/clock.h"
#include "base/num.h"
#include "load/batch.h"
#include "net/header.h"
#include "record/own.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const own_names[] = {"response", "timing", NULL};
enum { QUEUE_JOBS = 8192, QUEUE_BYTES = 64 << 20, ID_MAX = 200 };

struct lane {
    struct job *first, **last;
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
    bool user_names_requests; // by a header X-Request-Id
    struct buf *heads; // of requests, up to what each has of its own: of each target, one for each api
    struct body_change *changes; // the options', and room for a model
    struct jdoc *doc;
    int64_t place;      // records read
    int64_t dealt;      // requests that went to the targets in turn
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
    bool stopped, failed;
    struct err err;
    struct feed_counts counts;
    int64_t made;    // jobs to send
    int64_t base_ns; // of at_ns in this part
};

/* --- making a job --- */

/* A header of ours, unless the user gave one of that name. */
static void add_ours(struct buf *head, struct str given, const char *name, struct str value)
{
    if (!header_has(given, name))
        buf_addf(head, "%s: %.*s\r\n", name, STR_ARG(value));
}

static void make_head(struct feed *feed, size_t target, enum openai_api api)
{
    const struct url *url = &feed->options->targets->each[target].url;
    struct str given = buf_str(&feed->options->targets->each[target].headers);
    struct buf *head = &feed->heads[target * OPENAI_API_COUNT + api];
    buf_addf(head, "POST %.*s%s%.*s HTTP/1.1\r\n", STR_ARG(buf_str(&url->base)), openai_paths[api], STR_ARG(buf_str(&url->query)));
    add_ours(head, given, "Host", buf_str(&url->host));
    add_ours(head, given, "Content-Type", STR("application/json"));
    add_ours(head, given, "User-Agent", STR("lmutils/" LM_VERSION));
    buf_add_str(head, given);
}

/* The record's id as a header's value: what has no place there is written %XX. */
static void add_id(struct buf *head, struct str id)
{
    for (size_t i = 0; i < id.len && i < ID_MAX; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (c > 0x20 && c < 0x7f && c != '%')
            buf_add_char(head, (char)c);
        else
            buf_addf(head, "%%%02X", c);
    }
}

static int make_body(struct feed *feed, struct job *job, struct str body, const struct model *model, struct err *err)
{
    size_t count = feed->options->change_count;
    if (model) {
        feed->changes[count++] = (struct body_change){STR("model"), model->json};
        job->asked_model = model->name;
    }
    if (count == 0) {
        job->body = body;
        return 0;
    }
    if (body_write(feed->doc, body, feed->changes, count, &job->changed, err) < 0)
        return -1;
    if (!buf_reserve(&job->changed, JDOC_PADDING)) // it may be parsed again
        return err_nomem(err);
    job->body = buf_str(&job->changed);
    return 0;
}

/* What goes by the session, so that it stays with one server and one model, or else by the place or the turn. */
static int64_t place_of(struct jval record, int64_t else_by, bool *has_session)
{
    struct str session;
    uint64_t hash = 14695981039346656037u; // FNV-1a
    *has_session = jval_str_at(record, "/session/id", &session);
    for (size_t i = 0; *has_session && i < session.len; i++)
        hash = (hash ^ (unsigned char)session.ptr[i]) * 1099511628211u;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u; // names that differ in a digit differ in its high bits
    return *has_session ? (int64_t)(hash >> 33) : else_by;
}

/* The head, of the target whose turn it is. */
static int address(struct feed *feed, struct job *job, struct err *err)
{
    const struct load_options *options = feed->options;
    if (!job->has_target)
        job->target = (size_t)(feed->dealt++ % (int64_t)options->targets->count);
    if (options->targets->count > 1)
        job->url = buf_str(&options->targets->each[job->target].url.shown);
    buf_add_str(&job->head, buf_str(&feed->heads[job->target * OPENAI_API_COUNT + job->api]));
    if (!feed->user_names_requests) {
        buf_add_str(&job->head, STR("X-Request-Id: "));
        add_id(&job->head, job->id.len > 0 ? buf_str(&job->id) : STR("-"));
        buf_add_str(&job->head, STR("\r\n"));
    }
    buf_addf(&job->head, "Content-Length: %zu\r\n\r\n", job->body.len);
    return job->head.failed ? err_nomem(err) : 0;
}

/* Fills in what is sent. -1: it cannot be sent, err says why. */
static int make_request(struct feed *feed, struct job *job, const struct jsonl_record *rec, struct err *err)
{
    const struct load_options *options = feed->options;
    const struct model *model = NULL;
    struct jsonl_member request;
    struct jval body, stream;
    struct str id = {"", 0};
    int64_t at_ns = 0, place = feed->place - 1;
    if (!jval_member(rec->root, "request", &body) || jval_type(body) != JTYPE_OBJECT)
        return err_set(err, ERR_MISSING, "has no \"request\" that is an object (lm-prompt makes it)");
    if (body_api(rec->root, &job->api, err) < 0)
        return -1;
    if (feed->options->mode == LOAD_AT && (!jval_int_at(rec->root, "/at_ns", &at_ns) || at_ns < 0 || at_ns > INT64_MAX / 4))
        return err_set(err, ERR_PARSE, "at_ns: not a whole number from 0 on, or beyond all time");
    jval_str_at(rec->root, "/id", &id);
    buf_add_str(&job->id, id);
    job->timing.due_ns = at_ns;
    if (jval_member(body, "stream", &stream))
        jval_bool(stream, &job->stream);
    for (size_t i = 0; i < feed->options->change_count; i++)
        if (str_eq(feed->options->changes[i].name, STR("stream")))
            job->stream = str_eq(feed->options->changes[i].value, STR("true"));
    job->stream = job->stream && job->api != OPENAI_EMBEDDINGS;
    job->cancel = cancel_draw(options->cancel, options->seed, place);
    int64_t turn = place_of(rec->root, place, &job->has_target);
    if (job->has_target)
        job->target = (size_t)(turn % (int64_t)options->targets->count);
    if (options->models->count > 0)
        model = &options->models->models[models_pick(options->models, options->seed, turn)];
    jsonl_member(rec, "request", &request);
    // The value as it stands in our copy of the line.
    request.value.ptr = job->line.ptr + (request.value.ptr - rec->line.ptr);
    reply_init(&job->reply, job->api);
    if (job->id.failed)
        return err_nomem(err);
    return make_body(feed, job, request.value, model, err);
}

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

/* Queues it once there is room. False: stopped meanwhile. */
static bool put(struct feed *feed, struct job *job)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopped && feed->queued > 0 && (feed->queued >= QUEUE_JOBS || feed->queued_bytes >= QUEUE_BYTES))
        pthread_cond_wait(&feed->room, &feed->lock);
    bool stopped = feed->stopped;
    if (!stopped) {
        int place = (int)(feed->made++ % feed->lane_count);
        struct lane *lane = &feed->lanes[place];
        job->read_ns = clock_ns();
        *lane->last = job;
        lane->last = &job->next;
        feed->queued++;
        feed->queued_bytes += weight(job);
        if (feed->made == 1)
            pthread_cond_broadcast(&feed->first);
        wake_one(feed, place);
    }
    pthread_mutex_unlock(&feed->lock);
    return !stopped;
}

/* When the job is due, if the load has a schedule. */
static void schedule(struct feed *feed, struct job *job)
{
    if (feed->options->mode == LOAD_OPEN)
        job->timing.due_ns = arrivals_next_ns(&feed->arrivals);
    if (feed->options->mode == LOAD_AT && kept_count(feed->kept) > 0) { // a resumed run: the first left is due at once
        if (feed->made == 0)
            feed->base_ns = job->timing.due_ns;
        job->timing.due_ns = job->timing.due_ns > feed->base_ns ? job->timing.due_ns - feed->base_ns : 0;
    }
    job->timing.warmup = feed->made < feed->options->warmup;
}

static void count_read(struct feed *feed, const struct jsonl_record *rec)
{
    pthread_mutex_lock(&feed->lock);
    feed->counts.read++;
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

/* Queues a request. It, and the next two: 1: go on, 0: stopped, -1: cannot go on. The job is theirs. */
static int send_on(struct feed *feed, struct job *job, struct err *err)
{
    int rc = address(feed, job, err);
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

/* One record; returns as send_on. */
static int take_record(struct feed *feed, struct jsonl_record *rec, const char *where, struct err *err)
{
    struct err why;
    struct own_place place;
    bool sendable = own_claim(rec, own_names, feed->options->own_flags, &place, &why) == 0;
    feed->place++;
    count_read(feed, rec);
    if (sendable) {
        own_cut(rec, &place);
        int taken = kept_take(feed->kept, (struct str){rec->line.ptr, rec->cut}, err);
        if (taken != 0) {
            if (taken > 0)
                count(feed, &feed->counts.kept);
            return taken;
        }
    }
    struct job *job = copy_record(rec, err);
    if (!job)
        return -1;
    if (sendable && make_request(feed, job, rec, &why) < 0) {
        if (why.kind == ERR_NOMEM) {
            job_free(job);
            *err = why;
            return -1;
        }
        sendable = false;
    }
    if (!sendable) {
        report(feed, where, why.msg);
        job->kind = JOB_PASS;
        feed->pass_on(feed->user, job);
        return 1;
    }
    return take_job(feed, job, err);
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

static void release(struct feed *feed)
{
    for (int i = 0; feed->lanes && i < feed->lane_count; i++)
        for (struct job *job = feed->lanes[i].first, *next; job; job = next) {
            next = job->next;
            job_free(job);
        }
    for (int i = 0; feed->wakers && i < feed->worker_count; i++)
        if (feed->wakers[i].fd > 0)
            close(feed->wakers[i].fd);
    free(feed->wakers);
    for (size_t i = 0; feed->heads && i < feed->options->targets->count * OPENAI_API_COUNT; i++)
        buf_release(&feed->heads[i]);
    free(feed->heads);
    free(feed->changes);
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
    feed->heads = calloc(options->targets->count * OPENAI_API_COUNT, sizeof *feed->heads);
    feed->changes = calloc(options->change_count + 1, sizeof *feed->changes);
    bool ok = feed->doc && feed->lanes && feed->wakers && feed->heads && feed->changes;
    if (ok && options->change_count > 0)
        memcpy(feed->changes, options->changes, options->change_count * sizeof *feed->changes);
    for (int i = 0; ok && i < feed->lane_count; i++)
        feed->lanes[i].last = &feed->lanes[i].first;
    for (int i = 0; ok && i < feed->worker_count; i++)
        ok = (feed->wakers[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0;
    feed->user_names_requests = header_has(buf_str(&options->targets->each[0].headers), "X-Request-Id");
    for (size_t i = 0; ok && i < options->targets->count * OPENAI_API_COUNT; i++) {
        make_head(feed, i / OPENAI_API_COUNT, (enum openai_api)(i % OPENAI_API_COUNT));
        ok = !feed->heads[i].failed;
    }
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

bool feed_is_over(struct feed *feed, int worker, int64_t now_ns)
{
    pthread_mutex_lock(&feed->lock);
    bool over = is_stopped(feed, now_ns) || (feed->counts.ended && !feed->lanes[worker % feed->lane_count].first);
    pthread_mutex_unlock(&feed->lock);
    return over;
}

enum feed_got feed_take(struct feed *feed, int worker, int64_t now_ns, struct job **job, int64_t *due_ns)
{
    struct lane *lane = &feed->lanes[worker % feed->lane_count];
    enum feed_got got = FEED_JOB;
    pthread_mutex_lock(&feed->lock);
    struct job *first = lane->first;
    if (is_stopped(feed, now_ns))
        got = FEED_END;
    else if (!first) {
        got = feed->counts.ended ? FEED_END : FEED_EMPTY;
        feed->wakers[worker].hungry = true;
    } else if (feed->options->mode != LOAD_CLOSED && first->timing.due_ns > now_ns) {
        got = FEED_LATER;
        *due_ns = first->timing.due_ns;
    } else {
        lane->first = first->next;
        if (!lane->first)
            lane->last = &lane->first;
        first->next = NULL;
        feed->queued--;
        feed->queued_bytes -= weight(first);
        *job = first;
        if (feed->queued <= QUEUE_JOBS / 2 && feed->queued_bytes <= QUEUE_BYTES / 2)
            pthread_cond_signal(&feed->room);
    }
    pthread_mutex_unlock(&feed->lock);
    return got;
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
