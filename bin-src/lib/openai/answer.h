/*
 * openai/answer.h: an answer as it comes in: HTTP, events and JSON taken apart, each piece with its time
 *
 *     struct answer answer;
 *     answer_init(&answer, OPENAI_CHAT, ANSWER_STREAM);
 *     while (... bytes, which have JDOC_PADDING readable bytes behind them, and came at at_ns ...)
 *         switch (answer_take(&answer, doc, &input, at_ns, &err)) {
 *         case ANSWER_MORE: ...give it what comes next
 *         case ANSWER_WHOLE: ...answer.reply says what it was, input is what follows it
 *         case ANSWER_FAILED: ...it was no HTTP, or memory ran out
 *         }
 *     answer_end(&answer, doc, &err);  // where the connection ended before ANSWER_WHOLE
 *     answer_release(&answer);
 *
 * The times are those of section 2 of the design, on the caller's clock. What went wrong is reply.failure.
 */
#ifndef OPENAI_ANSWER_H
#define OPENAI_ANSWER_H

#include "net/http.h"
#include "net/sse.h"
#include "openai/reply.h"

/* What the request asked for: events, one body, or nobody knows. */
enum answer_asked { ANSWER_EITHER, ANSWER_STREAM, ANSWER_BODY };
enum answer_got { ANSWER_MORE, ANSWER_WHOLE, ANSWER_FAILED };

struct answer {
    enum answer_asked asked;
    bool headless;   // of HEAD: no body follows, whatever the head says
    bool streamed;   // it is a stream of events
    int status;      // HTTP's; below 0: none came
    uint64_t bytes;  // of the body
    int64_t headers_ns, first_ns, last_ns; // TIMING_NEVER: did not come
    int64_t byte_ns; // of the latest byte; TIMING_NEVER: none came
    struct buf chunks; // int64_t: when each event with choices came
    struct reply reply;

    struct http http;
    struct sse sse;
    struct buf body;       // of what is no stream
    bool last_had_content; // the latest chunk had text, reasoning or a tool call
};

void answer_init(struct answer *answer, enum openai_api api, enum answer_asked asked);
void answer_release(struct answer *answer);

/* Moves input over what it took. All that is in it arrived at at_ns, which never goes back. */
enum answer_got answer_take(struct answer *answer, struct jdoc *doc, struct str *input, int64_t at_ns, struct err *err);

/* The connection ended. ANSWER_WHOLE: that was its end, or all but the end of HTTP's message was there; ANSWER_FAILED: it
 * is cut short, and err says where; it is for the caller to say so in the reply. */
enum answer_got answer_end(struct answer *answer, struct jdoc *doc, struct err *err);

/* The times of its chunks, so many; NULL where there is none. */
size_t answer_chunk_count(const struct answer *answer);
static inline const int64_t *answer_chunks_ns(const struct answer *answer)
{
    return (const int64_t *)(const void *)answer->chunks.ptr;
}

#endif
