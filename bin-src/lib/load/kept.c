/* load/kept.c: see kept.h */
#include "load/kept.h"

#include "base/out.h"
#include "jsonl/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line of the file; what comes before its "response" is the input line that it answers. */
struct entry {
    uint64_t hash; // of that prefix
    int64_t offset;
    uint32_t prefix, len; // bytes, the line feed counted in len
    bool taken, used;
};

struct kept {
    char *path, *copy_path; // what is rewritten is written there first
    int fd; // of the file, locked
    struct entry *entries; // an open-addressed table
    size_t size, count;    // size is a power of two
    uint64_t dropped;
    const struct entry *taken; // last
    int64_t own_offset;    // where this run's own lines begin
    struct buf scratch;
};

static void put(struct entry *entries, size_t size, struct entry entry)
{
    size_t at = entry.hash & (size - 1);
    while (entries[at].used)
        at = (at + 1) & (size - 1);
    entries[at] = entry;
}

static int add(struct kept *kept, struct entry entry, struct err *err)
{
    if (kept->count * 2 >= kept->size) {
        size_t size = kept->size ? kept->size * 2 : 1024;
        struct entry *entries = calloc(size, sizeof *entries);
        if (!entries)
            return err_nomem(err);
        for (size_t i = 0; i < kept->size; i++)
            if (kept->entries[i].used)
                put(entries, size, kept->entries[i]);
        free(kept->entries);
        kept->entries = entries;
        kept->size = size;
    }
    put(kept->entries, kept->size, entry);
    kept->count++;
    return 0;
}

/* May this line be kept? If so, how long its input line was. */
static bool is_result(const struct jsonl_record *rec, struct str load, size_t *prefix)
{
    struct jsonl_member response, timing;
    struct jval value;
    if (!jsonl_member(rec, "response", &response) || !jsonl_member(rec, "timing", &timing) || !jval_at(rec->root, "/timing/load", &value))
        return false;
    struct buf text = {0};
    jval_write(value, &text);
    bool same = !text.failed && str_eq(buf_str(&text), load);
    buf_release(&text);
    *prefix = response.kept;
    return same;
}

/* Locks what is at path now: whoever held the lock may have put another file there meanwhile. */
static int open_locked(const char *path, struct err *err)
{
    for (;;) {
        struct stat ours, there;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return err_errno(err, "%s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            errno == EWOULDBLOCK ? err_set(err, ERR_EXISTS, "%s: another run writes it", path) : err_errno(err, "%s", path);
            close(fd);
            return -1;
        }
        if (fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
            return fd;
        close(fd);
    }
}

/* The copy is locked before it takes the file's place: nobody else can have it first. */
static int copy_begin(struct kept *kept, struct err *err)
{
    int copy = open(kept->copy_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (copy < 0 || flock(copy, LOCK_EX | LOCK_NB) < 0) {
        err_errno(err, "%s", kept->copy_path);
        if (copy >= 0)
            close(copy);
        return -1;
    }
    return copy;
}

/* The copy takes the file's place, if all went well so far (rc), and is gone else. Returns how it went. */
static int copy_end(struct kept *kept, int copy, int rc, struct err *err)
{
    if (rc == 0 && (fsync(copy) < 0 || rename(kept->copy_path, kept->path) < 0))
        rc = err_errno(err, "%s", kept->path);
    if (rc < 0) {
        unlink(kept->copy_path);
        close(copy);
        return rc;
    }
    close(kept->fd);
    kept->fd = copy;
    return 0;
}

/* Copies the lines that may be kept to a new file, which takes the old one's place; the table knows them. */
static int scan(struct kept *kept, struct str load, struct err *err)
{
    char *paths[] = {kept->path, NULL};
    struct jsonl_reader *reader = jsonl_open(paths, err);
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_FAILED;
    int rc = 0;
    if (!reader)
        return -1;
    int copy = copy_begin(kept, err);
    if (copy < 0) {
        jsonl_close(reader);
        return -1;
    }
    int64_t offset = 0;
    struct buf block = {0};
    while (rc == 0 && (got = jsonl_next(reader, &rec, err)) != JSONL_END && got != JSONL_FAILED) {
        size_t prefix;
        if (got == JSONL_BAD || !is_result(rec, load, &prefix) || rec->line.len >= UINT32_MAX) {
            kept->dropped += got == JSONL_RECORD;
            continue;
        }
        buf_add_str(&block, rec->line);
        buf_add_char(&block, '\n');
        struct entry entry = {str_hash((struct str){rec->line.ptr, prefix}), offset, (uint32_t)prefix, (uint32_t)rec->line.len + 1, false,
                              true};
        offset += (int64_t)rec->line.len + 1;
        rc = block.failed ? err_nomem(err) : add(kept, entry, err);
        if (rc == 0 && block.len > (1u << 20)) {
            rc = out_all(copy, block.ptr, block.len, err);
            buf_clear(&block);
        }
    }
    if (got == JSONL_FAILED)
        rc = -1;
    if (rc == 0)
        rc = out_all(copy, block.ptr, block.len, err);
    rc = copy_end(kept, copy, rc, err);
    buf_release(&block);
    jsonl_close(reader);
    kept->own_offset = offset;
    return rc;
}

struct kept *kept_open(const char *path, struct str load, struct err *err)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept) {
        err_nomem(err);
        return NULL;
    }
    kept->fd = -1;
    if (!path)
        return kept;
    kept->path = strdup(path);
    if (!kept->path || asprintf(&kept->copy_path, "%s.new", path) < 0) {
        kept->copy_path = NULL; // asprintf leaves it undefined
        err_nomem(err);
        kept_close(kept);
        return NULL;
    }
    kept->fd = open_locked(path, err);
    if (kept->fd < 0 || scan(kept, load, err) < 0) {
        kept_close(kept);
        return NULL;
    }
    return kept;
}

