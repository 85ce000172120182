/*
 * launch/child.h: a server as a child process, which never outlives us
 *
 *     struct child *child = child_start(&(struct child_options){.argv = argv, .grace_ns = 20 * NS_PER_S}, &err);
 *     poll(&(struct pollfd){.fd = child_fd(child), .events = POLLIN}, 1, -1); // readable: it has ended
 *     if (child_state(child).state != CHILD_RUNS) ...
 *     child_tail(child, 40, &text, &err);
 *     child_free(child);                                                     // stops it
 *
 * Between us and the server stands a keeper, a small process in a session of its own, so that Ctrl-C on the terminal
 * reaches neither. The server leads a process group of its own. The keeper stops it when child_stop says so, and
 * likewise when we are gone, kill -9 included: SIGTERM to the group, SIGKILL after the grace time. When the server has
 * ended by itself, what it left behind is stopped in the same way. Processes that left the group (setsid) are found
 * too, as orphans that Linux gives to the keeper (PR_SET_CHILD_SUBREAPER), and killed when the group is gone. Should
 * the keeper be killed, so is the server (PR_SET_PDEATHSIG), and we kill its group.
 *
 * A server that puts itself in the background has ended, and so is stopped.
 *
 * Its standard input is /dev/null. All of its output goes straight to a file, so it never waits for us to read.
 * One thread at a time; the process may have others, which must not fork while child_start runs.
 */
#ifndef LAUNCH_CHILD_H
#define LAUNCH_CHILD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct child;

struct child_options {
    char *const *argv; // ends with NULL; argv[0] is looked for on PATH
    const char *log;   // output is added to this file; NULL: to one that has no name and goes with the child
    int64_t grace_ns;  // from SIGTERM to SIGKILL
};

enum child_state { CHILD_RUNS, CHILD_EXITED, CHILD_KILLED, CHILD_NOT_RUN };

/* How it is, or ended. */
struct child_end {
    enum child_state state;
    int number; // CHILD_RUNS: its process id; CHILD_EXITED: the status; CHILD_KILLED: the signal; CHILD_NOT_RUN: errno
};

/* Fails if the log cannot be opened, or without processes, files or memory. That argv[0] cannot be run shows in
 * child_state, soon. The server gets the signal mask that the caller has. */
struct child *child_start(const struct child_options *options, struct err *err);

/* For poll: readable when the server has ended. */
int child_fd(const struct child *child);

/* Looks; does not wait. */
struct child_end child_state(struct child *child);

/* Stops it and all that it started, and waits until they are gone. Nothing if that was done. */
void child_stop(struct child *child);

/* Stops it, too. NULL is fine. */
void child_free(struct child *child);

/* Adds the last lines of its output to text, each with a line feed; of very long ones the last 64 KiB. Nothing where
 * the log is a pipe or a terminal. */
int child_tail(const struct child *child, size_t lines, struct buf *text, struct err *err);

/* "ended with status 1", "was killed by signal 9 (Killed)", "cannot be run: No such file or directory", "runs". */
#define CHILD_SAID_SIZE 128
void child_say(struct child_end end, char said[CHILD_SAID_SIZE]);

#endif
