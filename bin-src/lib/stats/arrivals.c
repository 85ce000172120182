/* stats/arrivals.c: see arrivals.h */
#include "stats/arrivals.h"

#include "base/num.h"

#include <math.h>

const char *const arrivals_kinds[ARRIVALS_COUNT + 1] = {[ARRIVALS_CONSTANT] = "constant", [ARRIVALS_POISSON] = "poisson"};

int arrivals_init(struct arrivals *arrivals, enum arrivals_kind kind, double rate_rps, int64_t seed, int64_t shard, struct err *err)
{
    if (!(rate_rps > 0) || !isfinite(rate_rps))
        return err_set(err, ERR_RANGE, "a rate of %g requests/s: must be above 0", rate_rps);
    *arrivals = (struct arrivals){.kind = kind, .gap_ns = NS_PER_S / rate_rps, .rng = rng_stream(seed, "arrivals", shard)};
    return 0;
}

int64_t arrivals_next_ns(struct arrivals *arrivals)
{
    switch (arrivals->kind) {
    case ARRIVALS_CONSTANT: // a product: a sum would drift
        arrivals->at_ns = (double)arrivals->count * arrivals->gap_ns;
        break;
    case ARRIVALS_POISSON:
        arrivals->at_ns += rng_exponential(&arrivals->rng) * arrivals->gap_ns;
        break;
    case ARRIVALS_COUNT:
        break;
    }
    arrivals->count++;
    return arrivals->at_ns < 9.2e18 ? llrint(arrivals->at_ns) : INT64_MAX;
}
