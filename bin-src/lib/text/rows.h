/*
 * text/rows.h: the rows of a data set, whatever form its files have, as JSON objects
 *
 *     struct rows *rows = rows_open(paths, ROWS_CSV, &err);
 *     while ((got = rows_next(rows, &rec, &err)) != JSONL_END) ... // as jsonl_next, jsonl/jsonl.h
 *     rows_close(rows);
 *
 * ROWS_LINES is JSONL. ROWS_VALUES is one array of objects, or objects one behind the other, wherever their lines end; a row
 * is told by its number. ROWS_CSV is RFC 4180 with a first line of names: a row is an object of texts by those names, told by
 * the line that it begins in; lines may end with LF alone, empty ones are none, and a byte order mark in front is no text.
 * Files may be .gz. One thread at a time.
 */
#ifndef TEXT_ROWS_H
#define TEXT_ROWS_H

#include "jsonl/jsonl.h"

struct rows;
enum rows_form { ROWS_LINES, ROWS_VALUES, ROWS_CSV, ROWS_FORM_COUNT };
extern const char *const rows_forms[ROWS_FORM_COUNT]; // "lines", ...

/* paths as those of jsonl_open. */
struct rows *rows_open(char *const *paths, enum rows_form form, struct err *err);
void rows_close(struct rows *rows); // NULL is fine

/* As jsonl_next; JSONL_FAILED, too, where a file ends within a row or its quotes. What a record holds lives until the next. */
enum jsonl_got rows_next(struct rows *rows, struct jsonl_record **rec, struct err *err);
/* "FILE:NUMBER" of the row that was read last; lives until the next. */
const char *rows_where(const struct rows *rows);

#endif
