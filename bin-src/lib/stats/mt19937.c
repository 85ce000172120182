/* stats/mt19937.c: see mt19937.h */
#include "stats/mt19937.h"

enum { WORDS = MT19937_WORDS, SHIFT = 397 };

void mt19937_seed(struct mt19937 *mt, uint32_t seed)
{
    mt->state[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        mt->state[i] = 1812433253u * (mt->state[i - 1] ^ mt->state[i - 1] >> 30) + i;
    mt->at = WORDS;
}

static void renew(struct mt19937 *mt)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t mixed = (mt->state[i] & 0x80000000u) | (mt->state[(i + 1) % WORDS] & 0x7fffffffu);
        mt->state[i] = mt->state[(i + SHIFT) % WORDS] ^ mixed >> 1 ^ (mixed & 1 ? 0x9908b0dfu : 0);
    }
    mt->at = 0;
}

uint32_t mt19937_word(struct mt19937 *mt)
{
    if (mt->at == WORDS)
        renew(mt);
    uint32_t y = mt->state[mt->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

double mt19937_uniform(struct mt19937 *mt)
{
    uint32_t high = mt19937_word(mt) >> 5, low = mt19937_word(mt) >> 6;
    return ((double)high * 67108864 + (double)low) / 9007199254740992;
}
