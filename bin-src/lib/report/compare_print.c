/* report/compare_print.c: the comparison as JSON and as a table; see compare.h */
#include "base/json.h"
#include "report/compare.h"

#include <math.h>

static bool is_of_runs(const struct compare *compare)
{
    return compare->run_count[COMPARE_A] > 1 || compare->run_count[COMPARE_B] > 1;
}

static uint64_t completed(const struct compare *compare, enum compare_side side, uint64_t *failed)
{
    uint64_t sum = 0;
    *failed = 0;
    for (size_t i = 0; i < compare->run_count[side]; i++) {
        sum += compare_summary(compare, side, i)->completed;
        *failed += compare_summary(compare, side, i)->failed;
    }
    return sum;
}

static void interval(struct buf *out, const char *key, struct bootstrap_interval interval, double unit)
{
    if (isnan(interval.low) || isnan(interval.high))
        return;
    json_key(out, key), json_object(out);
    json_key(out, "low"), json_double(out, interval.low / unit);
    json_key(out, "high"), json_double(out, interval.high / unit);
    json_object_end(out);
}

static void write_figure(const struct figure *figure, const struct compare_result *result, struct buf *out)
{
    char name[FIGURE_NAME_SIZE];
    double unit = figure_unit(figure);
    figure_name(figure, name);
    json_key(out, name), json_object(out);
    json_figure(out, "a", result->values[COMPARE_A] / unit);
    json_figure(out, "b", result->values[COMPARE_B] / unit);
    json_figure(out, "difference", result->difference / unit);
    interval(out, "difference_ci", result->difference_interval, unit);
    json_figure(out, "ratio", result->ratio);
    interval(out, "ratio_ci", result->ratio_interval, 1);
    json_figure(out, "p", result->p);
    json_figure(out, "p_holm", result->p_holm);
    json_key(out, "method"), json_cstr(out, compare_methods[result->method]);
    json_key(out, "better"), json_cstr(out, figure_better(figure) == FIGURE_LOWER ? "lower" : "higher");
    json_key(out, "verdict"), json_cstr(out, compare_verdicts[result->verdict]);
    json_object_end(out);
}

void compare_write_json(const struct compare *compare, const char *const names[COMPARE_SIDES], struct buf *out)
{
    static const char *const keys[COMPARE_SIDES] = {[COMPARE_A] = "a", [COMPARE_B] = "b"};
    for (int side = 0; side < COMPARE_SIDES; side++) {
        uint64_t failed, done = completed(compare, (enum compare_side)side, &failed);
        json_key(out, keys[side]), json_object(out);
        json_key(out, "name"), json_cstr(out, names[side]);
        json_key(out, "runs"), json_int(out, (int64_t)compare->run_count[side]);
        json_key(out, "completed"), json_int(out, (int64_t)done);
        json_key(out, "failed"), json_int(out, (int64_t)failed);
        json_object_end(out);
    }
    json_key(out, "level"), json_double(out, compare->plan->summary.ci_level);
    json_key(out, "unit"), json_cstr(out, is_of_runs(compare) ? "run" : "request");
    json_key(out, "run_to_run"), json_bool(out, is_of_runs(compare));
    json_key(out, "units"), json_int(out, compare->unit_count);
    json_key(out, "shared_units"), json_int(out, (int64_t)compare->shared_units);
    json_key(out, "looked_at"), json_int(out, (int64_t)compare->looked_at);
    json_key(out, "profile"), json_cstr(out, profile_names[compare->plan->summary.profile]);
    json_key(out, "figures"), json_object(out);
    for (size_t i = 0; i < compare->plan->figure_count; i++)
        if (!isnan(compare->results[i].values[COMPARE_A]) || !isnan(compare->results[i].values[COMPARE_B]))
            write_figure(&compare->plan->figures[i], &compare->results[i], out);
    json_object_end(out);
}

static void number(struct grid *grid, double value, int digits)
{
    if (isnan(value))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%.*f", digits, value);
}

