/*
 * meter/served.h: what a server says of itself, in our names whatever server it is
 *
 *     struct served served;
 *     served_init(&served);
 *     while (...)
 *         served_add(&served, &series);
 *     for (int i = 0; i < SERVED_COUNT; i++)
 *         if (served_has(&served, i)) ... served_names[i], served_value(&served, i)
 *
 * The table of series is in served.c: vLLM's, SGLang's and llama.cpp's. A figure is the sum over all label sets of its
 * series (engines, models, sources); the share of the KV cache is their mean, which is the share of all of it, since
 * engines of one server have equal caches.
 */
#ifndef METER_SERVED_H
#define METER_SERVED_H

#include "meter/exposition.h"

enum served_figure {
    SERVED_RUNNING,           // requests
    SERVED_WAITING,           // requests
    SERVED_KV_CACHE_USAGE,    // 0 to 1
    SERVED_PROMPT_TOKENS,     // counters: since the server's start
    SERVED_GENERATION_TOKENS,
    SERVED_PREFIX_QUERIES,    // tokens looked up in the prefix cache
    SERVED_PREFIX_HITS,       // tokens found there
    SERVED_PREEMPTIONS,       // requests that lost their cache to others
    SERVED_COUNT,
};
extern const char *const served_names[SERVED_COUNT];

struct served {
    struct {
        double sum;
        unsigned count, rank; // rank: see the table
    } figures[SERVED_COUNT];
};

void served_init(struct served *served);
/* Nothing where the series is not in the table, or its value is no finite number. */
void served_add(struct served *served, const struct exposition_series *series);
bool served_has(const struct served *served, enum served_figure figure);
double served_value(const struct served *served, enum served_figure figure); // if it has one

#endif
