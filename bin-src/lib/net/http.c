/* net/http.c: see http.h */
#include "net/http.h"

#include <stdlib.h>

void http_init(struct http *http, enum http_side side)
{
    *http = (struct http){.side = side};
}

void http_reset(struct http *http)
{
    struct buf head = http->head;
    buf_clear(&head);
    *http = (struct http){.side = http->side, .head = head};
}

void http_release(struct http *http)
{
    buf_release(&http->head);
}

static enum http_got bad(struct err *err, const char *why)
{
    err_set(err, ERR_PARSE, "bad HTTP: %s", why);
    return HTTP_BAD;
}

/* --- the head --- */

/* Steps over the lines of a head; the last, empty one is not given. */
static bool next_head_line(struct str *rest, struct str *line)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    if (!end)
        return false;
    *line = (struct str){rest->ptr, (size_t)(end - rest->ptr)};
    *rest = (struct str){end + 1, rest->len - line->len - 1};
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return line->len > 0;
}

/* Steps over the fields behind the first line. False: no more, or this line is no field (then name->len is 0). */
static bool next_field(struct str *rest, struct str *name, struct str *value)
{
    struct str line;
    *name = (struct str){"", 1};
    if (!next_head_line(rest, &line))
        return false;
    const char *colon = memchr(line.ptr, ':', line.len);
    size_t len = colon ? (size_t)(colon - line.ptr) : 0;
    *name = (struct str){line.ptr, len};
    if (len == 0 || line.ptr[0] == ' ' || line.ptr[0] == '\t' || line.ptr[len - 1] == ' ') {
        name->len = 0;
        return false;
    }
    *value = str_trim((struct str){colon + 1, line.len - len - 1});
    return true;
}

static struct str fields_of(const struct http *http)
{
    struct str rest = buf_str(&http->head), first;
    next_head_line(&rest, &first);
    return rest;
}

bool http_header(const struct http *http, const char *name, struct str *value)
{
    struct str rest = fields_of(http), at, found;
    while (next_field(&rest, &at, &found))
        if (str_is_nocase(at, name)) {
            *value = found;
            return true;
        }
    return false;
}

/* Is word one of the comma-separated words of the field? */
static bool has_word(struct str value, const char *word)
{
    while (value.len > 0) {
        const char *comma = memchr(value.ptr, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.ptr) : value.len;
        if (str_is_nocase(str_trim((struct str){value.ptr, len}), word))
            return true;
        value.ptr += len + (comma ? 1 : 0);
        value.len -= len + (comma ? 1 : 0);
    }
    return false;
}

static bool parse_length(struct str text, int64_t *length)
{
    int64_t value = 0;
    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *length = value;
    return true;
}

static bool parse_version(struct str text, int *minor)
{
    if (text.len != 8 || memcmp(text.ptr, "HTTP/1.", 7) != 0 || text.ptr[7] < '0' || text.ptr[7] > '9')
        return false;
    *minor = text.ptr[7] - '0';
    return true;
}

static bool parse_status_line(struct http *http, struct str line)
{
    if (line.len < 12 || line.ptr[8] != ' ' || !parse_version((struct str){line.ptr, 8}, &http->minor))
        return false;
    http->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.ptr[i] < '0' || line.ptr[i] > '9')
            return false;
        http->status = http->status * 10 + (line.ptr[i] - '0');
    }
    return http->status >= 100 && (line.len == 12 || line.ptr[12] == ' ');
}

static bool parse_request_line(struct http *http, struct str line)
{
    const char *first = memchr(line.ptr, ' ', line.len), *last = memrchr(line.ptr, ' ', line.len);
    if (!first || last == first || first == line.ptr || last - first < 2)
        return false;
    http->method = (struct str){line.ptr, (size_t)(first - line.ptr)};
    http->target = (struct str){first + 1, (size_t)(last - first - 1)};
    return parse_version((struct str){last + 1, line.len - (size_t)(last + 1 - line.ptr)}, &http->minor);
}

