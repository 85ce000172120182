/* base/clock.c: see clock.h */
#include "base/clock.h"

#include "base/num.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_utc_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void clock_format_utc(char out[CLOCK_UTC_SIZE], int64_t utc_ns, int digits)
{
    time_t seconds = (time_t)(utc_ns / NS_PER_S);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, CLOCK_UTC_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    char fraction[24];
    snprintf(fraction, sizeof fraction, "%09lld", (long long)(utc_ns % NS_PER_S));
    snprintf(out + len, CLOCK_UTC_SIZE - len, digits > 0 ? ".%.*sZ" : "Z", digits, fraction);
}
