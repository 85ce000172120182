/* text/rows.c: see rows.h */
#include "text/rows.h"

#include "base/json.h"
#include "jsonl/input.h"

#include <stdio.h>
#include <stdlib.h>

enum { READ_AT_ONCE = 256 << 10 };

const char *const rows_forms[ROWS_FORM_COUNT] = {[ROWS_LINES] = "lines", [ROWS_VALUES] = "values", [ROWS_CSV] = "csv"};

struct rows {
    enum rows_form form;
    struct jsonl_reader *lines; // of ROWS_LINES, and nothing else is used then
    char *const *paths;
    const char *name;
    struct input *file; // NULL: none is open
    struct buf text;    // what was read; [at, len) is not yet handed out
    size_t at;
    bool ended;            // nothing more comes from file
    bool opened;           // ROWS_VALUES: the array's bracket was there
    uint64_t number;       // of the row, or the line that it begins in
    uint64_t newlines;     // in what was handed out
    struct buf names, row; // of the first line, a field each; the row as JSON
    char where[512];
    struct jdoc *doc;
    struct jsonl_record record;
};

/* --- the files --- */

static int open_next(struct rows *rows, struct err *err)
{
    if (!*rows->paths)
        return 0;
    rows->name = *rows->paths++;
    rows->file = input_open(rows->name, err);
    rows->at = 0;
    buf_clear(&rows->text);
    buf_clear(&rows->names);
    rows->ended = rows->opened = false;
    rows->number = rows->newlines = 0;
    return rows->file ? 0 : -1;
}

struct rows *rows_open(char *const *paths, enum rows_form form, struct err *err)
{
    static char *const only_stdin[] = {"-", NULL};
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        err_nomem(err);
        return NULL;
    }
    rows->form = form;
    rows->paths = *paths ? paths : only_stdin;
    if (form == ROWS_LINES) {
        rows->lines = jsonl_open(paths, err);
        if (rows->lines)
            return rows;
    } else if (!(rows->doc = jdoc_new()))
        err_nomem(err);
    else if (open_next(rows, err) == 0)
        return rows;
    rows_close(rows);
    return NULL;
}

void rows_close(struct rows *rows)
{
    if (!rows)
        return;
    jsonl_close(rows->lines);
    input_close(rows->file);
    buf_release(&rows->text);
    buf_release(&rows->names);
    buf_release(&rows->row);
    buf_release(&rows->record.added);
    jdoc_free(rows->doc);
    free(rows);
}

static int read_more(struct rows *rows, struct err *err)
{
    struct buf *text = &rows->text;
    if (rows->at > 0) {
        memmove(text->ptr, text->ptr + rows->at, text->len - rows->at);
        text->len -= rows->at;
        rows->at = 0;
    }
    if (!buf_reserve(text, READ_AT_ONCE + JDOC_PADDING))
        return err_nomem(err);
    long got = input_read(rows->file, text->ptr + text->len, READ_AT_ONCE, err);
    if (got < 0)
        return -1;
    text->len += (size_t)got;
    rows->ended = got == 0;
    return 0;
}

/* --- values --- */

/* How long the value at the start of the text is; 0: it does not end here. */
static size_t value_len(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth <= 1)
                return depth == 0 && i > 0 ? i : i + 1;
            depth--;
        } else if (depth == 0 && i > 0 && memchr(", \t\r\n", c, 5)) // behind a number, or what is none
            return i;
    }
    return 0;
}

/* Over what stands between values. */
static size_t skip_between(struct rows *rows)
{
    const struct buf *text = &rows->text;
    size_t at = rows->at;
    while (at < text->len && memchr(", \t\r\n", text->ptr[at], 5))
        at++;
    if (at < text->len && !rows->opened && rows->number == 0 && text->ptr[at] == '[') {
        rows->opened = true;
        rows->at = at + 1;
        return skip_between(rows);
    }
    if (at < text->len && rows->opened && text->ptr[at] == ']') {
        rows->at = at + 1;
        return skip_between(rows);
    }
    return at;
}

