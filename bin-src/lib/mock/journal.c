/* mock/journal.c: see journal.h */
#include "mock/journal.h"

#include "base/out.h"

#include <fcntl.h>
#include <unistd.h>

int journal_open(struct journal *journal, const char *path, struct err *err)
{
    *journal = (struct journal){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    return journal->fd < 0 ? err_errno(err, "%s", path) : 0;
}

int journal_flush(struct journal *journal, struct err *err)
{
    if (journal->held.failed)
        return err_nomem(err);
    int rc = out_all(journal->fd, journal->held.ptr, journal->held.len, err);
    buf_clear(&journal->held);
    return rc < 0 ? err_prefix(err, "the log: ") : 0;
}

int journal_close(struct journal *journal, struct err *err)
{
    int rc = journal_flush(journal, err);
    buf_release(&journal->held);
    if (close(journal->fd) < 0 && rc == 0)
        return err_errno(err, "the log");
    return rc;
}
