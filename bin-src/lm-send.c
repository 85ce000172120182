/*
 * lm-send: send requests to a server and record its answers, timed
 *
 * Reads records that carry "request" and appends "response" and "timing". The list of what happens is here; the work
 * is in load/: a thread reads the input ahead, threads send and read, a thread writes.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/progress.h"
#include "load/run.h"
#include "net/header.h"
#include "record/own.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *output, *key_file, *ca_file, *extra, *weights, *cancel, *cancel_after, *shard, *start;
    struct opt_list urls, models, headers;
    int mode, arrivals, clock;
    int64_t concurrency, count, duration_ns, warmup, threads, seed, think_ns, retries, batch;
    int64_t timeout_ns, timeout_connect_ns, timeout_first_ns, timeout_gap_ns;
    double rate_rps, burstiness, speed;
    bool replace, drop, insecure;
} opt = {.mode = -1, .arrivals = -1, .burstiness = 1, .speed = 1, .threads = 1, .batch = 1, .timeout_ns = 3600 * NS_PER_S,
         .timeout_connect_ns = 10 * NS_PER_S};

static const struct opt_spec specs[] = {
    {0, "url", OPT_LIST, &opt.urls, .arg = "URL",
     .help = "the server, with or without /v1 (else $OPENAI_BASE_URL, else http://127.0.0.1:8000/v1); again: another, in turn"},
    {'m', "model", OPT_LIST, &opt.models, .arg = "NAME", .help = "ask for model NAME, whatever the request says; again: another, in turn"},
    {0, "model-weights", OPT_STR, &opt.weights, .arg = "LIST", .help = "of several -m: draw them by these, such as 3,1, not in turn"},
    {'c', "concurrency", OPT_INT, &opt.concurrency, .min = 1, .max = 65536, .arg = "N",
     .help = "closed loop: N requests at a time (1); open loop: at most N"},
    {0, "rate", OPT_DOUBLE, &opt.rate_rps, .min = 1e-6, .max = 1e7, .arg = "R",
     .help = "open loop: R requests a second, whatever the server does"},
    {0, "arrivals", OPT_CHOICE, &opt.arrivals, .choices = arrivals_kinds, .help = "how the arrivals of --rate are spread (poisson)"},
    {0, "burstiness", OPT_DOUBLE, &opt.burstiness, .arg = "B", .help = "of --arrivals gamma: below 1 they come in bursts (1)"},
    {0, "mode", OPT_CHOICE, &opt.mode, .choices = load_modes,
     .help = "how requests are paced (open with --rate, at where the first record has at_ns, else closed)"},
    {0, "speed", OPT_DOUBLE, &opt.speed, .min = 1e-6, .max = 1e6, .arg = "F", .help = "at: F times as fast as at_ns says (1)"},
    {0, "shard", OPT_STR, &opt.shard, .arg = "K/N", .help = "send the K-th of N shares of the load, each of which has a host"},
    {0, "start", OPT_STR, &opt.start, .arg = "TIME", .help = "start at this UTC time, as other shards do (2026-11-24T15:00:00Z, @SECONDS)"},
    {0, "think", OPT_DURATION, &opt.think_ns, .help = "closed loop: wait between an answer and the slot's next request"},
    {0, "drop", OPT_FLAG, &opt.drop, .help = "open loop with -c: drop an arrival that finds N in flight; else it waits"},
    {0, "batch", OPT_INT, &opt.batch, .min = 1, .max = 65536, .arg = "N",
     .help = "send up to N completions or embeddings that differ in nothing else as one request (1)"},
    {0, "cancel", OPT_STR, &opt.cancel, .arg = "SHARE", .help = "give up that share of the requests, such as 10%, in mid-stream"},
    {0, "cancel-after", OPT_STR, &opt.cancel_after, .arg = "WHEN",
     .help = "so many chunks with content, or so long (500ms, exp:2s), after they were sent (1)"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 9e15, .arg = "N", .help = "the first N records of the input only"},
    {0, "duration", OPT_DURATION, &opt.duration_ns, .help = "send nothing after TIME; what is in flight ends"},
    {0, "warmup", OPT_INT, &opt.warmup, .min = 0, .max = 9e15, .arg = "N", .help = "mark the first N requests as warm-up (0)"},
    {0, "threads", OPT_INT, &opt.threads, .min = 1, .max = 256, .arg = "N",
     .help = "threads that send and read (1); -c is divided among them"},
    {0, "clock", OPT_CHOICE, &opt.clock, .choices = (const char *const[]){"kernel", "packet", NULL},
     .help = "whose time arrivals have: what was read, or each packet (needs CAP_NET_RAW; for slow or busy clients)"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of all random choices (0)"},
    {0, "timeout", OPT_DURATION, &opt.timeout_ns, .help = "limit of a whole request, all attempts and waits (1h; 0: none)"},
    {0, "timeout-connect", OPT_DURATION, &opt.timeout_connect_ns, .help = "limit of connecting, TLS included (10s)"},
    {0, "timeout-first", OPT_DURATION, &opt.timeout_first_ns, .help = "limit from sent to the first token of a stream (0: none)"},
    {0, "timeout-gap", OPT_DURATION, &opt.timeout_gap_ns, .help = "limit between two tokens of a stream (0: none)"},
    {0, "retries", OPT_INT, &opt.retries, .min = 0, .max = 1000, .arg = "N", .help = "try a failed request again, up to N times (0)"},
    {'H', "header", OPT_LIST, &opt.headers, .arg = "'NAME: VALUE'", .help = "add a header to each request; @FILE: one a line of FILE"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "the API key (else $OPENAI_API_KEY, else none)"},
    {0, "cacert", OPT_STR, &opt.ca_file, .arg = "FILE", .help = "certificates to trust (else the system's)"},
    {0, "insecure", OPT_FLAG, &opt.insecure, .help = "take any certificate"},
    {0, "extra-body", OPT_STR, &opt.extra, .arg = "JSON", .help = "an object whose members are set in each request's body"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE",
     .help = "write records to FILE, by way of FILE.part, with which the same command goes on after an interruption"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "cut the response that is there and what follows it"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

static struct progress progress;

static void report(const char *where, const char *why)
{
    warn("%s: %s", where, why);
}

static void show(const struct run_state *state)
{
    double seconds = (double)(state->now_ns - state->start_ns) / 1e9;
    struct progress_state shown = {
        .done = state->done.written,
        .failed = state->done.failed,
        .total = state->total,
        .ends_ns = state->ends_ns,
        .in_flight = state->in_flight,
        .tokens_per_s = state->done.tokens > 0 && seconds > 0 ? (double)state->done.tokens / seconds : -1,
        .ttft_ms = state->done.ttft_ms,
    };
    progress_show(&progress, &shown, state->now_ns);
}

static void say_resuming(uint64_t kept, uint64_t dropped)
{
    if (kept > 0)
        log_info("going on", log_kv("records_of_the_last_run", kept));
    if (dropped > 0)
        log_warn("records of the last run are dropped: their timing.load is not that of this command", log_kv("records", dropped));
}

static void say_waiting(int64_t left_ns)
{
    log_info("waiting for the start", log_kv("seconds", (double)left_ns / NS_PER_S));
}

static void say_stopping(int64_t in_flight)
{
    log_info("stopping: nothing more is sent; a second signal ends all at once", log_kv("in_flight", in_flight));
}

static void say_limited(int64_t connections)
{
    log_warn("arrivals wait: no more files may be open (ulimit -n)", log_kv("connections", connections));
}

/* The user's headers, and the key. It is read from where no other process sees it, and taken off argv where it stood. What
 * it is goes to *secret: it must stand in no record. */
