/*
 * report/printer.h: summaries in the format that was asked for
 *
 *     struct printer printer = {.format = FORMAT_TEXT, .by = "file", .plan = &plan, .out = &out};
 *     printer_group(&printer, &group, &err);                   // of our records
 *     printer_foreign(&printer, "old.json", summary, &err);    // of a file that holds figures only
 *     printer_end(&printer, &err);
 *     printer_release(&printer);
 *
 * JSON: an object a summary, as it comes. CSV: a row each, at the end, when all columns are known. Text and Markdown:
 * without by, or detailed, every figure of each; else all of them as the rows of one table, at the end. What holds
 * figures only is always such a row.
 */
#ifndef REPORT_PRINTER_H
#define REPORT_PRINTER_H

#include "base/opt.h"
#include "report/beside.h"
#include "report/csv.h"
#include "report/group.h"
#include "report/rows.h"

struct printer {
    enum opt_format format;
    const char *by; // NULL: all records are one group
    enum printer_detail { PRINTER_ROWS, PRINTER_DETAILED } detail;
    const struct summary_plan *plan;
    const struct beside *beside; // what goes with the one summary
    struct buf *out; // where it is written
    size_t detailed, foreign; // how many were written so, and came as figures
    struct csv csv;
    struct rows rows;
};

/* Finishes the group's summary. */
int printer_group(struct printer *printer, struct group *group, struct err *err);
int printer_foreign(struct printer *printer, const char *file, struct jval summary, struct err *err);
int printer_end(struct printer *printer, struct err *err);
void printer_release(struct printer *printer);

#endif
