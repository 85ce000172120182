/*
 * text/exact.h: numbers as they are written, through a program that reads them as doubles
 *
 *     int some = exact_hide(row, &hidden, &err);   // {"id":9007199254740993} -> {"id":"<mark>9007199254740993"}
 *     ...                                          // jq makes an item of it
 *     if (exact_show(item, &shown)) ...            // and back
 *
 * The mark is U+FDD0, one of Unicode's noncharacters, which are for such use within a program. A string that begins
 * with it is a number. No text but JSON that was parsed.
 */
#ifndef TEXT_EXACT_H
#define TEXT_EXACT_H

#include "base/buf.h"
#include "base/err.h"

#define EXACT_MARK "\xef\xb7\x90"

/* Adds json to out, each number but whole ones of at most 15 digits as a marked string. 1: so it is; 0: there is no such
 * number, and out is as it was; -1: a string has the mark. Memory that is missing: out says so. */
int exact_hide(struct str json, struct buf *out, struct err *err);
/* Adds json to out, each marked string as a number. False: there is none, and out is as it was. */
bool exact_show(struct str json, struct buf *out);

#endif
