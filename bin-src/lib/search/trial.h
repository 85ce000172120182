/*
 * search/trial.h: did one trial, so many requests at one load, keep the SLO?
 *
 *     struct trial trial;
 *     if (trial_init(&trial, 1000, 0.99, &err) < 0) ...
 *     while (...)                                                 // in the order in which they ended
 *         trial_add(&trial, TRIAL_MET, end_s);
 *     if (trial_is_over(&trial)) ...
 *     trial_release(&trial);
 *
 * It did where at least the share attain of its requests met it; a failed request did not. So it has failed as soon as
 * more did not than may, however many are still to come, and the rest need not be sent (a curtailed test: it is over
 * earlier, and says the same).
 */
#ifndef SEARCH_TRIAL_H
#define SEARCH_TRIAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trial_verdict { TRIAL_NOT_MET, TRIAL_MET };
enum trial_state { TRIAL_OPEN, TRIAL_KEPT, TRIAL_FAILED };

struct trial {
    size_t requests; // that are to be judged
    size_t may_fail; // of them
    size_t judged, not_met;
    enum trial_state state;
    double *ends_s;  // of those that were judged
};

int trial_init(struct trial *trial, size_t requests, double attain, struct err *err);
void trial_release(struct trial *trial);
void trial_add(struct trial *trial, enum trial_verdict verdict, double end_s);

/* Nothing more need be sent: it is decided, and if it failed, the throughput can be told. */
bool trial_is_over(const struct trial *trial);
/* Requests a second that ended, behind the first quarter; NaN: too few to tell. */
double trial_throughput_rps(const struct trial *trial);

#endif
