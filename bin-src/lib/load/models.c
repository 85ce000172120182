/* load/models.c: see models.h */
#include "load/models.h"

#include "base/json.h"
#include "base/num.h"
#include "stats/rng.h"

#include <stdlib.h>

static int read_weights(struct models *models, const char *text, struct err *err)
{
    double sum = 0;
    for (size_t i = 0; i < models->count; i++) {
        size_t len = strcspn(text, ",");
        if (num_double((struct str){text, len}, 1e-9, 1e9, &models->models[i].weight, err) < 0)
            return -1;
        if ((text[len] == ',') != (i + 1 < models->count))
            return err_set(err, ERR_RANGE, "wants one weight for each of the %zu models", models->count);
        sum += models->models[i].weight;
        models->models[i].upto = sum;
        text += len + (text[len] == ',');
    }
    return 0;
}

int models_init(struct models *models, const char *const *names, size_t count, const char *weights, struct err *err)
{
    *models = (struct models){.models = calloc(count + 1, sizeof(struct model)), .count = count, .drawn = weights != NULL};
    if (!models->models)
        return err_nomem(err);
    for (size_t i = 0; i < count; i++) {
        struct buf json = {0};
        json_cstr(&json, names[i]);
        if (json.failed) {
            models_release(models);
            return err_nomem(err);
        }
        models->models[i] = (struct model){.name = str_of(names[i]), .json = buf_str(&json)};
    }
    if (!weights || read_weights(models, weights, err) == 0)
        return 0;
    models_release(models);
    return -1;
}

void models_release(struct models *models)
{
    for (size_t i = 0; models->models && i < models->count; i++)
        free((char *)models->models[i].json.ptr);
    free(models->models);
    *models = (struct models){0};
}

size_t models_pick(const struct models *models, int64_t seed, int64_t place)
{
    if (!models->drawn)
        return (size_t)((uint64_t)place % models->count);
    struct rng rng = rng_stream(seed, "models", place);
    double at = rng_uniform(&rng) * models->models[models->count - 1].upto;
    size_t i = 0;
    while (i + 1 < models->count && at >= models->models[i].upto)
        i++;
    return i;
}

void models_describe(const struct models *models, struct buf *out)
{
    json_array(out);
    for (size_t i = 0; i < models->count; i++) {
        json_object(out);
        json_key(out, "name"), json_raw(out, models->models[i].json);
        if (models->drawn)
            json_key(out, "weight"), json_double(out, models->models[i].weight);
        json_object_end(out);
    }
    json_array_end(out);
}
