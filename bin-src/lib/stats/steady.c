/* stats/steady.c: see steady.h */
#include "stats/steady.h"

#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 5, LEAST_BATCHES = 10 };

static uint64_t *sorted(const int64_t *times_ns, size_t count, struct err *err)
{
    uint64_t *keys = malloc((count + 1) * sizeof *keys);
    if (!keys) {
        err_nomem(err);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        keys[i] = sort_key_of_int(times_ns[i]);
    if (sort_keys(keys, NULL, count, err) == 0)
        return keys;
    free(keys);
    return NULL;
}

/* Goes through beginnings and ends in their order, an end before a beginning at the same time. Returns the most that
 * were in flight; notes when there came to be at least enough for the first time, and when this ended for the last. */
static int64_t sweep(const uint64_t *begins, const uint64_t *ends, size_t count, int64_t enough, struct steady *steady)
{
    int64_t now = 0, most = 0;
    for (size_t begin = 0, end = 0; end < count;) {
        bool begun = begin < count && begins[begin] < ends[end];
        if (begun && ++now == enough && !steady->found) {
            steady->found = true;
            steady->from_ns = sort_int_of_key(begins[begin]);
        }
        if (!begun && now-- == enough)
            steady->to_ns = sort_int_of_key(ends[end]);
        most = now > most ? now : most;
        begin += begun;
        end += !begun;
    }
    return most;
}

int steady_in_flight(const int64_t *sent_ns, const int64_t *end_ns, size_t count, int64_t concurrency, struct steady *steady,
        struct err *err)
{
    *steady = (struct steady){0};
    uint64_t *begins = sorted(sent_ns, count, err), *ends = begins ? sorted(end_ns, count, err) : NULL;
    if (ends) {
        int64_t most = sweep(begins, ends, count, INT64_MAX, steady);
        double target = 0.95 * (double)(most > concurrency ? most : concurrency);
        sweep(begins, ends, count, (int64_t)ceil(target - 1e-9), steady);
    }
    free(begins);
    free(ends);
    return ends ? 0 : -1;
}

/* How many of the means to cut off: at most half. (Of few that are left the error can be small by chance.) */
static size_t truncation(const double *means, size_t count)
{
    double sum = 0, squares = 0, least = INFINITY;
    size_t best = count / 2;
    for (size_t left = count; left-- > 0;) { // those from left on are kept
        sum += means[left];
        squares += means[left] * means[left];
        double kept = (double)(count - left);
        double statistic = fmax(squares - sum * sum / kept, 0) / (kept * kept);
        if (left <= count / 2 && statistic <= least) {
            least = statistic;
            best = left;
        }
    }
    return best;
}

int steady_mser(const int64_t *at_ns, const double *values, size_t count, struct steady *steady, struct err *err)
{
    size_t batches = count / BATCH;
    *steady = (struct steady){0};
    if (batches < LEAST_BATCHES)
        return 0;
    uint64_t *keys = malloc(count * sizeof *keys);
    uint32_t *order = malloc(count * sizeof *order);
    double *means = calloc(batches, sizeof *means);
    int rc = keys && order && means ? 0 : err_nomem(err);
    for (size_t i = 0; i < count && rc == 0; i++)
        keys[i] = sort_key_of_int(at_ns[i]), order[i] = (uint32_t)i;
    if (rc == 0)
        rc = sort_keys(keys, order, count, err);
    if (rc == 0) {
        double shift = values[order[count - 1]]; // so that squares of large times keep their digits, and what is level is 0
        for (size_t i = 0; i < batches * BATCH; i++)
            means[i / BATCH] += (values[order[i]] - shift) / BATCH;
        size_t cut = truncation(means, batches);
        steady->found = cut < batches / 2; // at the half it may well still be falling
        steady->from_ns = sort_int_of_key(keys[cut * BATCH]);
        steady->to_ns = sort_int_of_key(keys[count - 1]);
    }
    free(keys);
    free(order);
    free(means);
    return rc;
}
