/* load/run.c: see run.h */
#include "load/run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "load/worker.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 250, WINDOW = 4, GONE_AFTER = 10, FILES = 24, FILES_A_THREAD = 8 };
static const int64_t gone_after_ns = 10 * NS_PER_S;

struct run {
    struct load_options options;
    const struct run_hooks *hooks;
    struct run_result *result;
    struct worker_run shared;
    struct worker **workers;
    struct kept *kept;
    struct packets *packets; // with --clock packet
    struct buf load, part_path;
    char output_path[PATH_MAX]; // where a link leads
    char start[CLOCK_UTC_SIZE];
    int out_fd, signal_fd;
    int64_t (*cpu_ns)[WINDOW + 1]; // of each worker, at the last ticks
    int64_t tick_ns[WINDOW + 1];
    int64_t ticks;
    uint64_t ended; // workers
    bool told_limit;
    sigset_t old_mask;
};

/* --- before the start --- */

/* Every connection is a file. The limit is raised as far as it may be; *cap is how many connections it has room for. */
static int raise_file_limit(const struct load_options *options, int64_t *cap, struct err *err)
{
    int64_t targets = (int64_t)options->targets->count; // each may have as many connections, idle ones among them
    uint64_t ours = (uint64_t)(FILES + FILES_A_THREAD * options->threads * targets);
    uint64_t need = (uint64_t)(options->concurrency * targets) + ours;
    uint64_t limit = file_raise_limit(need);
    *cap = INT64_MAX;
    if (options->concurrency == 0 && limit < INT64_MAX)
        *cap = limit > ours + (uint64_t)options->threads ? (int64_t)(limit - ours) / targets : options->threads;
    if (limit >= need)
        return 0;
    return err_set(err, ERR_RANGE, "%lld connections need %llu open files, and the limit is %llu (ulimit -Hn)",
                   (long long)(options->concurrency * targets), (unsigned long long)need, (unsigned long long)limit);
}

/* What is renamed in the end must not take the place of a device, nor of a link. */
static int settle_output(struct run *run, struct err *err)
{
    const char *output = run->options.output;
    if (output && file_place(output, run->output_path, err) < 0)
        return -1;
    if (run->output_path[0])
        run->options.output = output = run->output_path;
    else if (output && access(output, F_OK) == 0)
        return err_set(err, ERR_EXISTS, "%s: is a device or a pipe, no file", output);
    buf_addf(&run->part_path, "%s.part", output ? output : "");
    return run->part_path.failed ? err_nomem(err) : 0;
}

static int open_output(struct run *run, struct err *err)
{
    run->out_fd = STDOUT_FILENO;
    struct str load = buf_str(&run->load);
    if (settle_output(run, err) < 0)
        return -1;
    run->kept = kept_open(run->options.output ? run->part_path.ptr : NULL, load, err);
    if (!run->kept)
        return -1;
    if (!run->options.output)
        return 0;
    if (kept_count(run->kept) + kept_dropped(run->kept) > 0 && run->hooks->resuming)
        run->hooks->resuming(kept_count(run->kept), kept_dropped(run->kept));
    run->out_fd = open(run->part_path.ptr, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return run->out_fd < 0 ? err_errno(err, "%s", run->part_path.ptr) : 0;
}

static void take_job(void *user, struct job *job)
{
    sink_put(user, job);
}

static int block_signals(struct run *run, struct err *err)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT); // also where it is ignored, as in a shell's background job: to stop in order is no harm
    sigaddset(&ours, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ours, &run->old_mask);
    run->signal_fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    return run->signal_fd < 0 ? err_errno(err, "signalfd") : 0;
}

