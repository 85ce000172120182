/* report/summary_json.c: the summary as JSON; see summary.h */
#include "base/json.h"
#include "base/num.h"
#include "report/summary.h"

#include <math.h>
#include <stdio.h>

static const char *percentile_name(char name[32], double percentile)
{
    snprintf(name, 32, "p%.10g", percentile);
    return name;
}

static void interval(struct buf *out, const char *key, struct bootstrap_interval interval, double unit)
{
    if (isnan(interval.low))
        return;
    json_key(out, key), json_object(out);
    json_key(out, "low"), json_double(out, interval.low / unit);
    json_key(out, "high"), json_double(out, interval.high / unit);
    json_object_end(out);
}

static void intervals(struct buf *out, const struct summary_plan *plan, const struct bootstrap_sample *sample, double unit)
{
    char name[32];
    if (!sample->quantiles || sample->kept.count == 0)
        return;
    json_key(out, "ci"), json_object(out);
    json_key(out, "level"), json_double(out, plan->ci_level);
    interval(out, "mean", sample->mean, unit);
    for (size_t i = 0; i < plan->percentile_count; i++)
        interval(out, percentile_name(name, plan->percentiles[i]), sample->quantiles[i], unit);
    json_object_end(out);
}

static void few_samples(struct buf *out, const struct summary_plan *plan, uint64_t samples)
{
    char name[32];
    bool any = false;
    for (size_t i = 0; i < plan->percentile_count; i++) {
        if (!summary_is_few(samples, plan->percentiles[i]))
            continue;
        if (!any)
            json_key(out, "few_samples"), json_array(out);
        any = true;
        json_cstr(out, percentile_name(name, plan->percentiles[i]));
    }
    if (any)
        json_array_end(out);
}

static void metric(struct buf *out, const struct summary_plan *plan, const char *key, const struct quantiles *q, double unit,
                   const struct bootstrap_sample *sample)
{
    struct quantiles_moments m = quantiles_moments(q);
    char name[32];
    if (quantiles_count(q) == 0)
        return;
    json_key(out, key), json_object(out);
    json_count(out, "count", quantiles_count(q));
    json_figure(out, "mean", m.mean / unit);
    json_figure(out, "std", m.std / unit);
    json_figure(out, "min", m.min / unit);
    for (size_t i = 0; i < plan->percentile_count; i++)
        json_figure(out, percentile_name(name, plan->percentiles[i]), quantiles_at(q, plan->percentiles[i] / 100) / unit);
    json_figure(out, "max", m.max / unit);
    json_key(out, "exact"), json_bool(out, quantiles_exact(q));
    if (!quantiles_exact(q))
        json_figure(out, "relative_error", QUANTILES_ERROR);
    few_samples(out, plan, quantiles_count(q));
    if (sample)
        intervals(out, plan, sample, unit);
    json_object_end(out);
}

static void requests(const struct summary *summary, struct buf *out)
{
    json_key(out, "requests"), json_object(out);
    json_count(out, "total", summary->completed + summary->failed + summary->cancelled + summary->warmup + summary->partial);
    json_count(out, "completed", summary->completed);
    json_count(out, "failed", summary->failed);
    json_count(out, "cancelled", summary->cancelled);
    json_count(out, "warmup", summary->warmup);
    if (summary->partial > 0)
        json_count(out, "partial", summary->partial);
    json_count(out, "retries", summary->retries);
    if (summary->batched > 0) {
        json_count(out, "batched", summary->batched);
        json_count(out, "batches", summary->batches);
    }
    json_object_end(out);
    json_figure(out, "success_rate", summary_share(summary->completed, summary_offered(summary)));
    json_key(out, "errors"), json_object(out);
    for (int i = FAILURE_NONE; i < FAILURE_COUNT; i++)
        if (summary->errors[i] > 0)
            json_count(out, i == FAILURE_NONE ? "other" : failure_names[i], summary->errors[i]);
    json_object_end(out);
}

