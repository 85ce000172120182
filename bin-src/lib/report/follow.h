/*
 * report/follow.h: the records of a file that grows
 *
 *     struct follow *follow = follow_open("run.jsonl", &err);
 *     while ((got = follow_next(follow, 250, &request, &err)) != FOLLOW_END) ...
 *     follow_close(follow);
 *
 * run.jsonl.part is read while lm-send writes it, and what it holds ends when that file gets the name run.jsonl. A file
 * that is there under its own name may grow for ever: it is the caller who stops then. Where neither is there yet, it
 * is waited for. "-" is standard input, to its end.
 *
 * The file is looked at again and again (poll), not watched by inotify: that tells nothing of what another host
 * writes. Plain text only. One thread at a time.
 */
#ifndef REPORT_FOLLOW_H
#define REPORT_FOLLOW_H

#include "report/requests.h"

enum follow_got {
    FOLLOW_ONE,
    FOLLOW_BAD,  // this line is no record, err says why; go on
    FOLLOW_WAIT, // nothing came within the time, or a signal did
    FOLLOW_END,
    FOLLOW_FAILED,
};

struct follow;

struct follow *follow_open(const char *path, struct err *err); // path must live as long
void follow_close(struct follow *follow);                      // NULL is fine
/* What request holds lives until the next follow_next. */
enum follow_got follow_next(struct follow *follow, int wait_ms, struct request *request, struct err *err);
/* "FILE:LINE" of what was read last. */
const char *follow_where(struct follow *follow);

#endif
