/*
 * mock/embed.h: vectors of texts, made up but alike for texts that share words
 *
 * Each word (each token id) adds 1 to the element that its hash says, or takes 1 off; the vector is then made one of
 * length 1, of 32-bit floats (feature hashing: Weinberger et al., 2009). The same text has the same vector everywhere,
 * whatever its words' order; a text without words has all zeros.
 */
#ifndef MOCK_EMBED_H
#define MOCK_EMBED_H

#include "mock/asked.h"

#define EMBED_DIMENSIONS 16 // where the request does not say
#define EMBED_MOST 65536

/* Writes what the answer's "data" holds. Out of memory: out says so. */
void embed_write(const struct asked *request, struct buf *out);

#endif
