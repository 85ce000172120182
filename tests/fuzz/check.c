/*
 * fuzz/check.c: check_record takes any record, and says of a second one what it said of the first
 *
 * That is: the same number of things, and one more if the record has an id, which was there before.
 */
#include "padded.h"

#include "record/check.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(void *arg, enum check_level level, const char *member, const char *why)
{
    must((level == CHECK_PROBLEM || level == CHECK_NOTE) && why[0] != '\0' && member != NULL);
    ++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = jdoc_new();
    struct check *check = check_new();
    struct jsonl_record rec = {0};
    struct err err;
    struct str id = STR("");
    size_t first = 0, second = 0;
    char *line = padded(data, size);
    must(doc && check);
    if (jsonl_parse(doc, (struct str){line, size}, &rec, &err) == 0) {
        must(check_record(check, &rec, &(struct check_report){tell, &first}, &err) == 0);
        must(check_record(check, &rec, &(struct check_report){tell, &second}, &err) == 0);
        jval_str_at(rec.root, "/id", &id);
        must(second == first + (id.len > 0));
    }
    buf_release(&rec.added);
    free(line);
    check_free(check);
    jdoc_free(doc);
    return 0;
}
