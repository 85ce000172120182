/*
 * fuzz/reply.c: whatever a server says, what is recorded of it is JSON
 *
 * The bytes are taken as events (each line is one; a '!' in front: it is named "error") and as one body, for each api and
 * as the answer to a batch. The response that comes of it parses, its parts have their types, and after a reset it comes
 * again.
 */
#include "padded.h"

#include "openai/reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_events(struct reply *reply, struct jdoc *doc, struct str rest)
{
    struct err err;
    int seen;
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        size_t mark = *rest.ptr == '!' ? 1 : 0;
        char *text = padded(rest.ptr + mark, len - mark);
        bool was_done = reply->done;
        must(reply_event(reply, doc, (struct str){text, len - mark}, mark == 1, &seen, &err) == 0);
        must(was_done || reply->done == (seen == REPLY_DONE));
        must(mark == 0 || seen == REPLY_DONE || reply->failure != FAILURE_NONE);
        must(!(seen & REPLY_CONTENT) || seen & REPLY_CHOICES);
        free(text);
        len += end ? 1 : 0;
        rest = (struct str){rest.ptr + len, rest.len - len};
    }
    reply_end(reply, true);
}

static void take_body(struct reply *reply, struct jdoc *doc, struct str body)
{
    struct err err;
    char *text = padded(body.ptr, body.len);
    must(reply_body(reply, doc, (struct str){text, body.len}, &err) == 0);
    free(text);
    reply_end(reply, false);
}

/* The members are there or not, and of these types if they are. */
static void check(struct jdoc *doc, const char *text, size_t len)
{
    static const struct {
        const char *name;
        enum jtype type;
    } members[] = {{"text", JTYPE_STR},          {"reasoning", JTYPE_STR},  {"tool_calls", JTYPE_ARRAY},
                   {"finish_reason", JTYPE_STR}, {"model", JTYPE_STR},      {"usage", JTYPE_OBJECT},
                   {"tokens", JTYPE_OBJECT},     {"logprobs", JTYPE_ARRAY}, {"error", JTYPE_OBJECT},  {"embedding", JTYPE_ARRAY}};
    struct jval root, value, part;
    struct err err;
    must(jdoc_parse(doc, text, len, &root, &err) == 0 && jval_type(root) == JTYPE_OBJECT);
    for (size_t i = 0; i < COUNT(members); i++)
        must(!jval_member(root, members[i].name, &value) || jval_type(value) == members[i].type);
    if (jval_member(root, "logprobs", &value))
        for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &part);) {
            struct jval inner;
            must(jval_member(part, "token", &inner) && jval_type(inner) == JTYPE_STR);
            must(jval_member(part, "bytes", &inner) && jval_type(inner) == JTYPE_ARRAY);
            must(jval_member(part, "top", &inner) && jval_type(inner) == JTYPE_ARRAY);
        }
    if (jval_member(root, "embedding", &value))
        for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &part);) {
            double number;
            must(jval_double(part, &number));
        }
    if (jval_member(root, "tool_calls", &value))
        for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &part);) {
            struct str arguments;
            must(jval_str_at(part, "/function/arguments", &arguments));
        }
}

static void write_and_check(const struct reply *reply, struct jdoc *doc, struct buf *out)
{
    struct response response;
    struct buf scratch = {0};
    reply_response(reply, &response, &scratch);
    response_write(&response, out);
    must(!out->failed && !scratch.failed);
    char *text = padded(out->ptr, out->len);
    check(doc, text, out->len);
    free(text);
    buf_release(&scratch);
}

static void try(enum openai_api api, struct jdoc *doc, struct str bytes,
                void (*take)(struct reply *reply, struct jdoc *doc, struct str bytes))
{
    struct reply reply;
    struct buf first = {0}, again = {0};
    reply_init(&reply, api);
    take(&reply, doc, bytes);
    write_and_check(&reply, doc, &first);
    reply_reset(&reply);
    take(&reply, doc, bytes);
    write_and_check(&reply, doc, &again);
    must(str_eq(buf_str(&first), buf_str(&again)));
    reply_release(&reply);
    buf_release(&first);
    buf_release(&again);
}

enum { PARTS = 3 };

/* The responses of all parts, one after another. */
static void take_batch(struct reply *whole, struct jdoc *doc, struct str bytes,
                       void (*take)(struct reply *reply, struct jdoc *doc, struct str bytes), struct buf *out)
{
    struct err err;
    take(whole, doc, bytes);
    must(reply_share(whole, &err) == 0);
    for (size_t i = 0; i < PARTS; i++) {
        struct buf one = {0};
        write_and_check(whole->parts[i], doc, &one);
        must(whole->failure == FAILURE_NONE || whole->parts[i]->failure != FAILURE_NONE);
        must(i == 0 || whole->parts[i]->usage.len == 0);
        buf_add_str(out, buf_str(&one));
        buf_release(&one);
    }
}

static void try_batch(enum openai_api api, struct jdoc *doc, struct str bytes,
                      void (*take)(struct reply *reply, struct jdoc *doc, struct str bytes))
{
    struct reply whole, parts[PARTS], *pointers[PARTS];
    struct buf first = {0}, again = {0};
    for (size_t i = 0; i < PARTS; i++) {
        reply_init(&parts[i], api);
        parts[i].is_part = true;
        pointers[i] = &parts[i];
    }
    reply_init(&whole, api);
    whole.parts = pointers;
    whole.part_count = PARTS;
    take_batch(&whole, doc, bytes, take, &first);
    reply_reset(&whole);
    take_batch(&whole, doc, bytes, take, &again);
    must(str_eq(buf_str(&first), buf_str(&again)));
    for (size_t i = 0; i < PARTS; i++)
        reply_release(&parts[i]);
    reply_release(&whole);
    buf_release(&first);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum openai_api apis[] = {OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS};
    struct str bytes = {size > 0 ? (const char *)data : "", size};
    struct jdoc *doc = jdoc_new();
    must(doc != NULL);
    for (size_t i = 0; i < COUNT(apis); i++) {
        try(apis[i], doc, bytes, take_events);
        try(apis[i], doc, bytes, take_body);
        try_batch(apis[i], doc, bytes, take_events);
        try_batch(apis[i], doc, bytes, take_body);
    }
    jdoc_free(doc);
    return 0;
}
