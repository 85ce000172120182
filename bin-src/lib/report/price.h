/*
 * report/price.h: what a run costs, by a table of prices
 *
 *     struct prices prices = {0};
 *     prices_add(&prices, line, &err);                        // each object of the table, then
 *     prices_charge(&prices, record, &request);               // each request; then
 *     prices_write_json(&prices, summary, &out);
 *     prices_release(&prices);
 *
 * An object of the table is one of
 *
 *     {"model": "m", "input_usd_per_mtok": 0.5, "cached_input_usd_per_mtok": 0.05, "output_usd_per_mtok": 1.5}
 *     {"gpu_usd_per_hour": 2.5, "gpus": 4}
 *
 * The first prices tokens, a million of them: of the model that the server names in its answer, else that of the request;
 * without "model", of all that no other line names. Without the cached price cached tokens cost what others do. The second
 * prices the run's duration. A table may have both: then both costs are given.
 */
#ifndef REPORT_PRICE_H
#define REPORT_PRICE_H

#include "report/summary.h"

struct price;
struct prices {
    struct price *models;
    size_t model_count;
    double gpu_usd_per_hour, gpus; // 0: no such line
    double usd;                    // of all that was charged
    int64_t output_tokens;         // of these
    uint64_t charged, unpriced;    // requests with tokens; of these, those whose model has no price
};

/* Fails, naming the member, where it is no such object, or repeats one. */
int prices_add(struct prices *prices, struct jval object, struct err *err);
void prices_release(struct prices *prices);

void prices_charge(struct prices *prices, struct jval record, const struct measured *request);

/* The member "cost", onto an object that is open. */
void prices_write_json(const struct prices *prices, const struct summary *summary, struct buf *out);
void prices_write_table(const struct prices *prices, const struct summary *summary, enum grid_style style, struct buf *out);

#endif
