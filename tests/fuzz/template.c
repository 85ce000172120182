/*
 * fuzz/template.c: what template_parse takes, renders to a value that parses, of the form that was asked for
 *
 * What it refuses, it refuses with a line. The record has members of all types; a template that names others must say
 * which is missing.
 */
#include "padded.h"

#include "text/template.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record_text[] =
    "{\"id\":\"r\",\"n\":3,\"f\":0.5,\"t\":true,\"z\":null,\"s\":\"a\\\"b\\n\\u0000c\",\"list\":[\"x\",[7,8],{\"k\":\"v\"}]}";

static void parse(struct jdoc *doc, struct buf *text, struct jval *root)
{
    struct err err;
    must(doc != NULL && buf_reserve(text, JDOC_PADDING));
    must(jdoc_parse(doc, text->ptr, text->len, root, &err) == 0);
}

static void must_be_messages(struct jval root)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    struct jval message;
    struct str role, content;
    must(jval_type(root) == JTYPE_ARRAY && jval_count(root) > 0);
    for (struct jiter iter = jval_items(root); jiter_next(&iter, NULL, &message);) {
        bool known = false;
        must(jval_str_at(message, "/role", &role) && jval_str_at(message, "/content", &content));
        for (size_t i = 0; i < COUNT(roles); i++)
            known |= str_is(role, roles[i]);
        must(known);
    }
}

static void render(struct str text, enum template_form form, struct jval record, struct jdoc *doc)
{
    struct err err = {0};
    struct buf out = {0};
    struct jval root;
    struct template *t = template_parse(text, form, &err);
    if (!t) {
        must(err.kind == ERR_PARSE && err.msg[0] >= '1' && err.msg[0] <= '9');
        return;
    }
    for (int again = 0; again < 2; again++) { // the second time from what was kept
        buf_clear(&out);
        if (template_render(t, record, 0, &out, &err) < 0) {
            must(err.kind == ERR_MISSING && err.msg[0] != '\0');
            continue;
        }
        parse(doc, &out, &root);
        if (form == TEMPLATE_CHAT)
            must_be_messages(root);
        else
            must(jval_type(root) == JTYPE_STR);
    }
    buf_release(&out);
    template_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *of_record = jdoc_new(), *of_output = jdoc_new();
    struct buf record = {0};
    struct jval root;
    buf_add(&record, record_text, sizeof record_text - 1);
    parse(of_record, &record, &root);
    render((struct str){(const char *)data, size}, TEMPLATE_CHAT, root, of_output);
    render((struct str){(const char *)data, size}, TEMPLATE_TEXT, root, of_output);
    buf_release(&record);
    jdoc_free(of_record);
    jdoc_free(of_output);
    return 0;
}
