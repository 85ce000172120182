/* jsonl/input.c: see input.h */
#include "jsonl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { COMPRESSED = 64 << 10, MAGIC = 2 };

enum state {
    FRESH, // not known what it is
    PLAIN,
    MEMBER,  // within a member of a .gz
    BETWEEN, // behind one: another may follow
    ENDED,
};

struct input {
    const char *path;
    int fd;
    enum state state;
    z_stream z; // its input points into held
    unsigned char held[COMPRESSED];
};

struct input *input_open(const char *path, struct err *err)
{
    struct input *in = calloc(1, sizeof *in);
    if (!in) {
        err_nomem(err);
        return NULL;
    }
    in->path = path;
    in->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    in->z.next_in = in->held;
    if (in->fd >= 0)
        return in;
    err_errno(err, "%s", path);
    free(in);
    return NULL;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    inflateEnd(&in->z); // nothing, if it never began
    close(in->fd);
    free(in);
}

static long read_file(struct input *in, void *out, size_t size, struct err *err)
{
    ssize_t got;
    do
        got = read(in->fd, out, size);
    while (got < 0 && errno == EINTR);
    return got < 0 ? err_errno(err, "%s", in->path) : got;
}

/* Reads on behind what is held. 0 at the end. */
static long hold_more(struct input *in, struct err *err)
{
    if (in->z.avail_in == 0)
        in->z.next_in = in->held;
    size_t used = (size_t)(in->z.next_in - in->held) + in->z.avail_in;
    long got = read_file(in, in->held + used, sizeof in->held - used, err);
    if (got > 0)
        in->z.avail_in += (unsigned)got;
    return got;
}

/* Looks at the first two bytes, which may come one by one. */
static int find_out(struct input *in, struct err *err)
{
    while (in->z.avail_in < MAGIC) {
        long got = hold_more(in, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
    }
    in->state = PLAIN;
    if (in->z.avail_in < MAGIC || in->held[0] != 0x1f || in->held[1] != 0x8b)
        return 0;
    if (inflateInit2(&in->z, 15 + 16) != Z_OK) // 16: with gzip's header
        return err_nomem(err);
    in->state = MEMBER;
    return 0;
}

static long read_plain(struct input *in, void *out, size_t size, struct err *err)
{
    size_t held = in->z.avail_in < size ? in->z.avail_in : size;
    if (held == 0)
        return read_file(in, out, size, err);
    memcpy(out, in->z.next_in, held);
    in->z.next_in += held;
    in->z.avail_in -= (unsigned)held;
    return (long)held;
}

/* Behind a member: the next one begins, or what follows is padding, as tapes and gzip(1) know it. */
static void begin_member(struct input *in)
{
    in->state = in->z.next_in[0] == 0x1f ? MEMBER : ENDED;
    if (in->state == MEMBER)
        inflateReset(&in->z);
}

static long read_gzip(struct input *in, void *out, size_t size, struct err *err)
{
    unsigned room = size < 1u << 30 ? (unsigned)size : 1u << 30;
    in->z.next_out = out;
    in->z.avail_out = room;
    while (in->state != ENDED && in->z.avail_out == room) {
        long got = in->z.avail_in > 0 ? 1 : hold_more(in, err);
        if (got < 0)
            return -1;
        if (got == 0 && in->state == BETWEEN)
            in->state = ENDED;
        else if (got == 0)
            return err_set(err, ERR_IO, "%s: compressed data ends too early", in->path);
        else if (in->state == BETWEEN)
            begin_member(in);
        if (in->state != MEMBER)
            continue;
        int code = inflate(&in->z, Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            in->state = BETWEEN;
        else if (code == Z_MEM_ERROR)
            return err_nomem(err);
        else if (code != Z_OK && in->z.avail_out == room) // it says so again once what it had is taken
            return err_set(err, ERR_IO, "%s: damaged compressed data: %s", in->path, in->z.msg ? in->z.msg : zError(code));
    }
    return (long)(room - in->z.avail_out);
}

long input_read(struct input *in, void *out, size_t size, struct err *err)
{
    if (in->state == FRESH && find_out(in, err) < 0)
        return -1;
    return in->state == PLAIN ? read_plain(in, out, size, err) : read_gzip(in, out, size, err);
}
