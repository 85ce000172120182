/* launch/child.c: see child.h */
#include "launch/child.h"

#include "base/clock.h"
#include "base/num.h"
#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_BYTES (64 << 10)
#define LAST_WAIT_NS (5 * NS_PER_S) // for what SIGKILL does not end: it is stuck in the kernel, and so would we be

struct child {
    pid_t keeper;          // 0: gone, and reaped
    pid_t server;          // its group's id, too
    int line;              // to the keeper: it sends a child_end, we close our half to have the server stopped
    int log;
    off_t log_start;       // what stands before it is not the server's
    struct child_end end;
};

/* What the keeper knows. */
struct keeper {
    const struct child_options *options;
    int line, log, signals;
    sigset_t mask; // the server's
    pid_t server;  // its group's id, too
    bool ended;
};

/* One small message on a sequenced socket is whole or not there; a reader that is gone needs none. False: it is not there. */
static bool tell(int line, enum child_state state, int number)
{
    struct child_end end = {state, number};
    return send(line, &end, sizeof end, MSG_NOSIGNAL) == (ssize_t)sizeof end;
}

/* Becomes the server. */
static _Noreturn void run_server(const struct keeper *keeper, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) // it died before we asked
        _exit(127);
    setpgid(0, 0);
    if (!tell(keeper->line, CHILD_RUNS, getpid())) // nobody would know of this server
        _exit(127);
    int null = open("/dev/null", O_RDONLY);
    bool wired = null >= 0 && dup2(null, 0) >= 0 && dup2(keeper->log, 1) >= 0 && dup2(keeper->log, 2) >= 0;
    if (null > 2)
        close(null);
    sigprocmask(SIG_SETMASK, &keeper->mask, NULL);
    if (wired)
        execvp(keeper->options->argv[0], keeper->options->argv);
    tell(keeper->line, CHILD_NOT_RUN, errno);
    _exit(127);
}

/* Kills the keeper's own children: the server, and the orphans that became ours, in whatever group. */
static void kill_children(void)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; // a kernel without the list: the group is what we know
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    char *at = text, *end;
    // More than fit are children again when these have died.
    for (long pid; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end)
        if (*end == ' ')
            kill((pid_t)pid, SIGKILL);
}

/* Takes what has died off our hands; tells of the server. False: no child is left. */
static bool reap(struct keeper *keeper)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return pid == 0;
        if (pid != keeper->server)
            continue;
        keeper->ended = true;
        if (WIFSIGNALED(status))
            tell(keeper->line, CHILD_KILLED, WTERMSIG(status));
        else
            tell(keeper->line, CHILD_EXITED, WEXITSTATUS(status));
    }
}

/* Sleeps until a child dies or the time has come. */
static void await_death(const struct keeper *keeper, int64_t until_ns)
{
    struct signalfd_siginfo info;
    struct pollfd wait = {.fd = keeper->signals, .events = POLLIN};
    int64_t left_ns = until_ns - clock_ns();
    if (poll(&wait, 1, left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MS + 1)) > 0) {
        ssize_t ignored = read(keeper->signals, &info, sizeof info);
        (void)ignored;
    }
}

/* Ends the group, then all else that is left. */
static void stop_all(struct keeper *keeper)
{
    int64_t kill_ns = clock_ns() + keeper->options->grace_ns, leave_ns = kill_ns + LAST_WAIT_NS;
    kill(-keeper->server, SIGTERM);
    kill(-keeper->server, SIGCONT); // one that is stopped would not see it
    bool left;
    while ((left = reap(keeper)) && clock_ns() < kill_ns && kill(-keeper->server, 0) == 0)
        await_death(keeper, kill_ns);
    if (!left)
        return;
    kill(-keeper->server, SIGKILL);
    kill_children();
    while (reap(keeper) && clock_ns() < leave_ns) {
        await_death(keeper, leave_ns);
        kill_children(); // those whose parents died just now
    }
}

/* The keeper's life. */
static _Noreturn void keep(struct keeper *keeper)
{
    pid_t self = getpid();
    sigset_t died;
    setsid();
    signal(SIGCHLD, SIG_DFL); // where it is ignored, the dead tell nobody how they died
    prctl(PR_SET_NAME, "lm-keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&died);
    sigaddset(&died, SIGCHLD);
    keeper->signals = signalfd(-1, &died, SFD_CLOEXEC | SFD_NONBLOCK);
    keeper->server = keeper->signals < 0 ? -1 : fork();
    if (keeper->server == 0)
        run_server(keeper, self);
    if (keeper->server < 0) {
        tell(keeper->line, CHILD_NOT_RUN, errno);
        _exit(1);
    }
    setpgid(keeper->server, keeper->server); // it does so too: whoever is first

    bool wanted = true;
    while (wanted && !keeper->ended) {
        struct pollfd polls[] = {{.fd = keeper->line, .events = POLLIN}, {.fd = keeper->signals, .events = POLLIN}};
        if (poll(polls, COUNT(polls), -1) < 0 && errno != EINTR)
            break;
        wanted = polls[0].revents == 0; // nothing is ever sent: the other end stopped it, or is gone
        if (polls[1].revents) {
            await_death(keeper, 0);
            reap(keeper);
        }
    }
    stop_all(keeper);
    _exit(0);
}

/* The keeper needs none of the caller's files but standard error, where a sanitizer would speak: a pipe that waits
 * for its last writer must not wait for it. */
static void close_files(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, 0);
        dup2(null, 1);
        if (null > 2)
            close(null);
    }
}

