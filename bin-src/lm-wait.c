/*
 * lm-wait: wait until a server is ready to answer
 *
 * Ready is: /health says so, the model is served, and one real request for one token was answered (launch/ready.h).
 * Exit 0 then; else 3, and the reason on stderr. Nothing is read, and nothing goes to standard output.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "launch/ready.h"
#include "net/header.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    const char *url, *model, *key_file, *cacert;
    int64_t timeout_ns, retries, pid;
    struct opt_list headers;
    bool insecure;
} opt = {.timeout_ns = 1800 * NS_PER_S, .retries = READY_NO_LIMIT};

static const struct opt_spec specs[] = {
    {0, "url", OPT_STR, &opt.url, .arg = "URL", .help = "the server ($OPENAI_BASE_URL, else http://127.0.0.1:8000/v1)"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "the model that must answer (the first that is served)"},
    {0, "timeout", OPT_DURATION, &opt.timeout_ns, .help = "give up after so long (30m)"},
    {0, "retries", OPT_INT, &opt.retries, .arg = "N", .help = "give up after N more tries than one (as many as there is time for)"},
    {0, "pid", OPT_INT, &opt.pid, .arg = "PID", .min = 1, .max = INT32_MAX, .help = "give up at once when this process has ended"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "a file that holds the API key ($OPENAI_API_KEY)"},
    {'H', "header", OPT_LIST, &opt.headers, .arg = "'NAME: VALUE'", .help = "add a header to each request; @FILE: one a line of FILE"},
    {0, "cacert", OPT_STR, &opt.cacert, .arg = "FILE", .help = "certificates to trust (the system's)"},
    {0, "insecure", OPT_FLAG, &opt.insecure, .help = "take any certificate"},
    {.type = OPT_END},
};

int main(int argc, char **argv)
{
    struct err err = {0};
    struct buf headers = {0};
    char *model, *key = NULL;
    const char *url = getenv("OPENAI_BASE_URL"), *env_key = getenv("OPENAI_API_KEY");
    int64_t start_ns = clock_ns();
    if (opt_parse(argc, argv, specs, "wait until a server is ready to answer")[0])
        opt_fail("takes no operands");
    if (opt.key_file && file_read_line(opt.key_file, &key, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (header_add_all(&headers, &opt.headers, &err) < 0)
        err.kind == ERR_PARSE ? opt_reject("-H", &err) : die(EXIT_CANNOT, &err);
    signal(SIGPIPE, SIG_IGN); // a server that hangs up is no reason to die

    struct ready_options options = {
        .url = opt.url ? opt.url : url && *url ? url : "http://127.0.0.1:8000/v1",
        .model = opt.model,
        .key = key ? key : env_key && *env_key ? env_key : NULL,
        .headers = buf_str(&headers),
        .cacert = opt.cacert,
        .insecure = opt.insecure,
        .timeout_ns = opt.timeout_ns,
        .retries = opt.retries,
    };
    if (opt.pid > 0) {
        int process = (int)syscall(SYS_pidfd_open, (pid_t)opt.pid, 0);
        if (process < 0 && errno != ESRCH)
            err_errno(&err, "process %lld", (long long)opt.pid), die(EXIT_CANNOT, &err);
        if (process < 0)
            err_set(&err, ERR_MISSING, "died: there is no process %lld", (long long)opt.pid), die(EXIT_CANNOT, &err);
        options.stops[options.stop_count++] = process;
    }

    switch (ready_wait(&options, &model, &err)) {
    case READY_YES:
        log_info("ready", log_kv("model", model), log_kv("seconds", (double)(clock_ns() - start_ns) / 1e9));
        free(model);
        free(key);
        buf_release(&headers);
        return EXIT_DONE;
    case READY_STOPPED:
        err_set(&err, ERR_MISSING, "died: process %lld has ended", (long long)opt.pid);
        break;
    case READY_NO:
        break;
    }
    die(EXIT_CANNOT, &err);
}
