/*
 * launch/signals.h: signals that are read, not suffered
 *
 *     signals_take(&signals, &err);
 *     poll(&(struct pollfd){.fd = signals.fd, .events = POLLIN}, 1, -1);
 *     while ((number = signals_next(&signals, &sender))) ...
 *     signals_give_back(&signals);                       // in a child, before its exec
 *
 * For a program that stands between its parent and a command: SIGCHLD, and those that tell it to end (SIGINT, SIGTERM,
 * SIGHUP), unless the parent has us ignore them (nohup).
 */
#ifndef LAUNCH_SIGNALS_H
#define LAUNCH_SIGNALS_H

#include "base/err.h"

#include <signal.h>

struct signals {
    int fd;                   // for poll: readable when one came
    sigset_t mask;            // as it was
    struct sigaction on_pipe; // as it was: a peer that hangs up is no reason to die
};

enum signals_sender { SIGNALS_PROCESS, SIGNALS_KERNEL }; // the latter: the terminal, which tells its whole group

int signals_take(struct signals *signals, struct err *err);

/* The next that came; 0: none. */
int signals_next(const struct signals *signals, enum signals_sender *sender);

/* All is as it was, for what is run next; fd stays open. */
void signals_give_back(const struct signals *signals);

#endif
