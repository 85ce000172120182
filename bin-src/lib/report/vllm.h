/*
 * report/vllm.h: a run as the result that vllm bench serve --save-result writes
 *
 *     struct vllm *vllm = vllm_new(&plan);
 *     vllm_add(vllm, record, &request, &err);
 *     if (vllm_write(vllm, &out, &err) < 0) ...
 *     vllm_free(vllm);
 *
 * Fields, order, types and units are those of vllm/benchmarks/serve.py of 2026 (load-metrics, sections 3 and 5), and so
 * is what a figure means: latencies are from sent, a set without values is 0. Which chunks count, the profile says: those
 * from the first content to the last, as in 0.33 (_choice_has_streamed_output), or all, as in releases before that test.
 * What records do not hold the caller sets, else it is null. Warm-ups, and what was cancelled because we were told to,
 * are in none of it. Requests are in the order in which they were due, which is that of the data set. Tokens are what
 * was counted: where nobody did, a length is null, and so are the sums if that is so for all.
 *
 * Where this departs: the date is UTC; duration is from the start of the run, or of each of its parts, to the last end;
 * of requests that nobody scheduled (without due_ns, as lm-tap's) from the first that was sent.
 *
 * Holds all times of all chunks in memory.
 */
#ifndef REPORT_VLLM_H
#define REPORT_VLLM_H

#include "report/measured.h"
#include "report/slo.h"

enum vllm_metric { VLLM_TTFT, VLLM_TPOT, VLLM_ITL, VLLM_E2EL, VLLM_QUEUE_TIME, VLLM_E2EL_WITH_QUEUE, VLLM_METRICS };
extern const char *const vllm_metrics[VLLM_METRICS];

struct vllm_plan {
    enum profile profile;
    const double *percentiles; // 0 to 100
    size_t percentile_count;
    unsigned metrics;       // 1 << VLLM_TTFT, ...
    const struct slo *slo;  // for the goodput, from sent; NULL: none
    const char *const *set; // "label=x": fields that records do not hold, and strings of one's own
    size_t set_count;
    enum vllm_detail { VLLM_PLAIN, VLLM_DETAILED } detail; // detailed: the arrays, an element a request
};

struct vllm;

/* The metrics of a list such as "ttft,itl", as bits. */
int vllm_parse_metrics(const char *text, unsigned *metrics, struct err *err);

/* The plan, and what it points to, must live as long. NULL: out of memory. */
struct vllm *vllm_new(const struct vllm_plan *plan);
void vllm_free(struct vllm *vllm); // NULL is fine
int vllm_add(struct vllm *vllm, struct jval record, const struct measured *request, struct err *err);
/* Adds the object. Fails where a field that was set is one that is computed, or is no "key=value". */
int vllm_write(struct vllm *vllm, struct buf *out, struct err *err);

#endif
