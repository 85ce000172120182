/* search/found.c: see found.h */
#include "search/found.h"

#include "base/json.h"
#include "report/csv.h"
#include "report/grid.h"

#include <math.h>
#include <stdlib.h>

int found_add(struct found *found, const struct found_trial *trial, struct err *err)
{
    struct found_trial *trials = realloc(found->trials, (found->count + 1) * sizeof *trials);
    if (!trials)
        return err_nomem(err);
    found->trials = trials;
    char *file = strdup(trial->file);
    if (!file)
        return err_nomem(err);
    trials[found->count] = *trial;
    trials[found->count++].file = file;
    found->requests += trial->sent;
    return 0;
}

void found_release(struct found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free((char *)found->trials[i].file);
    free(found->trials);
    found->trials = NULL;
    found->count = 0;
}

static void text(struct buf *out, const char *key, const char *value)
{
    if (value)
        json_key(out, key), json_cstr(out, value);
}

static void write_trial(const struct found *found, const struct found_trial *trial, struct buf *out)
{
    json_object(out);
    json_figure(out, found->unit, isnan(trial->value) ? trial->load : trial->value);
    text(out, "outcome", trial->outcome);
    json_count(out, "records", trial->sent);
    if (trial->outcome) {
        json_count(out, "judged", trial->judged);
        json_count(out, "not_met", trial->not_met);
    }
    json_figure(out, "throughput_rps", trial->throughput_rps);
    text(out, "file", trial->file);
    text(out, "how", trial->how);
    json_object_end(out);
}

static void write_json(const struct found *found, struct buf *out)
{
    json_object(out);
    text(out, found->subject, found->about);
    json_figure(out, "attain", found->attain);
    text(out, "state", found->state);
    json_figure(out, found->unit, found->result);
    if (!isnan(found->low)) {
        json_key(out, "ci"), json_object(out);
        json_figure(out, "level", found->level);
        json_figure(out, "low", found->low);
        json_figure(out, "high", found->high);
        json_object_end(out);
    }
    json_figure(out, "precision", found->precision);
    json_count(out, "requests", found->requests);
    json_key(out, "trials"), json_array(out);
    for (size_t i = 0; i < found->count; i++)
        write_trial(found, &found->trials[i], out);
    json_array_end(out);
    json_object_end(out);
}

static void cell_of(struct grid *grid, double value, int digits)
{
    if (isnan(value))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%.*f", digits, value);
}

static void write_trials(const struct found *found, enum grid_style style, struct buf *out)
{
    bool search = !isnan(found->attain);
    struct grid grid = {.columns = search ? 6 : 3};
    static const char *const heads[] = {"SLO", "not met", "of", "requests/s"};
    grid_cell(&grid, "%s", found->label);
    for (size_t i = 0; search && i < COUNT(heads); i++)
        grid_cell(&grid, "%s", heads[i]);
    if (!search)
        grid_cell(&grid, "records");
    grid_cell(&grid, "records in");
    for (size_t i = 0; i < found->count; i++) {
        const struct found_trial *trial = &found->trials[i];
        cell_of(&grid, search ? trial->load : trial->value, found->digits);
        if (search) {
            grid_cell(&grid, "%s", trial->outcome);
            grid_cell(&grid, "%llu", (unsigned long long)trial->not_met);
            grid_cell(&grid, "%llu", (unsigned long long)trial->judged);
            cell_of(&grid, trial->throughput_rps, 2);
        } else
            grid_cell(&grid, "%llu", (unsigned long long)trial->sent);
        grid_cell(&grid, "%s", trial->file);
    }
    grid_write(&grid, style, out);
    grid_release(&grid);
}

static void write_table(const struct found *found, enum grid_style style, struct buf *out)
{
    const char *gap = style == GRID_MARKDOWN ? "\n\n" : "\n";
    buf_addf(out, "%s: ", found->subject);
    grid_add_text(out, str_of(found->about), style);
    if (!isnan(found->attain))
        buf_addf(out, ", met by %.6g%%", 100 * found->attain);
    buf_addf(out, "%s%s: ", gap, found->label);
    if (isnan(found->result))
        buf_add_str(out, str_of(found->state));
    else
        buf_addf(out, "%.*f, %.6g%% interval %.*f to %.*f (%s)", found->digits, found->result, 100 * found->level, found->digits,
                 found->low, found->digits, found->high, found->state);
    buf_addf(out, "%s%llu requests in %zu %s\n\n", gap, (unsigned long long)found->requests, found->count,
             isnan(found->attain) ? "runs" : "trials");
    write_trials(found, style, out);
}

static int write_csv(const struct found *found, struct buf *out, struct err *err)
{
    struct buf json = {0};
    struct csv csv = {0};
    write_json(found, &json);
    int rc = json.failed ? err_nomem(err) : csv_add(&csv, buf_str(&json), err);
    if (rc == 0)
        rc = csv_write(&csv, out, err);
    csv_release(&csv);
    buf_release(&json);
    return rc;
}

int found_write(const struct found *found, enum opt_format format, struct buf *out, struct err *err)
{
    switch (format) {
    case FORMAT_TEXT:
        write_table(found, GRID_TEXT, out);
        break;
    case FORMAT_MD:
        write_table(found, GRID_MARKDOWN, out);
        break;
    case FORMAT_JSON:
        write_json(found, out);
        buf_add_char(out, '\n');
        break;
    case FORMAT_CSV:
        return write_csv(found, out, err);
    }
    return out->failed ? err_nomem(err) : 0;
}
