/* tests/unit/near.h: two numbers that must be equal but for a tolerance. Include it behind cmocka.h. */
#ifndef TESTS_NEAR_H
#define TESTS_NEAR_H

#include <math.h>

#define assert_near(got, expected, tolerance) near_or_fail(got, expected, tolerance, __FILE__, __LINE__)

static inline void near_or_fail(double got, double expected, double tolerance, const char *file, int line)
{
    if (!(fabs(got - expected) <= tolerance)) {
        print_error("%.17g is not %.17g to within %g\n", got, expected, tolerance);
        _fail(file, line);
    }
}

#endif
