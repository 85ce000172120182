/*
 * mock/fault.h: what a server can do wrong, by name
 *
 * One table: the option, the request's member, the manual's list and the log take their names from it. A set of faults
 * is a word of bits, since some go together (CRLF line ends and comments, say); where two exclude each other, the one
 * that comes earlier in an answer wins.
 */
#ifndef MOCK_FAULT_H
#define MOCK_FAULT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum fault {
    // instead of an answer
    FAULT_REFUSE, FAULT_DROP, FAULT_STALE, FAULT_HANG, FAULT_BAD_HTTP, FAULT_HTTP_400, FAULT_HTTP_429, FAULT_HTTP_500, FAULT_HTTP_503,
    // at its place in the answer, which goes on or not
    FAULT_RESET, FAULT_STALL, FAULT_TRUNCATE, FAULT_EARLY_END, FAULT_ERROR_EVENT, FAULT_ERROR_FIELD, FAULT_BAD_CHUNK, FAULT_GARBAGE,
    FAULT_NON_UTF8,
    // of the answer as a whole
    FAULT_SLOW_HEADERS, FAULT_INTERIM, FAULT_CONTENT_TYPE, FAULT_SHORT_LENGTH, FAULT_HTTP10, FAULT_CONNECTION_CLOSE, FAULT_SILENT_CLOSE,
    FAULT_TRAILERS, FAULT_SPLIT, FAULT_CRLF, FAULT_NO_SPACE, FAULT_MULTI_LINE, FAULT_NAMED, FAULT_COMMENTS, FAULT_EMPTY_DELTAS,
    FAULT_REASONING, FAULT_NO_USAGE, FAULT_NO_CHOICES, FAULT_NO_FINISH, FAULT_NO_DONE, FAULT_ENDLESS,
    FAULT_COUNT,
};

#define FAULT_BIT(fault) (UINT64_C(1) << (fault))
static inline bool fault_in(uint64_t set, enum fault fault)
{
    return set & FAULT_BIT(fault);
}

const char *fault_name(enum fault fault);
const char *fault_what(enum fault fault); // a line for people
/* "crlf,comments" into bits, and back. The text must not be empty. */
int fault_parse(struct str names, uint64_t *set, struct err *err);
void fault_names(uint64_t set, struct buf *out);

#endif
