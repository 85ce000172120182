/*
 * report/foreign_vllm.c: the result of vllm bench serve; see foreign.h
 *
 * Its fields and their units: load-metrics, section 5 (vllm/benchmarks/serve.py, and the Rust client). start_times are
 * there since January 2026: without them what was sent when is not known, and each request's times stand by themselves.
 */
#include "base/json.h"
#include "base/num.h"
#include "report/foreign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char name[] = "vllm bench serve";

static bool tell(struct jval root)
{
    return !isnan(foreign_number(root, "/duration")) && !isnan(foreign_number(root, "/completed")) &&
           !isnan(foreign_number(root, "/request_throughput"));
}

/* "20261124-074300" as "2026-11-24T07:43:00Z". (It is local time, of a zone that nobody kept.) */
static struct str start_of(struct jval root, char start[32])
{
    struct str date;
    if (!jval_str_at(root, "/date", &date) || date.len != 15)
        return STR("");
    snprintf(start, 32, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date.ptr, date.ptr + 4, date.ptr + 6, date.ptr + 9, date.ptr + 11, date.ptr + 13);
    return str_of(start);
}

static struct foreign_load load_of(struct jval root)
{
    struct foreign_load load = {.tool = name,
                                .concurrency = foreign_number(root, "/max_concurrency"),
                                .rate_rps = foreign_number(root, "/request_rate"), // or "inf"
                                .burstiness = foreign_number(root, "/burstiness"),
                                .duration_s = foreign_number(root, "/duration")};
    load.mode = isnan(load.rate_rps) && !isnan(load.concurrency) ? "closed" : "open";
    if (isnan(load.rate_rps))
        load.burstiness = NAN;
    return load;
}

/* The arrays, an element a request each; absent ones have no elements. */
enum array { TTFTS, ITLS, INPUT_LENS, OUTPUT_LENS, START_TIMES, QUEUE_TIMES, TEXTS, ERRORS, ARRAYS };
static const char *const arrays[ARRAYS] = {"ttfts", "itls", "input_lens", "output_lens", "start_times", "queue_times",
        "generated_texts", "errors"};

struct reading {
    struct jiter iters[ARRAYS];
    bool there[ARRAYS];
    double base_s;
    int64_t *chunks;
    size_t room;
};

static int read_chunks(struct reading *reading, struct jval itls, double ttft_s, struct timing *timing, struct err *err)
{
    struct jval value;
    size_t count = jval_count(itls) + 1, n = 0;
    double at_s = ttft_s, gap_s;
    if (count > reading->room) {
        int64_t *grown = realloc(reading->chunks, count * 2 * sizeof *grown);
        if (!grown)
            return err_nomem(err);
        reading->chunks = grown;
        reading->room = count * 2;
    }
    for (struct jiter iter = jval_items(itls);; at_s += gap_s) {
        int64_t since_ns = foreign_ns(at_s, 0);
        if (since_ns == TIMING_NEVER || __builtin_add_overflow(timing->sent_ns, since_ns, &reading->chunks[n++]))
            return err_set(err, ERR_RANGE, "itls: a time that does not fit");
        if (!jiter_next(&iter, NULL, &value))
            break;
        if (!jval_double(value, &gap_s))
            return err_set(err, ERR_PARSE, "itls: not lists of numbers");
    }
    timing->chunks_ns = reading->chunks;
    timing->chunk_count = n;
    timing->first_ns = reading->chunks[0];
    timing->last_ns = timing->end_ns = reading->chunks[n - 1];
    return 0;
}

static int read_request(struct reading *reading, const struct jval values[ARRAYS], struct foreign_request *request, struct err *err)
{
    double ttft_s = 0, start_s = reading->base_s, queue_s;
    struct str error = STR("");
    if (!jval_double(values[TTFTS], &ttft_s) || (reading->there[START_TIMES] && !jval_double(values[START_TIMES], &start_s)))
        return err_set(err, ERR_PARSE, "ttfts, start_times: not numbers");
    if (reading->there[INPUT_LENS])
        jval_int(values[INPUT_LENS], &request->input_tokens);
    if (reading->there[OUTPUT_LENS])
        jval_int(values[OUTPUT_LENS], &request->output_tokens);
    if (reading->there[TEXTS])
        jval_str(values[TEXTS], &request->text);
    if (reading->there[ERRORS])
        jval_str(values[ERRORS], &error);
    request->timing.sent_ns = foreign_ns(start_s, reading->base_s);
    if (reading->there[QUEUE_TIMES] && jval_double(values[QUEUE_TIMES], &queue_s))
        request->timing.due_ns = foreign_ns(start_s - queue_s, reading->base_s);
    if (error.len > 0 || (ttft_s <= 0 && request->output_tokens <= 0)) {
        request->failure = error.len > 0 ? error : STR("no token came");
        request->text.ptr = NULL;
        request->output_tokens = -1;
        request->timing.end_ns = request->timing.sent_ns; // when it failed, nobody kept
        return 0;
    }
    return read_chunks(reading, values[ITLS], ttft_s, &request->timing, err);
}

