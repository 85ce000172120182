/*
 * lm-tap: watch requests and answers as they cross the wire
 *
 * Reads packets of a server's port (tap/capture.h), puts the requests and answers in them together (tap/flow.h) and writes
 * one record a request, in the form of lm-send's, timed by the kernel's stamps on the packets. It touches neither side.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "launch/command.h"
#include "net/stamp.h"
#include "tap/capture.h"
#include "tap/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORTS_MAX = 64 };
static const int64_t drain_ns = 5 * CAPTURE_DELAY_NS; // in which the kernel hands over what it has

static struct {
    const char *interface, *file, *output;
    struct opt_list ports;
    int64_t count, duration_ns;
    bool text;
} opt;

static const struct opt_spec specs[] = {
    {'i', "interface", OPT_STR, &opt.interface, .arg = "NAME", .help = "watch there: lo, eth0, ... (any: all of them)"},
    {'r', "read", OPT_STR, &opt.file, .arg = "FILE", .help = "read a capture file (pcap, pcapng), not an interface; -: standard input"},
    {0, "port", OPT_LIST, &opt.ports, .arg = "N", .help = "the server's port; may be given again"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 9e15, .arg = "N", .help = "end after N records"},
    {0, "duration", OPT_DURATION, &opt.duration_ns, .help = "end after TIME"},
    {0, "text", OPT_FLAG, &opt.text, .help = "keep what was asked and answered; else only lengths"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write records to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "[-- COMMAND [ARG...]]", .in_order = true},
};

struct tap {
    struct loop *loop;
    struct loop_watch packets, told;
    struct loop_timer ends, drained;
    struct stamp_clock stamps;
    struct capture *capture;
    struct flows *flows;
    struct seen_form form;
    struct buf load, line, scratch;
    char start[CLOCK_UTC_SIZE];
    int64_t start_ns;  // of the clock that packets are stamped by: monotonic, or a file's UTC
    int64_t latest_ns; // after it, the latest packet; of an interface, in the end, when watching ended
    uint64_t dropped;  // until then
    bool begun;        // start is known
    bool ending, over; // ending: what the kernel has is still to be read
    struct command command;
    int command_out; // its standard output: ours, or, if that is full of records, standard error
    uint64_t written, failed, partial;
    struct err err; // why it cannot go on
    bool broken;
};

static void stop(struct tap *tap, const struct err *err)
{
    if (errno == EPIPE && !opt.file && tap->command.pid == 0) // a filter whose reader has left ends quietly
        signals_give_back(&tap->command.signals), raise(SIGPIPE);
    if (!tap->broken)
        tap->err = *err;
    tap->broken = tap->over = true;
}

/* --- records --- */

static void on_seen(void *arg, struct seen *seen)
{
    struct tap *tap = arg;
    struct err err;
    bool enough = opt.count > 0 && tap->written >= (uint64_t)opt.count;
    if (!enough && !tap->broken) {
        buf_clear(&tap->line);
        seen_write(seen, &tap->form, &tap->scratch, &tap->line);
        if (tap->line.failed)
            err_nomem(&err), stop(tap, &err);
        else if (out_write(tap->line.ptr, tap->line.len, &err) < 0)
            stop(tap, &err);
        tap->written++;
        tap->partial += seen->partial;
        tap->failed += !seen->partial && seen->answer.reply.failure != FAILURE_NONE;
    }
    if (opt.count > 0 && tap->written >= (uint64_t)opt.count)
        tap->over = true;
    seen_free(seen);
}

static void begin(struct tap *tap, int64_t utc_ns, int64_t start_ns)
{
    clock_format_utc(tap->start, utc_ns, 9);
    tap->form.start = str_of(tap->start);
    tap->start_ns = start_ns;
    tap->begun = true;
}

static int on_packet(void *arg, const struct packet *packet, struct err *err)
{
    struct tap *tap = arg;
    struct packet timed = *packet;
    if (!tap->begun) // a file begins with its first packet
        begin(tap, packet->at_ns, packet->at_ns);
    timed.at_ns -= tap->stamps.offset_ns + tap->start_ns;
    tap->latest_ns = timed.at_ns > tap->latest_ns ? timed.at_ns : tap->latest_ns;
    return flows_take(tap->flows, &timed, err);
}

