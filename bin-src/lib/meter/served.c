/* meter/served.c: see served.h */
#include "meter/served.h"

#include <math.h>

const char *const served_names[SERVED_COUNT] = {
    [SERVED_RUNNING] = "running",
    [SERVED_WAITING] = "waiting",
    [SERVED_KV_CACHE_USAGE] = "kv_cache_usage",
    [SERVED_PROMPT_TOKENS] = "prompt_tokens",
    [SERVED_GENERATION_TOKENS] = "generation_tokens",
    [SERVED_PREFIX_QUERIES] = "prefix_queries",
    [SERVED_PREFIX_HITS] = "prefix_hits",
    [SERVED_PREEMPTIONS] = "preemptions",
};

/* Where a server has old names beside new ones, those of the higher rank count alone. */
static const struct {
    const char *series;
    enum served_figure figure;
    unsigned rank;
} table[] = {
    // vLLM, engine V1; its counters of the prefix cache are tokens
    {"vllm:num_requests_running", SERVED_RUNNING, 2},
    {"vllm:num_requests_waiting", SERVED_WAITING, 2},
    {"vllm:kv_cache_usage_perc", SERVED_KV_CACHE_USAGE, 2},
    {"vllm:gpu_cache_usage_perc", SERVED_KV_CACHE_USAGE, 1}, // to 0.9
    {"vllm:prompt_tokens_total", SERVED_PROMPT_TOKENS, 2},
    {"vllm:generation_tokens_total", SERVED_GENERATION_TOKENS, 2},
    {"vllm:prefix_cache_queries_total", SERVED_PREFIX_QUERIES, 2},
    {"vllm:gpu_prefix_cache_queries_total", SERVED_PREFIX_QUERIES, 1}, // to 0.9
    {"vllm:prefix_cache_hits_total", SERVED_PREFIX_HITS, 2},
    {"vllm:gpu_prefix_cache_hits_total", SERVED_PREFIX_HITS, 1}, // to 0.9
    {"vllm:num_preemptions_total", SERVED_PREEMPTIONS, 2},
    // SGLang; cached_tokens has a label set for each place that they came from
    {"sglang:num_running_reqs", SERVED_RUNNING, 2},
    {"sglang:num_queue_reqs", SERVED_WAITING, 2},
    {"sglang:token_usage", SERVED_KV_CACHE_USAGE, 2},
    {"sglang:prompt_tokens_total", SERVED_PROMPT_TOKENS, 2},
    {"sglang:generation_tokens_total", SERVED_GENERATION_TOKENS, 2},
    {"sglang:prompt_tokens_total", SERVED_PREFIX_QUERIES, 2},
    {"sglang:cached_tokens_total", SERVED_PREFIX_HITS, 2},
    {"sglang:num_retracted_requests_total", SERVED_PREEMPTIONS, 2},
    // llama.cpp, whose prompt tokens are those that it computed; kv_cache_usage_ratio to 2025
    {"llamacpp:requests_processing", SERVED_RUNNING, 2},
    {"llamacpp:requests_deferred", SERVED_WAITING, 2},
    {"llamacpp:kv_cache_usage_ratio", SERVED_KV_CACHE_USAGE, 2},
    {"llamacpp:prompt_tokens_total", SERVED_PROMPT_TOKENS, 2},
    {"llamacpp:prompt_tokens_cached_total", SERVED_PROMPT_TOKENS, 2},
    {"llamacpp:tokens_predicted_total", SERVED_GENERATION_TOKENS, 2},
    {"llamacpp:prompt_tokens_total", SERVED_PREFIX_QUERIES, 2},
    {"llamacpp:prompt_tokens_cached_total", SERVED_PREFIX_QUERIES, 2},
    {"llamacpp:prompt_tokens_cached_total", SERVED_PREFIX_HITS, 2},
};

void served_init(struct served *served)
{
    *served = (struct served){0};
}

void served_add(struct served *served, const struct exposition_series *series)
{
    if (!isfinite(series->value))
        return;
    for (size_t i = 0; i < COUNT(table); i++) {
        if (!str_is(series->name, table[i].series) || table[i].rank < served->figures[table[i].figure].rank)
            continue;
        if (table[i].rank > served->figures[table[i].figure].rank)
            served->figures[table[i].figure].sum = served->figures[table[i].figure].count = 0;
        served->figures[table[i].figure].rank = table[i].rank;
        served->figures[table[i].figure].sum += series->value;
        served->figures[table[i].figure].count++;
    }
}

bool served_has(const struct served *served, enum served_figure figure)
{
    return served->figures[figure].count > 0;
}

double served_value(const struct served *served, enum served_figure figure)
{
    return figure == SERVED_KV_CACHE_USAGE ? served->figures[figure].sum / served->figures[figure].count : served->figures[figure].sum;
}
