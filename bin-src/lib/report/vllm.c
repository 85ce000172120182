/* report/vllm.c: see vllm.h */
#include "report/vllm.h"

#include "base/json.h"
#include "base/num.h"
#include "jsonl/jsonl.h"
#include "stats/peak.h"
#include "stats/quantile.h"
#include "stats/sort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const vllm_metrics[VLLM_METRICS] = {"ttft", "tpot", "itl", "e2el", "client_queue_time", "e2el_including_client_queue"};

enum { UNLIMITED = 1 << 30 }; // values that quantiles keep: all of them

/* A request; times in ns on CLOCK_MONOTONIC. */
struct request {
    int64_t order_ns, sent_ns, queue_ns; // queue_ns: TIMING_NEVER: not known
    int64_t last_ns;
    int64_t input_tokens, output_tokens; // below 0: not counted
    size_t chunk_at, chunk_count;        // in chunks
    size_t text_at, text_len, error_at, error_len; // in texts
    bool completed;
};

/* Requests that share timing.start. */
struct part {
    size_t start_at, start_len; // in texts
    int64_t first_ns, last_ns;  // after the start
    double given_s;             // its duration as another program measured it; NaN: ours is to be found
};

struct vllm {
    const struct vllm_plan *plan;
    struct request *requests;
    size_t count, room;
    int64_t *chunks;
    size_t chunk_count, chunk_room;
    struct part *parts;
    size_t part_count;
    struct buf texts;
    struct buf load, model, api; // of the first request that has them; load as JSON
};

int vllm_parse_metrics(const char *text, unsigned *metrics, struct err *err)
{
    for (*metrics = 0;; text++) {
        size_t len = strcspn(text, ","), i = 0;
        while (i < VLLM_METRICS && !str_is((struct str){text, len}, vllm_metrics[i]))
            i++;
        if (i == VLLM_METRICS)
            return err_set(err, ERR_PARSE, "\"%.*s\" is none of ttft, tpot, itl, e2el, client_queue_time, e2el_including_client_queue",
                           (int)(len < 40 ? len : 40), text);
        *metrics |= 1u << i;
        text += len;
        if (*text == '\0')
            return 0;
    }
}

struct vllm *vllm_new(const struct vllm_plan *plan)
{
    struct vllm *vllm = calloc(1, sizeof *vllm);
    if (vllm)
        vllm->plan = plan;
    return vllm;
}

void vllm_free(struct vllm *vllm)
{
    if (!vllm)
        return;
    buf_release(&vllm->texts);
    buf_release(&vllm->load);
    buf_release(&vllm->model);
    buf_release(&vllm->api);
    free(vllm->requests);
    free(vllm->chunks);
    free(vllm->parts);
    free(vllm);
}

/* Room for more elements of size behind count. */
static int grow(void **array, size_t count, size_t *room, size_t more, size_t size, struct err *err)
{
    if (count + more <= *room)
        return 0;
    size_t wanted = (count + more) + (count + more) / 2 + 64;
    void *grown = reallocarray(*array, wanted, size);
    if (!grown)
        return err_nomem(err);
    *array = grown;
    *room = wanted;
    return 0;
}

static void keep_text(struct vllm *vllm, struct str text, size_t *at, size_t *len)
{
    *at = vllm->texts.len;
    *len = text.len;
    buf_add_str(&vllm->texts, text);
}

static struct str kept_text(const struct vllm *vllm, size_t at, size_t len)
{
    return (struct str){len > 0 ? vllm->texts.ptr + at : "", len};
}

/* The first of them describes the run. */
static void describe(struct vllm *vllm, struct jval record, const struct measured *request)
{
    struct str text;
    if (vllm->load.len == 0 && request->load.doc)
        jval_write(request->load, &vllm->load);
    if (vllm->model.len == 0 && (jval_str_at(record, "/response/model", &text) || jval_str_at(record, "/request/model", &text)))
        buf_add_str(&vllm->model, text);
    if (vllm->api.len == 0 && jval_str_at(record, "/api", &text))
        buf_add_str(&vllm->api, text);
}

