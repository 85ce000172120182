/* base/err.c: see err.h */
#include "base/err.h"

#include "base/log.h"
#include "base/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err->kind = kind;
    vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->msg) {
        size_t room = sizeof err->msg - (size_t)used - 1, len = strlen(old);
        len = len < room ? len : room;
        memcpy(err->msg + used, old, len);
        err->msg[(size_t)used + len] = '\0';
    }
    return -1;
}

int err_errno(struct err *err, const char *fmt, ...)
{
    int code = errno;
    if (code == ENOMEM)
        return err_nomem(err);
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return err_set(err, ERR_IO, "%s: %s", what, strerror(code));
}

int err_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

void warn(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    log_write(LOG_WARN, text, (struct log_field[]){{0}});
}

void die(int status, const struct err *err)
{
    struct err second; // what could not be written besides is no news
    out_flush(&second);
    log_write(LOG_ERROR, err->msg, (struct log_field[]){{0}});
    exit(status);
}

void *xcalloc(unsigned long count, unsigned long size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        struct err err;
        err_nomem(&err);
        die(EXIT_CANNOT, &err);
    }
    return memory;
}
