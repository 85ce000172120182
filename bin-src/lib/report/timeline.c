/* report/timeline.c: see timeline.h */
#include "report/timeline.h"

#include "base/num.h"
#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_BIN_NS (10 * NS_PER_MS)
enum { MOST_BINS = 4000000 }; // 32 MB a part

struct timeline *timeline_new(enum profile profile)
{
    struct timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline)
        timeline->profile = profile;
    return timeline;
}

void timeline_free(struct timeline *timeline)
{
    if (!timeline)
        return;
    for (size_t i = 0; i < timeline->part_count; i++)
        free(timeline->parts[i].tokens);
    free(timeline->parts);
    free(timeline->samples);
    free(timeline->sent.ns);
    free(timeline->ended.ns);
    free(timeline->failed.ns);
    free(timeline);
}

/* Makes room for one more of size bytes in *array, which has count of room. */
static int make_room(void *array, size_t size, size_t count, size_t *room, struct err *err)
{
    void **at = array;
    if (count < *room)
        return 0;
    size_t more = *room < 64 ? 64 : *room + *room / 2;
    void *grown = realloc(*at, more * size);
    if (!grown)
        return err_nomem(err);
    *at = grown;
    *room = more;
    return 0;
}

static int add_time(struct timeline_times *times, int64_t ns, struct err *err)
{
    if (make_room(&times->ns, sizeof *times->ns, times->count, &times->room, err) < 0)
        return -1;
    times->ns[times->count++] = ns;
    return 0;
}

/* "2026-11-24T07:43:00.123456789Z", with any digits of the fraction or none. */
static int parse_utc(struct str text, int64_t *utc_ns, struct err *err)
{
    char copy[40];
    struct tm tm = {0};
    int64_t fraction = 0;
    if (text.len < sizeof copy) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
        if (rest && *rest == '.') {
            int64_t place = NS_PER_S / 10;
            for (rest++; *rest >= '0' && *rest <= '9'; rest++, place /= 10)
                fraction += (*rest - '0') * place;
        }
        if (rest && strcmp(rest, "Z") == 0 && tm.tm_year > 0 && tm.tm_year < 300) {
            *utc_ns = (int64_t)timegm(&tm) * NS_PER_S + fraction;
            return 0;
        }
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is no time such as 2026-11-24T07:43:00.123Z", (int)(text.len < 40 ? text.len : 40), text.ptr);
}

static struct timeline_part *find_part(struct timeline *timeline, int64_t start_ns, struct err *err)
{
    for (size_t i = timeline->part_count; i-- > 0;)
        if (timeline->parts[i].start_ns == start_ns)
            return &timeline->parts[i];
    struct timeline_part *parts = realloc(timeline->parts, (timeline->part_count + 1) * sizeof *parts);
    if (!parts) {
        err_nomem(err);
        return NULL;
    }
    timeline->parts = parts;
    parts[timeline->part_count] = (struct timeline_part){.start_ns = start_ns, .bin_ns = FIRST_BIN_NS};
    return &parts[timeline->part_count++];
}

/* Ten bins become one. */
static void widen(struct timeline_part *part)
{
    size_t bins = (part->bins + 9) / 10;
    for (size_t i = 0; i < bins; i++) {
        double sum = 0;
        for (size_t k = 10 * i; k < 10 * i + 10 && k < part->bins; k++)
            sum += part->tokens[k];
        part->tokens[i] = sum;
    }
    part->bins = bins;
    part->bin_ns *= 10;
}

static int add_tokens(struct timeline_part *part, int64_t at_ns, double tokens, struct err *err)
{
    size_t bin;
    at_ns = at_ns < 0 ? 0 : at_ns;
    while ((bin = (size_t)(at_ns / part->bin_ns)) >= MOST_BINS)
        widen(part);
    while (part->bins <= bin) {
        if (make_room(&part->tokens, sizeof *part->tokens, part->bins, &part->room, err) < 0)
            return -1;
        part->tokens[part->bins++] = 0;
    }
    part->tokens[bin] += tokens;
    return 0;
}

