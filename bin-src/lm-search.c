/*
 * lm-search: the highest rate that keeps an SLO; or a run again and again, until a figure is known well enough
 *
 * Each trial is a run of lm-send, whose records are kept in a folder: the same command goes on with them. Which load is
 * tried next, and when it is enough, says search/search.h.
 */
#include "base/json.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "report/figure.h"
#include "search/found.h"
#include "search/judge.h"
#include "search/prompts.h"
#include "search/search.h"
#include "stats/student.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_RUNS = 1000, LEAST_REQUESTS = 300, MAY_FAIL = 5, NUMBER_SIZE = 32 };

static struct {
    const char *slo, *attain, *rate, *concurrency, *until, *precision, *output;
    int64_t count, window_ns, warmup, least, most, drain_ns, seed;
    int format, profile;
    double ci_percent;
} opt = {.attain = "99%", .precision = "5%", .window_ns = 10 * NS_PER_S, .warmup = -1, .least = 5, .most = 40,
         .drain_ns = 60 * NS_PER_S, .ci_percent = 95};

static const struct opt_spec specs[] = {
    {0, "slo", OPT_STR, &opt.slo, .arg = "LIMITS", .help = "search: what is to be kept, such as ttft=200ms,tpot=50ms"},
    {0, "attain", OPT_STR, &opt.attain, .arg = "PERCENT", .help = "by so many of a trial's requests (99%)"},
    {0, "rate", OPT_STR, &opt.rate, .arg = "LOW:HIGH", .help = "the highest rate within, requests a second"},
    {'c', "concurrency", OPT_STR, &opt.concurrency, .arg = "LOW:HIGH", .help = "or the highest number of requests at a time"},
    {0, "until", OPT_STR, &opt.until, .arg = "FIGURE:PERCENT", .help = "no search: repeat the run until ttft.p99 (or so) is known to 5%"},
    {0, "precision", OPT_STR, &opt.precision, .arg = "PERCENT", .help = "search until the interval reaches no further to each side (5%)"},
    {0, "ci", OPT_DOUBLE, &opt.ci_percent, .min = 50, .max = 99.999, .arg = "PERCENT", .help = "level of the interval (95)"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 9e9, .arg = "N",
     .help = "requests judged in a trial (of which 5 may fail, 300 at least); of a run (all)"},
    {0, "window", OPT_DURATION, &opt.window_ns, .help = "and at so many as are due in TIME (10s)"},
    {0, "warmup", OPT_INT, &opt.warmup, .min = 0, .max = 9e9, .arg = "N", .help = "requests before them, not judged (a tenth; of a run 0)"},
    {0, "least", OPT_INT, &opt.least, .min = 2, .max = MOST_RUNS, .arg = "N", .help = "runs, whatever the interval (5)"},
    {0, "most", OPT_INT, &opt.most, .min = 1, .max = MOST_RUNS, .arg = "N", .help = "trials or runs, then it is enough (40)"},
    {0, "drain", OPT_DURATION, &opt.drain_ns, .help = "let what is in flight end for so long after a trial has failed (60s)"},
    {0, "profile", OPT_CHOICE, &opt.profile, .choices = profile_names, .help = "which chunks are tokens (content)"},
    {0, "seed", OPT_INT, &opt.seed, .min = 0, .max = 9e15, .arg = "N", .help = "of the first trial's arrivals; each has the next (0)"},
    {0, "format", OPT_CHOICE, &opt.format, .choices = opt_formats, .help = "how to print the result (text)"},
    {'o', "output", OPT_STR, &opt.output, .arg = "DIR", .help = "keep the records there; the same command goes on with them"},
    {.type = OPT_END, .arg = "-o DIR FILE... [-- LM-SEND-OPTION...]", .in_order = true},
};

static struct prompts prompts;
static struct found found = {.attain = NAN, .result = NAN, .low = NAN, .high = NAN};
static char **passed; // lm-send's options

