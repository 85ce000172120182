/*
 * report/each.h: one line a request
 *
 *     struct each each = {.format = FORMAT_CSV, .profile = PROFILE_CONTENT, .slo = NULL};
 *     each_head(&each, &out);
 *     each_row(&each, &request, id, &out);
 *
 * Columns: id, input_tokens, output_tokens, queue_wait_ms (due to sent), inference_ms (sent to the last token),
 * ttft_ms (from sent), tpot_ms, e2e_ms (the first two together), tokens_per_s, slo_met, error. What a request does not
 * have is an absent member (JSON) or an empty cell; of one that was not completed, all from inference_ms to
 * tokens_per_s. slo_met is there if there is an slo.
 */
#ifndef REPORT_EACH_H
#define REPORT_EACH_H

#include "base/opt.h"
#include "report/slo.h"

struct each {
    enum opt_format format;
    enum profile profile;
    const struct slo *slo; // NULL: none
};

void each_head(const struct each *each, struct buf *out); // nothing for JSON
/* id: ptr is NULL where the record has none. */
void each_row(const struct each *each, const struct measured *request, struct str id, struct buf *out);

#endif
