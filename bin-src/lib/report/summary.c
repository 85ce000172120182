/* report/summary.c: see summary.h */
#include "report/summary.h"

#include "base/num.h"
#include "report/foreign.h"

#include <math.h>
#include <search.h>
#include <stdlib.h>

const struct summary_metric summary_metrics[METRIC_COUNT] = {
    [METRIC_TTFT] = {"ttft_ms", "TTFT ms", 1e6},
    [METRIC_TTFT_FROM_DUE] = {"ttft_from_due_ms", "TTFT from due ms", 1e6},
    [METRIC_TPOT] = {"tpot_ms", "TPOT ms", 1e6},
    [METRIC_ITL] = {"itl_ms", "ITL ms", 1e6},
    [METRIC_E2E] = {"e2e_ms", "E2E ms", 1e6},
    [METRIC_E2E_FROM_DUE] = {"e2e_from_due_ms", "E2E from due ms", 1e6},
    [METRIC_QUEUE_WAIT] = {"queue_wait_ms", "queue wait ms", 1e6},
    [METRIC_TOKENS_PER_S] = {"tokens_per_s", "tokens/s a stream", 1},
};
const char *const summary_reasons[SUMMARY_REASONS] = {
    [SUMMARY_LATE_CHUNKS] = "late_chunks",
    [SUMMARY_SEND_LAG] = "send_lag",
    [SUMMARY_BUSY_CPU] = "cpu",
};

int summary_parse_percentiles(const char *text, double *percentiles, size_t max, size_t *count, struct err *err)
{
    for (*count = 0;; text++) {
        size_t len = strcspn(text, ",");
        if (*count == max)
            return err_set(err, ERR_RANGE, "more than %zu", max);
        if (num_double((struct str){text, len}, 0, 100, &percentiles[*count], err) < 0)
            return -1;
        if (*count > 0 && percentiles[*count] <= percentiles[*count - 1])
            return err_set(err, ERR_PARSE, "must ascend");
        ++*count;
        text += len;
        if (*text == '\0')
            return 0;
    }
}

struct summary *summary_new(const struct summary_plan *plan)
{
    struct summary *summary = calloc(1, sizeof *summary);
    if (!summary)
        return NULL;
    summary->plan = plan;
    summary->client.read_lag_ns = TIMING_NEVER;
    summary->client.cpu = -1;
    summary->slos = calloc(plan->slo_count + 1, sizeof *summary->slos);
    summary->client.send_lag = quantiles_new(plan->keep, QUANTILES_PLAIN);
    bool whole = summary->slos && summary->client.send_lag;
    enum quantiles_flags flags = plan->ci_level > 0 ? QUANTILES_TAGGED : QUANTILES_PLAIN;
    for (int profile = 0; profile < PROFILE_COUNT; profile++)
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            summary->values[profile][metric] = quantiles_new(plan->keep, flags);
            whole = whole && summary->values[profile][metric];
        }
    if (whole)
        return summary;
    summary_free(summary);
    return NULL;
}

struct summary *summary_within(const struct summary *whole)
{
    struct summary *summary = summary_new(whole->plan);
    if (summary)
        summary->whole = whole;
    return summary;
}

const struct steady *summary_steady(const struct summary *summary, const struct summary_part *part)
{
    size_t i = (size_t)(part - summary->parts);
    const struct summary *whole = summary->whole ? summary->whole : summary;
    return i < whole->part_count && whole->parts[i].course.steady.found ? &whole->parts[i].course.steady : NULL;
}

double summary_steady_s(const struct steady *steady)
{
    return steady ? ((double)steady->to_ns - (double)steady->from_ns) / NS_PER_S : 0;
}

bool summary_is_short(double steady_s, double whole_s)
{
    return steady_s < fmax(SUMMARY_SHORT_S, SUMMARY_SHORT_SHARE * whole_s);
}

void summary_free(struct summary *summary)
{
    if (!summary)
        return;
    for (int profile = 0; profile < PROFILE_COUNT; profile++)
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            quantiles_free(summary->values[profile][metric]);
    for (size_t i = 0; i < summary->part_count; i++) {
        buf_release(&summary->parts[i].load);
        shards_release(&summary->parts[i].shards);
        peak_free(summary->parts[i].in_flight);
        peak_free(summary->parts[i].vllm);
        course_release(&summary->parts[i].course);
    }
    bootstrap_release(summary->intervals, METRIC_COUNT);
    quantiles_free(summary->client.send_lag);
    tdestroy(summary->part_places, free);
    free(summary->parts);
    free(summary->slos);
    free(summary);
}

