/*
 * openai/blanks.h: the answers that a chat's body leaves open
 *
 * The body of a session's later turn holds the turns before it. An assistant message whose content is null, and that has
 * no tool_calls, is open: what the server answered in that turn goes there. Which turn, its place says: the last
 * assistant message is the answer to the turn before this one, the last but one that of the turn before that, and so on,
 * given ones counted too. (A given one at the very end is none of them: it begins the answer that is asked for.)
 */
#ifndef OPENAI_BLANKS_H
#define OPENAI_BLANKS_H

#include "jsonl/jsonl.h"

struct blank {
    size_t at;   // of the null, in the body
    size_t back; // 1: the turn before this one, 2: the one before that
};
#define BLANK_LEN 4 // "null"

/*
 * Adds the blanks of a body, first to last, to blanks, an array of struct blank. body has JDOC_PADDING readable bytes
 * behind it; doc is used for the time of the call. A body without messages has none. -1: out of memory, or no JSON.
 */
int blanks_find(struct jdoc *doc, struct str body, struct buf *blanks, struct err *err);

#endif
