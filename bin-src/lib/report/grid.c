/* report/grid.c: see grid.h */
#include "report/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void grid_cell(struct grid *grid, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_add(&grid->text, text, strlen(text) + 1);
    grid->cells++;
}

void grid_release(struct grid *grid)
{
    buf_release(&grid->text);
    grid->cells = 0;
}

/* Characters, and not bytes: what continues one in UTF-8 takes no place. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

size_t grid_add_text(struct buf *out, struct str text, enum grid_style style)
{
    size_t added = 0, width = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool escaped = style == GRID_MARKDOWN && (c == '|' || c == '\\'), control = c < ' ' || c == 0x7f;
        width += (c & 0xc0) != 0x80;
        if (!escaped && !control)
            continue;
        buf_add(out, text.ptr + added, i - added);
        buf_add_char(out, escaped ? '\\' : ' ');
        added = i + control;
    }
    buf_add(out, text.ptr + added, text.len - added);
    return width;
}

static void add_spaces(struct buf *out, size_t count)
{
    while (count-- > 0)
        buf_add_char(out, ' ');
}

static void add_text_row(const struct grid *grid, const char *cell, const size_t *widths, struct buf *out)
{
    size_t pending = 0; // blanks come before the next character only: no line ends with one
    for (size_t column = 0; column < grid->columns; column++) {
        size_t width = width_of(cell), fill = widths[column] - width;
        bool left = column == 0 || grid->flags & GRID_LEFT;
        pending += column > 0 ? 2 : 0;
        if (width > 0) {
            add_spaces(out, pending + (left ? 0 : fill));
            grid_add_text(out, str_of(cell), GRID_TEXT);
            pending = left ? fill : 0;
        } else
            pending += fill;
        cell += strlen(cell) + 1;
    }
    buf_add_char(out, '\n');
}

static void add_markdown_row(const struct grid *grid, const char *cell, struct buf *out)
{
    for (size_t column = 0; column < grid->columns; column++) {
        buf_add_str(out, STR("| "));
        grid_add_text(out, str_of(cell), GRID_MARKDOWN);
        buf_add_char(out, ' ');
        cell += strlen(cell) + 1;
    }
    buf_add_str(out, STR("|\n"));
}

static void add_rule(const struct grid *grid, struct buf *out)
{
    for (size_t column = 0; column < grid->columns; column++)
        buf_add_str(out, column == 0 || grid->flags & GRID_LEFT ? STR("| --- ") : STR("| ---: "));
    buf_add_str(out, STR("|\n"));
}

static const char *next_row(const struct grid *grid, const char *cell)
{
    for (size_t column = 0; column < grid->columns; column++)
        cell += strlen(cell) + 1;
    return cell;
}

static void measure(const struct grid *grid, size_t *widths)
{
    const char *cell = grid->text.ptr;
    for (size_t i = 0; i < grid->cells; i++) {
        size_t width = width_of(cell), *widest = &widths[i % grid->columns];
        *widest = width > *widest ? width : *widest;
        cell += strlen(cell) + 1;
    }
}

void grid_write(const struct grid *grid, enum grid_style style, struct buf *out)
{
    size_t *widths = calloc(grid->columns, sizeof *widths);
    if (!widths || grid->text.failed) {
        free(widths);
        out->failed = true;
        return;
    }
    measure(grid, widths);
    const char *cell = grid->text.ptr;
    for (size_t row = 0; row < grid->cells / grid->columns; row++, cell = next_row(grid, cell)) {
        const char *behind = next_row(grid, cell);
        bool empty = (size_t)(behind - cell) == grid->columns; // nothing but zero bytes
        if (style == GRID_MARKDOWN)
            add_markdown_row(grid, cell, out);
        else if (!empty)
            add_text_row(grid, cell, widths, out);
        if (style == GRID_MARKDOWN && row == 0)
            add_rule(grid, out);
    }
    free(widths);
}