/* Nobody kept its chunks: as many pieces as tokens, or so many that nobody sees them. */
static int spread_evenly(struct timeline_part *part, int64_t first_ns, int64_t last_ns, int64_t tokens, struct err *err)
{
    enum { MOST_PIECES = 1000 };
    int64_t pieces = tokens < MOST_PIECES ? tokens : MOST_PIECES;
    for (int64_t i = 0; i < pieces; i++) {
        double after_ns = pieces > 1 ? (double)(last_ns - first_ns) * (double)i / (double)(pieces - 1) : 0;
        if (add_tokens(part, first_ns + (int64_t)after_ns, (double)tokens / (double)pieces, err) < 0)
            return -1;
    }
    return 0;
}

static int spread_tokens(const struct timeline *timeline, struct timeline_part *part, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    double tokens = (double)request->sum_output_tokens;
    size_t from, to;
    measured_gaps(request, timeline->profile, &from, &to);
    if (from == to && timing->first_ns != TIMING_NEVER && timing->last_ns > timing->first_ns)
        return spread_evenly(part, timing->first_ns, timing->last_ns, request->sum_output_tokens, err);
    if (from == to)
        return timing->end_ns == TIMING_NEVER ? 0 : add_tokens(part, timing->end_ns, tokens, err);
    for (size_t i = from; i < to; i++)
        if (add_tokens(part, timing->chunks_ns[i], tokens / (double)(to - from), err) < 0)
            return -1;
    return 0;
}

static int add_interval(struct timeline *timeline, int64_t start_ns, int64_t sent_ns, int64_t end_ns, struct err *err)
{
    int64_t from, to;
    if (sent_ns == TIMING_NEVER || end_ns == TIMING_NEVER || __builtin_add_overflow(start_ns, sent_ns, &from) ||
        __builtin_add_overflow(start_ns, end_ns, &to) || to < from)
        return 0;
    return add_time(&timeline->sent, from, err) < 0 ? -1 : add_time(&timeline->ended, to, err);
}