/* So that sums and differences of two fit, whatever a file says: 36 years are enough for any clock. */
static int64_t bounded(int64_t at_ns)
{
    const int64_t most = INT64_C(1) << 60;
    return at_ns > most ? most : at_ns < -most ? -most : at_ns;
}

static int widen_part(struct vllm *vllm, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    struct str start = timing->start.ptr ? timing->start : STR("");
    struct part *part = vllm->parts + vllm->part_count;
    while (part > vllm->parts && !str_eq(kept_text(vllm, part[-1].start_at, part[-1].start_len), start))
        part--;
    if (part == vllm->parts) {
        struct part *grown = realloc(vllm->parts, (vllm->part_count + 1) * sizeof *grown);
        if (!grown)
            return err_nomem(err);
        vllm->parts = grown;
        part = &grown[vllm->part_count++];
        *part = (struct part){.given_s = NAN, .first_ns = INT64_MAX};
        if (request->load.doc)
            jval_double_at(request->load, "/duration_s", &part->given_s);
        keep_text(vllm, start, &part->start_at, &part->start_len);
    } else
        part--;
    int64_t first_ns = timing->sent_ns == TIMING_NEVER ? 0 : bounded(timing->sent_ns), last_ns = bounded(timing->end_ns);
    if (timing->due_ns != TIMING_NEVER && first_ns > 0)
        first_ns = 0; // the run began with the wait for the first
    part->first_ns = first_ns < part->first_ns ? first_ns : part->first_ns;
    part->last_ns = last_ns > part->last_ns ? last_ns : part->last_ns;
    return 0;
}

static void keep_texts(struct vllm *vllm, struct jval record, struct request *kept)
{
    struct str text = STR(""), error = STR("");
    if (vllm->plan->detail == VLLM_PLAIN)
        return;
    if (!kept->completed && (!jval_str_at(record, "/response/error/message", &error) || error.len == 0))
        jval_str_at(record, "/response/error/kind", &error);
    jval_str_at(record, "/response/text", &text);
    keep_text(vllm, text, &kept->text_at, &kept->text_len);
    keep_text(vllm, error, &kept->error_at, &kept->error_len);
}

int vllm_add(struct vllm *vllm, struct jval record, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    bool done = request->outcome == OUTCOME_COMPLETED;
    if (timing->warmup || request->outcome == OUTCOME_CANCELLED)
        return 0;
    size_t from = 0, to = 0;
    if (done)
        measured_gaps(request, vllm->plan->profile, &from, &to);
    size_t chunks = to - from;
    if (grow((void **)&vllm->requests, vllm->count, &vllm->room, 1, sizeof *vllm->requests, err) < 0 ||
        grow((void **)&vllm->chunks, vllm->chunk_count, &vllm->chunk_room, chunks, sizeof *vllm->chunks, err) < 0)
        return -1;
    struct request *kept = &vllm->requests[vllm->count];
    int64_t sent_ns = timing->sent_ns != TIMING_NEVER ? bounded(timing->sent_ns) : 0, base_ns = bounded(timing->start_ns);
    int64_t due_ns = timing->due_ns != TIMING_NEVER ? bounded(timing->due_ns) : sent_ns;
    *kept = (struct request){.order_ns = base_ns + due_ns,
                             .sent_ns = base_ns + sent_ns,
                             .queue_ns = timing->due_ns != TIMING_NEVER ? sent_ns - due_ns : TIMING_NEVER,
                             .input_tokens = request->input_tokens,
                             .output_tokens = done ? request->output_tokens : 0,
                             .chunk_at = vllm->chunk_count,
                             .chunk_count = chunks,
                             .completed = done};
    for (size_t i = from; i < to; i++)
        vllm->chunks[vllm->chunk_count++] = base_ns + bounded(timing->chunks_ns[i]);
    kept->last_ns = done ? base_ns + bounded(measured_last_ns(request, vllm->plan->profile)) : kept->sent_ns;
    keep_texts(vllm, record, kept);
    describe(vllm, record, request);
    vllm->count++;
    if (vllm->texts.failed || vllm->load.failed || vllm->model.failed || vllm->api.failed)
        return err_nomem(err);
    return widen_part(vllm, request, err);
}

