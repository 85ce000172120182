/* text/sampling.c: see sampling.h */
#include "text/sampling.h"

#include "base/json.h"

#include <math.h>

struct sampling sampling_none(void)
{
    return (struct sampling){.temperature = NAN, .top_p = NAN, .max_tokens = -1, .seed = -1, .logprobs = -1};
}

/* Begins a member, unless extra has it. */
static bool begin(struct buf *out, struct jval extra, const char *name)
{
    struct jval value;
    if (jval_member(extra, name, &value))
        return false;
    json_key(out, name);
    return true;
}

static void write_double(struct buf *out, struct jval extra, const char *name, double value)
{
    if (!isnan(value) && begin(out, extra, name))
        json_double(out, value);
}

static void write_int(struct buf *out, struct jval extra, const char *name, int64_t value)
{
    if (value >= 0 && begin(out, extra, name))
        json_int(out, value);
}

static void write_stop(const struct sampling *sampling, struct jval extra, struct buf *out)
{
    if (sampling->stop_count == 0 || !begin(out, extra, "stop"))
        return;
    json_array(out);
    for (size_t i = 0; i < sampling->stop_count; i++)
        json_cstr(out, sampling->stop[i]);
    json_array_end(out);
}

/* Chat says in one member that they are wanted and in another how many; completions in one. */
static void write_logprobs(const struct sampling *sampling, struct jval extra, struct buf *out)
{
    if (sampling->form == TEMPLATE_TEXT || sampling->logprobs < 0) {
        write_int(out, extra, "logprobs", sampling->logprobs);
        return;
    }
    if (begin(out, extra, "logprobs"))
        json_bool(out, true);
    write_int(out, extra, "top_logprobs", sampling->logprobs);
}

/* stream_options without stream is an error to some servers. */
static void write_stream(const struct sampling *sampling, struct jval extra, struct buf *out)
{
    struct jval value;
    if (sampling->stream == SAMPLING_UNSAID)
        return;
    bool streams = sampling->stream != SAMPLING_WHOLE;
    if (begin(out, extra, "stream"))
        json_bool(out, streams);
    else if (jval_member(extra, "stream", &value))
        jval_bool(value, &streams);
    if (streams && sampling->stream != SAMPLING_STREAM && begin(out, extra, "stream_options"))
        json_raw(out, STR("{\"include_usage\":true}"));
}

void sampling_write(const struct sampling *sampling, struct jval extra, struct buf *out)
{
    struct str name;
    struct jval value;
    write_double(out, extra, "temperature", sampling->temperature);
    write_double(out, extra, "top_p", sampling->top_p);
    write_int(out, extra, "max_tokens", sampling->max_tokens);
    if (sampling->ignore_eos && begin(out, extra, "ignore_eos"))
        json_bool(out, true);
    write_int(out, extra, "seed", sampling->seed);
    write_stop(sampling, extra, out);
    write_logprobs(sampling, extra, out);
    write_stream(sampling, extra, out);
    for (struct jiter iter = jval_items(extra); jiter_next(&iter, &name, &value);)
        json_key_str(out, name), jval_write(value, out);
}
