/*
 * report/compare.h: two sides, each one run or several, figure by figure (the definitions: lmutils-metrics(7))
 *
 *     struct compare *compare = compare_new(&plan);
 *     compare_run(compare, COMPARE_A, &err);                     // what is added next is of a new run of that side
 *     compare_add(compare, rec->root, &request, &err);
 *     ...
 *     if (compare_finish(compare, &err) < 0) ...
 *     compare_write_json(compare, &out);
 *     compare_free(compare);
 *
 * Several runs a side: the run is the unit, since runs of one server differ by more than chance within a run explains
 * (Kalibera and Jones, 2013). Each run gives one number, and two means of few numbers are compared by Student's
 * distribution (Welch, 1947). Resampling runs instead would be too sure of itself: of normal runs, three a side, its
 * intervals of 95% hold the truth in 79%, of five in 87%.
 *
 * One run a side: the request is the unit, and what runs differ by is not in the interval. All requests of both sides that
 * answer one item (meta.item, else session.id, else id) are one unit, drawn together (bootstrap.h): so runs over the same
 * items are paired, and the items' difficulty drops out. Throughput is compared over WINDOWS equal parts of each run's
 * time (batch means), and shares of which there are few by their own small-sample intervals (student.h).
 *
 * Verdicts are at the plan's level for all figures together: Holm's (1979) step-down over the figures that have a p.
 * Memory: what the summary keeps of each run, and 32 bytes a request.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report/figure.h"

enum { COMPARE_WINDOWS = 20 };
enum compare_side { COMPARE_A, COMPARE_B, COMPARE_SIDES };

enum compare_method { COMPARE_NOT, COMPARE_RUNS, COMPARE_BOOTSTRAP, COMPARE_BATCHES, COMPARE_SHARES, COMPARE_METHODS };
extern const char *const compare_methods[COMPARE_METHODS];

enum compare_verdict {
    COMPARE_UNTOLD, // there is no interval: too few values, or none
    COMPARE_NO_DIFFERENCE,
    COMPARE_BETTER, // B is better than A
    COMPARE_WORSE,
    COMPARE_VERDICTS,
};
extern const char *const compare_verdicts[COMPARE_VERDICTS];

struct compare_plan {
    struct summary_plan summary; // profile, keep, SLOs, resamples, seed; and ci_level, of the intervals
    const struct figure *figures;
    size_t figure_count;
};

/* Values are in the figure's own unit (ns, shares); NaN: there is none. */
struct compare_result {
    double values[COMPARE_SIDES];
    double difference, ratio; // B less A, B by A
    struct bootstrap_interval difference_interval, ratio_interval;
    double p, p_holm;
    enum compare_method method;
    enum compare_verdict verdict;
};

struct compare_run;
struct compare {
    const struct compare_plan *plan;
    struct summary_plan summary_plan;
    struct compare_run *runs[COMPARE_SIDES];
    size_t run_count[COMPARE_SIDES];
    enum compare_side side;         // of the run that is being added to
    void *units;                    // by their keys (tsearch)
    uint32_t unit_count;
    struct buf key;
    struct compare_result *results; // finished: one a figure
    uint64_t shared_units;          // finished: that both sides have
    size_t looked_at;               // finished: figures that have a p
};

/* The plan, and what it points to, must live as long. NULL: out of memory. */
struct compare *compare_new(const struct compare_plan *plan);
void compare_free(struct compare *compare); // NULL is fine
int compare_run(struct compare *compare, enum compare_side side, struct err *err);
int compare_add(struct compare *compare, struct jval record, const struct measured *request, struct err *err);
int compare_finish(struct compare *compare, struct err *err);

/* The summary of a run. */
const struct summary *compare_summary(const struct compare *compare, enum compare_side side, size_t run);

/* names: what each side is called. JSON: the members, onto an object that is open. */
void compare_write_json(const struct compare *compare, const char *const names[COMPARE_SIDES], struct buf *out);
void compare_write_table(const struct compare *compare, const char *const names[COMPARE_SIDES], enum grid_style style, struct buf *out);

#endif
