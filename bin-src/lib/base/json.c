/* base/json.c: see json.h */
#include "base/json.h"

#include "base/num.h"

#include <math.h>
#include <stdio.h>

static void comma(struct buf *out)
{
    if (out->len == 0 || out->failed)
        return;
    char last = out->ptr[out->len - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n')
        buf_add_char(out, ',');
}

/* The length of the UTF-8 sequence that starts at p, or 0 if it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

static void add_escape(struct buf *out, unsigned char c)
{
    static const char names[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    static const char hex[] = "0123456789abcdef";
    if (c < sizeof names && names[c])
        buf_add(out, (char[]){'\\', names[c]}, 2);
    else
        buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* How many of the next bytes need neither escape nor check, eight at a time: most text is such. */
static size_t plain_len(const unsigned char *p, size_t left)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x80 * ones;
    size_t len = 0;
    for (; left - len >= 8; len += 8) {
        uint64_t word;
        memcpy(&word, p + len, 8);
        // A byte's top bit stands below 0x20, for a quote or backslash, and above 0x7f (and, harmlessly, above such a byte).
        uint64_t odd = (word - 0x20 * ones) | ((word ^ '"' * ones) - ones) | ((word ^ '\\' * ones) - ones) | word;
        if (odd & tops)
            break;
    }
    return len;
}

static void add_string(struct buf *out, struct str text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t from = 0, i = 0;
    buf_reserve(out, text.len + 2);
    buf_add_char(out, '"');
    while ((i += plain_len(p + i, text.len - i)) < text.len) {
        unsigned char c = p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t len = c < 0x80 ? 0 : utf8_len(p + i, text.len - i);
        if (len > 0) {
            i += len;
            continue;
        }
        buf_add(out, text.ptr + from, i - from);
        if (c == 0x7f)
            buf_add_char(out, (char)c);
        else if (c < 0x80)
            add_escape(out, c);
        else
            buf_add(out, "\xef\xbf\xbd", 3);
        from = ++i;
    }
    buf_add(out, text.ptr + from, text.len - from);
    buf_add_char(out, '"');
}

void json_object(struct buf *out)
{
    comma(out);
    buf_add_char(out, '{');
}

void json_object_end(struct buf *out)
{
    buf_add_char(out, '}');
}

void json_array(struct buf *out)
{
    comma(out);
    buf_add_char(out, '[');
}

void json_array_end(struct buf *out)
{
    buf_add_char(out, ']');
}

void json_key(struct buf *out, const char *key)
{
    json_key_str(out, str_of(key));
}

void json_key_str(struct buf *out, struct str key)
{
    comma(out);
    add_string(out, key);
    buf_add_char(out, ':');
}

void json_str(struct buf *out, struct str text)
{
    comma(out);
    add_string(out, text);
}

void json_cstr(struct buf *out, const char *text)
{
    json_str(out, str_of(text));
}

void json_int(struct buf *out, int64_t value)
{
    char text[24];
    comma(out);
    buf_add(out, text, num_format_int(text, value));
}

void json_double(struct buf *out, double value)
{
    char text[40];
    if (!isfinite(value)) {
        json_null(out);
        return;
    }
    comma(out);
    buf_add(out, text, num_format_double(text, sizeof text, value));
}

void json_bool(struct buf *out, bool value)
{
    json_raw(out, value ? STR("true") : STR("false"));
}

void json_null(struct buf *out)
{
    json_raw(out, STR("null"));
}

void json_figure(struct buf *out, const char *key, double value)
{
    if (isfinite(value))
        json_key(out, key), json_double(out, value);
}

void json_count(struct buf *out, const char *key, uint64_t count)
{
    json_key(out, key), json_int(out, (int64_t)count);
}

void json_raw(struct buf *out, struct str json)
{
    comma(out);
    buf_add_str(out, json);
}
