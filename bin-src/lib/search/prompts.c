/* search/prompts.c: see prompts.h */
#include "search/prompts.h"

#include "base/out.h"
#include "jsonl/jsonl.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int keep(struct prompts *prompts, struct str line, struct err *err)
{
    if (prompts->count == prompts->room) {
        size_t room = prompts->room * 2 + 256;
        size_t *ends = realloc(prompts->ends, room * sizeof *ends);
        if (!ends)
            return err_nomem(err);
        prompts->ends = ends;
        prompts->room = room;
    }
    buf_add_str(&prompts->text, line);
    buf_add_char(&prompts->text, '\n');
    prompts->ends[prompts->count++] = prompts->text.len;
    return prompts->text.failed ? err_nomem(err) : 0;
}

int prompts_read(struct prompts *prompts, char *const *paths, void (*report)(const char *where, const char *why), struct err *err)
{
    struct jsonl_record *rec;
    enum jsonl_got got;
    int rc = 0;
    struct jsonl_reader *in = jsonl_open(paths, err);
    if (!in)
        return -1;
    while (rc == 0 && (got = jsonl_next(in, &rec, err)) != JSONL_END) {
        if (got == JSONL_BAD)
            report(jsonl_where(in), err->msg);
        else
            rc = got == JSONL_FAILED ? -1 : keep(prompts, rec->line, err);
    }
    jsonl_close(in);
    return rc == 0 && prompts->count == 0 ? err_set(err, ERR_MISSING, "the input has no record") : rc;
}

/* The lines from one place on, as far as there are, at most count. */
static struct str lines_from(const struct prompts *prompts, size_t *count)
{
    size_t left = prompts->count - prompts->next, from = prompts->next > 0 ? prompts->ends[prompts->next - 1] : 0;
    *count = *count < left ? *count : left;
    return (struct str){prompts->text.ptr + from, prompts->ends[prompts->next + *count - 1] - from};
}

void prompts_skip(struct prompts *prompts, size_t count)
{
    size_t past = prompts->next + count;
    if (past <= prompts->count) {
        prompts->next = past;
        return;
    }
    prompts->rounds += (past - 1) / prompts->count;
    prompts->next = (past - 1) % prompts->count + 1;
}

int prompts_take(struct prompts *prompts, size_t count, struct err *err)
{
    int fd = memfd_create("prompts", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "a file in memory");
    while (count > 0) {
        size_t some = count;
        if (prompts->next == prompts->count) {
            prompts->next = 0;
            prompts->rounds++;
        }
        struct str lines = lines_from(prompts, &some);
        if (out_all(fd, lines.ptr, lines.len, err) < 0) {
            close(fd);
            return -1;
        }
        prompts->next += some;
        count -= some;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

void prompts_release(struct prompts *prompts)
{
    buf_release(&prompts->text);
    free(prompts->ends);
    *prompts = (struct prompts){0};
}
