/*
 * fuzz/jdoc.c: what jdoc_parse accepts, jval_write writes so that it parses to the same again
 */
#include "padded.h"

#include "jsonl/jdoc.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_equal(struct jval a, struct jval b)
{
    struct str text_a, text_b;
    struct jval item_a, item_b;
    bool flag_a, flag_b;
    int64_t int_a, int_b;
    double double_a, double_b;
    // A double with a whole value is written as a whole number: the same number, of another type.
    if (jval_type(a) == JTYPE_DOUBLE && jval_type(b) == JTYPE_INT) {
        must(jval_double(a, &double_a) && jval_double(b, &double_b) && double_a == double_b);
        return;
    }
    must(jval_type(a) == jval_type(b));
    must(jval_int(a, &int_a) == jval_int(b, &int_b) && (!jval_int(a, &int_a) || int_a == int_b));
    must(jval_double(a, &double_a) == jval_double(b, &double_b) && (!jval_double(a, &double_a) || double_a == double_b));
    must(jval_bool(a, &flag_a) == jval_bool(b, &flag_b) && (!jval_bool(a, &flag_a) || flag_a == flag_b));
    must(jval_str(a, &text_a) == jval_str(b, &text_b) && (!jval_str(a, &text_a) || str_eq(text_a, text_b)));
    must(jval_count(a) == jval_count(b));
    struct jiter iter_a = jval_items(a), iter_b = jval_items(b);
    text_a = text_b = STR("");
    while (jiter_next(&iter_a, &text_a, &item_a) && jiter_next(&iter_b, &text_b, &item_b)) {
        must(str_eq(text_a, text_b));
        must_be_equal(item_a, item_b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = jdoc_new(), *again = jdoc_new();
    char *text = padded(data, size);
    struct err err = {0};
    struct jval root, same;
    must(doc && again);
    if (jdoc_parse(doc, text, size, &root, &err) == 0) {
        struct buf written = {0};
        jval_write(root, &written);
        must(!written.failed);
        char *copy = padded(written.ptr, written.len);
        must(jdoc_parse(again, copy, written.len, &same, &err) == 0);
        must_be_equal(root, same);
        free(copy);
        buf_release(&written);
    } else
        must(err.kind == ERR_PARSE && err.msg[0] != '\0');
    free(text);
    jdoc_free(doc);
    jdoc_free(again);
    return 0;
}
