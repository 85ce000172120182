/*
 * fuzz/padded.h: what all fuzz targets have in common
 */
#ifndef FUZZ_PADDED_H
#define FUZZ_PADDED_H

#include "jsonl/jdoc.h"

#include <stdlib.h>

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

/* A copy with the room behind it that the parser reads, which the caller frees. */
static inline char *padded(const void *bytes, size_t size)
{
    char *copy = calloc(1, size + JDOC_PADDING);
    must(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

#endif