/* Where the part of a start is. */
struct part_place {
    struct str start;
    size_t part;
    char text[]; // what start views, once it is kept
};

static int compare_places(const void *left, const void *right)
{
    const struct part_place *a = left, *b = right;
    size_t shorter = a->start.len < b->start.len ? a->start.len : b->start.len;
    int order = memcmp(a->start.ptr, b->start.ptr, shorter);
    return order != 0 ? order : (a->start.len > b->start.len) - (a->start.len < b->start.len);
}

/* Keeps a copy of the start, as that of the part that comes next. NULL: out of memory. */
static const struct part_place *add_place(struct summary *summary, struct str start)
{
    struct part_place *place = malloc(sizeof *place + start.len);
    if (!place)
        return NULL;
    memcpy(place->text, start.ptr, start.len);
    place->start = (struct str){place->text, start.len};
    place->part = summary->part_count;
    if (tsearch(place, &summary->part_places, compare_places))
        return place;
    free(place);
    return NULL;
}

static void read_load(struct summary_part *part, struct jval load)
{
    struct jval value;
    bool placed = true;
    shards_write_load(load, &part->load);
    jval_double_at(load, "/duration_s", &part->given_s);
    if (jval_member(load, "placed", &value))
        jval_bool(value, &placed);
    part->unplaced = !placed;
}

static int add_part(struct summary *summary, struct str start, const struct measured *request, struct err *err)
{
    struct summary_part *parts = realloc(summary->parts, (summary->part_count + 1) * sizeof *parts);
    if (!parts)
        return err_nomem(err);
    summary->parts = parts;
    const struct part_place *place = add_place(summary, start);
    if (!place)
        return err_nomem(err);
    struct summary_part *part = &parts[summary->part_count];
    *part = (struct summary_part){.start = place->start, .first_ns = TIMING_NEVER, .last_ns = TIMING_NEVER};
    part->given_s = NAN;
    part->course.keep = summary->plan->keep;
    part->in_flight = peak_new(summary->plan->keep);
    part->vllm = peak_new(summary->plan->keep);
    if (request->load.doc)
        read_load(part, request->load);
    summary->part_last = summary->part_count++;
    return part->in_flight && part->vllm && !part->load.failed ? 0 : err_nomem(err);
}

/* Makes part_last that of the request: mostly it is already. */
static int find_part(struct summary *summary, const struct measured *request, struct err *err)
{
    struct part_place wanted = {.start = request->timing.start.ptr ? request->timing.start : STR("")};
    if (summary->part_count > 0 && str_eq(wanted.start, summary->parts[summary->part_last].start))
        return 0;
    struct part_place *const *found = tfind(&wanted, &summary->part_places, compare_places);
    if (!found)
        return add_part(summary, wanted.start, request, err);
    summary->part_last = (*found)->part;
    return 0;
}

static void widen(struct summary_part *part, int64_t at_ns)
{
    if (at_ns == TIMING_NEVER)
        return;
    part->first_ns = part->first_ns == TIMING_NEVER || at_ns < part->first_ns ? at_ns : part->first_ns;
    part->last_ns = part->last_ns == TIMING_NEVER || at_ns > part->last_ns ? at_ns : part->last_ns;
}

static int add_interval(struct summary_part *part, int64_t sent_ns, int64_t end_ns, struct err *err)
{
    widen(part, sent_ns);
    widen(part, end_ns);
    return sent_ns == TIMING_NEVER || end_ns == TIMING_NEVER ? 0 : peak_add(part->in_flight, sent_ns, end_ns, err);
}

static int add_attempts(struct summary *summary, struct summary_part *part, const struct measured *request, struct err *err)
{
    struct jval attempt;
    for (struct jiter iter = jval_items(request->attempts); jiter_next(&iter, NULL, &attempt); summary->retries++) {
        int64_t sent_ns = TIMING_NEVER, end_ns = TIMING_NEVER;
        jval_int_at(attempt, "/sent_ns", &sent_ns);
        jval_int_at(attempt, "/end_ns", &end_ns);
        if (add_interval(part, sent_ns, end_ns, err) < 0)
            return -1;
    }
    return 0;
}

