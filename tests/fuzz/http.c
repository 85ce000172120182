/*
 * fuzz/http.c: messages are the same, in however many pieces they come
 *
 * The first byte is '0' for requests (or another even one) and '1' for responses; the pieces' sizes follow. Heads,
 * bodies, what ends each message and what is left are compared with those of the bytes in one piece.
 */
#include "net/http.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t one_piece[PIECES_SIZES];

static void tell_head(const struct http *http, struct buf *story)
{
    struct str value = {"-", 1}, again;
    buf_addf(story, "\nHEAD %d %d %d %d %lld ", http->status, http->minor, http->keep_alive, http->has_length, (long long)http->length);
    buf_add_str(story, buf_str(&http->head));
    if (http->has_length)
        must(http->length >= 0 && http_header(http, "CONTENT-LENGTH", &value) && value.len > 0);
    buf_add_str(story, value);
    if (http->side == HTTP_REQUEST) {
        must(http->method.len > 0 && http->target.len > 0);
        buf_add_str(story, http->method);
        buf_add_str(story, http->target);
    } else
        must(http->status >= 200 || http->status == 101);
    must(!http_header(http, "", &again));
}

static void tell_end(const struct http *http, const struct buf *body, struct buf *story)
{
    bool bodiless = http->side == HTTP_RESPONSE && (http->status < 200 || http->status == 204 || http->status == 304);
    if (bodiless)
        must(body->len == 0);
    else if (http->has_length)
        must((size_t)http->length == body->len);
    buf_addf(story, "\nBODY %zu ", body->len);
    buf_add_str(story, buf_str(body));
}

/* Takes what this piece holds. False: the connection is over. */
static bool take(struct http *http, struct str input, struct buf *body, struct buf *story, size_t left)
{
    struct str before = input, part = {NULL, 0};
    struct err err;
    for (;;)
        switch (http_next(http, &input, &part, &err)) {
        case HTTP_MORE:
            must(input.len == 0);
            return true;
        case HTTP_HEAD:
            tell_head(http, story);
            break;
        case HTTP_BODY:
            must(part.len > 0 && part.ptr >= before.ptr && part.ptr + part.len == input.ptr);
            buf_add_str(body, part);
            break;
        case HTTP_DONE:
            must(input.ptr + input.len == before.ptr + before.len);
            tell_end(http, body, story);
            buf_clear(body);
            if (!http->keep_alive || http->status == 101) {
                buf_addf(story, "\nLEFT %zu", input.len + left);
                return false;
            }
            http_reset(http);
            break;
        case HTTP_BAD:
            must(err.kind == ERR_PARSE);
            buf_addf(story, "\nBAD %s", err.msg);
            return false;
        }
}

static void read_all(enum http_side side, struct pieces pieces, struct buf *story)
{
    struct http http;
    struct buf body = {0};
    struct err err;
    size_t len;
    bool open = true;
    char *piece;
    http_init(&http, side);
    while (open && (piece = pieces_next(&pieces, 0, &len)) != NULL) {
        open = take(&http, (struct str){piece, len}, &body, story, pieces.left);
        free(piece);
    }
    if (open && http_end(&http, &err) == HTTP_DONE)
        tell_end(&http, &body, story);
    else if (open)
        buf_addf(story, "\nCUT %s", err.msg);
    must(!body.failed && !story->failed);
    buf_release(&body);
    http_release(&http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0}, split = {0};
    if (size < 1 + PIECES_SIZES)
        return 0;
    enum http_side side = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
    struct pieces pieces = {.sizes = data + 1, .rest = data + 1 + PIECES_SIZES, .left = size - 1 - PIECES_SIZES};
    read_all(side, pieces, &split);
    pieces.sizes = one_piece;
    read_all(side, pieces, &whole);
    must(str_eq(buf_str(&whole), buf_str(&split)));
    buf_release(&whole);
    buf_release(&split);
    return 0;
}
