/* load/sink.c: see sink.h */
#include "load/sink.h"

#include "base/clock.h"
#include "base/out.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct sink {
    int fd;
    enum sink_holding holding;
    int64_t start_ns;
    struct str start, load;
    struct packets *packets; // NULL: arrivals are as the job has them
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **last;
    bool ending, waiting;
    struct sink_counts counts;
    bool broken;
    struct err err;

    // Of the thread alone:
    struct job *held, **held_last; // failures that may turn out to be the server's end
    struct buf line, scratch;
    double ttft_sum_ms;
    uint64_t ttft_count;
    char failure[SINK_FAILURE_MAX]; // the first
};

struct sink *sink_new(int fd, enum sink_holding holding, struct err *err)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (!sink) {
        err_nomem(err);
        return NULL;
    }
    *sink = (struct sink){.fd = fd, .holding = holding, .counts.ttft_ms = -1};
    sink->last = &sink->first;
    sink->held_last = &sink->held;
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->more, NULL);
    return sink;
}

/* --- one record --- */

static int format(struct sink *sink, struct job *job, struct err *err)
{
    struct response response;
    buf_clear(&sink->line);
    if (job->kind == JOB_PASS) {
        buf_add_str(&sink->line, job->record.line);
        buf_add_char(&sink->line, '\n');
        return sink->line.failed ? err_nomem(err) : 0;
    }
    reply_response(&job->reply, &response, &sink->scratch);
    response.status = job->status;
    response.asked_model = job->asked_model;
    response.url = job->url;
    if (job->batch_id.len > 0) {
        response.batch.id = buf_str(&job->batch_id);
        response.batch.index = job->batch_index;
        response.batch.size = job->batch_size;
    }
    response.cancelled = job->cancelled && response.failure == FAILURE_NONE;
    job->timing.start = sink->start;
    job->timing.start_ns = sink->start_ns;
    job->timing.load = sink->load;
    if (job->stream && job->timing.headers_ns != TIMING_NEVER) {
        job->timing.chunks_ns = job->chunks.ptr ? (const int64_t *)(const void *)job->chunks.ptr : (const int64_t[]){0};
        job->timing.chunk_count = job->chunks.len / sizeof(int64_t);
    }
    job->timing.attempts = (const struct timing_attempt *)(const void *)job->attempts.ptr;
    job->timing.attempt_count = job->attempts.len / sizeof(struct timing_attempt);
    response_write(&response, jsonl_append(&job->record, "response"));
    timing_write(&job->timing, jsonl_append(&job->record, "timing"));
    if (sink->scratch.failed)
        return err_nomem(err);
    return jsonl_format(&job->record, &sink->line, err);
}

static void set_broken(struct sink *sink, const struct err *err)
{
    pthread_mutex_lock(&sink->lock);
    if (!sink->broken)
        sink->err = *err;
    sink->broken = true;
    pthread_mutex_unlock(&sink->lock);
}

static void write_to(struct sink *sink, int fd, struct job *job)
{
    struct err err;
    if (format(sink, job, &err) < 0 || out_all(fd, sink->line.ptr, sink->line.len, &err) < 0)
        set_broken(sink, &err);
    job_free(job);
}

/* Writes the failures that were held back and had ended by then. */
static void release_held(struct sink *sink, int fd, int64_t until_ns)
{
    while (sink->held && sink->held->timing.end_ns <= until_ns) {
        struct job *job = sink->held;
        sink->held = job->next;
        write_to(sink, fd, job);
    }
    if (!sink->held)
        sink->held_last = &sink->held;
}

/* --- counting --- */

static void count(struct sink *sink, const struct job *job, bool unseen)
{
    int64_t now_ns = clock_ns();
    pthread_mutex_lock(&sink->lock);
    struct sink_counts *counts = &sink->counts;
    if (job->kind == JOB_PASS) {
        counts->passed++;
        pthread_mutex_unlock(&sink->lock);
        return;
    }
    counts->written++;
    counts->unseen += unseen;
    counts->failed += job->reply.failure != FAILURE_NONE;
    if (!job->timing.warmup) {
        counts->chunks += job->chunks.len / sizeof(int64_t);
        counts->late += job->timing.late > 0 ? (uint64_t)job->timing.late : 0;
    }
    if (job->reply.completion_tokens > 0)
        counts->tokens += job->reply.completion_tokens;
    if (job->timing.first_ns != TIMING_NEVER) {
        sink->ttft_sum_ms += (double)(job->timing.first_ns - job->timing.sent_ns) / 1e6;
        counts->ttft_ms = sink->ttft_sum_ms / (double)++sink->ttft_count;
    }
    if (job->reached) {
        counts->any_reached = true;
        counts->unreached = 0;
        counts->last_reached_ns = now_ns;
    } else if (!job->unsent && job->batch_index == 0) // requests are counted
        counts->unreached++;
    pthread_mutex_unlock(&sink->lock);
}

