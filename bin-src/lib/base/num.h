/*
 * base/num.h: numbers and text, both ways
 *
 * Readers take the whole text or fail, and say in the message what would be right. Durations have a unit (ns, us, ms,
 * s, m, h); a bare number is seconds.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

int num_int(struct str text, int64_t min, int64_t max, int64_t *value, struct err *err);
int num_double(struct str text, double min, double max, double *value, struct err *err);
int num_duration_ns(struct str text, int64_t *ns, struct err *err); // not negative

/* Writes without a final zero byte and returns the length; out has room for 24 characters. */
size_t num_format_int(char *out, int64_t value);
/* The fewest of 15, 16 or 17 digits that read back equal, zero-terminated. Returns the length. value is finite. */
size_t num_format_double(char *out, size_t size, double value);

#endif
