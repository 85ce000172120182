/*
 * report/view.h: what is made of requests: summaries, a line each, records, a series, vllm's result
 *
 *     struct view_plan plan = {.kind = VIEW_SUMMARIES, .format = FORMAT_TEXT, .summary = &summary_plan};
 *     struct view *view = view_new(&plan, &out, &err);
 *     while (...)
 *         view_add(view, &request, &out, &err);
 *     view_end(view, &out, &err);
 *     view_free(view);
 *
 * Each call adds to out what can be written by then. What a kind is like is in the header that it is named after:
 * printer.h, each.h, requests.h, series.h, vllm.h.
 */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "base/opt.h"
#include "report/printer.h"
#include "report/requests.h"
#include "report/vllm.h"

enum view_kind { VIEW_SUMMARIES, VIEW_EACH, VIEW_RECORDS, VIEW_SERIES, VIEW_VLLM };

struct view_plan {
    enum view_kind kind;
    enum opt_format format;
    const struct summary_plan *summary;
    const char *by;             // VIEW_SUMMARIES: NULL: one of all
    enum printer_detail detail; // VIEW_SUMMARIES
    struct beside *beside;      // VIEW_SUMMARIES: other files to read with the one summary; those of none are none
    int64_t series_ns;          // VIEW_SERIES: the width of a window
    struct vllm_plan vllm;      // VIEW_VLLM
};

struct view;

/* The plan, and what it points to, must live as long. */
struct view *view_new(const struct view_plan *plan, struct buf *out, struct err *err);
void view_free(struct view *view); // NULL is fine

int view_add(struct view *view, const struct request *request, struct buf *out, struct err *err);
/* Figures without requests. Only VIEW_SUMMARIES has a use for them. */
int view_add_figures(struct view *view, const struct request *figures, struct buf *out, struct err *err);
/* VIEW_SUMMARIES: the requests come once more, and count if they ended in the steady time. */
int view_within(struct view *view, struct err *err);
int view_end(struct view *view, struct buf *out, struct err *err);

#endif
