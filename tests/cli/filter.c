/*
 * filter: the smallest filter there can be, with an option of each kind
 *
 * For the tests of what all programs have from base and jsonl. Appends "seen", the number of the record; --show prints
 * the options and operands instead.
 */
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/out.h"
#include "jsonl/jsonl.h"

#include <stdlib.h>

static const char *const colours[] = {"red", "green", NULL};
static struct {
    bool show, replace;
    const char *name, *file;
    struct opt_list list;
    int64_t count, time_ns;
    double rate;
    int colour;
} opt = {.name = "", .count = 7};

static const struct opt_spec specs[] = {
    {'s', "show", OPT_FLAG, &opt.show, .help = "print the options"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "cut the member that is there and what follows it"},
    {0, "name", OPT_STR, &opt.name, .arg = "NAME", .help = "a text"},
    {0, "file", OPT_STR, &opt.file, .arg = "FILE", .help = "print this file's length first"},
    {'l', "list", OPT_LIST, &opt.list, .arg = "ITEM", .help = "a text, again and again"},
    {'c', "count", OPT_INT, &opt.count, .arg = "N", .min = 1, .max = 65536, .help = "a whole number"},
    {0, "rate", OPT_DOUBLE, &opt.rate, .arg = "R", .help = "a number"},
    {0, "timeout", OPT_DURATION, &opt.time_ns, .help = "a time"},
    {0, "timeout-first", OPT_DURATION, &opt.time_ns, .help = "a name that another one begins"},
    {0, "colour", OPT_CHOICE, &opt.colour, .choices = colours, .help = "one of some"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

static int show(char **operands, struct err *err)
{
    struct buf text = {0};
    json_object(&text);
    json_key(&text, "replace"), json_bool(&text, opt.replace);
    json_key(&text, "name"), json_cstr(&text, opt.name);
    json_key(&text, "list"), json_array(&text);
    for (size_t i = 0; i < opt.list.count; i++)
        json_cstr(&text, opt.list.items[i]);
    json_array_end(&text);
    json_key(&text, "count"), json_int(&text, opt.count);
    json_key(&text, "rate"), json_double(&text, opt.rate);
    json_key(&text, "timeout_ns"), json_int(&text, opt.time_ns);
    json_key(&text, "colour"), json_cstr(&text, colours[opt.colour]);
    json_key(&text, "operands"), json_array(&text);
    for (; *operands; operands++)
        json_cstr(&text, *operands);
    json_array_end(&text);
    json_object_end(&text);
    buf_add_char(&text, '\n');
    int rc = text.failed ? err_nomem(err) : out_write(text.ptr, text.len, err);
    buf_release(&text);
    return rc;
}

static int show_length(const char *path, struct err *err)
{
    struct buf text = {0}, line = {0};
    int rc = file_read(path, 1 << 20, &text, err);
    if (rc == 0) {
        buf_addf(&line, "%zu\n", text.len);
        rc = line.failed ? err_nomem(err) : out_write(line.ptr, line.len, err);
    }
    buf_release(&text);
    buf_release(&line);
    return rc;
}

static int append(struct jsonl_record *rec, int64_t count, struct err *err)
{
    struct jsonl_member old;
    bool there = jsonl_member(rec, "seen", &old);
    if (there && !opt.replace)
        return err_set(err, ERR_EXISTS, "has \"seen\" already (--replace overwrites it)");
    if (there)
        jsonl_cut(rec, &old);
    json_int(jsonl_append(rec, "seen"), count);
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct jsonl_record *rec;
    enum jsonl_got got;
    int status = EXIT_DONE;
    int64_t count = 0;
    char **paths = opt_parse(argc, argv, specs, "number the records");
    if ((opt.show && show(paths, &err) < 0) || (opt.file && show_length(opt.file, &err) < 0))
        die(EXIT_CANNOT, &err);
    if (opt.show)
        return out_finish(&err) < 0 ? (die(EXIT_CANNOT, &err), 0) : EXIT_DONE;
    struct jsonl_reader *in = jsonl_open(paths, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, &err);
        if (got == JSONL_BAD || append(rec, ++count, &err) < 0) {
            warn("%s: %s", jsonl_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        }
        if (got == JSONL_RECORD && jsonl_write(rec, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    jsonl_close(in);
    log_info("numbered", log_kv("records", count), log_kv("as", "seen"));
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
