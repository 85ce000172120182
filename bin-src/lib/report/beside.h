/*
 * report/beside.h: what a summary is told by other files: a watch and prices (report/watched.h, report/price.h)
 *
 *     struct beside beside = {.watch_path = "watch.jsonl", .tell = tell, .profile = PROFILE_CONTENT};
 *     beside_open(&beside, &err);                        // reads the prices, and which server was watched
 *     beside_add(&beside, record, &request, &err);       // each request; then
 *     beside_finish(&beside, &err);                      // reads the watch
 *     beside_write_json(&beside, summary, &out);
 *     beside_release(&beside);
 *
 * Lines that are wrong are told, and left out.
 */
#ifndef REPORT_BESIDE_H
#define REPORT_BESIDE_H

#include "report/price.h"
#include "report/watched.h"

struct beside {
    const char *watch_path, *price_path; // NULL: there is none
    enum profile profile;
    void (*tell)(const char *where, const char *why); // "FILE:LINE"
    struct watched *watched; // NULL: no watch
    struct prices prices;
};

int beside_open(struct beside *beside, struct err *err);
void beside_release(struct beside *beside);
int beside_add(struct beside *beside, struct jval record, const struct measured *request, struct err *err);
int beside_finish(struct beside *beside, struct err *err);

/* Members onto an object that is open; nothing without files. */
void beside_write_json(const struct beside *beside, const struct summary *summary, struct buf *out);
void beside_write_table(const struct beside *beside, const struct summary *summary, enum grid_style style, struct buf *out);

#endif
