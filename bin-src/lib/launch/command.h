/*
 * launch/command.h: a command that is run to its end, while its parent goes on
 *
 *     struct command command = {0};
 *     signals_take(&command.signals, &err);
 *     command_start(&command, argv, COMMAND_OUT_OURS, &err);
 *     while (command.pid > 0) {
 *         poll(&(struct pollfd){.fd = command.signals.fd, .events = POLLIN}, 1, -1);
 *         command_signals(&command);
 *     }
 *     return command_exit(&command);
 *
 * A signal that tells us to end is told to the command too, so that it ends first. Should we be killed, it gets SIGTERM.
 */
#ifndef LAUNCH_COMMAND_H
#define LAUNCH_COMMAND_H

#include "launch/signals.h"

#include <stdbool.h>
#include <sys/types.h>

#define COMMAND_OUT_OURS (-1)

struct command {
    struct signals signals;
    pid_t pid;  // 0: does not run
    int status; // as waitpid gave it
    int told;   // the last signal that told us to end; 0: none did
};

/* argv[0] is looked for on PATH. out: its standard output; COMMAND_OUT_OURS: the one that we have. */
int command_start(struct command *command, char **argv, int out, struct err *err);

/* Reads all signals that came. */
void command_signals(struct command *command);

/* Has it ended by the signal that told us to end? */
bool command_ended_as_told(const struct command *command);

/* The status to end with, as a shell has it: the command's own, or 128 and the signal's number. */
int command_exit(const struct command *command);

/* Ends this process as the signal would have. */
_Noreturn void command_end_by(const struct command *command, int signal_number);

#endif
