/*
 * lm-with: server up, run a command, server down
 *
 * Starts the server (launch/child.h), waits until it is ready (launch/ready.h), runs the command with OPENAI_BASE_URL
 * set, stops the server, and ends as the command did. The server never stays behind: not when the command fails, not
 * on signals, not after kill -9.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "launch/child.h"
#include "launch/command.h"
#include "launch/port.h"
#include "launch/ready.h"
#include "net/header.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#define LAST_LINES 40

static struct {
    const char *url, *model, *key_file, *cacert, *log, *port_file;
    int64_t timeout_ns, retries, port, grace_ns;
    struct opt_list headers;
    bool insecure;
} opt = {.timeout_ns = 1800 * NS_PER_S, .retries = READY_NO_LIMIT, .grace_ns = 20 * NS_PER_S};

static const struct opt_spec specs[] = {
    {0, "port", OPT_INT, &opt.port, .arg = "N", .min = 0, .max = 65535, .help = "the port, and what {port} stands for (a free one)"},
    {0, "port-file", OPT_STR, &opt.port_file, .arg = "FILE", .help = "the port that FILE holds; a free one is put there first"},
    {0, "url", OPT_STR, &opt.url, .arg = "URL", .help = "where the server will be, if not on a {port} of 127.0.0.1"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "the model that must answer (the first that is served)"},
    {0, "timeout", OPT_DURATION, &opt.timeout_ns, .help = "the server must be ready after so long (30m)"},
    {0, "retries", OPT_INT, &opt.retries, .arg = "N", .help = "ask N more times than once whether it is ready (as time allows)"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "a file that holds the API key ($OPENAI_API_KEY)"},
    {'H', "header", OPT_LIST, &opt.headers, .arg = "'NAME: VALUE'", .help = "add a header to each request; @FILE: one a line of FILE"},
    {0, "cacert", OPT_STR, &opt.cacert, .arg = "FILE", .help = "certificates to trust (the system's)"},
    {0, "insecure", OPT_FLAG, &opt.insecure, .help = "take any certificate"},
    {0, "log", OPT_STR, &opt.log, .arg = "FILE", .help = "add the server's output to FILE (a temporary one)"},
    {0, "grace", OPT_DURATION, &opt.grace_ns, .help = "to end after SIGTERM; for the command after the server died (20s)"},
    {.type = OPT_END, .arg = "SERVER [ARG...] -- COMMAND [ARG...]", .in_order = true},
};

/* One use of the program. */
struct stay {
    struct child *server;
    struct buf headers;  // of the question whether it is ready
    bool server_died;
    struct command command;
};

/* Settles opt.url, where the server will be, and fills in its port. */
static void settle_url(char **server)
{
    static char own[] = "http://127.0.0.1:{port}/v1";
    char *texts[] = {own, NULL};
    struct err err;
    const char *url = getenv("OPENAI_BASE_URL");
    bool has_port = port_is_marked(server) || opt.port || opt.port_file;
    if (opt.port && opt.port_file)
        opt_fail("--port and --port-file: only one of them");
    if (opt.url && has_port)
        opt_fail("--url: the port is said by --port or {port} already");
    if (!has_port) {
        opt.url = opt.url ? opt.url : url && *url ? url : "http://127.0.0.1:8000/v1";
        return;
    }
    int port = opt.port ? (int)opt.port : opt.port_file ? port_kept(opt.port_file, &err) : port_pick(&err);
    if (port < 0 || port_fill(server, port, &err) < 0 || port_fill(texts, port, &err) < 0)
        die(EXIT_CANNOT, &err);
    opt.url = texts[0];
}

static void show_last_lines(const struct stay *stay)
{
    struct buf text = {0};
    struct err err;
    if (child_tail(stay->server, LAST_LINES, &text, &err) < 0)
        warn("%s", err.msg);
    if (text.len > 0) {
        log_error("the server's last lines:");
        log_lines(LOG_ERROR, "server", buf_str(&text));
    }
    buf_release(&text);
}

/* Stops the server and ends, as the signal would have. */
static _Noreturn void end_by(struct stay *stay, int signal_number)
{
    child_free(stay->server);
    command_end_by(&stay->command, signal_number);
}

static _Noreturn void give_up(struct stay *stay, const struct err *err)
{
    child_free(stay->server);
    die(EXIT_CANNOT, err);
}

