/* search/judge.c: see judge.h */
#include "search/judge.h"

#include "base/num.h"

#include <unistd.h>

enum { GONE = 5 }; // so many that found no server, and no answer since: it is gone, and not only busy

int judge_take(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err)
{
    struct judge *judge = arg;
    const struct timing *timing = &request->timing;
    double figures[METRIC_COUNT];
    (void)rec, (void)err;
    if (timing->warmup || request->outcome == OUTCOME_CANCELLED)
        return SENDER_GO_ON;
    if (judge->trial.judged == 0 || request->outcome == OUTCOME_COMPLETED)
        judge->unreachable = 0;
    judge->unreachable += request->outcome == OUTCOME_FAILED && request->failure == FAILURE_CONNECT;
    measured_figures(request, judge->profile, figures);
    struct slo_verdict kept = slo_judge(&judge->slo, request, judge->profile, figures);
    judge->untold = (judge->trial.judged > 0 ? judge->untold : 0) + (kept.unmeasured && request->outcome == OUTCOME_COMPLETED);
    enum trial_verdict verdict = kept.met ? TRIAL_MET : TRIAL_NOT_MET;
    int64_t end_ns = timing->end_ns != TIMING_NEVER ? timing->end_ns : timing->due_ns; // dropped: it ended as it was due
    trial_add(&judge->trial, verdict, (double)end_ns / NS_PER_S);
    return judge->trial.state == TRIAL_FAILED && trial_is_over(&judge->trial) ? SENDER_STOP : SENDER_GO_ON;
}

int judge_end(const struct judge *judge, const char *path, struct err *err)
{
    const struct trial *trial = &judge->trial;
    if (!trial_is_over(trial))
        return err_set(err, ERR_MISSING, "%s: %zu records to judge, not %zu", path, trial->judged, trial->requests);
    if (trial->judged > 0 && judge->untold == trial->judged)
        return err_set(err, ERR_MISSING, "%s: no answer has what the SLO is about: was it streamed, and were its tokens counted?", path);
    if (trial->state != TRIAL_FAILED || judge->unreachable < GONE)
        return 0;
    unlink(path);
    return err_set(err, ERR_NET, "no server is there: the last %zu requests of %s could not connect; it is removed", judge->unreachable,
                   path);
}
