/*
 * lm-compare: did it help? two runs, or two sets of runs, figure by figure
 *
 * Reads records of lm-send, or other programs' results, and prints what differs, by how much, and whether chance explains
 * it. How each interval is got is in lmutils-metrics(7); the work is in report/compare.h.
 */
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "report/compare.h"
#include "report/csv.h"
#include "report/requests.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_FIGURES = 128, MOST_SLOS = 64 };

static struct {
    int format, profile;
    const char *output, *figures;
    struct opt_list slos;
    int64_t keep, resamples, seed;
    double ci_percent;
} opt = {.keep = 1000000, .resamples = 2000, .ci_percent = 95};

static const struct opt_spec specs[] = {
    {0, "figures", OPT_STR, &opt.figures, .arg = "LIST", .help = "compare these only, such as ttft.p99,tpot.mean,request_throughput_rps"},
    {0, "slo", OPT_LIST, &opt.slos, .arg = "LIMITS", .help = "compare who kept them all, such as ttft=200ms,tpot=50ms; may be given again"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names,
     .help = "which chunks are tokens: those with content (default), or all, as in vllm"},
    {0, "ci", OPT_DOUBLE, &opt.ci_percent, .min = 1, .max = 99.999, .arg = "PERCENT", .help = "level of the intervals and verdicts (95)"},
    {0, "resamples", OPT_INT, &opt.resamples, .min = 10, .max = 1e6, .arg = "N", .help = "drawings that an interval is made of (2000)"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of these drawings (0)"},
    {0, "keep", OPT_INT, &opt.keep, .min = 0, .max = 4e9, .arg = "N",
     .help = "values kept of each kind and run; beyond, there is no interval (1000000)"},
    {0, "format", OPT_CHOICE, &opt.format, .choices = opt_formats, .help = "how to print (text)"},
    {'o', "output", OPT_STR, &opt.output, .arg = "FILE", .help = "write to FILE, by way of FILE.part"},
    {.type = OPT_END, .arg = "FILE FILE... | FILE... -- FILE... [-- FILE...]", .in_order = true},
};

static struct figure figures[MOST_FIGURES];
static struct slo slos[MOST_SLOS];

static size_t parse_figures(const char *text)
{
    size_t count = 0;
    struct err err;
    for (;; text++) {
        struct str name = {text, strcspn(text, ",")};
        if (count == MOST_FIGURES)
            opt_fail("--figures: more than %d", MOST_FIGURES);
        if (figure_parse(&figures[count++], name, &err) < 0)
            opt_reject("--figures", &err);
        if (figures[count - 1].kind == FIGURE_ATTAINMENT && figures[count - 1].slo >= opt.slos.count)
            opt_fail("--figures: attainment needs --slo, as many as it names");
        text += name.len;
        if (*text == '\0')
            return count;
    }
}

/* Each latency by its mean and three percentiles, then what is one number a run. */
static size_t usual_figures(void)
{
    static const enum metric metrics[] = {METRIC_TTFT, METRIC_TPOT, METRIC_ITL, METRIC_E2E};
    static const double percentiles[] = {50, 90, 99};
    static const enum figure_kind wholes[] = {FIGURE_REQUESTS_RPS, FIGURE_OUTPUT_TPS, FIGURE_SUCCESS};
    size_t count = 0;
    for (size_t i = 0; i < COUNT(metrics); i++) {
        figures[count++] = (struct figure){.kind = FIGURE_MEAN, .metric = metrics[i]};
        for (size_t p = 0; p < COUNT(percentiles); p++)
            figures[count++] = (struct figure){FIGURE_PERCENTILE, metrics[i], percentiles[p], 0};
    }
    for (size_t i = 0; i < COUNT(wholes); i++)
        figures[count++] = (struct figure){.kind = wholes[i]};
    for (size_t i = 0; i < opt.slos.count; i++)
        figures[count++] = (struct figure){.kind = FIGURE_ATTAINMENT, .slo = i};
    return count;
}

static struct compare_plan plan_of_options(void)
{
    struct err err;
    if (opt.slos.count > MOST_SLOS)
        opt_fail("--slo: more than %d", MOST_SLOS);
    for (size_t i = 0; i < opt.slos.count; i++)
        if (slo_parse(&slos[i], opt.slos.items[i], &err) < 0)
            opt_reject("--slo", &err);
    return (struct compare_plan){
        .summary = {.profile = (enum profile)opt.profile,
                    .keep = (size_t)opt.keep,
                    .slos = slos,
                    .slo_count = opt.slos.count,
                    .ci_level = opt.ci_percent / 100,
                    .resamples = (size_t)opt.resamples,
                    .seed = opt.seed},
        .figures = figures,
        .figure_count = opt.figures ? parse_figures(opt.figures) : usual_figures(),
    };
}

/* The files of one side: from the first, so many. */
struct side {
    char **paths;
    size_t count;
};

/* Each file is a side, or with "--" between, each group. */
static size_t split_sides(char **operands, struct side *sides)
{
    size_t count = 0, groups = 1;
    for (char **at = operands; *at; at++) {
        groups += strcmp(*at, "--") == 0;
        if ((*at)[0] == '-' && (*at)[1] != '\0' && strcmp(*at, "--") != 0)
            opt_fail("%s: options come before the files", *at);
    }
    for (char **at = operands; *at; at++) {
        bool between = strcmp(*at, "--") == 0;
        if (at == operands || groups == 1 || between)
            sides[count++] = (struct side){.paths = at + between};
        sides[count - 1].count += !between;
    }
    for (size_t i = 0; i < count; i++)
        if (count < 2 || sides[i].count == 0)
            count = 0;
    if (count < 2)
        opt_fail("wants two sides: FILE FILE, or FILE... -- FILE...");
    return count;
}

/* Adds the run in the file. Returns the program's status so far. */
static int read_run(struct compare *compare, char *path, enum compare_side side)
{
    struct err err = {0};
    struct request request;
    enum requests_got got;
    int status = EXIT_DONE;
    struct requests *in = requests_open((char *[]){path, NULL}, REQUESTS_ONCE, &err);
    if (!in || compare_run(compare, side, &err) < 0)
        die(EXIT_CANNOT, &err);
    while ((got = requests_next(in, &request, &err)) != REQUESTS_END) {
        if (got == REQUESTS_SUMMARY) {
            err_set(&err, ERR_MISSING, "has figures only, and no requests to compare");
            got = REQUESTS_BAD;
        }
        if (got == REQUESTS_FAILED || (got == REQUESTS_ONE && compare_add(compare, request.root, request.measured, &err) < 0))
            die(EXIT_CANNOT, &err);
        if (got == REQUESTS_BAD) {
            warn("%s: %s", requests_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        }
    }
    requests_close(in);
    return status;
}

static void name_side(const struct side *side, char name[256])
{
    if (side->count == 1)
        snprintf(name, 256, "%s", side->paths[0]);
    else
        snprintf(name, 256, "%s and %zu more", side->paths[0], side->count - 1);
}

/* What is being printed, and how far. */
struct printing {
    struct buf out;
    struct csv csv;
    size_t count;
};

static int print_pair(struct printing *to, const struct compare *compare, const char *const names[COMPARE_SIDES], struct err *err)
{
    if (opt.format == FORMAT_TEXT || opt.format == FORMAT_MD) {
        buf_add_str(&to->out, to->count++ > 0 ? STR("\n") : STR(""));
        compare_write_table(compare, names, opt.format == FORMAT_MD ? GRID_MARKDOWN : GRID_TEXT, &to->out);
    } else {
        json_object(&to->out);
        compare_write_json(compare, names, &to->out);
        json_object_end(&to->out);
    }
    if (to->out.failed)
        return err_nomem(err);
    if (opt.format == FORMAT_CSV) {
        int rc = csv_add(&to->csv, buf_str(&to->out), err);
        buf_clear(&to->out);
        return rc;
    }
    if (opt.format == FORMAT_JSON)
        buf_add_char(&to->out, '\n');
    int rc = to->out.failed ? err_nomem(err) : out_write(to->out.ptr, to->out.len, err);
    buf_clear(&to->out);
    return rc;
}

/* Every other side against the first. */
static int compare_sides(const struct side *sides, size_t count, const struct compare_plan *plan)
{
    struct err err;
    struct printing to = {0};
    char first[256], other[256];
    int status = EXIT_DONE;
    name_side(&sides[0], first);
    for (size_t i = 1; i < count; i++) {
        struct compare *compare = compare_new(plan);
        if (!compare)
            err_nomem(&err), die(EXIT_CANNOT, &err);
        for (size_t k = 0; k < sides[0].count; k++)
            status |= read_run(compare, sides[0].paths[k], COMPARE_A);
        for (size_t k = 0; k < sides[i].count; k++)
            status |= read_run(compare, sides[i].paths[k], COMPARE_B);
        name_side(&sides[i], other);
        if (compare_finish(compare, &err) < 0 || print_pair(&to, compare, (const char *const[]){first, other}, &err) < 0)
            die(EXIT_CANNOT, &err);
        compare_free(compare);
    }
    if (opt.format == FORMAT_CSV && (csv_write(&to.csv, &to.out, &err) < 0 || out_write(to.out.ptr, to.out.len, &err) < 0))
        die(EXIT_CANNOT, &err);
    csv_release(&to.csv);
    buf_release(&to.out);
    return status;
}

int main(int argc, char **argv)
{
    struct err err;
    char **operands = opt_parse(argc, argv, specs, "did it help? two runs, or two sets of runs, figure by figure");
    struct compare_plan plan = plan_of_options();
    struct side *sides = xcalloc((unsigned long)argc + 1, sizeof *sides);
    size_t count = split_sides(operands, sides);
    if (opt.output && out_to(opt.output, &err) < 0)
        die(EXIT_CANNOT, &err);
    int status = compare_sides(sides, count, &plan);
    free(sides);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
