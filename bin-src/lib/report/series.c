/* report/series.c: see series.h */
#include "report/series.h"

#include "base/json.h"
#include "base/num.h"
#include "report/csv.h"
#include "report/grid.h"
#include "stats/quantile.h"
#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>

enum { UNLIMITED = 1 << 30 }; // values that a window's quantiles keep

#define MOST_NS (INT64_C(1) << 62) // so that a window's end fits, too

enum kind { TTFT, ITL, E2E, KINDS };

struct window {
    uint64_t sent, completed, failed, cancelled;
    double tokens;
    bool counted; // some tokens were
    struct quantiles *values[KINDS]; // ns; NULL: none yet
};

struct part {
    struct buf start;
    struct window *windows;
    size_t room;
    int64_t first; // number of windows[0]: may be below 0
    int64_t from, to; // numbers of the first and behind the last that something happened in; alike: nothing did
    int64_t *sent_ns, *end_ns; // of who was in flight
    size_t count, request_room;
};

struct series {
    int64_t width_ns;
    enum profile profile;
    struct part *parts;
    size_t part_count, last; // the one that the latest request belongs to
};

struct series *series_new(int64_t width_ns, enum profile profile)
{
    struct series *series = calloc(1, sizeof *series);
    if (series)
        *series = (struct series){.width_ns = width_ns, .profile = profile};
    return series;
}

void series_free(struct series *series)
{
    if (!series)
        return;
    for (size_t p = 0; p < series->part_count; p++) {
        struct part *part = &series->parts[p];
        for (size_t i = 0; i < part->room; i++)
            for (int kind = 0; kind < KINDS; kind++)
                quantiles_free(part->windows[i].values[kind]);
        buf_release(&part->start);
        free(part->windows);
        free(part->sent_ns);
        free(part->end_ns);
    }
    free(series->parts);
    free(series);
}

/* NULL: out of memory. */
static struct part *part_of(struct series *series, struct str start, struct err *err)
{
    start = start.ptr ? start : STR("");
    for (size_t i = 0; i < series->part_count; i++) { // a run has few parts, and mostly it is the last
        size_t at = (series->last + i) % series->part_count;
        if (str_eq(buf_str(&series->parts[at].start), start)) {
            series->last = at;
            return &series->parts[at];
        }
    }
    struct part *parts = reallocarray(series->parts, series->part_count + 1, sizeof *parts);
    if (!parts)
        return err_nomem(err), NULL;
    series->parts = parts;
    series->last = series->part_count++;
    struct part *part = &parts[series->last];
    *part = (struct part){0};
    buf_add_str(&part->start, start);
    if (part->start.failed)
        return err_nomem(err), NULL;
    return part;
}

/* Rounded down. */
static int64_t number_of(const struct series *series, int64_t at_ns)
{
    return at_ns / series->width_ns - (at_ns % series->width_ns < 0);
}

/* Makes room for the windows of [from, to), with as much again on the side that grows. */
static int make_room(struct part *part, int64_t from, int64_t to, struct err *err)
{
    int64_t first = part->room > 0 ? part->first : from, end = first + (int64_t)part->room;
    if (from >= first && to <= end)
        return 0;
    if (from < first)
        from -= (int64_t)part->room;
    int64_t least = from < first ? from : first, most = to > end ? to + (int64_t)part->room : end;
    size_t room = (size_t)(most - least);
    struct window *windows = calloc(room, sizeof *windows);
    if (!windows)
        return err_nomem(err);
    if (part->room > 0)
        memcpy(windows + (first - least), part->windows, part->room * sizeof *windows);
    free(part->windows);
    part->windows = windows;
    part->room = room;
    part->first = least;
    return 0;
}

/* NULL: there would be too many, or no memory. */
static struct window *window_at(const struct series *series, struct part *part, int64_t at_ns, struct err *err)
{
    int64_t number = number_of(series, at_ns);
    bool any = part->from != part->to;
    int64_t from = any && part->from < number ? part->from : number, to = any && part->to > number ? part->to : number + 1;
    if (at_ns > MOST_NS || at_ns < -MOST_NS || from < -SERIES_MOST_WINDOWS || to > SERIES_MOST_WINDOWS) {
        err_set(err, ERR_RANGE, "more than %d windows: make them longer", SERIES_MOST_WINDOWS);
        return NULL;
    }
    if (make_room(part, from, to, err) < 0)
        return NULL;
    part->from = from;
    part->to = to;
    return &part->windows[number - part->first];
}

