/*
 * report/foreign_guidellm.c: the report of guidellm; see foreign.h
 *
 * benchmarks[] are runs, each with its requests by how they ended, in Unix seconds (guidellm 0.8.1:
 * guidellm/schemas/base/request_stats.py, info.py). Schema 1 (0.3) has a request's times beside its figures. A run that
 * kept a sample of its requests, or none, is read as its summary.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "report/foreign.h"

#include <math.h>
#include <stdio.h>

static const char name[] = "guidellm";

static bool tell(struct jval root)
{
    struct jval value;
    return jval_member(root, "benchmarks", &value) && jval_type(value) == JTYPE_ARRAY;
}

/* The first of the paths at which a number stands. paths ends with NULL. */
static double number_of(struct jval object, const char *const paths[])
{
    double value = NAN;
    for (size_t i = 0; paths[i] && isnan(value); i++)
        value = foreign_number(object, paths[i]);
    return value;
}
#define NUMBER(object, ...) number_of(object, (const char *const[]){__VA_ARGS__, NULL})

static struct foreign_load load_of(struct jval run)
{
    struct foreign_load load = {.tool = name,
                                .concurrency = NUMBER(run, "/config/strategy/streams", "/config/strategy/max_concurrency",
                                                      "/scheduler/strategy/streams", "/scheduler/strategy/max_concurrency"),
                                .rate_rps = NUMBER(run, "/config/strategy/rate", "/scheduler/strategy/rate"),
                                .burstiness = NAN,
                                .duration_s = foreign_number(run, "/duration")};
    load.mode = isnan(load.rate_rps) ? "closed" : "open";
    return load;
}

static int64_t count_of(double number)
{
    return number >= 0 && number < 9e15 ? (int64_t)number : -1;
}

static void read_times(struct jval object, double base_s, struct timing *timing)
{
    timing->due_ns = foreign_ns(foreign_number(object, "/info/timings/targeted_start"), base_s);
    timing->sent_ns = foreign_ns(NUMBER(object, "/info/timings/request_start", "/request_start_time", "/start_time"), base_s);
    timing->first_ns = foreign_ns(NUMBER(object, "/info/timings/first_token_iteration", "/first_token_time"), base_s);
    timing->last_ns = foreign_ns(NUMBER(object, "/info/timings/last_token_iteration", "/last_token_time"), base_s);
    timing->end_ns = foreign_ns(NUMBER(object, "/info/timings/request_end", "/request_end_time", "/end_time"), base_s);
    if (timing->first_ns == TIMING_NEVER || timing->last_ns == TIMING_NEVER)
        timing->first_ns = timing->last_ns = TIMING_NEVER;
}

enum ending { SUCCESSFUL, ERRORED, INCOMPLETE, ENDINGS };
static const char *const endings[ENDINGS] = {"/requests/successful", "/requests/errored", "/requests/incomplete"};

static void read_request(struct foreign *foreign, struct jval object, enum ending ending, double base_s, const struct timing *like,
                         size_t number)
{
    struct foreign_request request = foreign_request_none();
    request.timing.start = like->start;
    request.timing.load = like->load;
    if (!jval_str_at(object, "/request_id", &request.id))
        jval_str_at(object, "/info/request_id", &request.id);
    if (!jval_str_at(object, "/output", &request.text))
        request.text.ptr = NULL;
    request.input_tokens = count_of(foreign_number(object, "/prompt_tokens"));
    request.output_tokens = count_of(foreign_number(object, "/output_tokens"));
    read_times(object, base_s, &request.timing);
    request.cancelled = ending == INCOMPLETE;
    if (ending == ERRORED && !jval_str_at(object, "/info/error", &request.failure) && !jval_str_at(object, "/error", &request.failure))
        request.failure = STR("");
    foreign_add_request(foreign, &request, number);
}

static void read_requests(struct foreign *foreign, struct jval run, double base_s, const struct timing *like)
{
    struct jval list, object;
    size_t number = 0;
    for (int ending = 0; ending < ENDINGS; ending++)
        if (jval_at(run, endings[ending], &list))
            for (struct jiter iter = jval_items(list); jiter_next(&iter, NULL, &object);)
                read_request(foreign, object, (enum ending)ending, base_s, like, number++);
}

