/*
 * jsonl/input.h: the bytes of a file, plain or gzip
 *
 *     struct input *in = input_open("items.jsonl.gz", &err); // "-": standard input
 *     while ((got = input_read(in, room, sizeof room, &err)) > 0) ...
 *     input_close(in);
 *
 * What a file is, its first bytes say, not its name. zlib's gzread would do the same, but it waits until all of the
 * room is full, so that a record on a pipe is not seen before many others have come; it does not go on after a signal;
 * and it drops what it had decoded in front of a damaged place. One thread at a time.
 */
#ifndef JSONL_INPUT_H
#define JSONL_INPUT_H

#include "base/err.h"

#include <stddef.h>

struct input;

struct input *input_open(const char *path, struct err *err);
void input_close(struct input *in); // NULL is fine

/* What is there, at most size bytes: how many, 0 at the end, -1 where it cannot be read on. All that stood before a
 * damaged place, or before the end of a .gz that was cut short, has been given by then. err names the file. */
long input_read(struct input *in, void *out, size_t size, struct err *err);

#endif