/* What the fields say of the body. A message with both a length and chunks is chunked (RFC 9112, 6.3). */
static enum http_got parse_fields(struct http *http, bool *chunked, struct err *err)
{
    struct str rest = fields_of(http), name, value;
    int64_t length;
    http->keep_alive = http->minor >= 1;
    *chunked = false;
    while (next_field(&rest, &name, &value)) {
        if (str_is_nocase(name, "content-length")) {
            if (!parse_length(value, &length) || (http->has_length && length != http->length))
                return bad(err, "a wrong Content-Length");
            http->has_length = true;
            http->length = length;
        } else if (str_is_nocase(name, "transfer-encoding")) {
            if (!str_is_nocase(value, "chunked"))
                return bad(err, "a Transfer-Encoding other than chunked");
            *chunked = true;
        } else if (str_is_nocase(name, "connection")) {
            if (has_word(value, "close"))
                http->keep_alive = false;
            else if (has_word(value, "keep-alive"))
                http->keep_alive = true;
        }
    }
    return name.len == 0 ? bad(err, "a header line without a name") : HTTP_HEAD;
}

static enum http_got parse_head(struct http *http, struct err *err)
{
    struct str rest = buf_str(&http->head), first;
    bool chunked;
    if (!next_head_line(&rest, &first) || !(http->side == HTTP_REQUEST ? parse_request_line(http, first) : parse_status_line(http, first)))
        return bad(err, http->side == HTTP_REQUEST ? "no request line" : "no status line");
    if (parse_fields(http, &chunked, err) == HTTP_BAD)
        return HTTP_BAD;
    if (http->side == HTTP_RESPONSE && (http->status < 200 || http->status == 204 || http->status == 304)) {
        http->state = HTTP_IN_LENGTH;
        http->left = 0;
    } else if (chunked) {
        http->has_length = false;
        http->state = HTTP_IN_CHUNK_SIZE;
        http->left = 0;
        http->digits = 0;
    } else if (http->has_length || http->side == HTTP_REQUEST) {
        http->state = HTTP_IN_LENGTH;
        http->left = http->has_length ? http->length : 0;
    } else {
        http->state = HTTP_TO_END;
        http->keep_alive = false;
    }
    return HTTP_HEAD;
}

static bool line_is_empty(const struct http *http)
{
    size_t len = http->head.len - http->line_start;
    return len == 1 || (len == 2 && http->head.ptr[http->line_start] == '\r');
}

/* Takes lines up to the empty one. Empty lines before the first are skipped, as RFC 9112, 2.2, asks of servers. */
static enum http_got take_head(struct http *http, struct str *input, struct err *err)
{
    while (input->len > 0) {
        const char *end = memchr(input->ptr, '\n', input->len);
        size_t len = end ? (size_t)(end - input->ptr) + 1 : input->len;
        if (http->head.len + len > HTTP_HEAD_MAX)
            return bad(err, "a head over 64 KiB");
        buf_add(&http->head, input->ptr, len);
        if (http->head.failed) {
            err_nomem(err);
            return HTTP_BAD;
        }
        *input = (struct str){input->ptr + len, input->len - len};
        if (!end)
            break;
        if (!line_is_empty(http)) {
            http->line_start = http->head.len;
            continue;
        }
        if (http->line_start == 0) {
            buf_clear(&http->head);
            continue;
        }
        enum http_got got = parse_head(http, err);
        if (got == HTTP_HEAD && http->side == HTTP_RESPONSE && http->status < 200 && http->status != 101) {
            http_reset(http);
            continue;
        }
        return got;
    }
    return HTTP_MORE;
}

/* --- the body --- */

