/*
 * stats/mt19937.h: the Mersenne twister, where another program's numbers are wanted (Matsumoto and Nishimura, 1998)
 *
 * For our own draws there is rng.h. This one gives the doubles of NumPy's legacy RandomState(seed).
 */
#ifndef STATS_MT19937_H
#define STATS_MT19937_H

#include <stdint.h>

#define MT19937_WORDS 624

struct mt19937 {
    uint32_t state[MT19937_WORDS];
    int at;
};

void mt19937_seed(struct mt19937 *mt, uint32_t seed);
uint32_t mt19937_word(struct mt19937 *mt);
double mt19937_uniform(struct mt19937 *mt); // [0, 1), of 53 bits

#endif
