/* meter/sampler.c: see sampler.h */
#include "meter/sampler.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "meter/nvml.h"
#include "meter/served.h"

#include <math.h>
#include <stdlib.h>

struct sampler {
    struct fetch fetch;
    int64_t timeout_ns, start_ns;
    int stop_fd;
    char start[CLOCK_UTC_SIZE];
    enum sampler_series series;
    struct nvml *nvml; // NULL: no GPU is looked at
    bool *chosen;      // of nvml_count GPUs
    enum { RESET_NOT_ASKED, RESET_DONE, RESET_FAILED } reset; // since the last sample
    struct buf reset_why;
    struct buf metrics; // members of "metrics", scratch
    bool knows;        // of the last sample
};

/* --- GPUs --- */

static int choose(struct sampler *sampler, struct str which, struct err *err)
{
    struct nvml_gpu gpu;
    struct err ignored;
    int64_t index;
    bool any = false, is_index = num_int(which, 0, INT32_MAX, &index, &ignored) == 0;
    for (int i = 0; i < nvml_count(sampler->nvml); i++) {
        bool named = is_index ? index == i : which.len > 0 && nvml_read(sampler->nvml, i, &gpu, &ignored) == 0 &&
                                                 str_starts(str_of(gpu.uuid), which);
        sampler->chosen[i] = sampler->chosen[i] || named;
        any = any || named;
    }
    return any ? 0 : err_set(err, ERR_RANGE, "GPU \"%.*s\": there is none of this index or UUID (%d in all)", STR_ARG(which),
                             nvml_count(sampler->nvml));
}

static int choose_all(struct sampler *sampler, const char *gpus, struct err *err)
{
    sampler->chosen = calloc((size_t)nvml_count(sampler->nvml) + 1, sizeof *sampler->chosen);
    if (!sampler->chosen)
        return err_nomem(err);
    for (int i = 0; !gpus && i < nvml_count(sampler->nvml); i++)
        sampler->chosen[i] = true;
    while (gpus) {
        size_t len = strcspn(gpus, ",");
        if (choose(sampler, (struct str){gpus, len}, err) < 0)
            return -1;
        gpus = gpus[len] ? gpus + len + 1 : NULL;
    }
    return 0;
}

static int open_gpus(struct sampler *sampler, const struct sampler_options *options, struct err *err)
{
    if (options->gpus && strcmp(options->gpus, "none") == 0)
        return 0;
    sampler->nvml = nvml_open(options->nvml, err);
    if (!sampler->nvml)
        return err->kind != ERR_NOMEM && !options->gpus && !options->nvml ? 0 : -1;
    return choose_all(sampler, options->gpus && strcmp(options->gpus, "all") != 0 ? options->gpus : NULL, err);
}

static void text_member(struct buf *out, const char *key, const char *text)
{
    if (text[0])
        json_key(out, key), json_cstr(out, text);
}

static void write_gpu(const struct nvml_gpu *gpu, int index, struct buf *out)
{
    json_object(out);
    json_key(out, "index"), json_int(out, index);
    text_member(out, "uuid", gpu->uuid);
    text_member(out, "name", gpu->name);
    json_figure(out, "utilization", gpu->utilization);
    json_figure(out, "memory_used_bytes", gpu->memory_used_bytes);
    json_figure(out, "power_w", gpu->power_w);
    json_figure(out, "energy_j", gpu->energy_j);
    json_figure(out, "sm_clock_mhz", gpu->sm_clock_mhz);
    json_figure(out, "temperature_c", gpu->temperature_c);
    json_object_end(out);
}

/* -1: one could not be read; the others are there. */
static int write_gpus(const struct sampler *sampler, struct buf *out, struct err *err)
{
    struct nvml_gpu gpu;
    int rc = 0;
    if (!sampler->nvml)
        return 0;
    json_key(out, "gpus"), json_array(out);
    for (int i = 0; i < nvml_count(sampler->nvml); i++)
        if (!sampler->chosen[i])
            continue;
        else if (nvml_read(sampler->nvml, i, &gpu, err) == 0)
            write_gpu(&gpu, i, out);
        else
            rc = err_prefix(err, "GPU %d: ", i);
    json_array_end(out);
    return rc;
}

/* --- the server --- */

