/* stats/student.c: see student.h */
#include "stats/student.h"

#include <math.h>

static double log_gamma(double x)
{
    int sign; // lgamma would leave it in a variable that all threads share
    return lgamma_r(x, &sign);
}

/* The continued fraction of the incomplete beta function; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / fmax(fabs(1 + even * d), tiny) * copysign(1, 1 + even * d);
        c = 1 + even / c;
        h *= d * c;
        d = 1 / fmax(fabs(1 + odd * d), tiny) * copysign(1, 1 + odd * d);
        c = 1 + odd / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h;
}

double beta_below(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double student_below(double t, double freedom)
{
    if (isinf(freedom))
        return erfc(-t / sqrt(2)) / 2;
    double beyond = beta_below(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
    return t > 0 ? 1 - beyond : beyond;
}

double student_quantile(double p, double freedom)
{
    double low = -1, high = 1;
    while (student_below(low, freedom) > p && low > -1e300)
        low *= 2;
    while (student_below(high, freedom) < p && high < 1e300)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-14 * (fabs(low) + fabs(high)); i++) {
        double middle = (low + high) / 2;
        *(student_below(middle, freedom) < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct student_sample student_sample(const double *values, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = count > 0 ? sum / (double)count : NAN;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return (struct student_sample){count, mean, count > 1 ? squares / (double)(count - 1) : NAN};
}

double student_half_width(struct student_sample sample, double level)
{
    if (sample.count < 2)
        return NAN;
    return student_quantile((1 + level) / 2, (double)(sample.count - 1)) * sqrt(sample.variance / (double)sample.count);
}

static struct student_difference around(double difference, double error, double freedom, double level)
{
    double half = student_quantile((1 + level) / 2, freedom) * error;
    double p = error > 0 ? 2 * student_below(-fabs(difference) / error, freedom) : difference != 0 ? 0 : 1;
    return (struct student_difference){difference - half, difference + half, p};
}

struct student_difference student_difference(struct student_sample a, struct student_sample b, double level)
{
    double difference = b.mean - a.mean;
    if (a.count == 0 || b.count == 0 || a.count + b.count < 3)
        return (struct student_difference){NAN, NAN, NAN};
    if (a.count == 1 || b.count == 1) {
        struct student_sample known = a.count == 1 ? b : a;
        return around(difference, sqrt(known.variance * (1 + 1 / (double)known.count)), (double)(known.count - 1), level);
    }
    double of_a = a.variance / (double)a.count, of_b = b.variance / (double)b.count, both = of_a + of_b;
    double freedom = both * both / (of_a * of_a / (double)(a.count - 1) + of_b * of_b / (double)(b.count - 1));
    return around(difference, sqrt(both), both > 0 ? freedom : (double)(a.count + b.count - 2), level);
}

void student_share_interval(struct student_share share, double level, double *low, double *high)
{
    double n = (double)share.of, p = (double)share.count / n, z = student_quantile((1 + level) / 2, INFINITY);
    double middle = p + z * z / (2 * n), half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)), scale = 1 + z * z / n;
    *low = share.of == 0 ? NAN : share.count == 0 ? 0 : (middle - half) / scale;
    *high = share.of == 0 ? NAN : share.count == share.of ? 1 : (middle + half) / scale;
}

static double log_choose(double n, double k)
{
    return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
}

/* All tables with the same sums that are no likelier than this one. */
static double fisher(struct student_share a, struct student_share b)
{
    double hits = (double)(a.count + b.count), na = (double)a.of, nb = (double)b.of, whole = log_choose(na + nb, hits), p = 0;
    double ours = log_choose(na, (double)a.count) + log_choose(nb, (double)b.count) - whole;
    for (double k = fmax(0, hits - nb); k <= fmin(hits, na); k++) {
        double theirs = log_choose(na, k) + log_choose(nb, hits - k) - whole;
        p += theirs <= ours + 1e-7 ? exp(theirs) : 0;
    }
    return fmin(p, 1);
}

struct student_difference student_share_difference(struct student_share a, struct student_share b, double level)
{
    double low_a, high_a, low_b, high_b;
    if (a.of == 0 || b.of == 0)
        return (struct student_difference){NAN, NAN, NAN};
    student_share_interval(a, level, &low_a, &high_a);
    student_share_interval(b, level, &low_b, &high_b);
    double pa = (double)a.count / (double)a.of, pb = (double)b.count / (double)b.of;
    return (struct student_difference){pb - pa - hypot(pb - low_b, high_a - pa), pb - pa + hypot(high_b - pb, pa - low_a), fisher(a, b)};
}
