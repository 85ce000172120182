/*
 * lm-synth: make what a load test is driven with, from a seed
 *
 * The kinds are in synth/, a file each; here are the options of all, and which of them a kind takes.
 */
#include "base/file.h"
#include "base/opt.h"
#include "base/out.h"
#include "net/header.h"
#include "record/own.h"
#include "synth/synth.h"

#include <stdlib.h>

static struct given {
    const char *input_tokens, *output_tokens, *turns, *think, *rate, *nodes, *weights;
    const char *url, *model, *key_file;
    struct opt_list headers;
    int64_t count, seed, prefixes, prefix_tokens, k;
    double burstiness, density, unreachable;
    int arrivals;
    bool special, exact_span, directed, replace;
} opt = {.arrivals = ARRIVALS_POISSON, .burstiness = 1, .density = 0.3};

static const struct opt_spec specs[] = {
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 1LL << 53, .arg = "N",
     .help = "so many items; of records that are read, the first N"},
    {0, "seed", OPT_INT, &opt.seed, .arg = "N", .help = "of what is drawn (0)"},
    {0, "input-tokens", OPT_STR, &opt.input_tokens, .arg = "DIST",
     .help = "prompts, sessions: how long a prompt is, such as 512 or uniform:100,200 (1024)"},
    {0, "output-tokens", OPT_STR, &opt.output_tokens, .arg = "DIST", .help = "prompts, sessions: how long its answer is to be (128)"},
    {0, "prefixes", OPT_INT, &opt.prefixes, .max = 1LL << 53, .arg = "K",
     .help = "prompts, sessions: K groups, each with a beginning in common"},
    {0, "prefix-tokens", OPT_INT, &opt.prefix_tokens, .min = 1, .max = 1 << 24, .arg = "L", .help = "how long those beginnings are (256)"},
    {0, "turns", OPT_STR, &opt.turns, .arg = "DIST", .help = "sessions: how many turns one has (3)"},
    {0, "think", OPT_STR, &opt.think, .arg = "DIST", .help = "sessions: the time before the next turn, such as exp:2s (0)"},
    {0, "url", OPT_STR, &opt.url, .arg = "URL", .help = "prompts, sessions: lengths are in tokens of this server; else in words"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "of the server's models this one"},
    {'H', "header", OPT_LIST, &opt.headers, .arg = "'NAME: VALUE'",
     .help = "add a header to what the server is asked; @FILE: one a line of FILE"},
    {0, "key-file", OPT_STR, &opt.key_file, .arg = "FILE", .help = "the API key (else $OPENAI_API_KEY, else none)"},
    {0, "special", OPT_FLAG, &opt.special, .help = "count the special tokens that the server adds to a text, too"},
    {0, "rate", OPT_STR, &opt.rate, .arg = "RATE", .help = "arrivals: requests a second, such as 5, or its course, such as 2:30s,2-8:1m,8"},
    {0, "arrivals", OPT_CHOICE, &opt.arrivals, .choices = arrivals_kinds, .help = "arrivals: how they are spread (poisson)"},
    {0, "burstiness", OPT_DOUBLE, &opt.burstiness, .arg = "B", .help = "arrivals: of gamma: below 1 they come in bursts (1)"},
    {0, "exact-span", OPT_FLAG, &opt.exact_span,
     .help = "arrivals: the last of n at n / rate, as vllm bench serve; holds the input in memory"},
    {0, "nodes", OPT_STR, &opt.nodes, .arg = "DIST", .help = "graph: how many nodes, 2 to 1000 (8)"},
    {0, "density", OPT_DOUBLE, &opt.density, .max = 1, .arg = "P", .help = "graph: the share of the possible edges (0.3)"},
    {0, "weights", OPT_STR, &opt.weights, .arg = "DIST", .help = "graph: the edges' weights, from 1 on (uniform:1,20)"},
    {0, "directed", OPT_FLAG, &opt.directed, .help = "graph: edges lead one way"},
    {0, "unreachable", OPT_DOUBLE, &opt.unreachable, .max = 1, .arg = "P", .help = "graph: the share of problems without a path (0)"},
    {0, "k", OPT_INT, &opt.k, .min = 1, .max = 1000, .arg = "K", .help = "graph: ask for the K shortest paths, not for one"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "filters: cut the at_ns or input that is there, and what follows it"},
    {.type = OPT_END, .arg = "prompts|sessions|arrivals|graph [FILE...]"},
};

