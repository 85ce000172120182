/*
 * report/csv.h: JSON objects as CSV (RFC 4180), a row each
 *
 *     struct csv csv = {0};
 *     csv_add(&csv, object, &err); // a JSON text; again for each
 *     csv_write(&csv, &out);
 *     csv_release(&csv);
 *
 * A column is a path to a number, string or boolean, as in jq but for the first dot: "ttft_ms.p99", "parts.0.start". A
 * list of such is one cell, with blanks between. The columns are those of all objects, each behind the one that it
 * first came behind; what an object does not have is an empty cell.
 */
#ifndef REPORT_CSV_H
#define REPORT_CSV_H

#include "base/buf.h"
#include "base/err.h"

struct csv_column;
struct csv {
    struct csv_column *columns;
    size_t column_count, row_count;
};

int csv_add(struct csv *csv, struct str object, struct err *err);
int csv_write(const struct csv *csv, struct buf *out, struct err *err);
void csv_release(struct csv *csv);

/* Adds the text as a cell: in quotes where it must be. */
void csv_cell(struct buf *out, struct str text);

#endif
