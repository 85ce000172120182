/*
 * lm-stat: latency, throughput and goodput of what was sent
 *
 * Reads records that carry "response" and "timing", and other programs' results, and makes of them what was asked for:
 * a summary, or one for each value of a member (--by), a line a request (--each) or a second (--series), or the result
 * that vllm bench serve would write. What each figure means is in lmutils-metrics(7); the work is in report/.
 */
#include "base/clock.h"
#include "base/opt.h"
#include "base/out.h"
#include "report/follow.h"
#include "report/live.h"
#include "report/view.h"

#include <math.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_PERCENTILES = 32, MOST_SLOS = 64 };

/* Formats behind those of all programs. */
enum { FORMAT_VLLM = FORMAT_MD + 1, FORMAT_RECORDS };
static const char *const formats[] = {"text", "json", "csv", "md", "vllm", "records", NULL};

static struct {
    int format, profile;
    const char *output, *by, *percentiles, *metrics, *watch, *price;
    struct opt_list slos, set;
    int64_t keep, resamples, seed, series_ns;
    double ci_percent;
    bool each, detailed, steady, follow;
} opt = {.metrics = "ttft,tpot,itl", .series_ns = -1, .keep = 1000000, .resamples = 1000};

static const struct opt_spec specs[] = {
    {0, "by", OPT_STR, &opt.by, .arg = "MEMBER",
            .help = "a summary for each value of MEMBER, such as task or timing.load.rate_rps; file: for each FILE"},
    {0, "detailed", OPT_FLAG, &opt.detailed, .help = "every figure of each group, and not a row each; vllm: the arrays, too"},
    {0, "each", OPT_FLAG, &opt.each, .help = "print a line for each request instead"},
    {0, "slo", OPT_LIST, &opt.slos, .arg = "LIMITS",
     .help = "count who kept them all, such as ttft=200ms,tpot=50ms,itl=1s,e2e=2s; may be given again"},
    {'f', "follow", OPT_FLAG, &opt.follow,
            .help = "read FILE as it grows and show it on a terminal, until it is whole or SIGINT; then the summary"},
    {0, "series", OPT_DURATION, &opt.series_ns, .arg = "TIME", .help = "print a line for each TIME of the run instead, such as 1s"},
    {0, "steady", OPT_FLAG, &opt.steady, .help = "of the time in which the load was steady; its bounds are said"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names,
     .help = "which chunks are tokens: those with content (default), or all, as in vllm"},
    {0, "watch", OPT_STR, &opt.watch, .arg = "FILE", .help = "add what lm-watch saw meanwhile, and compare its counts"},
    {0, "price", OPT_STR, &opt.price, .arg = "FILE", .help = "add what the run cost, by a table of prices"},
    {0, "percentiles", OPT_STR, &opt.percentiles, .arg = "LIST", .help = "percentiles to print (50,75,90,95,99,99.9; vllm: 99)"},
    {0, "keep", OPT_INT, &opt.keep, .min = 0, .max = 4e9, .arg = "N",
     .help = "values kept of each kind; beyond, percentiles are within 0.025% (1000000)"},
    {0, "ci", OPT_DOUBLE, &opt.ci_percent, .min = 1, .max = 99.999, .arg = "PERCENT", .help = "give intervals of that level, by bootstrap"},
    {0, "resamples", OPT_INT, &opt.resamples, .min = 10, .max = 1e6, .arg = "N", .help = "drawings that an interval is made of (1000)"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of these drawings (0)"},
    {0, "format", OPT_CHOICE, &opt.format, .choices = formats, .help = "how to print (text)"},
    {0, "percentile-metrics", OPT_STR, &opt.metrics, .arg = "LIST", .help = "vllm: of which metrics it has figures (ttft,tpot,itl)"},
    {0, "set", OPT_LIST, &opt.set, .arg = "KEY=VALUE",
     .help = "vllm: a field that records do not hold, such as label, or one of your own; may be given again"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

static double percentiles[MOST_PERCENTILES];
static struct slo slos[MOST_SLOS];
static bool bad_beside; // a line of the watch or the prices is wrong

static void tell_beside(const char *where, const char *why)
{
    warn("%s: %s", where, why);
    bad_beside = true;
}

static size_t parse_percentiles(void)
{
    const char *text = opt.percentiles ? opt.percentiles : opt.format == FORMAT_VLLM ? "99" : "50,75,90,95,99,99.9";
    struct err err;
    size_t count;
    if (summary_parse_percentiles(text, percentiles, MOST_PERCENTILES, &count, &err) < 0)
        opt_reject("--percentiles", &err);
    return count;
}

static size_t parse_slos(void)
{
    struct err err;
    if (opt.slos.count > MOST_SLOS)
        opt_fail("--slo: more than %d", MOST_SLOS);
    for (size_t i = 0; i < opt.slos.count; i++)
        if (slo_parse(&slos[i], opt.slos.items[i], &err) < 0)
            opt_reject("--slo", &err);
    return opt.slos.count;
}

static struct summary_plan plan_of_options(void)
{
    struct summary_plan plan = {.profile = (enum profile)opt.profile,
                                .keep = (size_t)opt.keep,
                                .percentiles = percentiles,
                                .percentile_count = parse_percentiles(),
                                .slos = slos,
                                .slo_count = parse_slos(),
                                .ci_level = opt.ci_percent / 100,
                                .resamples = (size_t)opt.resamples,
                                .seed = opt.seed};
    bool lines = opt.format == FORMAT_RECORDS || opt.format == FORMAT_VLLM;
    if (opt.each + (opt.by != NULL) + (opt.series_ns > 0) + lines > 1)
        opt_fail("--each, --by, --series, --format records and --format vllm exclude each other");
    if (opt.series_ns == 0)
        opt_fail("--series: 0 is too short");
    if (opt.steady + (opt.each || lines) + (opt.series_ns > 0) + opt.follow > 1)
        opt_fail("--steady, --series and --follow are for a summary, and exclude each other");
    if (opt.follow && opt.by)
        opt_fail("--follow and --by exclude each other");
    if ((opt.watch || opt.price) && (opt.by || opt.each || opt.series_ns > 0 || lines))
        opt_fail("--watch and --price are for one summary");
    if (opt.each && plan.slo_count > 1)
        opt_fail("--each takes one --slo: slo_met is one column");
    if (opt.format == FORMAT_VLLM && (plan.slo_count > 1 || (plan.slo_count == 1 && !isnan(slos[0].limits[SLO_ITL]))))
        opt_fail("--slo: --format vllm has one, of ttft, tpot and e2e");
    return plan;
}

static struct view_plan view_of_options(const struct summary_plan *plan, struct beside *beside)
{
    struct view_plan view = {.kind = VIEW_SUMMARIES, .format = (enum opt_format)opt.format, .summary = plan, .by = opt.by,
            .series_ns = opt.series_ns};
    struct err err;
    *beside = (struct beside){.watch_path = opt.watch, .price_path = opt.price, .profile = plan->profile, .tell = tell_beside};
    view.beside = beside;
    view.detail = opt.detailed ? PRINTER_DETAILED : PRINTER_ROWS;
    if (opt.each || opt.series_ns > 0)
        view.kind = opt.each ? VIEW_EACH : VIEW_SERIES;
    if (opt.format == FORMAT_RECORDS)
        view.kind = VIEW_RECORDS;
    if (opt.format != FORMAT_VLLM)
        return view;
    view.kind = VIEW_VLLM;
    view.vllm = (struct vllm_plan){.profile = plan->profile,
                                   .percentiles = percentiles,
                                   .percentile_count = plan->percentile_count,
                                   .slo = plan->slo_count > 0 ? slos : NULL,
                                   .set = opt.set.items,
                                   .set_count = opt.set.count,
                                   .detail = opt.detailed ? VLLM_DETAILED : VLLM_PLAIN};
    if (vllm_parse_metrics(opt.metrics, &view.vllm.metrics, &err) < 0)
        opt_reject("--percentile-metrics", &err);
    return view;
}

/* Writes what out holds, and empties it. */
static void print(struct buf *out)
{
    struct err err;
    if (out->failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    if (out_write(out->ptr, out->len, &err) < 0)
        die(EXIT_CANNOT, &err);
    buf_clear(out);
}

enum reading { FIRST, AGAIN }; // again: what is wrong is reported already, and figures are taken

/* The status of the program. */
static int read_all(struct requests *in, struct view *view, enum reading reading, struct buf *out)
{
    struct err err = {0};
    struct request request;
    enum requests_got got;
    int status = EXIT_DONE;
    while ((got = requests_next(in, &request, &err)) != REQUESTS_END) {
        if (got == REQUESTS_FAILED || (got == REQUESTS_ONE && view_add(view, &request, out, &err) < 0))
            die(EXIT_CANNOT, &err);
        if (got == REQUESTS_SUMMARY && reading == FIRST && view_add_figures(view, &request, out, &err) < 0) {
            if (err.kind == ERR_NOMEM)
                die(EXIT_CANNOT, &err);
            got = REQUESTS_BAD;
        }
        if (got == REQUESTS_BAD && reading == FIRST) {
            warn("%s: %s", requests_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        }
        print(out);
    }
    return status;
}

static int read_paths(char **paths, struct view *view, struct buf *out)
{
    struct err err;
    struct requests *in = requests_open(paths, opt.steady ? REQUESTS_TWICE : REQUESTS_ONCE, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    int status = read_all(in, view, FIRST, out);
    if (opt.steady) {
        if (view_within(view, &err) < 0 || requests_again(in, &err) < 0)
            die(EXIT_CANNOT, &err);
        read_all(in, view, AGAIN, out);
    }
    requests_close(in);
    return status;
}

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* Draws what is new, if standard output is a terminal and it is time to. */
static int show(struct live *live, struct buf *out, struct err *err)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !live_is_time(live, clock_ns()))
        return 0;
    if (live_draw(live, size.ws_col, out, err) < 0)
        return -1;
    print(out);
    return out_flush(err);
}

/* Reads on until the file is whole, or somebody stops us. */
static int follow(const char *path, struct view *view, struct buf *out)
{
    struct err err;
    struct request request;
    enum follow_got got;
    int status = EXIT_DONE;
    struct live *live = live_new((enum profile)opt.profile);
    struct follow *in = live ? follow_open(path, &err) : (err_nomem(&err), NULL);
    if (!in)
        die(EXIT_CANNOT, &err);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop, .sa_flags = (int)SA_RESETHAND}, NULL); // a second one ends us
    while (!stopped && (got = follow_next(in, 100, &request, &err)) != FOLLOW_END) {
        if (got == FOLLOW_BAD) {
            warn("%s: %s", follow_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        }
        bool taken = got != FOLLOW_ONE || (view_add(view, &request, out, &err) == 0 && live_add(live, request.measured, &err) == 0);
        if (got == FOLLOW_FAILED || !taken || show(live, out, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    live_erase(live, out);
    live_free(live);
    follow_close(in);
    return status;
}

int main(int argc, char **argv)
{
    struct err err;
    struct buf out = {0};
    char **paths = opt_parse(argc, argv, specs, "latency, throughput and goodput of what was sent");
    struct summary_plan plan = plan_of_options();
    struct beside beside;
    struct view_plan view_plan = view_of_options(&plan, &beside);
    if (opt.follow && paths[0] && paths[1])
        opt_fail("--follow reads one FILE");
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    struct view *view = view_new(&view_plan, &out, &err);
    if (!view)
        die(EXIT_CANNOT, &err);
    print(&out);
    int status = opt.follow ? follow(paths[0] ? paths[0] : "-", view, &out) : read_paths(paths, view, &out);
    if (view_end(view, &out, &err) < 0)
        err.kind == ERR_PARSE ? opt_reject("--set", &err) : die(EXIT_CANNOT, &err);
    print(&out);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    view_free(view);
    beside_release(&beside);
    buf_release(&out);
    return bad_beside ? EXIT_SOME_FAILED : status;
}
