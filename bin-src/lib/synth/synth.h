/*
 * synth/synth.h: workloads out of a seed
 *
 *     const struct synth_kind *kind = synth_find("prompts");
 *     if (!kind || kind->run(&options, &err) < 0) ...
 *
 * A kind is one file and one line of the table in synth.c. It writes records to standard output (base/out.h): items of its
 * own, or, as a filter, those that it reads, with members of its own behind. The same options give the same bytes on every
 * machine, and those of a smaller count are the first of a greater's.
 */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include "base/buf.h"
#include "stats/arrivals.h"
#include "stats/distribution.h"
#include "synth/tokenizer.h"

struct synth_options {
    char *const *paths; // of filters; ends with NULL
    int64_t count;      // items to make, records to read; 0: not said
    int64_t seed;
    unsigned own_flags; // of filters: record/own.h

    /* prompts, sessions: how long. */
    struct distribution input_tokens, output_tokens;
    int64_t prefixes, prefix_tokens;           // so many shared beginnings of that length; 0: none
    const struct tokenizer_options *tokenizer; // whose tokens are counted; NULL: words are

    /* sessions */
    struct distribution turns, think_ns;

    /* arrivals */
    struct arrivals_plan plan;
    bool exact_span;

    /* graph */
    struct distribution nodes, weights;
    double density;     // the share of possible edges that are there
    double unreachable; // the share of problems without a path
    int64_t k;          // ask for so many paths; 0: for the shortest
    bool directed;

    /* Tells of a record that is left as it was, or not made. */
    void (*report)(const char *where, const struct err *err);
};

struct synth_kind {
    const char *name, *does;
    const char *const *options; // the long names of those that it takes; NULL at the end
    /* -1: cannot go on. */
    int (*run)(const struct synth_options *options, struct err *err);
};
extern const struct synth_kind synth_kinds[]; // ends with a NULL name

const struct synth_kind *synth_find(const char *name); // NULL: there is none

/* For the kinds. */

/* A whole number, at least least. A uniform one is each from the first to the second as likely; others are rounded. */
int64_t synth_draw(const struct distribution *distribution, struct rng *rng, int64_t least);
/* Begins an item: {"id":"synth/KIND/SEED/NUMBER","task":TASK. */
void synth_begin(const struct synth_options *options, const char *kind, int64_t number, const char *task, struct buf *out);
/* Writes the item as a line, and empties out. */
int synth_end(struct buf *out, struct err *err);

int synth_prompts(const struct synth_options *options, struct err *err);
int synth_sessions(const struct synth_options *options, struct err *err);
int synth_arrivals(const struct synth_options *options, struct err *err);
int synth_graph(const struct synth_options *options, struct err *err);

#endif