static int set_up(struct run *run, struct err *err)
{
    const struct load_options *options = &run->options;
    run->shared.options = options;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_NET, "libcurl cannot start");
    if (options->ca_file && access(options->ca_file, R_OK) < 0)
        return err_errno(err, "%s", options->ca_file);
    run->shared.feed = feed_new(&run->options, err);
    if (!run->shared.feed)
        return -1;
    if (load_describe(options, &run->load, err) < 0)
        return -1;
    if (raise_file_limit(options, &run->shared.file_cap, err) < 0 || open_output(run, err) < 0 || block_signals(run, err) < 0)
        return -1;
    run->shared.done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (run->shared.done_fd < 0)
        return err_errno(err, "eventfd");
    run->shared.sink = sink_new(run->out_fd, options->output ? SINK_HOLDS : SINK_WRITES_ALL, err);
    if (!run->shared.sink)
        return -1;
    if (options->clock == LOAD_CLOCK_PACKET) {
        run->packets = packets_watch(options->targets, err);
        if (!run->packets)
            return err_prefix(err, "--clock packet: ");
        sink_ask(run->shared.sink, run->packets);
    }
    run->workers = calloc((size_t)options->threads, sizeof(struct worker *));
    run->cpu_ns = calloc((size_t)options->threads, sizeof *run->cpu_ns);
    if (!run->workers || !run->cpu_ns)
        return err_nomem(err);
    for (int i = 0; i < (int)options->threads; i++)
        if (!(run->workers[i] = worker_new(&run->shared, i, err)))
            return -1;
    return 0;
}

static void stop_sending(struct run *run)
{
    atomic_store(&run->shared.stopping, true);
    feed_stop(run->shared.feed);
}