static int add_to_part(struct summary *summary, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    struct summary_part *part = &summary->parts[summary->part_last];
    if (request->load.doc && shards_note(&part->shards, request->load, err) < 0)
        return -1;
    part->requests++;
    if (part->unplaced)
        return 0;
    widen(part, timing->due_ns);
    if (!measured_is_request(request)) {
        widen(part, timing->end_ns);
        return 0;
    }
    if (add_interval(part, timing->sent_ns, timing->end_ns, err) < 0 || course_add(&part->course, request, err) < 0)
        return -1;
    if (request->attempts.doc && add_attempts(summary, part, request, err) < 0)
        return -1;
    if (request->outcome != OUTCOME_COMPLETED)
        return 0;
    return peak_add(part->vllm, timing->sent_ns, measured_last_ns(request, PROFILE_VLLM), err);
}

/* What overlaps the steady time is in flight in it, whenever it ended; who ended in it counts. */
static int add_within(struct summary *summary, const struct measured *request, bool *counts, struct err *err)
{
    const struct timing *timing = &request->timing;
    struct summary_part *part = &summary->parts[summary->part_last];
    const struct steady *steady = summary_steady(summary, part);
    *counts = steady && timing->end_ns >= steady->from_ns && timing->end_ns <= steady->to_ns;
    part->requests += *counts;
    summary->outside += !*counts;
    if (!steady || timing->sent_ns == TIMING_NEVER || timing->end_ns == TIMING_NEVER)
        return 0;
    int64_t from_ns = timing->sent_ns > steady->from_ns ? timing->sent_ns : steady->from_ns;
    int64_t to_ns = timing->end_ns < steady->to_ns ? timing->end_ns : steady->to_ns;
    part->first_ns = steady->from_ns;
    part->last_ns = steady->to_ns;
    if (*counts && request->outcome == OUTCOME_COMPLETED && peak_add(part->vllm, timing->sent_ns, measured_last_ns(request,
            PROFILE_VLLM), err) < 0)
        return -1;
    return peak_add(part->in_flight, from_ns, to_ns, err);
}

/* Does nothing but the client's own slowness explain that the request was sent after it was due? */
static bool lag_is_ours(const struct measured *request)
{
    struct jval capped;
    struct str mode, tool;
    if (request->attempts.doc)
        return false;
    if (!request->load.doc)
        return true;
    bool queued = jval_str_at(request->load, "/tool", &tool) && str_is(tool, foreign_vllm.name); // all are due at once there
    if (!queued && jval_str_at(request->load, "/mode", &mode) && str_is(mode, "closed"))
        return !request->in_session; // a later turn is due by an answer, and may have to wait for a slot
    return !jval_member(request->load, "concurrency", &capped);
}

static int add_to_client(struct summary_client *client, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    client->chunks += timing->chunk_count;
    client->late += timing->late > 0 ? (uint64_t)timing->late : 0;
    if (timing->clock < TIMING_CLOCK_COUNT)
        client->clocks[timing->clock]++;
    client->read_lag_ns = timing->read_lag_ns > client->read_lag_ns ? timing->read_lag_ns : client->read_lag_ns;
    client->cpu = timing->cpu > client->cpu ? timing->cpu : client->cpu;
    client->cpu_known += timing->cpu >= 0;
    client->cpu_high += timing->cpu > SUMMARY_CPU;
    if (timing->due_ns == TIMING_NEVER || timing->sent_ns == TIMING_NEVER || !measured_is_request(request) || !lag_is_ours(request))
        return 0;
    double lag_ns = (double)timing->sent_ns - (double)timing->due_ns;
    client->lagged += lag_ns > SUMMARY_SEND_LAG_NS;
    return quantiles_add(client->send_lag, lag_ns, 0, err);
}

/* Gaps are kept under content, and those that only vllm counts under vllm: the two join at the end. */
static int add_gaps(struct summary *summary, const struct measured *request, uint32_t tag, struct err *err)
{
    struct quantiles *content = summary->values[PROFILE_CONTENT][METRIC_ITL], *others = summary->values[PROFILE_VLLM][METRIC_ITL];
    const int64_t *chunks = request->timing.chunks_ns;
    size_t from, to;
    measured_gaps(request, PROFILE_CONTENT, &from, &to);
    for (size_t i = 1; i < request->timing.chunk_count; i++) {
        double gap = (double)chunks[i] - (double)chunks[i - 1];
        if (quantiles_add(i > from && i < to ? content : others, gap, tag, err) < 0)
            return -1;
    }
    return 0;
}