static int add_value(const struct series *series, struct part *part, enum kind kind, int64_t at_ns, double ns, struct err *err)
{
    if (at_ns == TIMING_NEVER || isnan(ns))
        return 0;
    struct window *window = window_at(series, part, at_ns, err);
    if (!window)
        return -1;
    if (!window->values[kind] && !(window->values[kind] = quantiles_new(UNLIMITED, QUANTILES_PLAIN)))
        return err_nomem(err);
    return quantiles_add(window->values[kind], ns, 0, err);
}

static int add_tokens(const struct series *series, struct part *part, int64_t at_ns, double tokens, struct err *err)
{
    struct window *window = window_at(series, part, at_ns, err);
    if (!window)
        return -1;
    window->tokens += tokens;
    window->counted = true;
    return 0;
}

/* Gaps and tokens, by the arrival of chunks. */
static int add_chunks(const struct series *series, struct part *part, const struct measured *request, struct err *err)
{
    const int64_t *chunks = request->timing.chunks_ns;
    size_t from, to;
    measured_gaps(request, series->profile, &from, &to);
    double each = (double)request->output_tokens / (double)(to - from);
    for (size_t i = from; i < to; i++) {
        if (i > from && add_value(series, part, ITL, chunks[i], (double)chunks[i] - (double)chunks[i - 1], err) < 0)
            return -1;
        if (request->output_tokens >= 0 && add_tokens(series, part, chunks[i], each, err) < 0)
            return -1;
    }
    if (from == to && request->output_tokens >= 0)
        return add_tokens(series, part, measured_last_ns(request, series->profile), (double)request->output_tokens, err);
    return 0;
}

static int add_completed(const struct series *series, struct part *part, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    double figures[METRIC_COUNT];
    measured_figures(request, series->profile, figures);
    int64_t first_ns = series->profile == PROFILE_CONTENT ? timing->first_ns : timing->chunk_count > 0 ? timing->chunks_ns[0]
            : TIMING_NEVER;
    if (add_value(series, part, TTFT, first_ns, figures[METRIC_TTFT], err) < 0 ||
        add_value(series, part, E2E, timing->end_ns, figures[METRIC_E2E], err) < 0)
        return -1;
    return add_chunks(series, part, request, err);
}

static int add_in_flight(struct part *part, int64_t sent_ns, int64_t end_ns, struct err *err)
{
    if (end_ns < sent_ns)
        return 0;
    if (part->count == part->request_room) {
        size_t room = part->request_room * 2 + 64;
        int64_t *sent = reallocarray(part->sent_ns, room, sizeof *sent);
        part->sent_ns = sent ? sent : part->sent_ns;
        int64_t *end = reallocarray(part->end_ns, room, sizeof *end);
        part->end_ns = end ? end : part->end_ns;
        if (!sent || !end)
            return err_nomem(err);
        part->request_room = room;
    }
    part->sent_ns[part->count] = sent_ns;
    part->end_ns[part->count++] = end_ns;
    return 0;
}

int series_add(struct series *series, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    if (timing->warmup || timing->sent_ns == TIMING_NEVER || timing->end_ns == TIMING_NEVER)
        return 0;
    struct part *part = part_of(series, timing->start, err);
    struct window *window = part ? window_at(series, part, timing->sent_ns, err) : NULL;
    if (!window)
        return -1;
    window->sent++;
    window = window_at(series, part, timing->end_ns, err);
    if (!window)
        return -1;
    window->completed += request->outcome == OUTCOME_COMPLETED;
    window->failed += request->outcome == OUTCOME_FAILED;
    window->cancelled += request->outcome == OUTCOME_CANCELLED;
    if (add_in_flight(part, timing->sent_ns, timing->end_ns, err) < 0)
        return -1;
    return request->outcome == OUTCOME_COMPLETED ? add_completed(series, part, request, err) : 0;
}

/* Of each window from part->from on: how many were in flight in the mean, and at most. */
struct flight {
    double mean;
    int64_t most;
};

/* in flight were now, all the time from from_ns to to_ns: into the windows that this reaches over. */
static void spread(const struct series *series, const struct part *part, struct flight *flights, int64_t now, int64_t from_ns,
        int64_t to_ns)
{
    for (int64_t number = number_of(series, from_ns); from_ns < to_ns; number++) {
        int64_t window_end_ns = (number + 1) * series->width_ns, until_ns = window_end_ns < to_ns ? window_end_ns : to_ns;
        struct flight *flight = &flights[number - part->from];
        flight->mean += (double)now * (double)(until_ns - from_ns) / (double)series->width_ns;
        flight->most = now > flight->most ? now : flight->most;
        from_ns = until_ns;
    }
}