/* True: there was something. */
static bool write_served(const struct served *served, struct buf *out)
{
    bool any = false;
    for (int i = 0; i < SERVED_COUNT; i++) {
        if (!served_has(served, (enum served_figure)i))
            continue;
        if (!any)
            json_key(out, "server"), json_object(out);
        any = true;
        json_figure(out, served_names[i], served_value(served, (enum served_figure)i));
    }
    if (any)
        json_object_end(out);
    return any;
}

static void add_metric(struct sampler *sampler, const struct exposition_series *series)
{
    struct buf name = {0};
    if (!isfinite(series->value)) // JSON has no such number
        return;
    exposition_write_name(series, &name);
    json_key_str(&sampler->metrics, buf_str(&name));
    json_double(&sampler->metrics, series->value);
    sampler->metrics.failed = sampler->metrics.failed || name.failed;
    buf_release(&name);
}

/* Reads the answer into *served and, if they are wanted, sampler->metrics. -1: some line, or all, is no series. */
static int read_metrics(struct sampler *sampler, struct served *served, struct err *err)
{
    struct exposition text = {.rest = buf_str(&sampler->fetch.answer)};
    struct exposition_series series;
    struct err bad;
    enum exposition_got got;
    size_t good = 0;
    int rc = 0;
    while ((got = exposition_next(&text, &series, &bad)) != EXPOSITION_END) {
        if (got == EXPOSITION_BAD && rc == 0)
            rc = err_set(err, ERR_PARSE, "/metrics, line %zu: %s", text.line, bad.msg);
        if (got == EXPOSITION_BAD)
            continue;
        good++;
        served_add(served, &series);
        if (sampler->series == SAMPLER_ALL)
            add_metric(sampler, &series);
    }
    return good > 0 ? rc : err_set(err, ERR_PARSE, "/metrics: no series in it%s%s", rc < 0 ? ": " : "", rc < 0 ? bad.msg : "");
}

static int status_error(const struct fetch *fetch, struct err *err)
{
    struct str path = fetch_path(fetch);
    return err_set(err, ERR_NET, "%.*s: status %ld", STR_ARG(path), fetch->status);
}

static const char *failure_kind(const struct fetch *fetch, enum fetch_got got, const struct err *err)
{
    if (got == FETCH_ANSWERED)
        return fetch->status == 200 ? "parse" : "http_status";
    return err->kind == ERR_TIMEOUT ? "timeout" : "connect";
}

static const char given_up[] = "stopped";

/* Writes what the server says. NULL: it did; given_up; else the kind of what went wrong. */
static const char *write_server(struct sampler *sampler, struct buf *out, struct err *err)
{
    struct fetch_request request = {.place = FETCH_BESIDE, .path = "/metrics", .timeout_ns = sampler->timeout_ns,
                                    .stops = {sampler->stop_fd}, .stop_count = sampler->stop_fd > 0};
    struct fetch *fetch = &sampler->fetch;
    struct served served;
    served_init(&served);
    buf_clear(&sampler->metrics);
    enum fetch_got got = fetch_do(fetch, &request, err);
    if (got == FETCH_STOPPED)
        return given_up;
    int rc = got != FETCH_ANSWERED ? -1 : fetch->status != 200 ? status_error(fetch, err) : read_metrics(sampler, &served, err);
    sampler->knows = write_served(&served, out);
    if (sampler->metrics.len > 0) {
        json_key(out, "metrics"), json_object(out);
        buf_add_str(out, buf_str(&sampler->metrics));
        json_object_end(out);
    }
    if (fetch->rtt_ns >= 0)
        json_key(out, "rtt_ns"), json_int(out, fetch->rtt_ns);
    return rc < 0 ? failure_kind(fetch, got, err) : NULL;
}

