/*
 * mock/answer.h: one answer, from its script to the socket
 *
 * An answer is a row of steps, each due at a time of its own: the head, a write for each token (or as many as the
 * script says), the end. A step renders into the shop's buffers and writes at once; nothing is queued but what a
 * client does not take, and an answer waits while much of that is held. Faults of a place take the place of a step.
 *
 * What was written when is known from server.h's wrote: an event counts as written by the write(2) that carried the
 * last byte of its data.
 */
#ifndef MOCK_ANSWER_H
#define MOCK_ANSWER_H

#include "mock/fault.h"
#include "mock/journal.h"
#include "mock/asked.h"
#include "mock/script.h"
#include "net/server.h"

struct answer;

/* What all answers share. */
struct answer_shop {
    struct loop *loop;
    struct journal *journal; // NULL: none is kept
    enum wire_kind wire;
    /* The answer is over, or its client is gone; it is no more when this returns. */
    void (*over)(struct answer *answer, void *context);
    void *context;
    struct buf out, event, json, piece, extra, ids, tokens; // scratch, of a step
    struct answer *spare;                              // with their buffers, to be used again
};
void answer_shop_release(struct answer_shop *shop);

/* How far an answer's text is; the answers to a batch are all equally far. */
struct answer_place {
    int64_t token, event, offset; // tokens and events so far; bytes of text
    size_t text;                  // bytes of the script's
};

struct answer {
    struct loop_timer timer; // first: a timer is its answer
    struct answer_shop *shop;
    struct server_conn *conn;
    struct answer *next, *prev; // the caller's, for its lists
    bool waits;                 // the caller's: answer_start is to come

    // what is said
    struct script script; // its views are dead
    struct asked request; // likewise, but for what is counted
    struct wire_answer wire;
    struct wire_usage usage;   // so far
    struct rng rng;            // of times
    enum wire_finish finish;
    struct buf text;           // escaped; empty: the mock's own words
    struct buf tools;          // streamed: a delta's JSON a line; else one array
    struct buf prompts;        // int64_t, the tokens of each prompt of a batch; empty: it is none
    struct wire_usage prompt_usage; // of the prompt at hand
    int64_t tokens, tool_events; // how many there are
    bool keep_alive;             // the connection may
    int http_minor;              // of the request
    int64_t number;              // of the request, by arrival

    // how far it is
    struct answer_place at;
    int64_t prompt_at; // whose turn it is
    size_t tool_at;
    uint64_t faults; // still to come
    int64_t due_ns, first_ns;
    enum { ANSWER_STEP, ANSWER_END, ANSWER_NEVER } then;
    enum server_end end;
    bool chunked, head_done, role_done, blocked;

    // bytes that shall go in pieces
    struct buf drip;
    size_t drip_at, drip_every;
    int64_t drip_due_ns, drip_gap_ns;

    // the log
    struct buf id, model;
    struct buf times;   // int64_t each event: when it was written; below 0: the place in the answer where its data end
    size_t settled, written; // events whose time is known; that were given to the socket
    uint64_t emitted;   // bytes given to the socket or to drip
    int64_t received_ns, written_ns;
    int64_t held;       // events that did not go out at once
    int status;
};

static inline bool answer_has(const struct answer *answer, enum fault fault)
{
    return fault_in(answer->faults, fault);
}

static inline int64_t answer_prompts(const struct answer *answer)
{
    return answer->prompts.len > 0 ? (int64_t)(answer->prompts.len / sizeof(int64_t)) : 1;
}

/* Of the prompt at hand, in a batch. */
static inline int64_t answer_prompt_tokens(const struct answer *answer)
{
    return ((const int64_t *)(const void *)answer->prompts.ptr)[answer->prompt_at];
}

static inline bool answer_has_more(const struct answer *answer)
{
    return answer->at.token < answer->tokens || answer->tool_at < answer->tools.len;
}

/* An answer to the request; answer_start starts it. NULL: err says why (ERR_NOMEM, or a request that cannot be met). */
struct answer *answer_new(struct answer_shop *shop, struct server_conn *conn, const struct http *head, const struct asked *request,
                          const struct script *script, const char *model, int64_t number, int64_t seed, struct err *err);
void answer_start(struct answer *answer, int64_t now_ns);
void answer_start_soon(struct answer *answer); // in the next turn of the loop
/* The hooks of server.h. */
void answer_gone(struct answer *answer);
void answer_wrote(struct answer *answer, uint64_t sent, int64_t at_ns);

#endif