static int add_figures(struct summary *summary, const struct measured *request, struct err *err)
{
    uint32_t tag = (uint32_t)(summary->completed - 1);
    double figures[PROFILE_COUNT][METRIC_COUNT];
    for (int profile = 0; profile < PROFILE_COUNT; profile++) {
        measured_figures(request, (enum profile)profile, figures[profile]);
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            if (!isnan(figures[profile][metric]) && quantiles_add(summary->values[profile][metric], figures[profile][metric], tag, err) < 0)
                return -1;
    }
    for (size_t i = 0; i < summary->plan->slo_count; i++) {
        struct slo_verdict verdict = slo_judge(&summary->plan->slos[i], request, summary->plan->profile, figures[summary->plan->profile]);
        summary->slos[i].met += verdict.met;
        summary->slos[i].unmeasured += verdict.unmeasured;
        for (int limit = 0; limit < SLO_COUNT; limit++)
            summary->slos[i].violated[limit] += verdict.violated[limit];
    }
    return add_gaps(summary, request, tag, err);
}

int summary_add(struct summary *summary, const struct measured *request, struct err *err)
{
    if (request->timing.warmup) {
        summary->warmup++;
        return 0;
    }
    if (request->timing.partial) {
        summary->partial++;
        return 0;
    }
    bool counts = true;
    if (find_part(summary, request, err) < 0 || (summary->whole && add_within(summary, request, &counts, err) < 0))
        return -1;
    if (!counts)
        return 0;
    summary->completed += request->outcome == OUTCOME_COMPLETED;
    summary->failed += request->outcome == OUTCOME_FAILED;
    summary->cancelled += request->outcome == OUTCOME_CANCELLED;
    summary->batched += request->batch_index >= 0;
    summary->batches += request->batch_index == 0;
    if (request->outcome == OUTCOME_FAILED)
        summary->errors[request->failure]++;
    if ((!summary->whole && add_to_part(summary, request, err) < 0) || add_to_client(&summary->client, request, err) < 0)
        return -1;
    if (request->outcome != OUTCOME_COMPLETED)
        return 0;
    if (request->source != TOKENS_UNCOUNTED || measured_is_request(request)) // others' may be with those of their batch's first
        summary->sources[request->source]++;
    summary->input_tokens += request->sum_input_tokens > 0 ? (uint64_t)request->sum_input_tokens : 0;
    summary->output_tokens += request->sum_output_tokens > 0 ? (uint64_t)request->sum_output_tokens : 0;
    summary->output_counted += request->sum_output_tokens >= 0;
    if (request->cached_tokens >= 0) {
        summary->cached_said++;
        summary->cached_tokens += (uint64_t)request->cached_tokens;
        summary->cached_of += (uint64_t)request->input_tokens;
    }
    return add_figures(summary, request, err);
}

static int finish_parts(struct summary *summary, struct err *err)
{
    double duration_s = 0;
    summary->peak_exact = true;
    summary->peak = summary->vllm_peak = summary->part_count > 0 ? -1 : 0;
    for (size_t i = 0; i < summary->part_count; i++) {
        struct summary_part *part = &summary->parts[i];
        int64_t vllm;
        part->duration_s = part->first_ns == TIMING_NEVER ? NAN : ((double)part->last_ns - (double)part->first_ns) / NS_PER_S;
        part->duration_s = isnan(part->given_s) || summary->whole ? part->duration_s : part->given_s;
        duration_s += isnan(part->duration_s) ? 0 : part->duration_s;
        if (peak_most(part->in_flight, &part->peak, err) < 0 || peak_most_touching(part->vllm, &vllm, err) < 0)
            return -1;
        if (part->unplaced)
            part->peak = vllm = -1;
        summary->peak = part->peak > summary->peak ? part->peak : summary->peak;
        summary->vllm_peak = vllm > summary->vllm_peak ? vllm : summary->vllm_peak;
        summary->peak_exact = summary->peak_exact && peak_exact(part->in_flight);
    }
    bool counted = false;
    for (int i = TOKENS_UNCOUNTED + 1; i < TOKENS_COUNT; i++)
        counted = counted || summary->sources[i] > 0;
    summary->duration_s = duration_s > 0 ? duration_s : NAN;
    summary->request_rps = (double)summary->completed / summary->duration_s;
    summary->input_tps = counted && summary->output_counted == 0 ? (double)summary->input_tokens / summary->duration_s : NAN;
    summary->output_tps = summary->output_counted > 0 ? (double)summary->output_tokens / summary->duration_s : NAN;
    summary->total_tps = counted ? (double)(summary->input_tokens + summary->output_tokens) / summary->duration_s : NAN;
    return 0;
}

static int finish_courses(struct summary *summary, struct err *err)
{
    for (size_t i = 0; i < summary->part_count; i++) {
        struct summary_part *part = &summary->parts[i];
        if (course_finish(&part->course, buf_str(&part->load), part->shards.count > 0 ? part->shards.there : 1, err) < 0)
            return -1;
        if (part->course.backlog.judged && (!summary->saturated || part->course.backlog.z > summary->saturated->course.backlog.z))
            summary->saturated = part;
    }
    return 0;
}

