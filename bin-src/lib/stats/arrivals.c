/* stats/arrivals.c: see arrivals.h */
#include "stats/arrivals.h"

#include "base/num.h"
#include "stats/mt19937.h"

#include <math.h>
#include <stdlib.h>

const char *const arrivals_kinds[ARRIVALS_COUNT + 1] = {
    [ARRIVALS_CONSTANT] = "constant", [ARRIVALS_POISSON] = "poisson", [ARRIVALS_GAMMA] = "gamma"};

/* --- the course of the rate --- */

static int parse_leg(struct str text, struct arrivals_leg *leg, struct err *err)
{
    const char *colon = memchr(text.ptr, ':', text.len);
    struct str rates = {text.ptr, colon ? (size_t)(colon - text.ptr) : text.len};
    const char *dash = memchr(rates.ptr, '-', rates.len);
    struct str from = {rates.ptr, dash ? (size_t)(dash - rates.ptr) : rates.len};
    struct str to = dash ? (struct str){dash + 1, rates.len - from.len - 1} : from;
    int64_t for_ns = 0;
    if (num_double(from, 0, 1e9, &leg->from_rps, err) < 0 || num_double(to, 0, 1e9, &leg->to_rps, err) < 0)
        return -1;
    if (colon && num_duration_ns((struct str){colon + 1, text.len - rates.len - 1}, &for_ns, err) < 0)
        return -1;
    leg->for_s = (double)for_ns / 1e9;
    if (dash && for_ns == 0)
        return err_set(err, ERR_PARSE, "\"%.*s\" wants a time, as in 2-8:1m", text.len < 40 ? (int)text.len : 40, text.ptr);
    return 0;
}

int arrivals_parse_rate(struct str text, struct arrivals_leg legs[ARRIVALS_LEGS_MAX], struct err *err)
{
    int count = 0;
    for (;;) {
        const char *comma = memchr(text.ptr, ',', text.len);
        struct str part = {text.ptr, comma ? (size_t)(comma - text.ptr) : text.len};
        if (count == ARRIVALS_LEGS_MAX)
            return err_set(err, ERR_RANGE, "over %d legs", ARRIVALS_LEGS_MAX);
        if (parse_leg(part, &legs[count], err) < 0)
            return -1;
        if (comma && legs[count].for_s == 0)
            return err_set(err, ERR_PARSE, "\"%.*s\" wants a time, as in 2:30s", part.len < 40 ? (int)part.len : 40, part.ptr);
        double to_rps = legs[count].to_rps;
        bool level = legs[count++].from_rps == to_rps;
        if (!comma && !level) { // behind a ramp its end goes on
            if (count == ARRIVALS_LEGS_MAX)
                return err_set(err, ERR_RANGE, "over %d legs", ARRIVALS_LEGS_MAX);
            legs[count++] = (struct arrivals_leg){to_rps, to_rps, 0};
        }
        if (!comma)
            return count;
        text = (struct str){comma + 1, text.len - part.len - 1};
    }
}

/* When so many units have passed since the leg's start, in seconds after it. */
static double time_within(const struct arrivals_leg *leg, double units)
{
    double slope = leg->for_s > 0 ? (leg->to_rps - leg->from_rps) / leg->for_s : 0;
    // The root of from t + slope t^2 / 2 = units, in the form that does not cancel.
    return units == 0 ? 0 : 2 * units / (leg->from_rps + sqrt(leg->from_rps * leg->from_rps + 2 * slope * units));
}

/* When the sum of the gaps is reached, in seconds. */
static double time_of(struct arrivals *arrivals)
{
    const struct arrivals_plan *plan = &arrivals->plan;
    for (;;) {
        const struct arrivals_leg *leg = &plan->legs[arrivals->leg];
        double left = arrivals->units - arrivals->leg_units, whole = (leg->from_rps + leg->to_rps) / 2 * leg->for_s;
        if (arrivals->leg + 1 == plan->leg_count) // which is level
            return arrivals->leg_s + left / leg->to_rps;
        if (left <= whole)
            return arrivals->leg_s + time_within(leg, left);
        arrivals->leg_s += leg->for_s;
        arrivals->leg_units += whole;
        arrivals->leg++;
    }
}

/* --- the gaps --- */

int arrivals_init(struct arrivals *arrivals, const struct arrivals_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->leg_count; i++) {
        double from = plan->legs[i].from_rps, to = plan->legs[i].to_rps;
        bool last = i + 1 == plan->leg_count;
        if (last && from != to)
            return err_set(err, ERR_RANGE, "the last rate must be one, not %g to %g", from, to);
        if (!(from >= 0 && to >= 0 && isfinite(from) && isfinite(to)) || (last && !(to > 0)))
            return err_set(err, ERR_RANGE, "a rate of %g requests/s: must be %s 0", from >= 0 ? to : from, last ? "above" : "at least");
    }
    if (plan->kind == ARRIVALS_GAMMA && !(plan->burstiness > 0 && isfinite(plan->burstiness)))
        return err_set(err, ERR_RANGE, "a burstiness of %g: must be above 0", plan->burstiness);
    *arrivals = (struct arrivals){.plan = *plan, .rng = rng_stream(plan->seed, "arrivals", plan->shard)};
    return 0;
}

static double draw_gap(struct arrivals *arrivals)
{
    switch (arrivals->plan.kind) {
    case ARRIVALS_CONSTANT:
        return arrivals->count > 0;
    case ARRIVALS_POISSON:
        return rng_exponential(&arrivals->rng);
    case ARRIVALS_GAMMA:
        return rng_gamma(&arrivals->rng, arrivals->plan.burstiness) / arrivals->plan.burstiness;
    case ARRIVALS_COUNT:
        break;
    }
    return 0;
}

static int64_t in_ns(double seconds)
{
    return seconds < 9.2e9 ? llrint(seconds * 1e9) : INT64_MAX;
}

int64_t arrivals_next_ns(struct arrivals *arrivals)
{
    arrivals->units += draw_gap(arrivals);
    arrivals->count++;
    return in_ns(time_of(arrivals));
}

int arrivals_exact_span(const struct arrivals_plan *plan, size_t n, int64_t *at_ns, struct err *err)
{
    struct arrivals arrivals;
    struct mt19937 mt;
    if (plan->leg_count != 1)
        return err_set(err, ERR_RANGE, "an exact span is of one rate");
    if (plan->seed < 0 || plan->seed > UINT32_MAX)
        return err_set(err, ERR_RANGE, "seed %lld: NumPy's has 32 bits", (long long)plan->seed);
    if (arrivals_init(&arrivals, plan, err) < 0)
        return -1;
    double *at_s = calloc(n + 1, sizeof *at_s), rate = plan->legs[0].to_rps, sum = 0;
    if (!at_s)
        return err_nomem(err);
    mt19937_seed(&mt, (uint32_t)plan->seed);
    for (size_t i = 0; i < n; i++) {
        double gap = 1; // of constant the first waits as well: vLLM's intervals stand before each request
        if (plan->kind == ARRIVALS_POISSON)
            gap = -log(1 - mt19937_uniform(&mt));
        else if (plan->kind == ARRIVALS_GAMMA)
            gap = draw_gap(&arrivals);
        at_s[i] = sum += gap / rate;
    }
    double stretch = n > 0 ? (double)n / rate / sum : 1;
    for (size_t i = 0; i < n; i++)
        at_ns[i] = in_ns(at_s[i] * stretch);
    free(at_s);
    return 0;
}
