/*
 * lm-watch: what a server and the GPUs did meanwhile
 *
 * Takes samples of the server's /metrics and of this machine's GPUs (meter/sampler.h), on a schedule that does not drift, a
 * JSON line each: for so long, so many, until told to end, or while a command runs.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "launch/command.h"
#include "meter/sampler.h"
#include "net/header.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST_INTERVAL_NS (24 * 3600 * NS_PER_S)

static struct {
    const char *url, *key_file, *cacert, *gpus, *nvml, *output;
    int64_t interval_ns, duration_ns, count, timeout_ns;
    struct opt_list headers;
    bool insecure, all, reset_cache;
} opt = {.interval_ns = NS_PER_S, .timeout_ns = 5 * NS_PER_S, .duration_ns = INT64_MAX, .count = INT64_MAX};

static const struct opt_spec specs[] = {
    {0, "interval", OPT_DURATION, &opt.interval_ns, .help = "a sample so often (1s)"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 9e15, .arg = "N", .help = "end after N samples"},
    {0, "duration", OPT_DURATION, &opt.duration_ns, .help = "end after so long"},
    {0, "all", OPT_FLAG, &opt.all, .help = "keep all series of /metrics, not only those that lm-stat reads"},
    {0, "reset-cache", OPT_FLAG, &opt.reset_cache, .help = "have the server forget its prefix cache first"},
    {0, "gpus", OPT_STR, &opt.gpus, .arg = "LIST",
     .help = "these GPUs of this machine, by index or UUID, such as 0,1; all; none (all, if there are any)"},
    {0, "nvml", OPT_STR, &opt.nvml, .arg = "FILE", .help = "the library that knows the GPUs (libnvidia-ml.so.1)"},
    {0, "url", OPT_STR, &opt.url, .arg = "URL", .help = "the server ($OPENAI_BASE_URL, else http://127.0.0.1:8000/v1)"},
    {0, "timeout", OPT_DURATION, &opt.timeout_ns, .help = "the server must answer after so long (5s)"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "a file that holds the API key ($OPENAI_API_KEY)"},
    {'H', "header", OPT_LIST, &opt.headers, .arg = "'NAME: VALUE'", .help = "add a header to each request; @FILE: one a line of FILE"},
    {0, "cacert", OPT_STR, &opt.cacert, .arg = "FILE", .help = "certificates to trust (the system's)"},
    {0, "insecure", OPT_FLAG, &opt.insecure, .help = "take any certificate"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "[-- COMMAND [ARG...]]", .in_order = true},
};

/* One use of the program. */
struct watch {
    struct command command;
    struct sampler *sampler;
    struct buf line;
    int64_t taken, failed, missed; // the last: ticks without a sample
    int64_t owed;                  // of these, since the last sample
    bool uncommanded;              // no command runs, nor did
    bool mute;                     // nothing can be written any more
};

/* A filter whose reader has left ends quietly; one whose command runs lets it finish. */
static void write_failed(struct watch *watch, const struct err *err)
{
    if (watch->uncommanded && errno == EPIPE) {
        signals_give_back(&watch->command.signals);
        raise(SIGPIPE);
    }
    if (watch->uncommanded)
        die(EXIT_CANNOT, err);
    watch->mute = true;
    warn("%s: no further samples", err->msg);
}

/* False: a signal came before the server had answered, and there is no sample. */
static bool take(struct watch *watch)
{
    struct err err = {0};
    if (watch->mute)
        return true;
    buf_clear(&watch->line);
    enum sample sample = sampler_take(watch->sampler, watch->owed, &watch->line, &err);
    if (sample == SAMPLE_NONE) {
        write_failed(watch, &err);
        return true;
    }
    if (sample == SAMPLE_STOPPED) {
        command_signals(&watch->command);
        return false;
    }
    if (sample == SAMPLE_FAILED && watch->failed++ == 0)
        warn("%s", err.msg);
    if (sample == SAMPLE_WHOLE && watch->taken == watch->failed && !sampler_knows(watch->sampler)) // the first such
        warn("none of the server's series is known: no \"server\" in the samples%s", opt.all ? "" : " (--all keeps the series)");
    watch->taken++;
    watch->owed = 0;
    if (out_write(watch->line.ptr, watch->line.len, &err) < 0 || out_flush(&err) < 0)
        write_failed(watch, &err);
    return true;
}

static bool goes_on(const struct watch *watch)
{
    return watch->uncommanded ? !watch->command.told && watch->taken < opt.count : watch->command.pid > 0;
}

/* False: the watch ended before. */
static bool wait_until(struct watch *watch, int64_t at_ns)
{
    struct pollfd polls = {.fd = watch->command.signals.fd, .events = POLLIN};
    int64_t left_ns;
    while (goes_on(watch) && (left_ns = at_ns - clock_ns()) > 0) {
        ppoll(&polls, 1, &(struct timespec){left_ns / NS_PER_S, left_ns % NS_PER_S}, NULL);
        command_signals(&watch->command);
    }
    return goes_on(watch);
}

