/*
 * report/foreign_aiperf.c: what aiperf exports; see foreign.h
 *
 * profile_export.jsonl has a line a request, with the wall clock in ns and {"value", "unit"} for each metric (aiperf
 * 0.13.0: aiperf/common/models/record_models.py, MetricRecordInfo); profile_export_aiperf.json the summary, with
 * {"unit", "avg", "p50", ...} (export_models.py, JsonExportData). Its inter_chunk_latency has our gaps, and its
 * inter_token_latency is our TPOT.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "report/foreign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char name[] = "aiperf";

static bool tell_line(struct jval root)
{
    int64_t at_ns;
    struct jval value;
    return jval_int_at(root, "/metadata/request_start_ns", &at_ns) && jval_member(root, "metrics", &value);
}

/* What a unit is in ns; NaN for none of time. */
static double unit_ns(struct jval metric)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ms", 1e6}, {"ns", 1}, {"us", 1e3}, {"s", 1e9}, {"sec", 1e9}};
    struct str unit;
    if (jval_str_at(metric, "/unit", &unit))
        for (size_t i = 0; i < COUNT(units); i++)
            if (str_is(unit, units[i].name))
                return units[i].ns;
    return NAN;
}

static double time_ns(struct jval metrics, const char *metric)
{
    struct jval object;
    return jval_member(metrics, metric, &object) ? foreign_number(object, "/value") * unit_ns(object) : NAN;
}

static int64_t count_of(struct jval metrics, const char *const paths[])
{
    int64_t count = -1;
    for (size_t i = 0; paths[i] && count < 0; i++)
        jval_int_at(metrics, paths[i], &count);
    return count >= 0 ? count : -1;
}
#define COUNT_OF(metrics, ...) count_of(metrics, (const char *const[]){__VA_ARGS__, NULL})

static int64_t after(int64_t from_ns, double ns)
{
    int64_t at;
    return fabs(ns) < 9e18 && !__builtin_add_overflow(from_ns, (int64_t)nearbyint(ns), &at) ? at : TIMING_NEVER;
}

/* The arrivals: the first, and one behind each gap. The caller frees them. */
static int read_chunks(struct jval metrics, struct timing *timing, int64_t **chunks, struct err *err)
{
    struct jval metric, gaps, value;
    double unit, gap, since = 0;
    if (timing->first_ns == TIMING_NEVER || !jval_member(metrics, "inter_chunk_latency", &metric) || isnan(unit = unit_ns(metric)) ||
        !jval_member(metric, "value", &gaps) || jval_type(gaps) != JTYPE_ARRAY)
        return 0;
    *chunks = malloc((jval_count(gaps) + 1) * sizeof **chunks);
    if (!*chunks)
        return err_nomem(err);
    (*chunks)[timing->chunk_count++] = timing->first_ns;
    for (struct jiter iter = jval_items(gaps); jiter_next(&iter, NULL, &value);) {
        if (!jval_double(value, &gap))
            return err_set(err, ERR_PARSE, "metrics.inter_chunk_latency: not a list of numbers");
        since += gap * unit;
        (*chunks)[timing->chunk_count++] = after(timing->first_ns, since);
    }
    timing->chunks_ns = *chunks;
    return 0;
}

static int read_times(struct foreign *foreign, struct jval metadata, struct jval metrics, struct timing *timing, struct err *err)
{
    int64_t sent_ns, end_ns, issued_ns;
    if (!jval_int_at(metadata, "/request_start_ns", &sent_ns) || !jval_int_at(metadata, "/request_end_ns", &end_ns))
        return err_set(err, ERR_PARSE, "metadata.request_start_ns, request_end_ns: not whole numbers");
    if (foreign->base_ns == TIMING_NEVER)
        foreign->base_ns = sent_ns;
    if (__builtin_sub_overflow(sent_ns, foreign->base_ns, &timing->sent_ns) ||
        __builtin_sub_overflow(end_ns, foreign->base_ns, &timing->end_ns))
        return err_set(err, ERR_RANGE, "metadata: times that do not fit");
    if (jval_int_at(metadata, "/credit_issued_ns", &issued_ns) &&
        __builtin_sub_overflow(issued_ns, foreign->base_ns, &timing->due_ns))
        timing->due_ns = TIMING_NEVER;
    timing->first_ns = after(timing->sent_ns, time_ns(metrics, "time_to_first_token"));
    timing->last_ns = after(timing->sent_ns, time_ns(metrics, "request_latency"));
    if (timing->first_ns == TIMING_NEVER || timing->last_ns == TIMING_NEVER)
        timing->first_ns = timing->last_ns = TIMING_NEVER;
    return 0;
}