/* A value in one line: line ends can only stand where blanks may. */
static void join_lines(char *value, size_t len)
{
    for (char *at = value; (at = memchr(at, '\n', len - (size_t)(at - value)));)
        *at = ' ';
}

/* The next value. 1, 0: none, -1. */
static int next_value(struct rows *rows, struct str *value, struct err *err)
{
    for (;;) {
        struct buf *text = &rows->text;
        if (rows->number == 0 && !rows->opened && rows->at == 0)
            rows->at = text->len - str_skip_bom(buf_str(text)).len;
        rows->at = skip_between(rows);
        struct str rest = {text->ptr + rows->at, text->len - rows->at};
        size_t len = rest.len > 0 ? value_len(rest) : 0;
        if (len == 0 && rows->ended) {
            if (rest.len > 0)
                return err_set(err, ERR_PARSE, "%s:%llu: the file ends within this row", rows->name, (unsigned long long)rows->number + 1);
            return 0;
        }
        if (len > 0) {
            *value = (struct str){rest.ptr, len};
            join_lines(text->ptr + rows->at, len);
            rows->at += len;
            rows->number++;
            return 1;
        }
        if (read_more(rows, err) < 0)
            return -1;
    }
}

/* --- CSV --- */

/* Where one record of the text stands. */
struct line {
    size_t len;      // with its line end; 0: that is not there
    size_t newlines; // in it
    size_t fields;
    bool quoted; // the text ends within quotes
    bool odd;    // a quote stands where none may
};

static struct line find_line(struct str text)
{
    struct line line = {.fields = 1};
    bool begins = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        line.newlines += c == '\n';
        if (line.quoted) {
            bool twice = c == '"' && i + 1 < text.len && text.ptr[i + 1] == '"';
            line.quoted = c != '"' || twice;
            i += twice;
            begins = false;
            if (c == '"' && !twice && i + 1 < text.len && !strchr(",\r\n", text.ptr[i + 1]))
                line.odd = true;
            continue;
        }
        if (c == '\n') {
            line.len = i + 1;
            return line;
        }
        line.odd = line.odd || (c == '"' && !begins);
        line.quoted = c == '"' && begins;
        begins = c == ',';
        line.fields += c == ',';
    }
    return line;
}

/* The field at the start of the record, unquoted, into out; *rest: behind it and its comma. */
static void take_field(struct str *rest, struct buf *out)
{
    size_t i = 0;
    buf_clear(out);
    if (rest->len > 0 && rest->ptr[0] == '"') {
        for (i = 1; i < rest->len; i++) {
            if (rest->ptr[i] == '"' && !(i + 1 < rest->len && rest->ptr[i + 1] == '"'))
                break;
            i += rest->ptr[i] == '"';
            buf_add_char(out, rest->ptr[i]);
        }
        i++;
    } else
        for (; i < rest->len && rest->ptr[i] != ','; i++)
            buf_add_char(out, rest->ptr[i]);
    size_t used = i < rest->len ? i + 1 : rest->len;
    *rest = (struct str){rest->ptr + used, rest->len - used};
}

/* The record of the file that comes next, without its line end; what stands in line is of it. 1, 0: none, -1. */
static int next_record(struct rows *rows, struct line *line, struct str *record, struct err *err)
{
    for (;;) {
        struct str rest = {rows->text.ptr + rows->at, rows->text.len - rows->at};
        *line = find_line(rest);
        if (line->len == 0 && rows->ended && !line->quoted)
            line->len = rest.len;
        if (line->len == 0 && rows->ended && line->quoted)
            return err_set(err, ERR_PARSE, "%s:%llu: the file ends within quotes", rows->name, (unsigned long long)rows->newlines + 1);
        if (line->len == 0 && rows->ended)
            return 0;
        if (line->len == 0) {
            if (read_more(rows, err) < 0)
                return -1;
            continue;
        }
        *record = (struct str){rest.ptr, line->len};
        if (rows->newlines == 0)
            *record = str_skip_bom(*record);
        rows->number = rows->newlines + 1;
        rows->newlines += line->newlines;
        rows->at += line->len;
        record->len -= record->len > 0 && record->ptr[record->len - 1] == '\n';
        record->len -= record->len > 0 && record->ptr[record->len - 1] == '\r';
        if (record->len > 0)
            return 1;
    }
}

