/*
 * base/file.h: whole small files
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Adds all of the file to text (the caller releases it), and a zero byte behind it that its length does not count.
 * Fails with the file's name in the message, and over max_bytes. */
int file_read(const char *path, size_t max_bytes, struct buf *text, struct err *err);

/* The one line that a file such as a key's holds, without blanks around it, to *line, which the caller frees. Fails on
 * none, and on more; messages never show it. */
int file_read_line(const char *path, char **line, struct err *err);

#endif
