/*
 * report/run_files.h: files of runs, each with the name that its run has in a picture or a table
 *
 *     struct run_files files = {0};
 *     if (run_files_name(&files, operands, NULL, &err) < 0) ...
 *     for (size_t i = 0; i < files.count; i++) ... files.items[i].path, files.items[i].label
 *     run_files_release(&files);
 *
 * NAME=FILE names a run; several files of one name are one run. Without a name it is the file's, less folders, .gz,
 * .jsonl and .json; where that would give two files one name, their folder stands before it.
 */
#ifndef REPORT_RUN_FILES_H
#define REPORT_RUN_FILES_H

#include "base/err.h"

#include <stddef.h>

struct run_file {
    const char *path;
    char *label;
};

struct run_files {
    struct run_file *items;
    size_t count;
};

/* operands ends with NULL and must live as long; none: standard input. label: the name of all that have none of their own;
 * NULL: there is no such. Fails out of memory. */
int run_files_name(struct run_files *files, char *const *operands, const char *label, struct err *err);
void run_files_release(struct run_files *files);

#endif
