/* report/csv.c: see csv.h */
#include "report/csv.h"

#include "jsonl/jdoc.h"

#include <stdlib.h>

struct csv_column {
    struct buf name;
    struct buf *cells; // row_count, as they are written
    size_t room;
};

/* Where the object that is being added has got to. */
struct adding {
    struct csv *csv;
    size_t next; // a new column goes here
    struct buf path;
    struct err *err;
};

void csv_cell(struct buf *out, struct str text)
{
    bool plain = true;
    for (size_t i = 0; i < text.len; i++)
        plain = plain && text.ptr[i] != ',' && text.ptr[i] != '"' && text.ptr[i] != '\r' && text.ptr[i] != '\n';
    if (plain) {
        buf_add_str(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

static struct csv_column *column_of(struct adding *adding)
{
    struct csv *csv = adding->csv;
    for (size_t i = 0; i < csv->column_count; i++) { // the next one first: objects are mostly alike
        size_t at = (adding->next + i) % csv->column_count;
        if (str_eq(buf_str(&csv->columns[at].name), buf_str(&adding->path))) {
            adding->next = at + 1;
            return &csv->columns[at];
        }
    }
    struct csv_column *columns = realloc(csv->columns, (csv->column_count + 1) * sizeof *columns);
    if (!columns)
        return NULL;
    csv->columns = columns;
    memmove(columns + adding->next + 1, columns + adding->next, (csv->column_count - adding->next) * sizeof *columns);
    struct csv_column *column = &columns[adding->next++];
    *column = (struct csv_column){0};
    csv->column_count++;
    buf_add_str(&column->name, buf_str(&adding->path));
    return column->name.failed ? NULL : column;
}

/* The cell of the row that is being added. */
static struct buf *cell_of(struct adding *adding)
{
    struct csv_column *column = column_of(adding);
    size_t rows = adding->csv->row_count;
    if (!column)
        return NULL;
    if (column->room < rows) {
        size_t room = rows + rows / 2 + 4;
        struct buf *cells = realloc(column->cells, room * sizeof *cells);
        if (!cells)
            return NULL;
        memset(cells + column->room, 0, (room - column->room) * sizeof *cells);
        column->cells = cells;
        column->room = room;
    }
    return &column->cells[rows - 1];
}

static void add_scalar(struct jval value, struct buf *out)
{
    struct str text;
    if (jval_str(value, &text))
        buf_add_str(out, text);
    else if (!jval_is_null(value))
        jval_write(value, out);
}

static bool holds_objects(struct jval value)
{
    struct jval item;
    for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &item);)
        if (jval_type(item) == JTYPE_OBJECT || jval_type(item) == JTYPE_ARRAY)
            return true;
    return false;
}

static int add_leaf(struct adding *adding, struct jval value)
{
    struct buf text = {0}, *cell = cell_of(adding);
    struct jval item;
    if (!cell)
        return err_nomem(adding->err);
    if (jval_type(value) != JTYPE_ARRAY)
        add_scalar(value, &text);
    else
        for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &item);) {
            if (text.len > 0)
                buf_add_char(&text, ' ');
            add_scalar(item, &text);
        }
    csv_cell(cell, buf_str(&text));
    bool failed = text.failed || cell->failed || adding->path.failed;
    buf_release(&text);
    return failed ? err_nomem(adding->err) : 0;
}

static int add_value(struct adding *adding, struct jval value)
{
    enum jtype type = jval_type(value);
    if (type != JTYPE_OBJECT && !(type == JTYPE_ARRAY && holds_objects(value)))
        return add_leaf(adding, value);
    struct jiter iter = jval_items(value);
    struct str name = {0};
    size_t len = adding->path.len;
    for (size_t i = 0; jiter_next(&iter, &name, &value); i++) {
        if (len > 0)
            buf_add_char(&adding->path, '.');
        if (type == JTYPE_OBJECT)
            buf_add_str(&adding->path, name);
        else
            buf_addf(&adding->path, "%zu", i);
        if (add_value(adding, value) < 0)
            return -1;
        adding->path.len = len;
    }
    return 0;
}

int csv_add(struct csv *csv, struct str object, struct err *err)
{
    struct jdoc *doc = jdoc_new();
    struct buf padded = {0};
    struct adding adding = {.csv = csv, .err = err};
    struct jval root;
    int rc = -1;
    buf_add_str(&padded, object);
    buf_reserve(&padded, JDOC_PADDING);
    csv->row_count++;
    if (!doc || padded.failed)
        err_nomem(err);
    else if (jdoc_parse(doc, padded.ptr, object.len, &root, err) == 0)
        rc = add_value(&adding, root);
    buf_release(&adding.path);
    buf_release(&padded);
    jdoc_free(doc);
    return rc;
}

int csv_write(const struct csv *csv, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        buf_add_str(out, i > 0 ? STR(",") : STR(""));
        csv_cell(out, buf_str(&csv->columns[i].name));
    }
    buf_add_char(out, '\n');
    for (size_t row = 0; row < csv->row_count; row++) {
        for (size_t i = 0; i < csv->column_count; i++) {
            const struct csv_column *column = &csv->columns[i];
            buf_add_str(out, i > 0 ? STR(",") : STR(""));
            if (row < column->room)
                buf_add_str(out, buf_str(&column->cells[row]));
        }
        buf_add_char(out, '\n');
    }
    return out->failed ? err_nomem(err) : 0;
}

void csv_release(struct csv *csv)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        for (size_t row = 0; row < csv->columns[i].room; row++)
            buf_release(&csv->columns[i].cells[row]);
        free(csv->columns[i].cells);
        buf_release(&csv->columns[i].name);
    }
    free(csv->columns);
    *csv = (struct csv){0};
}
