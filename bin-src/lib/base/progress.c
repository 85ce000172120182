/* base/progress.c: see progress.h */
#include "base/progress.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static atomic_bool line_shown; // the terminal has one last line, whoever writes to it

static void format_seconds(char *out, size_t size, double seconds)
{
    long whole = (long)(seconds + 0.5);
    if (whole < 100)
        snprintf(out, size, "%lds", whole);
    else if (whole < 6000)
        snprintf(out, size, "%ldm%02lds", whole / 60, whole % 60);
    else
        snprintf(out, size, "%ldh%02ldm", whole / 3600, whole / 60 % 60);
}

/* Seconds to go, or below 0 where nobody can tell. */
static double to_go(const struct progress_state *state, double done_per_s, int64_t now_ns)
{
    double left = -1;
    if (state->total > 0 && done_per_s > 0)
        left = (double)(state->total - (state->done < state->total ? state->done : state->total)) / done_per_s;
    double until = state->ends_ns > 0 ? (double)(state->ends_ns - now_ns) / 1e9 : -1;
    if (until >= 0 && (left < 0 || until < left))
        left = until;
    return left;
}

static void show_line(const struct progress_state *state, double per_s, double left)
{
    struct buf line = {0};
    char eta[32];
    buf_addf(&line, "\r\033[K%llu", (unsigned long long)state->done);
    if (state->total > 0)
        buf_addf(&line, " of %llu", (unsigned long long)state->total);
    buf_addf(&line, " done, %llu failed", (unsigned long long)state->failed);
    if (state->in_flight >= 0)
        buf_addf(&line, ", %lld in flight", (long long)state->in_flight);
    buf_addf(&line, ", %.1f requests/s", per_s);
    if (state->tokens_per_s >= 0)
        buf_addf(&line, ", %.0f tokens/s", state->tokens_per_s);
    if (state->ttft_ms >= 0)
        buf_addf(&line, ", TTFT %.1f ms", state->ttft_ms);
    if (left >= 0) {
        format_seconds(eta, sizeof eta, left);
        buf_addf(&line, ", %s to go", eta);
    }
    size_t lead = sizeof "\r\033[K" - 1, width = line.len - lead;
    struct winsize window;
    if (ioctl(2, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && width >= window.ws_col) // a line that wraps stays behind
        width = window.ws_col - 1u;
    if (!line.failed && write(2, line.ptr, lead + width) > 0)
        atomic_store(&line_shown, true);
    buf_release(&line);
}

static void log_line(const struct progress_state *state, double per_s, double left)
{
    struct log_field fields[9];
    size_t n = 0;
    fields[n++] = log_kv("done", (double)state->done);
    if (state->total > 0)
        fields[n++] = log_kv("total", (double)state->total);
    fields[n++] = log_kv("failed", (double)state->failed);
    if (state->in_flight >= 0)
        fields[n++] = log_kv("in_flight", (double)state->in_flight);
    fields[n++] = log_kv("requests_per_s", per_s);
    if (state->tokens_per_s >= 0)
        fields[n++] = log_kv("tokens_per_s", state->tokens_per_s);
    if (state->ttft_ms >= 0)
        fields[n++] = log_kv("ttft_ms", state->ttft_ms);
    if (left >= 0)
        fields[n++] = log_kv("to_go_s", left);
    fields[n] = (struct log_field){0};
    log_write(LOG_INFO, "progress", fields);
}

void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ns)
{
    bool terminal = isatty(2);
    int64_t every_ns = terminal ? NS_PER_S / 4 : 30 * NS_PER_S;
    if (progress->start_ns == 0) {
        *progress = (struct progress){.start_ns = now_ns, .shown_ns = now_ns, .start_done = state->done};
        return;
    }
    if (now_ns - progress->shown_ns < every_ns)
        return;
    progress->shown_ns = now_ns;
    double per_s = (double)(state->done - progress->start_done) / ((double)(now_ns - progress->start_ns) / 1e9);
    double left = to_go(state, per_s, now_ns);
    if (terminal)
        show_line(state, per_s, left);
    else
        log_line(state, per_s, left);
}

void progress_erase(void)
{
    if (atomic_exchange(&line_shown, false)) {
        ssize_t ignored = write(2, "\r\033[K", 4);
        (void)ignored;
    }
}
