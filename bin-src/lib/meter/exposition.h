/*
 * meter/exposition.h: a server's /metrics as series and values
 *
 *     struct exposition text = {.rest = body};
 *     struct exposition_series series;
 *     while ((got = exposition_next(&text, &series, &err)) != EXPOSITION_END)
 *         if (got == EXPOSITION_SERIES) ... series.name, series.labels, series.value
 *         else ... text.line and err say which line is none, and why; go on
 *
 * The Prometheus text format 0.0.4 (prometheus.io, "Exposition formats") and of OpenMetrics 1.0 what goes beyond it:
 * "# EOF" ends the text, and an exemplar behind a value is skipped. Comments, HELP, TYPE and UNIT lines and time stamps
 * are skipped too: what a series means is known by its name. Names that are in quotes themselves (Prometheus 3) are not
 * taken. A pull parser: it keeps nothing, allocates nothing, and everything that it gives is a view into the text.
 */
#ifndef METER_EXPOSITION_H
#define METER_EXPOSITION_H

#include "base/buf.h"
#include "base/err.h"

struct exposition {
    struct str rest;
    size_t line; // of what was given last, from 1
};

struct exposition_series {
    struct str name;
    struct str labels; // what stands between the braces, checked; empty: there are none
    double value;      // may be NaN, +Inf or -Inf
};

enum exposition_got { EXPOSITION_SERIES, EXPOSITION_BAD, EXPOSITION_END };
enum exposition_got exposition_next(struct exposition *text, struct exposition_series *series, struct err *err);

/* The first label that rest holds, which is moved behind it. value is as it was written, escapes and all. False: none is left. */
bool exposition_label(struct str *rest, struct str *name, struct str *value);

/* Writes name{label="value",...}, without the blanks that may stand between and the last comma that may. */
void exposition_write_name(const struct exposition_series *series, struct buf *out);

#endif