static void take_signal(struct run *run)
{
    struct signalfd_siginfo info;
    if (read(run->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (run->result->signal != 0) { // the second
        signal((int)info.ssi_signo, SIG_DFL);
        pthread_sigmask(SIG_SETMASK, &run->old_mask, NULL);
        raise((int)info.ssi_signo);
    }
    run->result->signal = (int)info.ssi_signo;
    if (run->hooks->stopping)
        run->hooks->stopping(atomic_load(&run->shared.in_flight));
    stop_sending(run);
}

/* Waits for the hosts' common start, or a signal. */
static int wait_for_start(struct run *run, struct err *err)
{
    const int64_t at_ns = run->options.start_utc_ns;
    int64_t left_ns = at_ns - clock_utc_ns();
    if (left_ns < 0)
        return err_set(err, ERR_TIMEOUT, "the time to start was %.3f s ago, before all was ready: give one that every host reaches",
                       (double)-left_ns / 1e9);
    if (run->hooks->waiting)
        run->hooks->waiting(left_ns);
    for (; left_ns > 0 && run->result->signal == 0; left_ns = at_ns - clock_utc_ns()) {
        struct pollfd fd = {.fd = run->signal_fd, .events = POLLIN};
        struct timespec wait = {left_ns >= NS_PER_S, left_ns >= NS_PER_S ? 0 : left_ns}; // UTC may be set meanwhile
        if (ppoll(&fd, 1, &wait, NULL) > 0)
            take_signal(run);
    }
    return 0;
}

/* The start is the moment at which everything stands ready, the first request too; or the one that was asked for. */
static int start(struct run *run, struct err *err)
{
    if (feed_start(run->shared.feed, run->kept, take_job, run->shared.sink, err) < 0)
        return -1;
    feed_wait_first(run->shared.feed);
    if (run->options.start_utc_ns > 0 && wait_for_start(run, err) < 0)
        return -1;
    int64_t utc_ns = clock_utc_ns();
    run->shared.start_ns = clock_ns();
    if (run->options.start_utc_ns > 0) { // the instant itself, not when we woke
        run->shared.start_ns -= utc_ns - run->options.start_utc_ns;
        utc_ns = run->options.start_utc_ns;
    }
    clock_format_utc(run->start, utc_ns, 9);
    feed_begin(run->shared.feed, run->shared.start_ns);
    if (sink_start(run->shared.sink, run->shared.start_ns, str_of(run->start), buf_str(&run->load), err) < 0)
        return -1;
    for (int64_t i = 0; i < run->options.threads; i++)
        if (worker_start(run->workers[i], err) < 0)
            return -1;
    return 0;
}

/* --- meanwhile --- */

static void abort_all(struct run *run, const char *why)
{
    if (!atomic_load(&run->shared.aborting))
        run->shared.why_aborted = why;
    atomic_store(&run->shared.aborting, true);
    stop_sending(run);
}

/* The busiest thread's share of a core in the last second, or since the start where that is less. */
static void sample_cpu(struct run *run, int64_t now_ns)
{
    size_t at = (size_t)(run->ticks % (WINDOW + 1)), oldest = run->ticks > WINDOW ? (at + 1) % (WINDOW + 1) : 0;
    double most = 0;
    run->tick_ns[at] = now_ns;
    for (int64_t i = 0; i < run->options.threads; i++) {
        run->cpu_ns[i][at] = worker_cpu_ns(run->workers[i]);
        double span_ns = (double)(now_ns - run->tick_ns[oldest]);
        double share = span_ns > 0 ? (double)(run->cpu_ns[i][at] - run->cpu_ns[i][oldest]) / span_ns : 0;
        most = share > most ? share : most;
    }
    if (run->ticks > 0) {
        atomic_store(&run->shared.cpu_per_mille, (int)(most * 1000 + 0.5));
        if (most > run->result->cpu)
            run->result->cpu = most;
    }
    run->ticks++;
}

/* Of the input: known at its end, and before that by -n and by how many bytes of the files are read; 0: unknown. */
static uint64_t total_of(const struct run_state *state, int64_t count)
{
    const struct feed_counts *input = &state->input;
    uint64_t read = input->read, left_out = input->kept + state->done.passed;
    if (!input->ended && input->bytes > 0)
        read = (uint64_t)((double)input->read / (double)input->bytes * (double)input->bytes_total + 0.5);
    if (!input->ended && count > 0 && (read == 0 || read > (uint64_t)count))
        read = (uint64_t)count;
    return read > left_out ? read - left_out : 0;
}

static struct run_state state_of(struct run *run, int64_t now_ns)
{
    const struct load_options *options = &run->options;
    struct run_state state = {.done = sink_counts(run->shared.sink), .input = feed_counts(run->shared.feed),
                              .in_flight = atomic_load(&run->shared.in_flight), .now_ns = now_ns, .start_ns = run->shared.start_ns,
                              .ends_ns = options->duration_ns > 0 ? run->shared.start_ns + options->duration_ns : 0};
    int64_t shards = options->shard.count > 0 ? options->shard.count : 1;
    state.total = total_of(&state, (options->count + shards - 1) / shards);
    return state;
}

static void tick(struct run *run, int64_t now_ns)
{
    struct run_state state = state_of(run, now_ns);
    struct err err;
    sample_cpu(run, now_ns);
    if (run->hooks->progress)
        run->hooks->progress(&state);
    if (state.ends_ns > 0 && now_ns >= state.ends_ns)
        feed_stop(run->shared.feed);
    if (state.done.unreached >= GONE_AFTER && now_ns - state.done.last_reached_ns >= gone_after_ns && !run->result->server_gone) {
        run->result->server_gone = true;
        abort_all(run, "given up: the server is gone");
    }
    if (sink_broken(run->shared.sink, &err)) // nobody takes the records: nothing is gained by more
        abort_all(run, "given up: no records can be written");
    if (atomic_load(&run->shared.at_file_cap) && !run->told_limit && run->hooks->limited) {
        run->told_limit = true;
        run->hooks->limited(run->shared.file_cap);
    }
}

/* Until all workers have ended. */
static void wait_for_end(struct run *run)
{
    int64_t next_ns = clock_ns();
    while (run->ended < (uint64_t)run->options.threads) {
        int64_t now_ns = clock_ns();
        if (now_ns >= next_ns) {
            tick(run, now_ns);
            next_ns = now_ns + TICK_MS * NS_PER_MS;
        }
        int64_t wait_ns = next_ns - now_ns, ends_ns = run->shared.start_ns + run->options.duration_ns;
        if (run->options.duration_ns > 0 && ends_ns > now_ns && ends_ns - now_ns < wait_ns) {
            wait_ns = ends_ns - now_ns;
            next_ns = ends_ns;
        }
        struct pollfd fds[] = {{.fd = run->signal_fd, .events = POLLIN}, {.fd = run->shared.done_fd, .events = POLLIN}};
        eventfd_t ended;
        poll(fds, COUNT(fds), (int)(wait_ns / NS_PER_MS) + 1);
        if (fds[0].revents & POLLIN)
            take_signal(run);
        if (fds[1].revents & POLLIN && eventfd_read(run->shared.done_fd, &ended) == 0)
            run->ended += ended;
    }
}

/* --- the end --- */

/* Renames the .part file, unless something is still to be sent or was lost. */
static int finish_output(struct run *run, struct err *err)
{
    const struct run_result *result = run->result;
    if (run->options.output == NULL || result->signal != 0 || result->server_gone)
        return 0;
    if (kept_finish(run->kept, err) < 0)
        return -1;
    if (fsync(run->out_fd) < 0 && errno != EINVAL && errno != EROFS)
        return err_errno(err, "%s", run->part_path.ptr);
    if (rename(run->part_path.ptr, run->options.output) < 0)
        return err_errno(err, "%s", run->options.output);
    return 0;
}

static int finish(struct run *run, struct err *err)
{
    struct run_result *result = run->result;
    struct err later;
    int rc = 0;
    for (int64_t i = 0; i < run->options.threads; i++)
        if (worker_join(run->workers[i], err) < 0)
            rc = -1;
    sink_join(run->shared.sink);
    struct sink_counts counts = sink_counts(run->shared.sink);
    sink_first_failure(run->shared.sink, result->failure);
    if (counts.unreached > 0 && !counts.any_reached)
        result->server_gone = true;
    bool gone = result->server_gone || (result->signal != 0 && counts.unreached > 0);
    if (sink_finish(run->shared.sink, gone ? SINK_SHOW : SINK_KEEP, rc < 0 ? &later : err) < 0)
        rc = err_prefix(rc < 0 ? &later : err, "%s: ", run->options.output ? run->part_path.ptr : "standard output");
    result->state = state_of(run, clock_ns());
    if (feed_close(run->shared.feed, rc < 0 ? &later : err) < 0)
        rc = -1;
    run->shared.feed = NULL;
    return rc < 0 ? -1 : finish_output(run, err);
}

static void release(struct run *run)
{
    for (int64_t i = 0; run->workers && i < run->options.threads; i++)
        worker_free(run->workers[i]);
    free(run->workers);
    free(run->cpu_ns);
    sink_free(run->shared.sink);
    packets_stop(run->packets);
    if (run->shared.done_fd > 0)
        close(run->shared.done_fd);
    if (run->signal_fd > 0)
        close(run->signal_fd);
    if (run->out_fd > STDOUT_FILENO)
        close(run->out_fd);
    pthread_sigmask(SIG_SETMASK, &run->old_mask, NULL);
    kept_close(run->kept);
    buf_release(&run->load);
    buf_release(&run->part_path);
}

int run_load(const struct load_options *options, const struct run_hooks *hooks, struct run_result *result, struct err *err)
{
    struct run run = {.options = *options, .hooks = hooks, .result = result, .shared = {.cpu_per_mille = -1}};
    struct err ignored;
    *result = (struct run_result){0};
    pthread_sigmask(SIG_SETMASK, NULL, &run.old_mask);
    int rc = set_up(&run, err);
    if (rc == 0)
        rc = start(&run, err);
    if (rc == 0) {
        wait_for_end(&run);
        rc = finish(&run, err);
    } else if (run.shared.feed) {
        feed_stop(run.shared.feed);
        feed_close(run.shared.feed, &ignored);
    }
    release(&run);
    return rc;
}
