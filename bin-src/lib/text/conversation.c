/* text/conversation.c: see conversation.h */
#include "text/conversation.h"

#include "base/json.h"

static void write_system(struct str text, struct buf *out)
{
    json_object(out);
    json_key(out, "role"), json_cstr(out, "system");
    json_key(out, "content"), json_str(out, text);
    json_object_end(out);
}

int conversation_write(struct jval messages, const struct str *system, struct buf *out, struct err *err)
{
    struct jval message;
    struct str role;
    bool empty = true;
    if (jval_type(messages) != JTYPE_ARRAY)
        return err_set(err, ERR_PARSE, "input.messages: is not an array");
    json_array(out);
    if (system && system->len > 0)
        write_system(*system, out);
    for (struct jiter it = jval_items(messages); jiter_next(&it, NULL, &message);) {
        if (jval_type(message) != JTYPE_OBJECT)
            return err_set(err, ERR_PARSE, "input.messages: one is not an object");
        if (system && jval_str_at(message, "/role", &role) && str_is(role, "system"))
            continue;
        jval_write(message, out);
        empty = false;
    }
    json_array_end(out);
    return empty ? err_set(err, ERR_PARSE, "input.messages: is empty") : 0;
}