static enum http_got take_piece(struct http *http, struct str *input, struct str *body)
{
    size_t len = (uint64_t)http->left < input->len ? (size_t)http->left : input->len;
    *body = (struct str){input->ptr, len};
    *input = (struct str){input->ptr + len, input->len - len};
    http->left -= (int64_t)len;
    return HTTP_BODY;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "1a;name=value\r\n". HTTP_HEAD here means: done, the chunk follows. */
static enum http_got take_chunk_size(struct http *http, struct str *input, struct err *err)
{
    while (input->len > 0) {
        char c = *input->ptr++;
        int digit = hex_value(c);
        input->len--;
        if (c == '\n') {
            if (http->digits == 0)
                return bad(err, "a chunk without a size");
            http->state = http->left > 0 ? HTTP_IN_CHUNK : HTTP_IN_TRAILER;
            http->digits = 0;
            http->in_extension = false;
            http->line = http->trailer = 0;
            return HTTP_HEAD;
        }
        if (http->in_extension)
            continue;
        if (digit >= 0 && http->digits < 15) {
            http->left = http->left * 16 + digit;
            http->digits++;
        } else if (digit < 0 && (c == ';' || c == ' ' || c == '\t' || c == '\r') && http->digits > 0)
            http->in_extension = true;
        else
            return bad(err, "a chunk's size that is no number");
    }
    return HTTP_MORE;
}

static enum http_got take_chunk_end(struct http *http, struct str *input, struct err *err)
{
    while (input->len > 0) {
        char c = *input->ptr++;
        input->len--;
        if (c == '\n') {
            http->state = HTTP_IN_CHUNK_SIZE;
            http->left = 0;
            return HTTP_HEAD;
        }
        if (c != '\r')
            return bad(err, "a chunk longer than its size");
    }
    return HTTP_MORE;
}

static enum http_got take_trailer(struct http *http, struct str *input, struct err *err)
{
    while (input->len > 0) {
        char c = *input->ptr++;
        input->len--;
        if (++http->trailer > HTTP_HEAD_MAX)
            return bad(err, "trailers over 64 KiB");
        if (c == '\n' && http->line == 0) {
            http->state = HTTP_OVER;
            return HTTP_DONE;
        }
        http->line = c == '\n' ? 0 : http->line + (c != '\r');
    }
    return HTTP_MORE;
}

enum http_got http_next(struct http *http, struct str *input, struct str *body, struct err *err)
{
    for (;;) {
        enum http_got got = HTTP_MORE;
        switch (http->state) {
        case HTTP_IN_HEAD:
            return take_head(http, input, err);
        case HTTP_IN_LENGTH:
            if (http->left == 0) {
                http->state = HTTP_OVER;
                return HTTP_DONE;
            }
            return input->len > 0 ? take_piece(http, input, body) : HTTP_MORE;
        case HTTP_TO_END:
            if (input->len == 0)
                return HTTP_MORE;
            http->left = INT64_MAX;
            return take_piece(http, input, body);
        case HTTP_IN_CHUNK:
            if (http->left > 0)
                return input->len > 0 ? take_piece(http, input, body) : HTTP_MORE;
            http->state = HTTP_IN_CHUNK_END;
            continue;
        case HTTP_IN_CHUNK_SIZE:
            got = take_chunk_size(http, input, err);
            break;
        case HTTP_IN_CHUNK_END:
            got = take_chunk_end(http, input, err);
            break;
        case HTTP_IN_TRAILER:
            return take_trailer(http, input, err);
        case HTTP_OVER:
            return HTTP_DONE;
        }
        if (got != HTTP_HEAD)
            return got;
    }
}

enum http_got http_end(struct http *http, struct err *err)
{
    if (http->state == HTTP_TO_END || http->state == HTTP_OVER || (http->state == HTTP_IN_LENGTH && http->left == 0)) {
        http->state = HTTP_OVER;
        return HTTP_DONE;
    }
    err_set(err, ERR_NET, "the connection ended in the middle of the %s", http->state == HTTP_IN_HEAD ? "headers" : "body");
    return HTTP_BAD;
}
