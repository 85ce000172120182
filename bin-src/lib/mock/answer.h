/*
 * mock/answer.h: one request, answered as its script says, on time
 *
 *     struct answer_context context = {.loop = loop, .wire = WIRE_VLLM, .model = STR("mock"), .doc = jdoc_new(), ...};
 *     on a request:  answer_start(&context, conn, api, id, body)
 *     on wrote:      answer_wrote(server_data(conn), sent, at_ns)
 *     on gone:       answer_gone(server_data(conn))
 *
 * An answer goes with the tick of its own timer; each event is one write(2), so that a log of the writes is the truth.
 */
#ifndef MOCK_ANSWER_H
#define MOCK_ANSWER_H

#include "mock/fault.h"
#include "mock/asked.h"
#include "mock/script.h"
#include "net/server.h"

struct answer_context {
    struct loop *loop;
    enum wire_kind wire;
    struct str model;
    struct script script;           // under all others
    const struct jval *scripts;     // over it: request k, by arrival, gets the k-th, and after the last the first again
    size_t script_count;
    const struct script_draws *draws;
    int64_t seed;
    struct jdoc *doc;               // for bodies
    int64_t requests, generated;    // so far; tokens
    int64_t running;
    void (*log)(void *user, struct str line); // NULL: nobody wants it
    void *user;
    struct buf scratch;
};

struct answer;

/* Answers, or says in HTTP why it cannot. id is the client's name for the request; body has padding. */
void answer_start(struct answer_context *context, struct server_conn *conn, enum wire_api api, struct str id, struct str body);
void answer_wrote(struct answer *answer, uint64_t sent, int64_t at_ns);
void answer_gone(struct answer *answer); // the client is; frees it. NULL is fine

/* A whole answer with JSON, or text, in it. */
void answer_plain(struct server_conn *conn, int status, const char *type, struct str body, const char *more_headers);

#endif
