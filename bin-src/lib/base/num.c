/* base/num.c: see num.h */
#include "base/num.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int copy(char *out, size_t size, struct str text, const char *what, struct err *err)
{
    if (text.len == 0 || text.len >= size || memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_PARSE, "\"%.*s\" is not %s", text.len < 40 ? (int)text.len : 40, text.ptr, what);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return 0;
}

/* The C library would skip any blank and take a plus sign. */
static bool begins_number(const char *text)
{
    return text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9');
}

int num_int(struct str text, int64_t min, int64_t max, int64_t *value, struct err *err)
{
    char copied[64], *end;
    if (copy(copied, sizeof copied, text, "a whole number", err) < 0)
        return -1;
    errno = 0;
    long long parsed = strtoll(copied, &end, 10);
    if (end == copied || *end != '\0' || !begins_number(copied))
        return err_set(err, ERR_PARSE, "\"%s\" is not a whole number", copied);
    if (errno == ERANGE || parsed < min || parsed > max) // out of its own range, strtoll gives the nearest
        return err_set(err, ERR_RANGE, "%s is too %s (%lld to %lld)", copied, parsed < min || parsed == LLONG_MIN ? "small" : "large",
                       (long long)min, (long long)max);
    *value = parsed;
    return 0;
}

int num_double(struct str text, double min, double max, double *value, struct err *err)
{
    char copied[64], *end;
    if (copy(copied, sizeof copied, text, "a number", err) < 0)
        return -1;
    double parsed = strtod(copied, &end);
    if (end == copied || *end != '\0' || !begins_number(copied) || isnan(parsed) || strpbrk(copied, "xXnN"))
        return err_set(err, ERR_PARSE, "\"%s\" is not a number", copied);
    if (parsed < min || parsed > max)
        return err_set(err, ERR_RANGE, "%s is too %s (%.15g to %.15g)", copied, parsed < min ? "small" : "large", min, max);
    *value = parsed;
    return 0;
}

int num_duration_ns(struct str text, int64_t *ns, struct err *err)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"", 1e9}};
    size_t digits = text.len;
    while (digits > 0 && text.ptr[digits - 1] >= 'a' && text.ptr[digits - 1] <= 'z')
        digits--;
    struct str unit = {text.ptr + digits, text.len - digits};
    for (size_t i = 0; i < COUNT(units); i++) {
        double value;
        if (!str_is(unit, units[i].name))
            continue;
        if (num_double((struct str){text.ptr, digits}, 0, 1e9, &value, err) < 0)
            return err->kind == ERR_RANGE ? -1 : err_set(err, ERR_PARSE, "\"%.*s\" is not a time such as 500ms, 3s or 2m", STR_ARG(text));
        if (value * units[i].ns > 9e18)
            return err_set(err, ERR_RANGE, "%.*s is too long", STR_ARG(text));
        *ns = llround(value * units[i].ns);
        return 0;
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is not a time such as 500ms, 3s or 2m", STR_ARG(text));
}

size_t num_format_int(char *out, int64_t value)
{
    char digits[24];
    size_t count = 0, len = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        out[len++] = '-';
    while (count > 0)
        out[len++] = digits[--count];
    return len;
}

static const uint64_t powers[] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u};

/* digits / 10^places, without zeros at the end. */
static size_t format_decimal(char *out, uint64_t digits, int places)
{
    uint64_t fraction = digits % powers[places];
    size_t len = num_format_int(out, (int64_t)(digits / powers[places]));
    if (fraction > 0)
        out[len++] = '.';
    for (int place = places - 1; fraction > 0; place--) {
        out[len++] = (char)('0' + fraction / powers[place]);
        fraction %= powers[place];
    }
    out[len] = '\0';
    return len;
}

/*
 * The shortest of 15, 16 or 17 digits that reads back as the same number: what "%.15g" and so on print, many times as
 * fast. It is exact, since the value is m / 2^shift and m * 10^places has 128 bits; powers of two, below which numbers
 * lie closer, are exact in 15 digits. Returns 0 where that does not hold.
 */
static size_t format_plain(char *out, double value)
{
    double size = fabs(value);
    if (!(size >= 1e-3 && size < 1e15))
        return 0;
    int exponent, places = 17;
    uint64_t m = (uint64_t)ldexp(frexp(size, &exponent), 53);
    unsigned shift = (unsigned)(53 - exponent);
    unsigned __int128 exact, rounded, off, half = (unsigned __int128)1 << (shift - 1);
    for (double at = 1e-2; at <= size; at *= 10) // inexact below 1, where that costs a digit at most
        places--;
    for (int last = places + 2;; places++) {
        exact = (unsigned __int128)m * powers[places];
        rounded = (exact + half) >> shift;
        if ((exact & (2 * half - 1)) == half)
            rounded &= ~(unsigned __int128)1; // a tie: to the even one
        off = rounded << shift > exact ? (rounded << shift) - exact : exact - (rounded << shift);
        if (places == last || 2 * off < powers[places])
            break;
    }
    out[0] = '-';
    size_t sign = value < 0;
    return sign + format_decimal(out + sign, (uint64_t)rounded, places);
}

size_t num_format_double(char *out, size_t size, double value)
{
    if (value == trunc(value) && fabs(value) < 1e15) { // as most are
        size_t len = num_format_int(out, (int64_t)value);
        out[len] = '\0';
        return len;
    }
    size_t plain_len = format_plain(out, value);
    if (plain_len > 0)
        return plain_len;
    for (int digits = 15;; digits++) {
        int len = snprintf(out, size, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value)
            return (size_t)len;
    }
}
