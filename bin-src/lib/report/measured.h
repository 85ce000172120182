/*
 * report/measured.h: one record of lm-send, and what it says of its request (the definitions: lmutils-metrics(7))
 *
 *     struct measured request = {0};
 *     double figures[METRIC_COUNT];
 *     if (measured_read(&request, rec->root, &err) < 0) ...
 *     measured_figures(&request, PROFILE_CONTENT, figures);
 *     measured_release(&request);
 */
#ifndef REPORT_MEASURED_H
#define REPORT_MEASURED_H

#include "record/response.h"
#include "record/timing.h"

/* What is a token's chunk: one with text, reasoning or a tool call in it, or every one, as vllm bench serve has it. */
enum profile { PROFILE_CONTENT, PROFILE_VLLM, PROFILE_COUNT };
extern const char *const profile_names[PROFILE_COUNT + 1]; // NULL ends it

/* Where a record has how many tokens of its prompt the server had computed before. */
#define MEASURED_CACHED "/response/usage/prompt_tokens_details/cached_tokens"

enum outcome { OUTCOME_COMPLETED, OUTCOME_FAILED, OUTCOME_CANCELLED }; // cancelled: we were told to, and it is no failure

enum token_source { TOKENS_UNCOUNTED, TOKENS_USAGE, TOKENS_IDS, TOKENS_TOKENIZER, TOKENS_COUNT };
extern const char *const token_sources[TOKENS_COUNT]; // [TOKENS_UNCOUNTED] is NULL

/* A record; its texts and jvals live as long as what it was read from, timing.chunks_ns until the next reading. */
struct measured {
    struct timing timing;
    struct jval load; // timing.load; doc is NULL: is not there
    struct jval attempts; // timing.attempts; doc is NULL: there was one try only
    enum outcome outcome;
    enum failure failure;    // of a failed one; FAILURE_NONE: of a kind that we do not know
    enum token_source source;
    int64_t input_tokens, output_tokens; // below 0: not counted
    /* What it adds to sums: its own tokens, or, where those of a batch were not told apart, all of the batch's at its first
     * record, whose usage is the whole's. Below 0: nothing is known. */
    int64_t sum_input_tokens, sum_output_tokens;
    int64_t batch_index;     // which of those that shared a request; below 0: it had its own
    bool in_session;         // a turn of a conversation
    int64_t cached_tokens;   // of the input, that the server had computed before; below 0: it did not say
    int64_t *chunks;         // the room for timing.chunks_ns
    size_t room;
};

/* Is it the record by which its request is counted? Of a batch, the first is. */
static inline bool measured_is_request(const struct measured *request)
{
    return request->batch_index <= 0;
}

/* Fails, naming the member, where "timing" or "response" is missing or is not what the design says. */
int measured_read(struct measured *request, struct jval record, struct err *err);
void measured_release(struct measured *request);

enum metric {
    METRIC_TTFT,
    METRIC_TTFT_FROM_DUE,
    METRIC_TPOT,
    METRIC_ITL, // many values a request: measured_gaps
    METRIC_E2E,
    METRIC_E2E_FROM_DUE,
    METRIC_QUEUE_WAIT,
    METRIC_TOKENS_PER_S,
    METRIC_COUNT,
};

/* In ns, and tokens/s; NaN for what the request does not have, and for METRIC_ITL, of which it has many. */
void measured_figures(const struct measured *request, enum profile profile, double figures[METRIC_COUNT]);
/* The chunks whose gaps count: gap i is chunks_ns[i] - chunks_ns[i - 1], for from < i < to. */
void measured_gaps(const struct measured *request, enum profile profile, size_t *from, size_t *to);
double measured_longest_gap(const struct measured *request, enum profile profile); // in ns; NaN: there is no gap
/* When the last token came, or the whole answer where no chunk tells; TIMING_NEVER: nothing did. */
int64_t measured_last_ns(const struct measured *request, enum profile profile);

#endif
