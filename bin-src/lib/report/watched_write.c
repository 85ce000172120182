/* report/watched_write.c: what lm-watch saw, as JSON and for people; see watched.h */
#include "report/watched.h"

#include "base/json.h"

#include <math.h>

/* Why the server may have counted something else than the client. */
enum reason { REASON_UNCOUNTED, REASON_TRIES, REASON_CACHED, REASON_OTHERS, REASONS };
static const char *const reason_names[REASONS] = {
    [REASON_UNCOUNTED] = "requests_without_a_count",
    [REASON_TRIES] = "earlier_tries",
    [REASON_CACHED] = "cached_tokens_not_counted",
    [REASON_OTHERS] = "other_clients",
};
static const char *const reason_words[REASONS] = {
    [REASON_UNCOUNTED] = "requests whose tokens nobody told the client",
    [REASON_TRIES] = "earlier tries",
    [REASON_CACHED] = "cached tokens that the server does not count",
    [REASON_OTHERS] = "other clients",
};

/* One count, by both sides. */
struct both {
    const struct watched_tally *server;
    int64_t client;
    bool is_apart; // beyond the tolerance
    bool reasons[REASONS];
};

static struct both compare(const struct watched *watched, enum watched_counter counter, int64_t client)
{
    struct both both = {.server = &watched->counters[counter], .client = client};
    double apart = both.server->rise - (double)client;
    both.is_apart = watched_covers(watched, both.server) && fabs(apart) > WATCHED_TOLERANCE * both.server->rise;
    both.reasons[REASON_UNCOUNTED] = both.is_apart && watched->uncounted > 0;
    both.reasons[REASON_TRIES] = both.is_apart && watched->tries > 0 && apart > 0;
    both.reasons[REASON_CACHED] = both.is_apart && counter == WATCHED_PROMPT_TOKENS && apart < 0;
    both.reasons[REASON_OTHERS] = both.is_apart && apart > 0;
    return both;
}

static double hit_rate(const struct watched *watched)
{
    const struct watched_tally *queries = &watched->counters[WATCHED_PREFIX_QUERIES], *hits = &watched->counters[WATCHED_PREFIX_HITS];
    return watched_covers(watched, queries) && watched_covers(watched, hits) && queries->rise > 0 ? hits->rise / queries->rise : NAN;
}

static double ttft_less_rtt_ns(const struct watched *watched)
{
    return quantiles_at(watched->ttft_ns, 0.5) - quantiles_at(watched->rtt_ns, 0.5); // NaN where one has no values
}

/* --- JSON --- */

static void write_level(struct buf *out, const char *key, const struct watched_level *level)
{
    if (level->count == 0)
        return;
    json_key(out, key), json_object(out);
    json_figure(out, "mean", level->sum / (double)level->count);
    json_figure(out, "max", level->most);
    json_object_end(out);
}

static void write_both(struct buf *out, const char *key, const struct watched *watched, const struct both *both)
{
    if (isnan(both->server->last))
        return;
    json_key(out, key), json_object(out);
    json_figure(out, "server", both->server->rise);
    json_key(out, "client"), json_int(out, both->client);
    json_key(out, "covers_run"), json_bool(out, watched_covers(watched, both->server));
    if (both->server->restarts > 0)
        json_count(out, "restarts", both->server->restarts);
    if (watched_covers(watched, both->server)) {
        json_figure(out, "difference", both->server->rise - (double)both->client);
        json_key(out, "agree"), json_bool(out, !both->is_apart);
    }
    if (both->is_apart) {
        json_key(out, "possible_reasons"), json_array(out);
        for (int i = 0; i < REASONS; i++)
            if (both->reasons[i])
                json_cstr(out, reason_names[i]);
        json_array_end(out);
    }
    json_object_end(out);
}

