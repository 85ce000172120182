/* text/exact.c: see exact.h */
#include "text/exact.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Behind the number that begins here. */
static size_t skip_number(struct str json, size_t at)
{
    while (at < json.len && (is_digit(json.ptr[at]) || memchr("+-.eE", json.ptr[at], 5)))
        at++;
    return at;
}

/* Whether any reader of JSON writes it as it is: a whole number that a double holds, and no -0. */
static bool is_safe(struct str number)
{
    enum { SAFE_DIGITS = 15 };
    bool negative = number.ptr[0] == '-';
    size_t digits = number.len - negative;
    for (size_t i = negative; i < number.len; i++)
        if (!is_digit(number.ptr[i]))
            return false;
    return digits <= SAFE_DIGITS && !(negative && number.ptr[1] == '0');
}

/* Behind the string that begins at its quote; 0: it has the mark. */
static size_t skip_string(struct str json, size_t at)
{
    for (at++; at < json.len && json.ptr[at] != '"'; at++) {
        struct str rest = {json.ptr + at, json.len - at};
        if (str_starts(rest, STR(EXACT_MARK)))
            return 0;
        if (json.ptr[at] == '\\') {
            if (rest.len > 6 && str_is_nocase((struct str){rest.ptr, 6}, "\\ufdd0"))
                return 0;
            at++;
        }
    }
    return at + 1;
}

int exact_hide(struct str json, struct buf *out, struct err *err)
{
    size_t copied = 0;
    for (size_t at = 0, end; at < json.len; at = end) {
        char c = json.ptr[at];
        if (c == '"' && (end = skip_string(json, at)) == 0)
            return err_set(err, ERR_PARSE, "has U+FDD0 in a text, which is no character");
        if (c == '"')
            continue;
        end = at + 1;
        if (c != '-' && !is_digit(c))
            continue;
        end = skip_number(json, at);
        struct str number = {json.ptr + at, end - at};
        if (is_safe(number))
            continue;
        buf_add(out, json.ptr + copied, at - copied);
        buf_add_str(out, STR("\"" EXACT_MARK));
        buf_add_str(out, number);
        buf_add_char(out, '"');
        copied = end;
    }
    if (copied > 0)
        buf_add(out, json.ptr + copied, json.len - copied);
    return copied > 0;
}

bool exact_show(struct str json, struct buf *out)
{
    const struct str open = STR("\"" EXACT_MARK);
    const char *from = json.ptr, *end = json.ptr + json.len, *mark;
    while ((mark = memmem(from, (size_t)(end - from), open.ptr, open.len))) {
        const char *number = mark + open.len, *close = memchr(number, '"', (size_t)(end - number));
        buf_add(out, from, (size_t)(mark - from));
        buf_add(out, number, (size_t)(close - number));
        from = close + 1;
    }
    if (from > json.ptr)
        buf_add(out, from, (size_t)(end - from));
    return from > json.ptr;
}