static int read_requests(struct foreign *foreign, struct reading *reading, const struct timing *like, struct err *err)
{
    struct jval values[ARRAYS];
    for (size_t number = 0;; number++) {
        for (int i = 0; i < ARRAYS; i++)
            if (reading->there[i] && !jiter_next(&reading->iters[i], NULL, &values[i]))
                return 0; // all are as long, which was seen
        struct foreign_request request = foreign_request_none();
        request.timing.start = like->start;
        request.timing.start_ns = like->start_ns;
        request.timing.load = like->load;
        if (read_request(reading, values, &request, err) < 0)
            return -1;
        foreign_add_request(foreign, &request, number);
    }
}

static double earliest(struct jval times)
{
    struct jval value;
    double least = INFINITY, at;
    for (struct jiter iter = jval_items(times); jiter_next(&iter, NULL, &value);)
        least = jval_double(value, &at) && at < least ? at : least;
    return isfinite(least) ? least : 0;
}

static int convert_detailed(struct foreign *foreign, struct jval root, struct err *err)
{
    struct reading reading = {0};
    struct foreign_load load = load_of(root);
    struct buf load_json = {0};
    struct jval found;
    char start[32];
    size_t count = 0;
    for (int i = 0; i < ARRAYS; i++) {
        reading.there[i] = jval_member(root, arrays[i], &found) && jval_type(found) == JTYPE_ARRAY;
        if (!reading.there[i])
            continue;
        if (i > 0 && jval_count(found) != count)
            return err_set(err, ERR_PARSE, "%s: %zu elements, where ttfts has %zu", arrays[i], jval_count(found), count);
        count = jval_count(found);
        reading.iters[i] = jval_items(found);
        if (i == START_TIMES)
            reading.base_s = earliest(found);
    }
    load.unplaced = !reading.there[START_TIMES];
    foreign_write_load(&load, &load_json);
    int64_t start_ns = foreign_ns(reading.base_s, 0);
    struct timing like = {.start = start_of(root, start), .start_ns = start_ns == TIMING_NEVER ? 0 : start_ns, .load = buf_str(&load_json)};
    int rc = load_json.failed ? err_nomem(err) : read_requests(foreign, &reading, &like, err);
    buf_release(&load_json);
    free(reading.chunks);
    return rc;
}

static const struct {
    const char *name;
    enum metric metric;
} metrics[] = {
    {"ttft_ms", METRIC_TTFT}, {"tpot_ms", METRIC_TPOT},                   {"itl_ms", METRIC_ITL},
    {"e2el_ms", METRIC_E2E},  {"client_queue_time_ms", METRIC_QUEUE_WAIT}, {"e2el_including_client_queue_ms", METRIC_E2E_FROM_DUE},
};

/* p99.9_ttft_ms: the member that begins so is a percentile of that metric. */
static struct str percentile_of(struct str key, const char *metric)
{
    const char *underscore = memchr(key.ptr, '_', key.len);
    if (!underscore || key.ptr[0] != 'p' || !strchr("0123456789", key.ptr[1]))
        return STR("");
    struct str front = {key.ptr, (size_t)(underscore - key.ptr)};
    return str_is((struct str){underscore + 1, key.len - front.len - 1}, metric) ? front : STR("");
}

static void write_metric(struct jval root, size_t i, struct buf *out)
{
    char path[64], key_text[32];
    struct str key;
    struct jval value;
    snprintf(path, sizeof path, "/mean_%s", metrics[i].name);
    double number, mean = foreign_number(root, path);
    if (isnan(mean))
        return;
    foreign_metric(out, metrics[i].metric);
    foreign_figure(out, "mean", mean);
    snprintf(path, sizeof path, "/std_%s", metrics[i].name);
    foreign_figure(out, "std", foreign_number(root, path));
    snprintf(path, sizeof path, "/median_%s", metrics[i].name);
    foreign_figure(out, "p50", foreign_number(root, path));
    for (struct jiter iter = jval_items(root); jiter_next(&iter, &key, &value);) {
        struct str percentile = percentile_of(key, metrics[i].name);
        if (percentile.len == 0 || percentile.len >= sizeof key_text || str_is(percentile, "p50") || !jval_double(value, &number))
            continue;
        snprintf(key_text, sizeof key_text, "%.*s", STR_ARG(percentile));
        foreign_figure(out, key_text, number);
    }
    json_object_end(out);
}

static int convert(struct foreign *foreign, struct jval root, struct err *err)
{
    struct jval value;
    if (jval_member(root, "ttfts", &value) && jval_member(root, "itls", &value))
        return convert_detailed(foreign, root, err);
    struct foreign_summary summary = foreign_summary_none(name);
    summary.profile = "vllm";
    summary.load = load_of(root);
    summary.completed = foreign_number(root, "/completed");
    summary.failed = foreign_number(root, "/failed");
    summary.request_rps = foreign_number(root, "/request_throughput");
    summary.output_tps = foreign_number(root, "/output_throughput");
    summary.total_tps = foreign_number(root, "/total_token_throughput");
    summary.input_tokens = foreign_number(root, "/total_input_tokens");
    summary.output_tokens = foreign_number(root, "/total_output_tokens");
    summary.goodput_rps = foreign_number(root, "/request_goodput");
    summary.vllm_peak = foreign_number(root, "/max_concurrent_requests");
    foreign_summary_begin(&summary, &foreign->summaries);
    for (size_t i = 0; i < COUNT(metrics); i++)
        write_metric(root, i, &foreign->summaries);
    foreign_summary_end(&foreign->summaries);
    return 0;
}

const struct foreign_tool foreign_vllm = {name, tell, convert};
