/* report/view.c: see view.h */
#include "report/view.h"

#include "report/each.h"
#include "report/series.h"

#include <stdlib.h>

struct view {
    const struct view_plan *plan;
    struct each each;
    struct groups *groups;
    struct printer printer;
    struct series *series;
    struct vllm *vllm;
    bool again; // the requests come once more
};

/* A kind; what one does not need is NULL. */
struct kind {
    int (*begin)(struct view *view, struct buf *out, struct err *err);
    int (*add)(struct view *view, const struct request *request, struct buf *out, struct err *err);
    int (*end)(struct view *view, struct buf *out, struct err *err);
};

static int begin_groups(struct view *view, struct buf *out, struct err *err)
{
    const struct view_plan *plan = view->plan;
    view->printer = (struct printer){.format = plan->format, .by = plan->by, .detail = plan->detail, .plan = plan->summary,
                                     .beside = plan->beside, .out = out};
    view->groups = groups_new(plan->summary, plan->by);
    return view->groups ? beside_open(plan->beside, err) : err_nomem(err);
}

static int add_to_group(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    (void)out;
    struct summary *summary = groups_find(view->groups, request->root, request->file, err);
    if (!summary || (!view->again && beside_add(view->plan->beside, request->root, request->measured, err) < 0))
        return -1;
    return summary_add(summary, request->measured, err);
}

static int print_group(void *arg, struct group *group, struct err *err)
{
    return printer_group(arg, group, err);
}

static int end_groups(struct view *view, struct buf *out, struct err *err)
{
    view->printer.out = out;
    if (beside_finish(view->plan->beside, err) < 0)
        return -1;
    return groups_each(view->groups, print_group, &view->printer, err) < 0 ? -1 : printer_end(&view->printer, err);
}

static int begin_each(struct view *view, struct buf *out, struct err *err)
{
    const struct summary_plan *plan = view->plan->summary;
    (void)err;
    view->each = (struct each){view->plan->format, plan->profile, plan->slo_count > 0 ? plan->slos : NULL};
    each_head(&view->each, out);
    return 0;
}

static int add_each(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    struct str id = {0};
    (void)err;
    if (request->measured->timing.warmup || request->measured->timing.partial)
        return 0;
    jval_str_at(request->root, "/id", &id);
    each_row(&view->each, request->measured, id, out);
    return 0;
}

static int add_record(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    (void)view, (void)err;
    buf_add_str(out, request->line);
    buf_add_char(out, '\n');
    return 0;
}

static int begin_series(struct view *view, struct buf *out, struct err *err)
{
    (void)out;
    view->series = series_new(view->plan->series_ns, view->plan->summary->profile);
    return view->series ? 0 : err_nomem(err);
}

static int add_to_series(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    (void)out;
    return series_add(view->series, request->measured, err);
}

static int end_series(struct view *view, struct buf *out, struct err *err)
{
    return series_write(view->series, view->plan->format, out, err);
}

static int begin_vllm(struct view *view, struct buf *out, struct err *err)
{
    (void)out;
    view->vllm = vllm_new(&view->plan->vllm);
    return view->vllm ? 0 : err_nomem(err);
}

static int add_to_vllm(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    (void)out;
    return vllm_add(view->vllm, request->root, request->measured, err);
}

static int end_vllm(struct view *view, struct buf *out, struct err *err)
{
    int rc = vllm_write(view->vllm, out, err);
    buf_add_char(out, '\n');
    return rc;
}

static const struct kind kinds[] = {
    [VIEW_SUMMARIES] = {begin_groups, add_to_group, end_groups}, [VIEW_EACH] = {begin_each, add_each, NULL},
    [VIEW_RECORDS] = {NULL, add_record, NULL},                   [VIEW_SERIES] = {begin_series, add_to_series, end_series},
    [VIEW_VLLM] = {begin_vllm, add_to_vllm, end_vllm},
};

struct view *view_new(const struct view_plan *plan, struct buf *out, struct err *err)
{
    const struct kind *kind = &kinds[plan->kind];
    struct view *view = calloc(1, sizeof *view);
    if (!view) {
        err_nomem(err);
        return NULL;
    }
    view->plan = plan;
    if (!kind->begin || kind->begin(view, out, err) == 0)
        return view;
    view_free(view);
    return NULL;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    printer_release(&view->printer);
    groups_free(view->groups);
    series_free(view->series);
    vllm_free(view->vllm);
    free(view);
}

int view_add(struct view *view, const struct request *request, struct buf *out, struct err *err)
{
    return kinds[view->plan->kind].add(view, request, out, err);
}

int view_add_figures(struct view *view, const struct request *figures, struct buf *out, struct err *err)
{
    if (view->plan->kind != VIEW_SUMMARIES)
        return err_set(err, ERR_MISSING, "holds figures only, and no requests");
    view->printer.out = out;
    return printer_foreign(&view->printer, figures->file, figures->root, err);
}

int view_within(struct view *view, struct err *err)
{
    view->again = true;
    return groups_within(view->groups, err);
}

int view_end(struct view *view, struct buf *out, struct err *err)
{
    return kinds[view->plan->kind].end ? kinds[view->plan->kind].end(view, out, err) : 0;
}
