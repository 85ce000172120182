/*
 * report/grid.h: a table for people, aligned or as Markdown
 *
 *     struct grid grid = {.columns = 3};
 *     grid_cell(&grid, "%s", "TTFT ms"), grid_cell(&grid, "%.2f", mean), grid_cell(&grid, "%.2f", p99);
 *     grid_write(&grid, GRID_MARKDOWN, &out);
 *     grid_release(&grid);
 *
 * Cells fill the rows from left to right. The first row is the heading; an empty one is left out of an aligned table.
 * The first column is flush left, the others right, or left with GRID_LEFT. Out of memory: the buf that is written to
 * says so.
 */
#ifndef REPORT_GRID_H
#define REPORT_GRID_H

#include "base/buf.h"

enum grid_style { GRID_TEXT, GRID_MARKDOWN };
enum grid_flags { GRID_RIGHT = 0, GRID_LEFT = 1 };

struct grid {
    size_t columns;
    enum grid_flags flags;
    struct buf text; // the cells, each with a zero byte behind it
    size_t cells;
};

/* Adds the text of one cell, in one line and one cell whatever it holds: control characters are blanks, and in Markdown
 * | and \ are escaped. Returns the characters of text. */
size_t grid_add_text(struct buf *out, struct str text, enum grid_style style);

void grid_cell(struct grid *grid, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void grid_write(const struct grid *grid, enum grid_style style, struct buf *out);
void grid_release(struct grid *grid);

#endif
