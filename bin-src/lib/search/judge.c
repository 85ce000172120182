/* search/judge.c: see judge.h */
#include "search/judge.h"

#include "base/num.h"

int judge_take(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err)
{
    struct judge *judge = arg;
    const struct timing *timing = &request->timing;
    double figures[METRIC_COUNT];
    (void)rec, (void)err;
    if (timing->warmup || request->outcome == OUTCOME_CANCELLED)
        return SENDER_GO_ON;
    measured_figures(request, judge->profile, figures);
    enum trial_verdict verdict = slo_judge(&judge->slo, request, judge->profile, figures).met ? TRIAL_MET : TRIAL_NOT_MET;
    int64_t end_ns = timing->end_ns != TIMING_NEVER ? timing->end_ns : timing->due_ns; // dropped: it ended as it was due
    trial_add(&judge->trial, verdict, (double)end_ns / NS_PER_S);
    return judge->trial.state == TRIAL_FAILED && trial_is_over(&judge->trial) ? SENDER_STOP : SENDER_GO_ON;
}
