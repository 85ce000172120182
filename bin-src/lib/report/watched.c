/* report/watched.c: see watched.h; what it writes is in watched_write.c */
#include "report/watched.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEEP = 1 << 20 }; // values, before a sketch

/* The members of "server". */
static const char *const counter_names[WATCHED_COUNTERS] = {
    [WATCHED_PROMPT_TOKENS] = "prompt_tokens",   [WATCHED_GENERATION_TOKENS] = "generation_tokens",
    [WATCHED_PREFIX_QUERIES] = "prefix_queries", [WATCHED_PREFIX_HITS] = "prefix_hits",
    [WATCHED_PREEMPTIONS] = "preemptions",
};
static const char *const gauge_names[WATCHED_GAUGES] = {
    [WATCHED_RUNNING] = "running", [WATCHED_WAITING] = "waiting", [WATCHED_KV_CACHE_USAGE] = "kv_cache_usage"};

struct watched *watched_new(enum profile profile)
{
    struct watched *watched = calloc(1, sizeof *watched);
    if (!watched)
        return NULL;
    watched->profile = profile;
    watched->first_ns = watched->last_ns = INT64_MIN;
    for (int i = 0; i < WATCHED_COUNTERS; i++)
        watched->counters[i].last = NAN;
    watched->ttft_ns = quantiles_new(KEEP, QUANTILES_PLAIN);
    watched->rtt_ns = quantiles_new(KEEP, QUANTILES_PLAIN);
    if (watched->ttft_ns && watched->rtt_ns)
        return watched;
    watched_free(watched);
    return NULL;
}

void watched_free(struct watched *watched)
{
    if (!watched)
        return;
    buf_release(&watched->url);
    quantiles_free(watched->ttft_ns);
    quantiles_free(watched->rtt_ns);
    free(watched->gpus);
    free(watched);
}

/* --- requests --- */

int watched_of(struct watched *watched, struct jval sample, struct err *err)
{
    struct str url;
    buf_clear(&watched->url);
    if (jval_str_at(sample, "/url", &url))
        buf_add_str(&watched->url, url);
    return watched->url.failed ? err_nomem(err) : 0;
}

/* Of a load with one server no request names it. */
static bool is_elsewhere(const struct watched *watched, struct jval record)
{
    struct str url;
    return watched->url.len > 0 && jval_str_at(record, "/response/url", &url) && !str_eq(url, buf_str(&watched->url));
}

/* Finds the UTC of timing.start: mostly it is that of the request before. */
static bool find_start(struct watched *watched, const struct measured *request)
{
    struct str start = request->timing.start.ptr ? request->timing.start : STR("");
    if (start.len > 0 && str_eq(start, str_of(watched->start)))
        return true;
    if (start.len >= sizeof watched->start || !clock_parse_utc(start, &watched->start_utc_ns))
        return false;
    memcpy(watched->start, start.ptr, start.len);
    watched->start[start.len] = '\0';
    return true;
}

static void widen(struct watched *watched, int64_t at_ns)
{
    int64_t utc_ns;
    if (at_ns == TIMING_NEVER || __builtin_add_overflow(watched->start_utc_ns, at_ns, &utc_ns))
        return;
    watched->first_ns = watched->first_ns == INT64_MIN || utc_ns < watched->first_ns ? utc_ns : watched->first_ns;
    watched->last_ns = utc_ns > watched->last_ns ? utc_ns : watched->last_ns;
}

