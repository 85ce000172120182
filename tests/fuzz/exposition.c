/*
 * fuzz/exposition.c: what is read from a /metrics, written again, is read as the same
 *
 * Every view lies within the text, and each line gives one series or one error at most.
 */
#include "meter/exposition.h"
#include "padded.h"

#include <math.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_within(struct str view, struct str text)
{
    must(view.len == 0 || (view.ptr >= text.ptr && view.ptr + view.len <= text.ptr + text.len));
}

/* Writes each series in its simplest form, and a mark for each line that is none if tells. Returns how many came. */
static size_t write_again(struct str text, struct buf *out, struct buf *errors)
{
    struct exposition exposition = {.rest = text};
    struct exposition_series series;
    struct err err;
    enum exposition_got got;
    size_t count = 0, line = 0;
    while ((got = exposition_next(&exposition, &series, &err)) != EXPOSITION_END) {
        must(exposition.line > line);
        line = exposition.line;
        count++;
        if (got == EXPOSITION_BAD) {
            buf_addf(errors, "%zu ", line);
            continue;
        }
        must(series.name.len > 0);
        must_lie_within(series.name, text);
        must_lie_within(series.labels, text);
        exposition_write_name(&series, out);
        buf_addf(out, isnan(series.value) ? " NaN\n" : " %.17g\n", series.value);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, twice = {0}, errors = {0};
    struct str text = {(const char *)data, size};
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    must(write_again(text, &once, &errors) <= lines);
    buf_clear(&errors);
    write_again(buf_str(&once), &twice, &errors);
    must(!once.failed && !twice.failed && errors.len == 0);
    must(str_eq(buf_str(&once), buf_str(&twice)));
    buf_release(&once);
    buf_release(&twice);
    buf_release(&errors);
    return 0;
}
