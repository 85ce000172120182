/*
 * fuzz/body.c: a body that is changed is the same but for the change
 *
 * Any JSON object, with "model" and "stream" set: it parses, has the two, and every byte outside their values, those
 * between the members too, is as it was and where it was. What is no object is refused.
 */
#include "padded.h"

#include "openai/body.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct body_change changes[] = {{{"model", 5}, {"\"a \\\"b\\\"\"", 9}}, {{"stream", 6}, {"{\"is\": [true]}", 14}}};

static const struct body_change *change_of(struct str name)
{
    for (size_t i = 0; i < COUNT(changes); i++)
        if (str_eq(name, changes[i].name))
            return &changes[i];
    return NULL;
}

/* Both walked side by side: each value and the bytes before it. */
static void compare(const struct jsonl_record *was, const struct jsonl_record *is)
{
    struct jsonl_walk old_walk = jsonl_members(was), new_walk = jsonl_members(is);
    struct jsonl_member old, new;
    const char *old_at = was->line.ptr, *new_at = is->line.ptr;
    size_t found = 0, added = 0;
    while (jsonl_each(was, &old_walk, &old)) {
        const struct body_change *change = change_of(old.name);
        must(jsonl_each(is, &new_walk, &new) && str_eq(old.name, new.name));
        must(str_eq((struct str){old_at, (size_t)(old.value.ptr - old_at)}, (struct str){new_at, (size_t)(new.value.ptr - new_at)}));
        must(str_eq(new.value, change ? change->value : old.value));
        found += change ? 1 : 0;
        old_at = old.value.ptr + old.value.len;
        new_at = new.value.ptr + new.value.len;
    }
    while (jsonl_each(is, &new_walk, &new)) {
        const struct body_change *change = change_of(new.name);
        must(change && str_eq(new.value, change->value));
        added++;
    }
    must(found + added == COUNT(changes));
    size_t tail = (size_t)(was->line.ptr + was->line.len - old_at);
    if (added == 0)
        must(str_eq((struct str){old_at, tail}, (struct str){new_at, (size_t)(is->line.ptr + is->line.len - new_at)}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = jdoc_new(), *changed = jdoc_new();
    const char *end = size > 0 ? memchr(data, '\n', size) : NULL; // a body is part of a line
    size_t len = end ? (size_t)(end - (const char *)data) : size;
    char *text = padded(data, len);
    struct jsonl_record was = {0}, is = {0};
    struct buf out = {0};
    struct err err = {0};
    must(doc && changed);
    int parsed = jsonl_parse(doc, (struct str){text, len}, &was, &err);
    must(body_write(changed, (struct str){text, len}, changes, COUNT(changes), &out, &err) == parsed);
    if (parsed == 0) {
        char *result = padded(out.ptr, out.len);
        must(jsonl_parse(changed, (struct str){result, out.len}, &is, &err) == 0);
        compare(&was, &is);
        free(result);
    } else
        must(err.kind == ERR_PARSE && err.msg[0] != '\0');
    free(text);
    buf_release(&out);
    buf_release(&was.added);
    buf_release(&is.added);
    jdoc_free(doc);
    jdoc_free(changed);
    return 0;
}