void kept_close(struct kept *kept)
{
    if (!kept)
        return;
    if (kept->fd >= 0)
        close(kept->fd);
    buf_release(&kept->scratch);
    free(kept->entries);
    free(kept->path);
    free(kept->copy_path);
    free(kept);
}

uint64_t kept_count(const struct kept *kept)
{
    return kept->count;
}

uint64_t kept_dropped(const struct kept *kept)
{
    return kept->dropped;
}

static int read_at(struct kept *kept, int64_t offset, size_t len, struct err *err)
{
    buf_clear(&kept->scratch);
    if (!buf_reserve(&kept->scratch, len))
        return err_nomem(err);
    while (kept->scratch.len < len) {
        ssize_t got = pread(kept->fd, kept->scratch.ptr + kept->scratch.len, len - kept->scratch.len, offset + (int64_t)kept->scratch.len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? err_errno(err, "%s", kept->path) : err_set(err, ERR_IO, "%s: became shorter", kept->path);
        kept->scratch.len += (size_t)got;
    }
    return 0;
}

int kept_take(struct kept *kept, struct str prefix, struct err *err)
{
    uint64_t hash = str_hash(prefix);
    if (kept->count == 0)
        return 0;
    for (size_t at = hash & (kept->size - 1); kept->entries[at].used; at = (at + 1) & (kept->size - 1)) {
        struct entry *entry = &kept->entries[at];
        if (entry->hash != hash || entry->taken || entry->prefix != prefix.len)
            continue;
        if (read_at(kept, entry->offset, prefix.len, err) < 0)
            return -1;
        if (str_eq(buf_str(&kept->scratch), prefix)) {
            entry->taken = true;
            kept->taken = entry;
            return 1;
        }
    }
    return 0;
}

int kept_read(struct kept *kept, struct str *line, struct err *err)
{
    if (read_at(kept, kept->taken->offset, kept->taken->len, err) < 0)
        return -1;
    if (!buf_reserve(&kept->scratch, JDOC_PADDING))
        return err_nomem(err);
    *line = (struct str){kept->scratch.ptr, kept->taken->len - 1};
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Everything from offset on, to fd. */
static int copy_rest(struct kept *kept, int64_t offset, int fd, struct err *err)
{
    struct stat now;
    if (fstat(kept->fd, &now) < 0)
        return err_errno(err, "%s", kept->path);
    while (offset < now.st_size) {
        size_t len = now.st_size - offset < (1 << 20) ? (size_t)(now.st_size - offset) : 1u << 20;
        if (read_at(kept, offset, len, err) < 0 || out_all(fd, kept->scratch.ptr, len, err) < 0)
            return -1;
        offset += (int64_t)len;
    }
    return 0;
}

int kept_finish(struct kept *kept, struct err *err)
{
    size_t taken = 0, n = 0;
    for (size_t i = 0; i < kept->size; i++)
        taken += kept->entries[i].used && kept->entries[i].taken;
    if (taken == kept->count)
        return 0;
    struct entry *left = calloc(taken + 1, sizeof *left);
    if (!left)
        return err_nomem(err);
    for (size_t i = 0; i < kept->size; i++)
        if (kept->entries[i].used && kept->entries[i].taken)
            left[n++] = kept->entries[i];
    qsort(left, n, sizeof *left, by_offset);
    int copy = copy_begin(kept, err), rc = copy < 0 ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (read_at(kept, left[i].offset, left[i].len, err) < 0 || out_all(copy, kept->scratch.ptr, left[i].len, err) < 0)
            rc = -1;
    if (rc == 0)
        rc = copy_rest(kept, kept->own_offset, copy, err);
    if (copy >= 0)
        rc = copy_end(kept, copy, rc, err);
    free(left);
    return rc;
}
