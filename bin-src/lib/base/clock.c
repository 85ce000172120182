/* base/clock.c: see clock.h */
#include "base/clock.h"

#include "base/num.h"

#include <ctype.h>
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

static const char utc_form[] = "dddd-dd-ddTdd:dd:dd";
enum { UTC_LEN = sizeof utc_form - 1 };

/* ".5" as ns; -1: it is no fraction, of nine digits at most. Nothing is 0. */
static int64_t read_fraction(struct str text)
{
    int64_t ns = 0, digit_ns = NS_PER_S / 10;
    if (text.len == 0)
        return 0;
    if (text.len < 2 || text.len > 10 || text.ptr[0] != '.')
        return -1;
    for (size_t i = 1; i < text.len; i++, digit_ns /= 10) {
        if (!isdigit((unsigned char)text.ptr[i]))
            return -1;
        ns += (text.ptr[i] - '0') * digit_ns;
    }
    return ns;
}

static bool has_utc_form(struct str text)
{
    if (text.len <= UTC_LEN || text.ptr[text.len - 1] != 'Z')
        return false;
    for (size_t i = 0; i < UTC_LEN; i++)
        if (utc_form[i] == 'd' ? !isdigit((unsigned char)text.ptr[i]) : text.ptr[i] != utc_form[i])
            return false;
    return true;
}

/* Days and hours that there are: no February 30. */
static bool is_in_calendar(struct str text, int64_t seconds)
{
    char back[CLOCK_UTC_SIZE];
    clock_format_utc(back, seconds * NS_PER_S, 0);
    return memcmp(back, text.ptr, UTC_LEN) == 0;
}

int clock_parse_utc(struct str text, int64_t *utc_ns, struct err *err)
{
    static const int64_t last_s = INT64_MAX / NS_PER_S - 1; // in 2262
    struct str whole = text, fraction;
    struct tm tm = {0};
    struct err ignored;
    int64_t seconds = -1;
    if (text.len > 0 && text.ptr[0] == '@') {
        const char *point = memchr(text.ptr, '.', text.len);
        whole.len = point ? (size_t)(point - text.ptr) : text.len;
        fraction = (struct str){text.ptr + whole.len, text.len - whole.len};
        if (num_int((struct str){whole.ptr + 1, whole.len - 1}, 0, last_s, &seconds, &ignored) < 0)
            seconds = -1;
    } else if (has_utc_form(text)) {
        char copy[UTC_LEN + 1] = "";
        memcpy(copy, text.ptr, UTC_LEN);
        strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
        seconds = timegm(&tm);
        fraction = (struct str){text.ptr + UTC_LEN, text.len - UTC_LEN - 1};
        if (seconds < 0 || seconds > last_s || !is_in_calendar(text, seconds))
            seconds = -1;
    }
    int64_t fraction_ns = seconds < 0 ? -1 : read_fraction(fraction);
    if (fraction_ns < 0)
        return err_set(err, ERR_PARSE, "\"%.*s\" is not a time such as 2026-11-24T15:00:00Z, or @1795532400, seconds since 1970",
                       text.len < 40 ? (int)text.len : 40, text.ptr);
    *utc_ns = seconds * NS_PER_S + fraction_ns;
    return 0;
}
