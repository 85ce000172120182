/* launch/command.c: see command.h */
#include "launch/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child. Why it could not be run goes to report. */
static _Noreturn void run(char *const *argv, const struct signals *signals, int out, pid_t parent, int report)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_CANNOT);
    signals_give_back(signals);
    if (out != STDOUT_FILENO)
        dup2(out, STDOUT_FILENO);
    execvp(argv[0], argv);
    int failure = errno;
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(EXIT_CANNOT);
}

pid_t command_start(char *const *argv, const struct signals *signals, int out, struct err *err)
{
    int report[2], failure = 0;
    pid_t self = getpid();
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_errno(err, "%s", argv[0]);
    pid_t command = fork();
    if (command == 0)
        run(argv, signals, out, self, report[1]);
    if (command < 0)
        err_errno(err, "%s", argv[0]);
    close(report[1]);
    if (command > 0 && read(report[0], &failure, sizeof failure) == sizeof failure) { // else it was closed: it runs
        waitpid(command, NULL, 0);
        command = err_set(err, ERR_MISSING, "%s: cannot be run: %s", argv[0], strerror(failure));
    }
    close(report[0]);
    return command;
}

int command_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
