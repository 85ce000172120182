/* stats/backlog.c: see backlog.h */
#include "stats/backlog.h"

#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 20 };

/* Seconds since the first arrival. */
struct run {
    const int64_t *due_ns, *end_ns;
    size_t count;
    int64_t first_ns;
    double from_s, to_s; // of the time that is looked at: warm over, last arrival
    double rate;         // of arrivals in it
};

static double seconds(const struct run *run, int64_t at_ns)
{
    return ((double)at_ns - (double)run->first_ns) / 1e9;
}

/* The 90th percentile of the stays of those that were due by until_s; they are copied to stays. */
static int early_stays(const struct run *run, double until_s, uint64_t *stays, size_t *count, double *p90_s, struct err *err)
{
    *count = 0;
    for (size_t i = 0; i < run->count; i++)
        if (seconds(run, run->due_ns[i]) <= until_s)
            stays[(*count)++] = sort_key_of_double(((double)run->end_ns[i] - (double)run->due_ns[i]) / 1e9);
    if (sort_keys(stays, NULL, *count, err) < 0)
        return -1;
    *p90_s = sort_double_of_key(stays[(size_t)(0.9 * (double)(*count - 1))]);
    return 0;
}

/* The mean of N over [a, b). */
static double mean_n(const struct run *run, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < run->count; i++) {
        double overlap = fmin(seconds(run, run->end_ns[i]), b) - fmax(seconds(run, run->due_ns[i]), a);
        sum += overlap > 0 ? overlap : 0;
    }
    return sum / (b - a);
}

/* The mean over [a, b) of E[min(S, u)]. */
static double mean_ramp(const uint64_t *stays, size_t count, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double s = sort_double_of_key(stays[i]);
        double turn = fmin(fmax(s, a), b); // u up to here, s beyond
        sum += (turn * turn - a * a) / 2 + s * (b - turn);
    }
    return sum / (double)count / (b - a);
}

/* Variance over mean of the counts in equal bins. */
static double dispersion(const struct run *run, const int64_t *times_ns)
{
    double counts[BINS] = {0}, mean = 0, squares = 0, width = (run->to_s - run->from_s) / BINS;
    for (size_t i = 0; i < run->count; i++) {
        double bin = (seconds(run, times_ns[i]) - run->from_s) / width;
        if (bin >= 0 && bin < BINS)
            counts[(int)bin]++;
    }
    for (int i = 0; i < BINS; i++)
        mean += counts[i] / BINS;
    for (int i = 0; i < BINS; i++)
        squares += (counts[i] - mean) * (counts[i] - mean);
    return mean > 0 ? squares / (BINS - 1) / mean : 0;
}

static void judge(const struct run *run, const uint64_t *stays, size_t stay_count, struct backlog *backlog)
{
    double tenth = (run->to_s - run->from_s) / 10, growing_s = 9 * tenth;
    double arrivals = (double)backlog->arrivals;
    backlog->from_n = mean_n(run, run->from_s, run->from_s + tenth);
    backlog->to_n = mean_n(run, run->to_s - tenth, run->to_s);
    double ramp = mean_ramp(stays, stay_count, run->to_s - tenth, run->to_s) - mean_ramp(stays, stay_count, run->from_s,
            run->from_s + tenth);
    double growth = backlog->to_n - backlog->from_n - run->rate * ramp;
    double variance = 0.9 * arrivals * (dispersion(run, run->due_ns) + dispersion(run, run->end_ns));
    backlog->growth_per_s = growth / growing_s;
    backlog->share = growth / (0.9 * arrivals);
    backlog->z = growth / sqrt(variance > 1 ? variance : 1);
    backlog->judged = true;
    backlog->grows = backlog->z >= BACKLOG_Z && backlog->share >= BACKLOG_SHARE;
}

int backlog_judge(const int64_t *due_ns, const int64_t *end_ns, size_t count, struct backlog *backlog, struct err *err)
{
    struct run run = {.due_ns = due_ns, .end_ns = end_ns, .count = count, .first_ns = count > 0 ? due_ns[0] : 0};
    int64_t last_ns = run.first_ns;
    size_t stay_count;
    double p90_s;
    *backlog = (struct backlog){0};
    for (size_t i = 0; i < count; i++) {
        run.first_ns = due_ns[i] < run.first_ns ? due_ns[i] : run.first_ns;
        last_ns = due_ns[i] > last_ns ? due_ns[i] : last_ns;
    }
    run.to_s = seconds(&run, last_ns);
    if (count < BACKLOG_LEAST || !(run.to_s > 0))
        return 0;
    uint64_t *stays = malloc(count * sizeof *stays);
    if (!stays)
        return err_nomem(err);
    int rc = early_stays(&run, run.to_s / 2, stays, &stay_count, &p90_s, err);
    if (rc == 0) {
        run.from_s = fmin(p90_s, run.to_s / 2);
        for (size_t i = 0; i < count; i++)
            backlog->arrivals += seconds(&run, due_ns[i]) > run.from_s;
        run.rate = (double)backlog->arrivals / (run.to_s - run.from_s);
        if (backlog->arrivals >= BACKLOG_LEAST)
            judge(&run, stays, stay_count, backlog);
    }
    free(stays);
    return rc;
}
