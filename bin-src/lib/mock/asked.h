/*
 * mock/asked.h: what of an OpenAI request body the mock goes by
 */
#ifndef MOCK_ASKED_H
#define MOCK_ASKED_H

#include "jsonl/jdoc.h"
#include "mock/wire.h"

struct asked {
    enum wire_api api;
    bool stream, include_usage, continuous_usage, token_ids;
    int64_t max_tokens;    // below 0: not said
    int64_t prompt_tokens; // words between blanks of all text in prompt, input or messages; ids, where it is those
    struct jval prompt;    // or messages, or input
    bool is_batch;         // several prompts in one array
    int64_t dimensions;    // of a vector; below 0: not said
    bool base64;           // as which it is wanted
    int64_t logprobs;      // alternatives to each; below 0: none are asked for
    struct str model;      // empty: not said
    bool has_script;
    struct jval script;    // the member "mock"
};

/* Views live as long as the document. Fails where the API would: no messages, a wrong type. */
int asked_read(struct asked *request, enum wire_api api, struct jval root, struct err *err);

/* Tokens of one prompt of a batch. */
int64_t asked_tokens(struct jval prompt);
/* Words between blanks. */
int64_t asked_words(struct str text);

#endif
