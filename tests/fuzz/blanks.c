/*
 * fuzz/blanks.c: the answers that a chat leaves open are found where they are
 *
 * Any JSON object: each blank is a null, and with all of them filled it parses, and has as many fewer assistant messages
 * whose content is null; the blanks come in order, of turns ever less far back.
 */
#include "padded.h"

#include "openai/blanks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Messages of the assistant without content and tool calls. */
static size_t count_open(struct jval root)
{
    struct jval messages, message, content, calls;
    struct str role;
    size_t count = 0;
    if (!jval_member(root, "messages", &messages) || jval_type(messages) != JTYPE_ARRAY)
        return 0;
    for (struct jiter iter = jval_items(messages); jiter_next(&iter, NULL, &message);)
        count += jval_str_at(message, "/role", &role) && str_is(role, "assistant") && jval_member(message, "content", &content) &&
                 jval_is_null(content) && !(jval_member(message, "tool_calls", &calls) && !jval_is_null(calls));
    return count;
}

static size_t parse_and_count(struct jdoc *doc, const struct buf *body)
{
    char *text = padded(body->ptr, body->len);
    struct jval root;
    struct err err;
    must(jdoc_parse(doc, text, body->len, &root, &err) == 0);
    size_t count = count_open(root);
    free(text);
    return count;
}

static void fill(struct str body, const struct buf *blanks, struct buf *out)
{
    size_t copied = 0, before = SIZE_MAX;
    for (size_t i = 0; i < blanks->len / sizeof(struct blank); i++) {
        struct blank blank = ((const struct blank *)(const void *)blanks->ptr)[i];
        must(blank.at >= copied && blank.at + BLANK_LEN <= body.len && memcmp(body.ptr + blank.at, "null", BLANK_LEN) == 0);
        must(blank.back >= 1 && blank.back < before);
        before = blank.back;
        buf_add(out, body.ptr + copied, blank.at - copied);
        buf_add_str(out, STR("\"x\""));
        copied = blank.at + BLANK_LEN;
    }
    buf_add(out, body.ptr + copied, body.len - copied);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = jdoc_new();
    const char *end = size > 0 ? memchr(data, '\n', size) : NULL; // a body is part of a line
    struct str body = {padded(data, size), end ? (size_t)(end - (const char *)data) : size};
    struct buf blanks = {0}, out = {0}, whole = {0};
    struct err err = {0};
    must(doc != NULL);
    if (blanks_find(doc, body, &blanks, &err) == 0) {
        buf_add_str(&whole, body);
        fill(body, &blanks, &out);
        must(parse_and_count(doc, &whole) - parse_and_count(doc, &out) == blanks.len / sizeof(struct blank));
    } else
        must(err.kind == ERR_PARSE && err.msg[0] != '\0');
    buf_release(&blanks);
    buf_release(&out);
    buf_release(&whole);
    free((char *)body.ptr);
    jdoc_free(doc);
    return 0;
}