static void collect_headers(struct buf *out, struct str *secret)
{
    struct err err = {0};
    static char *line;
    const char *key = getenv("OPENAI_API_KEY");
    if (header_add_all(out, &opt.headers, &err) < 0)
        err.kind == ERR_PARSE ? opt_reject("-H", &err) : die(EXIT_CANNOT, &err);
    if (opt.key_file && file_read_line(opt.key_file, &line, &err) < 0)
        die(EXIT_CANNOT, &err);
    *secret = str_trim(str_of(line ? line : key ? key : ""));
}

/* The members that are set in each body: --extra-body's, and that of a single -m. They live as long as text. */
static size_t collect_changes(struct body_change *changes, size_t max, struct buf *text)
{
    static struct buf model;
    struct err err;
    int count = opt.extra ? body_changes(opt.extra, changes, max - 1, text, &err) : 0;
    if (count < 0)
        err.kind == ERR_NOMEM ? die(EXIT_CANNOT, &err) : opt_reject("--extra-body", &err);
    for (int i = 0; opt.models.count > 0 && i < count; i++)
        if (str_is(changes[i].name, "model"))
            opt_fail("-m and --extra-body: both set the model");
    if (opt.models.count == 1) {
        json_cstr(&model, opt.models.items[0]);
        changes[count++] = (struct body_change){STR("model"), buf_str(&model)};
    }
    return (size_t)count;
}