static void range(struct grid *grid, struct bootstrap_interval interval, double unit, int digits)
{
    if (isnan(interval.low) || isnan(interval.high))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%+.*f to %+.*f", digits, interval.low / unit, digits, interval.high / unit);
}

static void percents(struct grid *grid, const struct compare_result *result)
{
    struct bootstrap_interval interval = result->ratio_interval;
    if (isnan(result->ratio))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%+.1f%%", 100 * (result->ratio - 1));
    if (isnan(interval.low) || isnan(interval.high))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%+.1f%% to %+.1f%%", 100 * (interval.low - 1), 100 * (interval.high - 1));
}

static void add_row(struct grid *grid, const struct figure *figure, const struct compare_result *result)
{
    char label[FIGURE_NAME_SIZE];
    bool share = figure->kind == FIGURE_SUCCESS || figure->kind == FIGURE_ATTAINMENT;
    double unit = figure_unit(figure);
    int digits = share ? 4 : 2;
    figure_label(figure, label);
    grid_cell(grid, "%s", label);
    number(grid, result->values[COMPARE_A] / unit, digits);
    number(grid, result->values[COMPARE_B] / unit, digits);
    if (isnan(result->difference))
        grid_cell(grid, "-");
    else
        grid_cell(grid, "%+.*f", digits, result->difference / unit);
    range(grid, result->difference_interval, unit, digits);
    percents(grid, result);
    grid_cell(grid, "%s", compare_verdicts[result->verdict]);
}

static void add_side(const struct compare *compare, enum compare_side side, const char *name, struct buf *out)
{
    uint64_t failed, done = completed(compare, side, &failed);
    buf_addf(out, "%c: ", 'A' + side);
    grid_add_text(out, str_of(name), GRID_TEXT);
    buf_addf(out, ", %zu %s, %llu completed, %llu failed\n", compare->run_count[side], compare->run_count[side] == 1 ? "run" : "runs",
             (unsigned long long)done, (unsigned long long)failed);
}

void compare_write_table(const struct compare *compare, const char *const names[COMPARE_SIDES], enum grid_style style, struct buf *out)
{
    struct grid grid = {.columns = 8};
    static const char *const heads[] = {"", "A", "B", "B - A", "interval", "B / A", "interval", "B is"};
    const char *gap = style == GRID_MARKDOWN ? "\n" : "";
    add_side(compare, COMPARE_A, names[COMPARE_A], out);
    buf_add_str(out, str_of(gap));
    add_side(compare, COMPARE_B, names[COMPARE_B], out);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < COUNT(heads); i++)
        grid_cell(&grid, "%s", heads[i]);
    for (size_t i = 0; i < compare->plan->figure_count; i++)
        if (!isnan(compare->results[i].values[COMPARE_A]) || !isnan(compare->results[i].values[COMPARE_B]))
            add_row(&grid, &compare->plan->figures[i], &compare->results[i]);
    grid_write(&grid, style, out);
    grid_release(&grid);
    double percent = 100 * compare->plan->summary.ci_level;
    buf_addf(out, "%sintervals: %.6g%% each; verdicts: ", style == GRID_MARKDOWN ? "\n" : "", percent);
    if (compare->looked_at == 0)
        buf_add_str(out, STR("none, nothing could be compared"));
    else if (compare->looked_at == 1)
        buf_addf(out, "%.6g%% for the one figure", percent);
    else
        buf_addf(out, "%.6g%% for all %zu figures together (Holm)", percent, compare->looked_at);
    buf_addf(out, "\n%s", gap);
    if (is_of_runs(compare))
        buf_add_str(out, STR("the unit is a run: what runs differ by is in the intervals\n"));
    else
        buf_addf(out, "one run a side: what runs differ by is NOT in the intervals; %llu of %u items are in both\n",
                 (unsigned long long)compare->shared_units, compare->unit_count);
}
