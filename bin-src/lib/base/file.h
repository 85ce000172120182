/*
 * base/file.h: whole small files
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <limits.h>
#include <stdint.h>

/* Adds all of the file to text (the caller releases it), and a zero byte behind it that its length does not count.
 * Fails with the file's name in the message, and over max_bytes. */
int file_read(const char *path, size_t max_bytes, struct buf *text, struct err *err);

/* The one line that a file such as a key's holds, without blanks around it, to *line, which the caller frees. Fails on
 * none, and on more; messages never show it. */
int file_read_line(const char *path, char **line, struct err *err);

/* Where a file is put that is written elsewhere first and then renamed, so that nobody finds half of it: path, or where a
 * link leads; "" where path must be written straight: a device, a pipe, a link to what is not there. A directory fails. */
int file_place(const char *path, char place[PATH_MAX], struct err *err);

/* Raises the limit of open files to the hard one, and by root to want where that is more. Returns what it is then;
 * UINT64_MAX: there is none, or nobody knows. */
uint64_t file_raise_limit(uint64_t want);

#endif
