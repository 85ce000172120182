/*
 * report/course.h: how one part of a run went: whether its queue grew, and when it was steady
 *
 *     struct course course = {.keep = 1000000};
 *     course_add(&course, &request, &err);
 *     if (course_finish(&course, load, &err) < 0) ...
 *     ... course.backlog, course.steady ...
 *     course_release(&course);
 *
 * The methods: stats/backlog.h, stats/steady.h. Over keep requests nothing is said. One thread at a time.
 */
#ifndef REPORT_COURSE_H
#define REPORT_COURSE_H

#include "report/measured.h"
#include "stats/backlog.h"
#include "stats/steady.h"

enum course_method { COURSE_NONE, COURSE_IN_FLIGHT, COURSE_MSER };
extern const char *const course_methods[]; // as JSON has them; [COURSE_NONE] is NULL

struct course {
    size_t keep;
    int64_t *due_ns, *sent_ns, *end_ns;
    double *delays; // to the first token, from due, in ns; to the end where there is none
    size_t count, room;
    bool beyond;    // there were more than keep

    /* finished */
    struct backlog backlog;
    enum course_method method; // by which it was steady, or would have been
    struct steady steady;
};

/* One that was sent and ended, well or not. */
int course_add(struct course *course, const struct measured *request, struct err *err);
/* load: JSON, as timing.load, which so many hosts follow; empty: not known. Of a closed loop there is no backlog; of a run
 * whose queue grew, no steady part. */
int course_finish(struct course *course, struct str load, int64_t hosts, struct err *err);
void course_release(struct course *course);

#endif