int watched_add_request(struct watched *watched, struct jval record, const struct measured *request, struct err *err)
{
    double figures[METRIC_COUNT];
    const struct timing *timing = &request->timing;
    bool done = request->outcome == OUTCOME_COMPLETED, reached = request->failure != FAILURE_CONNECT && request->failure != FAILURE_TLS;
    if (timing->sent_ns == TIMING_NEVER || is_elsewhere(watched, record))
        return 0;
    if (find_start(watched, request)) {
        widen(watched, timing->due_ns);
        widen(watched, timing->sent_ns);
        widen(watched, timing->end_ns);
    } else
        watched->unplaced++;
    watched->requests++;
    watched->answered += done;
    watched->tries += request->attempts.doc ? jval_count(request->attempts) : 0;
    watched->uncounted += reached && request->output_tokens < 0;
    watched->input_tokens += request->input_tokens > 0 ? request->input_tokens : 0;
    watched->output_tokens += request->output_tokens > 0 ? request->output_tokens : 0;
    measured_figures(request, watched->profile, figures);
    if (!done || timing->warmup || isnan(figures[METRIC_TTFT]))
        return 0;
    return quantiles_add(watched->ttft_ns, figures[METRIC_TTFT], 0, err);
}

/* --- samples --- */

enum where { BEFORE, WITHIN, AFTER, ACROSS }; // the run; the last: it began or ended while the sample was taken

static void add_reading(struct watched_tally *tally, double value, enum where where)
{
    if (tally->to_after)
        return;
    if (where == BEFORE)
        *tally = (struct watched_tally){.last = value, .from_before = true};
    else if (!isnan(tally->last)) {
        tally->rise += value >= tally->last ? value - tally->last : value;
        tally->restarts += value < tally->last;
    }
    tally->last = value;
    tally->to_after = where == AFTER;
}

static void add_level(struct watched_level *level, double value)
{
    level->sum += value;
    level->most = level->count == 0 || value > level->most ? value : level->most;
    level->count++;
}

static int read_number(struct jval object, const char *name, double *value, struct err *err)
{
    struct jval member;
    *value = NAN;
    if (!jval_member(object, name, &member) || jval_double(member, value))
        return 0;
    return err_set(err, ERR_PARSE, "%s: not a number", name);
}

static int add_server(struct watched *watched, struct jval server, enum where where, struct err *err)
{
    double value;
    for (int i = 0; i < WATCHED_COUNTERS; i++) {
        if (read_number(server, counter_names[i], &value, err) < 0)
            return -1;
        if (!isnan(value))
            add_reading(&watched->counters[i], value, where);
    }
    for (int i = 0; i < WATCHED_GAUGES; i++) {
        if (read_number(server, gauge_names[i], &value, err) < 0)
            return -1;
        if (!isnan(value) && where == WITHIN)
            add_level(&watched->gauges[i], value);
    }
    return 0;
}

/* The GPU of that index, a new one if need be. NULL: out of memory. */
static struct watched_gpu *find_gpu(struct watched *watched, int64_t index)
{
    for (size_t i = 0; i < watched->gpu_count; i++)
        if (watched->gpus[i].index == index)
            return &watched->gpus[i];
    struct watched_gpu *gpus = realloc(watched->gpus, (watched->gpu_count + 1) * sizeof *gpus);
    if (!gpus)
        return NULL;
    watched->gpus = gpus;
    gpus[watched->gpu_count] = (struct watched_gpu){.index = index, .energy_j.last = NAN};
    return &gpus[watched->gpu_count++];
}

static void keep_text(struct jval object, const char *name, char *out, size_t size)
{
    struct str text;
    if (out[0] == '\0' && jval_str_at(object, name, &text))
        snprintf(out, size, "%.*s", STR_ARG(text));
}

static int add_gpu(struct watched *watched, struct jval value, enum where where, struct err *err)
{
    int64_t index;
    double utilization, power_w, energy_j;
    if (!jval_int_at(value, "/index", &index))
        return err_set(err, ERR_PARSE, "index: not a whole number");
    struct watched_gpu *gpu = find_gpu(watched, index);
    if (!gpu)
        return err_nomem(err);
    keep_text(value, "/uuid", gpu->uuid, sizeof gpu->uuid);
    keep_text(value, "/name", gpu->name, sizeof gpu->name);
    if (read_number(value, "utilization", &utilization, err) < 0 || read_number(value, "power_w", &power_w, err) < 0 ||
        read_number(value, "energy_j", &energy_j, err) < 0)
        return -1;
    if (!isnan(utilization) && where == WITHIN)
        add_level(&gpu->utilization, utilization);
    if (!isnan(power_w) && where == WITHIN)
        add_level(&gpu->power_w, power_w);
    if (!isnan(energy_j))
        add_reading(&gpu->energy_j, energy_j, where);
    return 0;
}

