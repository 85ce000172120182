/*
 * mock/wire.h: the JSON of an answer, as each server writes it
 *
 * What vLLM, SGLang and llama.cpp do differently for the same tokens is a table in wire.c. An answer's events share
 * all but a few bytes: wire_begin writes the shared part once, and an event is then put together by copying.
 *
 * Texts are given escaped, without quotes.
 */
#ifndef MOCK_WIRE_H
#define MOCK_WIRE_H

#include "base/buf.h"

#include <stdint.h>

enum wire_kind { WIRE_VLLM, WIRE_SGLANG, WIRE_LLAMA_CPP, WIRE_COUNT };
enum wire_api { WIRE_CHAT, WIRE_COMPLETIONS, WIRE_TEXT_COUNT, WIRE_EMBEDDINGS = WIRE_TEXT_COUNT }; // the last says no text
enum wire_finish { WIRE_UNFINISHED, WIRE_STOP, WIRE_LENGTH, WIRE_TOOL_CALLS, WIRE_CONTENT_FILTER, WIRE_ABORT, WIRE_FINISH_COUNT };
extern const char *const wire_names[];        // by kind, NULL at the end: "vllm", ...
extern const char *const wire_finish_names[]; // by finish, "" for unfinished

struct wire {
    const char *role;      // the delta that says it
    bool role_joined;      // the role goes in the write of the first token; else in one of its own just before
    bool head_waits;       // the head goes with the first event; else at once
    bool finish_apart[WIRE_TEXT_COUNT];    // finish_reason has an event of its own
    bool usage_in_finish[WIRE_TEXT_COUNT]; // and usage stands there, asked for or not
    bool done_after_error; // [DONE] follows an error event
    const char *reasoning; // the delta's member
    const char *choice_end[WIRE_TEXT_COUNT], *last_choice_end[WIRE_TEXT_COUNT]; // behind finish_reason
    const char *event_end[WIRE_TEXT_COUNT];                                    // behind choices
};
const struct wire *wire_of(enum wire_kind kind);

struct wire_usage {
    int64_t prompt, completion, reasoning;
};

struct wire_token {
    struct str text;
    int64_t index, offset; // in the answer: of the token, and of its first byte
};

/* One answer's shared part. */
struct wire_answer {
    const struct wire *wire;
    enum wire_kind kind;
    enum wire_api api;
    struct buf open, close; // around the choices: {"id":...,"choices":[ and what stands behind ]; of embeddings, open is {"id":...
};
void wire_begin(struct wire_answer *answer, enum wire_kind kind, enum wire_api api, const char *object, struct str id, struct str model,
                int64_t created_s);
void wire_release(struct wire_answer *answer);

struct wire_choice {
    enum { WIRE_TEXT, WIRE_REASONING, WIRE_DELTA } what;
    struct str text;     // of WIRE_DELTA: the delta's JSON
    struct str logprobs; // JSON; empty: null
    struct str ids;      // JSON of token_ids; empty: none
    enum wire_finish finish;
    const struct wire_usage *usage; // in this event; NULL: none
    int64_t index;                  // of the prompt
};
void wire_event(const struct wire_answer *answer, const struct wire_choice *choice, struct buf *json);
/* The usage event, whose choices are empty; or, without usage, an event without either. */
void wire_usage_event(const struct wire_answer *answer, const struct wire_usage *usage, struct buf *json);
void wire_error(enum wire_kind kind, int status, const char *type, const char *message, struct buf *json);

/* An answer that is not streamed: wire_open, its choices, wire_close; the object that wire_begin was given is its own. */
struct wire_whole {
    int64_t index; // of the prompt
    struct str text, reasoning, tool_calls; // tool_calls: JSON; those empty are left out
    struct str logprobs;
    enum wire_finish finish;
};
void wire_open(const struct wire_answer *answer, struct buf *json);
void wire_whole(const struct wire_answer *answer, const struct wire_whole *whole, struct buf *json);
void wire_close(const struct wire_answer *answer, const struct wire_usage *usage, struct buf *json); // NULL: no usage

/* An answer of embeddings; data is JSON. usage: NULL for none. */
void wire_vectors(const struct wire_answer *answer, struct str data, const struct wire_usage *usage, struct buf *json);

/* Made-up log probabilities of the tokens, with the top alternatives to each, in the shape of the wire and api. */
void wire_logprobs(enum wire_kind kind, enum wire_api api, const struct wire_token *tokens, size_t count, int top, struct buf *json);

/* The text that the mock says, for ever: word k with the blank before it (none before the first). Needs no escaping. */
struct str wire_word(int64_t k);

#endif
