/*
 * report/live.h: a run that goes on, on a terminal
 *
 *     struct live *live = live_new(PROFILE_CONTENT);
 *     live_add(live, &request, &err);                      // each that ended
 *     if (live_is_time(live, clock_ns())) live_draw(live, columns, &out, &err);
 *     live_erase(live, &out);
 *     live_free(live);
 *
 * A line of the whole so far, and the last ten seconds as rows, drawn where they stood before, at most four times a
 * second. ANSI sequences: cursor up, erase below. No line is longer than the terminal has columns: one that wrapped
 * would be two.
 */
#ifndef REPORT_LIVE_H
#define REPORT_LIVE_H

#include "report/measured.h"

#include "base/buf.h"

struct live;

struct live *live_new(enum profile profile); // NULL: out of memory
void live_free(struct live *live);           // NULL is fine

int live_add(struct live *live, const struct measured *request, struct err *err);
bool live_is_time(struct live *live, int64_t now_ns);
int live_draw(struct live *live, size_t columns, struct buf *out, struct err *err);
/* What is drawn goes, so that something else can be written in its place. */
void live_erase(struct live *live, struct buf *out);

#endif
