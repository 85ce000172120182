/* stats/distribution.c: see distribution.h */
#include "stats/distribution.h"

#include "base/num.h"

#include <math.h>

enum unit { UNIT_NONE, UNIT_QUANTITY, UNIT_RATIO }; // a quantity is a time where times are asked for
static const struct {
    const char *name;
    enum unit first, second;
    const char *shape; // for people
} kinds[] = {
    [DISTRIBUTION_FIXED] = {"", UNIT_QUANTITY, UNIT_NONE, "VALUE"},
    [DISTRIBUTION_UNIFORM] = {"uniform", UNIT_QUANTITY, UNIT_QUANTITY, "uniform:MIN,MAX"},
    [DISTRIBUTION_NORMAL] = {"normal", UNIT_QUANTITY, UNIT_QUANTITY, "normal:MEAN,DEVIATION"},
    [DISTRIBUTION_LOGNORMAL] = {"lognormal", UNIT_QUANTITY, UNIT_RATIO, "lognormal:MEDIAN,SIGMA"},
    [DISTRIBUTION_EXP] = {"exp", UNIT_QUANTITY, UNIT_NONE, "exp:MEAN"},
    [DISTRIBUTION_GAMMA] = {"gamma", UNIT_QUANTITY, UNIT_RATIO, "gamma:MEAN,CV"},
};
_Static_assert(COUNT(kinds) == DISTRIBUTION_COUNT, "every distribution has a line");

static int parse_times(struct str text, double *value, struct err *err)
{
    int64_t ns;
    if (num_duration_ns(text, &ns, err) < 0)
        return -1;
    *value = (double)ns;
    return 0;
}

static int parse_numbers(struct str text, double *value, struct err *err)
{
    return num_double(text, 0, 1e15, value, err);
}

static int no_such_kind(struct str name, struct err *err)
{
    char known[256];
    size_t len = 0;
    for (size_t i = 1; i < COUNT(kinds); i++) {
        struct str shape = str_of(kinds[i].shape);
        memcpy(known + len, i > 1 ? ", " : "", i > 1 ? 2 : 0);
        len += i > 1 ? 2 : 0;
        memcpy(known + len, shape.ptr, shape.len);
        len += shape.len;
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is no distribution (known: a value alone, %.*s)", name.len < 40 ? (int)name.len : 40, name.ptr,
                   (int)len, known);
}

static int find_kind(struct str name, enum distribution_kind *kind, struct err *err)
{
    for (int i = 1; i < DISTRIBUTION_COUNT; i++)
        if (str_is(name, kinds[i].name)) {
            *kind = (enum distribution_kind)i;
            return 0;
        }
    return no_such_kind(name, err);
}

static int parse_one(enum unit unit, struct str text, double *value, int (*quantity)(struct str, double *, struct err *), struct err *err)
{
    return unit == UNIT_QUANTITY ? quantity(text, value, err) : num_double(text, 0, 10, value, err);
}

static int parse(struct distribution *out, struct str text, int (*quantity)(struct str, double *, struct err *), struct err *err)
{
    struct distribution parsed = {DISTRIBUTION_FIXED, 0, 0};
    struct str rest = text;
    const char *colon = memchr(text.ptr, ':', text.len);
    if (colon) {
        size_t len = (size_t)(colon - text.ptr);
        if (find_kind((struct str){text.ptr, len}, &parsed.kind, err) < 0)
            return -1;
        rest = (struct str){colon + 1, text.len - len - 1};
    }
    const char *comma = memchr(rest.ptr, ',', rest.len);
    if (!comma != (kinds[parsed.kind].second == UNIT_NONE))
        return err_set(err, ERR_PARSE, "\"%.*s\" is not %s", text.len < 80 ? (int)text.len : 80, text.ptr, kinds[parsed.kind].shape);
    size_t first = comma ? (size_t)(comma - rest.ptr) : rest.len;
    if (parse_one(kinds[parsed.kind].first, (struct str){rest.ptr, first}, &parsed.first, quantity, err) < 0)
        return -1;
    if (comma && parse_one(kinds[parsed.kind].second, (struct str){comma + 1, rest.len - first - 1}, &parsed.second, quantity, err) < 0)
        return -1;
    if (parsed.kind == DISTRIBUTION_UNIFORM && parsed.second < parsed.first)
        return err_set(err, ERR_RANGE, "\"%.*s\": the second must not be below the first", text.len < 80 ? (int)text.len : 80, text.ptr);
    *out = parsed;
    return 0;
}

int distribution_parse_ns(struct distribution *distribution, struct str text, struct err *err)
{
    return parse(distribution, text, parse_times, err);
}

int distribution_parse(struct distribution *distribution, struct str text, struct err *err)
{
    return parse(distribution, text, parse_numbers, err);
}

static double draw_gamma(double mean, double cv, struct rng *rng)
{
    if (cv == 0)
        return mean;
    double shape = 1 / (cv * cv);
    return rng_gamma(rng, shape) * (mean / shape);
}

double distribution_draw(const struct distribution *distribution, struct rng *rng)
{
    double first = distribution->first, second = distribution->second;
    switch (distribution->kind) {
    case DISTRIBUTION_FIXED:
        return first;
    case DISTRIBUTION_UNIFORM:
        return first + (second - first) * rng_uniform(rng);
    case DISTRIBUTION_NORMAL:
        return fmax(0, first + second * rng_normal(rng));
    case DISTRIBUTION_LOGNORMAL:
        return first * rng_lognormal(rng, second);
    case DISTRIBUTION_EXP:
        return first * rng_exponential(rng);
    case DISTRIBUTION_GAMMA:
        return draw_gamma(first, second, rng);
    case DISTRIBUTION_COUNT:
        break;
    }
    return 0;
}

int64_t distribution_draw_ns(const struct distribution *distribution, struct rng *rng)
{
    double value = distribution_draw(distribution, rng);
    return value < 9.2e18 ? llrint(value) : INT64_MAX;
}
