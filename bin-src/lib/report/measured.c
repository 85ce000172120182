/* report/measured.c: see measured.h */
#include "report/measured.h"

#include <math.h>
#include <stdlib.h>

const char *const profile_names[PROFILE_COUNT + 1] = {[PROFILE_CONTENT] = "content", [PROFILE_VLLM] = "vllm"};
const char *const token_sources[TOKENS_COUNT] = {[TOKENS_USAGE] = "usage", [TOKENS_IDS] = "ids", [TOKENS_TOKENIZER] = "tokenizer"};

#define MOST_TOKENS (INT64_C(1) << 53)

static int read_error(struct measured *request, struct jval error, struct err *err)
{
    struct str kind;
    if (!jval_str_at(error, "/kind", &kind))
        return err_set(err, ERR_PARSE, "response.error.kind: not a string");
    request->outcome = OUTCOME_FAILED;
    for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
        if (str_is(kind, failure_names[i]))
            request->failure = (enum failure)i;
    return 0;
}

static int read_count(struct jval tokens, const char *name, int64_t *count, struct err *err)
{
    struct jval value;
    if (!jval_member(tokens, name, &value))
        return 0;
    if (!jval_int(value, count) || *count < 0 || *count > MOST_TOKENS)
        return err_set(err, ERR_PARSE, "response.tokens.%s: not a whole number from 0 to 2^53", name);
    return 0;
}

static int read_tokens(struct measured *request, struct jval tokens, struct err *err)
{
    struct str source;
    if (read_count(tokens, "prompt", &request->input_tokens, err) < 0 || read_count(tokens, "completion", &request->output_tokens, err) < 0)
        return -1;
    if (request->input_tokens < 0 && request->output_tokens < 0)
        return 0;
    if (jval_str_at(tokens, "/source", &source))
        for (int i = TOKENS_UNCOUNTED + 1; i < TOKENS_COUNT; i++)
            if (str_is(source, token_sources[i]))
                request->source = (enum token_source)i;
    return request->source != TOKENS_UNCOUNTED ? 0 : err_set(err, ERR_PARSE, "response.tokens.source: none of usage, ids, tokenizer");
}

static void read_batch(struct measured *request, struct jval response)
{
    struct jval embedding;
    int64_t count;
    request->batch_index = -1;
    request->sum_input_tokens = request->input_tokens;
    request->sum_output_tokens = request->output_tokens;
    if (!jval_int_at(response, "/batch/index", &request->batch_index))
        return;
    if (request->input_tokens < 0 && jval_int_at(response, "/usage/prompt_tokens", &count) && count >= 0 && count <= MOST_TOKENS)
        request->sum_input_tokens = count;
    if (request->output_tokens < 0 && !jval_member(response, "embedding", &embedding) &&
        jval_int_at(response, "/usage/completion_tokens", &count) && count >= 0 && count <= MOST_TOKENS)
        request->sum_output_tokens = count;
    if (request->sum_input_tokens >= 0 || request->sum_output_tokens >= 0)
        request->source = request->source == TOKENS_UNCOUNTED ? TOKENS_USAGE : request->source;
}

