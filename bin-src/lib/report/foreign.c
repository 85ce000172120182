/* report/foreign.c: see foreign.h */
#include "report/foreign.h"

#include "base/json.h"
#include "base/num.h"
#include "report/summary.h"

#include <math.h>

static const struct foreign_tool *const tools[] = {&foreign_vllm, &foreign_guidellm, &foreign_aiperf_line, &foreign_aiperf, &foreign_own};

void foreign_begin(struct foreign *foreign)
{
    foreign->base_ns = TIMING_NEVER;
}

void foreign_release(struct foreign *foreign)
{
    buf_release(&foreign->records);
    buf_release(&foreign->summaries);
}

const struct foreign_tool *foreign_tell(struct jval root)
{
    for (size_t i = 0; i < COUNT(tools); i++)
        if (tools[i]->tell(root))
            return tools[i];
    return NULL;
}

int foreign_convert(struct foreign *foreign, const struct foreign_tool *tool, struct jval root, struct err *err)
{
    buf_clear(&foreign->records);
    buf_clear(&foreign->summaries);
    if (tool->convert(foreign, root, err) < 0)
        return err_prefix(err, "%s: ", tool->name);
    return foreign->records.failed || foreign->summaries.failed ? err_nomem(err) : 0;
}

double foreign_number(struct jval object, const char *path)
{
    double value;
    return jval_double_at(object, path, &value) ? value : NAN;
}

int64_t foreign_ns(double at_s, double base_s)
{
    double ns = (at_s - base_s) * NS_PER_S;
    return fabs(ns) < 9e18 ? (int64_t)nearbyint(ns) : TIMING_NEVER;
}

/* What is not known is absent; a whole number is written as one. */
static void member(struct buf *out, const char *key, double value)
{
    if (isnan(value))
        return;
    json_key(out, key);
    if (value == trunc(value) && fabs(value) < 9e15)
        json_int(out, (int64_t)value);
    else
        json_double(out, value);
}

void foreign_write_load(const struct foreign_load *load, struct buf *out)
{
    json_object(out);
    json_key(out, "tool"), json_cstr(out, load->tool);
    if (load->mode)
        json_key(out, "mode"), json_cstr(out, load->mode);
    member(out, "concurrency", load->concurrency);
    member(out, "rate_rps", load->rate_rps);
    member(out, "burstiness", load->burstiness);
    member(out, "duration_s", load->duration_s);
    if (load->unplaced)
        json_key(out, "placed"), json_bool(out, false);
    json_object_end(out);
}

struct foreign_request foreign_request_none(void)
{
    return (struct foreign_request){.input_tokens = -1, .output_tokens = -1, .source = "usage", .timing = timing_none()};
}

/* Other programs keep a sentence: an exception's, or what the server said. */
static const char *kind_of(const struct foreign_request *request)
{
    static const struct {
        const char *word, *kind;
    } words[] = {{"imeout", "timeout"},   {"SSL", "tls"},           {"isconnected", "truncated"}, {"Payload", "truncated"},
                 {"onnect", "connect"},   {"ancelled", "cancelled"}, {"JSON", "parse"},            {"no token", "no_tokens"}};
    if (request->kind)
        return request->kind;
    for (size_t i = 0; i < COUNT(words); i++)
        if (request->failure.len > 0 && memmem(request->failure.ptr, request->failure.len, words[i].word, strlen(words[i].word)))
            return words[i].kind;
    return "http_status";
}

static void write_response(const struct foreign_request *request, struct buf *out)
{
    json_object(out);
    if (request->text.ptr)
        json_key(out, "text"), json_str(out, request->text);
    if (request->input_tokens >= 0 || request->output_tokens >= 0) {
        json_key(out, "tokens"), json_object(out);
        if (request->input_tokens >= 0)
            json_key(out, "prompt"), json_int(out, request->input_tokens);
        if (request->output_tokens >= 0)
            json_key(out, "completion"), json_int(out, request->output_tokens);
        json_key(out, "source"), json_cstr(out, request->source);
        json_object_end(out);
    }
    if (request->cancelled)
        json_key(out, "cancelled"), json_bool(out, true);
    else if (request->failure.ptr) {
        json_key(out, "error"), json_object(out);
        json_key(out, "kind"), json_cstr(out, kind_of(request));
        json_key(out, "message"), json_str(out, request->failure);
        json_object_end(out);
    }
    json_object_end(out);
}

void foreign_add_request(struct foreign *foreign, const struct foreign_request *request, size_t number)
{
    struct buf *out = &foreign->records;
    char digits[24];
    json_object(out);
    json_key(out, "id");
    json_str(out, request->id.len > 0 ? request->id : (struct str){digits, num_format_int(digits, (int64_t)number)});
    json_key(out, "response"), write_response(request, out);
    json_key(out, "timing"), timing_write(&request->timing, out);
    json_object_end(out);
    buf_add_char(out, '\n');
}

struct foreign_summary foreign_summary_none(const char *tool)
{
    return (struct foreign_summary){.load = {.tool = tool, .concurrency = NAN, .rate_rps = NAN, .burstiness = NAN, .duration_s = NAN},
                                    .completed = NAN,
                                    .failed = NAN,
                                    .request_rps = NAN,
                                    .output_tps = NAN,
                                    .total_tps = NAN,
                                    .input_tokens = NAN,
                                    .output_tokens = NAN,
                                    .goodput_rps = NAN,
                                    .vllm_peak = NAN};
}

void foreign_summary_begin(const struct foreign_summary *summary, struct buf *out)
{
    double failed = isnan(summary->failed) ? 0 : summary->failed;
    json_object(out);
    json_key(out, "tool"), json_cstr(out, summary->load.tool);
    if (summary->profile)
        json_key(out, "profile"), json_cstr(out, summary->profile);
    json_key(out, "requests"), json_object(out);
    member(out, "completed", summary->completed);
    member(out, "failed", summary->failed);
    json_object_end(out);
    if (summary->completed + failed > 0 && !isnan(summary->failed))
        member(out, "success_rate", summary->completed / (summary->completed + failed));
    member(out, "duration_s", summary->load.duration_s);
    member(out, "request_throughput_rps", summary->request_rps);
    member(out, "output_token_throughput_tps", summary->output_tps);
    member(out, "total_token_throughput_tps", summary->total_tps);
    json_key(out, "tokens"), json_object(out);
    member(out, "input", summary->input_tokens);
    member(out, "output", summary->output_tokens);
    json_object_end(out);
    member(out, "vllm_max_concurrent_requests", summary->vllm_peak);
    member(out, "goodput_rps", summary->goodput_rps);
    json_key(out, "load"), foreign_write_load(&summary->load, out);
}

void foreign_metric(struct buf *out, enum metric metric)
{
    json_key(out, summary_metrics[metric].name), json_object(out);
}

void foreign_figure(struct buf *out, const char *name, double value)
{
    if (!isnan(value))
        json_key(out, name), json_double(out, value);
}

void foreign_summary_end(struct buf *out)
{
    json_object_end(out);
    buf_add_char(out, '\n');
}
