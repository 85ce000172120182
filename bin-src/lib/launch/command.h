/*
 * launch/command.h: a command in the foreground, beside which we stand
 *
 *     pid_t command = command_start(argv, &signals, STDOUT_FILENO, &err);
 *     ... SIGCHLD, by signals_next: waitpid(command, &status, WNOHANG)
 *     return command_status(status);
 *
 * It has our terminal, standard input and signals as they were before signals_take. Whatever ends us, kill -9 included,
 * tells it to end (SIGTERM).
 */
#ifndef LAUNCH_COMMAND_H
#define LAUNCH_COMMAND_H

#include "launch/signals.h"

#include <sys/types.h>

/* Its standard output goes to the file out. -1: it cannot be run, and err says why. */
pid_t command_start(char *const *argv, const struct signals *signals, int out, struct err *err);

/* As a shell gives it: 128 and the signal's number where one ended it. */
int command_status(int wait_status);

#endif
