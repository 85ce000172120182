/* launch/command.c: see command.h */
#include "launch/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void command_signals(struct command *command)
{
    enum signals_sender sender;
    for (int number; (number = signals_next(&command->signals, &sender));) {
        if (number == SIGCHLD) {
            if (command->pid > 0 && waitpid(command->pid, &command->status, WNOHANG) == command->pid)
                command->pid = 0;
            continue;
        }
        command->told = number;
        // What the terminal sends, the command got as well; a second one would make lm-send drop all.
        if (command->pid > 0 && sender != SIGNALS_KERNEL)
            kill(command->pid, number);
    }
}

/* In the child: does not come back. Why it could not be run goes to report. */
static _Noreturn void become(const struct command *command, char **argv, int out, pid_t parent, int report)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); // whatever ends us, kill -9 included, tells it
    if (getppid() != parent)
        _exit(EXIT_CANNOT);
    signals_give_back(&command->signals);
    if (out == COMMAND_OUT_OURS || dup2(out, STDOUT_FILENO) >= 0)
        execvp(argv[0], argv);
    int failure = errno;
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(EXIT_CANNOT);
}

int command_start(struct command *command, char **argv, int out, struct err *err)
{
    int report[2], failure = 0;
    pid_t self = getpid();
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_errno(err, "%s", argv[0]);
    command->pid = fork();
    if (command->pid == 0)
        become(command, argv, out, self, report[1]);
    int rc = command->pid < 0 ? err_errno(err, "%s", argv[0]) : 0;
    close(report[1]);
    if (rc == 0 && read(report[0], &failure, sizeof failure) == sizeof failure) { // else it was closed: it runs
        waitpid(command->pid, NULL, 0);
        rc = err_set(err, ERR_MISSING, "%s: cannot be run: %s", argv[0], strerror(failure));
    }
    if (rc < 0)
        command->pid = 0;
    close(report[0]);
    return rc;
}

bool command_ended_as_told(const struct command *command)
{
    return WIFSIGNALED(command->status) && WTERMSIG(command->status) == command->told;
}

int command_exit(const struct command *command)
{
    return WIFSIGNALED(command->status) ? 128 + WTERMSIG(command->status) : WEXITSTATUS(command->status);
}

void command_end_by(const struct command *command, int signal_number)
{
    signal(signal_number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &command->signals.mask, NULL);
    raise(signal_number);
    _exit(128 + signal_number); // it was blocked before we came
}
