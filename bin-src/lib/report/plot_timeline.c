/* report/plot_timeline.c: requests in flight, failures and tokens over time, and the server's and GPUs' samples below them */
#include "base/num.h"
#include "report/curve.h"
#include "report/plot_kind.h"

#include <stdio.h>

/* What is drawn over time: t in seconds since the first request was sent. */
struct view {
    struct plot *plot;
    const struct timeline *timeline;
    int64_t from_ns, to_ns, bin_ns;
    struct axis x;
    struct axis_extent extent; // of the panel at hand
    struct axis y;
    double mark; // where failures stand
};

/* Gives each point of a curve to take. */
struct taker {
    void (*take)(struct taker *taker, double t, double y);
    struct view *view;
    struct curve curve;
};

static void take_extent(struct taker *taker, double t, double y)
{
    (void)t;
    axis_extent_add(&taker->view->extent, y);
}

static void take_curve(struct taker *taker, double t, double y)
{
    curve_add(&taker->curve, t, y);
}

static double seconds(const struct view *view, int64_t at_ns)
{
    return (double)(at_ns - view->from_ns) / NS_PER_S;
}

/* A line of a panel: how its points come to be, and how it is named. */
struct line {
    void (*walk)(const struct line *line, struct taker *to);
    const char *name, *label, *with;
    enum timeline_series series;
    double times;
};

static void walk_in_flight(const struct line *line, struct taker *to)
{
    (void)line;
    const struct timeline_times *sent = &to->view->timeline->sent, *ended = &to->view->timeline->ended;
    int64_t level = 0;
    to->take(to, 0, 0);
    for (size_t s = 0, e = 0; e < ended->count;) {
        // What ends as another begins does not overlap it.
        int64_t at_ns = s < sent->count && sent->ns[s] < ended->ns[e] ? sent->ns[s] : ended->ns[e];
        for (; e < ended->count && ended->ns[e] == at_ns; e++)
            level--;
        for (; s < sent->count && sent->ns[s] == at_ns; s++)
            level++;
        to->take(to, seconds(to->view, at_ns), (double)level);
    }
}

static void walk_failed(const struct line *line, struct taker *to)
{
    (void)line;
    const struct timeline_times *failed = &to->view->timeline->failed;
    for (size_t i = 0; i < failed->count; i++)
        to->take(to, seconds(to->view, failed->ns[i]), to->view->mark);
}

static void walk_tokens(const struct line *line, struct taker *to)
{
    (void)line;
    const struct view *view = to->view;
    double rate = 0;
    int64_t at_ns = view->from_ns;
    if (view->timeline->completed > 0 && view->timeline->completed == view->timeline->uncounted)
        return;
    for (; at_ns < view->to_ns; at_ns += view->bin_ns) {
        rate = timeline_tokens(view->timeline, at_ns, at_ns + view->bin_ns) * NS_PER_S / (double)view->bin_ns;
        to->take(to, seconds(view, at_ns), rate);
    }
    to->take(to, seconds(view, at_ns), rate);
}

static bool in_view(const struct view *view, const struct timeline_sample *sample)
{
    return sample->at_ns >= view->from_ns && sample->at_ns <= view->to_ns;
}

static void walk_samples(const struct line *line, struct taker *to)
{
    const struct timeline *timeline = to->view->timeline;
    for (size_t i = 0; i < timeline->sample_count; i++)
        if (in_view(to->view, &timeline->samples[i]) && !isnan(timeline->samples[i].values[line->series]))
            to->take(to, seconds(to->view, timeline->samples[i].at_ns), line->times * timeline->samples[i].values[line->series]);
}

/* Of a running total, what it grew by a second, up to each sample; not where it fell: the server began anew. */
static void walk_growth(const struct line *line, struct taker *to)
{
    const struct timeline *timeline = to->view->timeline;
    const struct timeline_sample *before = NULL;
    for (size_t i = 0; i < timeline->sample_count; i++) {
        const struct timeline_sample *sample = &timeline->samples[i];
        if (isnan(sample->values[line->series]))
            continue;
        double grown = before ? sample->values[line->series] - before->values[line->series] : NAN;
        if (grown >= 0 && in_view(to->view, sample) && sample->at_ns > before->at_ns)
            to->take(to, seconds(to->view, sample->at_ns), grown * NS_PER_S / (double)(sample->at_ns - before->at_ns));
        before = sample;
    }
}

enum { MOST_LINES = 2 };
static const struct panel {
    const char *label;
    struct line lines[MOST_LINES];
    double to;         // the axis ends there at least; 0: as the values want it
    double least_step; // between its ticks
} panels[] = {
    {"requests",
     {{walk_in_flight, "in_flight", "in flight", "steps linestyle 1", 0, 1},
      {walk_failed, "failed", "failed", "points pointtype 2 pointsize 0.7 linewidth 2 linecolor rgb '#D55E00'", 0, 1}},
     .least_step = 1},
    {"output tokens/s",
     {{walk_tokens, "tokens", "records", "steps linestyle 1", 0, 1},
      {walk_growth, "generated", "server", "fsteps linestyle 2", TIMELINE_GENERATED, 1}},
     .to = 0},
    {"at the server",
     {{walk_samples, "running", "running", "lines linestyle 1", TIMELINE_RUNNING, 1},
      {walk_samples, "waiting", "waiting", "lines linestyle 2", TIMELINE_WAITING, 1}},
     .least_step = 1},
    {"use (%)",
     {{walk_samples, "kv_cache", "KV cache", "lines linestyle 1", TIMELINE_KV_USAGE, 100},
      {walk_samples, "gpu", "GPU", "lines linestyle 2", TIMELINE_GPU_UTILIZATION, 100}},
     .to = 100},
    {"GPU power (W)", {{walk_samples, "power", "power", "lines linestyle 1", TIMELINE_GPU_POWER, 1}}, .to = 0},
};

