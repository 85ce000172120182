/*
 * fuzz/pieces.h: bytes in pieces, each in a block of its own
 *
 * The first PIECES_SIZES bytes of an input are the sizes of its pieces, in turn (0: all that is left).
 */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include "padded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_SIZES = 4 };

struct pieces {
    const uint8_t *sizes, *rest;
    size_t left, count;
};

/* The next piece, with so many bytes behind it and none more, which the caller frees. NULL: that was all. */
static inline char *pieces_next(struct pieces *pieces, size_t behind, size_t *len)
{
    size_t size = pieces->sizes[pieces->count % PIECES_SIZES];
    if (pieces->left == 0)
        return NULL;
    *len = size == 0 || size > pieces->left ? pieces->left : size;
    char *piece = malloc(*len + behind);
    must(piece != NULL);
    memcpy(piece, pieces->rest, *len);
    memset(piece + *len, 0x5a, behind);
    pieces->rest += *len;
    pieces->left -= *len;
    pieces->count++;
    return piece;
}

#endif