static void load_shard(struct load_options *options)
{
    struct err err;
    if (opt.shard && shard_parse(str_of(opt.shard), &options->shard, &err) < 0)
        opt_reject("--shard", &err);
    if (opt.start && clock_parse_start(str_of(opt.start), &options->start_utc_ns, &err) < 0)
        opt_reject("--start", &err);
    if (opt.shard && !opt.start)
        log_warn("--shard without --start: each shard has a start of its own, so that their records do not merge into one load");
}

static void load_targets(struct targets *targets, struct str headers, struct str key)
{
    const char *usual = getenv("OPENAI_BASE_URL");
    struct err err;
    if (targets_init(targets, opt.urls.items, opt.urls.count, usual && *usual ? usual : "http://127.0.0.1:8000/v1", &err) < 0)
        opt_reject("--url", &err);
    if (targets_add_headers(targets, headers, key, &err) < 0)
        die(EXIT_CANNOT, &err);
    for (size_t i = 0; i < targets->count; i++) {
        if (opt.clock == LOAD_CLOCK_PACKET && targets->each[i].url.tls)
            opt_fail("--clock packet: nobody sees what is inside the packets of https");
        if (i < opt.urls.count && target_holds_key(&targets->each[i])) // which all users could read in ps
            opt_conceal(opt.urls.items[i]);
    }
}

static void load_draws(struct models *models, struct cancel *cancel)
{
    struct err err;
    if (opt.models.count > 1 && models_init(models, opt.models.items, opt.models.count, opt.weights, &err) < 0)
        opt_reject("--model-weights", &err);
    if (opt.cancel && cancel_parse(cancel, opt.cancel, opt.cancel_after, &err) < 0)
        opt_reject("--cancel", &err);
}

