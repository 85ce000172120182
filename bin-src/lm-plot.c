/*
 * lm-plot: pictures of what lm-send measured
 *
 * Reads records that carry "response" and "timing", and what other programs wrote (report/requests.h), and draws one
 * picture of all files, by gnuplot. What the figures mean is
 * in lmutils-metrics(7); the work is in report/.
 */
#include "base/opt.h"
#include "base/out.h"
#include "jsonl/jsonl.h"
#include "report/gnuplot.h"
#include "report/plot.h"
#include "report/requests.h"
#include "report/run_files.h"

enum { MOST_PERCENTILES = 4, FORMAT_BY_NAME = -1 };

static struct {
    const char *metrics, *percentiles, *by, *x, *label, *watch, *size, *title, *output;
    int scale, profile, format;
    bool script;
} opt = {.size = "screen", .format = FORMAT_BY_NAME};

static const struct opt_spec specs[] = {
    {0, "metric", OPT_STR, &opt.metrics, .arg = "LIST", .help = "which latencies, such as ttft,tpot,itl,e2e: a panel each"},
    {0, "percentiles", OPT_STR, &opt.percentiles, .arg = "LIST", .help = "of rate (50,90,99); of pareto one (50)"},
    {0, "by", OPT_STR, &opt.by, .arg = "MEMBER", .help = "a run for each value of MEMBER, such as request.model"},
    {0, "x", OPT_STR, &opt.x, .arg = "MEMBER",
     .help = "of rate and pareto: what the load was varied by (timing.load.rate_rps or .concurrency)"},
    {0, "label", OPT_STR, &opt.label, .arg = "NAME", .help = "all files without a name of their own are one run, NAME"},
    {0, "scale", OPT_CHOICE, &opt.scale, .choices = axis_scales, .help = "of latencies; auto: as their range asks for (auto)"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names,
     .help = "which chunks are tokens: those with content (default), or all, as in vllm"},
    {0, "watch", OPT_STR, &opt.watch, .arg = "FILE", .help = "of the timeline: the samples that lm-watch took meanwhile"},
    {0, "size", OPT_STR, &opt.size, .arg = "SIZE",
     .help = "screen (800 x 500), column (85 mm), full (170 mm), or WIDTHxHEIGHT in pixels (screen)"},
    {0, "title", OPT_STR, &opt.title, .arg = "TEXT", .help = "a line above the picture"},
    {0, "format", OPT_CHOICE, &opt.format, .choices = picture_formats, .help = "of the picture (by FILE's ending, else svg)"},
    {0, "script", OPT_FLAG, &opt.script, .help = "print the gnuplot script, with its data, and draw nothing"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "sorted|cdf|tail|rate|pareto|timeline [[NAME=]FILE...]"},
};

static double percentiles[MOST_PERCENTILES];
static int status = EXIT_DONE;

/* Which of the names, with NULL or count behind them, a part of a list is. */
static int find_name(const char *option, struct str name, const char *const *names, int count)
{
    struct buf known = {0};
    for (int i = 0; i < count; i++)
        if (str_is(name, names[i]))
            return i;
    for (int i = 0; i < count; i++)
        buf_addf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
    opt_fail("%s: \"%.*s\" is none of %.*s", option, (int)(name.len < 80 ? name.len : 80), name.ptr, STR_ARG(buf_str(&known)));
}

/* The part of a list before the next comma; *list goes on behind it, or is NULL at the end. */
static struct str next_of(const char **list)
{
    struct str part = {*list, strcspn(*list, ",")};
    *list = part.ptr[part.len] == ',' ? part.ptr + part.len + 1 : NULL;
    return part;
}

static void parse_percentiles(struct plot_plan *plan)
{
    struct err err;
    for (const char *list = opt.percentiles; list;) {
        double *value = &percentiles[plan->percentile_count];
        if (plan->percentile_count == MOST_PERCENTILES)
            opt_fail("--percentiles: more than %d", MOST_PERCENTILES);
        if (num_double(next_of(&list), 0, 100, value, &err) < 0)
            opt_reject("--percentiles", &err);
        if (plan->percentile_count > 0 && *value <= value[-1])
            opt_fail("--percentiles: must ascend");
        plan->percentile_count++;
    }
    if (plan->kind == PLOT_PARETO && plan->percentile_count > 1)
        opt_fail("--percentiles: pareto takes one");
}

static void parse_metrics(struct plot_plan *plan)
{
    for (const char *list = opt.metrics; list;) {
        enum metric metric = (enum metric)find_name("--metric", next_of(&list), plot_metrics, METRIC_COUNT);
        for (size_t i = 0; i < plan->metric_count; i++)
            if (plan->metrics[i] == metric)
                opt_fail("--metric: has %s twice", plot_metrics[metric]);
        plan->metrics[plan->metric_count++] = metric;
    }
    if (plan->kind == PLOT_PARETO && plan->metric_count > 1)
        opt_fail("--metric: pareto takes one");
}

