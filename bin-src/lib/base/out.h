/*
 * base/out.h: standard output, buffered, whose failure shows
 *
 * Without out_finish at the end a full disk would be status 0. For programs, from one thread.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/err.h"
#include "base/str.h"

/* What is written goes to the file instead, by way of PATH.part: out_finish gives it its name, so that no one finds half
 * of it. A link is followed first; what is there and no regular file (a pipe, a device) is written straight, and a
 * directory refused. path must live as long. */
int out_to(const char *path, struct err *err);
int out_write(const void *bytes, size_t len, struct err *err);
int out_flush(struct err *err);
int out_finish(struct err *err); // flushes and closes: some file systems say only at close that nothing was kept

/* All of it to fd, whatever signals come between. Fails with errno's reason. */
int out_all(int fd, const void *bytes, size_t len, struct err *err);

#endif
