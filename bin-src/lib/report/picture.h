/*
 * report/picture.h: the sheet that plots are drawn on, as a gnuplot script: its size, styles, legend, panels and note
 *
 *     struct picture picture = {.page = &page};
 *     picture_legend(&picture, label, "linespoints linestyle 1");
 *     picture_layout(&picture, 2, PICTURE_PLAIN);
 *     buf_addf(&picture.data, "$a << EOD\n...\nEOD\n");
 *     picture_panel(&picture, &x, "request", &y, "TTFT (ms)");
 *     buf_addf(&picture.panels, "plot $a with lines linestyle 1 notitle\n");
 *     picture_write(&picture, &script);
 *     picture_release(&picture);
 *
 * Lengths are CSS pixels, 96 to an inch. Style PICTURE_STYLE + i is that of run i: a colour of Okabe and Ito's, which the
 * colour-blind tell apart, and a dash and a point of its own, which are told apart in grey. Out of memory: the bufs say so.
 */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include "base/err.h"
#include "report/axis.h"

enum { PICTURE_RUNS = 8 }; // more curves nobody tells apart

enum picture_format { PICTURE_SVG, PICTURE_PNG, PICTURE_PDF };
extern const char *const picture_formats[]; // NULL ends it

struct picture_page {
    enum picture_format format;
    double width, height; // height 0: what the panels want
    double font;
    double density;    // of a PNG: its pixels for each of ours
    const char *title; // NULL: none
};

/* "screen", "column" or "full" (of a printed page), or WIDTHxHEIGHT. */
int picture_page_parse(struct picture_page *page, const char *text, struct err *err);

enum picture_flags { PICTURE_PLAIN = 0, PICTURE_STACKED = 1, PICTURE_SHARED_X = 2, PICTURE_ROOM_ABOVE = 4 };

struct picture {
    const struct picture_page *page;
    const char *name;                     // of the kind, for readers of the script
    struct buf data, panels, legend, note;
    size_t legend_count, legend_longest;  // characters
    double width, height, left, right, top, bottom; // the sheet; what the panels have of it, from the upper left corner
    size_t rows, columns, at;             // the panel that comes next
    enum picture_flags flags;
};

/* An entry of the legend above all panels, which is left out where it has only one. */
void picture_legend(struct picture *picture, struct str label, const char *how);
/* So many panels will come. SHARED_X: below each other, the x axis's labels below the last; ROOM_ABOVE: each has a line
 * of text above it. The legend and the note must be there. */
void picture_layout(struct picture *picture, size_t panels, enum picture_flags flags);
/* Begins the next panel: the plot command follows. */
void picture_panel(struct picture *picture, const struct axis *x, const char *x_label, const struct axis *y, const char *y_label);
/* The room of one panel between its axes, for its labels (axis_fit), and nearly in pixels. */
int picture_ticks_x(const struct picture *picture);
int picture_ticks_y(const struct picture *picture);
double picture_panel_width(const struct picture *picture);
double picture_panel_height(const struct picture *picture);
/* For text beside points: the font's size as the terminal wants it, and a run's colour. */
double picture_small_font(const struct picture *picture);
const char *picture_colour(size_t run);

/* Adds the whole script. */
void picture_write(const struct picture *picture, struct buf *script);
void picture_release(struct picture *picture);

#endif