static double ttft_ns(const struct vllm *vllm, const struct request *request)
{
    return request->chunk_count > 0 ? (double)(vllm->chunks[request->chunk_at] - request->sent_ns) : NAN;
}

static double latency_ns(const struct request *request)
{
    return (double)(request->last_ns - request->sent_ns);
}

static double tpot_ns(const struct vllm *vllm, const struct request *request)
{
    return request->output_tokens > 1 ? (latency_ns(request) - ttft_ns(vllm, request)) / (double)(request->output_tokens - 1) : NAN;
}

/* Within the limits, which are from sent; a tpot that there is none of is kept. */
static bool is_good(const struct vllm *vllm, const struct request *request)
{
    const double *limits = vllm->plan->slo->limits;
    double tpot = request->output_tokens == 0 || request->output_tokens == 1 ? 0 : tpot_ns(vllm, request);
    return (isnan(limits[SLO_TTFT]) || ttft_ns(vllm, request) <= limits[SLO_TTFT]) &&
            (isnan(limits[SLO_TPOT]) || tpot <= limits[SLO_TPOT]) &&
           (isnan(limits[SLO_E2E]) || latency_ns(request) <= limits[SLO_E2E]);
}

/* All sums over the requests. */
struct sums {
    size_t completed, good, counted;
    int64_t input_tokens, output_tokens, first_sent_ns;
    double duration_s;
    int64_t peak, peak_chunks;
    struct quantiles *values[VLLM_METRICS];
};

static int add_value(struct sums *sums, enum vllm_metric metric, double ns, struct err *err)
{
    return isnan(ns) ? 0 : quantiles_add(sums->values[metric], ns, 0, err);
}

static int add_values(const struct vllm *vllm, struct sums *sums, const struct request *request, struct err *err)
{
    double queue_ns = request->queue_ns == TIMING_NEVER ? NAN : (double)request->queue_ns;
    for (size_t i = 1; i < request->chunk_count; i++) {
        const int64_t *at = &vllm->chunks[request->chunk_at + i];
        if (add_value(sums, VLLM_ITL, (double)(at[0] - at[-1]), err) < 0)
            return -1;
    }
    return add_value(sums, VLLM_TTFT, ttft_ns(vllm, request), err) < 0 || add_value(sums, VLLM_TPOT, tpot_ns(vllm, request), err) < 0 ||
                   add_value(sums, VLLM_E2EL, latency_ns(request), err) < 0 || add_value(sums, VLLM_QUEUE_TIME, queue_ns, err) < 0 ||
                   add_value(sums, VLLM_E2EL_WITH_QUEUE, latency_ns(request) + queue_ns, err) < 0
               ? -1
               : 0;
}

/* The most chunks that came in one second of those that begin as the first request is sent. */
static int find_peak_chunks(const struct vllm *vllm, struct sums *sums, struct err *err)
{
    uint64_t *seconds = malloc((vllm->chunk_count + 1) * sizeof *seconds);
    int64_t run = 0;
    if (!seconds)
        return err_nomem(err);
    for (size_t i = 0; i < vllm->chunk_count; i++)
        seconds[i] = sort_key_of_int((vllm->chunks[i] - sums->first_sent_ns) / NS_PER_S);
    int rc = sort_keys(seconds, NULL, vllm->chunk_count, err);
    for (size_t i = 0; i < vllm->chunk_count && rc == 0; i++) {
        run = i > 0 && seconds[i] == seconds[i - 1] ? run + 1 : 1;
        sums->peak_chunks = run > sums->peak_chunks ? run : sums->peak_chunks;
    }
    free(seconds);
    return rc;
}