static enum picture_format format_of_options(void)
{
    const char *ending = opt.output ? strrchr(opt.output, '.') : NULL;
    if (opt.format != FORMAT_BY_NAME)
        return (enum picture_format)opt.format;
    if (!opt.output || opt.script)
        return PICTURE_SVG;
    for (int i = 0; picture_formats[i]; i++)
        if (ending && strcmp(ending + 1, picture_formats[i]) == 0)
            return (enum picture_format)i;
    opt_fail("-o: %.200s: does not end in .svg, .png or .pdf, and there is no --format", opt.output);
}

static struct plot_plan plan_of_options(const char *kind)
{
    struct err err;
    if (!kind)
        opt_fail("wants a kind first: sorted, cdf, tail, rate, pareto, timeline");
    struct plot_plan plan = {.kind = (enum plot_kind)find_name("the kind", str_of(kind), plot_kinds, PLOT_KINDS),
                             .profile = (enum profile)opt.profile,
                             .scale = (enum axis_scale)opt.scale,
                             .percentiles = percentiles,
                             .by = opt.by,
                             .x = opt.x};
    bool along = plan.kind == PLOT_RATE || plan.kind == PLOT_PARETO, timeline = plan.kind == PLOT_TIMELINE;
    if (picture_page_parse(&plan.page, opt.size, &err) < 0)
        opt_reject("--size", &err);
    plan.page.title = opt.title;
    plan.page.format = format_of_options();
    if ((opt.x || opt.percentiles) && !along)
        opt_fail("--%s: is for rate and pareto", opt.x ? "x" : "percentiles");
    if (opt.watch && !timeline)
        opt_fail("--watch: is for timeline");
    if (timeline && (opt.metrics || opt.by || opt.scale != AXIS_AUTO))
        opt_fail("--%s: is not for timeline", opt.metrics ? "metric" : opt.by ? "by" : "scale");
    parse_metrics(&plan);
    parse_percentiles(&plan);
    return plan;
}

/* What went wrong with a line is said, and the rest is drawn; without memory, or with too many runs, nothing is. */
static void report(const char *where, const struct err *err)
{
    if (err->kind == ERR_NOMEM || err->kind == ERR_RANGE)
        die(EXIT_CANNOT, err);
    warn("%s: %s", where, err->msg);
    status = EXIT_SOME_FAILED;
}

static void read_requests(struct plot *plot, const char *path, const char *label)
{
    struct err err = {0};
    struct request request;
    enum requests_got got;
    struct requests *in = requests_open((char *[]){(char *)path, NULL}, REQUESTS_ONCE, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    while ((got = requests_next(in, &request, &err)) != REQUESTS_END) {
        if (got == REQUESTS_FAILED)
            die(EXIT_CANNOT, &err);
        if (got == REQUESTS_SUMMARY)
            err_set(&err, ERR_MISSING, "has figures only, and no requests to draw");
        if (got != REQUESTS_ONE || plot_add(plot, label, request.root, request.measured, &err) < 0)
            report(requests_where(in), &err);
    }
    requests_close(in);
}

static void read_watch(struct plot *plot)
{
    struct err err = {0};
    struct jsonl_record *rec;
    enum jsonl_got got;
    struct jsonl_reader *in = jsonl_open((char *[]){(char *)opt.watch, NULL}, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, &err);
        if (got != JSONL_RECORD || plot_watch(plot, rec->root, &err) < 0)
            report(jsonl_where(in), &err);
    }
    jsonl_close(in);
}

/* An SVG says what it is. */
static int add_title(struct buf *picture, const struct plot_plan *plan, struct err *err)
{
    struct buf name = {0};
    buf_addf(&name, "lm-plot %s", plot_kinds[plan->kind]);
    int rc = name.failed ? err_nomem(err) : 0;
    if (rc == 0 && plan->page.format == PICTURE_SVG)
        rc = gnuplot_title_svg(picture, plan->page.title ? str_of(plan->page.title) : buf_str(&name), err);
    buf_release(&name);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err;
    struct buf script = {0}, picture = {0};
    char **operands = opt_parse(argc, argv, specs, "pictures of what lm-send measured");
    struct plot_plan plan = plan_of_options(operands[0]);
    struct plot *plot = plot_new(&plan);
    struct run_files files = {0};
    if (!plot || run_files_name(&files, operands + 1, opt.label, &err) < 0)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    for (size_t i = 0; i < files.count; i++) {
        const struct run_file *file = &files.items[i];
        read_requests(plot, file->path, opt.by && files.count == 1 && !opt.label ? "" : file->label);
    }
    if (opt.watch)
        read_watch(plot);
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (plot_write(plot, &script, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (!opt.script && (gnuplot_draw(buf_str(&script), &picture, &err) < 0 || add_title(&picture, &plan, &err) < 0))
        die(EXIT_CANNOT, &err);
    struct buf *result = opt.script ? &script : &picture;
    if (out_write(result->ptr, result->len, &err) < 0 || out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    plot_free(plot);
    buf_release(&script);
    buf_release(&picture);
    run_files_release(&files);
    return status;
}