static void await_ready(struct stay *stay, const char *key, struct err *err)
{
    char said[CHILD_SAID_SIZE], *model;
    int64_t start_ns = clock_ns();
    struct ready_options options = {
        .url = opt.url,
        .model = opt.model,
        .key = key,
        .headers = buf_str(&stay->headers),
        .cacert = opt.cacert,
        .insecure = opt.insecure,
        .timeout_ns = opt.timeout_ns,
        .retries = opt.retries,
        .stops = {child_fd(stay->server), stay->command.signals.fd},
        .stop_count = 2,
    };
    enum ready ready = ready_wait(&options, &model, err);
    if (ready == READY_YES) {
        log_info("the server is ready", log_kv("model", model), log_kv("seconds", (double)(clock_ns() - start_ns) / 1e9));
        free(model);
        return;
    }
    command_signals(&stay->command);
    struct child_end end = child_state(stay->server);
    if (end.state == CHILD_RUNS && stay->command.told)
        end_by(stay, stay->command.told);
    if (end.state != CHILD_RUNS) {
        child_say(end, said);
        err_set(err, ERR_MISSING, "the server died before it was ready: it %s", said);
    }
    show_last_lines(stay);
    give_up(stay, err);
}

static void start_command(struct stay *stay, char **argv, struct err *err)
{
    command_signals(&stay->command);
    if (stay->command.told)
        end_by(stay, stay->command.told);
    if (command_start(&stay->command, argv, COMMAND_OUT_OURS, err) < 0)
        give_up(stay, err);
}

/* Waits for the command's end. Should the server die, it is let go on for the grace time, since lm-send stops by
 * itself and keeps what it has; then it is told to end, and after as long again it is killed. */
static void attend(struct stay *stay)
{
    static const int ways[] = {SIGTERM, SIGKILL};
    size_t way = 0;
    int64_t next_ns = INT64_MAX;
    while (stay->command.pid > 0) {
        struct pollfd polls[] = {{.fd = stay->command.signals.fd, .events = POLLIN},
                                 {.fd = stay->server_died ? -1 : child_fd(stay->server), .events = POLLIN}};
        int64_t left_ns = next_ns - clock_ns();
        poll(polls, COUNT(polls), next_ns == INT64_MAX ? -1 : left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MS + 1));
        if (polls[1].revents) {
            char said[CHILD_SAID_SIZE];
            stay->server_died = true;
            child_say(child_state(stay->server), said);
            show_last_lines(stay);
            log_error("the server died while the command runs", log_kv("it", said));
            next_ns = clock_ns() + opt.grace_ns;
        }
        command_signals(&stay->command);
        if (stay->command.pid > 0 && way < COUNT(ways) && clock_ns() >= next_ns) {
            kill(stay->command.pid, ways[way++]);
            next_ns = way < COUNT(ways) ? clock_ns() + opt.grace_ns : INT64_MAX;
        }
    }
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct stay stay = {0};
    char **server = opt_parse(argc, argv, specs, "server up, run a command, server down"), **command = server, *key = NULL;
    const char *env_key = getenv("OPENAI_API_KEY");
    while (*command && strcmp(*command, "--") != 0)
        command++;
    if (command == server || !*command || !command[1])
        opt_fail("wants SERVER [ARG...] -- COMMAND [ARG...]");
    *command++ = NULL;

    if (opt.key_file && file_read_line(opt.key_file, &key, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (header_add_all(&stay.headers, &opt.headers, &err) < 0)
        err.kind == ERR_PARSE ? opt_reject("-H", &err) : die(EXIT_CANNOT, &err);
    settle_url(server);
    if (ready_is_free(opt.url, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (setenv("OPENAI_BASE_URL", opt.url, 1) < 0)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    signal(SIGCHLD, SIG_DFL); // where it is ignored, nobody learns how a child ended
    stay.server = child_start(&(struct child_options){.argv = server, .log = opt.log, .grace_ns = opt.grace_ns}, &err);
    if (!stay.server)
        die(EXIT_CANNOT, &err);
    if (signals_take(&stay.command.signals, &err) < 0) // a signal before this ends us, and the server with us
        give_up(&stay, &err);
    await_ready(&stay, key ? key : env_key && *env_key ? env_key : NULL, &err);
    start_command(&stay, command, &err);
    attend(&stay);
    if (command_ended_as_told(&stay.command))
        end_by(&stay, stay.command.told);
    child_free(stay.server);
    free(key);
    buf_release(&stay.headers);
    return stay.server_died ? EXIT_CANNOT : command_exit(&stay.command);
}