static void write_gpus(const struct watched *watched, struct buf *out)
{
    if (watched->gpu_count == 0)
        return;
    json_key(out, "gpus"), json_array(out);
    for (size_t i = 0; i < watched->gpu_count; i++) {
        const struct watched_gpu *gpu = &watched->gpus[i];
        json_object(out);
        json_key(out, "index"), json_int(out, gpu->index);
        if (gpu->uuid[0])
            json_key(out, "uuid"), json_cstr(out, gpu->uuid);
        if (gpu->name[0])
            json_key(out, "name"), json_cstr(out, gpu->name);
        write_level(out, "utilization", &gpu->utilization);
        write_level(out, "power_w", &gpu->power_w);
        if (watched_covers(watched, &gpu->energy_j))
            json_figure(out, "energy_j", gpu->energy_j.rise);
        json_object_end(out);
    }
    json_array_end(out);
    double energy_j = watched_energy_j(watched);
    json_figure(out, "energy_j", energy_j);
    json_figure(out, "energy_per_output_token_j", energy_j / (double)watched->output_tokens);
    json_figure(out, "energy_per_request_j", energy_j / (double)watched->answered);
}

void watched_write_json(const struct watched *watched, struct buf *out)
{
    struct both prompt = compare(watched, WATCHED_PROMPT_TOKENS, watched->input_tokens);
    struct both generation = compare(watched, WATCHED_GENERATION_TOKENS, watched->output_tokens);
    json_key(out, "watch"), json_object(out);
    if (watched->url.len > 0)
        json_key(out, "url"), json_str(out, buf_str(&watched->url));
    json_count(out, "requests", watched->requests);
    json_count(out, "samples", watched->samples);
    json_count(out, "samples_in_run", watched->within);
    json_count(out, "failed", watched->failed);
    json_count(out, "missed", watched->missed);
    if (watched->unplaced > 0)
        json_count(out, "unplaced_requests", watched->unplaced);
    if (watched->cache != WATCHED_NOT_RESET)
        json_key(out, "cache_reset"), json_bool(out, watched->cache == WATCHED_RESET);
    write_both(out, "prompt_tokens", watched, &prompt);
    write_both(out, "generation_tokens", watched, &generation);
    json_figure(out, "prefix_cache_hit_rate", hit_rate(watched));
    write_level(out, "running", &watched->gauges[WATCHED_RUNNING]);
    write_level(out, "waiting", &watched->gauges[WATCHED_WAITING]);
    write_level(out, "kv_cache_usage", &watched->gauges[WATCHED_KV_CACHE_USAGE]);
    if (watched_covers(watched, &watched->counters[WATCHED_PREEMPTIONS]))
        json_figure(out, "preemptions", watched->counters[WATCHED_PREEMPTIONS].rise);
    json_figure(out, "rtt_p50_ms", quantiles_at(watched->rtt_ns, 0.5) / 1e6);
    json_figure(out, "ttft_p50_less_rtt_ms", ttft_less_rtt_ns(watched) / 1e6);
    write_gpus(watched, out);
    json_object_end(out);
}

/* --- for people --- */

/* A line: its name, and what was written onto scratch, which is empty again after. */
static void fact(struct grid *grid, const char *name, struct buf *scratch)
{
    grid_cell(grid, "%s", name);
    grid_cell(grid, "%.*s", STR_ARG(buf_str(scratch)));
    grid->text.failed = grid->text.failed || scratch->failed;
    buf_clear(scratch);
}

static void add_samples(const struct watched *watched, struct buf *out)
{
    buf_addf(out, "%llu samples, %llu within the run", (unsigned long long)watched->samples, (unsigned long long)watched->within);
    if (watched->failed > 0)
        buf_addf(out, ", %llu of them failed", (unsigned long long)watched->failed);
    if (watched->missed > 0)
        buf_addf(out, ", %llu missed", (unsigned long long)watched->missed);
    if (watched->cache != WATCHED_NOT_RESET)
        buf_addf(out, "; prefix cache %s before", watched->cache == WATCHED_RESET ? "reset" : "NOT RESET");
}

static void both_fact(struct grid *grid, const char *name, const struct watched *watched, const struct both *both, struct buf *scratch)
{
    const struct watched_tally *server = both->server;
    if (isnan(server->last))
        return;
    buf_addf(scratch, "%.0f by the server, %lld by the client", server->rise, (long long)both->client);
    if (server->restarts > 0)
        buf_addf(scratch, ": NOT COMPARED, the server restarted");
    else if (!watched_covers(watched, server))
        buf_addf(scratch, ": NOT COMPARED, %s",
                 watched->unplaced > 0     ? "requests do not say when they were (timing.start)"
                 : server->from_before ? "the watch ended too early"
                                       : "the watch began too late");
    if (both->is_apart)
        buf_addf(scratch, ": %.2f%% APART", 100 * fabs(server->rise - (double)both->client) / server->rise);
    for (int i = 0, some = 0; i < REASONS; i++)
        if (both->reasons[i])
            buf_addf(scratch, "%s%s", some++ > 0 ? ", " : " - perhaps ", reason_words[i]);
    fact(grid, name, scratch);
}

