/* openai/body.c: see body.h */
#include "openai/body.h"

#include "base/json.h"

const char *const openai_apis[OPENAI_API_COUNT] = {[OPENAI_CHAT] = "chat", [OPENAI_COMPLETIONS] = "completions",
                                                   [OPENAI_EMBEDDINGS] = "embeddings"};
const char *const openai_paths[OPENAI_API_COUNT] = {
    [OPENAI_CHAT] = "/chat/completions", [OPENAI_COMPLETIONS] = "/completions", [OPENAI_EMBEDDINGS] = "/embeddings"};
static const char *const told_by[OPENAI_API_COUNT] = {[OPENAI_CHAT] = "messages", [OPENAI_COMPLETIONS] = "prompt",
                                                      [OPENAI_EMBEDDINGS] = "input"};

int body_api(struct jval record, enum openai_api *api, struct err *err)
{
    struct jval request, value;
    struct str name;
    if (jval_member(record, "api", &value)) {
        for (int i = 0; i < OPENAI_API_COUNT && jval_str(value, &name); i++)
            if (str_is(name, openai_apis[i])) {
                *api = (enum openai_api)i;
                return 0;
            }
        return err_set(err, ERR_PARSE, "api: none of chat, completions, embeddings");
    }
    if (!jval_member(record, "request", &request))
        return err_set(err, ERR_MISSING, "has no \"request\"");
    for (int i = 0; i < OPENAI_API_COUNT; i++)
        if (jval_member(request, told_by[i], &value)) {
            *api = (enum openai_api)i;
            return 0;
        }
    return err_set(err, ERR_PARSE, "request: has no messages, prompt or input");
}

int body_changes(const char *json, struct body_change *changes, size_t max, struct buf *text, struct err *err)
{
    struct jsonl_record parsed = {0};
    struct jsonl_member member;
    struct jdoc *doc = jdoc_new();
    size_t len = strlen(json), count = 0, from = text->len;
    int rc = -1;
    if (!doc || !buf_reserve(text, 2 * len + JDOC_PADDING)) { // unescaped names are no longer: text does not move from here on
        err_nomem(err);
        goto done;
    }
    buf_add(text, json, len);
    if (jsonl_parse(doc, (struct str){text->ptr + from, len}, &parsed, err) < 0)
        goto done;
    for (struct jsonl_walk walk = jsonl_members(&parsed); jsonl_each(&parsed, &walk, &member); count++) {
        if (count == max) {
            err_set(err, ERR_RANGE, "over %zu members", max);
            goto done;
        }
        changes[count] = (struct body_change){{text->ptr + text->len, member.name.len}, member.value};
        buf_add_str(text, member.name);
    }
    rc = (int)count;
done:
    jdoc_free(doc);
    buf_release(&parsed.added);
    return rc;
}

/* The change that the name asks for, or count. */
static size_t change_of(struct str name, const struct body_change *changes, size_t count)
{
    size_t i = 0;
    while (i < count && !str_eq(name, changes[i].name))
        i++;
    return i;
}

int body_write(struct jdoc *doc, struct str body, const struct body_change *changes, size_t count, struct buf *out, struct err *err)
{
    struct jsonl_record parsed = {0};
    struct jsonl_member member;
    size_t copied = 0;
    if (jsonl_parse(doc, body, &parsed, err) < 0)
        return err_prefix(err, "request: ");
    for (struct jsonl_walk walk = jsonl_members(&parsed); jsonl_each(&parsed, &walk, &member);) {
        size_t i = change_of(member.name, changes, count), from = (size_t)(member.value.ptr - body.ptr);
        if (i == count)
            continue;
        buf_add(out, body.ptr + copied, from - copied);
        buf_add_str(out, changes[i].value);
        copied = from + member.value.len;
    }
    buf_add(out, body.ptr + copied, parsed.cut - copied);
    for (size_t i = 0; i < count; i++) {
        struct jval there;
        char name[128];
        if (changes[i].name.len >= sizeof name) {
            buf_release(&parsed.added);
            return err_set(err, ERR_RANGE, "a body member's name over 127 bytes");
        }
        memcpy(name, changes[i].name.ptr, changes[i].name.len);
        name[changes[i].name.len] = '\0';
        if (jval_member(parsed.root, name, &there))
            continue;
        json_raw(jsonl_append(&parsed, name), changes[i].value);
    }
    bool failed = parsed.added.failed;
    buf_add_str(out, buf_str(&parsed.added));
    buf_release(&parsed.added);
    buf_add(out, body.ptr + parsed.cut, body.len - parsed.cut);
    return failed || out->failed ? err_nomem(err) : 0;
}
