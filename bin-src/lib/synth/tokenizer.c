/* synth/tokenizer.c: see tokenizer.h */
#include "synth/tokenizer.h"

#include "base/json.h"
#include "base/num.h"
#include "jsonl/jdoc.h"
#include "openai/reply.h"

#include <stdlib.h>

#define TIMEOUT_NS (120 * NS_PER_S)
enum dialect { UNKNOWN, VLLM, LLAMA_CPP };

struct tokenizer {
    const struct tokenizer_options *options;
    enum dialect dialect;
    struct fetch fetch;
    struct buf body;
    struct jdoc *doc;
};

struct tokenizer *tokenizer_open(const struct tokenizer_options *options, struct err *err)
{
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer) {
        err_nomem(err);
        return NULL;
    }
    tokenizer->options = options;
    if (fetch_init(&tokenizer->fetch, &options->server, err) == 0) {
        if ((tokenizer->doc = jdoc_new()))
            return tokenizer;
        err_nomem(err);
    }
    tokenizer_close(tokenizer);
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    fetch_release(&tokenizer->fetch);
    buf_release(&tokenizer->body);
    jdoc_free(tokenizer->doc);
    free(tokenizer);
}

/* Servers pass over members that they do not know, so that the first request can be both. */
static void write_body(struct tokenizer *tokenizer, struct str text)
{
    struct buf *body = &tokenizer->body;
    buf_clear(body);
    json_object(body);
    if (tokenizer->dialect != LLAMA_CPP) {
        if (tokenizer->options->model)
            json_key(body, "model"), json_cstr(body, tokenizer->options->model);
        json_key(body, "prompt"), json_str(body, text);
        json_key(body, "add_special_tokens"), json_bool(body, tokenizer->options->special);
    }
    if (tokenizer->dialect != VLLM) {
        json_key(body, "content"), json_str(body, text);
        json_key(body, "add_special"), json_bool(body, tokenizer->options->special);
    }
    json_object_end(body);
}

/* "http://host:8000/v1: /tokenize: why"; a key that the server quotes is not shown. */
static int fail(struct tokenizer *tokenizer, enum err_kind kind, struct str why, struct err *err)
{
    const struct fetch *fetch = &tokenizer->fetch;
    size_t len = 0;
    while (len < why.len && len < 200 && (unsigned char)why.ptr[len] >= ' ')
        len++;
    err_set(err, kind, "%.*s: %.*s: %.*s", STR_ARG(buf_str(&fetch->url.shown)), STR_ARG(fetch_path(fetch)), (int)len, why.ptr);
    str_conceal(str_of(err->msg), str_trim(str_of(fetch->key)));
    return -1;
}

static int fail_status(struct tokenizer *tokenizer, bool parsed, struct jval root, struct err *err)
{
    long status = tokenizer->fetch.status;
    struct str why = {0};
    struct buf text = {0};
    buf_addf(&text, "status %ld", status);
    if (status == 404 || status == 405 || status == 501)
        buf_add_str(&text, STR(": the server does not tell how it counts; without --url lengths are words"));
    else if (parsed && reply_why(root, &why))
        buf_addf(&text, " (%.*s)", STR_ARG(why));
    bool refused = tokenizer->dialect != UNKNOWN && (status == 400 || status == 413 || status == 422);
    int rc = fail(tokenizer, refused ? ERR_RANGE : ERR_NET, buf_str(&text), err);
    buf_release(&text);
    return rc;
}

int64_t tokenizer_count(struct tokenizer *tokenizer, struct str text, struct err *err)
{
    struct fetch *fetch = &tokenizer->fetch;
    struct jval root = {0}, tokens;
    struct err ignored;
    int64_t count;
    write_body(tokenizer, text);
    if (tokenizer->body.failed)
        return err_nomem(err);
    struct fetch_request request = {.place = FETCH_BESIDE, .path = "/tokenize", .method = FETCH_POST, .body = buf_str(&tokenizer->body),
                                    .timeout_ns = TIMEOUT_NS};
    if (fetch_do(fetch, &request, err) != FETCH_ANSWERED)
        return err->kind == ERR_NOMEM ? -1 : err_prefix(err, "%.*s: ", STR_ARG(buf_str(&fetch->url.shown)));
    if (!buf_reserve(&fetch->answer, JDOC_PADDING))
        return err_nomem(err);
    bool parsed = jdoc_parse(tokenizer->doc, fetch->answer.ptr, fetch->answer.len, &root, &ignored) == 0;
    if (!parsed && ignored.kind == ERR_NOMEM)
        return err_nomem(err);
    if (fetch->status != 200)
        return fail_status(tokenizer, parsed, root, err);
    if (!parsed || !jval_member(root, "tokens", &tokens) || jval_type(tokens) != JTYPE_ARRAY)
        return fail(tokenizer, ERR_NET, STR("the answer has no tokens"), err);
    bool counted = jval_int_at(root, "/count", &count);
    if (tokenizer->dialect == UNKNOWN)
        tokenizer->dialect = counted ? VLLM : LLAMA_CPP;
    return counted ? count : (int64_t)jval_count(tokens);
}
