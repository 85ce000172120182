/*
 * mock/render.h: the bytes of an answer: its head, its events, its tokens
 *
 * All is put behind what the shop's out holds, in the form that the answer's faults ask for.
 */
#ifndef MOCK_RENDER_H
#define MOCK_RENDER_H

#include "mock/answer.h"

/* The head; length below 0: the body is chunked, or ends with the connection. */
void render_head(struct answer *answer, const char *type, int64_t length);

/* The text: as a chunk where the answer is chunked, else as it is. */
void render_chunk(struct answer *answer, struct str text);

enum render_counted { RENDER_COUNTED, RENDER_BESIDE }; // those with choices are counted, and stand in the log

/* An event of the field ("data:") and its value, as a chunk of its own. */
void render_event(struct answer *answer, const char *field, struct str value, enum render_counted counted);
void render_json(struct answer *answer, enum render_counted counted); // of what the shop's json holds
void render_choice(struct answer *answer, const struct wire_choice *choice);
void render_role(struct answer *answer);
/* The next event of tokens, as many as go in one; or of a tool call. Of the prompt at hand. */
void render_token_event(struct answer *answer);
/* Makes prompt i that at hand, from the place on. */
void render_turn_to(struct answer *answer, int64_t prompt, struct answer_place place);

/* Takes at most so many tokens, all reasoning or none: their text goes to the shop's piece, and they to its tokens. */
void render_take_tokens(struct answer *answer, int64_t most);
struct str render_logprobs(struct answer *answer); // JSON, of the tokens just taken; empty where nobody asked

#endif
