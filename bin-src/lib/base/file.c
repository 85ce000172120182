/* base/file.c: see file.h */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

int file_place(const char *path, char place[PATH_MAX], struct err *err)
{
    struct stat info;
    size_t len = strlen(path);
    place[0] = '\0';
    if (lstat(path, &info) < 0) { // not there, most often
        if (len >= PATH_MAX)
            return err_set(err, ERR_RANGE, "%.100s...: the name is too long", path);
        memcpy(place, path, len + 1);
        return 0;
    }
    if (stat(path, &info) < 0)
        return 0; // a link to what is not there: it is made so
    if (S_ISDIR(info.st_mode))
        return err_set(err, ERR_EXISTS, "%s: is a directory", path);
    if (S_ISREG(info.st_mode) && !realpath(path, place))
        return err_errno(err, "%s", path);
    return 0;
}

uint64_t file_raise_limit(uint64_t want)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    rlim_t most = limit.rlim_max;
    if (limit.rlim_cur < most && setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, most}) == 0)
        limit.rlim_cur = most;
    if (most < want && setrlimit(RLIMIT_NOFILE, &(struct rlimit){want, want}) == 0)
        limit.rlim_cur = want;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
