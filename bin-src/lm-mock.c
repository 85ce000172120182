/*
 * lm-mock: a scripted OpenAI-compatible server, for tests and calibration
 *
 * It answers at the times that it is told, does wrong what it is told, and logs when it truly wrote each token. What a
 * request meets is said by the options, by a script file over them, and by the request itself over both.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "mock/fault.h"
#include "mock/mock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static struct {
    const char *host, *port_file, *model, *key_file, *script, *ttft, *itl, *tokens, *log;
    int64_t port, seed, slots, per_event, per_write, after, for_ns, every, retry_after_s;
    int wire;
    struct opt_list faults;
    bool list_faults;
} opt = {.host = "127.0.0.1", .port = 8000, .model = "mock", .per_event = 1, .per_write = 1, .for_ns = -1, .every = 7, .retry_after_s = 1};

static const struct opt_spec specs[] = {
    {0, "host", OPT_STR, &opt.host, .arg = "NAME", .help = "listen on this address (127.0.0.1)"},
    {0, "port", OPT_INT, &opt.port, .min = 0, .max = 65535, .arg = "N", .help = "listen on port N (8000); 0: any that is free"},
    {0, "port-file", OPT_STR, &opt.port_file, .arg = "FILE", .help = "write the port there once it listens"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "the name of the model (mock)"},
    {0, "wire", OPT_CHOICE, &opt.wire, .choices = wire_names, .help = "write as this server does (vllm)"},
    {0, "ttft", OPT_STR, &opt.ttft, .arg = "TIME", .help = "the first token so long after the request (0s); a distribution, as exp:50ms"},
    {0, "itl", OPT_STR, &opt.itl, .arg = "TIME", .help = "and each next so long after the one before (0s)"},
    {0, "tokens", OPT_STR, &opt.tokens, .arg = "N", .help = "tokens of an answer, at most the request's max_tokens (64); a distribution"},
    {0, "slots", OPT_INT, &opt.slots, .min = 1, .max = 1e6, .arg = "N", .help = "answer at most N requests at a time, others wait in line"},
    {0, "per-event", OPT_INT, &opt.per_event, .min = 1, .max = 1000, .arg = "N", .help = "tokens in an event (1)"},
    {0, "per-write", OPT_INT, &opt.per_write, .min = 1, .max = 1000, .arg = "N", .help = "events in a write (1)"},
    {0, "fault", OPT_LIST, &opt.faults, .arg = "NAME[,NAME][:SHARE]", .help = "go wrong so, in that share of the answers (1)"},
    {0, "after", OPT_INT, &opt.after, .min = 0, .max = SCRIPT_TOKENS_MAX, .arg = "N", .help = "go wrong behind the Nth token (0)"},
    {0, "for", OPT_DURATION, &opt.for_ns, .help = "how long a stall lasts (for ever), or slow headers take (1s)"},
    {0, "every", OPT_INT, &opt.every, .min = 1, .max = 1 << 20, .arg = "N", .help = "bytes of a write under the fault split (7)"},
    {0, "retry-after", OPT_INT, &opt.retry_after_s, .min = 0, .max = 86400, .arg = "N", .help = "seconds that status 429 asks to wait (1)"},
    {0, "script", OPT_STR, &opt.script, .arg = "FILE", .help = "a JSON object a line, for one request after another, over and over"},
    {0, "log", OPT_STR, &opt.log, .arg = "FILE", .help = "write there what was done, a JSON line an answer"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "ask for the API key in FILE"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of all random choices (0)"},
    {0, "list-faults", OPT_FLAG, &opt.list_faults, .help = "list the faults and exit"},
    {.type = OPT_END, .arg = ""},
};

static void list_faults(void)
{
    struct buf text = {0};
    struct err err;
    for (int i = 0; i < FAULT_COUNT; i++)
        buf_addf(&text, "%-18s %s\n", fault_name((enum fault)i), fault_what((enum fault)i));
    if (text.failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    if (out_write(text.ptr, text.len, &err) < 0 || out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    exit(EXIT_DONE);
}

static void set_script(struct mock_options *options)
{
    struct script *script = &options->script;
    struct err err;
    script_init(script);
    script->per_event = opt.per_event;
    script->per_write = opt.per_write;
    script->after = opt.after;
    script->for_ns = opt.for_ns;
    script->every = opt.every;
    script->retry_after_s = opt.retry_after_s;
    script->tokens_are = opt.tokens ? SCRIPT_TOKENS_BOUNDED : SCRIPT_TOKENS_UNSAID;
    if (opt.ttft && distribution_parse_ns(&script->ttft, str_of(opt.ttft), &err) < 0)
        opt_reject("--ttft", &err);
    if (opt.itl && distribution_parse_ns(&script->itl, str_of(opt.itl), &err) < 0)
        opt_reject("--itl", &err);
    if (opt.tokens && distribution_parse(&script->tokens, str_of(opt.tokens), &err) < 0)
        opt_reject("--tokens", &err);
    for (size_t i = 0; i < opt.faults.count; i++)
        if (script_draws_add(&options->draws, str_of(opt.faults.items[i]), &err) < 0)
            opt_reject("--fault", &err);
}

/* By rename, so that who waits for the file finds it whole. */
static int write_port(const char *path, int port, struct err *err)
{
    struct buf part = {0};
    char text[16], place[PATH_MAX];
    if (file_place(path, place, err) < 0)
        return -1;
    buf_addf(&part, "%s%s", place[0] ? place : path, place[0] ? ".part" : "");
    if (part.failed)
        return err_nomem(err);
    int fd = open(part.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), len = snprintf(text, sizeof text, "%d\n", port);
    int rc = fd < 0 ? err_errno(err, "%s", part.ptr) : out_all(fd, text, (size_t)len, err);
    if (fd >= 0)
        close(fd);
    if (rc == 0 && place[0] && rename(part.ptr, place) < 0)
        rc = err_errno(err, "%s", path);
    buf_release(&part);
    return rc;
}