/* Keeps the names as a row's line: they are taken from it again for each row. */
static int read_names(struct rows *rows, struct err *err)
{
    struct line line;
    struct str record;
    int got = next_record(rows, &line, &record, err);
    if (got <= 0)
        return got;
    if (line.odd)
        return err_set(err, ERR_PARSE, "%s:%llu: a quote within a field", rows->name, (unsigned long long)rows->number);
    buf_add_str(&rows->names, record);
    return rows->names.failed ? err_nomem(err) : 1;
}

/* Makes the record an object. -1: it has other fields than there are names. */
static int write_row(struct rows *rows, const struct line *line, struct str record, struct err *err)
{
    struct str names = buf_str(&rows->names);
    size_t named = find_line(names).fields;
    struct buf name = {0}, field = {0};
    if (line->odd)
        return err_set(err, ERR_PARSE, "a quote within a field");
    if (line->fields != named)
        return err_set(err, ERR_PARSE, "has %zu fields, and the first line names %zu", line->fields, named);
    buf_clear(&rows->row);
    json_object(&rows->row);
    for (size_t i = 0; i < named; i++) {
        take_field(&names, &name);
        take_field(&record, &field);
        json_key_str(&rows->row, buf_str(&name));
        json_str(&rows->row, buf_str(&field));
    }
    json_object_end(&rows->row);
    bool failed = name.failed || field.failed || rows->row.failed || !buf_reserve(&rows->row, JDOC_PADDING);
    buf_release(&name);
    buf_release(&field);
    return failed ? err_nomem(err) : 0;
}

/* --- a row --- */

/* Of the file that is open. 1: value is its JSON, 0: there is none, -1: no more can be read, -2: it is none, err says why. */
static int next_row(struct rows *rows, struct str *value, struct err *err)
{
    struct line line;
    struct str record;
    if (rows->form == ROWS_VALUES)
        return next_value(rows, value, err);
    int got = rows->names.len > 0 ? 1 : read_names(rows, err);
    if (got > 0)
        got = next_record(rows, &line, &record, err);
    if (got <= 0)
        return got;
    if (write_row(rows, &line, record, err) < 0)
        return err->kind == ERR_NOMEM ? -1 : -2;
    *value = buf_str(&rows->row);
    return 1;
}

enum jsonl_got rows_next(struct rows *rows, struct jsonl_record **rec, struct err *err)
{
    struct str value;
    if (rows->lines)
        return jsonl_next(rows->lines, rec, err);
    while (rows->file) {
        int got = next_row(rows, &value, err);
        if (got == -1)
            return JSONL_FAILED;
        *rec = &rows->record;
        if (got == -2 || (got == 1 && jsonl_parse(rows->doc, value, &rows->record, err) < 0))
            return err->kind == ERR_NOMEM ? JSONL_FAILED : JSONL_BAD;
        if (got == 1)
            return JSONL_RECORD;
        input_close(rows->file);
        rows->file = NULL;
        if (open_next(rows, err) < 0)
            return JSONL_FAILED;
    }
    return JSONL_END;
}

const char *rows_where(const struct rows *rows)
{
    char *where = (char *)rows->where; // a scratch text, no state
    if (rows->lines)
        return jsonl_where(rows->lines);
    snprintf(where, sizeof rows->where, "%s:%llu", rows->name, (unsigned long long)rows->number);
    return where;
}
