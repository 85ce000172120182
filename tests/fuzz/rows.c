/*
 * fuzz/rows.c: rows of values are an array's elements; rows of CSV are the same when they are written anew
 *
 * The first byte chooses the form. Whatever the rest is, reading ends, and each row is one line of JSON, an object.
 */
#include "padded.h"

#include "text/rows.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Adds each row of the bytes, a line each. False: not all could be read. */
static bool read_rows(const void *bytes, size_t size, enum rows_form form, struct buf *lines, int *bad)
{
    char path[64], *paths[] = {path, NULL};
    struct jsonl_record *rec;
    struct err err;
    enum jsonl_got got;
    int fd = memfd_create("rows", 0);
    must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct rows *rows = rows_open(paths, form, &err);
    must(rows != NULL);
    while ((got = rows_next(rows, &rec, &err)) == JSONL_RECORD || got == JSONL_BAD) {
        *bad += got == JSONL_BAD;
        if (got == JSONL_BAD)
            continue;
        must(!memchr(rec->line.ptr, '\n', rec->line.len) && jval_type(rec->root) == JTYPE_OBJECT);
        jval_write(rec->root, lines);
        buf_add_char(lines, '\n');
    }
    rows_close(rows);
    close(fd);
    return got == JSONL_END;
}

/* An array of objects in which no name is there twice is its elements. */
static void check_values(const char *text, size_t size, const struct buf *lines, bool whole, int bad)
{
    struct jdoc *doc = jdoc_new();
    struct jval root, item;
    struct buf want = {0};
    struct err err;
    if (jdoc_parse(doc, text, size, &root, &err) == 0 && jval_type(root) == JTYPE_ARRAY) {
        bool objects = true;
        for (struct jiter it = jval_items(root); jiter_next(&it, NULL, &item);) {
            objects = objects && jval_type(item) == JTYPE_OBJECT;
            jval_write(item, &want);
            buf_add_char(&want, '\n');
        }
        if (objects && bad == 0)
            must(whole && str_eq(buf_str(&want), buf_str(lines)));
    }
    buf_release(&want);
    jdoc_free(doc);
}

static void quote(struct str text, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

/* Adds a line of CSV: the names or the values of an object. */
static void add_line(struct jval row, bool names, struct buf *out)
{
    struct str name, value;
    struct jval field;
    bool first = true;
    for (struct jiter it = jval_items(row); jiter_next(&it, &name, &field); first = false) {
        must(jval_str(field, &value));
        if (!first)
            buf_add_char(out, ',');
        quote(names ? name : value, out);
    }
    buf_add_str(out, STR("\r\n"));
}

/* Written anew with all in quotes, they are the same rows. */
static void check_csv(struct buf *lines)
{
    struct jdoc *doc = jdoc_new();
    struct buf csv = {0}, again = {0};
    struct jval row;
    struct err err;
    int bad = 0;
    must(buf_reserve(lines, JDOC_PADDING));
    for (size_t at = 0; at < lines->len;) {
        size_t len = (size_t)((char *)memchr(lines->ptr + at, '\n', lines->len - at) - (lines->ptr + at));
        must(jdoc_parse(doc, lines->ptr + at, len, &row, &err) == 0);
        if (at == 0)
            add_line(row, true, &csv);
        add_line(row, false, &csv);
        at += len + 1;
    }
    must(read_rows(csv.ptr ? csv.ptr : "", csv.len, ROWS_CSV, &again, &bad) && bad == 0);
    must(str_eq(buf_str(lines), buf_str(&again)));
    buf_release(&csv);
    buf_release(&again);
    jdoc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf lines = {0};
    int bad = 0;
    if (size == 0)
        return 0;
    enum rows_form form = data[0] % 2 ? ROWS_VALUES : ROWS_CSV;
    char *text = padded(data + 1, size - 1);
    bool whole = read_rows(text, size - 1, form, &lines, &bad);
    if (form == ROWS_VALUES)
        check_values(text, size - 1, &lines, whole, bad);
    else
        check_csv(&lines);
    buf_release(&lines);
    free(text);
    return 0;
}