static int convert_line(struct foreign *foreign, struct jval root, struct err *err)
{
    static const struct foreign_load load = {name, "closed", NAN, NAN, NAN, NAN, false};
    struct foreign_request request = foreign_request_none();
    struct jval metadata, metrics, error, cancelled;
    struct str phase;
    struct buf load_json = {0};
    char start[CLOCK_UTC_SIZE];
    int64_t *chunks = NULL;
    int64_t code;
    jval_member(root, "metadata", &metadata);
    jval_member(root, "metrics", &metrics);
    if (read_times(foreign, metadata, metrics, &request.timing, err) < 0)
        return -1;
    clock_format_utc(start, foreign->base_ns, 9);
    foreign_write_load(&load, &load_json);
    request.timing.start = str_of(start);
    request.timing.load = buf_str(&load_json);
    request.timing.warmup = jval_str_at(metadata, "/benchmark_phase", &phase) && str_is(phase, "warmup");
    jval_str_at(metadata, "/x_request_id", &request.id);
    request.input_tokens = COUNT_OF(metrics, "/usage_prompt_tokens/value", "/input_sequence_length/value");
    request.output_tokens = COUNT_OF(metrics, "/usage_completion_tokens/value", "/output_sequence_length/value");
    request.source = COUNT_OF(metrics, "/usage_completion_tokens/value") >= 0 ? "usage" : "tokenizer";
    if (jval_member(metadata, "was_cancelled", &cancelled))
        jval_bool(cancelled, &request.cancelled);
    if (jval_member(root, "error", &error) && jval_type(error) == JTYPE_OBJECT) {
        if (!jval_str_at(error, "/message", &request.failure))
            request.failure = STR("");
        request.kind = jval_int_at(error, "/code", &code) && code >= 300 && code < 600 ? "http_status" : NULL;
    }
    int rc = read_chunks(metrics, &request.timing, &chunks, err);
    if (rc == 0)
        foreign_add_request(foreign, &request, 0);
    foreign->records.failed = foreign->records.failed || load_json.failed;
    buf_release(&load_json);
    free(chunks);
    return rc;
}

const struct foreign_tool foreign_aiperf_line = {name, tell_line, convert_line};

static bool tell(struct jval root)
{
    return !isnan(foreign_number(root, "/request_throughput/avg"));
}

static const struct {
    const char *name;
    enum metric metric;
} metrics[] = {{"time_to_first_token", METRIC_TTFT}, {"inter_token_latency", METRIC_TPOT}, {"inter_chunk_latency", METRIC_ITL},
        {"request_latency", METRIC_E2E}};

static void write_metric(struct jval root, size_t i, struct buf *out)
{
    static const struct {
        const char *theirs, *ours;
    } figures[] = {{"/avg", "mean"}, {"/std", "std"}, {"/min", "min"}, {"/p50", "p50"}, {"/p75", "p75"},
                   {"/p90", "p90"},  {"/p95", "p95"}, {"/p99", "p99"}, {"/max", "max"}};
    struct jval metric;
    if (!jval_member(root, metrics[i].name, &metric) || isnan(unit_ns(metric)))
        return;
    foreign_metric(out, metrics[i].metric);
    for (size_t f = 0; f < COUNT(figures); f++)
        foreign_figure(out, figures[f].ours, foreign_number(metric, figures[f].theirs) * unit_ns(metric) / 1e6);
    json_object_end(out);
}

static int convert(struct foreign *foreign, struct jval root, struct err *err)
{
    struct foreign_summary summary = foreign_summary_none(name);
    struct jval duration;
    (void)err;
    summary.completed = foreign_number(root, "/request_count/avg");
    summary.failed = foreign_number(root, "/error_request_count/avg"); // which is not there where there are none
    if (isnan(summary.failed) && foreign_number(root, "/request_error_rate/avg") == 0)
        summary.failed = 0;
    summary.request_rps = foreign_number(root, "/request_throughput/avg");
    summary.output_tps = foreign_number(root, "/output_token_throughput/avg");
    summary.total_tps = foreign_number(root, "/total_token_throughput/avg");
    summary.input_tokens = foreign_number(root, "/input_sequence_length/sum");
    summary.output_tokens = foreign_number(root, "/output_sequence_length/sum");
    summary.goodput_rps = foreign_number(root, "/goodput/avg");
    if (jval_member(root, "benchmark_duration", &duration))
        summary.load.duration_s = foreign_number(duration, "/avg") * unit_ns(duration) / NS_PER_S;
    foreign_summary_begin(&summary, &foreign->summaries);
    for (size_t i = 0; i < COUNT(metrics); i++)
        write_metric(root, i, &foreign->summaries);
    foreign_summary_end(&foreign->summaries);
    return 0;
}

const struct foreign_tool foreign_aiperf = {name, tell, convert};
