/*
 * mock/mock.h: a scripted server of OpenAI's API
 *
 *     struct mock *mock = mock_new(loop, &options, &err);
 *     while (running)
 *         loop_turn(loop, &err);
 *     mock_free(mock);
 *
 * POST /v1/chat/completions, /v1/completions, /v1/embeddings and /tokenize; GET /health, /v1/models and /metrics. What it does to a
 * request: options.script; over it the script file's line for the k-th request (in order of arrival; after the last line
 * comes the first again); over both the request's own member "mock". Draws go by the seed and k.
 */
#ifndef MOCK_MOCK_H
#define MOCK_MOCK_H

#include "mock/journal.h"
#include "mock/script.h"
#include "net/loop.h"

struct mock_options {
    const char *host;
    int port;
    const char *model;       // where the request says none
    struct str api_key;      // empty: none is asked for
    const char *script_path; // NULL: none
    enum wire_kind wire;
    int64_t seed;
    int64_t slots; // requests that are answered at a time, others wait in line; 0: no limit
    struct script script;
    struct script_draws draws;
    struct journal *journal; // NULL: none; the caller flushes and closes it
};

struct mock;
/* Listens when it returns. What options point to must live as long. */
struct mock *mock_new(struct loop *loop, const struct mock_options *options, struct err *err);
void mock_free(struct mock *mock); // NULL is fine
int mock_port(const struct mock *mock);

#endif
