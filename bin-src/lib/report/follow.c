/* report/follow.c: see follow.h */
#include "report/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct follow {
    const char *path;
    char part[PATH_MAX]; // PATH.part
    const char *opened;  // one of the two
    int fd;              // below 0: is not there yet
    struct buf text;     // read and not yet handed out from at on
    size_t at, searched; // no line feed before searched
    uint64_t line;
    struct jdoc *doc;
    struct jsonl_record record;
    struct measured measured;
    char where[PATH_MAX + 32];
};

/* Opens PATH.part, or PATH; that there is neither is no error. */
static int open_one(struct follow *follow, struct err *err)
{
    if (strcmp(follow->path, "-") == 0) {
        follow->fd = STDIN_FILENO;
        follow->opened = follow->path;
        return 0;
    }
    const char *names[] = {follow->part, follow->path};
    for (size_t i = 0; i < COUNT(names) && follow->fd < 0; i++) {
        follow->opened = names[i];
        follow->fd = open(names[i], O_RDONLY | O_CLOEXEC);
        if (follow->fd < 0 && errno != ENOENT)
            return err_errno(err, "%s", names[i]);
    }
    return 0;
}

struct follow *follow_open(const char *path, struct err *err)
{
    struct follow *follow = calloc(1, sizeof *follow);
    if (!follow) {
        err_nomem(err);
        return NULL;
    }
    follow->path = path;
    follow->fd = -1;
    follow->doc = jdoc_new();
    int len = snprintf(follow->part, sizeof follow->part, "%s.part", path);
    if (!follow->doc)
        err_nomem(err);
    else if (len < 0 || (size_t)len >= sizeof follow->part)
        err_set(err, ERR_RANGE, "%.100s...: the name is too long", path);
    else if (open_one(follow, err) == 0)
        return follow;
    follow_close(follow);
    return NULL;
}

void follow_close(struct follow *follow)
{
    if (!follow)
        return;
    if (follow->fd > STDIN_FILENO)
        close(follow->fd);
    jdoc_free(follow->doc);
    measured_release(&follow->measured);
    buf_release(&follow->record.added);
    buf_release(&follow->text);
    free(follow);
}

const char *follow_where(struct follow *follow)
{
    snprintf(follow->where, sizeof follow->where, "%s:%llu", follow->opened, (unsigned long long)follow->line);
    return follow->where;
}

/* Has what is open lost the name .part? Then nothing more is written to it. */
static bool is_done(const struct follow *follow)
{
    struct stat ours, named;
    size_t len = strlen(follow->opened);
    if (len < 5 || strcmp(follow->opened + len - 5, ".part") != 0 || fstat(follow->fd, &ours) < 0)
        return false;
    return stat(follow->opened, &named) < 0 ? errno == ENOENT : ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
}

/* How many bytes came: 0 at the end of what there is. */
static long read_more(struct follow *follow, struct err *err)
{
    enum { PIECE = 256 << 10 };
    ssize_t got;
    if (follow->at > 0) {
        memmove(follow->text.ptr, follow->text.ptr + follow->at, follow->text.len - follow->at);
        follow->text.len -= follow->at;
        follow->searched -= follow->at;
        follow->at = 0;
    }
    if (!buf_reserve(&follow->text, PIECE + JDOC_PADDING))
        return err_nomem(err);
    do
        got = read(follow->fd, follow->text.ptr + follow->text.len, PIECE);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, "%s", follow->opened);
    follow->text.len += (size_t)got;
    return got;
}

/* The next line that is whole, or, at the end, the rest. */
static bool next_line(struct follow *follow, bool ended, struct str *line)
{
    const char *from = follow->text.ptr + follow->at, *newline = NULL;
    size_t have = follow->text.len - follow->at;
    if (follow->text.len > follow->searched)
        newline = memchr(follow->text.ptr + follow->searched, '\n', follow->text.len - follow->searched);
    follow->searched = follow->text.len;
    if (!newline && !(ended && have > 0))
        return false;
    *line = (struct str){from, newline ? (size_t)(newline - from) : have};
    follow->at += line->len + (newline ? 1 : 0);
    follow->searched = follow->at;
    follow->line++;
    return true;
}

static enum follow_got measure(struct follow *follow, struct str line, struct request *request, struct err *err)
{
    struct jsonl_record *rec = &follow->record;
    if (jsonl_parse(follow->doc, line, rec, err) < 0 || measured_read(&follow->measured, rec->root, err) < 0)
        return err->kind == ERR_NOMEM ? FOLLOW_FAILED : FOLLOW_BAD;
    *request = (struct request){.root = rec->root, .line = line, .measured = &follow->measured, .file = follow->path};
    return FOLLOW_ONE;
}

static enum follow_got wait_for(const struct follow *follow, int wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    bool pipe = follow->opened == follow->path && follow->fd == STDIN_FILENO;
    return poll(&input, pipe ? 1 : 0, wait_ms) > 0 ? FOLLOW_ONE : FOLLOW_WAIT;
}

enum follow_got follow_next(struct follow *follow, int wait_ms, struct request *request, struct err *err)
{
    struct str line;
    if (follow->fd < 0 && open_one(follow, err) < 0)
        return FOLLOW_FAILED;
    if (follow->fd < 0)
        return wait_for(follow, wait_ms);
    while (!next_line(follow, false, &line)) {
        bool piped = follow->fd == STDIN_FILENO, done = piped || is_done(follow); // asked first: what is read after that is all
        if (piped && wait_for(follow, wait_ms) == FOLLOW_WAIT)
            return FOLLOW_WAIT;
        long got = read_more(follow, err);
        if (got < 0)
            return FOLLOW_FAILED;
        if (got > 0)
            continue;
        if (!done)
            return wait_for(follow, wait_ms);
        if (!next_line(follow, true, &line))
            return FOLLOW_END;
        break;
    }
    return measure(follow, line, request, err);
}
