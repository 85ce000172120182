/* launch/signals.c: see signals.h */
#include "launch/signals.h"

#include "base/str.h"

#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_take(struct signals *signals, struct err *err)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t taken;
    struct sigaction action;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    for (size_t i = 0; i < COUNT(ends); i++)
        if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&taken, ends[i]);
    sigprocmask(SIG_BLOCK, &taken, &signals->mask);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &signals->on_pipe);
    signals->fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd < 0 ? err_errno(err, "signalfd") : 0;
}

int signals_next(const struct signals *signals, enum signals_sender *sender)
{
    struct signalfd_siginfo info;
    if (read(signals->fd, &info, sizeof info) != sizeof info)
        return 0;
    *sender = info.ssi_code == SI_KERNEL ? SIGNALS_KERNEL : SIGNALS_PROCESS;
    return (int)info.ssi_signo;
}

void signals_give_back(const struct signals *signals)
{
    sigaction(SIGPIPE, &signals->on_pipe, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}