/* May this failure be a sign that the server is gone? */
static bool is_doubtful(const struct job *job)
{
    return job->kind == JOB_REQUEST && (!job->reached || job->reply.failure == FAILURE_TRUNCATED || job->reply.failure == FAILURE_CONNECT);
}

static void take(struct sink *sink, struct job *job)
{
    job->next = NULL;
    bool timed = !sink->packets || job->kind == JOB_PASS || packets_time(sink->packets, job, sink->start_ns);
    count(sink, job, !timed && job->timing.headers_ns != TIMING_NEVER);
    if (job->kind == JOB_REQUEST && job->reply.failure != FAILURE_NONE && !sink->failure[0])
        snprintf(sink->failure, sizeof sink->failure, "%s: %.*s", failure_names[job->reply.failure], STR_ARG(buf_str(&job->reply.message)));
    // The server was there when this one was sent, or, if it answers, now: what failed before was not its end.
    if (job->reached)
        release_held(sink, sink->fd, is_doubtful(job) ? job->timing.sent_ns : INT64_MAX);
    if (sink->holding == SINK_HOLDS && is_doubtful(job)) {
        *sink->held_last = job;
        sink->held_last = &job->next;
        return;
    }
    write_to(sink, sink->fd, job);
}

static void *run(void *user)
{
    struct sink *sink = user;
    setpriority(PRIO_PROCESS, (id_t)gettid(), 5); // on a shared core, reading the sockets comes first
    pthread_mutex_lock(&sink->lock);
    for (;;) {
        struct job *job = sink->first;
        sink->first = NULL;
        sink->last = &sink->first;
        if (!job && sink->ending)
            break;
        if (!job) {
            sink->waiting = true;
            pthread_cond_wait(&sink->more, &sink->lock);
            sink->waiting = false;
            continue;
        }
        pthread_mutex_unlock(&sink->lock);
        while (job) {
            struct job *next = job->next;
            take(sink, job);
            job = next;
        }
        pthread_mutex_lock(&sink->lock);
    }
    pthread_mutex_unlock(&sink->lock);
    return NULL;
}

/* --- for the others --- */

int sink_start(struct sink *sink, int64_t start_ns, struct str start, struct str load, struct err *err)
{
    sink->start_ns = sink->counts.last_reached_ns = start_ns;
    sink->start = start;
    sink->load = load;
    if (pthread_create(&sink->thread, NULL, run, sink) != 0)
        return err_set(err, ERR_NOMEM, "cannot start a thread");
    sink->started = true;
    return 0;
}

void sink_ask(struct sink *sink, struct packets *packets)
{
    sink->packets = packets;
}

void sink_put(struct sink *sink, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&sink->lock);
    bool ending = sink->ending;
    if (!ending) {
        *sink->last = job;
        sink->last = &job->next;
        if (sink->waiting)
            pthread_cond_signal(&sink->more);
    }
    pthread_mutex_unlock(&sink->lock);
    if (ending) // a straggler of the input
        job_free(job);
}

struct sink_counts sink_counts(struct sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    struct sink_counts counts = sink->counts;
    pthread_mutex_unlock(&sink->lock);
    return counts;
}

bool sink_broken(struct sink *sink, struct err *err)
{
    pthread_mutex_lock(&sink->lock);
    bool broken = sink->broken;
    if (broken)
        *err = sink->err;
    pthread_mutex_unlock(&sink->lock);
    return broken;
}

void sink_first_failure(const struct sink *sink, char text[SINK_FAILURE_MAX])
{
    memcpy(text, sink->failure, SINK_FAILURE_MAX);
}

void sink_join(struct sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    sink->ending = true;
    pthread_cond_signal(&sink->more);
    pthread_mutex_unlock(&sink->lock);
    if (sink->started)
        pthread_join(sink->thread, NULL);
    sink->started = false;
}

int sink_finish(struct sink *sink, enum sink_end end, struct err *err)
{
    release_held(sink, end == SINK_SHOW ? STDOUT_FILENO : sink->fd, INT64_MAX);
    return sink_broken(sink, err) ? -1 : 0;
}

void sink_free(struct sink *sink)
{
    if (!sink)
        return;
    for (struct job *job = sink->first, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    buf_release(&sink->line);
    buf_release(&sink->scratch);
    pthread_mutex_destroy(&sink->lock);
    pthread_cond_destroy(&sink->more);
    free(sink);
}
