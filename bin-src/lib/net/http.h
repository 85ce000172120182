/*
 * net/http.h: HTTP/1.1 messages out of bytes (RFC 9112), both sides
 *
 *     struct http http;
 *     http_init(&http, HTTP_RESPONSE);
 *     struct str input = {bytes, got}, body;
 *     for (;;)
 *         switch (http_next(&http, &input, &body, &err)) {
 *         case HTTP_MORE: ...read on, then call again with the new bytes
 *         case HTTP_HEAD: ...http.status and http_header are there
 *         case HTTP_BODY: ...body is the next piece of it, within input
 *         case HTTP_DONE: ...input is what follows the message
 *         case HTTP_BAD:  ...err says what is wrong with it
 *         }
 *
 * The parser pulls: it moves input forward over what it took. It keeps the head (at most HTTP_HEAD_MAX bytes) and no
 * byte of the body. Chunked bodies, bodies with a length, and bodies that end with the connection (http_end) are
 * told apart; interim answers (1xx) are skipped.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define HTTP_HEAD_MAX (64 << 10)

enum http_side { HTTP_REQUEST, HTTP_RESPONSE };
enum http_got { HTTP_MORE, HTTP_HEAD, HTTP_BODY, HTTP_DONE, HTTP_BAD };

struct http {
    enum http_side side;
    int status;       // of a response
    int minor;        // of HTTP/1.minor
    bool keep_alive;  // the connection may carry another message
    bool has_length;
    int64_t length;   // of the body, as the head says; if has_length
    struct str method, target; // of a request; they live in head
    struct buf head;
    enum {
        HTTP_IN_HEAD, HTTP_IN_LENGTH, HTTP_IN_CHUNK_SIZE, HTTP_IN_CHUNK, HTTP_IN_CHUNK_END, HTTP_IN_TRAILER, HTTP_TO_END, HTTP_OVER
    } state;
    int64_t left;       // of the body, or of this chunk
    uint32_t digits;    // of a chunk's size that were read
    bool in_extension;  // of a chunk's size
    size_t line;        // bytes of this trailer line
    size_t trailer;     // bytes of all trailer lines
    size_t line_start;  // of the head line that is being read
};

void http_init(struct http *http, enum http_side side);
/* For the next message on the same connection; keeps the memory. */
void http_reset(struct http *http);
void http_release(struct http *http);

enum http_got http_next(struct http *http, struct str *input, struct str *body, struct err *err);

/* The connection ended here: HTTP_DONE where that ends the message, HTTP_BAD where it cuts it short. */
enum http_got http_end(struct http *http, struct err *err);

/* The first header field of the name, case ignored, without blanks around; false: there is none. After HTTP_HEAD. */
bool http_header(const struct http *http, const char *name, struct str *value);

#endif
