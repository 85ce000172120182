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
        tm.tm_sec > 59)
        return false;
    int64_t fraction_ns = 0;
    if (text.len > 2 && text.ptr[0] == '.' && text.ptr[1] != 'Z') {
        text.ptr++, text.len--;
        fraction_ns = take_fraction_ns(&text);
    }
    if (!str_is(text, "Z"))
        return false;
    int day = tm.tm_mday;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *utc_ns = timegm(&tm) * NS_PER_S + fraction_ns;
    return tm.tm_mday == day; // not moved on, as February 30 is
}

int clock_parse_start(struct str text, int64_t *utc_ns, struct err *err)
{
    static const int64_t last_s = INT64_MAX / NS_PER_S - 1; // in 2262
    struct str whole = text, fraction = {0};
    struct err ignored;
    int64_t seconds;
    if (clock_parse_utc(text, utc_ns))
        return 0;
    if (text.len > 0 && text.ptr[0] == '@') {
        const char *point = memchr(text.ptr, '.', text.len);
        whole.len = point ? (size_t)(point - text.ptr) : text.len;
        if (point)
            fraction = (struct str){point + 1, text.len - whole.len - 1};
        bool has_digits = !point || fraction.len > 0;
        if (num_int((struct str){whole.ptr + 1, whole.len - 1}, 0, last_s, &seconds, &ignored) == 0 && has_digits) {
            *utc_ns = seconds * NS_PER_S + take_fraction_ns(&fraction);
            if (fraction.len == 0)
                return 0;
        }
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is not a time such as 2026-11-24T15:00:00Z, or @1795532400, seconds since 1970",
                   text.len < 40 ? (int)text.len : 40, text.ptr);
}
