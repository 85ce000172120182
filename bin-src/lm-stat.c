/*
 * lm-stat: latency, throughput and goodput of what was sent
 *
 * Reads records that carry "response" and "timing" and prints one summary, or one for each value of a member (--by), or
 * one line a request (--each). What each figure means is in lmutils-metrics(7); the work is in report/.
 */
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "jsonl/jsonl.h"
#include "report/csv.h"
#include "report/each.h"
#include "report/group.h"
#include "report/summary.h"

#include <stdlib.h>

enum { MOST_PERCENTILES = 32, MOST_SLOS = 64 };

static struct {
    int format, profile;
    const char *output, *by, *percentiles;
    struct opt_list slos;
    int64_t keep, resamples, seed;
    double ci_percent;
    bool each;
} opt = {.percentiles = "50,75,90,95,99,99.9", .keep = 1000000, .resamples = 1000};

static const struct opt_spec specs[] = {
    {0, "by", OPT_STR, &opt.by, .arg = "MEMBER", .help = "a summary for each value of MEMBER, such as task or timing.load.rate_rps"},
    {0, "each", OPT_FLAG, &opt.each, .help = "print a line for each request instead"},
    {0, "slo", OPT_LIST, &opt.slos, .arg = "LIMITS",
     .help = "count who kept them all, such as ttft=200ms,tpot=50ms,itl=1s,e2e=2s; may be given again"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names,
     .help = "which chunks are tokens: those with content (default), or all, as in vllm"},
    {0, "percentiles", OPT_STR, &opt.percentiles, .arg = "LIST", .help = "percentiles to print (50,75,90,95,99,99.9)"},
    {0, "keep", OPT_INT, &opt.keep, .min = 0, .max = 4e9, .arg = "N",
     .help = "values kept of each kind; beyond, percentiles are within 0.025% (1000000)"},
    {0, "ci", OPT_DOUBLE, &opt.ci_percent, .min = 1, .max = 99.999, .arg = "PERCENT", .help = "give intervals of that level, by bootstrap"},
    {0, "resamples", OPT_INT, &opt.resamples, .min = 10, .max = 1e6, .arg = "N", .help = "drawings that an interval is made of (1000)"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of these drawings (0)"},
    {0, "format", OPT_CHOICE, &opt.format, .choices = opt_formats, .help = "how to print (text)"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

static double percentiles[MOST_PERCENTILES];
static struct slo slos[MOST_SLOS];

static size_t parse_percentiles(const char *text)
{
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
                                .percentile_count = parse_percentiles(opt.percentiles),
                                .slos = slos,
                                .slo_count = parse_slos(),
                                .ci_level = opt.ci_percent / 100,
                                .resamples = (size_t)opt.resamples,
                                .seed = opt.seed};
    if (opt.each && opt.by)
        opt_fail("--each and --by exclude each other");
    if (opt.each && plan.slo_count > 1)
        opt_fail("--each takes one --slo: slo_met is one column");
    return plan;
}

/* Reads all records and gives each good one to take. The status of the program. */
static int read_all(char **paths, int (*take)(void *, const struct jsonl_record *, const struct measured *, struct err *), void *arg)
{
    struct err err = {0};
    struct jsonl_record *rec;
    struct measured request = {0};
    enum jsonl_got got;
    int status = EXIT_DONE;
    struct jsonl_reader *in = jsonl_open(paths, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, &err);
        if (got == JSONL_RECORD && measured_read(&request, rec->root, &err) < 0) {
            if (err.kind == ERR_NOMEM)
                die(EXIT_CANNOT, &err);
            got = JSONL_BAD;
        }
        if (got == JSONL_BAD) {
            warn("%s: %s", jsonl_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        } else if (take(arg, rec, &request, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    measured_release(&request);
    jsonl_close(in);
    return status;
}

struct each_state {
    struct each each;
    struct buf out;
};

static int print_lines(struct buf *out, struct err *err)
{
    if (out->failed)
        return err_nomem(err);
    int rc = out_write(out->ptr, out->len, err);
    buf_clear(out);
    return rc;
}

static int take_each(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err)
{
    struct each_state *state = arg;
    struct str id = {0};
    if (request->timing.warmup || request->timing.partial)
        return 0;
    jval_str_at(rec->root, "/id", &id);
    each_row(&state->each, request, id, &state->out);
    return print_lines(&state->out, err);
}

static int take_group(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err)
{
    struct summary *summary = groups_find(arg, rec->root, err);
    return summary ? summary_add(summary, request, err) : -1;
}

/* What is being printed, and how far. */
struct printing {
    struct buf out;
    struct csv csv;
    size_t count;
};

static void write_json(const struct group *group, struct buf *out)
{
    json_object(out);
    if (opt.by) {
        json_key(out, "group"), json_object(out);
        json_key(out, "member"), json_cstr(out, opt.by);
        if (group->key.len > 0)
            json_key(out, "value"), json_raw(out, group->key);
        json_object_end(out);
    }
    summary_write_json(group->summary, out);
    json_object_end(out);
}

static void write_heading(const struct group *group, enum grid_style style, size_t nth, struct buf *out)
{
    if (nth > 0)
        buf_add_char(out, '\n');
    if (!opt.by)
        return;
    buf_addf(out, style == GRID_MARKDOWN ? "### %s: " : "%s: ", opt.by);
    buf_add_str(out, group->key.len > 0 ? group->key : STR("(missing)"));
    buf_add_str(out, style == GRID_MARKDOWN ? STR("\n\n") : STR("\n"));
}

static int print_group(void *arg, struct group *group, struct err *err)
{
    struct printing *to = arg;
    enum grid_style style = opt.format == FORMAT_MD ? GRID_MARKDOWN : GRID_TEXT;
    if (summary_finish(group->summary, err) < 0)
        return -1;
    switch ((enum opt_format)opt.format) {
    case FORMAT_TEXT:
    case FORMAT_MD:
        write_heading(group, style, to->count, &to->out);
        summary_write_table(group->summary, style, &to->out);
        break;
    case FORMAT_JSON:
        write_json(group, &to->out);
        buf_add_char(&to->out, '\n');
        break;
    case FORMAT_CSV:
        write_json(group, &to->out);
        if (to->out.failed)
            return err_nomem(err);
        if (csv_add(&to->csv, buf_str(&to->out), err) < 0)
            return -1;
        buf_clear(&to->out);
        break;
    }
    to->count++;
    return print_lines(&to->out, err);
}

static int summarise(char **paths, const struct summary_plan *plan)
{
    struct err err;
    struct printing to = {0};
    struct groups *groups = groups_new(plan, opt.by);
    if (!groups)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    int status = read_all(paths, take_group, groups);
    if (groups_each(groups, print_group, &to, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (opt.format == FORMAT_CSV && (csv_write(&to.csv, &to.out, &err) < 0 || print_lines(&to.out, &err) < 0))
        die(EXIT_CANNOT, &err);
    csv_release(&to.csv);
    buf_release(&to.out);
    groups_free(groups);
    return status;
}

static int list(char **paths, const struct summary_plan *plan)
{
    struct err err;
    struct each_state state = {.each = {(enum opt_format)opt.format, plan->profile, plan->slo_count > 0 ? slos : NULL}};
    each_head(&state.each, &state.out);
    if (print_lines(&state.out, &err) < 0)
        die(EXIT_CANNOT, &err);
    int status = read_all(paths, take_each, &state);
    buf_release(&state.out);
    return status;
}

int main(int argc, char **argv)
{
    struct err err;
    char **paths = opt_parse(argc, argv, specs, "latency, throughput and goodput of what was sent");
    struct summary_plan plan = plan_of_options();
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    int status = opt.each ? list(paths, &plan) : summarise(paths, &plan);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
