/*
 * text/sampling.h: the members of a request body besides its text
 *
 *     struct sampling sampling = sampling_none();
 *     sampling.temperature = 0;
 *     sampling_write(&sampling, extra, &body);
 *
 * For chat and completions; where the two differ (logprobs), form says which it is.
 */
#ifndef TEXT_SAMPLING_H
#define TEXT_SAMPLING_H

#include "jsonl/jdoc.h"
#include "text/template.h"

enum sampling_stream { SAMPLING_STREAM_USAGE, SAMPLING_STREAM, SAMPLING_WHOLE, SAMPLING_UNSAID }; // the last: as of embeddings

struct sampling {
    enum template_form form;
    double temperature, top_p;          // NAN: not said
    int64_t max_tokens, seed, logprobs; // below 0: not said; logprobs: so many alternatives
    const char *const *stop;
    size_t stop_count;
    bool ignore_eos; // go on to max_tokens, whatever the model says (vLLM, SGLang, llama.cpp)
    enum sampling_stream stream;
};

struct sampling sampling_none(void); // a stream with usage

/* Writes the members, names and values, behind what stands in out. extra is an object: its members come last, and
 * where one has the name of ours, ours is not written. */
void sampling_write(const struct sampling *sampling, struct jval extra, struct buf *out);

#endif
