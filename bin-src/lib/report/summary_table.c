/* report/summary_table.c: the summary as tables for people; see summary.h */
#include "base/num.h"
#include "report/summary.h"

#include <math.h>

_Static_assert(QUANTILES_ERROR_PARTS >= 4000, "what the tables and the manual say of a sketch");

/* Adds "NAME N" of each that there is, with commas between. Returns how many there were. */
static int add_counts(struct buf *out, const char *const *names, const uint64_t *counts, int from, int to)
{
    int some = 0;
    for (int i = from; i < to; i++)
        if (counts[i] > 0)
            buf_addf(out, "%s%s %llu", some++ > 0 ? ", " : "", names[i] ? names[i] : "other", (unsigned long long)counts[i]);
    return some;
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* A line of the first table: its name, and what was written onto scratch, which is empty again after. */
static void fact(struct grid *grid, const char *name, struct buf *scratch)
{
    grid_cell(grid, "%s", name);
    grid_cell(grid, "%.*s", STR_ARG(buf_str(scratch)));
    grid->text.failed = grid->text.failed || scratch->failed;
    buf_clear(scratch);
}

static void number(struct grid *grid, const char *name, double value, const char *unit)
{
    if (isnan(value))
        return;
    grid_cell(grid, "%s", name);
    grid_cell(grid, "%.2f%s", value, unit);
}

static void add_requests(const struct summary *summary, struct buf *out)
{
    buf_addf(out, "%llu completed", (unsigned long long)summary->completed);
    if (summary->failed > 0) {
        buf_addf(out, ", %llu failed (", (unsigned long long)summary->failed);
        add_counts(out, failure_names, summary->errors, FAILURE_NONE, FAILURE_COUNT);
        buf_add_char(out, ')');
    }
    if (summary->cancelled > 0)
        buf_addf(out, ", %llu cancelled on request", (unsigned long long)summary->cancelled);
    if (summary->retries > 0)
        buf_addf(out, ", %llu %s", (unsigned long long)summary->retries, plural(summary->retries, "retry", "retries"));
    if (summary->batched > 0)
        buf_addf(out, ", %llu of them sent in %llu %s", (unsigned long long)summary->batched, (unsigned long long)summary->batches,
                 plural(summary->batches, "batch", "batches"));
    if (summary->warmup > 0)
        buf_addf(out, ", %llu warm-up left out", (unsigned long long)summary->warmup);
    if (summary->partial > 0)
        buf_addf(out, ", %llu captured in part left out", (unsigned long long)summary->partial);
}

static void add_tokens(const struct summary *summary, struct buf *out)
{
    uint64_t uncounted = summary->sources[TOKENS_UNCOUNTED];
    buf_addf(out, "%llu in, %llu out, counted by ", (unsigned long long)summary->input_tokens, (unsigned long long)summary->output_tokens);
    if (add_counts(out, token_sources, summary->sources, TOKENS_UNCOUNTED + 1, TOKENS_COUNT) == 0)
        buf_add_str(out, STR("nobody"));
    if (summary->cached_said > 0)
        buf_addf(out, "; %llu in from the server's cache (%.2f%%)", (unsigned long long)summary->cached_tokens,
                 100 * summary_share(summary->cached_tokens, summary->cached_of));
    if (uncounted > 0)
        buf_addf(out, "; of %llu %s not counted, and not in these sums", (unsigned long long)uncounted,
                 plural(uncounted, "request", "requests"));
}

static void add_verdict(const struct summary_client *client, struct buf *out)
{
    buf_add_str(out, client->bottleneck ? STR("THE BOTTLENECK (") : STR("not the bottleneck"));
    for (int i = 0, some = 0; i < SUMMARY_REASONS; i++)
        if (client->reasons[i])
            buf_addf(out, "%s%s", some++ > 0 ? ", " : "", summary_reasons[i]);
    if (client->bottleneck)
        buf_add_char(out, ')');
}

/* What the verdict on the client rests on. */
static void client_facts(struct grid *grid, const struct summary_client *client, struct buf *scratch)
{
    const struct quantiles *lag = client->send_lag;
    if (client->chunks > 0) {
        buf_addf(scratch, "%llu of %llu %s (%.3f%%)", (unsigned long long)client->late, (unsigned long long)client->chunks,
                 plural(client->chunks, "chunk", "chunks"), 100 * summary_share(client->late, client->chunks));
        fact(grid, "  late", scratch);
    }
    if (add_counts(scratch, timing_clocks, client->clocks, 0, TIMING_CLOCK_COUNT) > 0)
        fact(grid, "  clock", scratch);
    if (quantiles_count(lag) > 0) {
        buf_addf(scratch, "p99 %.3f ms, max %.3f ms", quantiles_at(lag, 0.99) / 1e6, quantiles_moments(lag).max / 1e6);
        fact(grid, "  send lag", scratch);
    }
    if (client->read_lag_ns != TIMING_NEVER) {
        buf_addf(scratch, "max %.3f ms", (double)client->read_lag_ns / 1e6);
        fact(grid, "  read lag", scratch);
    }
    if (client->cpu >= 0) {
        buf_addf(scratch, "max %.0f%% of a core", 100 * client->cpu);
        fact(grid, "  cpu", scratch);
    }
}

/* JSON of one level as words: mode closed, concurrency 4. */
static void add_words(struct buf *out, struct str json)
{
    bool within = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (within && c == '\\' && i + 1 < json.len)
            buf_add_char(out, json.ptr[++i]);
        else if (c == '"')
            within = !within;
        else if (within || !strchr("{}[],:", c))
            buf_add_char(out, c);
        else if (c == ',' || c == ':')
            buf_add_str(out, c == ',' ? STR(", ") : STR(" "));
    }
}