/* "5%" or "5", as a share. */
static double share_of(const char *option, struct str text)
{
    struct err err;
    double percent;
    text.len -= text.len > 0 && text.ptr[text.len - 1] == '%';
    if (num_double(text, 0.001, 99.999, &percent, &err) < 0)
        opt_reject(option, &err);
    return percent / 100;
}

static void range_of(const char *option, const char *text, double *low, double *high)
{
    struct err err;
    size_t len = strcspn(text, ":");
    if (text[len] != ':')
        opt_fail("%s: \"%s\" is no range such as 1:100", option, text);
    if (num_double((struct str){text, len}, 1e-6, 1e7, low, &err) < 0 || num_double(str_of(text + len + 1), 1e-6, 1e7, high, &err) < 0)
        opt_reject(option, &err);
    if (*low >= *high)
        opt_fail("%s: the first must be less than the second", option);
}

static void report(const char *where, const char *why)
{
    warn("%s: %s", where, why);
}

/* Files, and behind "--" what is for lm-send. */
static void split_operands(char **operands)
{
    char **at = operands;
    while (*at && strcmp(*at, "--") != 0) {
        if ((*at)[0] == '-' && (*at)[1] != '\0')
            opt_fail("%s: options come before the files, lm-send's behind --", *at);
        at++;
    }
    if (at == operands)
        opt_fail("wants a FILE of requests (-: standard input)");
    passed = *at ? at + 1 : at;
    *at = NULL;
}

/* What the folder's records are made with; another search must not take them for its own. */
static void settle_folder(char **paths)
{
    struct buf settings = {0};
    struct err err;
    char **const lists[] = {paths, passed};
    static const char *const names[] = {"requests", "lm-send"};
    const int64_t numbers[] = {opt.count, opt.warmup, opt.window_ns, opt.seed};
    json_object(&settings);
    for (size_t i = 0; i < COUNT(lists); i++) {
        json_key(&settings, names[i]), json_array(&settings);
        for (char **at = lists[i]; *at; at++)
            json_cstr(&settings, *at);
        json_array_end(&settings);
    }
    json_key(&settings, "lm-search"), json_array(&settings);
    json_cstr(&settings, opt.slo ? opt.slo : ""), json_cstr(&settings, opt.until ? "" : opt.attain);
    json_cstr(&settings, profile_names[opt.profile]);
    for (size_t i = 0; i < COUNT(numbers); i++)
        json_int(&settings, numbers[i]);
    json_array_end(&settings);
    json_object_end(&settings);
    buf_add_char(&settings, '\n');
    if (settings.failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    if (sender_settle(opt.output, buf_str(&settings), &err) < 0)
        err.kind == ERR_EXISTS ? opt_reject("-o", &err) : die(EXIT_CANNOT, &err);
    buf_release(&settings);
}

/* A run of lm-send, or the records of a former one, into the file of that name. */
static struct found_trial run_load(struct sender *sender, char *const *own, size_t requests)
{
    struct err err;
    bool fresh = prompts.rounds == 0;
    sender->options[0] = passed, sender->options[1] = own;
    sender->drain_ns = opt.drain_ns;
    if (sender_run(sender, &prompts, requests, &err) < 0)
        die(EXIT_CANNOT, &err);
    if (fresh && prompts.rounds > 0 && !opt.until)
        log_warn("the requests begin again: a prefix cache may know them", log_kv("requests", prompts.count));
    if (sender->how == SENDER_KILLED)
        log_warn("what was in flight did not end in time: the server may be busy with it still", log_kv("file", sender->path));
    return (struct found_trial){.load = NAN, .value = NAN, .throughput_rps = NAN, .sent = sender->records, .file = sender->path,
                                .how = sender_hows[sender->how]};
}

static void try_load(struct search *search, struct judge *judge, enum search_kind kind, double wanted)
{
    struct err err;
    const char *word = kind == SEARCH_RATE ? "rate" : "concurrency";
    char path[PATH_MAX], load_text[NUMBER_SIZE], warmup_text[NUMBER_SIZE], seed_text[NUMBER_SIZE];
    snprintf(load_text, sizeof load_text, "%.6g", wanted);
    double load = strtod(load_text, NULL); // what lm-send, a file's name and the search go by is one number
    size_t requests = search_requests(search, load), nth = 1, warmup = opt.warmup >= 0 ? (size_t)opt.warmup : (requests + 9) / 10;
    for (size_t i = 0; i < found.count; i++)
        nth += found.trials[i].load == load ? 1 : 0;
    if (trial_init(&judge->trial, requests, found.attain, &err) < 0)
        die(EXIT_CANNOT, &err);
    snprintf(path, sizeof path, "%s/%s-%s-%zu.jsonl", opt.output, word, load_text, nth);
    snprintf(warmup_text, sizeof warmup_text, "%zu", warmup);
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)opt.seed + found.count);
    struct sender sender = {.path = path, .take = judge_take, .arg = judge};
    char *const own[] = {kind == SEARCH_RATE ? "--rate" : "-c", load_text, "--warmup", warmup_text, "--seed", seed_text, NULL};
    struct found_trial trial = run_load(&sender, own, requests + warmup);
    if (judge_end(judge, sender.path, &err) < 0)
        die(EXIT_CANNOT, &err);
    trial.load = load;
    trial.outcome = judge->trial.state == TRIAL_KEPT ? "kept" : "failed";
    trial.judged = judge->trial.judged, trial.not_met = judge->trial.not_met;
    trial.throughput_rps = trial_throughput_rps(&judge->trial);
    search_add(search, load, &judge->trial);
    log_info("trial", log_kv(word, load), log_kv("slo", trial.outcome), log_kv("not_met", trial.not_met), log_kv("of", trial.judged));
    if (found_add(&found, &trial, &err) < 0)
        die(EXIT_CANNOT, &err);
    trial_release(&judge->trial);
}