static void tokens(const struct summary *summary, struct buf *out)
{
    json_key(out, "tokens"), json_object(out);
    json_count(out, "input", summary->input_tokens);
    json_count(out, "output", summary->output_tokens);
    if (summary->cached_said > 0) {
        json_count(out, "cached_input", summary->cached_tokens);
        json_figure(out, "cached_input_share", summary_share(summary->cached_tokens, summary->cached_of));
        json_count(out, "cached_said_requests", summary->cached_said);
    }
    json_count(out, "uncounted_requests", summary->sources[TOKENS_UNCOUNTED]);
    json_key(out, "sources"), json_object(out);
    for (int i = TOKENS_UNCOUNTED + 1; i < TOKENS_COUNT; i++)
        if (summary->sources[i] > 0)
            json_count(out, token_sources[i], summary->sources[i]);
    json_object_end(out);
    json_object_end(out);
}

static void slos(const struct summary *summary, struct buf *out)
{
    json_key(out, "slo"), json_array(out);
    for (size_t i = 0; i < summary->plan->slo_count; i++) {
        const struct summary_slo *slo = &summary->slos[i];
        const double *limits = summary->plan->slos[i].limits;
        json_object(out);
        json_key(out, "limits"), json_cstr(out, summary->plan->slos[i].text);
        json_count(out, "met", slo->met);
        json_figure(out, "attainment", summary_share(slo->met, summary_offered(summary)));
        json_figure(out, "goodput_rps", (double)slo->met / summary->duration_s);
        json_key(out, "violations"), json_object(out);
        for (int limit = 0; limit < SLO_COUNT; limit++)
            if (!isnan(limits[limit]))
                json_count(out, slo_names[limit], slo->violated[limit]);
        json_object_end(out);
        json_count(out, "unmeasured", slo->unmeasured);
        json_count(out, "failed", summary->failed);
        json_object_end(out);
    }
    json_array_end(out);
}

static void client(const struct summary *summary, struct buf *out)
{
    const struct summary_client *client = &summary->client;
    json_key(out, "client"), json_object(out);
    json_key(out, "bottleneck"), json_bool(out, client->bottleneck);
    json_key(out, "reasons"), json_array(out);
    for (int i = 0; i < SUMMARY_REASONS; i++)
        if (client->reasons[i])
            json_cstr(out, summary_reasons[i]);
    json_array_end(out);
    json_count(out, "chunks", client->chunks);
    json_count(out, "late_chunks", client->late);
    json_figure(out, "late_share", summary_share(client->late, client->chunks));
    json_key(out, "clocks"), json_object(out);
    for (int i = 0; i < TIMING_CLOCK_COUNT; i++)
        if (client->clocks[i] > 0)
            json_count(out, timing_clocks[i], client->clocks[i]);
    json_object_end(out);
    if (client->read_lag_ns != TIMING_NEVER)
        json_figure(out, "read_lag_max_ms", (double)client->read_lag_ns / 1e6);
    if (client->cpu >= 0) {
        json_figure(out, "cpu_max", client->cpu);
        json_figure(out, "cpu_high_share", summary_share(client->cpu_high, client->cpu_known));
    }
    metric(out, summary->plan, "send_lag_ms", client->send_lag, 1e6, NULL);
    json_object_end(out);
}

static void saturation(const struct summary *summary, struct buf *out)
{
    if (!summary->saturated)
        return;
    const struct backlog *backlog = &summary->saturated->course.backlog;
    json_key(out, "saturation"), json_object(out);
    json_key(out, "over_saturated"), json_bool(out, backlog->grows);
    json_figure(out, "growth_rps", backlog->growth_per_s);
    json_figure(out, "growth_share", backlog->share);
    json_figure(out, "z", backlog->z);
    json_figure(out, "in_system_from", backlog->from_n);
    json_figure(out, "in_system_to", backlog->to_n);
    json_count(out, "arrivals", backlog->arrivals);
    json_object_end(out);
}

