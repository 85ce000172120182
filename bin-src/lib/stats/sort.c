/* stats/sort.c: see sort.h */
#include "stats/sort.h"

#include <stdlib.h>

enum { DIGIT_BITS = 11, DIGITS = 6, VALUES = 1 << DIGIT_BITS }; // 6 x 11 bits cover 64

struct table {
    uint64_t *keys;
    uint32_t *tags; // NULL: there are none
};

static unsigned digit_of(uint64_t key, int digit)
{
    return (unsigned)(key >> (digit * DIGIT_BITS)) & (VALUES - 1);
}

/* Turns how often each value of a digit occurs into where the first such key goes. False: all keys agree in it. */
static int places_of(size_t places[VALUES], size_t count)
{
    size_t at = 0;
    for (int value = 0; value < VALUES; value++) {
        size_t here = places[value];
        if (here == count)
            return 0;
        places[value] = at;
        at += here;
    }
    return 1;
}

static void scatter(struct table from, struct table to, size_t count, int digit, size_t places[VALUES])
{
    for (size_t i = 0; i < count; i++) {
        size_t place = places[digit_of(from.keys[i], digit)]++;
        to.keys[place] = from.keys[i];
        if (from.tags)
            to.tags[place] = from.tags[i];
    }
}

static void sort(struct table table, struct table scratch, size_t count, size_t places[DIGITS][VALUES])
{
    struct table from = table, to = scratch;
    for (size_t i = 0; i < count; i++)
        for (int digit = 0; digit < DIGITS; digit++)
            places[digit][digit_of(table.keys[i], digit)]++;
    for (int digit = 0; digit < DIGITS; digit++) {
        if (!places_of(places[digit], count))
            continue;
        scatter(from, to, count, digit, places[digit]);
        struct table turned = from;
        from = to;
        to = turned;
    }
    if (from.keys == table.keys)
        return;
    memcpy(table.keys, from.keys, count * sizeof *table.keys);
    if (table.tags)
        memcpy(table.tags, from.tags, count * sizeof *table.tags);
}

int sort_keys(uint64_t *keys, uint32_t *tags, size_t count, struct err *err)
{
    if (count < 2)
        return 0;
    struct table scratch = {malloc(count * sizeof *keys), tags ? malloc(count * sizeof *tags) : NULL};
    size_t(*places)[VALUES] = calloc(DIGITS, sizeof *places);
    int rc = -1;
    if (!scratch.keys || (tags && !scratch.tags) || !places)
        err_nomem(err);
    else {
        sort((struct table){keys, tags}, scratch, count, places);
        rc = 0;
    }
    free(scratch.keys);
    free(scratch.tags);
    free(places);
    return rc;
}