static int sort_times(const int64_t *times_ns, size_t count, uint64_t **keys, struct err *err)
{
    *keys = malloc((count + 1) * sizeof **keys);
    if (!*keys)
        return err_nomem(err);
    for (size_t i = 0; i < count; i++)
        (*keys)[i] = sort_key_of_int(times_ns[i]);
    return sort_keys(*keys, NULL, count, err);
}

/* NULL: out of memory. */
static struct flight *find_flights(const struct series *series, const struct part *part, struct err *err)
{
    struct flight *flights = calloc((size_t)(part->to - part->from) + 1, sizeof *flights);
    uint64_t *begins = NULL, *ends = NULL;
    int64_t now = 0, since_ns = 0;
    int rc = flights ? 0 : err_nomem(err);
    if (rc == 0)
        rc = sort_times(part->sent_ns, part->count, &begins, err) < 0 ? -1 : sort_times(part->end_ns, part->count, &ends, err);
    for (size_t begin = 0, end = 0; rc == 0 && end < part->count;) {
        bool begun = begin < part->count && begins[begin] < ends[end];
        int64_t at_ns = sort_int_of_key(begun ? begins[begin] : ends[end]);
        if (now > 0)
            spread(series, part, flights, now, since_ns, at_ns);
        since_ns = at_ns;
        now += begun ? 1 : -1;
        begin += begun;
        end += !begun;
    }
    free(begins);
    free(ends);
    if (rc < 0)
        free(flights);
    return rc < 0 ? NULL : flights;
}

enum { COLUMNS = 15, LIVE_COLUMNS = 12, PART = 0, START, SENT, COMPLETED, FAILED, CANCELLED, MEAN, MOST, TOKENS, LATENCIES };
static const struct {
    const char *name, *heading;
    enum kind kind; // from LATENCIES on
    double quantile;
    int digits;
} columns[COLUMNS] = {
    [PART] = {"part", "part", 0, 0, 0},
    [START] = {"start_s", "s", 0, 0, 2},
    [SENT] = {"sent", "sent", 0, 0, 0},
    [COMPLETED] = {"completed", "completed", 0, 0, 0},
    [FAILED] = {"failed", "failed", 0, 0, 0},
    [CANCELLED] = {"cancelled", "cancelled", 0, 0, 0},
    [MEAN] = {"in_flight_mean", "in flight", 0, 0, 1},
    [MOST] = {"in_flight_max", "max", 0, 0, 0},
    [TOKENS] = {"output_tps", "out tok/s", 0, 0, 1},
    [LATENCIES] = {"ttft_p50_ms", "TTFT p50 ms", TTFT, 0.5, 2},
    {"ttft_p99_ms", "TTFT p99 ms", TTFT, 0.99, 2},
    {"itl_p50_ms", "ITL p50 ms", ITL, 0.5, 2},
    {"itl_p99_ms", "ITL p99 ms", ITL, 0.99, 2},
    {"e2e_p50_ms", "E2E p50 ms", E2E, 0.5, 2},
    {"e2e_p99_ms", "E2E p99 ms", E2E, 0.99, 2},
};

/* The numbers of a window; NaN: it has none. */
static int figures_of(const struct series *series, const struct part *part, int64_t number, const struct flight *flight,
        double figures[COLUMNS],
                      struct err *err)
{
    const struct window *window = &part->windows[number - part->first];
    double width_s = (double)series->width_ns / NS_PER_S;
    figures[PART] = NAN;
    figures[START] = (double)number * width_s;
    figures[SENT] = (double)window->sent;
    figures[COMPLETED] = (double)window->completed;
    figures[FAILED] = (double)window->failed;
    figures[CANCELLED] = (double)window->cancelled;
    figures[MEAN] = flight->mean;
    figures[MOST] = (double)flight->most;
    figures[TOKENS] = window->counted ? window->tokens / width_s : NAN;
    for (int i = LATENCIES; i < COLUMNS; i++) {
        struct quantiles *values = window->values[columns[i].kind];
        if (values && quantiles_settle(values, err) < 0)
            return -1;
        figures[i] = values ? quantiles_at(values, columns[i].quantile) / 1e6 : NAN;
    }
    return 0;
}

