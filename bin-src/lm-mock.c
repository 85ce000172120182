/*
 * lm-mock: a scripted OpenAI-compatible server, for tests and calibration
 *
 * Answers with words of its own, at the times and with the faults that options, a script file or the request itself
 * ask for, and logs when it truly wrote each token. The work is in net/server (HTTP) and mock/ (answers).
 */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "jsonl/jsonl.h"
#include "mock/answer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static struct {
    const char *host, *port_file, *model, *script, *log, *key_file, *ttft, *itl, *tokens;
    struct opt_list faults;
    int wire;
    int64_t port, seed, after, retry_after_s, every, per_event, per_write;
    int64_t for_ns;
    bool list_faults;
} opt = {.host = "127.0.0.1", .port = 8000, .model = "mock", .retry_after_s = 1, .per_event = 1, .per_write = 1, .for_ns = -1};

static const struct opt_spec specs[] = {
    {0, "host", OPT_STR, &opt.host, .arg = "NAME", .help = "listen on this address (127.0.0.1)"},
    {0, "port", OPT_INT, &opt.port, .min = 0, .max = 65535, .arg = "N", .help = "listen on port N (8000); 0: any that is free"},
    {0, "port-file", OPT_STR, &opt.port_file, .arg = "FILE", .help = "write the port there once it listens"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "the name of the model (mock)"},
    {0, "wire", OPT_CHOICE, &opt.wire, .choices = wire_names, .help = "write as this server does (vllm)"},
    {0, "ttft", OPT_STR, &opt.ttft, .arg = "TIME", .help = "the first token so long after the request (0s); a distribution, as exp:50ms"},
    {0, "itl", OPT_STR, &opt.itl, .arg = "TIME", .help = "and each next so long after the one before (0s)"},
    {0, "tokens", OPT_STR, &opt.tokens, .arg = "N", .help = "tokens of an answer, at most the request's max_tokens (64); a distribution"},
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

static struct {
    struct answer_context answers;
    struct script_draws draws;
    struct buf key; // "Bearer KEY"; empty: none is asked for
    int log_fd;
    struct buf log;
    struct loop *loop;
    struct loop_timer flush;
    bool stopping;
} mock = {.log_fd = -1};

static void flush_log(void)
{
    struct err err;
    if (mock.log.len > 0 && out_all(mock.log_fd, mock.log.ptr, mock.log.len, &err) < 0)
        err_prefix(&err, "%s: ", opt.log), die(EXIT_CANNOT, &err);
    buf_clear(&mock.log);
}

static void on_flush(struct loop_timer *timer, int64_t now_ns)
{
    flush_log();
    loop_timer_set(mock.loop, timer, now_ns + NS_PER_S);
}

static void log_line(void *user, struct str line)
{
    (void)user;
    buf_add_str(&mock.log, line);
    if (mock.log.len > (1 << 20))
        flush_log();
}

static void answer_json(struct server_conn *conn, int status, struct buf *json)
{
    answer_plain(conn, status, "application/json", buf_str(json), "");
    buf_release(json);
    server_done(conn, SERVER_KEEP);
}

static void fail(struct server_conn *conn, int status, const char *type, const char *why)
{
    struct buf json = {0};
    wire_error((enum wire_kind)opt.wire, status, type, why, &json);
    answer_json(conn, status, &json);
}

static void list_models(struct server_conn *conn)
{
    struct buf json = {0};
    json_object(&json);
    json_key(&json, "object"), json_cstr(&json, "list");
    json_key(&json, "data"), json_array(&json), json_object(&json);
    json_key(&json, "id"), json_cstr(&json, opt.model);
    json_key(&json, "object"), json_cstr(&json, "model");
    json_key(&json, "owned_by"), json_cstr(&json, "lmutils");
    json_object_end(&json), json_array_end(&json), json_object_end(&json);
    answer_json(conn, 200, &json);
}

static void show_metrics(struct server_conn *conn)
{
    struct buf text = {0};
    buf_addf(&text, "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"%s\"} %lld\n", opt.model,
             (long long)mock.answers.running);
    buf_addf(&text, "# TYPE vllm:generation_tokens_total counter\nvllm:generation_tokens_total{model_name=\"%s\"} %lld\n", opt.model,
             (long long)mock.answers.generated);
    answer_plain(conn, 200, "text/plain; version=0.0.4", buf_str(&text), "");
    buf_release(&text);
    server_done(conn, SERVER_KEEP);
}

static bool key_is_right(const struct http *head)
{
    struct str given;
    return mock.key.len == 0 || (http_header(head, "authorization", &given) && str_eq(given, buf_str(&mock.key)));
}

static void on_request(struct server_conn *conn, const struct http *head, struct str body, void *context)
{
    struct str path = head->target, id = {"", 0};
    const char *query = memchr(path.ptr, '?', path.len);
    (void)context;
    if (query)
        path.len = (size_t)(query - path.ptr);
    bool chat = str_is(path, "/v1/chat/completions"), post = str_is(head->method, "POST");
    if (str_is(path, "/health")) {
        answer_plain(conn, 200, "text/plain", STR(""), "");
        server_done(conn, SERVER_KEEP);
    } else if (str_is(path, "/metrics"))
        show_metrics(conn);
    else if (!key_is_right(head))
        fail(conn, 401, "authentication_error", "the API key is missing or wrong");
    else if (str_is(path, "/v1/models"))
        list_models(conn);
    else if (!chat && !str_is(path, "/v1/completions"))
        fail(conn, 404, "not_found_error", "no such path");
    else if (!post)
        fail(conn, 405, "invalid_request_error", "this path takes POST");
    else {
        http_header(head, "x-request-id", &id);
        answer_start(&mock.answers, conn, chat ? WIRE_CHAT : WIRE_COMPLETIONS, id, body);
    }
}

static void on_wrote(struct server_conn *conn, uint64_t sent, int64_t at_ns, void *context)
{
    (void)context;
    answer_wrote(server_data(conn), sent, at_ns);
}

static void on_gone(struct server_conn *conn, void *context)
{
    (void)context;
    answer_gone(server_data(conn));
}

static void set_script(void)
{
    struct script *script = &mock.answers.script;
    struct err err;
    script_init(script);
    if (opt.ttft && distribution_parse_ns(&script->ttft, str_of(opt.ttft), &err) < 0)
        opt_fail("--ttft: %s", err.msg);
    if (opt.itl && distribution_parse_ns(&script->itl, str_of(opt.itl), &err) < 0)
        opt_fail("--itl: %s", err.msg);
    if (opt.tokens && distribution_parse(&script->tokens, str_of(opt.tokens), &err) < 0)
        opt_fail("--tokens: %s", err.msg);
    if (opt.tokens)
        script->tokens_are = SCRIPT_TOKENS_BOUNDED;
    script->after = opt.after;
    script->for_ns = opt.for_ns;
    script->every = opt.every;
    script->retry_after_s = opt.retry_after_s;
    script->per_event = opt.per_event;
    script->per_write = opt.per_write;
    for (size_t i = 0; i < opt.faults.count; i++)
        if (script_draws_add(&mock.draws, str_of(opt.faults.items[i]), &err) < 0)
            opt_fail("--fault: %s", err.msg);
}

static void print_faults(void)
{
    struct err err;
    char line[256];
    for (int i = 0; i < FAULT_COUNT; i++) {
        int len = snprintf(line, sizeof line, "%-18s %s\n", fault_name((enum fault)i), fault_what((enum fault)i));
        if (out_write(line, (size_t)len, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    exit(EXIT_DONE);
}

static void write_port(int port)
{
    struct err err;
    struct buf name = {0};
    char text[16];
    if (!opt.port_file)
        return;
    buf_addf(&name, "%s.new", opt.port_file);
    int fd = open(name.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), len = snprintf(text, sizeof text, "%d\n", port);
    if (fd < 0 || write(fd, text, (size_t)len) != len || close(fd) < 0 || rename(name.ptr, opt.port_file) < 0)
        err_errno(&err, "%s", opt.port_file), die(EXIT_CANNOT, &err);
    buf_release(&name);
}

static void on_signal(struct loop_watch *watch, int what)
{
    (void)watch;
    (void)what;
    mock.stopping = true;
}

static void prepare(void)
{
    struct rlimit files;
    struct err err;
    set_script();
    mock.answers.doc = jdoc_new();
    mock.answers.wire = (enum wire_kind)opt.wire;
    mock.answers.model = str_of(opt.model);
    mock.answers.draws = &mock.draws;
    mock.answers.seed = opt.seed;
    if (opt.script && script_read(opt.script, &mock.answers.scripts, &mock.answers.script_count, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (opt.key_file) {
        struct buf key = {0};
        if (file_read(opt.key_file, 1 << 16, &key, &err) < 0)
            die(EXIT_CANNOT, &err);
        buf_addf(&mock.key, "Bearer %.*s", STR_ARG(str_trim(buf_str(&key))));
        buf_release(&key);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { // thousands of connections, each a file
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (opt.log) {
        mock.log_fd = open(opt.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (mock.log_fd < 0)
            err_errno(&err, "%s", opt.log), die(EXIT_CANNOT, &err);
        mock.answers.log = log_line;
    }
}

int main(int argc, char **argv)
{
    struct err err;
    sigset_t stops;
    struct loop_watch signals = {.ready = on_signal};
    char **operands = opt_parse(argc, argv, specs, "a scripted OpenAI-compatible server, for tests and calibration");
    if (operands[0])
        opt_fail("%s: takes no operands", operands[0]);
    if (opt.list_faults)
        print_faults();
    prepare();
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    mock.loop = mock.answers.loop = loop_new(&err);
    if (!mock.loop || !mock.answers.doc)
        die(EXIT_CANNOT, &err);
    struct server_options options = {.host = opt.host, .port = (int)opt.port, .request = on_request, .gone = on_gone, .wrote = on_wrote};
    struct server *server = server_new(mock.loop, &options, &err);
    if (!server || loop_watch(mock.loop, &signals, signalfd(-1, &stops, SFD_CLOEXEC), LOOP_READ, &err) < 0)
        die(EXIT_CANNOT, &err);
    mock.flush.fire = on_flush;
    loop_timer_set(mock.loop, &mock.flush, 0);
    log_info("listening", log_kv("host", opt.host), log_kv("port", server_port(server)));
    write_port(server_port(server));
    while (!mock.stopping)
        if (loop_turn(mock.loop, &err) < 0)
            die(EXIT_CANNOT, &err);
    server_free(server);
    flush_log();
    return EXIT_DONE;
}
