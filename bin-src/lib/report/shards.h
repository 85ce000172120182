/*
 * report/shards.h: the shards of one load, in one part of its records
 *
 * The hosts that drive one load share its start, so that their records, one behind the other in a file, are one part. What
 * timing.load says differs in "shard" alone; which of them are there is noted here.
 */
#ifndef REPORT_SHARDS_H
#define REPORT_SHARDS_H

#include "jsonl/jdoc.h"

struct shards {
    int64_t count; // 0: the load is whole
    int64_t there; // how many of them have records
    struct buf marks; // a byte each: 1: it is there
};

/* Notes the shard that timing.load names, if it does. -1: out of memory. */
int shards_note(struct shards *shards, struct jval load, struct err *err);
/* Writes timing.load less its shard: alike in all. */
void shards_write_load(struct jval load, struct buf *out);
void shards_release(struct shards *shards);

#endif
