/* report/each.c: see each.h */
#include "report/each.h"

#include "base/json.h"
#include "report/csv.h"
#include "report/grid.h"

#include <math.h>
#include <stdio.h>

enum { COLUMNS = 11 };

static const struct {
    const char *name;
    int width; // in the aligned table; below 0: flush left
} columns[COLUMNS] = {
    {"id", -24},        {"input_tokens", 12}, {"output_tokens", 13}, {"queue_wait_ms", 13}, {"inference_ms", 12}, {"ttft_ms", 11},
    {"tpot_ms", 9},     {"e2e_ms", 12},       {"tokens_per_s", 12},  {"slo_met", 7},        {"error", -11},
};

enum cell_kind { CELL_ABSENT, CELL_TEXT, CELL_COUNT, CELL_NUMBER, CELL_TRUTH };
struct cell {
    enum cell_kind kind;
    struct str text;
    int64_t count;
    double number;
    bool truth;
};

static struct cell text_cell(struct str text)
{
    return text.ptr ? (struct cell){.kind = CELL_TEXT, .text = text} : (struct cell){0};
}

static struct cell count_cell(int64_t count)
{
    return count >= 0 ? (struct cell){.kind = CELL_COUNT, .count = count} : (struct cell){0};
}

static struct cell number_cell(double number)
{
    return isnan(number) ? (struct cell){0} : (struct cell){.kind = CELL_NUMBER, .number = number};
}

static struct str error_of(const struct measured *request)
{
    if (request->outcome != OUTCOME_FAILED)
        return (struct str){0};
    return str_of(request->failure == FAILURE_NONE ? "other" : failure_names[request->failure]);
}

static void fill(const struct each *each, const struct measured *request, struct str id, struct cell cells[COLUMNS])
{
    double figures[METRIC_COUNT];
    measured_figures(request, each->profile, figures);
    double queue_wait = figures[METRIC_QUEUE_WAIT], e2e = isnan(queue_wait) ? figures[METRIC_E2E] : figures[METRIC_E2E_FROM_DUE];
    bool done = request->outcome == OUTCOME_COMPLETED;
    cells[0] = text_cell(id);
    cells[1] = count_cell(request->input_tokens);
    cells[2] = count_cell(request->output_tokens);
    cells[3] = number_cell(queue_wait / 1e6);
    cells[4] = number_cell(done ? figures[METRIC_E2E] / 1e6 : NAN);
    cells[5] = number_cell(done ? figures[METRIC_TTFT] / 1e6 : NAN);
    cells[6] = number_cell(done ? figures[METRIC_TPOT] / 1e6 : NAN);
    cells[7] = number_cell(done ? e2e / 1e6 : NAN);
    cells[8] = number_cell(done ? figures[METRIC_TOKENS_PER_S] : NAN);
    cells[9] = (struct cell){0};
    if (each->slo)
        cells[9] = (struct cell){.kind = CELL_TRUTH, .truth = slo_judge(each->slo, request, each->profile, figures).met};
    cells[10] = text_cell(error_of(request));
}

/* As %.3f, many times as fast. */
static void add_thousandths(struct buf *out, double number)
{
    char text[32];
    if (fabs(number) >= 1e12) {
        buf_addf(out, "%.3f", number);
        return;
    }
    int64_t thousandths = (int64_t)nearbyint(fabs(number) * 1000);
    size_t len = num_format_int(text, thousandths / 1000);
    text[len++] = '.';
    for (int64_t place = 100, left = thousandths % 1000; place > 0; left %= place, place /= 10)
        text[len++] = (char)('0' + left / place);
    if (number < 0 && thousandths > 0)
        buf_add_char(out, '-');
    buf_add(out, text, len);
}

/* Flush left below 0, else right; what is flush right is ASCII. */
static void add_padded(struct buf *out, struct str text, int width)
{
    size_t wide = (size_t)(width < 0 ? -width : width), taken = width < 0 ? grid_add_text(out, text, GRID_TEXT) : text.len;
    for (; taken < wide; taken++)
        buf_add_char(out, ' ');
    if (width >= 0)
        buf_add_str(out, text);
}

/* Without quotes; rounded for people, whole for programs. Lives as long as cell and scratch do. */
static struct str text_of(const struct cell *cell, enum opt_format format, struct buf *scratch)
{
    char text[40];
    buf_clear(scratch);
    switch (cell->kind) {
    case CELL_ABSENT:
        break;
    case CELL_TEXT:
        return cell->text;
    case CELL_COUNT:
        buf_add(scratch, text, num_format_int(text, cell->count));
        break;
    case CELL_NUMBER:
        if (format == FORMAT_CSV)
            buf_add(scratch, text, num_format_double(text, sizeof text, cell->number));
        else
            add_thousandths(scratch, cell->number);
        break;
    case CELL_TRUTH:
        return cell->truth ? STR("true") : STR("false");
    }
    return buf_str(scratch);
}

static void write_json(const struct cell cells[COLUMNS], struct buf *out)
{
    json_object(out);
    for (int i = 0; i < COLUMNS; i++) {
        if (cells[i].kind == CELL_ABSENT)
            continue;
        json_key(out, columns[i].name);
        switch (cells[i].kind) {
        case CELL_ABSENT:
            break;
        case CELL_TEXT:
            json_str(out, cells[i].text);
            break;
        case CELL_COUNT:
            json_int(out, cells[i].count);
            break;
        case CELL_NUMBER:
            json_double(out, cells[i].number);
            break;
        case CELL_TRUTH:
            json_bool(out, cells[i].truth);
            break;
        }
    }
    json_object_end(out);
    buf_add_char(out, '\n');
}

static void write_row(enum opt_format format, const struct cell cells[COLUMNS], struct buf *out)
{
    struct buf scratch = {0};
    for (int i = 0; i < COLUMNS; i++) {
        struct str cell = text_of(&cells[i], format, &scratch);
        out->failed = out->failed || scratch.failed;
        switch (format) {
        case FORMAT_JSON:
            break;
        case FORMAT_CSV:
            buf_add_str(out, i > 0 ? STR(",") : STR(""));
            csv_cell(out, cell);
            break;
        case FORMAT_MD:
            buf_add_str(out, STR("| "));
            grid_add_text(out, cell, GRID_MARKDOWN);
            buf_add_char(out, ' ');
            break;
        case FORMAT_TEXT:
            buf_add_str(out, i > 0 ? STR("  ") : STR(""));
            add_padded(out, cell, columns[i].width);
            break;
        }
    }
    while (format == FORMAT_TEXT && out->len > 0 && out->ptr[out->len - 1] == ' ')
        out->len--;
    buf_add_str(out, format == FORMAT_MD ? STR("|\n") : STR("\n"));
    buf_release(&scratch);
}

void each_head(const struct each *each, struct buf *out)
{
    struct cell cells[COLUMNS];
    if (each->format == FORMAT_JSON)
        return;
    for (int i = 0; i < COLUMNS; i++)
        cells[i] = text_cell(str_of(columns[i].name));
    write_row(each->format, cells, out);
    if (each->format != FORMAT_MD)
        return;
    for (int i = 0; i < COLUMNS; i++)
        buf_add_str(out, columns[i].width < 0 ? STR("| --- ") : STR("| ---: "));
    buf_add_str(out, STR("|\n"));
}

void each_row(const struct each *each, const struct measured *request, struct str id, struct buf *out)
{
    struct cell cells[COLUMNS];
    fill(each, request, id, cells);
    if (each->format == FORMAT_JSON)
        write_json(cells, out);
    else
        write_row(each->format, cells, out);
}
