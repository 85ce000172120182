/*
 * mock/journal.h: what the server truly did, a JSON line a request
 *
 * Lines gather in memory and go out in large writes, when there is much and when journal_flush is called (each second,
 * and at the end), so that the log does not disturb what it logs.
 */
#ifndef MOCK_JOURNAL_H
#define MOCK_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"

struct journal {
    int fd;
    struct buf held;
};

int journal_open(struct journal *journal, const char *path, struct err *err); // a new file, or an old one emptied
int journal_close(struct journal *journal, struct err *err);                  // flushes
enum journal_client { JOURNAL_SERVED, JOURNAL_GONE };
/* A line of what was done. Out of memory shows in journal_flush. */
struct answer;
void journal_add(struct journal *journal, const struct answer *answer, enum journal_client client);
int journal_flush(struct journal *journal, struct err *err);

#endif
