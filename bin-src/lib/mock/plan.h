/*
 * mock/plan.h: what an answer will say: its text, its tool calls, how many tokens, and why it ends
 */
#ifndef MOCK_PLAN_H
#define MOCK_PLAN_H

#include "mock/answer.h"

/* Fills the answer's text, tools, tokens and finish; faults and request must be there. Out of memory: a buf says so. */
void plan_answer(struct answer *answer, const struct script *script, struct rng *rng);

#endif
