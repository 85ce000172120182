/* load/options.c: see options.h */
#include "load/options.h"

#include "base/json.h"

#include <stdio.h>

const char *const load_modes[LOAD_MODE_COUNT + 1] = {[LOAD_CLOSED] = "closed", [LOAD_OPEN] = "open", [LOAD_AT] = "at", NULL};

/* As jval_write writes it: so is what an earlier run left, when it is compared. */
static int normalize(struct buf *json, struct buf *out, struct err *err)
{
    struct jval root;
    struct jdoc *doc = jdoc_new();
    int rc = doc && buf_reserve(json, JDOC_PADDING) ? jdoc_parse(doc, json->ptr, json->len, &root, err) : err_nomem(err);
    if (rc == 0)
        jval_write(root, out);
    jdoc_free(doc);
    return rc == 0 && out->failed ? err_nomem(err) : rc;
}

static void describe(const struct load_options *options, struct buf *out)
{
    json_object(out);
    json_key(out, "mode"), json_cstr(out, load_modes[options->mode]);
    if (options->concurrency > 0)
        json_key(out, "concurrency"), json_int(out, options->concurrency);
    if (options->mode == LOAD_OPEN) {
        json_key(out, "rate_rps"), json_double(out, options->rate_rps);
        json_key(out, "arrivals"), json_cstr(out, arrivals_kinds[options->arrivals]);
        if (options->arrivals == ARRIVALS_GAMMA)
            json_key(out, "burstiness"), json_double(out, options->burstiness);
    }
    if (options->think_ns > 0 && options->mode == LOAD_CLOSED)
        json_key(out, "think_ns"), json_int(out, options->think_ns);
    if (options->speed != 1)
        json_key(out, "speed"), json_double(out, options->speed);
    json_key(out, "seed"), json_int(out, options->seed);
    if (options->shard.count > 0) {
        char shard[48];
        snprintf(shard, sizeof shard, "%lld/%lld", (long long)options->shard.number, (long long)options->shard.count);
        json_key(out, "shard"), json_cstr(out, shard);
    }
    json_key(out, "urls"), json_array(out);
    for (size_t i = 0; i < options->targets->count; i++)
        json_str(out, buf_str(&options->targets->each[i].url.shown));
    json_array_end(out);
    if (options->batch > 1)
        json_key(out, "batch"), json_int(out, options->batch);
    if (options->cancel->share > 0)
        json_key(out, "cancel"), cancel_describe(options->cancel, out);
    if (options->models->count > 0)
        json_key(out, "models"), models_describe(options->models, out);
    if (options->change_count > 0)
        json_key(out, "set"), json_object(out);
    for (size_t i = 0; i < options->change_count; i++)
        json_key_str(out, options->changes[i].name), json_raw(out, options->changes[i].value);
    if (options->change_count > 0)
        json_object_end(out);
    json_object_end(out);
}

int load_describe(const struct load_options *options, struct buf *out, struct err *err)
{
    struct buf json = {0};
    describe(options, &json);
    int rc = normalize(&json, out, err);
    buf_release(&json);
    return rc;
}