int sampler_reset_cache(struct sampler *sampler, struct err *err)
{
    static const char *const paths[] = {"/reset_prefix_cache", "/flush_cache"}; // vLLM's, SGLang's
    struct fetch *fetch = &sampler->fetch;
    enum fetch_got got = FETCH_ANSWERED;
    fetch->status = 404;
    for (size_t i = 0; i < COUNT(paths) && got == FETCH_ANSWERED && (fetch->status == 404 || fetch->status == 405); i++) {
        struct fetch_request request = {.place = FETCH_BESIDE, .path = paths[i], .method = FETCH_POST, .timeout_ns = sampler->timeout_ns};
        got = fetch_do(fetch, &request, err);
    }
    sampler->reset = got == FETCH_ANSWERED && fetch->status == 200 ? RESET_DONE : RESET_FAILED;
    if (got == FETCH_ANSWERED && (fetch->status == 404 || fetch->status == 405))
        err_set(err, ERR_NET, "the server has neither %s (of vLLM, with VLLM_SERVER_DEV_MODE=1) nor %s (of SGLang)", paths[0], paths[1]);
    else if (got == FETCH_ANSWERED && fetch->status != 200)
        status_error(fetch, err);
    buf_clear(&sampler->reset_why);
    if (sampler->reset == RESET_FAILED)
        buf_add_str(&sampler->reset_why, str_of(err->msg));
    return sampler->reset == RESET_DONE ? 0 : -1;
}

/* --- samples --- */

static void write_reset(const struct sampler *sampler, struct buf *out)
{
    if (sampler->reset == RESET_NOT_ASKED)
        return;
    json_key(out, "cache_reset"), json_bool(out, sampler->reset == RESET_DONE);
    if (sampler->reset == RESET_FAILED)
        json_key(out, "cache_reset_why"), json_str(out, buf_str(&sampler->reset_why));
}

enum sample sampler_take(struct sampler *sampler, int64_t missed, struct buf *out, struct err *err)
{
    int64_t now_ns = clock_ns();
    struct err of_gpus;
    struct buf sample = {0};
    json_object(&sample);
    json_key(&sample, "start"), json_cstr(&sample, sampler->start);
    json_key(&sample, "start_ns"), json_int(&sample, sampler->start_ns);
    json_key(&sample, "sampled_ns"), json_int(&sample, now_ns - sampler->start_ns);
    json_key(&sample, "url"), json_str(&sample, buf_str(&sampler->fetch.url.shown));
    if (missed > 0)
        json_key(&sample, "missed"), json_int(&sample, missed);
    write_reset(sampler, &sample);
    const char *failed = write_server(sampler, &sample, err);
    if (failed == given_up) {
        buf_release(&sample);
        return SAMPLE_STOPPED;
    }
    sampler->reset = RESET_NOT_ASKED;
    if (write_gpus(sampler, &sample, &of_gpus) < 0 && !failed) {
        failed = "gpu";
        *err = of_gpus;
    }
    json_key(&sample, "took_ns"), json_int(&sample, clock_ns() - now_ns);
    if (failed) {
        json_key(&sample, "error"), json_object(&sample);
        json_key(&sample, "kind"), json_cstr(&sample, failed);
        json_key(&sample, "message"), json_cstr(&sample, err->msg);
        json_object_end(&sample);
    }
    json_object_end(&sample);
    buf_add_char(&sample, '\n');
    buf_add_str(out, buf_str(&sample));
    bool whole = !sample.failed && !sampler->metrics.failed && !sampler->reset_why.failed && !out->failed;
    buf_release(&sample);
    if (!whole || (failed && err->kind == ERR_NOMEM)) {
        err_nomem(err);
        return SAMPLE_NONE;
    }
    return failed ? SAMPLE_FAILED : SAMPLE_WHOLE;
}

/* --- its life --- */

struct sampler *sampler_open(const struct sampler_options *options, struct err *err)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) {
        err_nomem(err);
        return NULL;
    }
    struct fetch_options server = options->server;
    server.connections = FETCH_FRESH;
    sampler->timeout_ns = options->timeout_ns;
    sampler->stop_fd = options->stop_fd;
    sampler->series = options->series;
    sampler->start_ns = clock_ns();
    clock_format_utc(sampler->start, clock_utc_ns(), 9);
    if (fetch_init(&sampler->fetch, &server, err) == 0 && open_gpus(sampler, options, err) == 0)
        return sampler;
    sampler_close(sampler);
    return NULL;
}

void sampler_close(struct sampler *sampler)
{
    if (!sampler)
        return;
    fetch_release(&sampler->fetch);
    nvml_close(sampler->nvml);
    free(sampler->chosen);
    buf_release(&sampler->reset_why);
    buf_release(&sampler->metrics);
    free(sampler);
}

bool sampler_knows(const struct sampler *sampler)
{
    return sampler->knows;
}

int64_t sampler_start_ns(const struct sampler *sampler)
{
    return sampler->start_ns;
}
