/*
 * stats/student.h: how far the mean of few numbers may be off, and shares of few trials
 *
 *     struct student_sample a = student_sample(runs_a, 5), b = student_sample(runs_b, 5);
 *     struct student_difference d = student_difference(a, b, 0.95);
 *     d.low, d.high, d.p ...
 *
 * The distributions are computed from the incomplete beta function (its continued fraction by Lentz's method, as in
 * Abramowitz and Stegun 26.5.8), good to 1e-12.
 */
#ifndef STATS_STUDENT_H
#define STATS_STUDENT_H

#include <stddef.h>
#include <stdint.h>

/* The share of the beta distribution with parameters a, b > 0 that lies below x, 0 to 1. */
double beta_below(double x, double a, double b);

/* The share of Student's distribution that lies below t; freedom > 0, INFINITY: the normal one. */
double student_below(double t, double freedom);
/* Where the share p, 0 < p < 1, lies below. */
double student_quantile(double p, double freedom);

struct student_sample {
    size_t count;
    double mean, variance; // of the population, estimated (divided by the count less one); NaN where it cannot be told
};
struct student_sample student_sample(const double *values, size_t count);
/* Half the width of the interval of its mean; NaN below two values. */
double student_half_width(struct student_sample sample, double level);

/* b less a, the interval of that difference, and how likely one as large is where there is none. NaN: cannot be told. */
struct student_difference {
    double low, high, p;
};
/* Welch's (1947) interval. Where one side has a single value, both are taken to vary as the other does. */
struct student_difference student_difference(struct student_sample a, struct student_sample b, double level);

/* Of trials, so many went so. */
struct student_share {
    uint64_t count, of;
};
/* Between which shares the true one lies (Wilson, 1927). */
void student_share_interval(struct student_share share, double level, double *low, double *high);
/* The same of the difference of two (Newcombe 1998, method 10); p by Fisher's exact test. Good for few, and for none. */
struct student_difference student_share_difference(struct student_share a, struct student_share b, double level);

#endif