/* How the load was driven, where that is the same in all parts. */
static void add_load(const struct summary *summary, struct buf *out)
{
    for (size_t i = 1; i < summary->part_count; i++)
        if (!str_eq(buf_str(&summary->parts[i].load), buf_str(&summary->parts[0].load))) {
            buf_add_str(out, STR("NOT ALIKE in the parts of these records: see --by and --format json"));
            return;
        }
    if (summary->part_count > 0)
        add_words(out, buf_str(&summary->parts[0].load));
}

/* How many shards of the load have records here, in the part where that is worst. */
static void add_shards(const struct summary *summary, struct buf *out)
{
    const struct shards *worst = NULL;
    for (size_t i = 0; i < summary->part_count; i++) {
        const struct shards *shards = &summary->parts[i].shards;
        if (shards->count > 0 && (!worst || shards->count - shards->there > worst->count - worst->there))
            worst = shards;
    }
    if (worst)
        buf_addf(out, "%lld of %lld%s", (long long)worst->there, (long long)worst->count, worst->there < worst->count ? ", NOT ALL" : "");
}

static void add_saturation(const struct backlog *backlog, struct buf *out)
{
    buf_addf(out, "%s: ", backlog->grows ? "OVER-SATURATED" : "not over-saturated");
    if (backlog->grows)
        buf_addf(out, "the queue grew by %.2f requests/s, %.0f%% of what arrived, to %.0f in all", backlog->growth_per_s,
                 100 * backlog->share, backlog->to_n);
    else
        buf_addf(out, "%.1f in the server or waiting at the end, %.1f before", backlog->to_n, backlog->from_n);
}

/* Of one part its bounds, of more their sum. */
static void add_steady(const struct summary *summary, struct buf *out)
{
    double whole_s = 0, steady_s = 0;
    const struct steady *last = NULL;
    for (size_t i = 0; i < summary->part_count; i++) {
        const struct steady *steady = summary_steady(summary, &summary->parts[i]);
        whole_s += isnan(summary->whole->parts[i].duration_s) ? 0 : summary->whole->parts[i].duration_s;
        steady_s += summary_steady_s(steady);
        last = steady ? steady : last;
    }
    if (!last)
        buf_addf(out, "NONE: nothing is left of %.2f s", whole_s);
    else {
        if (summary->part_count == 1)
            buf_addf(out, "from %.2f s to %.2f s: ", (double)last->from_ns / NS_PER_S, (double)last->to_ns / NS_PER_S);
        buf_addf(out, "%.2f of %.2f s%s, %llu %s outside", steady_s, whole_s, summary_is_short(steady_s, whole_s) ? " (SHORT)" : "",
                 (unsigned long long)summary->outside, plural(summary->outside, "request", "requests"));
    }
}

