/*
 * record/response.h: the member "response", as it is written (design, section 2)
 */
#ifndef RECORD_RESPONSE_H
#define RECORD_RESPONSE_H

#include "base/buf.h"

#include <stdint.h>

/* Why a request failed. */
enum failure {
    FAILURE_NONE,
    FAILURE_CONNECT,     // no connection
    FAILURE_TLS,         // no secure one
    FAILURE_HTTP_STATUS, // a status other than 200
    FAILURE_ERROR_EVENT, // the server said so in an answer that began well
    FAILURE_TIMEOUT,
    FAILURE_CANCELLED, // never sent, or given up by us
    FAILURE_TRUNCATED, // a reset, or an end before the answer was whole
    FAILURE_PARSE,     // an event or body that is no JSON, bad HTTP, the wrong content type
    FAILURE_NO_TOKENS, // 200, and no choices at all
    FAILURE_COUNT,
};
extern const char *const failure_names[FAILURE_COUNT]; // [FAILURE_NONE] is NULL

/* Strings with a NULL ptr are absent, and so are numbers below 0. */
struct response {
    struct str text, reasoning;
    struct str tool_calls; // JSON text
    struct str finish_reason;
    int status;
    struct str model, url;
    struct str usage; // JSON text, as the server sent it
    int64_t prompt_tokens, completion_tokens;
    const char *tokens_source; // usage, ids or tokenizer; NULL: nobody counted
    struct str logprobs;       // JSON text: [{token, bytes, logprob, top}]
    struct str embedding;      // JSON text: [0.5, ...]
    struct str asked_model;    // where it was drawn
    struct {
        struct str id; // absent: the request was this record's alone
        size_t index, size;
    } batch;
    bool cancelled; // as the run was told to
    enum failure failure;
    struct str message; // of the failure
};

/* Nothing arrived. */
struct response response_none(void);

/* Writes the object onto out, behind a key. */
void response_write(const struct response *response, struct buf *out);

#endif
