/*
 * base/opt.h: a program's options, from one table
 *
 *     static const struct opt_spec specs[] = {
 *         {'c', "concurrency", OPT_INT, &opt.concurrency, .min = 1, .max = 65536, .arg = "N", .help = "at most N requests at once"},
 *         {0, "replace", OPT_FLAG, &opt.replace, .help = "..."},
 *         {.type = OPT_END, .arg = "[FILE...]"},
 *     };
 *     char **paths = opt_parse(argc, argv, specs, "what the program does");
 *
 * The table gives the parsing, --help, the usage line, shell completion (--list-options prints the table, a line an
 * option) and the test that the man page lists the same. Every program has -q/--quiet, -v/--verbose, --help and
 * --version besides. Long names may be shortened while they stay unique; options may come before or after operands;
 * "--" ends them. A wrong option is one line on stderr and exit 2. For programs.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/num.h"

enum opt_type {
    OPT_END,      // the last; .arg names the operands
    OPT_FLAG,     // bool *
    OPT_STR,      // const char **
    OPT_LIST,     // struct opt_list *: may be given again
    OPT_INT,      // int64_t *, min to max
    OPT_DOUBLE,   // double *, min to max
    OPT_DURATION, // int64_t *, ns; .arg is a time such as 3s
    OPT_CHOICE,   // int *: the place in .choices
};

struct opt_list {
    const char **items;
    size_t count;
};

struct opt_spec {
    char letter; // 0: has none
    const char *name;
    enum opt_type type;
    void *value; // holds the default before
    const char *arg;
    const char *help; // no capital, no full stop
    double min, max;  // OPT_INT, OPT_DOUBLE: both 0 means 0 to what fits
    const char *const *choices; // OPT_CHOICE: NULL ends it
    bool in_order; // on the OPT_END: the first operand ends the options (a command follows)
};

/* The operands, with a NULL behind; lives in argv. Exits on --help, --version and errors. */
char **opt_parse(int argc, char **argv, const struct opt_spec *specs, const char *summary);

/* "lm-x: why" and "try lm-x --help", exit 2. For what the table cannot check. */
void opt_fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same with "option: why", or, where it was memory that failed, exit 3. */
void opt_reject(const char *option, const struct err *err) __attribute__((noreturn));

/* Overwrites a value where it stands in argv, which all users can read: for what may hold a key. A file's name stays. */
void opt_conceal(const char *value);

/* The choices of --format, which every program that prints a summary has. */
enum opt_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMAT_MD };
extern const char *const opt_formats[];

#endif
