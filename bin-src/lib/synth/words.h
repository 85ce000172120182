/*
 * synth/words.h: text of a given length, made of common English words
 *
 *     struct words *words = words_new(&tokenizer, &err);             // NULL for a tokenizer: lengths are words
 *     struct rng rng = rng_stream(seed, "prompt", 17);
 *     words_add(words, &rng, 500, &text, &err);                      // 500 words, which are 500 tokens each alone
 *     words_fit(words, &rng, 500, 0, &text, &err);                   // and now the whole is
 *     words_free(words);
 *
 * Of the words in the list only those are used of which the tokenizer makes one token each, behind a blank; that is found
 * once, by halving: in some 15 requests where it holds for all. A text's first word is one token without a blank, too. So a
 * text of n words has n tokens in all but odd cases, which words_fit mends: the same tokenizer and stream give the same text.
 * One thread at a time.
 */
#ifndef SYNTH_WORDS_H
#define SYNTH_WORDS_H

#include "base/buf.h"
#include "stats/rng.h"
#include "synth/tokenizer.h"

struct words;
enum { WORDS_MOST = 1 << 24 }; // that are added at once

/* The options must live as long. NULL: the tokenizer fails, or makes one token of too few words. */
struct words *words_new(const struct tokenizer_options *tokenizer, struct err *err);
void words_free(struct words *words); // NULL is fine
/* What lengths are counted in: "words", or "tokens". */
const char *words_unit(const struct words *words);

/* Adds count words to out, with blanks between and before. The same stream gives the same words, whatever stands in out.
 * Fails by ERR_RANGE on more than WORDS_MOST; other errors are the tokenizer's. */
int words_add(struct words *words, struct rng *rng, int64_t count, struct buf *out, struct err *err);

/* Makes the text so many tokens long, by words at its end; its first kept bytes stay. -1: ERR_RANGE, it does not come out
 * so, "512 tokens are wanted, and the server counts 513"; or an error of the tokenizer. */
int words_fit(struct words *words, struct rng *rng, int64_t length, size_t kept, struct buf *out, struct err *err);

#endif