/* The values of one line, or of all of a panel where line is NULL. */
static struct axis_extent extent_of(struct view *view, const struct panel *panel, const struct line *line)
{
    struct taker taker = {.take = take_extent, .view = view};
    view->extent = AXIS_EXTENT_NONE;
    for (int i = 0; i < MOST_LINES && panel->lines[i].walk; i++)
        if (!line || line == &panel->lines[i])
            panel->lines[i].walk(&panel->lines[i], &taker);
    return view->extent;
}

static bool has_values(struct axis_extent extent)
{
    return extent.least <= extent.most;
}

static void draw_line(struct view *view, const struct line *line, const char *before)
{
    struct picture *picture = &view->plot->picture;
    struct taker taker = {.take = take_curve, .view = view};
    buf_addf(&picture->data, "\n# time (s), %s\n$%s << EOD\n", line->label, line->name);
    curve_begin(&taker.curve, &view->x, &view->y, &picture->data);
    line->walk(line, &taker);
    curve_end(&taker.curve);
    buf_add_str(&picture->data, STR("EOD\n"));
    buf_addf(&picture->panels, "%s$%s with %s title '%s'", before, line->name, line->with, line->label);
}

static void draw_panel(struct view *view, const struct panel *panel)
{
    struct picture *picture = &view->plot->picture;
    struct axis_extent extent = extent_of(view, panel, NULL);
    axis_extent_add(&extent, 0);
    if (panel->to > 0)
        axis_extent_add(&extent, panel->to);
    view->mark = 0;
    struct axis_wish wish = {.scale = AXIS_LINEAR, .ticks = picture_ticks_y(picture), .least_step = panel->least_step};
    view->y = axis_fit(&extent, &wish);
    view->mark = 0.06 * view->y.to;
    picture_panel(picture, &view->x, "time (s)", &view->y, panel->label);
    const char *before = "plot ";
    // Where two lines may be, a single one is named, too.
    buf_addf(&picture->panels,
             panel->lines[1].walk ? "set key at graph 1,graph 1 right bottom horizontal Left reverse samplen 2.5\n" : "unset key\n");
    for (int i = 0; i < MOST_LINES && panel->lines[i].walk; i++) {
        if (!has_values(extent_of(view, panel, &panel->lines[i])))
            continue;
        draw_line(view, &panel->lines[i], before);
        before = ", \\\n    ";
    }
    buf_add_char(&picture->panels, '\n');
}

/* Of so wide bins that there are some two hundred, 1, 2 or 5 times a power of ten ns. */
static int64_t bin_of(const struct view *view)
{
    int64_t least_ns = timeline_bin_ns(view->timeline), bin_ns = least_ns;
    static const int64_t times[] = {1, 2, 5};
    for (int64_t power = least_ns; bin_ns < (view->to_ns - view->from_ns) / 250; power *= 10)
        for (size_t i = 0; i < COUNT(times) && bin_ns < (view->to_ns - view->from_ns) / 250; i++)
            bin_ns = power * times[i];
    return bin_ns;
}

static void write_note(const struct view *view)
{
    const struct timeline *timeline = view->timeline;
    struct buf *note = &view->plot->picture.note;
    buf_addf(note, "tokens/s: the mean of each %g s", (double)view->bin_ns / NS_PER_S);
    if (timeline->uncounted > 0)
        buf_addf(note, ", without %llu requests whose tokens nobody counted", (unsigned long long)timeline->uncounted);
    if (timeline->failures > 0)
        buf_addf(note, "; %llu failed", (unsigned long long)timeline->failures);
    if (timeline->cancelled > 0)
        buf_addf(note, "; %llu cancelled", (unsigned long long)timeline->cancelled);
    if (timeline->warmup > 0)
        buf_addf(note, "; left out: %llu warm-up", (unsigned long long)timeline->warmup);
    if (timeline->unplaced > 0)
        buf_addf(note, "; left out: %llu of which nobody kept when they were sent", (unsigned long long)timeline->unplaced);
}

int plot_timeline(struct plot *plot, struct err *err)
{
    struct timeline *timeline = plot->timeline;
    if (timeline_finish(timeline, err) < 0)
        return -1;
    if (timeline->sent.count == 0)
        return err_set(err, ERR_MISSING, "nothing to draw: no request was sent");
    struct view view = {.plot = plot, .timeline = timeline, .from_ns = timeline->sent.ns[0]};
    view.to_ns = timeline->ended.ns[timeline->ended.count - 1];
    view.bin_ns = bin_of(&view);
    size_t count = 0;
    for (size_t i = 0; i < COUNT(panels); i++)
        count += has_values(extent_of(&view, &panels[i], NULL));
    write_note(&view);
    picture_layout(&plot->picture, count, PICTURE_STACKED | PICTURE_SHARED_X | PICTURE_ROOM_ABOVE);
    struct axis_extent times = {0, seconds(&view, view.to_ns), INFINITY};
    view.x = axis_fit(&times, &(struct axis_wish){.scale = AXIS_LINEAR, .ticks = picture_ticks_x(&plot->picture)});
    view.x.to = times.most > 0 ? times.most : view.x.to;
    for (size_t i = 0; i < COUNT(panels); i++)
        if (has_values(extent_of(&view, &panels[i], NULL)))
            draw_panel(&view, &panels[i]);
    return 0;
}
