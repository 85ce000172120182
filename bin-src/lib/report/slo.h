/*
 * report/slo.h: a set of limits, and whether a request kept them
 *
 *     struct slo slo;
 *     if (slo_parse(&slo, "ttft=200ms,tpot=50ms,e2e=2s", &err) < 0) ...
 *     struct slo_verdict verdict = slo_judge(&slo, &request, PROFILE_CONTENT, figures);
 *
 * ttft and e2e count from when the request was due (from when it was sent, where nothing says when it was due); itl is
 * the longest gap of the stream. A value that equals its limit keeps it. An answer of one token keeps any tpot, and a
 * stream of one chunk any itl, as with vllm bench serve's goodput. What cannot be told (the ttft of what was not
 * streamed, the tpot of tokens that nobody counted) is not kept, and not violated either: it is unmeasured.
 */
#ifndef REPORT_SLO_H
#define REPORT_SLO_H

#include "report/measured.h"

enum slo_limit { SLO_TTFT, SLO_TPOT, SLO_ITL, SLO_E2E, SLO_COUNT };
extern const char *const slo_names[SLO_COUNT];

struct slo {
    const char *text;          // as it was given; the caller's
    double limits[SLO_COUNT];  // ns; NaN: there is none
};

struct slo_verdict {
    bool met;
    bool violated[SLO_COUNT];
    bool unmeasured; // none violated, and some not to be told
};

/* text must live as long as the slo. */
int slo_parse(struct slo *slo, const char *text, struct err *err);
/* figures are the request's (measured_figures). Only a completed request can meet limits; a failed one violates none. */
struct slo_verdict slo_judge(const struct slo *slo, const struct measured *request, enum profile profile,
                             const double figures[METRIC_COUNT]);

#endif
