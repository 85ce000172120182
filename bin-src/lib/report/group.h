/*
 * report/group.h: a summary for each value of a member
 *
 *     struct groups *groups = groups_new(&plan, "timing.load.rate_rps");
 *     struct summary *summary = groups_find(groups, rec->root, "run.jsonl", &err);
 *     groups_each(groups, print, arg, &err);
 *     groups_free(groups);
 *
 * Groups come in the order of their values: numbers by size, then all others by their JSON text, then those that do
 * not have the member. "file" is the file that a record stands in (a member of that name is "/file"), and files come as
 * they did. Without a member all records are one group, and it is there even if there are no records.
 */
#ifndef REPORT_GROUP_H
#define REPORT_GROUP_H

#include "report/summary.h"

struct group {
    struct str key; // the value as JSON text; empty: does not have the member
    struct summary *summary;
};
struct groups; // its members are in group.c and nowhere else

/* A member as people name it, names with dots between or a JSON pointer such as "/meta/a.b", as jval_at has it; the caller
 * frees it. NULL: out of memory. */
char *group_path(const char *member);

/* member: NULL: none. "cache" is no member: its values are "cold" and "warm", whether the server had computed no token of
 * the prompt before, or some. NULL: out of memory. */
struct groups *groups_new(const struct summary_plan *plan, const char *member);
void groups_free(struct groups *groups); // the summaries too; NULL is fine

struct summary *groups_find(struct groups *groups, struct jval record, const char *file, struct err *err); // NULL: out of memory
/* For a second reading: finishes the summaries, and begins others, of their steady times. */
int groups_within(struct groups *groups, struct err *err);
/* Calls each in order, until one fails. */
int groups_each(struct groups *groups, int (*each)(void *arg, struct group *group, struct err *err), void *arg, struct err *err);

#endif
