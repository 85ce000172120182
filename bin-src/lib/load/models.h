/*
 * load/models.h: several models that requests ask for, such as the adapters of one server
 *
 *     struct models models;
 *     if (models_init(&models, names, 2, "3,1", &err) < 0) ...
 *     size_t model = models_pick(&models, seed, place);
 *     models_release(&models);
 *
 * In turn, or by weight from a stream of the seed; both by the record's place in the input, so that a rerun and a
 * resumed run ask the same of the same record.
 */
#ifndef LOAD_MODELS_H
#define LOAD_MODELS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct model {
    struct str name;
    struct str json; // the name as JSON text, ours
    double weight, upto; // upto: the sum of the weights up to and with this one
};

struct models {
    struct model *models;
    size_t count; // 0: requests ask for what they say
    bool drawn;   // by weight; else in turn
};

/* weights: one a name, with commas, above 0; NULL: in turn. The names must live as long. ERR_PARSE, ERR_RANGE: the weights. */
int models_init(struct models *models, const char *const *names, size_t count, const char *weights, struct err *err);
void models_release(struct models *models);

size_t models_pick(const struct models *models, int64_t seed, int64_t place);
/* Writes what timing.load says of them, behind a key. */
void models_describe(const struct models *models, struct buf *out);

#endif
