/* synth/synth.c: see synth.h */
#include "synth/synth.h"

#include "base/json.h"
#include "base/out.h"

#include <math.h>
#include <stdio.h>

#define SERVER "url", "model", "header", "key-file", "special"
static const char *const of_prompts[] = {"count",   "seed", "input-tokens", "output-tokens", "prefixes", "prefix-tokens", SERVER,
                                         "replace", NULL};
static const char *const of_sessions[] = {"count",         "seed",  "input-tokens", "output-tokens", "prefixes",
                                          "prefix-tokens", "turns", "think",        SERVER,          NULL};
static const char *const of_arrivals[] = {"count", "seed", "rate", "arrivals", "burstiness", "exact-span", "replace", NULL};
static const char *const of_graph[] = {"count", "seed", "nodes", "density", "weights", "unreachable", "k", "directed", NULL};

const struct synth_kind synth_kinds[] = {
    {"prompts", "prompts of a given length; or, of a trace's records, the text", of_prompts, synth_prompts},
    {"sessions", "conversations of several turns", of_sessions, synth_sessions},
    {"arrivals", "when each request is to be sent", of_arrivals, synth_arrivals},
    {"graph", "shortest-path problems, with their answers", of_graph, synth_graph},
    {.name = NULL},
};

const struct synth_kind *synth_find(const char *name)
{
    for (const struct synth_kind *kind = synth_kinds; kind->name; kind++)
        if (strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

int64_t synth_draw(const struct distribution *distribution, struct rng *rng, int64_t least)
{
    const double most = 1LL << 53;
    int64_t value;
    if (distribution->kind == DISTRIBUTION_UNIFORM) {
        int64_t from = (int64_t)ceil(distribution->first), to = (int64_t)floor(distribution->second);
        value = from + (to > from ? (int64_t)rng_below(rng, (uint64_t)(to - from + 1)) : 0);
    } else
        value = llrint(fmin(distribution_draw(distribution, rng), most));
    return value > least ? value : least;
}

void synth_begin(const struct synth_options *options, const char *kind, int64_t number, const char *task, struct buf *out)
{
    char id[96];
    snprintf(id, sizeof id, "synth/%s/%lld/%lld", kind, (long long)options->seed, (long long)number);
    json_object(out);
    json_key(out, "id"), json_cstr(out, id);
    json_key(out, "task"), json_cstr(out, task);
}

int synth_end(struct buf *out, struct err *err)
{
    json_object_end(out);
    buf_add_char(out, '\n');
    int rc = out->failed ? err_nomem(err) : out_write(out->ptr, out->len, err);
    buf_clear(out);
    return rc;
}
