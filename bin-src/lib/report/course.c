/* report/course.c: see course.h */
#include "report/course.h"

#include <math.h>
#include <stdlib.h>

const char *const course_methods[] = {[COURSE_IN_FLIGHT] = "in-flight", [COURSE_MSER] = "mser-5"};

void course_release(struct course *course)
{
    free(course->due_ns);
    free(course->sent_ns);
    free(course->end_ns);
    free(course->delays);
}

static int grow(struct course *course, struct err *err)
{
    size_t room = course->room * 2 + 64;
    void **arrays[] = {(void **)&course->due_ns, (void **)&course->sent_ns, (void **)&course->end_ns, (void **)&course->delays};
    for (size_t i = 0; i < COUNT(arrays); i++) {
        void *grown = reallocarray(*arrays[i], room, sizeof(int64_t));
        if (!grown)
            return err_nomem(err);
        *arrays[i] = grown;
    }
    course->room = room;
    return 0;
}
_Static_assert(sizeof(double) == sizeof(int64_t), "the arrays are alike");

int course_add(struct course *course, const struct measured *request, struct err *err)
{
    const struct timing *timing = &request->timing;
    if (timing->sent_ns == TIMING_NEVER || timing->end_ns == TIMING_NEVER || timing->end_ns < timing->sent_ns)
        return 0;
    if (course->count == course->keep) {
        course->beyond = true;
        return 0;
    }
    if (course->count == course->room && grow(course, err) < 0)
        return -1;
    bool due = timing->due_ns != TIMING_NEVER && timing->due_ns <= timing->end_ns;
    size_t i = course->count++;
    course->due_ns[i] = due ? timing->due_ns : timing->sent_ns;
    course->sent_ns[i] = timing->sent_ns;
    course->end_ns[i] = timing->end_ns;
    course->delays[i] = (double)(timing->first_ns != TIMING_NEVER ? timing->first_ns : timing->end_ns) - (double)course->due_ns[i];
    return 0;
}

/* How the load was driven. */
struct driving {
    bool closed, unplaced;
    int64_t concurrency; // 0: no limit
};

static int read_driving(struct str load, struct driving *driving, struct err *err)
{
    struct jval root, value;
    struct str mode;
    struct buf text = {0};
    bool placed = true;
    *driving = (struct driving){0};
    if (load.len == 0)
        return 0;
    buf_add_str(&text, load);
    struct jdoc *doc = jdoc_new();
    int rc = doc && buf_reserve(&text, JDOC_PADDING) ? jdoc_parse(doc, text.ptr, load.len, &root, err) : err_nomem(err);
    if (rc == 0) {
        driving->closed = jval_str_at(root, "/mode", &mode) && str_is(mode, "closed");
        jval_int_at(root, "/concurrency", &driving->concurrency);
        if (jval_member(root, "placed", &value))
            jval_bool(value, &placed);
        driving->unplaced = !placed;
    }
    buf_release(&text);
    jdoc_free(doc);
    return rc;
}

int course_finish(struct course *course, struct str load, int64_t hosts, struct err *err)
{
    struct driving driving;
    if (read_driving(load, &driving, err) < 0)
        return -1;
    if (course->beyond || driving.unplaced)
        return 0;
    driving.concurrency *= hosts;
    if (driving.closed) {
        course->method = driving.concurrency > 0 ? COURSE_IN_FLIGHT : COURSE_NONE;
        return driving.concurrency > 0
                   ? steady_in_flight(course->sent_ns, course->end_ns, course->count, driving.concurrency, &course->steady, err)
                   : 0;
    }
    course->method = COURSE_MSER;
    if (backlog_judge(course->due_ns, course->end_ns, course->count, &course->backlog, err) < 0)
        return -1;
    return course->backlog.grows ? 0 : steady_mser(course->due_ns, course->delays, course->count, &course->steady, err);
}