static const struct {
    const char *name;
    enum metric metric;
    double unit;
} metrics[] = {
    {"time_to_first_token_ms", METRIC_TTFT, 1},
    {"inter_token_latency_ms", METRIC_TPOT, 1}, // (last - first) / (tokens - 1), one a request
    {"request_latency", METRIC_E2E, 1e3},
    {"request_scheduled_latency", METRIC_E2E_FROM_DUE, 1e3},
    {"request_dispatch_delay", METRIC_QUEUE_WAIT, 1e3},
};
static const struct {
    const char *theirs, *ours;
} figures[] = {{"mean", "mean"},           {"std_dev", "std"},        {"min", "min"},           {"percentiles/p50", "p50"},
               {"percentiles/p75", "p75"}, {"percentiles/p90", "p90"}, {"percentiles/p95", "p95"}, {"percentiles/p99", "p99"},
               {"percentiles/p999", "p99.9"}, {"max", "max"}};

static void write_metric(struct jval run, size_t i, struct buf *out)
{
    char path[128];
    snprintf(path, sizeof path, "/metrics/%s/successful/mean", metrics[i].name);
    if (isnan(foreign_number(run, path)))
        return;
    foreign_metric(out, metrics[i].metric);
    for (size_t f = 0; f < COUNT(figures); f++) {
        snprintf(path, sizeof path, "/metrics/%s/successful/%s", metrics[i].name, figures[f].theirs);
        foreign_figure(out, figures[f].ours, foreign_number(run, path) * metrics[i].unit);
    }
    json_object_end(out);
}

static void write_summary(struct jval run, struct buf *out)
{
    struct foreign_summary summary = foreign_summary_none(name);
    summary.load = load_of(run);
    summary.completed = foreign_number(run, "/metrics/request_totals/successful");
    summary.failed = foreign_number(run, "/metrics/request_totals/errored");
    summary.request_rps = foreign_number(run, "/metrics/requests_per_second/successful/mean");
    summary.output_tps = foreign_number(run, "/metrics/output_tokens_per_second/successful/mean");
    summary.total_tps = foreign_number(run, "/metrics/tokens_per_second/successful/mean");
    summary.input_tokens = foreign_number(run, "/metrics/prompt_token_count/successful/total_sum");
    summary.output_tokens = foreign_number(run, "/metrics/output_token_count/successful/total_sum");
    foreign_summary_begin(&summary, out);
    for (size_t i = 0; i < COUNT(metrics); i++)
        write_metric(run, i, out);
    foreign_summary_end(out);
}

/* Are the requests that are there all that there were? */
static bool is_whole(struct jval run)
{
    struct jval list;
    double all = foreign_number(run, "/metrics/request_totals/successful");
    size_t kept = jval_at(run, endings[SUCCESSFUL], &list) ? jval_count(list) : 0;
    return isnan(all) ? kept > 0 : (double)kept >= all;
}

static int convert_run(struct foreign *foreign, struct jval run, struct err *err)
{
    char start[CLOCK_UTC_SIZE];
    struct buf load_json = {0};
    struct foreign_load load = load_of(run);
    double base_s = NUMBER(run, "/scheduler_metrics/measure_start_time", "/start_time", "/run_stats/start_time");
    if (!is_whole(run)) {
        write_summary(run, &foreign->summaries);
        return 0;
    }
    int64_t utc_ns = foreign_ns(base_s, 0);
    if (utc_ns == TIMING_NEVER)
        return err_set(err, ERR_MISSING, "start_time: is missing");
    clock_format_utc(start, utc_ns, 9);
    foreign_write_load(&load, &load_json);
    struct timing like = {.start = str_of(start), .load = buf_str(&load_json)};
    if (!load_json.failed)
        read_requests(foreign, run, base_s, &like);
    foreign->records.failed = foreign->records.failed || load_json.failed;
    buf_release(&load_json);
    return 0;
}

static int convert(struct foreign *foreign, struct jval root, struct err *err)
{
    struct jval runs, run;
    jval_member(root, "benchmarks", &runs);
    for (struct jiter iter = jval_items(runs); jiter_next(&iter, NULL, &run);)
        if (convert_run(foreign, run, err) < 0)
            return -1;
    return 0;
}

const struct foreign_tool foreign_guidellm = {name, tell, convert};
