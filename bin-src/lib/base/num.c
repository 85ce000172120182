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

/* A decimal of at most six places and 15 digits, which reads back equal: what %.15g prints, many times as fast. A time
 * in ms that was counted in ns is one. Returns 0 where the value is none. */
static size_t format_millionths(char *out, double value)
{
    double millionths = nearbyint(value * 1e6);
    if (fabs(value) < 1e-4 || fabs(millionths) >= 1e15 || millionths / 1e6 != value)
        return 0;
    int64_t left = (int64_t)fabs(millionths), fraction = left % 1000000;
    size_t sign = value < 0;
    out[0] = '-';
    size_t len = sign + num_format_int(out + sign, left / 1000000);
    out[len++] = '.';
    for (int64_t place = 100000; fraction > 0; place /= 10) {
        out[len++] = (char)('0' + fraction / place);
        fraction %= place;
    }
    out[len] = '\0';
    return len;
}

size_t num_format_double(char *out, size_t size, double value)
{
    if (value == trunc(value) && fabs(value) < 1e15) { // as most are
        size_t len = num_format_int(out, (int64_t)value);
        out[len] = '\0';
        return len;
    }
    size_t short_len = format_millionths(out, value);
    if (short_len > 0)
        return short_len;
    for (int digits = 15;; digits++) {
        int len = snprintf(out, size, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value)
            return (size_t)len;
    }
}
