/*
 * search/prompts.h: requests for many trials, each other ones as long as there are any
 *
 *     struct prompts prompts = {0};
 *     if (prompts_read(&prompts, paths, report, &err) < 0) ...
 *     int fd = prompts_take(&prompts, 550, &err);   // a file of 550 lines, to be read from its start; -1: cannot
 *     prompts_release(&prompts);
 *
 * A server that has seen a prompt may answer from its prefix cache, and would look better than it is. So the trials walk
 * through the input; behind its last line comes the first again, and rounds says how often.
 */
#ifndef SEARCH_PROMPTS_H
#define SEARCH_PROMPTS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct prompts {
    struct buf text;    // all lines
    size_t *ends;       // of each line, behind its line feed
    size_t count, room;
    size_t next;        // line; count: behind the last
    uint64_t rounds;    // times that the input was begun again
};

/* Keeps all records. report is told of each line that is none; the rest goes on. Fails where there is no record at all. */
int prompts_read(struct prompts *prompts, char *const *paths, void (*report)(const char *where, const char *why), struct err *err);
int prompts_take(struct prompts *prompts, size_t count, struct err *err);
void prompts_skip(struct prompts *prompts, size_t count); // as if they had been taken
void prompts_release(struct prompts *prompts);

#endif
