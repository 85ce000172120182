/*
 * report/gnuplot.h: a script becomes a picture
 *
 *     if (gnuplot_draw(buf_str(&script), &picture, &err) < 0) ...
 *
 * Runs gnuplot, found on PATH, as a child without a shell and without anybody's gnuplotrc. The script must not set an
 * output. Not for processes that fork in other threads.
 */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include "base/buf.h"
#include "base/err.h"

/* Adds the picture's bytes. Fails, with gnuplot's own words, where it does, and with ERR_MISSING and the package's name
 * where there is none. */
int gnuplot_draw(struct str script, struct buf *picture, struct err *err);

/* Names an SVG that gnuplot made: it knows no names but short ones. */
int gnuplot_title_svg(struct buf *svg, struct str title, struct err *err);

/* Adds the text as gnuplot's string: in quotes, one line, UTF-8 whatever it was; nothing in it means anything to gnuplot. */
void gnuplot_quote(struct buf *out, struct str text);

#endif
