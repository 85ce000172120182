/* meter/exposition.c: see exposition.h */
#include "meter/exposition.h"

#include "base/num.h"

#include <math.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct str *text)
{
    while (text->len > 0 && is_blank(text->ptr[0]))
        text->ptr++, text->len--;
}

static bool skip_char(struct str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    text->ptr++, text->len--;
    return true;
}

/* Takes so many bytes off the front. */
static struct str take(struct str *text, size_t len)
{
    struct str taken = {text->ptr, len};
    text->ptr += len, text->len -= len;
    return taken;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* [a-zA-Z_:][a-zA-Z0-9_:]*, of a label without the colons. Empty: there is none. */
static struct str take_name(struct str *text, const char *more)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] != '\0' &&
           (is_letter(text->ptr[len]) || strchr(more, text->ptr[len]) || (len > 0 && text->ptr[len] >= '0' && text->ptr[len] <= '9')))
        len++;
    return take(text, len);
}

/* Up to the quote that ends it. */
static bool take_quoted(struct str *text, struct str *value)
{
    struct str rest = *text;
    size_t len = 0;
    if (!skip_char(&rest, '"'))
        return false;
    while (len < rest.len && rest.ptr[len] != '"')
        len += rest.ptr[len] == '\\' ? 2 : 1;
    if (len >= rest.len)
        return false;
    *value = take(&rest, len);
    skip_char(&rest, '"');
    *text = rest;
    return true;
}

static bool take_label(struct str *text, struct str *name, struct str *value)
{
    skip_blanks(text);
    *name = take_name(text, "");
    skip_blanks(text);
    if (name->len == 0 || !skip_char(text, '='))
        return false;
    skip_blanks(text);
    if (!take_quoted(text, value))
        return false;
    skip_blanks(text);
    return skip_char(text, ',') || text->len == 0 || text->ptr[0] == '}';
}

bool exposition_label(struct str *rest, struct str *name, struct str *value)
{
    skip_blanks(rest);
    return rest->len > 0 && take_label(rest, name, value);
}

static int take_labels(struct str *text, struct str *labels, struct err *err)
{
    struct str name, value;
    const char *from = text->ptr;
    while (skip_blanks(text), text->len == 0 || text->ptr[0] != '}')
        if (!take_label(text, &name, &value))
            return err_set(err, ERR_PARSE, "labels that are not {name=\"value\",...}");
    *labels = (struct str){from, (size_t)(text->ptr - from)};
    skip_char(text, '}');
    return 0;
}

static struct str take_word(struct str *text)
{
    size_t len = 0;
    skip_blanks(text);
    while (len < text->len && !is_blank(text->ptr[len]))
        len++;
    return take(text, len);
}

static bool read_number(struct str word, double *value)
{
    struct err ignored;
    size_t sign = word.len > 0 && strchr("+-", word.ptr[0]) && word.ptr[0] != '\0';
    struct str digits = {word.ptr + sign, word.len - sign};
    if (str_is_nocase(digits, "nan"))
        *value = NAN;
    else if (str_is_nocase(digits, "inf") || str_is_nocase(digits, "infinity"))
        *value = word.ptr[0] == '-' ? -INFINITY : INFINITY;
    else if (digits.len == 0 || (digits.ptr[0] != '.' && (digits.ptr[0] < '0' || digits.ptr[0] > '9')))
        return false;
    else
        return num_double(word.ptr[0] == '+' ? digits : word, -HUGE_VAL, HUGE_VAL, value, &ignored) == 0;
    return true;
}

/* A time stamp and an exemplar may follow the value. */
static bool is_tail(struct str text)
{
    double ignored;
    skip_blanks(&text);
    if (text.len == 0 || text.ptr[0] == '#')
        return true;
    bool is_time = read_number(take_word(&text), &ignored);
    skip_blanks(&text);
    return is_time && (text.len == 0 || text.ptr[0] == '#');
}

static int read_series(struct str line, struct exposition_series *series, struct err *err)
{
    *series = (struct exposition_series){.name = take_name(&line, ":")};
    if (series->name.len == 0)
        return err_set(err, ERR_PARSE, "does not begin with a series' name");
    skip_blanks(&line);
    if (skip_char(&line, '{') && take_labels(&line, &series->labels, err) < 0)
        return -1;
    if (series->labels.ptr == NULL && line.ptr == series->name.ptr + series->name.len)
        return err_set(err, ERR_PARSE, "no value behind the name");
    if (!read_number(take_word(&line), &series->value))
        return err_set(err, ERR_PARSE, "its value is no number");
    return is_tail(line) ? 0 : err_set(err, ERR_PARSE, "more than a time behind its value");
}

static bool ends_text(struct str comment)
{
    return str_is(comment, "# EOF");
}

enum exposition_got exposition_next(struct exposition *text, struct exposition_series *series, struct err *err)
{
    while (text->rest.len > 0) {
        const char *end = memchr(text->rest.ptr, '\n', text->rest.len);
        struct str line = take(&text->rest, end ? (size_t)(end - text->rest.ptr) : text->rest.len);
        skip_char(&text->rest, '\n');
        text->line++;
        line = str_trim(line);
        if (ends_text(line))
            text->rest.len = 0;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        return read_series(line, series, err) < 0 ? EXPOSITION_BAD : EXPOSITION_SERIES;
    }
    return EXPOSITION_END;
}

void exposition_write_name(const struct exposition_series *series, struct buf *out)
{
    struct str rest = series->labels, name, value;
    bool any = false;
    buf_add_str(out, series->name);
    while (exposition_label(&rest, &name, &value)) {
        buf_add_str(out, any ? STR(",") : STR("{"));
        buf_add_str(out, name);
        buf_add_str(out, STR("=\""));
        buf_add_str(out, value);
        buf_add_char(out, '"');
        any = true;
    }
    if (any)
        buf_add_char(out, '}');
}
