/*
 * record/check.h: does a record keep the record's form? (design, section 2)
 *
 *     struct check *check = check_new();
 *     struct check_report report = {tell, arg};
 *     if (check_record(check, rec, &report, &err) < 0) ...       // out of memory
 *     check_free(check);
 *
 * Each member of the record that is there must have its type and form, and those that say something of each other must
 * agree: api and request, the order of times, answer.span and response.text, score.verdict and score.correct. Only "id"
 * must be there, and be another one in each record: the ids are kept, some 40 bytes beside each. input and gold are
 * looked into for the tasks that are known. Members that are not known are not looked at, but that integers beyond 2^53
 * are noted wherever they stand: jq 1.6 rounds them.
 */
#ifndef RECORD_CHECK_H
#define RECORD_CHECK_H

#include "jsonl/jsonl.h"

enum check_level {
    CHECK_PROBLEM, // the record is not as it must be
    CHECK_NOTE,    // it is, but other tools may take harm
};

/* Is told each thing; member is a path such as timing.chunks_ns[3]. */
struct check_report {
    void (*tell)(void *arg, enum check_level level, const char *member, const char *why);
    void *arg;
};

struct check;
struct check *check_new(void);       // NULL: out of memory
void check_free(struct check *check); // NULL is fine

int check_record(struct check *check, const struct jsonl_record *rec, const struct check_report *report, struct err *err);

#endif