static int place(const struct watched *watched, struct jval sample, enum where *where, struct err *err)
{
    struct str start;
    int64_t start_ns, from_ns, took_ns = 0;
    if (!jval_str_at(sample, "/start", &start) || !clock_parse_utc(start, &start_ns))
        return err_set(err, ERR_PARSE, "start: no time in UTC: is it a line of lm-watch?");
    if (!jval_int_at(sample, "/sampled_ns", &from_ns) || from_ns < 0 || __builtin_add_overflow(start_ns, from_ns, &from_ns))
        return err_set(err, ERR_PARSE, "sampled_ns: no whole number of ns");
    jval_int_at(sample, "/took_ns", &took_ns);
    if (from_ns >= watched->last_ns)
        *where = AFTER;
    else if (took_ns <= watched->first_ns - from_ns)
        *where = BEFORE;
    else
        *where = from_ns >= watched->first_ns && took_ns <= watched->last_ns - from_ns ? WITHIN : ACROSS;
    return 0;
}

static int add_rest(struct watched *watched, struct jval sample, enum where where, struct err *err)
{
    struct jval value;
    double rtt_ns;
    int64_t missed = 0;
    bool reset;
    if (jval_member(sample, "cache_reset", &value) && jval_bool(value, &reset) && where != AFTER)
        watched->cache = reset ? WATCHED_RESET : WATCHED_RESET_FAILED;
    if (read_number(sample, "rtt_ns", &rtt_ns, err) < 0)
        return -1;
    if (where == WITHIN) {
        watched->within++;
        watched->failed += jval_member(sample, "error", &value);
        watched->missed += jval_int_at(sample, "/missed", &missed) && missed > 0 ? (uint64_t)missed : 0;
    }
    return isnan(rtt_ns) ? 0 : quantiles_add(watched->rtt_ns, rtt_ns, 0, err);
}

int watched_add_sample(struct watched *watched, struct jval sample, struct err *err)
{
    enum where where = ACROSS;
    struct jval value, gpu;
    if (watched->first_ns == INT64_MIN)
        return 0;
    if (place(watched, sample, &where, err) < 0 || add_rest(watched, sample, where, err) < 0)
        return -1;
    watched->samples++;
    if (jval_member(sample, "server", &value) && add_server(watched, value, where, err) < 0)
        return err_prefix(err, "server.");
    if (jval_member(sample, "gpus", &value))
        for (struct jiter it = jval_items(value); jiter_next(&it, NULL, &gpu);)
            if (add_gpu(watched, gpu, where, err) < 0)
                return err_prefix(err, "gpus.");
    return 0;
}

int watched_finish(struct watched *watched, struct err *err)
{
    return quantiles_settle(watched->ttft_ns, err) < 0 ? -1 : quantiles_settle(watched->rtt_ns, err);
}

/* --- what it comes to --- */

bool watched_covers(const struct watched *watched, const struct watched_tally *tally)
{
    return watched->unplaced == 0 && tally->from_before && tally->to_after && tally->restarts == 0;
}

double watched_energy_j(const struct watched *watched)
{
    double sum = 0;
    for (size_t i = 0; i < watched->gpu_count; i++)
        sum += watched_covers(watched, &watched->gpus[i].energy_j) ? watched->gpus[i].energy_j.rise : NAN;
    return watched->gpu_count > 0 ? sum : NAN;
}