/* --- what happens meanwhile --- */

static void read_packets(struct tap *tap)
{
    struct err err;
    int got = 1;
    while (!tap->over && got > 0)
        if ((got = capture_take(tap->capture, on_packet, tap, &err)) < 0 || (!tap->broken && out_flush(&err) < 0))
            stop(tap, &err);
}

static void on_packets(struct loop_watch *watch, int what)
{
    (void)what;
    read_packets((struct tap *)((char *)watch - offsetof(struct tap, packets)));
}

static void end_soon(struct tap *tap)
{
    if (!tap->ending)
        loop_timer_set(tap->loop, &tap->drained, clock_ns() + drain_ns);
    tap->ending = true;
}

static void on_end(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    end_soon((struct tap *)((char *)timer - offsetof(struct tap, ends)));
}

static void on_drained(struct loop_timer *timer, int64_t now_ns)
{
    struct tap *tap = (struct tap *)((char *)timer - offsetof(struct tap, drained));
    (void)now_ns;
    read_packets(tap);
    tap->over = true;
}

/* A signal that tells us to end is passed on to the command, with which we end. */
static void on_told(struct loop_watch *watch, int what)
{
    struct tap *tap = (struct tap *)((char *)watch - offsetof(struct tap, told));
    bool ran = tap->command.pid > 0;
    (void)what;
    command_signals(&tap->command);
    if (ran ? tap->command.pid == 0 : tap->command.told != 0)
        end_soon(tap);
}

/* It has all that it wants, and a command may still run for long: nothing of that is taken, or missing. */
static void watch_no_more(struct tap *tap)
{
    loop_unwatch(tap->loop, &tap->packets);
    tap->dropped = capture_dropped(tap->capture);
    tap->latest_ns = clock_ns() - tap->start_ns;
    capture_close(tap->capture);
    tap->capture = NULL;
}

/* --- the whole --- */

static size_t read_ports(uint16_t ports[PORTS_MAX])
{
    struct err err;
    int64_t port;
    if (opt.ports.count == 0 || opt.ports.count > PORTS_MAX)
        opt_fail("--port: from 1 to %d of the server's ports must be given", PORTS_MAX);
    for (size_t i = 0; i < opt.ports.count; i++) {
        if (num_int(str_of(opt.ports.items[i]), 1, 65535, &port, &err) < 0)
            opt_reject("--port", &err);
        ports[i] = (uint16_t)port;
    }
    return opt.ports.count;
}

static int describe(struct tap *tap, const uint16_t *ports, size_t count, struct err *err)
{
    json_object(&tap->load);
    json_key(&tap->load, "mode"), json_cstr(&tap->load, "tap");
    json_key(&tap->load, opt.file ? "file" : "interface"), json_cstr(&tap->load, opt.file ? opt.file : opt.interface);
    json_key(&tap->load, "ports"), json_array(&tap->load);
    for (size_t i = 0; i < count; i++)
        json_int(&tap->load, ports[i]);
    json_array_end(&tap->load);
    json_object_end(&tap->load);
    tap->form.load = buf_str(&tap->load);
    return tap->load.failed ? err_nomem(err) : 0;
}