static void search_load(char **paths)
{
    struct err err;
    struct judge judge = {.profile = (enum profile)opt.profile};
    struct search_plan plan = {.kind = opt.rate ? SEARCH_RATE : SEARCH_CONCURRENCY, .precision = found.precision, .level = found.level,
                               .requests = (size_t)opt.count, .least_s = (double)opt.window_ns / 1e9, .most_trials = (size_t)opt.most};
    found.attain = share_of("--attain", str_of(opt.attain));
    range_of(opt.rate ? "--rate" : "-c", opt.rate ? opt.rate : opt.concurrency, &plan.low, &plan.high);
    if (slo_parse(&judge.slo, opt.slo, &err) < 0)
        opt_reject("--slo", &err);
    if (opt.count == 0) // fewer would fail by too little
        plan.requests = (size_t)fmax(LEAST_REQUESTS, ceil(MAY_FAIL / (1 - found.attain) - 1e-9));
    settle_folder(paths);
    struct search *search = search_new(&plan);
    if (!search)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    for (double load; !isnan(load = search_next(search));)
        try_load(search, &judge, plan.kind, load);
    struct search_result result = search_result(search);
    found.subject = "slo", found.about = opt.slo, found.unit = opt.rate ? "rate_rps" : "concurrency";
    found.label = opt.rate ? "requests/s" : "concurrency", found.digits = opt.rate ? 3 : 0;
    found.state = search_states[result.state];
    if (result.state == SEARCH_FOUND || result.state == SEARCH_UNSURE)
        found.result = result.load, found.low = result.low, found.high = result.high;
    search_free(search);
}

static int summarise(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err)
{
    (void)rec;
    return summary_add(arg, request, err) < 0 ? -1 : SENDER_GO_ON;
}

