/*
 * report/rows.h: many summaries as the rows of one table
 *
 *     struct rows rows = {.heading = "timing.load.rate_rps", .style = GRID_TEXT};
 *     rows_add(&rows, STR("10"), summary, &err); // an object with the members of lm-stat --format json
 *     rows_write(&rows, &out);
 *     rows_release(&rows);
 *
 * One row a group: how many were completed and failed, what went through, the latencies that tell most, and what is to
 * be known of it. Of percentiles the 50th and the 99th; where those were not asked for, the lowest and the highest. A
 * percentile with too few samples beyond it is marked.
 */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include "jsonl/jdoc.h"
#include "report/grid.h"
#include "report/summary.h"

struct rows {
    const char *heading; // of the first column
    enum grid_style style;
    const struct summary_plan *plan; // percentiles and SLOs
    struct grid grid;
    bool few;
};

void rows_add(struct rows *rows, struct str name, struct jval summary);
/* Nothing where there is no row. */
void rows_write(struct rows *rows, struct buf *out);
void rows_release(struct rows *rows);

#endif