/* What the table cannot check. */
static void check_options(void)
{
    const struct {
        bool there;
        const char *why;
    } wrong[] = {
        {opt.mode == LOAD_OPEN && opt.rate_rps == 0, "--mode open: needs --rate"},
        {opt.rate_rps > 0 && opt.mode >= 0 && opt.mode != LOAD_OPEN, "--rate: is for --mode open"},
        {opt.arrivals >= 0 && opt.rate_rps == 0, "--arrivals: is for --rate"},
        {opt.burstiness != 1 && opt.arrivals != ARRIVALS_GAMMA, "--burstiness: is for --arrivals gamma"},
        {opt.drop && opt.concurrency == 0, "--drop: needs -c, the number of requests at a time that is the most"},
        {opt.drop && opt.mode == LOAD_CLOSED, "--drop: is for an open loop: a closed one sends when a place is free"},
        {opt.speed != 1 && (opt.rate_rps > 0 || (opt.mode >= 0 && opt.mode != LOAD_AT)), "--speed: is for --mode at"},
        {opt.clock == LOAD_CLOCK_PACKET && opt.batch > 1, "--clock packet: not with --batch, whose records share their packets"},
        {opt.think_ns > 0 && opt.rate_rps > 0, "--think: is for a closed loop"},
        {opt.shard && opt.batch > 1 && opt.rate_rps > 0,
         "--shard: not with --batch in an open loop, whose schedule nobody knows without all records"},
        {opt.weights && opt.models.count < 2, "--model-weights: is for several -m"},
        {opt.cancel_after && !opt.cancel, "--cancel-after: is for --cancel"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (wrong[i].there)
            opt_fail("%s", wrong[i].why);
}

/* The end's one line, where there is something to say. */
static void sum_up(const struct run_result *result)
{
    const struct sink_counts *done = &result->state.done;
    bool whole = result->signal == 0 && !result->server_gone;
    char to[4096];
    snprintf(to, sizeof to, "%s%s", opt.output ? opt.output : "standard output", opt.output && !whole ? ".part" : "");
    log_info(whole ? "sent" : "interrupted", log_kv("records", done->written), log_kv("failed", done->failed),
             log_kv("kept", result->state.input.kept), log_kv("to", to));
    if (opt.output && !whole)
        log_info("the same command goes on with them");
    if (result->failure[0] && !result->server_gone)
        log_warn("not all went well", log_kv("failed", done->failed), log_kv("first", result->failure));
    if (done->unseen > 0)
        log_warn("packets of answers were not seen: these keep the clock of their reads", log_kv("answers", done->unseen));
    if (done->chunks > 0 && (double)done->late > 0.001 * (double)done->chunks)
        log_warn("this client was the bottleneck: it read too late to know when chunks arrived (--threads, or --clock packet)",
                 log_kv("late", done->late), log_kv("chunks", done->chunks), log_kv("cpu", result->cpu));
}

static int status_of(const struct run_result *result)
{
    const struct sink_counts *done = &result->state.done;
    struct err err;
    if (result->signal != 0) {
        signal(result->signal, SIG_DFL);
        raise(result->signal);
    }
    if (result->server_gone) {
        err_set(&err, ERR_NET, "%s%s%s%s",
                done->any_reached ? "the server is gone: none of the last ten requests reached it for 10 s"
                                  : "no request reached the server",
                result->failure[0] ? " (" : "", result->failure, result->failure[0] ? ")" : "");
        die(EXIT_CANNOT, &err);
    }
    return done->failed > 0 || done->passed > 0 || result->state.input.reported > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
    struct err err;
    struct targets targets;
    struct models models = {0};
    struct cancel cancel = {0};
    struct str secret;
    struct buf headers = {0}, extra = {0};
    static struct body_change changes[65];
    struct run_result result;
    char **paths = opt_parse(argc, argv, specs, "send requests to a server and record its answers, timed");
    check_options();
    signal(SIGPIPE, SIG_IGN); // a TLS library writes with write(2)
    collect_headers(&headers, &secret);
    load_targets(&targets, buf_str(&headers), secret);
    load_draws(&models, &cancel);
    size_t change_count = collect_changes(changes, COUNT(changes), &extra);
    if (headers.failed || extra.failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    struct load_options options = {
        .paths = paths, .output = opt.output, .own_flags = opt.replace ? OWN_REPLACE : 0, .targets = &targets,
        .models = &models, .cancel = &cancel, .batch = opt.batch, .secret = secret, .changes = changes, .change_count = change_count,
        .ca_file = opt.ca_file, .insecure = opt.insecure, .mode_is_given = opt.mode >= 0 || opt.speed != 1,
        .mode = (enum load_mode)(opt.mode >= 0 ? opt.mode : opt.rate_rps > 0 ? LOAD_OPEN : opt.speed != 1 ? LOAD_AT : LOAD_CLOSED),
        .concurrency = opt.concurrency, .blocked = opt.drop ? LOAD_DROPPED : LOAD_WAITS, .rate_rps = opt.rate_rps,
        .arrivals = opt.arrivals < 0 ? ARRIVALS_POISSON : (enum arrivals_kind)opt.arrivals, .burstiness = opt.burstiness,
        .think_ns = opt.think_ns, .speed = opt.speed, .seed = opt.seed, .count = opt.count, .duration_ns = opt.duration_ns,
        .warmup = opt.warmup, .threads = opt.threads, .clock = (enum load_clock)opt.clock,
        .timeout_ns = opt.timeout_ns, .timeout_connect_ns = opt.timeout_connect_ns, .timeout_first_ns = opt.timeout_first_ns,
        .timeout_gap_ns = opt.timeout_gap_ns, .retries = opt.retries, .report = report,
    };
    load_shard(&options);
    static const struct run_hooks hooks = {
        .progress = show, .resuming = say_resuming, .waiting = say_waiting, .stopping = say_stopping, .limited = say_limited};
    if (run_load(&options, &hooks, &result, &err) < 0)
        die(EXIT_CANNOT, &err);
    progress_erase();
    sum_up(&result);
    buf_release(&headers);
    buf_release(&extra);
    models_release(&models);
    targets_release(&targets);
    return status_of(&result);
}
