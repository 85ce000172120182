/* base/file.c: see file.h */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
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
