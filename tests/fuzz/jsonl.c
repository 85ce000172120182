/*
 * fuzz/jsonl.c: a line that is a record stays one when it grows
 *
 * What is appended is there afterwards, and every byte before it is as it was. The members' texts, found by walking
 * the line, say what the parser says. Cut at any of its members and written, it is a record of those before.
 */
#include "padded.h"

#include "base/json.h"
#include "jsonl/jsonl.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char long_name[] = "a name that no input has: \"\n\xc3\xa9";

/* Parses what rec is when written, which must be one record, and gives its members' number. */
static size_t count_when_written(struct jdoc *doc, const struct jsonl_record *rec, const char *has)
{
    struct jsonl_record grown = {0};
    struct buf out = {0};
    struct err err;
    must(jsonl_format(rec, &out, &err) == 0);
    must(out.ptr[out.len - 1] == '\n' && out.len - 1 >= rec->cut && memcmp(out.ptr, rec->line.ptr, rec->cut) == 0);
    char *text = padded(out.ptr, out.len);
    must(jsonl_parse(doc, (struct str){text, out.len - 1}, &grown, &err) == 0);
    size_t count = jval_count(grown.root);
    if (has) {
        int64_t value;
        struct jval member;
        must(jval_member(grown.root, has, &member) && jval_int(member, &value) && value == 42);
    }
    free(text);
    buf_release(&out);
    return count;
}

/* Each member's text is JSON, and written by the writer it is the same as the parser's value, written. */
static void check_members(struct jdoc *doc, const struct jsonl_record *rec)
{
    struct jsonl_member member;
    struct jiter iter = jval_items(rec->root);
    struct buf ours = {0}, theirs = {0};
    struct err err;
    size_t count = 0;
    for (struct jsonl_walk walk = jsonl_members(rec); jsonl_each(rec, &walk, &member); count++) {
        struct jval whole, alone;
        struct str name;
        char *text = padded(member.value.ptr, member.value.len);
        must(jiter_next(&iter, &name, &whole) && str_eq(name, member.name));
        must(jdoc_parse(doc, text, member.value.len, &alone, &err) == 0);
        must(str_eq(str_trim(member.value), member.value) && rec->line.ptr[member.from] == '"');
        buf_clear(&ours), buf_clear(&theirs);
        jval_write(alone, &ours);
        jval_write(whole, &theirs);
        must(str_eq(buf_str(&ours), buf_str(&theirs)));
        free(text);
    }
    must(count == jval_count(rec->root));
    buf_release(&ours);
    buf_release(&theirs);
}

static void check_cuts(struct jdoc *doc, const struct jsonl_record *rec)
{
    struct jsonl_member member, left;
    size_t before = 0;
    for (struct jsonl_walk walk = jsonl_members(rec); before < 50 && jsonl_each(rec, &walk, &member); before++) {
        struct jsonl_record cut = *rec;
        cut.added = (struct buf){0};
        jsonl_cut(&cut, &member);
        must(count_when_written(doc, &cut, NULL) == before);
        must(!jsonl_member(&cut, "", &left) || left.from < cut.cut);
        size_t walked = 0;
        for (struct jsonl_walk rest = jsonl_members(&cut); jsonl_each(&cut, &rest, &left);)
            walked++;
        must(walked == before);
        json_int(jsonl_append(&cut, long_name), 42);
        must(count_when_written(doc, &cut, long_name) == before + 1);
        buf_release(&cut.added);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = jdoc_new(), *again = jdoc_new();
    const char *end = size > 0 ? memchr(data, '\n', size) : NULL; // a line has no line feed in it
    size_t len = end ? (size_t)(end - (const char *)data) : size;
    char *text = padded(data, len);
    struct jsonl_record rec = {0};
    struct err err = {0};
    must(doc && again);
    if (jsonl_parse(doc, (struct str){text, len}, &rec, &err) == 0) {
        size_t count = jval_count(rec.root);
        check_members(again, &rec);
        check_cuts(again, &rec);
        must(count_when_written(again, &rec, NULL) == count);
        if (!jsonl_has(&rec, long_name)) {
            json_int(jsonl_append(&rec, long_name), 42);
            must(count_when_written(again, &rec, long_name) == count + 1);
        }
    } else
        must(err.kind == ERR_PARSE && err.msg[0] != '\0');
    free(text);
    buf_release(&rec.added);
    jdoc_free(doc);
    jdoc_free(again);
    return 0;
}