static int watch(struct tap *tap, char **command, const uint16_t *ports, size_t count, struct err *err)
{
    tap->packets.ready = on_packets, tap->told.ready = on_told;
    tap->ends.fire = on_end;
    tap->drained.fire = on_drained;
    if (!(tap->loop = loop_new(err)) || stamp_clock_init(&tap->stamps, tap->loop, err) < 0 || signals_take(&tap->command.signals, err) < 0)
        return -1;
    begin(tap, clock_utc_ns(), clock_ns());
    tap->form.start_ns = tap->start_ns;
    if (!(tap->capture = capture_open(opt.interface, ports, count, err)) ||
        loop_watch(tap->loop, &tap->packets, capture_fd(tap->capture), LOOP_READ, err) < 0 ||
        loop_watch(tap->loop, &tap->told, tap->command.signals.fd, LOOP_READ, err) < 0)
        return -1;
    if (*command && command_start(&tap->command, command, tap->command_out, err) < 0)
        return -1;
    if (!*command)
        log_info("watching", log_kv("interface", opt.interface));
    if (opt.duration_ns > 0)
        loop_timer_set(tap->loop, &tap->ends, tap->start_ns + opt.duration_ns);
    while (!tap->over || tap->command.pid > 0) {
        if (loop_turn(tap->loop, err) < 0)
            return -1;
        if (tap->over && tap->capture)
            watch_no_more(tap);
    }
    return 0;
}

/* What was seen, and what was not. False: not all of it. */
static bool sum_up(struct tap *tap)
{
    struct flows_counts counts = flows_counts(tap->flows);
    log_info("seen", log_kv("records", tap->written), log_kv("failed", tap->failed), log_kv("other_requests", counts.others),
             log_kv("packets", counts.packets), log_kv("dropped", tap->dropped));
    if (counts.joined > 0)
        log_info("answers that had begun before the capture are left out", log_kv("connections", counts.joined));
    if (tap->partial > 0)
        log_warn("not all of these was captured (timing.partial)", log_kv("records", tap->partial));
    else if (counts.lost_bytes > 0) // of packets cut short, which left no request to tell of, say
        log_warn("not all that was sent is in the capture", log_kv("missing_bytes", counts.lost_bytes));
    if (tap->dropped > 0)
        log_warn("the kernel had no room for packets: what they held is missing", log_kv("dropped", tap->dropped));
    if (counts.sealed > 0)
        log_warn("connections carry TLS, into which nobody can see: watch where it ends", log_kv("connections", counts.sealed));
    if (counts.unread > 0)
        log_warn("connections carry something else than HTTP/1", log_kv("connections", counts.unread));
    return tap->failed + tap->partial + tap->dropped + counts.sealed + counts.unread + counts.lost_bytes == 0;
}

int main(int argc, char **argv)
{
    struct err err;
    uint16_t ports[PORTS_MAX];
    static struct tap tap;
    char **command = opt_parse(argc, argv, specs, "watch requests and answers as they cross the wire");
    size_t count = read_ports(ports);
    if (!opt.file == !opt.interface)
        opt_fail("wants one of -i and -r");
    if (opt.file && *command)
        opt_fail("-r: a command is for -i");
    tap.command_out = opt.output ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : STDERR_FILENO;
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    tap.form = (struct seen_form){.start_ns = TIMING_NEVER, .shows = opt.text ? SEEN_TEXTS : SEEN_LENGTHS};
    if (describe(&tap, ports, count, &err) < 0)
        die(EXIT_CANNOT, &err);
    tap.flows = flows_new(&(struct flows_options){.ports = ports, .port_count = count, .done = on_seen, .arg = &tap,
                                                  .bodies = opt.text ? FLOWS_KEEP_BODIES : FLOWS_DROP_BODIES}, &err);
    if (!tap.flows || (opt.file && !(tap.capture = capture_read_file(opt.file, &err))))
        die(EXIT_CANNOT, &err);
    if (opt.file)
        read_packets(&tap);
    else if (watch(&tap, command, ports, count, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (!tap.broken && flows_finish(tap.flows, tap.latest_ns, &err) < 0)
        stop(&tap, &err);
    if (tap.broken)
        die(EXIT_CANNOT, &tap.err);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    bool whole = sum_up(&tap);
    int status = *command ? command_exit(&tap.command) : EXIT_DONE;
    flows_free(tap.flows);
    capture_close(tap.capture);
    if (tap.stamps.loop)
        stamp_clock_release(&tap.stamps);
    loop_free(tap.loop);
    buf_release(&tap.load);
    buf_release(&tap.line);
    buf_release(&tap.scratch);
    return status != EXIT_DONE ? status : whole ? EXIT_DONE : EXIT_SOME_FAILED;
}