static int settle(struct summary *summary, struct err *err)
{
    struct quantiles *vllm = summary->values[PROFILE_VLLM][METRIC_ITL];
    if (quantiles_add_all(vllm, summary->values[PROFILE_CONTENT][METRIC_ITL], err) < 0)
        return -1;
    for (int profile = 0; profile < PROFILE_COUNT; profile++)
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            if (quantiles_settle(summary->values[profile][metric], err) < 0)
                return -1;
    return quantiles_settle(summary->client.send_lag, err);
}

static bool differ(const struct summary *summary, enum metric metric)
{
    const struct quantiles *a = summary->values[PROFILE_CONTENT][metric], *b = summary->values[PROFILE_VLLM][metric];
    bool apart = fabs(quantiles_moments(a).mean - quantiles_moments(b).mean) > NS_PER_MS;
    for (size_t i = 0; i < summary->plan->percentile_count; i++) {
        double p = summary->plan->percentiles[i] / 100;
        apart = apart || fabs(quantiles_at(a, p) - quantiles_at(b, p)) > NS_PER_MS;
    }
    return apart;
}

static void judge_client(struct summary_client *client)
{
    client->reasons[SUMMARY_LATE_CHUNKS] = summary_share(client->late, client->chunks) > SUMMARY_LATE_SHARE;
    client->reasons[SUMMARY_SEND_LAG] = client->lagged >= SUMMARY_LAGGED_LEAST &&
                                        summary_share(client->lagged, quantiles_count(client->send_lag)) > SUMMARY_LAGGED_SHARE;
    client->reasons[SUMMARY_BUSY_CPU] = summary_share(client->cpu_high, client->cpu_known) > SUMMARY_CPU_HIGH_SHARE;
    for (int i = 0; i < SUMMARY_REASONS; i++)
        client->bottleneck = client->bottleneck || client->reasons[i];
}

static int find_intervals(struct summary *summary, struct err *err)
{
    const struct summary_plan *plan = summary->plan;
    double *quantiles = calloc(plan->percentile_count + 1, sizeof *quantiles);
    if (!quantiles)
        return err_nomem(err);
    for (size_t i = 0; i < plan->percentile_count; i++)
        quantiles[i] = plan->percentiles[i] / 100;
    struct bootstrap bootstrap = {.units = summary->completed,
                                  .resamples = plan->resamples,
                                  .level = plan->ci_level,
                                  .seed = plan->seed,
                                  .quantiles = quantiles,
                                  .quantile_count = plan->percentile_count};
    bool any = false;
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        summary->intervals[metric].kept = quantiles_kept(summary->values[plan->profile][metric]);
        any = any || summary->intervals[metric].kept.count > 0;
    }
    int rc = any ? bootstrap_run(&bootstrap, summary->intervals, METRIC_COUNT, err) : 0;
    free(quantiles);
    return rc;
}

int summary_finish(struct summary *summary, struct err *err)
{
    if (finish_parts(summary, err) < 0 || settle(summary, err) < 0)
        return -1;
    if (summary->whole)
        summary->saturated = summary->whole->saturated;
    else if (finish_courses(summary, err) < 0)
        return -1;
    judge_client(&summary->client);
    static const enum metric compared[] = {METRIC_TTFT, METRIC_TPOT, METRIC_ITL, METRIC_E2E};
    for (size_t i = 0; i < COUNT(compared); i++)
        summary->profiles_differ = summary->profiles_differ || differ(summary, compared[i]);
    return summary->plan->ci_level > 0 ? find_intervals(summary, err) : 0;
}

uint64_t summary_offered(const struct summary *summary)
{
    return summary->completed + summary->failed;
}

bool summary_is_empty(const struct summary *summary)
{
    return summary->part_count == 0 && summary->warmup == 0;
}

double summary_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

bool summary_is_few(uint64_t count, double percentile)
{
    double beyond = (double)count * (percentile < 50 ? percentile : 100 - percentile) / 100;
    return beyond < SUMMARY_FEW_SAMPLES - 1e-9; // 100 - 99.9 is not quite 0.1
}

bool summary_other_has(const struct summary *summary, enum metric metric)
{
    enum profile other = summary->plan->profile == PROFILE_CONTENT ? PROFILE_VLLM : PROFILE_CONTENT;
    return summary->profiles_differ && metric != METRIC_QUEUE_WAIT && quantiles_count(summary->values[other][metric]) > 0;
}
