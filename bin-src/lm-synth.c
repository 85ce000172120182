/*
 * lm-synth: make what a load test is driven with, from a seed
 *
 * arrivals appends "at_ns" to each record: when lm-send is to send it.
 */
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "jsonl/jsonl.h"
#include "record/own.h"
#include "stats/arrivals.h"

#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *rate;
    int64_t seed, count;
    double burstiness;
    int arrivals;
    bool exact_span, replace;
} opt = {.arrivals = ARRIVALS_POISSON, .burstiness = 1, .count = INT64_MAX};

static const struct opt_spec specs[] = {
    {0, "rate", OPT_STR, &opt.rate, .arg = "RATE", .help = "requests a second, such as 5, or its course, such as 2:30s,2-8:1m,8"},
    {0, "arrivals", OPT_CHOICE, &opt.arrivals, .choices = arrivals_kinds, .help = "how they are spread (poisson)"},
    {0, "burstiness", OPT_DOUBLE, &opt.burstiness, .arg = "B", .help = "of gamma: below 1 they come in bursts (1)"},
    {0, "exact-span", OPT_FLAG, &opt.exact_span, .help = "the last of n at n / rate, as vllm bench serve; holds the input in memory"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 1LL << 53, .arg = "N", .help = "only the first N records"},
    {0, "seed", OPT_INT, &opt.seed, .arg = "N", .help = "of what is drawn (0)"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "cut the at_ns that is there and what follows it"},
    {.type = OPT_END, .arg = "arrivals [FILE...]"},
};

static int status = EXIT_DONE;

static void report(const char *where, const struct err *err)
{
    if (err->kind == ERR_NOMEM)
        die(EXIT_CANNOT, err);
    warn("%s: %s", where, err->msg);
    status = EXIT_SOME_FAILED;
}

/* Appends at_ns and writes the record. False: it cannot have it, and goes out as it came. */
static bool place(struct jsonl_record *rec, int64_t at_ns, const char *where)
{
    static const char *const own[] = {"at_ns", NULL};
    struct own_place there;
    struct err err;
    bool placed = own_claim(rec, own, opt.replace ? OWN_REPLACE : 0, &there, &err) == 0;
    if (placed) {
        own_cut(rec, &there);
        json_int(jsonl_append(rec, "at_ns"), at_ns);
    } else
        report(where, &err);
    if (jsonl_write(rec, &err) < 0)
        die(EXIT_CANNOT, &err);
    return placed;
}

/* The next record, at most -n of them; what is none is reported. */
static struct jsonl_record *next(struct jsonl_reader *in)
{
    struct jsonl_record *rec;
    enum jsonl_got got;
    struct err err;
    while (opt.count > 0 && (got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, &err);
        if (got == JSONL_RECORD) {
            opt.count--;
            return rec;
        }
        report(jsonl_where(in), &err);
    }
    return NULL;
}

static void stream(struct jsonl_reader *in, const struct arrivals_plan *plan)
{
    struct arrivals arrivals;
    struct jsonl_record *rec;
    struct err err;
    if (arrivals_init(&arrivals, plan, &err) < 0)
        opt_reject("--rate", &err);
    while ((rec = next(in)))
        place(rec, arrivals_next_ns(&arrivals), jsonl_where(in));
}

/* Where the whole is stretched, how many there are must be known first. */
static void stretch(struct jsonl_reader *in, const struct arrivals_plan *plan)
{
    struct buf lines = {0}, lengths = {0};
    struct jsonl_record *rec, again = {0};
    struct jdoc *doc = jdoc_new();
    struct err err;
    while ((rec = next(in))) {
        buf_add_str(&lines, rec->line);
        buf_add(&lengths, &rec->line.len, sizeof rec->line.len);
    }
    size_t n = lengths.len / sizeof(size_t), at = 0, len;
    int64_t *at_ns = calloc(n + 1, sizeof *at_ns);
    if (!doc || !at_ns || !buf_reserve(&lines, JDOC_PADDING) || lengths.failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    if (arrivals_exact_span(plan, n, at_ns, &err) < 0)
        opt_reject("--exact-span", &err);
    for (size_t i = 0; i < n; i++, at += len) {
        char where[32];
        snprintf(where, sizeof where, "record %zu", i + 1);
        memcpy(&len, lengths.ptr + i * sizeof len, sizeof len);
        if (jsonl_parse(doc, (struct str){lines.ptr + at, len}, &again, &err) < 0)
            die(EXIT_CANNOT, &err);
        place(&again, at_ns[i], where);
    }
    buf_release(&again.added);
    buf_release(&lines);
    buf_release(&lengths);
    jdoc_free(doc);
    free(at_ns);
}

int main(int argc, char **argv)
{
    static struct arrivals_leg legs[ARRIVALS_LEGS_MAX];
    struct err err = {0};
    char **operands = opt_parse(argc, argv, specs, "make what a load test is driven with, from a seed");
    if (!operands[0] || strcmp(operands[0], "arrivals") != 0)
        opt_fail("wants a kind first: arrivals");
    if (!opt.rate)
        opt_fail("arrivals: --rate: is missing");
    if (opt.burstiness != 1 && opt.arrivals != ARRIVALS_GAMMA)
        opt_fail("--burstiness: is for --arrivals gamma");
    int leg_count = arrivals_parse_rate(str_of(opt.rate), legs, &err);
    if (leg_count < 0)
        opt_reject("--rate", &err);
    struct arrivals_plan plan = {.kind = (enum arrivals_kind)opt.arrivals, .burstiness = opt.burstiness, .legs = legs,
                                 .leg_count = (size_t)leg_count, .seed = opt.seed};
    struct jsonl_reader *in = jsonl_open(operands + 1, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    (opt.exact_span ? stretch : stream)(in, &plan);
    jsonl_close(in);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