static int status = EXIT_DONE;

static void report(const char *where, const struct err *err)
{
    if (err->kind == ERR_NOMEM)
        die(EXIT_CANNOT, err);
    warn("%s: %s", where, err->msg);
    status = EXIT_SOME_FAILED;
}

static const struct synth_kind *find_kind(const char *name)
{
    struct buf known = {0};
    const struct synth_kind *kind = name ? synth_find(name) : NULL;
    for (const struct synth_kind *any = synth_kinds; any->name; any++)
        buf_addf(&known, "%s%s", known.len ? ", " : "", any->name);
    if (!kind && name)
        opt_fail("the kind: \"%s\" is none of %.*s", name, STR_ARG(buf_str(&known)));
    if (!kind)
        opt_fail("wants a kind first: %.*s", STR_ARG(buf_str(&known)));
    buf_release(&known);
    return kind;
}

static size_t size_of(enum opt_type type)
{
    switch (type) {
    case OPT_FLAG:
        return sizeof(bool);
    case OPT_STR:
        return sizeof(const char *);
    case OPT_LIST:
        return sizeof(struct opt_list);
    case OPT_INT:
    case OPT_DURATION:
        return sizeof(int64_t);
    case OPT_DOUBLE:
        return sizeof(double);
    case OPT_CHOICE:
        return sizeof(int);
    case OPT_END:
        break;
    }
    return 0;
}

/* An option that the kind would pass over is refused, where it says anything. */
static void check_taken(const struct synth_kind *kind, const struct given *defaults)
{
    for (const struct opt_spec *spec = specs; spec->type != OPT_END; spec++) {
        const char *const *taken = kind->options;
        while (*taken && strcmp(*taken, spec->name) != 0)
            taken++;
        if (!*taken && memcmp(spec->value, (const char *)defaults + ((char *)spec->value - (char *)&opt), size_of(spec->type)) != 0)
            opt_fail("--%s: is not for %s", spec->name, kind->name);
    }
}

static void check_operands(const struct synth_kind *kind, char **files)
{
    bool filters = kind->run == synth_arrivals || (kind->run == synth_prompts && files[0]);
    if (!filters && files[0])
        opt_fail("%s: reads no file", kind->name);
    if (!filters && opt.count == 0)
        opt_fail("%s: how many? (-n N%s)", kind->name, kind->run == synth_prompts ? ", or FILE: records that get a text" : "");
    if (kind->run == synth_prompts && files[0] && (opt.input_tokens || opt.output_tokens || opt.prefixes || opt.prefix_tokens))
        opt_fail("prompts: of records that are read, meta says how long they are");
    if (kind->run == synth_prompts && !files[0] && opt.replace)
        opt_fail("--replace: is for records that are read");
    if (kind->run == synth_arrivals && !opt.rate)
        opt_fail("arrivals: --rate: is missing");
    if (opt.burstiness != 1 && opt.arrivals != ARRIVALS_GAMMA)
        opt_fail("--burstiness: is for --arrivals gamma");
    if (opt.prefix_tokens && !opt.prefixes)
        opt_fail("--prefix-tokens: needs --prefixes K");
    if (!opt.url && (opt.model || opt.headers.count || opt.key_file || opt.special))
        opt_fail("-m, -H, --key-file and --special: are for --url");
}

