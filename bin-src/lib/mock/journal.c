/* mock/journal.c: see journal.h */
#include "mock/journal.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/out.h"
#include "mock/answer.h"

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

void journal_add(struct journal *journal, const struct answer *answer, enum journal_client client)
{
    struct buf *line = &journal->held;
    struct buf names = {0};
    json_object(line);
    json_key(line, "id"), json_str(line, buf_str(&answer->id));
    json_key(line, "request"), json_int(line, answer->number);
    json_key(line, "port"), json_int(line, server_peer_port(answer->conn));
    json_key(line, "model"), json_str(line, buf_str(&answer->model));
    json_key(line, "received_ns"), json_int(line, answer->received_ns);
    if (answer->head_done)
        json_key(line, "status"), json_int(line, answer->status);
    json_key(line, "tokens"), json_int(line, answer->usage.completion);
    json_key(line, "writes_ns"), json_array(line);
    for (size_t i = 0; i < answer->settled; i++)
        json_int(line, ((const int64_t *)(const void *)answer->times.ptr)[i]);
    json_array_end(line);
    if (answer->held > 0)
        json_key(line, "held"), json_int(line, answer->held);
    size_t unsent = answer->times.len / sizeof(int64_t) - answer->settled;
    if (unsent > 0)
        json_key(line, "unsent"), json_int(line, (int64_t)unsent);
    if (answer->script.faults) {
        fault_names(answer->script.faults, &names);
        json_key(line, "fault"), json_str(line, buf_str(&names));
    }
    if (client == JOURNAL_GONE)
        json_key(line, "gone"), json_bool(line, true);
    bool ended = client == JOURNAL_SERVED && answer->end != SERVER_RESET && answer->written_ns > 0;
    json_key(line, "end_ns"), json_int(line, ended ? answer->written_ns : clock_ns()); // the last write, else now
    json_object_end(line);
    buf_add_char(line, '\n');
    buf_release(&names);
}
