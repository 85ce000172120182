/*
 * base/err.h: what went wrong, for code and for people
 *
 * A function of a library returns 0, or -1 (or NULL) and fills the caller's struct err. The buffer is fixed, since
 * "out of memory" must need none.
 *
 *     if (file_read(path, &text, err) < 0)
 *         return err_prefix(err, "%s: ", path);
 *
 * A message names the thing, what is wrong and what would be right, has no capital and no full stop, and never holds
 * a key or a header's value. Programs make it a line and a status with die and warn.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
    ERR_NONE,
    ERR_IO,      // a read, a write, an open
    ERR_NOMEM,   // out of memory
    ERR_PARSE,   // text that is not what it should be
    ERR_RANGE,   // a number out of its bounds
    ERR_EXISTS,  // is there already
    ERR_MISSING, // is not there
    ERR_NET,     // a remote side did not do its part
    ERR_TIMEOUT, // a limit of time was passed
};

struct err {
    enum err_kind kind;
    char msg[512];
};

/* Exit status of all programs (design, section 2). */
enum {
    EXIT_DONE = 0,
    EXIT_SOME_FAILED = 1, // the output is whole, but some records failed
    EXIT_USAGE = 2,
    EXIT_CANNOT = 3, // could not start, or could not go on
};

/* Always -1, to return. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "WHAT: what errno says", kind by errno (ENOMEM is ERR_NOMEM, all else ERR_IO). */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_nomem(struct err *err); // "out of memory"

/* For programs only. One line on stderr through the log. die writes what standard output holds (base/out.h), so that
 * the records before an error are not lost with it, and ends the process with the status. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(int status, const struct err *err) __attribute__((noreturn));

/* For what is small and made once at the start: exits 3 when there is none. */
void *xcalloc(unsigned long count, unsigned long size);

#endif