static struct distribution read_distribution(const char *option, const char *text, const char *usual,
                                             int (*parse)(struct distribution *, struct str, struct err *))
{
    struct distribution distribution = {0};
    struct err err;
    if (parse(&distribution, str_of(text ? text : usual), &err) < 0)
        opt_reject(option, &err);
    return distribution;
}

/* What is asked how it counts, if any is. */
static const struct tokenizer_options *server(struct tokenizer_options *options, struct buf *url, struct buf *headers)
{
    static char *line;
    struct url parsed;
    const char *key = getenv("OPENAI_API_KEY");
    struct err err;
    if (!opt.url)
        return NULL;
    if (url_parse(&parsed, opt.url, &err) < 0)
        opt_reject("--url", &err);
    buf_add(url, opt.url, strlen(opt.url) + 1);
    if (url->failed) {
        err_nomem(&err);
        die(EXIT_CANNOT, &err);
    }
    if (parsed.authority.len + parsed.query.len > 0) // they may hold a key, which all users could read in ps
        opt_conceal(opt.url);
    url_release(&parsed);
    if (header_add_all(headers, &opt.headers, &err) < 0)
        err.kind == ERR_PARSE ? opt_reject("-H", &err) : die(EXIT_CANNOT, &err);
    if (opt.key_file && file_read_line(opt.key_file, &line, &err) < 0)
        die(EXIT_CANNOT, &err);
    *options = (struct tokenizer_options){.server = {.url = url->ptr, .headers = buf_str(headers), .key = line ? line : key},
                                          .model = opt.model, .special = opt.special};
    return options;
}

static void read_plan(struct arrivals_plan *plan)
{
    static struct arrivals_leg legs[ARRIVALS_LEGS_MAX];
    struct err err;
    int count = opt.rate ? arrivals_parse_rate(str_of(opt.rate), legs, &err) : 0;
    if (count < 0)
        opt_reject("--rate", &err);
    *plan = (struct arrivals_plan){.kind = (enum arrivals_kind)opt.arrivals, .burstiness = opt.burstiness, .legs = legs,
                                   .leg_count = (size_t)count, .seed = opt.seed};
}

int main(int argc, char **argv)
{
    struct given defaults = opt;
    struct tokenizer_options tokenizer;
    struct buf url = {0}, headers = {0};
    struct err err = {0};
    char **operands = opt_parse(argc, argv, specs, "make what a load test is driven with, from a seed");
    const struct synth_kind *kind = find_kind(operands[0]);
    check_taken(kind, &defaults);
    check_operands(kind, operands + 1);
    struct synth_options options = {
        .paths = operands + 1, .count = opt.count, .seed = opt.seed, .own_flags = opt.replace ? OWN_REPLACE : 0, .report = report,
        .input_tokens = read_distribution("--input-tokens", opt.input_tokens, "1024", distribution_parse),
        .output_tokens = read_distribution("--output-tokens", opt.output_tokens, "128", distribution_parse),
        .prefixes = opt.prefixes, .prefix_tokens = opt.prefix_tokens ? opt.prefix_tokens : 256,
        .tokenizer = server(&tokenizer, &url, &headers),
        .turns = read_distribution("--turns", opt.turns, "3", distribution_parse),
        .think_ns = read_distribution("--think", opt.think, "0", distribution_parse_ns),
        .exact_span = opt.exact_span,
        .nodes = read_distribution("--nodes", opt.nodes, "8", distribution_parse),
        .weights = read_distribution("--weights", opt.weights, "uniform:1,20", distribution_parse),
        .density = opt.density, .unreachable = opt.unreachable, .k = opt.k, .directed = opt.directed,
    };
    read_plan(&options.plan);
    if (kind->run(&options, &err) < 0)
        err.kind == ERR_RANGE ? opt_fail("%s", err.msg) : die(EXIT_CANNOT, &err);
    buf_release(&url);
    buf_release(&headers);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
