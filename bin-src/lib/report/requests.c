/* report/requests.c: see requests.h */
#include "report/requests.h"

#include "base/out.h"
#include "report/foreign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct requests {
    char *const *paths;
    struct jsonl_reader *in;
    struct foreign foreign;
    size_t record_at, summary_at; // of the next line in foreign's
    struct buf text;              // that line, with the padding behind it
    struct jdoc *doc;             // of it
    struct jsonl_record converted;
    struct measured measured;
    const char *file;
};

/* Standard input is from now on a file without a name that holds all that it gave. */
static int keep_stdin(struct err *err)
{
    char bytes[64 << 10];
    FILE *kept = tmpfile();
    int rc = kept ? 0 : err_errno(err, "a temporary file");
    while (rc == 0) {
        ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = err_errno(err, "-");
        if (got <= 0)
            break;
        rc = out_all(fileno(kept), bytes, (size_t)got, err);
    }
    if (rc == 0 && (dup2(fileno(kept), STDIN_FILENO) < 0 || lseek(STDIN_FILENO, 0, SEEK_SET) < 0))
        rc = err_errno(err, "a temporary file");
    if (kept)
        fclose(kept);
    return rc;
}

/* Makes sure that all can be read again. */
static int keep_pipes(char *const *paths, struct err *err)
{
    struct stat info;
    if (!*paths)
        return lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 ? keep_stdin(err) : 0;
    for (; *paths; paths++)
        if (strcmp(*paths, "-") == 0) {
            if (lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 && keep_stdin(err) < 0)
                return -1;
        } else if (stat(*paths, &info) == 0 && S_ISFIFO(info.st_mode))
            return err_set(err, ERR_IO, "%s: a pipe, which cannot be read twice: give it as standard input", *paths);
    return 0;
}

struct requests *requests_open(char *const *paths, enum requests_times times, struct err *err)
{
    if (times == REQUESTS_TWICE && keep_pipes(paths, err) < 0)
        return NULL;
    struct requests *requests = calloc(1, sizeof *requests);
    if (!requests) {
        err_nomem(err);
        return NULL;
    }
    requests->paths = paths;
    requests->doc = jdoc_new();
    foreign_begin(&requests->foreign);
    if (!requests->doc)
        err_nomem(err);
    else if ((requests->in = jsonl_open(paths, err)))
        return requests;
    requests_close(requests);
    return NULL;
}

void requests_close(struct requests *requests)
{
    if (!requests)
        return;
    jsonl_close(requests->in);
    jdoc_free(requests->doc);
    foreign_release(&requests->foreign);
    measured_release(&requests->measured);
    buf_release(&requests->converted.added);
    buf_release(&requests->text);
    free(requests);
}

int requests_again(struct requests *requests, struct err *err)
{
    jsonl_close(requests->in);
    lseek(STDIN_FILENO, 0, SEEK_SET);
    foreign_begin(&requests->foreign);
    requests->file = NULL;
    requests->in = jsonl_open(requests->paths, err);
    return requests->in ? 0 : -1;
}

const char *requests_where(const struct requests *requests)
{
    return jsonl_where(requests->in);
}

/* The next line of those that were converted, parsed. False: there is none. */
static bool next_line(struct requests *requests, const struct buf *lines, size_t *at)
{
    if (*at >= lines->len)
        return false;
    const char *from = lines->ptr + *at, *end = memchr(from, '\n', lines->len - *at);
    size_t len = (size_t)(end - from);
    *at += len + 1;
    buf_clear(&requests->text);
    buf_add(&requests->text, from, len);
    return true;
}

static enum requests_got measure(struct requests *requests, struct jsonl_record *rec, struct request *request, struct err *err)
{
    *request = (struct request){.root = rec->root, .line = rec->line, .measured = &requests->measured, .file = requests->file};
    if (measured_read(&requests->measured, rec->root, err) == 0)
        return REQUESTS_ONE;
    return err->kind == ERR_NOMEM ? REQUESTS_FAILED : REQUESTS_BAD;
}

/* What is left of a conversion; REQUESTS_END: nothing. */
static enum requests_got next_converted(struct requests *requests, struct request *request, struct err *err)
{
    bool record = next_line(requests, &requests->foreign.records, &requests->record_at);
    if (!record && !next_line(requests, &requests->foreign.summaries, &requests->summary_at))
        return REQUESTS_END;
    struct jsonl_record *rec = &requests->converted;
    if (!buf_reserve(&requests->text, JDOC_PADDING))
        return err_nomem(err), REQUESTS_FAILED;
    if (jsonl_parse(requests->doc, buf_str(&requests->text), rec, err) < 0)
        return err->kind == ERR_NOMEM ? REQUESTS_FAILED : REQUESTS_BAD;
    if (record)
        return measure(requests, rec, request, err);
    *request = (struct request){.root = rec->root, .line = rec->line, .file = requests->file};
    return REQUESTS_SUMMARY;
}

static enum requests_got take(struct requests *requests, struct jsonl_record *rec, struct request *request, struct err *err)
{
    const struct foreign_tool *tool = jsonl_has(rec, "timing") ? NULL : foreign_tell(rec->root);
    if (!tool)
        return measure(requests, rec, request, err);
    requests->record_at = requests->summary_at = 0;
    if (foreign_convert(&requests->foreign, tool, rec->root, err) == 0)
        return next_converted(requests, request, err);
    buf_clear(&requests->foreign.records);
    buf_clear(&requests->foreign.summaries);
    return err->kind == ERR_NOMEM ? REQUESTS_FAILED : REQUESTS_BAD;
}

static bool opens_object(const struct jsonl_record *rec)
{
    return str_is(str_trim(rec->line), "{");
}

enum requests_got requests_next(struct requests *requests, struct request *request, struct err *err)
{
    struct jsonl_record *rec;
    enum requests_got got = next_converted(requests, request, err);
    while (got == REQUESTS_END) {
        enum jsonl_got line = jsonl_next(requests->in, &rec, err);
        if (line == JSONL_BAD && opens_object(rec))
            line = jsonl_join(requests->in, &rec, err);
        if (line == JSONL_END)
            break;
        if (line != JSONL_RECORD)
            return line == JSONL_BAD ? REQUESTS_BAD : REQUESTS_FAILED;
        if (!requests->file || strcmp(requests->file, jsonl_name(requests->in)) != 0)
            foreign_begin(&requests->foreign);
        requests->file = jsonl_name(requests->in);
        got = take(requests, rec, request, err);
    }
    return got;
}
