/* load/options.c: see options.h */
#include "load/options.h"

#include "base/json.h"

const char *const load_modes[LOAD_MODE_COUNT + 1] = {[LOAD_CLOSED] = "closed", [LOAD_OPEN] = "open", [LOAD_AT] = "at", NULL};

void load_describe(const struct load_options *options, struct buf *out)
{
    json_object(out);
    json_key(out, "mode"), json_cstr(out, load_modes[options->mode]);
    if (options->concurrency > 0)
        json_key(out, "concurrency"), json_int(out, options->concurrency);
    if (options->mode == LOAD_OPEN) {
        json_key(out, "rate_rps"), json_double(out, options->rate_rps);
        json_key(out, "arrivals"), json_cstr(out, arrivals_kinds[options->arrivals]);
    }
    if (options->think_ns > 0)
        json_key(out, "think_ns"), json_int(out, options->think_ns);
    json_key(out, "seed"), json_int(out, options->seed);
    json_key(out, "urls"), json_array(out);
    json_str(out, buf_str(&options->url->shown));
    json_array_end(out);
    json_object_end(out);
}
