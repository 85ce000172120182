/*
 * lm-check: does each line keep the record's form?
 *
 * Reads records; says on standard error what is wrong with each, file:line: member: why, and prints at the end what
 * it counted. What is held against what is in record/check.h.
 */
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "record/check.h"

#include <inttypes.h>

static struct {
    int format;
} opt;

static const char *const formats[] = {"text", "json", NULL};
static const struct opt_spec specs[] = {
    {0, "format", OPT_CHOICE, &opt.format, .choices = formats, .help = "how the counts are printed (text)"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

/* Of the whole input; wrong: records with a problem. */
struct counts {
    const struct jsonl_reader *in;
    int64_t records, malformed, wrong, problems, notes;
};

static void tell(void *arg, enum check_level level, const char *member, const char *why)
{
    struct counts *count = arg;
    warn("%s: %s: %s%s", jsonl_where(count->in), member, why, level == CHECK_NOTE ? " (a note)" : "");
    if (level == CHECK_NOTE)
        count->notes++;
    else
        count->problems++;
}

static int print(const struct counts *counts, struct err *err)
{
    const struct {
        const char *name, *one;
        int64_t count;
    } lines[] = {{"records", "record", counts->records},
                 {"malformed", "malformed", counts->malformed},
                 {"wrong", "wrong", counts->wrong},
                 {"problems", "problem", counts->problems},
                 {"notes", "note", counts->notes}};
    struct buf out = {0};
    if (opt.format == 1)
        json_object(&out);
    for (size_t i = 0; i < COUNT(lines); i++)
        if (opt.format == 1)
            json_key(&out, lines[i].name), json_int(&out, lines[i].count);
        else
            buf_addf(&out, "%s%" PRId64 " %s", i ? ", " : "", lines[i].count, lines[i].count == 1 ? lines[i].one : lines[i].name);
    if (opt.format == 1)
        json_object_end(&out);
    buf_add_char(&out, '\n');
    int rc = out.failed ? err_nomem(err) : out_write(out.ptr, out.len, err);
    buf_release(&out);
    return rc < 0 ? -1 : out_finish(err);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct counts counts = {0};
    struct jsonl_record *rec;
    enum jsonl_got got;
    char **paths = opt_parse(argc, argv, specs, "does each line keep the record's form?");
    struct check *check = check_new();
    struct jsonl_reader *in = check ? jsonl_open(paths, &err) : NULL;
    if (!check)
        err_nomem(&err);
    if (!in)
        die(EXIT_CANNOT, &err);
    const struct check_report report = {tell, &counts};
    counts.in = in;
    while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        int64_t before = counts.problems;
        if (got == JSONL_FAILED || (got == JSONL_RECORD && check_record(check, rec, &report, &err) < 0))
            die(EXIT_CANNOT, &err);
        if (got == JSONL_BAD) {
            warn("%s: %s", jsonl_where(in), err.msg);
            counts.malformed++;
        } else
            counts.records++;
        counts.wrong += counts.problems > before;
    }
    jsonl_close(in);
    check_free(check);
    if (print(&counts, &err) < 0)
        die(EXIT_CANNOT, &err);
    return counts.problems + counts.malformed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}
