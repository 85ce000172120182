/* load/cancel.c: see cancel.h */
#include "load/cancel.h"

#include "base/json.h"
#include "base/num.h"

static int parse_share(struct cancel *cancel, struct str text, struct err *err)
{
    bool percent = text.len > 0 && text.ptr[text.len - 1] == '%';
    if (num_double((struct str){text.ptr, text.len - percent}, 0, percent ? 100 : 1, &cancel->share, err) < 0)
        return -1;
    cancel->share /= percent ? 100 : 1;
    return 0;
}

int cancel_parse(struct cancel *cancel, const char *share, const char *when, struct err *err)
{
    struct err ignored;
    *cancel = (struct cancel){.chunks = 1, .when = when};
    if (parse_share(cancel, str_of(share), err) < 0)
        return -1;
    if (!when || num_int(str_of(when), 1, INT32_MAX, &cancel->chunks, &ignored) == 0)
        return 0;
    cancel->chunks = 0;
    return distribution_parse_ns(&cancel->after, str_of(when), err);
}

struct cancel_when cancel_draw(const struct cancel *cancel, int64_t seed, int64_t place)
{
    struct rng rng = rng_stream(seed, "cancel", place);
    if (cancel->share == 0 || rng_uniform(&rng) >= cancel->share)
        return CANCEL_NEVER;
    if (cancel->chunks > 0)
        return (struct cancel_when){-1, cancel->chunks};
    return (struct cancel_when){distribution_draw_ns(&cancel->after, &rng), 0};
}

void cancel_describe(const struct cancel *cancel, struct buf *out)
{
    json_object(out);
    json_key(out, "share"), json_double(out, cancel->share);
    if (cancel->chunks > 0)
        json_key(out, "chunks"), json_int(out, cancel->chunks);
    else
        json_key(out, "after"), json_cstr(out, cancel->when);
    json_object_end(out);
}