static int find_peak(const struct vllm *vllm, struct sums *sums, struct err *err)
{
    struct peak *peak = peak_new(UNLIMITED);
    int rc = peak ? 0 : err_nomem(err);
    for (size_t i = 0; i < vllm->count && rc == 0; i++)
        if (vllm->requests[i].completed)
            rc = peak_add(peak, vllm->requests[i].sent_ns, vllm->requests[i].last_ns, err);
    if (rc == 0)
        rc = peak_most_touching(peak, &sums->peak, err);
    peak_free(peak);
    return rc;
}

static int sum_up(const struct vllm *vllm, struct sums *sums, struct err *err)
{
    sums->first_sent_ns = INT64_C(1) << 62;
    for (int i = 0; i < VLLM_METRICS; i++)
        if (!(sums->values[i] = quantiles_new(UNLIMITED, QUANTILES_PLAIN)))
            return err_nomem(err);
    for (size_t i = 0; i < vllm->count; i++) {
        const struct request *request = &vllm->requests[i];
        if (!request->completed)
            continue;
        sums->completed++;
        sums->input_tokens += request->input_tokens > 0 ? request->input_tokens : 0;
        sums->output_tokens += request->output_tokens > 0 ? request->output_tokens : 0;
        sums->counted += request->output_tokens >= 0;
        sums->good += vllm->plan->slo && is_good(vllm, request);
        sums->first_sent_ns = request->sent_ns < sums->first_sent_ns ? request->sent_ns : sums->first_sent_ns;
        if (add_values(vllm, sums, request, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < vllm->part_count; i++)
        sums->duration_s += isnan(vllm->parts[i].given_s) ? (double)(vllm->parts[i].last_ns - vllm->parts[i].first_ns) / NS_PER_S
                                                          : vllm->parts[i].given_s;
    for (int i = 0; i < VLLM_METRICS; i++)
        if (quantiles_settle(sums->values[i], err) < 0)
            return -1;
    return find_peak_chunks(vllm, sums, err) < 0 || find_peak(vllm, sums, err) < 0 ? -1 : 0;
}

/* What was set for a field; len is 0: nothing. */
static struct str set_value(const struct vllm *vllm, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < vllm->plan->set_count; i++)
        if (strncmp(vllm->plan->set[i], key, len) == 0 && vllm->plan->set[i][len] == '=')
            return str_of(vllm->plan->set[i] + len + 1);
    return STR("");
}

static void write_text(const struct vllm *vllm, const char *key, struct str otherwise, struct buf *out)
{
    struct str text = set_value(vllm, key);
    text = text.len > 0 ? text : otherwise;
    json_key(out, key);
    if (text.len > 0)
        json_str(out, text);
    else
        json_null(out);
}

/* A number where it is one: request_rate may be "inf". */
static void write_number(const struct vllm *vllm, const char *key, struct str otherwise, struct buf *out)
{
    struct err ignored;
    double number;
    struct str text = set_value(vllm, key);
    text = text.len > 0 ? text : otherwise;
    json_key(out, key);
    if (text.len == 0)
        json_null(out);
    else if (num_double(text, -1e300, 1e300, &number, &ignored) == 0)
        json_raw(out, text);
    else
        json_str(out, text);
}

static const char *const named[] = {"date",       "endpoint_type",   "backend",          "label",             "model_id",
        "tokenizer_id",
                                    "num_prompts", "request_rate", "burstiness", "max_concurrency", "ramp_up_strategy", "ramp_up_start_rps",
                                    "ramp_up_end_rps"};

static bool is_named(struct str key)
{
    for (size_t i = 0; i < COUNT(named); i++)
        if (str_is(key, named[i]))
            return true;
    return false;
}

/* Strings of one's own, as --metadata KEY=VALUE there. */
static int write_metadata(const struct vllm *vllm, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < vllm->plan->set_count; i++) {
        const char *equals = strchr(vllm->plan->set[i], '=');
        if (!equals || equals == vllm->plan->set[i])
            return err_set(err, ERR_PARSE, "\"%.80s\" is no key=value", vllm->plan->set[i]);
        struct str key = {vllm->plan->set[i], (size_t)(equals - vllm->plan->set[i])};
        if (!is_named(key))
            json_key_str(out, key), json_cstr(out, equals + 1);
    }
    return 0;
}

