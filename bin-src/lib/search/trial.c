/* search/trial.c: see trial.h */
#include "search/trial.h"

#include <math.h>
#include <stdlib.h>

enum { LEAST = 20 }; // to tell a throughput by

int trial_init(struct trial *trial, size_t requests, double attain, struct err *err)
{
    *trial = (struct trial){.requests = requests, .may_fail = (size_t)((1 - attain) * (double)requests + 1e-9)};
    trial->ends_s = calloc(requests + 1, sizeof *trial->ends_s);
    return trial->ends_s ? 0 : err_nomem(err);
}

void trial_release(struct trial *trial)
{
    free(trial->ends_s);
    *trial = (struct trial){0};
}

void trial_add(struct trial *trial, enum trial_verdict verdict, double end_s)
{
    if (trial->judged == trial->requests)
        return;
    trial->ends_s[trial->judged++] = end_s;
    trial->not_met += verdict == TRIAL_NOT_MET;
    if (trial->not_met > trial->may_fail)
        trial->state = TRIAL_FAILED;
    if (trial->state == TRIAL_OPEN && trial->judged == trial->requests)
        trial->state = TRIAL_KEPT;
}

bool trial_is_over(const struct trial *trial)
{
    return trial->state == TRIAL_KEPT || (trial->state == TRIAL_FAILED && (trial->judged >= LEAST || trial->judged == trial->requests));
}

double trial_throughput_rps(const struct trial *trial)
{
    size_t from = trial->judged / 4;
    if (trial->judged < LEAST)
        return NAN;
    double time_s = trial->ends_s[trial->judged - 1] - trial->ends_s[from];
    return time_s > 0 ? (double)(trial->judged - 1 - from) / time_s : NAN;
}
