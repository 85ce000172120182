/*
 * load/batch.h: several records that share one request
 *
 *     if (batch_look(doc, job, &err) < 0) ...         // may it share one? then job->prompt says where its prompt stands
 *     if (batch.count > 0 && !batch_fits(&batch, job)) ...  // send what is there first
 *     batch_add(&batch, job);
 *     struct job *whole = batch_seal(&batch, &err);   // one job, whose members the others are
 *     ... it is sent as any other, and when it is over: ...
 *     batch_spread(whole, &err);                      // each member has what a record of its own would have
 *
 * Fit to share one are completions whose prompt is one text or one list of token ids, and embeddings whose input is
 * such, that ask for one answer (n, best_of), have an id and belong to no session; two fit together where their bodies differ in
 * nothing but the prompt's bytes, and they are due at the same time.
 */
#ifndef LOAD_BATCH_H
#define LOAD_BATCH_H

#include "load/job.h"

/* As it is gathered. */
struct batch {
    struct job *first, **last;
    size_t count;
};

/* Sets job->prompt, or leaves it empty: then the job goes alone. The body has JDOC_PADDING bytes behind. -1: no memory. */
int batch_look(struct jdoc *doc, struct job *job, struct err *err);
bool batch_fits(const struct batch *batch, const struct job *job);
void batch_add(struct batch *batch, struct job *job);

/* The gathered as one job, with a body of its own; a single one as it is. The batch is empty then. NULL: no memory, and
 * the jobs are still gathered. */
struct job *batch_seal(struct batch *batch, struct err *err);
void batch_release(struct batch *batch); // frees what is gathered

/* Gives each member what came of their request: times, status, failure, tries. Its usage, and its count of late chunks,
 * go to the first. -1: no memory; those that lack something have a failure that says so. */
int batch_spread(struct job *whole, struct err *err);

#endif