int measured_read(struct measured *request, struct jval record, struct err *err)
{
    struct jval response, value;
    bool cancelled = false;
    if (timing_read(record, &request->timing, &request->chunks, &request->room, err) < 0)
        return -1;
    if (!jval_member(record, "response", &response) || jval_type(response) != JTYPE_OBJECT)
        return err_set(err, ERR_MISSING, "has no \"response\"");
    request->load.doc = request->attempts.doc = NULL;
    jval_at(record, "/timing/load", &request->load);
    if (jval_at(record, "/timing/attempts", &value) && jval_count(value) > 0)
        request->attempts = value;
    request->in_session = jval_member(record, "session", &value) && jval_type(value) == JTYPE_OBJECT;
    request->outcome = OUTCOME_COMPLETED;
    request->failure = FAILURE_NONE;
    request->source = TOKENS_UNCOUNTED;
    request->input_tokens = request->output_tokens = request->cached_tokens = -1;
    if (jval_member(response, "error", &value)) {
        if (read_error(request, value, err) < 0)
            return -1;
    } else if (jval_member(response, "cancelled", &value) && jval_bool(value, &cancelled) && cancelled)
        request->outcome = OUTCOME_CANCELLED;
    else if (request->timing.sent_ns == TIMING_NEVER || request->timing.end_ns == TIMING_NEVER)
        return err_set(err, ERR_MISSING, "timing.%s: is missing, and there is no response.error",
                       request->timing.sent_ns == TIMING_NEVER ? "sent_ns" : "end_ns");
    if (jval_member(response, "tokens", &value) && read_tokens(request, value, err) < 0)
        return -1;
    if (!jval_int_at(record, MEASURED_CACHED, &request->cached_tokens) || request->cached_tokens < 0 ||
        request->cached_tokens > request->input_tokens) // more than there were is no answer
        request->cached_tokens = -1;
    read_batch(request, response);
    return 0;
}

void measured_release(struct measured *request)
{
    free(request->chunks);
    request->chunks = NULL;
    request->room = 0;
}

static int64_t first_ns(const struct measured *request, enum profile profile)
{
    const struct timing *timing = &request->timing;
    if (profile == PROFILE_CONTENT)
        return timing->first_ns;
    return timing->chunk_count > 0 ? timing->chunks_ns[0] : TIMING_NEVER;
}

int64_t measured_last_ns(const struct measured *request, enum profile profile)
{
    const struct timing *timing = &request->timing;
    if (profile == PROFILE_CONTENT)
        return timing->last_ns != TIMING_NEVER ? timing->last_ns : timing->end_ns;
    return timing->chunk_count > 0 ? timing->chunks_ns[timing->chunk_count - 1] : timing->end_ns;
}

void measured_gaps(const struct measured *request, enum profile profile, size_t *from, size_t *to)
{
    const struct timing *timing = &request->timing;
    *from = 0;
    *to = timing->chunk_count;
    if (profile == PROFILE_VLLM)
        return;
    if (timing->first_ns == TIMING_NEVER || timing->last_ns == TIMING_NEVER)
        *to = 0;
    while (*from < *to && timing->chunks_ns[*from] < timing->first_ns)
        ++*from;
    while (*to > *from && timing->chunks_ns[*to - 1] > timing->last_ns)
        --*to;
}

/* As doubles, which hold every ns of a hundred days: the difference of any two integers in a file need not fit one. */
static double between(int64_t from_ns, int64_t to_ns)
{
    return from_ns == TIMING_NEVER || to_ns == TIMING_NEVER ? NAN : (double)to_ns - (double)from_ns;
}

double measured_longest_gap(const struct measured *request, enum profile profile)
{
    size_t from, to;
    double longest = NAN;
    measured_gaps(request, profile, &from, &to);
    for (size_t i = from + 1; i < to; i++)
        longest = fmax(longest, between(request->timing.chunks_ns[i - 1], request->timing.chunks_ns[i]));
    return longest;
}

void measured_figures(const struct measured *request, enum profile profile, double figures[METRIC_COUNT])
{
    const struct timing *timing = &request->timing;
    int64_t first = first_ns(request, profile), last = measured_last_ns(request, profile);
    double decoding = between(first, last), tokens = (double)request->output_tokens;
    figures[METRIC_TTFT] = between(timing->sent_ns, first);
    figures[METRIC_TTFT_FROM_DUE] = between(timing->due_ns, first);
    figures[METRIC_E2E] = between(timing->sent_ns, last);
    figures[METRIC_E2E_FROM_DUE] = between(timing->due_ns, last);
    figures[METRIC_QUEUE_WAIT] = between(timing->due_ns, timing->sent_ns);
    figures[METRIC_TPOT] = tokens > 1 ? decoding / (tokens - 1) : NAN;
    figures[METRIC_TOKENS_PER_S] = tokens >= 0 && decoding > 0 ? tokens / decoding * 1e9 : NAN;
    figures[METRIC_ITL] = NAN;
}