/* Samples at whole intervals after the start, but those for which it comes too late. Whatever ends it but a limit, there is
 * one more sample after. */
static void attend(struct watch *watch)
{
    int64_t start_ns = sampler_start_ns(watch->sampler), tick = 0;
    bool taken = true;
    for (;;) {
        int64_t next = (clock_ns() - start_ns) / opt.interval_ns + 1, left_out = next - tick - (taken ? 1 : 0);
        watch->owed += left_out;
        watch->missed += left_out;
        tick = next;
        bool over = tick * opt.interval_ns > opt.duration_ns;
        if (!wait_until(watch, start_ns + (over ? opt.duration_ns : tick * opt.interval_ns)))
            break;
        if (over)
            return;
        taken = take(watch);
    }
    if (!watch->uncommanded || watch->command.told)
        take(watch);
}

static struct sampler *open_sampler(int stop_fd, struct err *err)
{
    static char *key; // lives as long as the sampler
    struct buf headers = {0};
    const char *url = getenv("OPENAI_BASE_URL"), *env_key = getenv("OPENAI_API_KEY");
    if (opt.key_file && file_read_line(opt.key_file, &key, err) < 0)
        die(EXIT_CANNOT, err);
    if (header_add_all(&headers, &opt.headers, err) < 0)
        err->kind == ERR_PARSE ? opt_reject("-H", err) : die(EXIT_CANNOT, err);
    struct sampler_options options = {
        .server = {.url = opt.url ? opt.url : url && *url ? url : "http://127.0.0.1:8000/v1",
                   .key = key ? key : env_key && *env_key ? env_key : NULL,
                   .headers = buf_str(&headers),
                   .cacert = opt.cacert,
                   .insecure = opt.insecure},
        .timeout_ns = opt.timeout_ns,
        .stop_fd = stop_fd,
        .series = opt.all ? SAMPLER_ALL : SAMPLER_KNOWN,
        .gpus = opt.gpus,
        .nvml = opt.nvml,
    };
    struct sampler *sampler = sampler_open(&options, err);
    if (opt.url && strpbrk(opt.url, "@?")) // it may hold a key, which all users could read in ps
        opt_conceal(opt.url);
    if (!sampler && err->kind == ERR_RANGE)
        opt_reject("--gpus", err);
    buf_release(&headers);
    return sampler;
}

/* The status that the samples deserve. */
static int judge(const struct watch *watch, bool reset_failed)
{
    log_info("watched", log_kv("samples", watch->taken), log_kv("failed", watch->failed), log_kv("missed", watch->missed));
    if (watch->mute)
        return EXIT_CANNOT;
    if (watch->failed == watch->taken) {
        warn("no sample is whole");
        return EXIT_CANNOT;
    }
    return watch->failed > 0 || reset_failed ? EXIT_SOME_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    char **command = opt_parse(argc, argv, specs, "what a server and the GPUs did meanwhile");
    struct watch watch = {.uncommanded = !command[0]};
    if (opt.interval_ns < NS_PER_MS || opt.interval_ns > MOST_INTERVAL_NS)
        opt_fail("--interval: from 1ms to 24h");
    if (!watch.uncommanded && !opt.output)
        opt_fail("a command wants -o FILE: its own output and the samples would mix");
    if (!watch.uncommanded && (opt.count < INT64_MAX || opt.duration_ns < INT64_MAX))
        opt_fail("-n and --duration: the end of the command is the end");

    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1); // for the command: -o takes the place of ours
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    signal(SIGCHLD, SIG_DFL); // where it is ignored, nobody learns how a child ended
    if (signals_take(&watch.command.signals, &err) < 0)
        die(EXIT_CANNOT, &err);
    watch.sampler = open_sampler(watch.command.signals.fd, &err);
    if (!watch.sampler)
        die(EXIT_CANNOT, &err);
    bool reset_failed = opt.reset_cache && sampler_reset_cache(watch.sampler, &err) < 0;
    if (reset_failed)
        warn("--reset-cache: %s", err.msg);
    take(&watch);
    command_signals(&watch.command);
    watch.uncommanded = watch.uncommanded || watch.command.told;
    if (!watch.uncommanded && command_start(&watch.command, command, out, &err) < 0)
        die(EXIT_CANNOT, &err);
    attend(&watch);

    int status = judge(&watch, reset_failed);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    sampler_close(watch.sampler);
    buf_release(&watch.line);
    if (watch.command.told && (watch.uncommanded || command_ended_as_told(&watch.command)))
        command_end_by(&watch.command, watch.command.told);
    int own = watch.uncommanded ? status : command_exit(&watch.command);
    return own == EXIT_DONE && watch.mute ? EXIT_CANNOT : own;
}
