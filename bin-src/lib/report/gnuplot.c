/* report/gnuplot.c: see gnuplot.h */
#include "report/gnuplot.h"

#include "base/json.h"
#include "base/out.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 3 };

/* All that a file holds, from its start. */
static int read_back(int fd, struct buf *text, struct err *err)
{
    enum { PIECE = 64 << 10 };
    ssize_t got = 1;
    off_t at = 0;
    while (got != 0) {
        if (!buf_reserve(text, PIECE))
            return err_nomem(err);
        got = pread(fd, text->ptr + text->len, PIECE, at);
        if (got < 0 && errno != EINTR)
            return err_errno(err, "gnuplot's output");
        if (got > 0)
            text->len += (size_t)got, at += got;
    }
    return 0;
}

static int run(int fds[STREAMS], int *status, struct err *err)
{
    static char *const argv[] = {"gnuplot", "-d", "-", NULL}; // -d: no gnuplotrc
    posix_spawn_file_actions_t wires;
    pid_t pid;
    int failed = posix_spawn_file_actions_init(&wires);
    if (failed == 0) {
        for (int i = 0; i < STREAMS && failed == 0; i++)
            failed = posix_spawn_file_actions_adddup2(&wires, fds[i], i);
        if (failed == 0)
            failed = posix_spawnp(&pid, argv[0], &wires, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&wires);
    }
    if (failed == ENOENT)
        return err_set(err, ERR_MISSING, "gnuplot: not found (Debian's package is gnuplot-nox)");
    errno = failed;
    if (failed != 0)
        return err_errno(err, "gnuplot");
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, "gnuplot");
    return 0;
}

/* Its complaint in one line: it shows the script's line and points at a column first. */
static int complain(int status, struct str said, struct err *err)
{
    struct buf line = {0};
    said = str_trim(said);
    const char *last = said.len > 0 ? memrchr(said.ptr, '\n', said.len) : NULL;
    if (last)
        said = (struct str){last + 1, said.len - (size_t)(last + 1 - said.ptr)};
    if (WIFSIGNALED(status))
        buf_addf(&line, "was killed by signal %d", WTERMSIG(status));
    else
        buf_addf(&line, "ended with status %d", WEXITSTATUS(status));
    if (said.len > 0)
        buf_addf(&line, ": %.*s", (int)(said.len < 300 ? said.len : 300), said.ptr);
    int rc = line.failed ? err_nomem(err) : err_set(err, ERR_IO, "gnuplot: %.*s", STR_ARG(buf_str(&line)));
    buf_release(&line);
    return rc;
}

/* Files in memory, not pipes: none of the three can fill up and wait for us. */
int gnuplot_draw(struct str script, struct buf *picture, struct err *err)
{
    int fds[STREAMS] = {-1, -1, -1}, status = 0, rc = 0;
    struct buf said = {0};
    for (int i = 0; i < STREAMS && rc == 0; i++)
        if ((fds[i] = memfd_create("gnuplot", MFD_CLOEXEC)) < 0)
            rc = err_errno(err, "memfd_create");
    if (rc == 0)
        rc = out_all(fds[0], script.ptr, script.len, err);
    if (rc == 0 && lseek(fds[0], 0, SEEK_SET) < 0)
        rc = err_errno(err, "gnuplot's script");
    if (rc == 0)
        rc = run(fds, &status, err);
    size_t from = picture->len;
    if (rc == 0 && (read_back(fds[1], picture, err) < 0 || read_back(fds[2], &said, err) < 0))
        rc = -1;
    // Where the script is wrong, gnuplot of a terminal's kind goes on: what it said decides, too.
    if (rc == 0 && (status != 0 || picture->len == from))
        rc = complain(status, buf_str(&said), err);
    for (int i = 0; i < STREAMS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    buf_release(&said);
    return rc;
}

/* The text in one line, UTF-8 whatever it was: JSON's writer mends it, and its escapes are undone but for those of control
 * characters, which become blanks. */
static void add_clean(struct buf *out, struct str text)
{
    struct buf json = {0};
    json_str(&json, text);
    for (size_t i = 1; i + 1 < json.len; i++) {
        char c = json.ptr[i];
        if (c == '\\' && strchr("\"\\", json.ptr[i + 1]))
            c = json.ptr[++i];
        else if (c == '\\') { // \n, \u001b
            i += json.ptr[i + 1] == 'u' ? 5 : 1;
            c = ' ';
        }
        buf_add_char(out, c);
    }
    out->failed = out->failed || json.failed;
    buf_release(&json);
}

/* Adds the text with each of the characters replaced. */
static void add_replaced(struct buf *out, struct str text, const char *characters, const char *const *by)
{
    struct buf clean = {0};
    add_clean(&clean, text);
    for (size_t i = 0; i < clean.len; i++) {
        const char *found = strchr(characters, clean.ptr[i]);
        if (found)
            buf_add_str(out, str_of(by[found - characters]));
        else
            buf_add_char(out, clean.ptr[i]);
    }
    out->failed = out->failed || clean.failed;
    buf_release(&clean);
}

void gnuplot_quote(struct buf *out, struct str text)
{
    static const char *const by[] = {"''"};
    buf_add_char(out, '\'');
    add_replaced(out, text, "'", by);
    buf_add_char(out, '\'');
}

int gnuplot_title_svg(struct buf *svg, struct str title, struct err *err)
{
    static const char *const by[] = {"&amp;", "&lt;", "&gt;"};
    struct str there = STR("<title>Gnuplot</title>");
    struct buf titled = {0};
    char *at = svg->len > 0 ? memmem(svg->ptr, svg->len, there.ptr, there.len) : NULL;
    if (!at)
        return 0;
    buf_add(&titled, svg->ptr, (size_t)(at - svg->ptr));
    buf_add_str(&titled, STR("<title>"));
    add_replaced(&titled, title, "&<>", by);
    buf_add_str(&titled, STR("</title>"));
    buf_add(&titled, at + there.len, svg->len - (size_t)(at - svg->ptr) - there.len);
    if (titled.failed) {
        buf_release(&titled);
        return err_nomem(err);
    }
    buf_release(svg);
    *svg = titled;
    return 0;
}
