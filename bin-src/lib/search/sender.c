/* search/sender.c: see sender.h */
#include "search/sender.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 65536, CANNOT_RUN = 127, MOST_SETTINGS = 1 << 20 };
static const char program[] = "lm-send";
const char *const sender_hows[SENDER_HOWS] = {[SENDER_SENT] = "sent", [SENDER_FOUND] = "found", [SENDER_KILLED] = "killed"};

/* A run that is going on. */
struct going {
    struct sender *sender;
    pid_t pid;
    int from, to;         // lm-send's output, the file
    struct buf lines;     // read, and not yet taken
    struct jdoc *doc;
    struct jsonl_record rec;
    struct measured request;
    bool stopped;
    int64_t deadline_ns;  // of the drain
};

/* The records of a former run. */
static int take_file(struct sender *sender, struct err *err)
{
    struct jsonl_record *rec;
    struct measured request = {0};
    enum jsonl_got got;
    int wish = SENDER_GO_ON;
    struct jsonl_reader *in = jsonl_open((char *[]){(char *)sender->path, NULL}, err);
    if (!in)
        return -1;
    while (wish >= 0 && (got = jsonl_next(in, &rec, err)) != JSONL_END) {
        sender->records++;
        if (got != JSONL_RECORD || measured_read(&request, rec->root, err) < 0) {
            err_prefix(err, "%s: ", jsonl_where(in));
            wish = -1;
        } else if (wish == SENDER_GO_ON)
            wish = sender->take(sender->arg, rec, &request, err);
    }
    measured_release(&request);
    jsonl_close(in);
    return wish < 0 ? -1 : 0;
}

/* lm-send -q, all options, NULL. */
static char **argv_of(char *const *const options[2])
{
    size_t count = 2;
    for (int i = 0; i < 2; i++)
        for (char *const *at = options[i]; *at; at++)
            count++;
    char **argv = calloc(count + 1, sizeof *argv), **next = argv;
    if (!argv)
        return NULL;
    *next++ = (char *)program;
    *next++ = "-q";
    for (int i = 0; i < 2; i++)
        for (char *const *at = options[i]; *at; at++)
            *next++ = *at;
    return argv;
}

static int start(struct going *going, int input, struct err *err)
{
    int ends[2];
    pid_t self = getpid();
    char **argv = argv_of(going->sender->options);
    if (!argv)
        return err_nomem(err);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(argv);
        return err_errno(err, "%s", program);
    }
    going->pid = fork();
    if (going->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGINT);
        if (getppid() == self && dup2(input, 0) >= 0 && dup2(ends[1], 1) >= 0)
            execvp(program, argv);
        _exit(CANNOT_RUN);
    }
    int rc = going->pid < 0 ? err_errno(err, "%s", program) : 0;
    free(argv);
    close(ends[1]);
    going->from = ends[0];
    return rc;
}

static void stop(struct going *going)
{
    kill(going->pid, SIGINT);
    going->stopped = true;
    going->deadline_ns = clock_ns() + going->sender->drain_ns;
}

/* One line without its line feed; JDOC_PADDING bytes behind it can be read. */
static int take_line(struct going *going, struct str line, struct err *err)
{
    if (jsonl_parse(going->doc, line, &going->rec, err) < 0 || measured_read(&going->request, going->rec.root, err) < 0)
        return err_prefix(err, "%s, record %llu: ", program, (unsigned long long)going->sender->records + 1);
    if (out_all(going->to, line.ptr, line.len + 1, err) < 0)
        return err_prefix(err, "%s.part: ", going->sender->path);
    going->sender->records++;
    if (going->stopped)
        return 0;
    int wish = going->sender->take(going->sender->arg, &going->rec, &going->request, err);
    if (wish == SENDER_STOP)
        stop(going);
    return wish < 0 ? -1 : 0;
}

static int take_lines(struct going *going, struct err *err)
{
    const char *at = going->lines.ptr, *feed;
    size_t left = going->lines.len;
    for (; left > 0 && (feed = memchr(at, '\n', left)); left -= (size_t)(feed + 1 - at), at = feed + 1)
        if (take_line(going, (struct str){at, (size_t)(feed - at)}, err) < 0)
            return -1;
    memmove(going->lines.ptr, at, left);
    going->lines.len = left;
    return 0;
}

