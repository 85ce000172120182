/*
 * openai/embedding.h: a text's vector, in either form that a server sends
 */
#ifndef OPENAI_EMBEDDING_H
#define OPENAI_EMBEDDING_H

#include "jsonl/jdoc.h"

/*
 * Adds the vector to out as a JSON array: the numbers of an array, or those of a string, which is base64 of 32-bit
 * floats, little-endian (encoding_format "base64"). These are written as doubles, exactly, as servers write them that
 * were asked for numbers. NULL: done, or memory ran out (out says so). Else what is wrong with it, and out is as before.
 */
const char *embedding_write(struct jval value, struct buf *out);

#endif
