/* base/out.c: see out.h */
#include "base/out.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char held[256 << 10]; // the process has one standard output
static size_t held_len;
static const char *name;      // of the file that it becomes; NULL: it is as it came
static char target[PATH_MAX]; // where the name leads, for target.part to get that name; "": it is written straight

int out_all(int fd, const void *bytes, size_t len, struct err *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno == EAGAIN) { // a pipe that somebody made non-blocking
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (wrote < 0)
            return err_errno(err, "write");
        at += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static int part_name(char *part, size_t size, struct err *err)
{
    int len = snprintf(part, size, "%s.part", target);
    return len > 0 && (size_t)len < size ? 0 : err_set(err, ERR_RANGE, "%.100s...: the name is too long", target);
}

/* Is it standard output already (/dev/stdout)? Nothing of it may be cut off or renamed, then. */
static bool is_standard_output(const char *path)
{
    struct stat own, info;
    return fstat(STDOUT_FILENO, &own) == 0 && stat(path, &info) == 0 && own.st_dev == info.st_dev && own.st_ino == info.st_ino;
}

int out_to(const char *path, struct err *err)
{
    char part[PATH_MAX];
    name = path;
    if (is_standard_output(path))
        return 0;
    if (file_place(path, target, err) < 0 || (target[0] && part_name(part, sizeof part, err) < 0))
        return -1;
    const char *opened = target[0] ? part : path;
    int fd = open(opened, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "%s", opened);
    int rc = fd == STDOUT_FILENO || dup2(fd, STDOUT_FILENO) >= 0 ? 0 : err_errno(err, "%s", opened);
    if (fd != STDOUT_FILENO)
        close(fd);
    return rc;
}

int out_flush(struct err *err)
{
    size_t len = held_len;
    held_len = 0; // what could not be written is not tried again
    return out_all(STDOUT_FILENO, held, len, err) < 0 ? err_prefix(err, "%s: ", name ? name : "standard output") : 0;
}

int out_write(const void *bytes, size_t len, struct err *err)
{
    if (len > sizeof held - held_len && out_flush(err) < 0)
        return -1;
    if (len >= sizeof held)
        return out_all(STDOUT_FILENO, bytes, len, err) < 0 ? err_prefix(err, "%s: ", name ? name : "standard output") : 0;
    if (len == 0) // bytes may be NULL then
        return 0;
    memcpy(held + held_len, bytes, len);
    held_len += len;
    return 0;
}

int out_finish(struct err *err)
{
    if (out_flush(err) < 0)
        return -1;
    if (close(STDOUT_FILENO) < 0 && errno != EBADF)
        return err_errno(err, "%s", name ? name : "standard output");
    char part[PATH_MAX];
    if (!target[0])
        return 0;
    if (part_name(part, sizeof part, err) < 0)
        return -1;
    return rename(part, target) < 0 ? err_errno(err, "%s", name) : 0;
}
