/*
 * stats/rng.h: seeded random numbers, the same on every machine
 *
 *     struct rng rng = rng_stream(opt.seed, "arrivals", shard);
 *     double gap_s = rng_exponential(&rng) / rate_rps;
 *
 * Each use of randomness draws from a stream of its own, named after what it is for, so that a new draw here moves no
 * number there. The generator is xoshiro256** (Blackman and Vigna, 2018), its state filled by splitmix64 from a hash
 * of seed, name and shard. Logarithms and exponentials are computed here from +, -, * and / alone: a libm may differ
 * from another in the last bit, and by the processor. (The Makefile forbids the compiler to fuse them.)
 *
 * A struct rng is a plain value: a copy draws the same numbers again. One thread at a time.
 */
#ifndef STATS_RNG_H
#define STATS_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

struct rng rng_stream(int64_t seed, const char *name, int64_t shard);

uint64_t rng_bits(struct rng *rng);                // 64 of them
double rng_uniform(struct rng *rng);               // [0, 1), a multiple of 2^-53
uint64_t rng_below(struct rng *rng, uint64_t n);   // 0 to n - 1, each as likely; n > 0 (Lemire, 2019)
double rng_exponential(struct rng *rng);           // mean 1; by inversion, one draw
double rng_normal(struct rng *rng);                // mean 0, deviation 1 (Marsaglia's polar method)
double rng_lognormal(struct rng *rng, double sigma); // median 1; sigma of the logarithm
/* Mean and variance equal to shape > 0 (Marsaglia and Tsang, 2000; below 1: G(shape + 1) u^(1 / shape)). */
double rng_gamma(struct rng *rng, double shape);

#endif
