/* base/buf.c: see buf.h */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool buf_reserve(struct buf *buf, size_t more)
{
    size_t need;
    if (buf->failed)
        return false;
    if (__builtin_add_overflow(buf->len, more, &need)) {
        buf->failed = true;
        return false;
    }
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap < 64 ? 64 : buf->cap + buf->cap / 2;
    if (cap < need)
        cap = need;
    char *grown = realloc(buf->ptr, cap);
    if (!grown) {
        buf->failed = true;
        return false;
    }
    buf->ptr = grown;
    buf->cap = cap;
    return true;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0 || !buf_reserve(buf, len))
        return;
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || !buf_reserve(buf, (size_t)len + 1))
        return;
    va_start(args, fmt);
    vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_release(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}
