/*
 * search/judge.h: the records of a trial, held against the SLO
 *
 *     struct judge judge = {.profile = PROFILE_CONTENT};
 *     if (slo_parse(&judge.slo, "ttft=200ms", &err) < 0 || trial_init(&judge.trial, 500, 0.99, &err) < 0) ...
 *     struct sender sender = {.take = judge_take, .arg = &judge, ...};
 *
 * Warm-up is not judged, nor what was cancelled on request. Where the server went away, there is nothing to judge.
 */
#ifndef SEARCH_JUDGE_H
#define SEARCH_JUDGE_H

#include "report/slo.h"
#include "search/sender.h"
#include "search/trial.h"

struct judge {
    struct slo slo;
    enum profile profile;
    struct trial trial;
    size_t unreachable; // requests since the last answer that found no server
    size_t untold;      // answers whose figures the SLO is about are not known, as the ttft of what was not streamed
};

/* A sender's take: says stop when the trial has failed and nothing more is to be learnt of it. */
int judge_take(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err);
/* When the records of path are through: fails where they are too few, where no answer has what the SLO is about, or where
   the server was gone in the end: that file is removed, so that the same command tries again. */
int judge_end(const struct judge *judge, const char *path, struct err *err);

#endif
