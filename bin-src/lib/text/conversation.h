/*
 * text/conversation.h: the messages of an item that is a turn of a conversation
 *
 * Such an item has input.messages, in the form of the API; where an assistant's content is null, lm-send puts in the answer
 * to the turn before (design, section 2, "session").
 */
#ifndef TEXT_CONVERSATION_H
#define TEXT_CONVERSATION_H

#include "jsonl/jdoc.h"

/* Writes them, a JSON array. system: stands in front, in the place of their own system messages, and where it is empty there
 * are none; NULL: as they are. Fails where messages is no array of objects, or has no message. */
int conversation_write(struct jval messages, const struct str *system, struct buf *out, struct err *err);

#endif