/* "2026-11-24T07:43:00..." as "20261124-074300". */
static struct str date_of(const struct vllm *vllm, char date[24])
{
    struct str start = vllm->part_count > 0 ? kept_text(vllm, vllm->parts[0].start_at, vllm->parts[0].start_len) : STR("");
    if (start.len < 19 || start.ptr[10] != 'T')
        return STR("");
    snprintf(date, 24, "%.4s%.2s%.2s-%.2s%.2s%.2s", start.ptr, start.ptr + 5, start.ptr + 8, start.ptr + 11, start.ptr + 14,
            start.ptr + 17);
    return str_of(date);
}

static struct str backend_of(const struct vllm *vllm)
{
    struct str api = buf_str(&vllm->api);
    if (str_is(api, "chat"))
        return STR("openai-chat");
    return str_is(api, "completions") ? STR("openai") : str_is(api, "embeddings") ? STR("openai-embeddings") : STR("");
}

/* How the load was driven, as JSON texts; empty: not known. */
struct driving {
    struct buf rate, burstiness, concurrency;
};

static void read_driving(struct jval load, struct driving *driving)
{
    struct jval value;
    struct str arrivals;
    if (jval_member(load, "rate_rps", &value))
        jval_write(value, &driving->rate);
    else
        buf_add_str(&driving->rate, STR("inf"));
    if (jval_member(load, "burstiness", &value))
        jval_write(value, &driving->burstiness);
    else if (!jval_str_at(load, "/arrivals", &arrivals) || !str_is(arrivals, "constant"))
        buf_add_str(&driving->burstiness, STR("1.0"));
    if (jval_member(load, "concurrency", &value))
        jval_write(value, &driving->concurrency);
}

static int find_driving(const struct vllm *vllm, struct driving *driving, struct err *err)
{
    struct jval load;
    struct buf text = {0};
    struct jdoc *doc = jdoc_new();
    buf_add_str(&text, vllm->load.len > 0 ? buf_str(&vllm->load) : STR("{}"));
    size_t len = text.len;
    int rc = doc && buf_reserve(&text, JDOC_PADDING) ? jdoc_parse(doc, text.ptr, len, &load, err) : err_nomem(err);
    if (rc == 0)
        read_driving(load, driving);
    if (rc == 0 && (driving->rate.failed || driving->burstiness.failed || driving->concurrency.failed))
        rc = err_nomem(err);
    buf_release(&text);
    jdoc_free(doc);
    return rc;
}

static int write_setting(const struct vllm *vllm, const struct driving *driving, struct buf *out, struct err *err)
{
    char date[24], count[24];
    struct str backend = backend_of(vllm);
    write_text(vllm, "date", date_of(vllm, date), out);
    write_text(vllm, "endpoint_type", set_value(vllm, "backend").len > 0 ? set_value(vllm, "backend") : backend, out);
    write_text(vllm, "backend", backend, out);
    write_text(vllm, "label", STR(""), out);
    write_text(vllm, "model_id", buf_str(&vllm->model), out);
    write_text(vllm, "tokenizer_id", STR(""), out);
    write_number(vllm, "num_prompts", (struct str){count, num_format_int(count, (int64_t)vllm->count)}, out);
    if (write_metadata(vllm, out, err) < 0)
        return -1;
    write_number(vllm, "request_rate", buf_str(&driving->rate), out);
    write_number(vllm, "burstiness", buf_str(&driving->burstiness), out);
    write_number(vllm, "max_concurrency", buf_str(&driving->concurrency), out);
    if (set_value(vllm, "ramp_up_strategy").len > 0) {
        write_text(vllm, "ramp_up_strategy", STR(""), out);
        write_number(vllm, "ramp_up_start_rps", STR(""), out);
        write_number(vllm, "ramp_up_end_rps", STR(""), out);
    }
    return 0;
}

