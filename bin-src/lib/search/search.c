/* search/search.c: see search.h */
#include "search/search.h"

#include <math.h>
#include <stdlib.h>

const char *const search_states[SEARCH_STATES] = {
    [SEARCH_FOUND] = "found", [SEARCH_UNSURE] = "unsure", [SEARCH_BELOW] = "below", [SEARCH_ABOVE] = "above"};

/* Thresholds: the first is all below low, the last all above high. Loads that are weighed for the next trial. */
enum { CELLS = 1002, INNER = CELLS - 2, CANDIDATES = 32 };
static const double spreads[] = {0.005, 0.01, 0.02, 0.04, 0.08, 0.16};
enum { SPREADS = sizeof spreads / sizeof *spreads };
#define LAPSE 0.01
#define OUTSIDE 0.1      // the share that lies below low before anything is known; as much, above high
#define DECIDED 0.03     // a load that is above the threshold, or below, but for so much, is no place to look
#define OVERLOADED 0.9   // completed, of what was asked for
#define COST_OF_FAILED 0.25 // of a trial that is kept: it is over early

struct search {
    struct search_plan plan;
    size_t trials;
    double width;               // of a cell, in log load
    double hints[2];            // loads to look at next; NaN: none
    double known[SPREADS][CELLS]; // probabilities
};

struct search *search_new(const struct search_plan *plan)
{
    struct search *search = calloc(1, sizeof *search);
    if (!search)
        return NULL;
    search->plan = *plan;
    search->width = log(plan->high / plan->low) / INNER;
    search->hints[0] = search->hints[1] = NAN;
    for (int s = 0; s < SPREADS; s++)
        for (int i = 0; i < CELLS; i++)
            search->known[s][i] = (i == 0 || i == CELLS - 1 ? OUTSIDE : (1 - 2 * OUTSIDE) / INNER) / SPREADS;
    return search;
}

void search_free(struct search *search)
{
    free(search);
}

/* That a trial at the load keeps the SLO, where the threshold is in the cell. */
static double keeps(const struct search *search, int spread, int cell, double log_load)
{
    double threshold = cell == 0 ? -INFINITY : cell == CELLS - 1 ? INFINITY : search->width * (cell - 0.5);
    return LAPSE + (1 - 2 * LAPSE) * erfc((log_load - threshold) / spreads[spread] / M_SQRT2) / 2;
}

static double log_of(const struct search *search, double load)
{
    return log(load / search->plan.low);
}

/* The probabilities of the cells, whatever the spread. */
static void thresholds(const struct search *search, double out[CELLS])
{
    for (int i = 0; i < CELLS; i++) {
        out[i] = 0;
        for (int s = 0; s < SPREADS; s++)
            out[i] += search->known[s][i];
    }
}

/* Where p of the probability lies below, in log load from low; ends where it is outside. */
static double quantile(const struct search *search, const double cells[CELLS], double p)
{
    double sum = cells[0];
    if (sum >= p)
        return 0;
    for (int i = 1; i < CELLS - 1; sum += cells[i++])
        if (sum + cells[i] >= p)
            return search->width * (i - 1 + (p - sum) / cells[i]);
    return search->width * INNER;
}

/* The probability that the threshold is below. */
static double below(const struct search *search, const double cells[CELLS], double log_load)
{
    double sum = cells[0];
    for (int i = 1; i < CELLS - 1; i++)
        sum += cells[i] * fmin(fmax(log_load / search->width - (i - 1), 0), 1);
    return sum;
}

size_t search_requests(const struct search *search, double load)
{
    double timed = search->plan.kind == SEARCH_RATE ? ceil(load * search->plan.least_s) : 0;
    return timed > (double)search->plan.requests ? (size_t)timed : search->plan.requests;
}

void search_add(struct search *search, double load, const struct trial *trial)
{
    double sum = 0, rps = trial_throughput_rps(trial), log_load = log_of(search, load);
    for (int s = 0; s < SPREADS; s++)
        for (int i = 0; i < CELLS; i++) {
            double kept = keeps(search, s, i, log_load);
            search->known[s][i] *= trial->state == TRIAL_KEPT ? kept : 1 - kept;
            sum += search->known[s][i];
        }
    for (int s = 0; s < SPREADS; s++)
        for (int i = 0; i < CELLS; i++)
            search->known[s][i] /= sum;
    search->trials++;
    if (search->plan.kind == SEARCH_RATE && trial->state == TRIAL_FAILED && rps < OVERLOADED * load) {
        search->hints[0] = log_of(search, rps * (1 - search->plan.precision / 2));
        search->hints[1] = log_of(search, rps * (1 + search->plan.precision / 2));
    }
}

