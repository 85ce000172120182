/* base/file.c: see file.h */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int file_read(const char *path, size_t max_bytes, struct buf *text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    if (fd < 0)
        return err_errno(err, "%s", path);
    for (;;) {
        if (!buf_reserve(text, 4097)) {
            err_nomem(err);
            break;
        }
        ssize_t got = read(fd, text->ptr + text->len, text->cap - text->len - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_errno(err, "%s", path);
            break;
        }
        text->len += (size_t)got;
        text->ptr[text->len] = '\0';
        if (text->len > max_bytes) {
            err_set(err, ERR_RANGE, "%s: over %zu bytes", path, max_bytes);
            break;
        }
        if (got == 0) {
            rc = 0;
            break;
        }
    }
    close(fd);
    return rc;
}

int file_read_line(const char *path, char **line, struct err *err)
{
    struct buf text = {0};
    int rc = file_read(path, 64 << 10, &text, err);
    struct str found = str_trim(buf_str(&text));
    if (rc == 0 && (found.len == 0 || memchr(found.ptr, '\n', found.len) || memchr(found.ptr, '\0', found.len)))
        rc = err_set(err, ERR_PARSE, "%s: not a file of one line", path);
    if (rc == 0 && !(*line = strndup(found.ptr, found.len)))
        rc = err_nomem(err);
    if (text.ptr)
        explicit_bzero(text.ptr, text.len); // it may be a key
    buf_release(&text);
    return rc;
}
