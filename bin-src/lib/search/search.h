/*
 * search/search.h: the highest load that keeps an SLO, in few trials
 *
 *     struct search *search = search_new(&plan);
 *     for (double load; !isnan(load = search_next(search));) {
 *         ... a trial of search_requests(search, load) requests ...
 *         search_add(search, load, &trial);
 *     }
 *     struct search_result result = search_result(search);
 *     search_free(search);
 *
 * What is looked for is the load at which one trial in two keeps the SLO: below, most do, and above, most do not. Near
 * it chance decides, and nobody knows in how wide a range; that is found out on the way. A trial at load x keeps the SLO
 * with probability
 *
 *     LAPSE + (1 - 2 LAPSE) Phi((threshold - log x) / spread)
 *
 * and what is known of threshold and spread is their joint distribution on a grid, which each trial multiplies (Bayes; as
 * in psychophysics: Watson and Pelli, 1983; Kontsevich and Tyler, 1999). At first the threshold is as likely anywhere
 * in log load, or below low or above high, and the spread anywhere in its logarithm. LAPSE is for a trial that went wrong
 * for another reason. The result is the threshold's median and its middle share, level, whatever the spread is.
 *
 * The next load is the one whose trial is expected to tell most (the mutual information of its outcome and the threshold)
 * by what it costs; one that fails is taken to cost a quarter, since it is over early. A trial that was overloaded
 * completed so many requests a second: more cannot be sustained, and mostly as many can, so the next two loads are just
 * below that and just above, where this is still open. It chooses where to look; the result rests on the trials alone.
 *
 * It knows of no processes and no clock. One thread at a time.
 */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "search/trial.h"

enum search_kind { SEARCH_RATE, SEARCH_CONCURRENCY }; // the latter in whole numbers

struct search_plan {
    enum search_kind kind;
    double low, high;     // 0 < low < high
    double precision;     // so far the interval may reach to each side, as a part of the result
    double level;         // of the interval
    size_t requests;      // judged in a trial, at least
    double least_s;       // and for so long, in SEARCH_RATE
    size_t most_trials;
};

enum search_state {
    SEARCH_FOUND,
    SEARCH_UNSURE, // not as narrow as wanted
    SEARCH_BELOW,  // not even low keeps it
    SEARCH_ABOVE,  // high does, and perhaps more
    SEARCH_STATES,
};
extern const char *const search_states[SEARCH_STATES];

struct search_result {
    enum search_state state;
    double load, low, high;
    size_t trials;
};

struct search;
struct search *search_new(const struct search_plan *plan); // NULL: out of memory
void search_free(struct search *search);                   // NULL is fine

double search_next(struct search *search); // NaN: it is done
size_t search_requests(const struct search *search, double load);
/* The trial is over: kept or failed. */
void search_add(struct search *search, double load, const struct trial *trial);
struct search_result search_result(const struct search *search);

#endif