static void write_json(const double figures[COLUMNS], struct str start, struct buf *out)
{
    json_object(out);
    for (int i = 0; i < COLUMNS; i++)
        if (i == PART && start.len > 0)
            json_key(out, columns[i].name), json_str(out, start);
        else if (!isnan(figures[i]))
            json_key(out, columns[i].name), json_double(out, figures[i]);
    json_object_end(out);
    buf_add_char(out, '\n');
}

static void write_csv(const double figures[COLUMNS], struct str start, struct buf *out)
{
    char text[40];
    for (int i = 0; i < COLUMNS; i++) {
        buf_add_str(out, i > 0 ? STR(",") : STR(""));
        if (i == PART)
            csv_cell(out, start);
        else if (!isnan(figures[i]))
            buf_add(out, text, num_format_double(text, sizeof text, figures[i]));
    }
    buf_add_char(out, '\n');
}

/* Part where there are more; and, while a run goes on, not yet who is in flight: their records come as they end. */
static bool is_shown(int column, const struct grid *grid)
{
    if (column == PART)
        return grid->columns == COLUMNS;
    return grid->columns != LIVE_COLUMNS || (column != MEAN && column != MOST);
}

static void add_row(const double figures[COLUMNS], struct str start, struct grid *grid)
{
    for (int i = 0; i < COLUMNS; i++)
        if (!is_shown(i, grid))
            continue;
        else if (i == PART)
            grid_cell(grid, "%.*s", STR_ARG(start));
        else if (isnan(figures[i]))
            grid_cell(grid, "-");
        else
            grid_cell(grid, "%.*f", columns[i].digits, figures[i]);
}

/* The lines of one part; text and Markdown into the grid. */
static int write_part(const struct series *series, const struct part *part, enum opt_format format, size_t last,
        struct grid *grid, struct buf *out,
                      struct err *err)
{
    double figures[COLUMNS];
    struct str start = series->part_count > 1 ? buf_str(&part->start) : STR("");
    struct flight *flights = find_flights(series, part, err);
    int rc = flights ? 0 : -1;
    int64_t from = last > 0 && part->to - part->from > (int64_t)last ? part->to - (int64_t)last : part->from;
    for (int64_t number = from; rc == 0 && number < part->to; number++) {
        rc = figures_of(series, part, number, &flights[number - part->from], figures, err);
        if (rc == 0 && format == FORMAT_JSON)
            write_json(figures, start, out);
        else if (rc == 0 && format == FORMAT_CSV)
            write_csv(figures, start, out);
        else if (rc == 0)
            add_row(figures, start, grid);
    }
    free(flights);
    return rc;
}

static void write_head(enum opt_format format, struct grid *grid, struct buf *out)
{
    for (int i = 0; i < COLUMNS; i++)
        if (format == FORMAT_CSV)
            buf_addf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
        else if (format != FORMAT_JSON && is_shown(i, grid))
            grid_cell(grid, "%s", columns[i].heading);
    if (format == FORMAT_CSV)
        buf_add_char(out, '\n');
}

static int write_tables(struct grid *grid, enum opt_format format, int rc, struct buf *out, struct err *err)
{
    if (format == FORMAT_TEXT || format == FORMAT_MD)
        grid_write(grid, format == FORMAT_MD ? GRID_MARKDOWN : GRID_TEXT, out);
    grid_release(grid);
    return rc == 0 && out->failed ? err_nomem(err) : rc;
}

int series_write(struct series *series, enum opt_format format, struct buf *out, struct err *err)
{
    struct grid grid = {.columns = series->part_count > 1 ? COLUMNS : COLUMNS - 1};
    int rc = 0;
    write_head(format, &grid, out);
    for (size_t i = 0; i < series->part_count && rc == 0; i++)
        rc = write_part(series, &series->parts[i], format, 0, &grid, out, err);
    return write_tables(&grid, format, rc, out, err);
}

int series_write_last(struct series *series, size_t count, struct buf *out, struct err *err)
{
    struct grid grid = {.columns = LIVE_COLUMNS};
    write_head(FORMAT_TEXT, &grid, out);
    int rc = series->part_count > 0 ? write_part(series, &series->parts[series->last], FORMAT_TEXT, count, &grid, out, err) : 0;
    return write_tables(&grid, FORMAT_TEXT, rc, out, err);
}
