/*
 * lm-stat: latency, throughput and goodput of what was sent
 *
 * Reads records that carry "response" and "timing" and prints one summary, or one for each value of a member (--by), or
 * one line a request (--each). What each figure means is in lmutils-metrics(7); the work is in report/.
 */
#include "base/opt.h"
#include "base/out.h"
#include "report/each.h"
#include "report/printer.h"
#include "report/requests.h"
#include "report/vllm.h"

#include <math.h>

enum { MOST_PERCENTILES = 32, MOST_SLOS = 64 };

/* Formats behind those of all programs. */
enum { FORMAT_VLLM = FORMAT_MD + 1, FORMAT_RECORDS };
static const char *const formats[] = {"text", "json", "csv", "md", "vllm", "records", NULL};

static struct {
    int format, profile;
    const char *output, *by, *percentiles, *metrics;
    struct opt_list slos, set;
    int64_t keep, resamples, seed;
    double ci_percent;
    bool each, detailed, steady;
} opt = {.metrics = "ttft,tpot,itl", .keep = 1000000, .resamples = 1000};

static const struct opt_spec specs[] = {
    {0, "by", OPT_STR, &opt.by, .arg = "MEMBER", .help = "a summary for each value of MEMBER, such as task or timing.load.rate_rps; file: for each FILE"},
    {0, "detailed", OPT_FLAG, &opt.detailed, .help = "every figure of each group, and not a row each; vllm: the arrays, too"},
    {0, "each", OPT_FLAG, &opt.each, .help = "print a line for each request instead"},
    {0, "slo", OPT_LIST, &opt.slos, .arg = "LIMITS",
     .help = "count who kept them all, such as ttft=200ms,tpot=50ms,itl=1s,e2e=2s; may be given again"},
    {0, "steady", OPT_FLAG, &opt.steady, .help = "of the time in which the load was steady; its bounds are said"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names,
     .help = "which chunks are tokens: those with content (default), or all, as in vllm"},
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

static size_t parse_percentiles(void)
{
    const char *text = opt.percentiles ? opt.percentiles : opt.format == FORMAT_VLLM ? "99" : "50,75,90,95,99,99.9";
    size_t count = 0;
    struct err err;
    for (;;) {
        size_t len = strcspn(text, ",");
        if (count == MOST_PERCENTILES)
            opt_fail("--percentiles: more than %d", MOST_PERCENTILES);
        if (num_double((struct str){text, len}, 0, 100, &percentiles[count], &err) < 0)
            opt_reject("--percentiles", &err);
        if (count > 0 && percentiles[count] <= percentiles[count - 1])
            opt_fail("--percentiles: must ascend");
        count++;
        if (text[len] == '\0')
            return count;
        text += len + 1;
    }
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
    if (opt.each && opt.by)
        opt_fail("--each and --by exclude each other");
    if (opt.each && plan.slo_count > 1)
        opt_fail("--each takes one --slo: slo_met is one column");
    if (opt.format == FORMAT_VLLM && (opt.each || opt.by || plan.slo_count > 1 || (plan.slo_count == 1 && !isnan(slos[0].limits[SLO_ITL]))))
        opt_fail("--format vllm is one object: without --each and --by, and with one --slo at most, of ttft, tpot and e2e");
    return plan;
}

/* What each mode does with what is read. */
struct taker {
    int (*request)(void *arg, const struct request *request, struct err *err);
    int (*summary)(void *arg, const struct request *summary, struct err *err); // NULL: it has no use for figures alone
    void *arg;
    bool again; // all was reported the first time
};

/* Gives each request to take. The status of the program. */
static int read_all(struct requests *in, const struct taker *take)
{
    struct err err = {0};
    struct request request;
    enum requests_got got;
    int status = EXIT_DONE;
    while ((got = requests_next(in, &request, &err)) != REQUESTS_END) {
        if (got == REQUESTS_SUMMARY && !take->summary)
            got = REQUESTS_BAD, err_set(&err, ERR_MISSING, "holds figures only, and no requests");
        if (got == REQUESTS_BAD && take->again)
            continue;
        if (got == REQUESTS_BAD) {
            warn("%s: %s", requests_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        } else if (got == REQUESTS_FAILED || (got == REQUESTS_ONE ? take->request : take->summary)(take->arg, &request, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    return status;
}

/* Writes what out holds, and empties it. */
static int print(struct buf *out, struct err *err)
{
    if (out->failed)
        return err_nomem(err);
    int rc = out_write(out->ptr, out->len, err);
    buf_clear(out);
    return rc;
}

struct lines {
    struct each each;
    struct buf out;
};

static int take_each(void *arg, const struct request *request, struct err *err)
{
    struct lines *lines = arg;
    struct str id = {0};
    if (request->measured->timing.warmup)
        return 0;
    jval_str_at(request->root, "/id", &id);
    each_row(&lines->each, request->measured, id, &lines->out);
    return print(&lines->out, err);
}

static int take_record(void *arg, const struct request *request, struct err *err)
{
    struct lines *lines = arg;
    buf_add_str(&lines->out, request->line);
    buf_add_char(&lines->out, '\n');
    return print(&lines->out, err);
}

static int list(struct requests *in, const struct summary_plan *plan)
{
    struct err err;
    struct lines lines = {.each = {(enum opt_format)opt.format, plan->profile, plan->slo_count > 0 ? slos : NULL}};
    if (opt.each)
        each_head(&lines.each, &lines.out);
    if (print(&lines.out, &err) < 0)
        die(EXIT_CANNOT, &err);
    int status = read_all(in, &(struct taker){.request = opt.each ? take_each : take_record, .arg = &lines});
    buf_release(&lines.out);
    return status;
}

struct summarising {
    struct groups *groups;
    struct printer printer;
};

static int take_group(void *arg, const struct request *request, struct err *err)
{
    struct summarising *state = arg;
    struct summary *summary = groups_find(state->groups, request->root, request->file, err);
    return summary ? summary_add(summary, request->measured, err) : -1;
}

static int take_foreign(void *arg, const struct request *request, struct err *err)
{
    struct summarising *state = arg;
    return printer_foreign(&state->printer, request->file, request->root, err);
}

static int print_group(void *arg, struct group *group, struct err *err)
{
    struct summarising *state = arg;
    return printer_group(&state->printer, group, err) < 0 ? -1 : print(&state->printer.out, err);
}

static int summarise(struct requests *in, const struct summary_plan *plan)
{
    struct err err;
    struct summarising state = {.groups = groups_new(plan, opt.by),
                                .printer = {.format = (enum opt_format)opt.format, .by = opt.by, .plan = plan}};
    state.printer.detail = opt.detailed ? PRINTER_DETAILED : PRINTER_ROWS;
    if (!state.groups)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    int status = read_all(in, &(struct taker){.request = take_group, .summary = take_foreign, .arg = &state});
    if (opt.steady) {
        if (groups_within(state.groups, &err) < 0 || requests_again(in, &err) < 0)
            die(EXIT_CANNOT, &err);
        read_all(in, &(struct taker){.request = take_group, .arg = &state, .again = true});
    }
    if (groups_each(state.groups, print_group, &state, &err) < 0 || printer_end(&state.printer, &err) < 0 || print(&state.printer.out, &err) < 0)
        die(EXIT_CANNOT, &err);
    printer_release(&state.printer);
    groups_free(state.groups);
    return status;
}

static int take_vllm(void *arg, const struct request *request, struct err *err)
{
    return vllm_add(arg, request->root, request->measured, err);
}

static int write_vllm(struct requests *in, const struct summary_plan *plan)
{
    struct err err;
    struct buf out = {0};
    struct vllm_plan vllm_plan = {.percentiles = percentiles,
                                  .percentile_count = plan->percentile_count,
                                  .slo = plan->slo_count > 0 ? slos : NULL,
                                  .set = opt.set.items,
                                  .set_count = opt.set.count,
                                  .detail = opt.detailed ? VLLM_DETAILED : VLLM_PLAIN};
    if (vllm_parse_metrics(opt.metrics, &vllm_plan.metrics, &err) < 0)
        opt_reject("--percentile-metrics", &err);
    struct vllm *vllm = vllm_new(&vllm_plan);
    if (!vllm)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    int status = read_all(in, &(struct taker){.request = take_vllm, .arg = vllm});
    if (vllm_write(vllm, &out, &err) < 0)
        opt_reject("--set", &err);
    buf_add_char(&out, '\n');
    if (print(&out, &err) < 0)
        die(EXIT_CANNOT, &err);
    vllm_free(vllm);
    buf_release(&out);
    return status;
}

int main(int argc, char **argv)
{
    struct err err;
    char **paths = opt_parse(argc, argv, specs, "latency, throughput and goodput of what was sent");
    struct summary_plan plan = plan_of_options();
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    struct requests *in = requests_open(paths, opt.steady ? REQUESTS_TWICE : REQUESTS_ONCE, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    int status = opt.format == FORMAT_VLLM                    ? write_vllm(in, &plan)
                 : opt.each || opt.format == FORMAT_RECORDS ? list(in, &plan)
                                                            : summarise(in, &plan);
    requests_close(in);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
