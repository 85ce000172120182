/*
 * load/request.h: from a record to the bytes that are sent
 *
 *     struct requester *requester = requester_new(&options);
 *     requester_make(requester, job, rec, place, &err);   // of a session's turn less what it answers to
 *     requester_address(requester, job, &err);            // once its body is what it will be
 *     requester_free(requester);
 *
 * What goes by a record's place in the input (its model, whether it is given up) is the same in each run and its rest; a
 * session stays with one server and one model.
 */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

#include "load/job.h"
#include "load/options.h"

struct requester;
/* The options must live as long. NULL: out of memory. */
struct requester *requester_new(const struct load_options *options);
void requester_free(struct requester *requester); // NULL is fine

/* Fills in the body and what goes with it. place: how many records stand before it. -1: it cannot be sent, err says why. */
int requester_make(struct requester *requester, struct job *job, const struct jsonl_record *rec, int64_t place, struct err *err);
/* Gives it the head: of the target that it has, or whose turn it is. */
int requester_address(struct requester *requester, struct job *job, struct err *err);

#endif