static void level_fact(struct grid *grid, const char *name, const struct watched_level *level, double unit, struct buf *scratch)
{
    if (level->count == 0)
        return;
    buf_addf(scratch, "mean %.2f, max %.*f", level->sum / (double)level->count / unit, unit < 1 ? 2 : 0, level->most / unit);
    fact(grid, name, scratch);
}

static void gpu_facts(struct grid *grid, const struct watched *watched, struct buf *scratch)
{
    double energy_j = watched_energy_j(watched);
    for (size_t i = 0; i < watched->gpu_count; i++) {
        const struct watched_gpu *gpu = &watched->gpus[i];
        buf_addf(scratch, "%s", gpu->name[0] ? gpu->name : "of no name");
        if (gpu->utilization.count > 0)
            buf_addf(scratch, ", %.1f%% used", 100 * gpu->utilization.sum / (double)gpu->utilization.count);
        if (gpu->power_w.count > 0)
            buf_addf(scratch, ", %.1f W", gpu->power_w.sum / (double)gpu->power_w.count);
        if (watched_covers(watched, &gpu->energy_j))
            buf_addf(scratch, ", %.1f J", gpu->energy_j.rise);
        grid_cell(grid, "GPU %lld", (long long)gpu->index);
        grid_cell(grid, "%.*s", STR_ARG(buf_str(scratch)));
        buf_clear(scratch);
    }
    if (isnan(energy_j))
        return;
    buf_addf(scratch, "%.1f J", energy_j);
    if (watched->output_tokens > 0)
        buf_addf(scratch, ", %.3f J an output token", energy_j / (double)watched->output_tokens);
    if (watched->answered > 0)
        buf_addf(scratch, ", %.2f J a request", energy_j / (double)watched->answered);
    fact(grid, "energy", scratch);
}

static void latency_fact(struct grid *grid, const struct watched *watched, struct buf *scratch)
{
    if (quantiles_count(watched->rtt_ns) == 0)
        return;
    buf_addf(scratch, "p50 %.3f ms", quantiles_at(watched->rtt_ns, 0.5) / 1e6);
    if (!isnan(ttft_less_rtt_ns(watched)))
        buf_addf(scratch, "; TTFT p50 less it %.2f ms", ttft_less_rtt_ns(watched) / 1e6);
    fact(grid, "round trip", scratch);
}

void watched_write_table(const struct watched *watched, enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 2, .flags = GRID_LEFT};
    struct buf scratch = {0};
    struct both prompt = compare(watched, WATCHED_PROMPT_TOKENS, watched->input_tokens);
    struct both generation = compare(watched, WATCHED_GENERATION_TOKENS, watched->output_tokens);
    const struct watched_tally *preemptions = &watched->counters[WATCHED_PREEMPTIONS];
    if (style == GRID_MARKDOWN)
        grid_cell(&grid, "watch"), grid_cell(&grid, "value");
    add_samples(watched, &scratch), fact(&grid, "watch", &scratch);
    both_fact(&grid, "prompt tokens", watched, &prompt, &scratch);
    both_fact(&grid, "output tokens", watched, &generation, &scratch);
    if (!isnan(hit_rate(watched)))
        buf_addf(&scratch, "%.2f%% of the tokens hit", 100 * hit_rate(watched)), fact(&grid, "prefix cache", &scratch);
    level_fact(&grid, "running", &watched->gauges[WATCHED_RUNNING], 1, &scratch);
    level_fact(&grid, "waiting", &watched->gauges[WATCHED_WAITING], 1, &scratch);
    level_fact(&grid, "KV cache %", &watched->gauges[WATCHED_KV_CACHE_USAGE], 0.01, &scratch);
    if (watched_covers(watched, preemptions))
        buf_addf(&scratch, "%.0f", preemptions->rise), fact(&grid, "preemptions", &scratch);
    latency_fact(&grid, watched, &scratch);
    gpu_facts(&grid, watched, &scratch);
    buf_add_char(out, '\n');
    grid_write(&grid, style, out);
    grid_release(&grid);
    buf_release(&scratch);
}
