/* report/live.c: see live.h */
#include "report/live.h"

#include "base/num.h"
#include "report/series.h"

#include <stdlib.h>

enum { ROWS = 10, INTERVAL_MS = 250 };

struct live {
    struct series *series;
    uint64_t completed, failed, tokens;
    int64_t first_ns, last_ns; // of this part; alike: nothing came
    int64_t drawn_ns;
    size_t lines;              // that are on the terminal
    struct buf start;          // of the part that goes on
};

struct live *live_new(enum profile profile)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->series = series_new(NS_PER_S, profile);
    if (live->series)
        return live;
    live_free(live);
    return NULL;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    series_free(live->series);
    buf_release(&live->start);
    free(live);
}

/* A run that went on has another clock: what is shown is of the part that goes on. */
static void begin_part(struct live *live, const struct timing *timing)
{
    struct str start = timing->start.ptr ? timing->start : STR("");
    if (live->first_ns != live->last_ns && str_eq(buf_str(&live->start), start))
        return;
    buf_clear(&live->start);
    buf_add_str(&live->start, start);
    live->completed = live->failed = live->tokens = 0;
    live->first_ns = timing->sent_ns;
    live->last_ns = timing->end_ns;
}

int live_add(struct live *live, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    if (timing->warmup || timing->sent_ns == TIMING_NEVER || timing->end_ns == TIMING_NEVER)
        return 0;
    begin_part(live, timing);
    live->first_ns = timing->sent_ns < live->first_ns ? timing->sent_ns : live->first_ns;
    live->last_ns = timing->end_ns > live->last_ns ? timing->end_ns : live->last_ns;
    live->completed += request->outcome == OUTCOME_COMPLETED;
    live->failed += request->outcome == OUTCOME_FAILED;
    if (request->outcome == OUTCOME_COMPLETED && request->output_tokens > 0)
        live->tokens += (uint64_t)request->output_tokens;
    return live->start.failed ? err_nomem(err) : series_add(live->series, request, err);
}

bool live_is_time(struct live *live, int64_t now_ns)
{
    if (live->drawn_ns > 0 && now_ns - live->drawn_ns < INTERVAL_MS * NS_PER_MS)
        return false;
    live->drawn_ns = now_ns;
    return true;
}

void live_erase(struct live *live, struct buf *out)
{
    if (live->lines > 0)
        buf_addf(out, "\r\033[%zuA\033[J", live->lines);
    live->lines = 0;
}

/* The lines of text, each cut to the columns there are: all of it is ASCII. */
static void add_cut(struct live *live, struct str text, size_t columns, struct buf *out)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len, shown = columns > 0 && len > columns - 1 ? columns - 1 : len;
        buf_add(out, text.ptr, shown);
        buf_add_char(out, '\n');
        live->lines++;
        text.ptr += len + (end ? 1 : 0);
        text.len -= len + (end ? 1 : 0);
    }
}

int live_draw(struct live *live, size_t columns, struct buf *out, struct err *err)
{
    struct buf text = {0};
    double passed_s = ((double)live->last_ns - (double)live->first_ns) / NS_PER_S;
    buf_addf(&text, "%llu completed, %llu failed in %.1f s", (unsigned long long)live->completed,
            (unsigned long long)live->failed, passed_s);
    if (passed_s > 0)
        buf_addf(&text, ": %.2f requests/s, %.1f output tokens/s", (double)live->completed / passed_s, (double)live->tokens / passed_s);
    buf_add_char(&text, '\n');
    int rc = series_write_last(live->series, ROWS, &text, err);
    live_erase(live, out);
    if (rc == 0)
        add_cut(live, buf_str(&text), columns, out);
    buf_release(&text);
    return rc == 0 && out->failed ? err_nomem(err) : rc;
}
