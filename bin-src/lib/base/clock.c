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

/* So many digits off the front, and what must stand behind them, if anything must. */
static bool take_number(struct str *text, int digits, char behind, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, text->ptr++, text->len--) {
        if (text->len == 0 || text->ptr[0] < '0' || text->ptr[0] > '9')
            return false;
        *value = *value * 10 + text->ptr[0] - '0';
    }
    if (behind == '\0')
        return true;
    if (text->len == 0 || text->ptr[0] != behind)
        return false;
    text->ptr++, text->len--;
    return true;
}

static int64_t take_fraction_ns(struct str *text)
{
    int64_t ns = 0, unit = NS_PER_S / 10;
    for (; text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9'; text->ptr++, text->len--, unit /= 10)
        ns += (text->ptr[0] - '0') * unit;
    return ns;
}

bool clock_parse_utc(struct str text, int64_t *utc_ns)
{
    struct tm tm = {0};
    int year, month;
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month) || !take_number(&text, 2, 'T', &tm.tm_mday) ||
        !take_number(&text, 2, ':', &tm.tm_hour) || !take_number(&text, 2, ':', &tm.tm_min) || !take_number(&text, 2, '\0', &tm.tm_sec))
        return false;
    // Beyond 2262 the ns since 1970 do not fit.
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60)
        return false;
    int64_t fraction_ns = 0;
    if (text.len > 1 && text.ptr[0] == '.') {
        text.ptr++, text.len--;
        fraction_ns = take_fraction_ns(&text);
    }
    if (!str_is(text, "Z"))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *utc_ns = timegm(&tm) * NS_PER_S + fraction_ns;
    return true;
}
