/*
 * base/clock.h: time, in nanoseconds
 *
 * All measuring is on CLOCK_MONOTONIC. UTC is for people and for telling runs apart.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

int64_t clock_ns(void);     // CLOCK_MONOTONIC
int64_t clock_utc_ns(void); // CLOCK_REALTIME, since 1970

#define CLOCK_UTC_SIZE 32
/* "2026-11-24T07:43:00.123456789Z"; digits is how many of the fraction, 0 to 9. */
void clock_format_utc(char out[CLOCK_UTC_SIZE], int64_t utc_ns, int digits);

/* The other way, of a time with any number of digits behind the second (those beyond ns are dropped); false: it is none. */
bool clock_parse_utc(struct str text, int64_t *utc_ns);
/* The same, or "@1795532400.5", seconds since 1970. */
int clock_parse_start(struct str text, int64_t *utc_ns, struct err *err);

/* CPU time that this thread has used. */
int64_t clock_thread_cpu_ns(void);

#endif