static int add_attempts(struct timeline *timeline, int64_t start_ns, const struct measured *request, struct err *err)
{
    struct jval attempt;
    if (!request->attempts.doc)
        return 0;
    for (struct jiter iter = jval_items(request->attempts); jiter_next(&iter, NULL, &attempt);) {
        int64_t sent_ns = TIMING_NEVER, end_ns = TIMING_NEVER;
        jval_int_at(attempt, "/sent_ns", &sent_ns);
        jval_int_at(attempt, "/end_ns", &end_ns);
        if (add_interval(timeline, start_ns, sent_ns, end_ns, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_placed(const struct measured *request)
{
    struct jval value;
    bool placed = true;
    if (request->load.doc && jval_member(request->load, "placed", &value))
        jval_bool(value, &placed);
    return placed;
}

/* It and its earlier tries. */
static int add_intervals(struct timeline *timeline, int64_t start_ns, const struct measured *request, struct err *err)
{
    if (!measured_is_request(request))
        return 0;
    if (add_interval(timeline, start_ns, request->timing.sent_ns, request->timing.end_ns, err) < 0)
        return -1;
    return add_attempts(timeline, start_ns, request, err);
}

int timeline_add(struct timeline *timeline, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    int64_t start_ns = 0;
    if (timing->warmup) {
        timeline->warmup++;
        return 0;
    }
    if (!is_placed(request)) {
        timeline->unplaced++;
        return 0;
    }
    if (timing->start.ptr && parse_utc(timing->start, &start_ns, err) < 0)
        return err_prefix(err, "timing.start: ");
    struct timeline_part *part = find_part(timeline, start_ns, err);
    if (!part || add_intervals(timeline, start_ns, request, err) < 0)
        return -1;
    timeline->completed += request->outcome == OUTCOME_COMPLETED;
    timeline->cancelled += request->outcome == OUTCOME_CANCELLED;
    timeline->failures += request->outcome == OUTCOME_FAILED;
    timeline->uncounted += request->outcome == OUTCOME_COMPLETED && request->sum_output_tokens < 0 && measured_is_request(request);
    if (request->outcome == OUTCOME_FAILED && timing->end_ns != TIMING_NEVER &&
        add_time(&timeline->failed, start_ns + timing->end_ns, err) < 0)
        return -1;
    return request->sum_output_tokens > 0 ? spread_tokens(timeline, part, request, err) : 0;
}

static void read_gpus(struct jval sample, struct timeline_sample *to)
{
    struct jval gpus, gpu;
    double utilization = 0, power_w = 0, value;
    size_t with_utilization = 0, with_power = 0;
    if (!jval_member(sample, "gpus", &gpus))
        return;
    for (struct jiter iter = jval_items(gpus); jiter_next(&iter, NULL, &gpu);) {
        if (jval_double_at(gpu, "/utilization", &value))
            utilization += value, with_utilization++;
        if (jval_double_at(gpu, "/power_w", &value))
            power_w += value, with_power++;
    }
    if (with_utilization > 0)
        to->values[TIMELINE_GPU_UTILIZATION] = utilization / (double)with_utilization;
    if (with_power > 0)
        to->values[TIMELINE_GPU_POWER] = power_w;
}

int timeline_watch(struct timeline *timeline, struct jval sample, struct err *err)
{
    static const char *const paths[] = {
        [TIMELINE_RUNNING] = "/server/running",
        [TIMELINE_WAITING] = "/server/waiting",
        [TIMELINE_KV_USAGE] = "/server/kv_cache_usage",
        [TIMELINE_GENERATED] = "/server/generation_tokens",
    };
    struct timeline_sample read;
    struct str start;
    int64_t start_ns, sampled_ns;
    if (!jval_str_at(sample, "/start", &start))
        return err_set(err, ERR_PARSE, "start: is missing, or no string");
    if (parse_utc(start, &start_ns, err) < 0)
        return err_prefix(err, "start: ");
    if (!jval_int_at(sample, "/sampled_ns", &sampled_ns) || __builtin_add_overflow(start_ns, sampled_ns, &read.at_ns))
        return err_set(err, ERR_PARSE, "sampled_ns: is missing, or no whole number");
    for (int i = 0; i < TIMELINE_SERIES; i++)
        read.values[i] = NAN;
    for (size_t i = 0; i < COUNT(paths); i++)
        jval_double_at(sample, paths[i], &read.values[i]);
    read_gpus(sample, &read);
    if (make_room(&timeline->samples, sizeof read, timeline->sample_count, &timeline->sample_room, err) < 0)
        return -1;
    timeline->samples[timeline->sample_count++] = read;
    return 0;
}

static int sort_times(struct timeline_times *times, struct err *err)
{
    uint64_t *keys = (uint64_t *)times->ns; // the two may alias
    for (size_t i = 0; i < times->count; i++)
        keys[i] = sort_key_of_int(times->ns[i]);
    if (sort_keys(keys, NULL, times->count, err) < 0)
        return -1;
    for (size_t i = 0; i < times->count; i++)
        times->ns[i] = sort_int_of_key(keys[i]);
    return 0;
}

static int compare_samples(const void *left, const void *right)
{
    const struct timeline_sample *a = left, *b = right;
    return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

int timeline_finish(struct timeline *timeline, struct err *err)
{
    if (timeline->sample_count > 0)
        qsort(timeline->samples, timeline->sample_count, sizeof *timeline->samples, compare_samples);
    return sort_times(&timeline->sent, err) < 0 || sort_times(&timeline->ended, err) < 0 ? -1 : sort_times(&timeline->failed, err);
}

/* The first bin that begins at or after a time. */
static size_t bin_from(const struct timeline_part *part, int64_t at_ns)
{
    int64_t after_ns = at_ns - part->start_ns;
    size_t bin = after_ns <= 0 ? 0 : (size_t)((after_ns + part->bin_ns - 1) / part->bin_ns);
    return bin < part->bins ? bin : part->bins;
}

double timeline_tokens(const struct timeline *timeline, int64_t from_ns, int64_t to_ns)
{
    double tokens = 0;
    for (size_t i = 0; i < timeline->part_count; i++)
        for (size_t bin = bin_from(&timeline->parts[i], from_ns), end = bin_from(&timeline->parts[i], to_ns); bin < end; bin++)
            tokens += timeline->parts[i].tokens[bin];
    return tokens;
}

int64_t timeline_bin_ns(const struct timeline *timeline)
{
    int64_t widest_ns = FIRST_BIN_NS;
    for (size_t i = 0; i < timeline->part_count; i++)
        widest_ns = timeline->parts[i].bin_ns > widest_ns ? timeline->parts[i].bin_ns : widest_ns;
    return widest_ns;
}