static void write_facts(const struct summary *summary, enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 2, .flags = GRID_LEFT};
    struct buf scratch = {0};
    if (style == GRID_MARKDOWN)
        grid_cell(&grid, "figure"), grid_cell(&grid, "value");
    add_load(summary, &scratch);
    if (scratch.len > 0)
        fact(&grid, "load", &scratch);
    add_shards(summary, &scratch);
    if (scratch.len > 0)
        fact(&grid, "shards", &scratch);
    if (summary->whole)
        add_steady(summary, &scratch), fact(&grid, "steady state", &scratch);
    if (summary->saturated)
        add_saturation(&summary->saturated->course.backlog, &scratch), fact(&grid, "saturation", &scratch);
    add_requests(summary, &scratch), fact(&grid, "requests", &scratch);
    number(&grid, "success rate", 100 * summary_share(summary->completed, summary_offered(summary)), "%");
    number(&grid, "duration", summary->duration_s, " s");
    number(&grid, "requests/s", summary->request_rps, "");
    number(&grid, "input tokens/s", summary->input_tps, "");
    number(&grid, "output tokens/s", summary->output_tps, "");
    if (isnan(summary->input_tps)) // else it is the same
        number(&grid, "total tokens/s", summary->total_tps, "");
    add_tokens(summary, &scratch), fact(&grid, "tokens", &scratch);
    if (summary->peak >= 0) {
        buf_addf(&scratch, "%lld%s (vllm's way: %lld)", (long long)summary->peak,
                 summary->peak_exact ? "" : " at most, by one-second buckets", (long long)summary->vllm_peak);
        fact(&grid, "peak concurrency", &scratch);
    }
    add_verdict(&summary->client, &scratch), fact(&grid, "client", &scratch);
    client_facts(&grid, &summary->client, &scratch);
    grid_write(&grid, style, out);
    grid_release(&grid);
    buf_release(&scratch);
}

/* Two decimals, and three where all values are small. */
static int decimals(const struct quantiles *q, double unit)
{
    return quantiles_moments(q).max / unit < 10 ? 3 : 2;
}

static void interval_rows(struct grid *grid, const struct summary *summary, enum metric metric)
{
    const struct bootstrap_sample *sample = &summary->intervals[metric];
    double unit = summary_metrics[metric].unit;
    int digits = decimals(summary->values[summary->plan->profile][metric], unit);
    if (!sample->quantiles || sample->kept.count == 0)
        return;
    for (int high = 0; high < 2; high++) {
        grid_cell(grid, "  %g%% %s", 100 * summary->plan->ci_level, high ? "to" : "from");
        grid_cell(grid, "%s", "");
        grid_cell(grid, "%.*f", digits, (high ? sample->mean.high : sample->mean.low) / unit);
        grid_cell(grid, "%s", ""), grid_cell(grid, "%s", "");
        for (size_t i = 0; i < summary->plan->percentile_count; i++)
            grid_cell(grid, "%.*f", digits, (high ? sample->quantiles[i].high : sample->quantiles[i].low) / unit);
        grid_cell(grid, "%s", "");
    }
}

static void metric_row(struct grid *grid, const struct summary *summary, enum profile profile, enum metric metric)
{
    const struct quantiles *q = summary->values[profile][metric];
    const struct summary_plan *plan = summary->plan;
    struct quantiles_moments m = quantiles_moments(q);
    double unit = summary_metrics[metric].unit;
    int digits = decimals(q, unit);
    bool other = profile != plan->profile;
    if (quantiles_count(q) == 0)
        return;
    grid_cell(grid, "%s%s%s%s", other ? profile_names[profile] : "", other ? " " : "", summary_metrics[metric].label,
              quantiles_exact(q) ? "" : " ~");
    grid_cell(grid, "%llu", (unsigned long long)quantiles_count(q));
    grid_cell(grid, "%.*f", digits, m.mean / unit), grid_cell(grid, "%.*f", digits, m.std / unit);
    grid_cell(grid, "%.*f", digits, m.min / unit);
    for (size_t i = 0; i < plan->percentile_count; i++)
        grid_cell(grid, "%s%.*f", summary_is_few(quantiles_count(q), plan->percentiles[i]) ? "*" : "", digits,
                  quantiles_at(q, plan->percentiles[i] / 100) / unit);
    grid_cell(grid, "%.*f", digits, m.max / unit);
    if (!other)
        interval_rows(grid, summary, metric);
}