static void steady_part(const struct summary *summary, const struct summary_part *part, struct buf *out)
{
    const struct steady *steady = summary_steady(summary, part);
    if (!summary->whole || !steady)
        return;
    json_key(out, "steady"), json_object(out);
    json_figure(out, "from_s", (double)steady->from_ns / NS_PER_S);
    json_figure(out, "to_s", (double)steady->to_ns / NS_PER_S);
    json_key(out, "method"), json_cstr(out, course_methods[summary->whole->parts[part - summary->parts].course.method]);
    json_object_end(out);
}

static void steady(const struct summary *summary, struct buf *out)
{
    double whole_s = 0, steady_s = 0;
    if (!summary->whole)
        return;
    for (size_t i = 0; i < summary->part_count; i++) {
        whole_s += isnan(summary->whole->parts[i].duration_s) ? 0 : summary->whole->parts[i].duration_s;
        steady_s += summary_steady_s(summary_steady(summary, &summary->parts[i]));
    }
    json_key(out, "steady"), json_object(out);
    json_figure(out, "duration_s", steady_s);
    json_figure(out, "share", whole_s > 0 ? steady_s / whole_s : NAN);
    json_key(out, "short"), json_bool(out, summary_is_short(steady_s, whole_s));
    json_count(out, "outside", summary->outside);
    json_object_end(out);
}

static void parts(const struct summary *summary, struct buf *out)
{
    json_key(out, "parts"), json_array(out);
    for (size_t i = 0; i < summary->part_count; i++) {
        const struct summary_part *part = &summary->parts[i];
        json_object(out);
        json_key(out, "start"), json_str(out, part->start);
        json_count(out, "requests", part->requests);
        json_figure(out, "duration_s", part->duration_s);
        if (part->peak >= 0)
            json_key(out, "peak_concurrency"), json_int(out, part->peak);
        steady_part(summary, part, out);
        if (part->load.len > 0)
            json_key(out, "load"), json_raw(out, buf_str(&part->load));
        if (part->shards.count > 0) {
            json_key(out, "shards"), json_object(out);
            json_count(out, "there", (uint64_t)part->shards.there);
            json_count(out, "of", (uint64_t)part->shards.count);
            json_object_end(out);
        }
        json_object_end(out);
    }
    json_array_end(out);
}

static void other_profile(const struct summary *summary, struct buf *out)
{
    enum profile other = summary->plan->profile == PROFILE_CONTENT ? PROFILE_VLLM : PROFILE_CONTENT;
    if (!summary->profiles_differ)
        return;
    json_key(out, "other_profile"), json_object(out);
    json_key(out, "profile"), json_cstr(out, profile_names[other]);
    for (int i = 0; i < METRIC_COUNT; i++)
        if (summary_other_has(summary, (enum metric)i))
            metric(out, summary->plan, summary_metrics[i].name, summary->values[other][i], summary_metrics[i].unit, NULL);
    json_object_end(out);
}

void summary_write_json(const struct summary *summary, struct buf *out)
{
    const struct summary_plan *plan = summary->plan;
    json_key(out, "profile"), json_cstr(out, profile_names[plan->profile]);
    requests(summary, out);
    json_figure(out, "duration_s", summary->duration_s);
    json_figure(out, "request_throughput_rps", summary->request_rps);
    json_figure(out, "input_token_throughput_tps", summary->input_tps);
    json_figure(out, "output_token_throughput_tps", summary->output_tps);
    json_figure(out, "total_token_throughput_tps", summary->total_tps);
    tokens(summary, out);
    if (summary->peak >= 0) {
        json_key(out, "peak_concurrency"), json_int(out, summary->peak);
        json_key(out, "peak_concurrency_exact"), json_bool(out, summary->peak_exact);
        json_key(out, "vllm_max_concurrent_requests"), json_int(out, summary->vllm_peak);
    }
    for (int i = 0; i < METRIC_COUNT; i++)
        metric(out, plan, summary_metrics[i].name, summary->values[plan->profile][i], summary_metrics[i].unit, &summary->intervals[i]);
    other_profile(summary, out);
    if (plan->slo_count > 0)
        slos(summary, out);
    steady(summary, out);
    saturation(summary, out);
    client(summary, out);
    parts(summary, out);
    json_count(out, "kept_values", plan->keep);
}
