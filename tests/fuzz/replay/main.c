/*
 * fuzz/replay/main.c: runs a fuzz target over its corpus, under plain gcc
 *
 * Feeds each file of tests/fuzz/corpus/NAME (NAME: the program's own), or each that is named, to the target, and
 * speaks TAP. A target aborts where its property does not hold, and the file that stands last is the one.
 *
 * To add a target, write tests/fuzz/NAME.c with
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
 *
 * that feeds the bytes to a parser and calls abort() where what came out is not as it must be: not "it lived", but a
 * property, such as that the bytes in two pieces give the same as in one. It returns 0, keeps nothing from one call to
 * the next, and does not take data to end with a zero byte or to have room behind it. Put a few small inputs of the
 * real format, good and bad, in tests/fuzz/corpus/NAME/. `make test` then replays them, and `make fuzz-NAME` looks for
 * more; each bug found becomes a corpus file, named after what it showed.
 */
#include "base/err.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of just its size, so that a sanitiser sees a read beyond. */
static void replay(const char *path, int number)
{
    struct err err;
    struct buf text = {0};
    if (file_read(path, 64 << 20, &text, &err) < 0) {
        printf("not ok %d - %s\n# %s\n", number, path, err.msg);
        return;
    }
    uint8_t *data = malloc(text.len ? text.len : 1);
    if (!data)
        abort();
    if (text.len > 0)
        memcpy(data, text.ptr, text.len);
    printf("%s\n", path); // no line of TAP: make test-NAME shows it
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, text.len);
    free(data);
    buf_release(&text);
    printf("ok %d - %s\n", number, path);
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **inputs;
    char path[4096];
    if (argc > 1) {
        printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++)
            replay(argv[i], i);
        return 0;
    }
    int count = snprintf(path, sizeof path, "tests/fuzz/corpus/%s", program_invocation_short_name);
    if (count < 0 || (count = scandir(path, &inputs, is_input, alphasort)) <= 0) {
        printf("Bail out! no inputs in %s\n", path);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", program_invocation_short_name, inputs[i]->d_name);
        replay(path, i + 1);
        free(inputs[i]);
    }
    free(inputs);
    return 0;
}
