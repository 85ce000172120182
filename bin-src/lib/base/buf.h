/*
 * base/buf.h: bytes that grow
 *
 *     struct buf text = {0};
 *     buf_add(&text, "abc", 3);
 *     buf_addf(&text, "%d", 7);
 *     if (text.failed) ...        // out of memory somewhere above; what was added since is missing
 *     buf_release(&text);
 *
 * An allocation that fails sets failed, and every later addition does nothing, so that a writer of many small pieces
 * asks once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
    char *ptr; // NULL while nothing was added
    size_t len, cap;
    bool failed;
};

/* Room for more bytes behind len. False: out of memory. */
bool buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_release(struct buf *buf); // frees, and makes it empty again

static inline void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.ptr, s.len);
}

static inline void buf_add_char(struct buf *buf, char c)
{
    if (buf->len < buf->cap && !buf->failed)
        buf->ptr[buf->len++] = c;
    else
        buf_add(buf, &c, 1);
}

static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->ptr ? buf->ptr : "", buf->len};
}

#endif
