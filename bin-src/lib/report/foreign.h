/*
 * report/foreign.h: other programs' results, as records or as a summary of ours
 *
 *     struct foreign foreign = {0};
 *     foreign_begin(&foreign);                   // for each file
 *     const struct foreign_tool *tool = foreign_tell(rec->root);
 *     if (tool && foreign_convert(&foreign, tool, rec->root, &err) < 0) ...
 *     ... foreign.records, foreign.summaries ... // a JSON object a line each
 *     foreign_release(&foreign);
 *
 * What tells of each request becomes records of lm-send's schema (less what nobody kept: a text, a chunk's time);
 * what holds figures only becomes one object with the members of lm-stat --format json, as far as they go. Read are
 * the results of vllm bench serve (Python and Rust, with and without --save-detailed, and what has its shape: sglang),
 * of guidellm (schema 2, and 1 by its names), of aiperf (profile_export.jsonl, and the JSON of its summary), and
 * summaries that lm-stat itself wrote. How a file is told: by its members, never by its name.
 *
 * timing.load says what is known of how the load was driven, and has three members more: "tool", who measured it;
 * "duration_s", what that one takes for the duration; "placed": false where nobody kept when a request was sent, so
 * that its times have sense among themselves only.
 */
#ifndef REPORT_FOREIGN_H
#define REPORT_FOREIGN_H

#include "jsonl/jdoc.h"
#include "record/timing.h"
#include "report/measured.h"

struct foreign {
    struct buf records, summaries; // of the last conversion
    int64_t base_ns;               // aiperf: when the first request of this file was sent, Unix time; TIMING_NEVER: none yet
};

struct foreign_tool {
    const char *name; // as "tool" has it
    bool (*tell)(struct jval root);
    int (*convert)(struct foreign *foreign, struct jval root, struct err *err);
};
extern const struct foreign_tool foreign_vllm, foreign_guidellm, foreign_aiperf_line, foreign_aiperf, foreign_own;

void foreign_begin(struct foreign *foreign);
void foreign_release(struct foreign *foreign);
const struct foreign_tool *foreign_tell(struct jval root); // NULL: a record, or nothing that is known
/* Fails, naming the member, where the file is not what it seemed. */
int foreign_convert(struct foreign *foreign, const struct foreign_tool *tool, struct jval root, struct err *err);

/* For the tools. */

/* A number; NaN: there is none, or null. */
double foreign_number(struct jval object, const char *path);

/* How the load was driven. NaN, NULL: not known. */
struct foreign_load {
    const char *tool, *mode;
    double concurrency, rate_rps, burstiness, duration_s;
    bool unplaced;
};
void foreign_write_load(const struct foreign_load *load, struct buf *out);

struct foreign_request {
    struct str id;                       // empty: its number in the file
    struct str text;                     // ptr is NULL: not kept
    struct str failure;                  // why it failed; ptr is NULL: it did not
    const char *kind;                    // of the failure; NULL: as its text sounds, else http_status
    bool cancelled;
    int64_t input_tokens, output_tokens; // below 0: not counted
    const char *source;                  // who counted them: usage, tokenizer
    struct timing timing;
};
struct foreign_request foreign_request_none(void);
void foreign_add_request(struct foreign *foreign, const struct foreign_request *request, size_t number);

/* ns of seconds on some clock, from base_s on; TIMING_NEVER for NaN and what does not fit. */
int64_t foreign_ns(double at_s, double base_s);

/* What is not known is NaN, and absent then. */
struct foreign_summary {
    const char *profile;
    struct foreign_load load;
    double completed, failed, request_rps, output_tps, total_tps, input_tokens, output_tokens, goodput_rps, vllm_peak;
};
struct foreign_summary foreign_summary_none(const char *tool);
/* Begins an object; then the metrics, each an object whose members foreign_figure adds; then the end. */
void foreign_summary_begin(const struct foreign_summary *summary, struct buf *out);
void foreign_metric(struct buf *out, enum metric metric);
void foreign_figure(struct buf *out, const char *name, double value);
void foreign_summary_end(struct buf *out);

#endif
