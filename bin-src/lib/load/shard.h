/*
 * load/shard.h: one host's share of a load that several hosts drive
 */
#ifndef LOAD_SHARD_H
#define LOAD_SHARD_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARDS_MAX 65536

struct shard {
    int64_t number, count; // from 1 on, and of how many; count 0: the load is whole
};

/* "2/3": the second of three. */
int shard_parse(struct str text, struct shard *shard, struct err *err);
/* Shards take what comes by turns, the first of them place 0. */
bool shard_has(const struct shard *shard, int64_t place);

#endif
