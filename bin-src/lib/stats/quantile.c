/*
 * stats/quantile.c: see quantile.h
 *
 * Kept values are held as sort keys (sort.h) until they are settled, and as doubles after that; the two have one
 * size, so they share the memory. A page of the sketch holds the buckets of one sign and exponent.
 */
#include "stats/quantile.h"

#include "stats/sort.h"

#include <math.h>
#include <stdlib.h>

enum { MANTISSA_BITS = 11, PAGE_BUCKETS = 1 << MANTISSA_BITS, PAGES = 1 << 12, BUCKET_SHIFT = 52 - MANTISSA_BITS };

struct page {
    uint64_t buckets[PAGE_BUCKETS];
};

/* A sum of doubles and what rounding took from it (Neumaier, 1974). */
struct sum {
    double high, low;
};

struct sketch {
    struct page *pages[PAGES]; // by the upper 12 bits of the sort key; NULL: holds nothing
    double shift;              // near the mean: sums are taken from there, so that their difference keeps its digits
    struct sum sum, squares;   // of value - shift
    double min, max;
};

struct quantiles {
    size_t keep, room;
    uint64_t count;
    uint64_t *keys;     // the kept values; NULL: there are none
    uint32_t *tags;     // of the kept values
    struct sketch *sketch; // NULL: all values are kept
    enum quantiles_flags flags;
    bool settled; // keys holds doubles, in order
    struct quantiles_moments moments; // of the kept values, when settled
};

struct quantiles *quantiles_new(size_t keep, enum quantiles_flags flags)
{
    struct quantiles *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->keep = keep;
    q->flags = flags;
    return q;
}

static void sketch_free(struct sketch *sketch)
{
    if (!sketch)
        return;
    for (int i = 0; i < PAGES; i++)
        free(sketch->pages[i]);
    free(sketch);
}

void quantiles_free(struct quantiles *q)
{
    if (!q)
        return;
    sketch_free(q->sketch);
    free(q->keys);
    free(q->tags);
    free(q);
}

static void sum_add(struct sum *sum, double value)
{
    double total = sum->high + value;
    sum->low += fabs(sum->high) >= fabs(value) ? sum->high - total + value : value - total + sum->high;
    sum->high = total;
}

static double sum_of(struct sum sum)
{
    return sum.high + sum.low;
}

static struct page *page_of(struct sketch *sketch, uint64_t key, struct err *err)
{
    struct page **page = &sketch->pages[key >> 52];
    if (!*page && !(*page = calloc(1, sizeof **page)))
        err_nomem(err);
    return *page;
}

static int sketch_add(struct sketch *sketch, double value, struct err *err)
{
    uint64_t key = sort_key_of_double(value);
    struct page *page = page_of(sketch, key, err);
    if (!page)
        return -1;
    double apart = value - sketch->shift;
    page->buckets[key >> BUCKET_SHIFT & (PAGE_BUCKETS - 1)]++;
    sum_add(&sketch->sum, apart);
    sum_add(&sketch->squares, apart * apart);
    sketch->min = value < sketch->min ? value : sketch->min;
    sketch->max = value > sketch->max ? value : sketch->max;
    return 0;
}

static double kept_value(const struct quantiles *q, size_t i)
{
    return q->settled ? ((const double *)q->keys)[i] : sort_double_of_key(q->keys[i]);
}

/* next: the value that no longer is to be kept; what stands for the mean where none is. */
static int become_sketch(struct quantiles *q, double next, struct err *err)
{
    struct sketch *sketch = calloc(1, sizeof *sketch);
    struct sum sum = {0};
    if (!sketch)
        return err_nomem(err);
    for (size_t i = 0; i < q->count; i++)
        sum_add(&sum, kept_value(q, i));
    sketch->shift = q->count > 0 ? sum_of(sum) / (double)q->count : next;
    sketch->min = INFINITY;
    sketch->max = -INFINITY;
    for (size_t i = 0; i < q->count; i++)
        if (sketch_add(sketch, kept_value(q, i), err) < 0) {
            sketch_free(sketch);
            return -1;
        }
    q->sketch = sketch;
    free(q->keys);
    free(q->tags);
    q->keys = NULL;
    q->tags = NULL;
    return 0;
}

static int make_room(struct quantiles *q, struct err *err)
{
    enum { FIRST = 64 };
    size_t room = q->room < FIRST ? FIRST : q->room * 2;
    room = room < q->keep ? room : q->keep;
    uint64_t *keys = realloc(q->keys, room * sizeof *keys);
    if (!keys)
        return err_nomem(err);
    q->keys = keys;
    if (q->flags & QUANTILES_TAGGED) {
        uint32_t *tags = realloc(q->tags, room * sizeof *tags);
        if (!tags)
            return err_nomem(err);
        q->tags = tags;
    }
    q->room = room;
    return 0;
}

/* Takes the kept values back to sort keys, so that more can be added. */
static void unsettle(struct quantiles *q)
{
    if (!q->sketch)
        for (size_t i = 0; i < q->count; i++)
            q->keys[i] = sort_key_of_double(((double *)q->keys)[i]);
    q->settled = false;
}

