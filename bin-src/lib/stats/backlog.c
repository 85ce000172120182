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
};

static double seconds(const struct run *run, int64_t at_ns)
{
    return ((double)at_ns - (double)run->first_ns) / 1e9;
}

/* The stays S of the early ones, in ascending order, and the sums of the first of them. */
struct stays {
    uint64_t *keys;
    double *sums; // sums[i]: of the i first
    size_t count;
};

/* The 90th percentile of the stays of those that were due by until_s goes to *p90_s. */
static int early_stays(const struct run *run, double until_s, struct stays *stays, double *p90_s, struct err *err)
{
    stays->keys = malloc(run->count * sizeof *stays->keys);
    stays->sums = calloc(run->count + 1, sizeof *stays->sums);
    if (!stays->keys || !stays->sums)
        return err_nomem(err);
    for (size_t i = 0; i < run->count; i++)
        if (seconds(run, run->due_ns[i]) <= until_s)
            stays->keys[stays->count++] = sort_key_of_double(((double)run->end_ns[i] - (double)run->due_ns[i]) / 1e9);
    if (sort_keys(stays->keys, NULL, stays->count, err) < 0)
        return -1;
    for (size_t i = 0; i < stays->count; i++)
        stays->sums[i + 1] = stays->sums[i] + sort_double_of_key(stays->keys[i]);
    *p90_s = sort_double_of_key(stays->keys[(size_t)(0.9 * (double)(stays->count - 1))]);
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

/* E[min(S, u)]; nothing has stayed before it was due. */
static double expected_stay(const struct stays *stays, double u)
{
    size_t from = 0, to = stays->count; // how many stay at most u
    if (u <= 0)
        return 0;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (sort_double_of_key(stays->keys[middle]) <= u)
            from = middle + 1;
        else
            to = middle;
    }
    return (stays->sums[from] + u * (double)(stays->count - from)) / (double)stays->count;
}

/* What mean_n would be if all stayed as the early ones did. */
static double expected_n(const struct run *run, const struct stays *stays, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < run->count; i++) {
        double due = seconds(run, run->due_ns[i]);
        sum += expected_stay(stays, b - due) - expected_stay(stays, a - due);
    }
    return sum / (b - a);
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

static void judge(const struct run *run, const struct stays *stays, struct backlog *backlog)
{
    double tenth = (run->to_s - run->from_s) / 10, growing_s = 9 * tenth;
    double arrivals = (double)backlog->arrivals;
    backlog->from_n = mean_n(run, run->from_s, run->from_s + tenth);
    backlog->to_n = mean_n(run, run->to_s - tenth, run->to_s);
    double expected = expected_n(run, stays, run->to_s - tenth, run->to_s) - expected_n(run, stays, run->from_s, run->from_s + tenth);
    double growth = backlog->to_n - backlog->from_n - expected;
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
    struct stays stays = {0};
    double p90_s = 0;
    *backlog = (struct backlog){0};
    for (size_t i = 0; i < count; i++) {
        run.first_ns = due_ns[i] < run.first_ns ? due_ns[i] : run.first_ns;
        last_ns = due_ns[i] > last_ns ? due_ns[i] : last_ns;
    }
    run.to_s = seconds(&run, last_ns);
    if (count < BACKLOG_LEAST || !(run.to_s > 0))
        return 0;
    int rc = early_stays(&run, run.to_s / 2, &stays, &p90_s, err);
    if (rc == 0) {
        run.from_s = fmin(p90_s, run.to_s / 2);
        for (size_t i = 0; i < count; i++)
            backlog->arrivals += seconds(&run, due_ns[i]) > run.from_s;
        if (backlog->arrivals >= BACKLOG_LEAST)
            judge(&run, &stays, backlog);
    }
    free(stays.keys);
    free(stays.sums);
    return rc;
}
