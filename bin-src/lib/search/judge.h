/*
 * search/judge.h: the records of a trial, held against the SLO
 *
 *     struct judge judge = {.profile = PROFILE_CONTENT};
 *     if (slo_parse(&judge.slo, "ttft=200ms", &err) < 0 || trial_init(&judge.trial, 500, 0.99, &err) < 0) ...
 *     struct sender sender = {.take = judge_take, .arg = &judge, ...};
 *
 * Warm-up is not judged, nor what was cancelled on request.
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
};

/* A sender's take: says stop when the trial has failed and nothing more is to be learnt of it. */
int judge_take(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err);

#endif