/* --- the loop --- */

static struct {
    struct loop *loop;
    struct loop_watch signals;
    struct loop_timer flush;
    struct journal journal;
    bool stopped;
} run;

static void on_signal(struct loop_watch *watch, int what)
{
    struct signalfd_siginfo info;
    (void)what;
    run.stopped = read(watch->fd, &info, sizeof info) > 0 || run.stopped;
}

static void on_flush(struct loop_timer *timer, int64_t now_ns)
{
    struct err err;
    if (journal_flush(&run.journal, &err) < 0)
        die(EXIT_CANNOT, &err);
    loop_timer_set(run.loop, timer, now_ns + NS_PER_S);
}

static void watch_signals(void)
{
    struct err err;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    run.signals.ready = on_signal;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        err_errno(&err, "signalfd"), die(EXIT_CANNOT, &err);
    if (loop_watch(run.loop, &run.signals, fd, LOOP_READ, &err) < 0)
        die(EXIT_CANNOT, &err);
}

static void start_journal(struct mock_options *options)
{
    struct err err;
    if (!opt.log)
        return;
    if (journal_open(&run.journal, opt.log, &err) < 0)
        die(EXIT_CANNOT, &err);
    options->journal = &run.journal;
    run.flush.fire = on_flush;
    loop_timer_set(run.loop, &run.flush, clock_ns() + NS_PER_S);
}

int main(int argc, char **argv)
{
    struct err err;
    char *key = NULL;
    char **operands = opt_parse(argc, argv, specs, "a scripted OpenAI-compatible server, for tests and calibration");
    if (operands[0])
        opt_fail("%s: takes no operands", operands[0]);
    if (opt.list_faults)
        list_faults();
    struct mock_options options = {.host = opt.host, .port = (int)opt.port, .model = opt.model, .script_path = opt.script,
                                   .wire = (enum wire_kind)opt.wire, .seed = opt.seed, .slots = opt.slots};
    set_script(&options);
    if (opt.key_file && file_read_line(opt.key_file, &key, &err) < 0)
        die(EXIT_CANNOT, &err);
    options.api_key = key ? str_of(key) : STR("");
    file_raise_limit(0); // each connection is a file
    run.loop = loop_new(&err);
    if (!run.loop)
        die(EXIT_CANNOT, &err);
    watch_signals();
    start_journal(&options);
    struct mock *mock = mock_new(run.loop, &options, &err);
    if (!mock || (opt.port_file && write_port(opt.port_file, mock_port(mock), &err) < 0))
        die(EXIT_CANNOT, &err);
    log_info("listening", log_kv("host", opt.host), log_kv("port", mock_port(mock)));

    while (!run.stopped)
        if (loop_turn(run.loop, &err) < 0)
            die(EXIT_CANNOT, &err);
    mock_free(mock);
    if (opt.log && journal_close(&run.journal, &err) < 0)
        die(EXIT_CANNOT, &err);
    loop_free(run.loop);
    free(key);
    return EXIT_DONE;
}
