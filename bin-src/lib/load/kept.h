/*
 * load/kept.h: what an interrupted run left in its .part file
 *
 *     struct kept *kept = kept_open("responses.jsonl.part", load, &err);   // cleans the file; NULL with err.kind set: cannot
 *     if (kept_take(kept, prefix, &err)) ...   // this input line was answered already
 *     kept_finish(kept, &err);           // at the end: drops what no input line asked for
 *     kept_close(kept);
 *
 * Kept is a line that begins with an input line, less its last brace, and carries the same timing.load (design,
 * section 2). Others are dropped, a broken last one too. Memory: some 32 bytes a kept line; the lines stay in the file.
 */
#ifndef LOAD_KEPT_H
#define LOAD_KEPT_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct kept;
/* A file that is not there is made; NULL: there is none, and nothing to keep. load is the JSON text that timing.load must
 * be. The file is locked until kept_close: ERR_EXISTS where another run has it. */
struct kept *kept_open(const char *path, struct str load, struct err *err);
void kept_close(struct kept *kept); // NULL is fine

uint64_t kept_count(const struct kept *kept);   // lines that may be kept
uint64_t kept_dropped(const struct kept *kept); // whole records that were not: they come from another load
/* Is there a line for the input line that, less its last brace, is prefix? It is taken: the same line twice in the
 * input needs two. 1, 0, or -1. */
int kept_take(struct kept *kept, struct str prefix, struct err *err);
/* After kept_take found a line: that line, whole; JDOC_PADDING bytes behind it are readable. Lives until the next call. */
int kept_read(struct kept *kept, struct str *line, struct err *err);
/* Rewrites the file without the lines that were not taken, if there are such. This run's own lines stay. */
int kept_finish(struct kept *kept, struct err *err);

#endif
