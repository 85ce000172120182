/* stats/rng.c: see rng.h */
#include "stats/rng.h"

#include <math.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct rng rng_stream(int64_t seed, const char *name, int64_t shard)
{
    uint64_t state = (uint64_t)seed;
    struct rng rng;
    for (const char *c = name; *c; c++)
        state = splitmix(&state) ^ (unsigned char)*c;
    state = splitmix(&state) ^ (uint64_t)shard;
    for (int i = 0; i < 4; i++)
        rng.state[i] = splitmix(&state);
    return rng;
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t rng_bits(struct rng *rng)
{
    uint64_t *s = rng->state, bits = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return bits;
}

double rng_uniform(struct rng *rng)
{
    return (double)(rng_bits(rng) >> 11) * 0x1p-53;
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    unsigned __int128 product = (unsigned __int128)rng_bits(rng) * n;
    if ((uint64_t)product < n) // only here may a draw belong to the uneven rest
        for (uint64_t rest = -n % n; (uint64_t)product < rest;)
            product = (unsigned __int128)rng_bits(rng) * n;
    return (uint64_t)(product >> 64);
}

static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33; // the high part times any exponent is exact

/* ln x for a finite x > 0: x = m 2^e with m near 1, and ln m = 2 atanh s = 2 (s + s^3/3 + s^5/5 ...), s = (m - 1) / (m + 1). */
static double natural_log(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0; // z < 0.0295: the terms left out are below 2^-55
    for (int k = 23; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * z;
    return e * LN2_HIGH + (2 * s + (2 * s * sum + e * LN2_LOW));
}

/* e^x: x = k ln 2 + r with |r| < 0.35, and Taylor's series of r. */
static double natural_exp(double x)
{
    if (x < -745)
        return 0;
    if (x > 709)
        return INFINITY;
    double k = rint(x * 1.4426950408889634), r = x - k * LN2_HIGH - k * LN2_LOW, sum = 1;
    for (int i = 15; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

double rng_exponential(struct rng *rng)
{
    return -natural_log(1 - rng_uniform(rng)) + 0.0; // no -0
}

double rng_normal(struct rng *rng)
{
    double u, v, square;
    do {
        u = 2 * rng_uniform(rng) - 1;
        v = 2 * rng_uniform(rng) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    // The pair's other number is not kept: a stream is then its generator's state and nothing else.
    return u * sqrt(-2 * natural_log(square) / square);
}

double rng_lognormal(struct rng *rng, double sigma)
{
    return natural_exp(sigma * rng_normal(rng));
}

double rng_gamma(struct rng *rng, double shape)
{
    if (shape < 1) {
        double u = 1 - rng_uniform(rng);
        return rng_gamma(rng, shape + 1) * natural_exp(natural_log(u) / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(rng), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (natural_log(1 - rng_uniform(rng)) < x * x / 2 + d - d * v + d * natural_log(v))
            return d * v;
    }
}
