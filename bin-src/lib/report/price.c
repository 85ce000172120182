/* report/price.c: see price.h */
#include "report/price.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MTOK 1e6
#define MOST_USD 1e9

struct price {
    struct buf model; // empty: all that no other names
    double input, cached, output; // USD a million tokens
};

static int read_usd(struct jval object, const char *name, double *usd, struct err *err)
{
    struct jval value;
    if (!jval_member(object, name, &value))
        return 0;
    if (!jval_double(value, usd) || *usd < 0 || *usd > MOST_USD)
        return err_set(err, ERR_PARSE, "%s: not a number from 0 to %.0f", name, MOST_USD);
    return 0;
}

static int add_gpu(struct prices *prices, struct jval object, struct err *err)
{
    if (prices->gpus > 0)
        return err_set(err, ERR_EXISTS, "gpu_usd_per_hour: there is a line of it already");
    prices->gpus = 1;
    if (read_usd(object, "gpu_usd_per_hour", &prices->gpu_usd_per_hour, err) < 0 || read_usd(object, "gpus", &prices->gpus, err) < 0)
        return -1;
    return prices->gpus > 0 ? 0 : err_set(err, ERR_RANGE, "gpus: 0 is too small");
}

static struct price *find(const struct prices *prices, struct str model)
{
    for (size_t i = 0; i < prices->model_count; i++)
        if (str_eq(buf_str(&prices->models[i].model), model))
            return &prices->models[i];
    return NULL;
}

int prices_add(struct prices *prices, struct jval object, struct err *err)
{
    struct jval value;
    struct str model = STR("");
    struct price price = {.input = NAN, .cached = NAN, .output = NAN};
    if (jval_member(object, "gpu_usd_per_hour", &value))
        return add_gpu(prices, object, err);
    if (jval_member(object, "model", &value) && (!jval_str(value, &model) || model.len == 0))
        return err_set(err, ERR_PARSE, "model: not a name");
    if (read_usd(object, "input_usd_per_mtok", &price.input, err) < 0 ||
        read_usd(object, "cached_input_usd_per_mtok", &price.cached, err) < 0 ||
        read_usd(object, "output_usd_per_mtok", &price.output, err) < 0)
        return -1;
    if (isnan(price.input) || isnan(price.output))
        return err_set(err, ERR_MISSING, "%s: is missing", isnan(price.input) ? "input_usd_per_mtok" : "output_usd_per_mtok");
    if (find(prices, model))
        return err_set(err, ERR_EXISTS, "model: \"%.*s\" has a price already", STR_ARG(model));
    struct price *models = realloc(prices->models, (prices->model_count + 1) * sizeof *models);
    if (!models)
        return err_nomem(err);
    prices->models = models;
    price.cached = isnan(price.cached) ? price.input : price.cached;
    buf_add_str(&price.model, model);
    models[prices->model_count++] = price;
    return models[prices->model_count - 1].model.failed ? err_nomem(err) : 0;
}

void prices_release(struct prices *prices)
{
    for (size_t i = 0; i < prices->model_count; i++)
        buf_release(&prices->models[i].model);
    free(prices->models);
    *prices = (struct prices){0};
}

void prices_charge(struct prices *prices, struct jval record, const struct measured *request)
{
    struct str model = STR("");
    if (request->input_tokens < 0 || request->output_tokens < 0)
        return;
    if (!jval_str_at(record, "/response/model", &model))
        jval_str_at(record, "/request/model", &model);
    const struct price *price = find(prices, model);
    price = price ? price : find(prices, STR(""));
    prices->charged++;
    prices->unpriced += !price;
    if (!price)
        return;
    double cached = request->cached_tokens > 0 ? (double)request->cached_tokens : 0;
    prices->usd += (((double)request->input_tokens - cached) * price->input + cached * price->cached +
                    (double)request->output_tokens * price->output) / MTOK;
    prices->output_tokens += request->output_tokens;
}

static double gpu_usd(const struct prices *prices, const struct summary *summary)
{
    return prices->gpu_usd_per_hour * prices->gpus * summary->duration_s / 3600;
}

static void write_usd(struct buf *out, double usd, double output_tokens)
{
    json_key(out, "usd"), json_double(out, usd);
    if (output_tokens > 0)
        json_key(out, "usd_per_million_output_tokens"), json_double(out, usd / output_tokens * MTOK);
}

void prices_write_json(const struct prices *prices, const struct summary *summary, struct buf *out)
{
    json_key(out, "cost"), json_object(out);
    if (prices->model_count > 0) {
        json_key(out, "tokens"), json_object(out);
        write_usd(out, prices->usd, (double)prices->output_tokens);
        json_key(out, "requests"), json_int(out, (int64_t)prices->charged);
        json_key(out, "unpriced_requests"), json_int(out, (int64_t)prices->unpriced);
        json_object_end(out);
    }
    if (prices->gpus > 0 && !isnan(gpu_usd(prices, summary))) {
        json_key(out, "gpu_time"), json_object(out);
        write_usd(out, gpu_usd(prices, summary), (double)summary->output_tokens);
        json_key(out, "gpus"), json_double(out, prices->gpus);
        json_object_end(out);
    }
    json_object_end(out);
}

static void cost_row(struct grid *grid, const char *name, double usd, double output_tokens, uint64_t unpriced)
{
    char beside[64] = "", unknown[64] = "";
    if (output_tokens > 0)
        snprintf(beside, sizeof beside, ", %.4g USD a million output tokens", usd / output_tokens * MTOK);
    if (unpriced > 0)
        snprintf(unknown, sizeof unknown, "; %llu requests WITHOUT A PRICE", (unsigned long long)unpriced);
    grid_cell(grid, "%s", name);
    grid_cell(grid, "%.6g USD%s%s", usd, beside, unknown);
}

void prices_write_table(const struct prices *prices, const struct summary *summary, enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 2, .flags = GRID_LEFT};
    if (style == GRID_MARKDOWN)
        grid_cell(&grid, "cost"), grid_cell(&grid, "value");
    if (prices->model_count > 0)
        cost_row(&grid, "cost of tokens", prices->usd, (double)prices->output_tokens, prices->unpriced);
    if (prices->gpus > 0 && !isnan(gpu_usd(prices, summary)))
        cost_row(&grid, "cost of GPU time", gpu_usd(prices, summary), (double)summary->output_tokens, 0);
    buf_add_char(out, '\n');
    grid_write(&grid, style, out);
    grid_release(&grid);
}