static void rate(struct buf *out, const char *key, double amount, double duration_s)
{
    json_key(out, key), json_double(out, amount / duration_s); // no number, where nothing took time: null
}

static void write_totals(const struct vllm *vllm, const struct sums *sums, struct buf *out)
{
    double output = sums->counted > 0 || sums->completed == 0 ? (double)sums->output_tokens : NAN;
    json_key(out, "duration"), json_double(out, sums->duration_s);
    json_key(out, "completed"), json_int(out, (int64_t)sums->completed);
    json_key(out, "failed"), json_int(out, (int64_t)(vllm->count - sums->completed));
    json_key(out, "total_input_tokens"), json_int(out, sums->input_tokens);
    json_key(out, "total_output_tokens");
    if (isnan(output))
        json_null(out);
    else
        json_int(out, sums->output_tokens);
    rate(out, "request_throughput", (double)sums->completed, sums->duration_s);
    rate(out, "request_goodput", vllm->plan->slo ? (double)sums->good : NAN, sums->duration_s);
    rate(out, "output_throughput", output, sums->duration_s);
    rate(out, "total_token_throughput", (double)sums->input_tokens + output, sums->duration_s);
}

static int compare_requests(const void *left, const void *right)
{
    const struct request *a = left, *b = right;
    if (a->order_ns != b->order_ns)
        return a->order_ns < b->order_ns ? -1 : 1;
    return (a->chunk_at > b->chunk_at) - (a->chunk_at < b->chunk_at);
}

enum array { INPUT_LENS, OUTPUT_LENS, TTFTS, ITLS, LATENCIES, START_TIMES, QUEUE_TIMES, TEXTS, ERRORS, ARRAYS };
static const struct {
    const char *name;
    bool detailed; // only there
} arrays[ARRAYS] = {{"input_lens", true}, {"output_lens", true}, {"ttfts", true},           {"itls", true},  {"latencies", false},
                    {"start_times", true}, {"queue_times", false}, {"generated_texts", true}, {"errors", true}};

static void write_count(int64_t count, struct buf *out)
{
    if (count >= 0)
        json_int(out, count);
    else
        json_null(out);
}

static void write_gaps(const struct vllm *vllm, const struct request *request, struct buf *out)
{
    json_array(out);
    for (size_t i = 1; i < request->chunk_count; i++) {
        const int64_t *at = &vllm->chunks[request->chunk_at + i];
        json_double(out, (double)(at[0] - at[-1]) / NS_PER_S);
    }
    json_array_end(out);
}

static void write_element(const struct vllm *vllm, const struct request *request, enum array array, struct buf *out)
{
    double ttft = ttft_ns(vllm, request);
    switch (array) {
    case INPUT_LENS:
        write_count(request->input_tokens, out);
        break;
    case OUTPUT_LENS:
        write_count(request->output_tokens, out);
        break;
    case TTFTS:
        json_double(out, isnan(ttft) ? 0 : ttft / NS_PER_S);
        break;
    case ITLS:
        write_gaps(vllm, request, out);
        break;
    case LATENCIES:
        json_double(out, latency_ns(request) / NS_PER_S);
        break;
    case START_TIMES:
        json_double(out, (double)request->sent_ns / NS_PER_S);
        break;
    case QUEUE_TIMES:
        json_double(out, request->queue_ns == TIMING_NEVER ? 0 : (double)request->queue_ns / NS_PER_S);
        break;
    case TEXTS:
        json_str(out, kept_text(vllm, request->text_at, request->text_len));
        break;
    case ERRORS:
        json_str(out, kept_text(vllm, request->error_at, request->error_len));
        break;
    case ARRAYS:
        break;
    }
}