/* One more run, and its figure. */
static double repeat_run(const struct figure *figure, const struct summary_plan *plan)
{
    struct err err;
    char path[PATH_MAX], warmup_text[NUMBER_SIZE], seed_text[NUMBER_SIZE];
    struct summary *summary = summary_new(plan);
    if (!summary)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    snprintf(path, sizeof path, "%s/run-%zu.jsonl", opt.output, found.count + 1);
    snprintf(warmup_text, sizeof warmup_text, "%lld", opt.warmup > 0 ? (long long)opt.warmup : 0);
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)opt.seed + found.count);
    struct sender sender = {.path = path, .take = summarise, .arg = summary};
    char *const own[] = {"--warmup", warmup_text, "--seed", seed_text, NULL};
    struct found_trial trial = run_load(&sender, own, opt.count > 0 ? (size_t)opt.count : prompts.count);
    if (summary_finish(summary, &err) < 0)
        die(EXIT_CANNOT, &err);
    trial.value = figure_of(summary, figure) / figure_unit(figure);
    summary_free(summary);
    if (isnan(trial.value))
        err_set(&err, ERR_MISSING, "%s: no request has such a figure", sender.path), die(EXIT_CANNOT, &err);
    log_info("run", log_kv("figure", trial.value), log_kv("records", trial.sent));
    if (found_add(&found, &trial, &err) < 0)
        die(EXIT_CANNOT, &err);
    return trial.value;
}

static void repeat(char **paths)
{
    static double values[MOST_RUNS];
    static char name[FIGURE_NAME_SIZE], label[FIGURE_NAME_SIZE];
    struct err err;
    struct figure figure;
    struct slo slo;
    struct summary_plan plan = {.profile = (enum profile)opt.profile, .keep = 1000000, .slos = &slo, .slo_count = opt.slo ? 1 : 0};
    size_t len = strcspn(opt.until, ":");
    if (opt.until[len] != ':')
        opt_fail("--until: \"%s\" is not such as ttft.p99:5%%", opt.until);
    found.precision = share_of("--until", str_of(opt.until + len + 1));
    if (figure_parse(&figure, (struct str){opt.until, len}, &err) < 0)
        opt_reject("--until", &err);
    if (opt.slo && slo_parse(&slo, opt.slo, &err) < 0)
        opt_reject("--slo", &err);
    if (figure.kind == FIGURE_ATTAINMENT && (!opt.slo || figure.slo > 0))
        opt_fail("--until: attainment needs --slo");
    settle_folder(paths);
    bool narrow = false;
    while (!narrow && found.count < (size_t)opt.most) {
        double value = repeat_run(&figure, &plan);
        values[found.count - 1] = value;
        struct student_sample sample = student_sample(values, found.count);
        double half = student_half_width(sample, found.level);
        found.result = sample.mean, found.low = sample.mean - half, found.high = sample.mean + half;
        narrow = found.count >= (size_t)opt.least && half <= found.precision * fabs(sample.mean);
    }
    figure_name(&figure, name), figure_label(&figure, label);
    found.subject = "figure", found.about = name, found.unit = "value", found.label = label, found.digits = 3;
    found.state = search_states[narrow ? SEARCH_FOUND : SEARCH_UNSURE];
}

int main(int argc, char **argv)
{
    struct err err;
    char **paths = opt_parse(argc, argv, specs, "the highest rate that keeps an SLO, or a run repeated until a figure is known");
    split_operands(paths);
    if (!opt.output)
        opt_fail("wants -o DIR: the records go there");
    if ((opt.rate != NULL) + (opt.concurrency != NULL) + (opt.until != NULL) != 1)
        opt_fail("wants one of --rate, -c and --until");
    if (!opt.until && !opt.slo)
        opt_fail("--slo: what is to be kept");
    found.level = opt.ci_percent / 100;
    found.precision = share_of("--precision", str_of(opt.precision));
    if (prompts_read(&prompts, paths, report, &err) < 0)
        die(EXIT_CANNOT, &err);
    opt.until ? repeat(paths) : search_load(paths);
    struct buf out = {0};
    if (found_write(&found, (enum opt_format)opt.format, &out, &err) < 0 || out_write(out.ptr, out.len, &err) < 0 || out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    bool is_found = strcmp(found.state, search_states[SEARCH_FOUND]) == 0;
    buf_release(&out);
    found_release(&found);
    prompts_release(&prompts);
    return is_found ? EXIT_DONE : EXIT_SOME_FAILED;
}
