/* stats/peak.c: see peak.h */
#include "stats/peak.h"

#include "base/num.h"
#include "stats/sort.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BUCKETS = 1 << 20 };

/* Of one stretch of time. */
struct bucket {
    int64_t begun, ended;
};

struct peak {
    size_t keep, room, count;
    uint64_t *from, *to; // the kept intervals as sort keys, each array in an order of its own
    bool sketch;         // buckets instead
    struct bucket *buckets;
    size_t bucket_count;
    int64_t first;    // the number of the first bucket: its beginning is first x width_ns
    int64_t width_ns;
};

struct peak *peak_new(size_t keep)
{
    struct peak *peak = calloc(1, sizeof *peak);
    if (!peak)
        return NULL;
    peak->keep = keep;
    peak->width_ns = NS_PER_S;
    return peak;
}

void peak_free(struct peak *peak)
{
    if (!peak)
        return;
    free(peak->from);
    free(peak->to);
    free(peak->buckets);
    free(peak);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Makes buckets twice as wide. */
static void widen(struct peak *peak)
{
    int64_t first = floor_div(peak->first, 2);
    size_t count = 0;
    for (size_t i = 0; i < peak->bucket_count; i++) {
        struct bucket bucket = peak->buckets[i];
        size_t to = (size_t)(floor_div(peak->first + (int64_t)i, 2) - first);
        if (to == count)
            peak->buckets[count++] = (struct bucket){0, 0};
        peak->buckets[to].begun += bucket.begun;
        peak->buckets[to].ended += bucket.ended;
    }
    peak->bucket_count = count;
    peak->first = first;
    peak->width_ns *= 2;
}

/* Makes the buckets reach from one time to another, both included. */
static int cover(struct peak *peak, int64_t from_ns, int64_t to_ns, struct err *err)
{
    for (;;) {
        int64_t first = floor_div(from_ns, peak->width_ns), last = floor_div(to_ns, peak->width_ns);
        if (peak->bucket_count > 0) {
            int64_t end = peak->first + (int64_t)peak->bucket_count;
            first = first < peak->first ? first : peak->first;
            last = last >= end ? last : end - 1;
        }
        if (last - first >= MOST_BUCKETS) {
            widen(peak);
            continue;
        }
        size_t count = (size_t)(last - first) + 1, before = peak->bucket_count > 0 ? (size_t)(peak->first - first) : 0;
        if (count == peak->bucket_count)
            return 0;
        struct bucket *grown = realloc(peak->buckets, count * sizeof *grown);
        if (!grown)
            return err_nomem(err);
        memmove(grown + before, grown, peak->bucket_count * sizeof *grown);
        memset(grown, 0, before * sizeof *grown);
        memset(grown + before + peak->bucket_count, 0, (count - before - peak->bucket_count) * sizeof *grown);
        peak->buckets = grown;
        peak->bucket_count = count;
        peak->first = first;
        return 0;
    }
}

static int add_to_buckets(struct peak *peak, int64_t from_ns, int64_t to_ns, struct err *err)
{
    if (cover(peak, from_ns, to_ns, err) < 0)
        return -1;
    peak->buckets[floor_div(from_ns, peak->width_ns) - peak->first].begun++;
    peak->buckets[floor_div(to_ns, peak->width_ns) - peak->first].ended++;
    return 0;
}

static int become_buckets(struct peak *peak, struct err *err)
{
    // Sorting has parted the beginnings from their ends, and the counts need no pairs: any pairing in which each end
    // is behind its beginning will do, and the i-th smallest of each is one.
    if (sort_keys(peak->from, NULL, peak->count, err) < 0 || sort_keys(peak->to, NULL, peak->count, err) < 0)
        return -1;
    for (size_t i = 0; i < peak->count; i++)
        if (add_to_buckets(peak, sort_int_of_key(peak->from[i]), sort_int_of_key(peak->to[i]), err) < 0)
            return -1;
    free(peak->from);
    free(peak->to);
    peak->from = peak->to = NULL;
    peak->sketch = true;
    return 0;
}

static int make_room(struct peak *peak, struct err *err)
{
    enum { FIRST = 64 };
    size_t room = peak->room < FIRST ? FIRST : peak->room * 2;
    room = room < peak->keep ? room : peak->keep;
    uint64_t *from = realloc(peak->from, room * sizeof *from);
    if (!from)
        return err_nomem(err);
    peak->from = from;
    uint64_t *to = realloc(peak->to, room * sizeof *to);
    if (!to)
        return err_nomem(err);
    peak->to = to;
    peak->room = room;
    return 0;
}

int peak_add(struct peak *peak, int64_t from_ns, int64_t to_ns, struct err *err)
{
    if (to_ns < from_ns)
        return 0;
    if (!peak->sketch && peak->count == peak->keep && become_buckets(peak, err) < 0)
        return -1;
    if (peak->sketch)
        return add_to_buckets(peak, from_ns, to_ns, err);
    if (peak->count == peak->room && make_room(peak, err) < 0)
        return -1;
    peak->from[peak->count] = sort_key_of_int(from_ns);
    peak->to[peak->count++] = sort_key_of_int(to_ns);
    return 0;
}

bool peak_exact(const struct peak *peak)
{
    return !peak->sketch;
}

/* In each bucket: those that were there at its beginning, and those that began in it. */
static int64_t most_in_buckets(const struct peak *peak)
{
    int64_t most = 0, there = 0;
    for (size_t i = 0; i < peak->bucket_count; i++) {
        there += peak->buckets[i].begun;
        most = there > most ? there : most;
        there -= peak->buckets[i].ended;
    }
    return most;
}

static int sort_both(struct peak *peak, struct err *err)
{
    return sort_keys(peak->from, NULL, peak->count, err) < 0 || sort_keys(peak->to, NULL, peak->count, err) < 0 ? -1 : 0;
}

int peak_most(struct peak *peak, int64_t *most, struct err *err)
{
    if (peak->sketch) {
        *most = most_in_buckets(peak);
        return 0;
    }
    if (sort_both(peak, err) < 0)
        return -1;
    int64_t there = 0;
    *most = 0;
    for (size_t i = 0, ended = 0; i < peak->count; i++) {
        for (; ended < peak->count && peak->to[ended] <= peak->from[i]; ended++)
            there--;
        there++;
        *most = there > *most ? there : *most;
    }
    return 0;
}

static uint64_t second_of(uint64_t key, uint64_t start)
{
    return (key - start) / (uint64_t)NS_PER_S;
}

int peak_most_touching(struct peak *peak, int64_t *most, struct err *err)
{
    if (peak->sketch)
        return peak_most(peak, most, err);
    if (sort_both(peak, err) < 0)
        return -1;
    // Whole seconds instead of times: then two intervals share a second exactly where they overlap as closed ones.
    int64_t there = 0;
    *most = 0;
    for (size_t i = 0, ended = 0; i < peak->count; i++) {
        uint64_t start = peak->from[0], second = second_of(peak->from[i], start);
        for (; ended < peak->count && second_of(peak->to[ended], start) < second; ended++)
            there--;
        there++;
        *most = there > *most ? there : *most;
    }
    return 0;
}