/* A hint that is not decided yet; NaN: there is none. Each is taken once. */
static double take_hint(struct search *search, const double cells[CELLS])
{
    for (int i = 0; i < 2; i++) {
        double hint = search->hints[i], doubt = isnan(hint) ? 0 : below(search, cells, hint);
        search->hints[i] = NAN;
        if (hint > 0 && hint < search->width * INNER && doubt > DECIDED && doubt < 1 - DECIDED)
            return hint;
    }
    return NAN;
}

/* Bits that an outcome of probability p holds. */
static double entropy(double p)
{
    return p <= 0 || p >= 1 ? 0 : -p * log2(p) - (1 - p) * log2(1 - p);
}

/* What a trial there is expected to tell of the threshold, by its cost. */
static double worth(const struct search *search, const double cells[CELLS], double log_load)
{
    double kept = 0, noise = 0;
    for (int i = 0; i < CELLS; i++) {
        double of_cell = 0;
        if (cells[i] < 1e-9)
            continue;
        for (int s = 0; s < SPREADS; s++)
            of_cell += search->known[s][i] * keeps(search, s, i, log_load);
        kept += of_cell;
        noise += cells[i] * entropy(of_cell / cells[i]);
    }
    return (entropy(kept) - noise) / (kept + (1 - kept) * COST_OF_FAILED);
}

/* The nearest log load that there can be. */
static double possible(const struct search *search, double log_load)
{
    double low = search->plan.low;
    return search->plan.kind == SEARCH_CONCURRENCY ? log_of(search, fmax(round(low * exp(log_load)), 1)) : log_load;
}

static double best_candidate(const struct search *search, const double cells[CELLS])
{
    double from = quantile(search, cells, 0.005), to = quantile(search, cells, 0.995), best = from, most = -1;
    for (int i = 0; i <= CANDIDATES; i++) {
        double at = possible(search, from + (to - from) * i / CANDIDATES), here = worth(search, cells, at);
        if (here > most) {
            most = here;
            best = at;
        }
    }
    return best;
}

static enum search_state state_of(const struct search *search, const struct search_result *result, const double cells[CELLS])
{
    double tail = (1 - search->plan.level) / 2;
    if (cells[0] > search->plan.level)
        return SEARCH_BELOW;
    if (cells[CELLS - 1] > search->plan.level)
        return SEARCH_ABOVE;
    if (cells[0] > tail || cells[CELLS - 1] > tail) // the interval reaches out of the range
        return SEARCH_UNSURE;
    if (search->plan.kind == SEARCH_CONCURRENCY && floor(result->low) >= floor(result->high)) // the same whole number keeps it
        return SEARCH_FOUND;
    double reach = fmax(result->high / result->load, result->load / result->low);
    return reach <= 1 + search->plan.precision ? SEARCH_FOUND : SEARCH_UNSURE;
}

struct search_result search_result(const struct search *search)
{
    double cells[CELLS], tail = (1 - search->plan.level) / 2, low = search->plan.low;
    thresholds(search, cells);
    struct search_result result = {.load = low * exp(quantile(search, cells, 0.5)), .low = low * exp(quantile(search, cells, tail)),
                                   .high = low * exp(quantile(search, cells, 1 - tail)), .trials = search->trials};
    result.state = state_of(search, &result, cells);
    if (search->plan.kind == SEARCH_CONCURRENCY) {
        result.load = floor(result.load);
        result.low = floor(result.low);
        result.high = floor(result.high);
    }
    return result;
}

double search_next(struct search *search)
{
    double cells[CELLS];
    thresholds(search, cells);
    if (search_result(search).state != SEARCH_UNSURE || search->trials >= search->plan.most_trials)
        return NAN;
    double next = take_hint(search, cells);
    if (isnan(next))
        next = best_candidate(search, cells);
    next = search->plan.low * exp(next);
    return search->plan.kind == SEARCH_CONCURRENCY ? round(next) : next; // exp and log may leave a whole number by a bit
}
