/* report/run_files.c: see run_files.h */
#include "report/run_files.h"

#include "base/str.h"

#include <stdlib.h>
#include <unistd.h>

static struct str without(struct str text, struct str ending)
{
    bool ends = text.len > ending.len && str_eq((struct str){text.ptr + text.len - ending.len, ending.len}, ending);
    return (struct str){text.ptr, text.len - (ends ? ending.len : 0)};
}

/* The path's last parts, so many of them, without endings. */
static struct str name_of(const char *path, int parts)
{
    struct str text = without(without(without(str_of(path), STR(".gz")), STR(".jsonl")), STR(".json"));
    size_t from = text.len;
    while (from > 0 && (text.ptr[from - 1] != '/' || --parts > 0))
        from--;
    return (struct str){text.ptr + from, text.len - from};
}

/* Where the path begins in NAME=FILE; NULL: it has no name. A file whose own name has a = in it is found as it is. */
static const char *path_behind_name(const char *operand)
{
    const char *equals = strchr(operand, '=');
    return equals && equals > operand && access(operand, F_OK) < 0 ? equals + 1 : NULL;
}

static bool is_ambiguous(char *const *operands, size_t nth)
{
    struct str name = name_of(operands[nth], 1);
    for (size_t i = 0; operands[i]; i++)
        if (i != nth && !path_behind_name(operands[i]) && strcmp(operands[i], operands[nth]) != 0 && str_eq(name_of(operands[i], 1), name))
            return true;
    return false;
}

int run_files_name(struct run_files *files, char *const *operands, const char *label, struct err *err)
{
    static char *const standard_input[] = {"-", NULL};
    size_t count = 0;
    operands = operands[0] ? operands : standard_input;
    while (operands[count])
        count++;
    files->items = calloc(count, sizeof *files->items);
    if (!files->items)
        return err_nomem(err);
    for (; files->count < count; files->count++) {
        const char *operand = operands[files->count], *path = path_behind_name(operand);
        struct str name = path    ? (struct str){operand, (size_t)(path - 1 - operand)}
                          : label ? str_of(label)
                                  : name_of(operand, is_ambiguous(operands, files->count) ? 2 : 1);
        struct run_file *file = &files->items[files->count];
        *file = (struct run_file){path ? path : operand, strndup(name.ptr, name.len)};
        if (!file->label)
            return err_nomem(err);
    }
    return 0;
}

void run_files_release(struct run_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->items[i].label);
    free(files->items);
    *files = (struct run_files){0};
}
