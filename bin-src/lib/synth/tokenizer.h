/*
 * synth/tokenizer.h: how many tokens a server makes of a text
 *
 *     struct tokenizer *tokenizer = tokenizer_open(&options, &err);
 *     int64_t count = tokenizer_count(tokenizer, STR("some words"), &err);
 *     tokenizer_close(tokenizer);
 *
 * By POST /tokenize, beside /v1. vLLM and SGLang take {"model", "prompt", "add_special_tokens"} and answer {"count",
 * "tokens"}, llama.cpp takes {"content", "add_special"} and answers {"tokens"}: the first answer tells which it is. By
 * net/fetch.h, over one connection that is kept. One thread at a time.
 */
#ifndef SYNTH_TOKENIZER_H
#define SYNTH_TOKENIZER_H

#include "base/err.h"
#include "base/str.h"
#include "net/fetch.h"

#include <stdint.h>

struct tokenizer;

struct tokenizer_options {
    struct fetch_options server;
    const char *model; // NULL: what it has
    bool special;      // count the special tokens that the server adds to a text, too
};

/* Asks nothing yet. NULL: no memory, no URL, or a user of the URL that cannot be one. The options must live as long. */
struct tokenizer *tokenizer_open(const struct tokenizer_options *options, struct err *err);
void tokenizer_close(struct tokenizer *tokenizer); // NULL is fine

/* -1: ERR_RANGE, it does not take this text (too long, most often); ERR_NET or ERR_TIMEOUT, it does not answer, or not so. */
int64_t tokenizer_count(struct tokenizer *tokenizer, struct str text, struct err *err);

#endif
