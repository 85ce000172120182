/* report/slo.c: see slo.h */
#include "report/slo.h"

#include "base/num.h"

#include <math.h>

const char *const slo_names[SLO_COUNT] = {[SLO_TTFT] = "ttft", [SLO_TPOT] = "tpot", [SLO_ITL] = "itl", [SLO_E2E] = "e2e"};

static int parse_limit(struct slo *slo, struct str name, struct str value, struct err *err)
{
    int64_t ns;
    for (int i = 0; i < SLO_COUNT; i++) {
        if (!str_is(name, slo_names[i]))
            continue;
        if (!isnan(slo->limits[i]))
            return err_set(err, ERR_EXISTS, "%s is there twice", slo_names[i]);
        if (value.len > 0 && value.ptr[value.len - 1] >= '0' && value.ptr[value.len - 1] <= '9') // other tools mean ms, we would mean s
            return err_set(err, ERR_PARSE, "%s=%.*s: wants a unit, as in 200ms", slo_names[i], value.len < 40 ? (int)value.len : 40,
                           value.ptr);
        if (num_duration_ns(value, &ns, err) < 0)
            return err_prefix(err, "%s: ", slo_names[i]);
        slo->limits[i] = (double)ns;
        return 0;
    }
    return err_set(err, ERR_PARSE, "\"%.*s\" is none of ttft, tpot, itl, e2e", name.len < 40 ? (int)name.len : 40, name.ptr);
}

int slo_parse(struct slo *slo, const char *text, struct err *err)
{
    slo->text = text;
    for (int i = 0; i < SLO_COUNT; i++)
        slo->limits[i] = NAN;
    for (const char *at = text;; at++) {
        struct str part = {at, strcspn(at, ",")};
        const char *equals = memchr(at, '=', part.len);
        if (!equals)
            return err_set(err, ERR_PARSE, "\"%.*s\" is not a limit such as ttft=200ms", part.len < 40 ? (int)part.len : 40, at);
        struct str name = {at, (size_t)(equals - at)};
        if (parse_limit(slo, name, (struct str){equals + 1, part.len - name.len - 1}, err) < 0)
            return -1;
        at += part.len;
        if (*at == '\0')
            return 0;
    }
}

static double value_of(enum slo_limit limit, const struct measured *request, enum profile profile, const double figures[METRIC_COUNT])
{
    double value = NAN;
    switch (limit) {
    case SLO_TTFT:
        return isnan(figures[METRIC_TTFT_FROM_DUE]) ? figures[METRIC_TTFT] : figures[METRIC_TTFT_FROM_DUE];
    case SLO_TPOT:
        return request->output_tokens == 0 || request->output_tokens == 1 ? 0 : figures[METRIC_TPOT];
    case SLO_ITL:
        value = measured_longest_gap(request, profile);
        return isnan(value) && request->timing.chunk_count > 0 ? 0 : value;
    case SLO_E2E:
        return isnan(figures[METRIC_E2E_FROM_DUE]) ? figures[METRIC_E2E] : figures[METRIC_E2E_FROM_DUE];
    case SLO_COUNT:
        break;
    }
    return value;
}

struct slo_verdict slo_judge(const struct slo *slo, const struct measured *request, enum profile profile,
                             const double figures[METRIC_COUNT])
{
    struct slo_verdict verdict = {0};
    bool any = false;
    if (request->outcome != OUTCOME_COMPLETED)
        return verdict;
    for (int i = 0; i < SLO_COUNT; i++) {
        if (isnan(slo->limits[i]))
            continue;
        double value = value_of((enum slo_limit)i, request, profile, figures);
        verdict.violated[i] = value > slo->limits[i];
        any = any || verdict.violated[i];
        verdict.unmeasured = verdict.unmeasured || isnan(value);
    }
    verdict.unmeasured = verdict.unmeasured && !any;
    verdict.met = !any && !verdict.unmeasured;
    return verdict;
}