/* Until lm-send closes its output. */
static int attend(struct going *going, struct err *err)
{
    for (;;) {
        int64_t left_ns = going->deadline_ns - clock_ns();
        bool limited = going->stopped && going->sender->how != SENDER_KILLED;
        if (limited && left_ns <= 0) {
            kill(going->pid, SIGKILL);
            going->sender->how = SENDER_KILLED;
            limited = false;
        }
        int ready = poll(&(struct pollfd){.fd = going->from, .events = POLLIN}, 1, limited ? (int)(left_ns / NS_PER_MS + 1) : -1);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        if (!buf_reserve(&going->lines, READ_BYTES + JDOC_PADDING))
            return err_nomem(err);
        ssize_t got = read(going->from, going->lines.ptr + going->lines.len, READ_BYTES);
        if (got < 0)
            return err_errno(err, "%s", program);
        if (got == 0)
            return 0;
        going->lines.len += (size_t)got;
        if (take_lines(going, err) < 0)
            return -1;
    }
}

/* Some requests failed (status 1): that is a result. */
static int judge_end(const struct going *going, int status, struct err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_RUN)
        return err_set(err, ERR_MISSING, "%s: cannot be run", program);
    if (WIFEXITED(status) && WEXITSTATUS(status) > EXIT_SOME_FAILED)
        return err_set(err, ERR_NET, "%s ended with status %d", program, WEXITSTATUS(status));
    if (WIFSIGNALED(status) && !going->stopped)
        return err_set(err, ERR_NET, "%s was ended by signal %d", program, WTERMSIG(status));
    return 0;
}

static int send_all(struct sender *sender, int input, struct err *err)
{
    char part[4096];
    int status = 0, rc = -1;
    struct going going = {.sender = sender, .from = -1, .to = -1, .doc = jdoc_new()};
    if ((size_t)snprintf(part, sizeof part, "%s.part", sender->path) >= sizeof part)
        err_set(err, ERR_RANGE, "%s: the name is too long", sender->path);
    else if (!going.doc)
        err_nomem(err);
    else if ((going.to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0)
        err_errno(err, "%s", part);
    else if (start(&going, input, err) == 0) {
        rc = attend(&going, err);
        if (rc < 0)
            kill(going.pid, SIGKILL);
        while (waitpid(going.pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (rc == 0)
            rc = judge_end(&going, status, err);
    }
    close(input);
    if (going.from >= 0)
        close(going.from);
    if (going.to >= 0 && close(going.to) < 0 && rc == 0)
        rc = err_errno(err, "%s", part);
    if (rc == 0 && rename(part, sender->path) < 0)
        rc = err_errno(err, "%s", sender->path);
    buf_release(&going.lines);
    buf_release(&going.rec.added);
    measured_release(&going.request);
    jdoc_free(going.doc);
    return rc;
}

int sender_run(struct sender *sender, struct prompts *prompts, size_t count, struct err *err)
{
    sender->records = 0;
    sender->how = access(sender->path, F_OK) == 0 ? SENDER_FOUND : SENDER_SENT;
    if (sender->how == SENDER_FOUND) {
        prompts_skip(prompts, count);
        return take_file(sender, err);
    }
    int input = prompts_take(prompts, count, err);
    return input < 0 ? -1 : send_all(sender, input, err);
}

/* There is no such file yet. */
static int write_settings(const char *path, struct str settings, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = out_all(fd, settings.ptr, settings.len, err);
    if (close(fd) < 0 && rc == 0)
        rc = err_errno(err, "%s", path);
    return rc;
}

int sender_settle(const char *folder, struct str settings, struct err *err)
{
    char path[4096];
    struct buf before = {0};
    int rc = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/settings.json", folder) >= sizeof path)
        return err_set(err, ERR_RANGE, "%s: the name is too long", folder);
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return err_errno(err, "%s", folder);
    if (access(path, F_OK) < 0)
        return write_settings(path, settings, err);
    if (file_read(path, MOST_SETTINGS, &before, err) < 0)
        rc = -1;
    else if (!str_eq(buf_str(&before), settings))
        rc = err_set(err, ERR_EXISTS, "%s has the records of another command (%s)", folder, path);
    buf_release(&before);
    return rc;
}