int quantiles_add(struct quantiles *q, double value, uint32_t tag, struct err *err)
{
    if (!isfinite(value))
        return err_set(err, ERR_RANGE, "%g is no value of a sample", value);
    if (q->settled)
        unsettle(q);
    if (!q->sketch && q->count == q->keep && become_sketch(q, value, err) < 0)
        return -1;
    if (q->sketch) {
        if (sketch_add(q->sketch, value, err) < 0)
            return -1;
    } else {
        if (q->count == q->room && make_room(q, err) < 0)
            return -1;
        q->keys[q->count] = sort_key_of_double(value);
        if (q->tags)
            q->tags[q->count] = tag;
    }
    q->count++;
    return 0;
}

static int add_sketch(struct quantiles *q, const struct sketch *from, uint64_t from_count, struct err *err)
{
    struct sketch *to = q->sketch;
    for (uint64_t i = 0; i < PAGES; i++) {
        if (!from->pages[i])
            continue;
        struct page *page = page_of(to, i << 52, err);
        if (!page)
            return -1;
        for (int bucket = 0; bucket < PAGE_BUCKETS; bucket++)
            page->buckets[bucket] += from->pages[i]->buckets[bucket];
    }
    // (x - to) is (x - from) + apart, and its square (x - from)^2 + 2 apart (x - from) + apart^2.
    double apart = from->shift - to->shift, sum = sum_of(from->sum), n = (double)from_count;
    sum_add(&to->sum, sum);
    sum_add(&to->sum, n * apart);
    sum_add(&to->squares, sum_of(from->squares));
    sum_add(&to->squares, 2 * apart * sum);
    sum_add(&to->squares, n * apart * apart);
    to->min = fmin(to->min, from->min);
    to->max = fmax(to->max, from->max);
    q->count += from_count;
    return 0;
}

int quantiles_add_all(struct quantiles *q, const struct quantiles *other, struct err *err)
{
    if (other->sketch) {
        if (q->settled)
            unsettle(q);
        if (!q->sketch && become_sketch(q, other->sketch->shift, err) < 0)
            return -1;
        return add_sketch(q, other->sketch, other->count, err);
    }
    for (size_t i = 0; i < other->count; i++)
        if (quantiles_add(q, kept_value(other, i), other->tags ? other->tags[i] : 0, err) < 0)
            return -1;
    return 0;
}

uint64_t quantiles_count(const struct quantiles *q)
{
    return q->count;
}

bool quantiles_exact(const struct quantiles *q)
{
    return !q->sketch;
}

/* Two passes: first the mean, then the distances from it. */
static struct quantiles_moments moments_of(const double *values, size_t count)
{
    struct sum sum = {0}, squares = {0};
    if (count == 0)
        return (struct quantiles_moments){NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++)
        sum_add(&sum, values[i]);
    double mean = sum_of(sum) / (double)count;
    for (size_t i = 0; i < count; i++)
        sum_add(&squares, (values[i] - mean) * (values[i] - mean));
    return (struct quantiles_moments){mean, sqrt(sum_of(squares) / (double)count), values[0], values[count - 1]};
}

int quantiles_settle(struct quantiles *q, struct err *err)
{
    if (q->settled)
        return 0;
    if (!q->sketch) {
        if (sort_keys(q->keys, q->tags, q->count, err) < 0)
            return -1;
        double *values = (double *)q->keys;
        for (size_t i = 0; i < q->count; i++)
            values[i] = sort_double_of_key(q->keys[i]);
        q->moments = moments_of(values, q->count);
    }
    q->settled = true;
    return 0;
}

struct quantiles_moments quantiles_moments(const struct quantiles *q)
{
    if (!q->sketch)
        return q->moments;
    const struct sketch *sketch = q->sketch;
    double n = (double)q->count, apart = sum_of(sketch->sum) / n, variance = sum_of(sketch->squares) / n - apart * apart;
    return (struct quantiles_moments){sketch->shift + apart, sqrt(fmax(variance, 0)), sketch->min, sketch->max};
}

/* The middle of a bucket. What has the smallest exponent is 0 or too near to it to tell. */
static double bucket_value(const struct sketch *sketch, uint64_t page, uint64_t bucket)
{
    uint64_t key = page << 52 | bucket << BUCKET_SHIFT;
    double from = sort_double_of_key(key), to = sort_double_of_key(key + (1ull << BUCKET_SHIFT) - 1);
    double middle = fabs(from) < 0x1p-1022 || fabs(to) < 0x1p-1022 ? 0 : from + (to - from) / 2;
    return fmin(fmax(middle, sketch->min), sketch->max);
}

/* The value at a place in the order, 0 the smallest. */
static double sketch_at(const struct sketch *sketch, uint64_t place)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        const struct page *page = sketch->pages[i];
        for (uint64_t bucket = 0; page && bucket < PAGE_BUCKETS; bucket++) {
            if (place < page->buckets[bucket])
                return bucket_value(sketch, i, bucket);
            place -= page->buckets[bucket];
        }
    }
    return sketch->max;
}

static double value_at(const struct quantiles *q, uint64_t place)
{
    return q->sketch ? sketch_at(q->sketch, place) : ((const double *)q->keys)[place];
}

double quantiles_at(const struct quantiles *q, double p)
{
    if (q->count == 0)
        return NAN;
    struct quantiles_place place = quantiles_place(q->count, p);
    double low = value_at(q, place.at);
    if (place.share == 0)
        return low;
    return low + (value_at(q, place.at + 1) - low) * place.share;
}

struct quantiles_kept quantiles_kept(const struct quantiles *q)
{
    if (q->sketch)
        return (struct quantiles_kept){0};
    return (struct quantiles_kept){(const double *)q->keys, q->tags, q->count};
}