static pid_t fork_keeper(struct keeper *keeper, int ours, struct err *err)
{
    sigset_t all;
    sigfillset(&all);
    // Blocked before the fork, so that no handler of the caller's ever runs in the keeper.
    sigprocmask(SIG_SETMASK, &all, &keeper->mask);
    pid_t pid = fork();
    if (pid == 0) {
        close(ours);
        close_files();
        keep(keeper);
    }
    if (pid < 0)
        err_errno(err, "cannot make a process");
    sigprocmask(SIG_SETMASK, &keeper->mask, NULL);
    return pid;
}

static int nameless_file(void)
{
    FILE *file = tmpfile();
    if (!file)
        return -1;
    int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3), code = errno;
    fclose(file);
    errno = code;
    return fd;
}

static int open_log(const struct child_options *options, struct child *child, struct err *err)
{
    if (options->log) {
        child->log = open(options->log, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (child->log < 0)
            return err_errno(err, "%s", options->log);
    } else if ((child->log = nameless_file()) < 0) {
        return err_errno(err, "cannot make a temporary file");
    }
    child->log_start = lseek(child->log, 0, SEEK_END);
    return 0;
}

struct child *child_start(const struct child_options *options, struct err *err)
{
    int lines[2] = {-1, -1};
    struct child *child = calloc(1, sizeof *child);
    if (!child) {
        err_nomem(err);
        return NULL;
    }
    child->line = child->log = -1;
    if (open_log(options, child, err) < 0)
        goto failed;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lines) < 0) {
        err_errno(err, "cannot make a socket pair");
        goto failed;
    }
    child->line = lines[0];
    struct keeper keeper = {.options = options, .line = lines[1], .log = child->log};
    child->keeper = fork_keeper(&keeper, lines[0], err);
    close(lines[1]);
    if (child->keeper < 0) {
        child->keeper = 0;
        goto failed;
    }
    // The first word is CHILD_RUNS, from the server before it is one, unless there could be none.
    ssize_t got;
    do
        got = recv(child->line, &child->end, sizeof child->end, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        got < 0 ? err_errno(err, "the server's start") : err_set(err, ERR_IO, "the server's start: nobody tells of it");
        goto failed;
    }
    if (child->end.state == CHILD_RUNS)
        child->server = child->end.number;
    return child;
failed:
    child_free(child);
    return NULL;
}

int child_fd(const struct child *child)
{
    return child->line;
}

struct child_end child_state(struct child *child)
{
    struct child_end end;
    if (child->end.state != CHILD_RUNS)
        return child->end;
    ssize_t got = recv(child->line, &end, sizeof end, MSG_DONTWAIT);
    if (got == sizeof end) {
        child->end = end;
    } else if (got >= 0) { // the keeper went without a word: it was killed, and the server with it, so the rest is ours
        child->end = (struct child_end){CHILD_KILLED, SIGKILL};
        if (child->server > 0)
            kill(-child->server, SIGKILL);
    }
    return child->end;
}

void child_stop(struct child *child)
{
    if (child->keeper == 0)
        return;
    shutdown(child->line, SHUT_WR);
    while (waitpid(child->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    child->keeper = 0;
    child_state(child);
}

void child_free(struct child *child)
{
    if (!child)
        return;
    child_stop(child);
    if (child->line >= 0)
        close(child->line);
    if (child->log >= 0)
        close(child->log);
    free(child);
}

int child_tail(const struct child *child, size_t lines, struct buf *text, struct err *err)
{
    struct stat info;
    if (child->log_start < 0 || fstat(child->log, &info) < 0 || info.st_size <= child->log_start)
        return 0;
    off_t from = info.st_size - child->log_start > TAIL_BYTES ? info.st_size - TAIL_BYTES : child->log_start;
    size_t size = (size_t)(info.st_size - from), start = text->len;
    if (!buf_reserve(text, size + 1))
        return err_nomem(err);
    ssize_t got = pread(child->log, text->ptr + start, size, from);
    if (got < 0)
        return err_errno(err, "the server's output");
    text->len += (size_t)got;
    if (got > 0 && text->ptr[text->len - 1] != '\n')
        buf_add_char(text, '\n');
    size_t at = text->len, wanted = lines + 1; // the feed before the first line, if there is one
    while (at > start && !(text->ptr[at - 1] == '\n' && --wanted == 0))
        at--;
    memmove(text->ptr + start, text->ptr + at, text->len - at);
    text->len -= at - start;
    return 0;
}

void child_say(struct child_end end, char said[CHILD_SAID_SIZE])
{
    switch (end.state) {
    case CHILD_RUNS:
        snprintf(said, CHILD_SAID_SIZE, "runs");
        break;
    case CHILD_EXITED:
        snprintf(said, CHILD_SAID_SIZE, "ended with status %d", end.number);
        break;
    case CHILD_KILLED:
        snprintf(said, CHILD_SAID_SIZE, "was killed by signal %d (%s)", end.number, strsignal(end.number));
        break;
    case CHILD_NOT_RUN:
        snprintf(said, CHILD_SAID_SIZE, "cannot be run: %s", strerror(end.number));
        break;
    }
}
