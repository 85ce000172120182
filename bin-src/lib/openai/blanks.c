/* openai/blanks.c: see blanks.h */
#include "openai/blanks.h"

enum message { MESSAGE_OTHER, MESSAGE_GIVEN, MESSAGE_BLANK }; // the last two are the assistant's

static bool is_there(struct jval object, const char *name)
{
    struct jval value;
    return jval_member(object, name, &value) && !jval_is_null(value);
}

/* What a message is; where its content stands goes to *content. -1: out of memory. */
static int look_at(struct jdoc *doc, struct str text, const char **content, struct err *err)
{
    struct jsonl_record message = {0};
    struct jsonl_member member;
    struct str role;
    if (jsonl_parse(doc, text, &message, err) < 0) // no object, or a repeated name: the server may say so
        return err->kind == ERR_NOMEM ? -1 : MESSAGE_OTHER;
    if (!jval_str_at(message.root, "/role", &role) || !str_is(role, "assistant"))
        return MESSAGE_OTHER;
    if (is_there(message.root, "content") || is_there(message.root, "tool_calls") || !jsonl_member(&message, "content", &member))
        return MESSAGE_GIVEN;
    *content = member.value.ptr;
    return MESSAGE_BLANK;
}

/* Of the elements of messages. Until all are seen, back counts from the front. */
static int find_in(struct jdoc *doc, struct str body, struct str messages, struct buf *blanks, struct err *err)
{
    struct str element;
    size_t answers = 0, from = blanks->len;
    int kind = MESSAGE_OTHER;
    for (size_t at = 0; jsonl_element(messages, &at, &element);) {
        const char *content = NULL;
        kind = look_at(doc, element, &content, err);
        if (kind < 0)
            return -1;
        if (kind == MESSAGE_BLANK)
            buf_add(blanks, &(struct blank){(size_t)(content - body.ptr), answers}, sizeof(struct blank));
        answers += kind != MESSAGE_OTHER;
    }
    if (blanks->failed)
        return err_nomem(err);
    answers -= kind == MESSAGE_GIVEN;
    for (size_t at = from; at < blanks->len; at += sizeof(struct blank)) {
        struct blank *blank = (struct blank *)(void *)(blanks->ptr + at);
        blank->back = answers - blank->back;
    }
    return 0;
}

int blanks_find(struct jdoc *doc, struct str body, struct buf *blanks, struct err *err)
{
    struct jsonl_record parsed = {0};
    struct jsonl_member messages;
    if (jsonl_parse(doc, body, &parsed, err) < 0)
        return err_prefix(err, "request: ");
    if (!jsonl_member(&parsed, "messages", &messages) || messages.value.ptr[0] != '[')
        return 0;
    return find_in(doc, body, messages.value, blanks, err);
}