static void write_metrics(const struct summary *summary, enum grid_style style, struct buf *out)
{
    const struct summary_plan *plan = summary->plan;
    enum profile other = plan->profile == PROFILE_CONTENT ? PROFILE_VLLM : PROFILE_CONTENT;
    struct grid grid = {.columns = 6 + plan->percentile_count};
    bool few = false, sketched = false;
    grid_cell(&grid, "%s", ""), grid_cell(&grid, "count"), grid_cell(&grid, "mean"), grid_cell(&grid, "std"), grid_cell(&grid, "min");
    for (size_t i = 0; i < plan->percentile_count; i++)
        grid_cell(&grid, "p%.10g", plan->percentiles[i]);
    grid_cell(&grid, "max");
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct quantiles *q = summary->values[plan->profile][i];
        metric_row(&grid, summary, plan->profile, (enum metric)i);
        sketched = sketched || !quantiles_exact(q);
        for (size_t p = 0; quantiles_count(q) > 0 && p < plan->percentile_count; p++)
            few = few || summary_is_few(quantiles_count(q), plan->percentiles[p]);
    }
    for (int i = 0; i < METRIC_COUNT; i++)
        if (summary_other_has(summary, (enum metric)i))
            metric_row(&grid, summary, other, (enum metric)i);
    if (grid.cells > grid.columns) {
        buf_add_char(out, '\n');
        grid_write(&grid, style, out);
    }
    if (few || sketched)
        buf_add_str(out, style == GRID_MARKDOWN ? STR("\n") : STR(""));
    if (few)
        buf_addf(out, "%s* fewer than %d samples lie beyond it\n", style == GRID_MARKDOWN ? "\\" : "", SUMMARY_FEW_SAMPLES);
    if (sketched)
        buf_addf(out, "%s~ more than %zu %s: percentiles are within 0.025%%\n", few && style == GRID_MARKDOWN ? "\n" : "", plan->keep,
                 plural(plan->keep, "value", "values"));
    grid_release(&grid);
}

static void write_slos(const struct summary *summary, enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 6 + SLO_COUNT};
    if (summary->plan->slo_count == 0)
        return;
    grid_cell(&grid, "SLO"), grid_cell(&grid, "met"), grid_cell(&grid, "attainment"), grid_cell(&grid, "goodput/s");
    for (int limit = 0; limit < SLO_COUNT; limit++)
        grid_cell(&grid, "over %s", slo_names[limit]);
    grid_cell(&grid, "unmeasured"), grid_cell(&grid, "failed");
    for (size_t i = 0; i < summary->plan->slo_count; i++) {
        const struct summary_slo *slo = &summary->slos[i];
        grid_cell(&grid, "%s", summary->plan->slos[i].text);
        grid_cell(&grid, "%llu", (unsigned long long)slo->met);
        grid_cell(&grid, "%.2f%%", 100 * summary_share(slo->met, summary_offered(summary)));
        grid_cell(&grid, "%.2f", (double)slo->met / summary->duration_s);
        for (int limit = 0; limit < SLO_COUNT; limit++)
            if (isnan(summary->plan->slos[i].limits[limit]))
                grid_cell(&grid, "-");
            else
                grid_cell(&grid, "%llu", (unsigned long long)slo->violated[limit]);
        grid_cell(&grid, "%llu", (unsigned long long)slo->unmeasured);
        grid_cell(&grid, "%llu", (unsigned long long)summary->failed);
    }
    buf_add_char(out, '\n');
    grid_write(&grid, style, out);
    grid_release(&grid);
}

static void write_parts(const struct summary *summary, enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 4};
    if (summary->part_count < 2)
        return;
    grid_cell(&grid, "part"), grid_cell(&grid, "requests"), grid_cell(&grid, "duration s"), grid_cell(&grid, "peak concurrency");
    for (size_t i = 0; i < summary->part_count; i++) {
        const struct summary_part *part = &summary->parts[i];
        grid_cell(&grid, "%.*s", STR_ARG(part->start));
        grid_cell(&grid, "%llu", (unsigned long long)part->requests);
        grid_cell(&grid, "%.2f", isnan(part->duration_s) ? 0 : part->duration_s);
        if (part->peak >= 0)
            grid_cell(&grid, "%lld", (long long)part->peak);
        else
            grid_cell(&grid, "-");
    }
    buf_add_char(out, '\n');
    grid_write(&grid, style, out);
    grid_release(&grid);
}

void summary_write_table(const struct summary *summary, enum grid_style style, struct buf *out)
{
    write_facts(summary, style, out);
    write_metrics(summary, style, out);
    write_slos(summary, style, out);
    write_parts(summary, style, out);
}