static void write_arrays(const struct vllm *vllm, struct buf *out)
{
    for (int array = 0; array < ARRAYS; array++) {
        if (arrays[array].detailed && vllm->plan->detail == VLLM_PLAIN)
            continue;
        json_key(out, arrays[array].name), json_array(out);
        for (size_t i = 0; i < vllm->count; i++)
            write_element(vllm, &vllm->requests[i], (enum array)array, out);
        json_array_end(out);
    }
}

/* An empty set has 0 for everything there. */
static void figure(struct buf *out, const char *what, const char *metric, double ns)
{
    char key[96];
    snprintf(key, sizeof key, "%s_%s_ms", what, metric);
    json_key(out, key), json_double(out, isnan(ns) ? 0 : ns / 1e6);
}

static void write_metric(const struct vllm *vllm, const struct quantiles *values, const char *name, struct buf *out)
{
    struct quantiles_moments moments = quantiles_moments(values);
    char what[32];
    figure(out, "mean", name, moments.mean);
    figure(out, "median", name, quantiles_at(values, 0.5));
    figure(out, "std", name, moments.std);
    for (size_t i = 0; i < vllm->plan->percentile_count; i++) {
        snprintf(what, sizeof what, "p%.10g", vllm->plan->percentiles[i]);
        figure(out, what, name, quantiles_at(values, vllm->plan->percentiles[i] / 100));
    }
}

static void write_metrics(const struct vllm *vllm, const struct sums *sums, const struct driving *driving, struct buf *out)
{
    bool capped = driving->concurrency.len > 0, rated = !str_is(buf_str(&driving->rate), "inf");
    for (int i = 0; i < VLLM_METRICS; i++)
        if (vllm->plan->metrics & 1u << i && (i != VLLM_QUEUE_TIME || capped) && (i != VLLM_E2EL_WITH_QUEUE || (capped && rated)))
            write_metric(vllm, sums->values[i], vllm_metrics[i], out);
}

static int write_object(const struct vllm *vllm, const struct sums *sums, struct buf *out, struct err *err)
{
    struct driving driving = {0};
    int rc = find_driving(vllm, &driving, err);
    if (rc == 0) {
        json_object(out);
        rc = write_setting(vllm, &driving, out, err);
        write_totals(vllm, sums, out);
        write_arrays(vllm, out);
        json_key(out, "max_output_tokens_per_s"), json_double(out, (double)sums->peak_chunks);
        json_key(out, "max_concurrent_requests"), json_int(out, sums->peak);
        json_key(out, "rtfx"), json_double(out, 0);
        write_metrics(vllm, sums, &driving, out);
        json_object_end(out);
    }
    buf_release(&driving.rate);
    buf_release(&driving.burstiness);
    buf_release(&driving.concurrency);
    return rc;
}

/* A field of one's own that is there already shows as a name that is there twice. */
static int check_names(struct buf *out, size_t from, struct err *err)
{
    struct jsonl_record rec = {0};
    struct jdoc *doc = jdoc_new();
    int rc = doc && buf_reserve(out, JDOC_PADDING) ? 0 : err_nomem(err);
    if (rc == 0)
        rc = jsonl_parse(doc, (struct str){out->ptr + from, out->len - from}, &rec, err);
    buf_release(&rec.added);
    jdoc_free(doc);
    return rc;
}

int vllm_write(struct vllm *vllm, struct buf *out, struct err *err)
{
    struct sums sums = {0};
    size_t from = out->len;
    if (vllm->count > 0)
        qsort(vllm->requests, vllm->count, sizeof *vllm->requests, compare_requests);
    int rc = sum_up(vllm, &sums, err);
    if (rc == 0)
        rc = write_object(vllm, &sums, out, err);
    if (rc == 0 && out->failed)
        rc = err_nomem(err);
    if (rc == 0 && vllm->plan->set_count > 0)
        rc = check_names(out, from, err);
    for (int i = 0; i < VLLM_METRICS; i++)
        quantiles_free(sums.values[i]);
    return rc;
}
