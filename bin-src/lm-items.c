/*
 * lm-items: make items of a data set
 *
 * The adapter pipelines/items/NAME.jq makes items of a row; what it may use, and the lines by which it says where its
 * data come from, is in lm-items(1). Three processes: we read rows and say which line each is (a fork of us), jq
 * converts, we check and print what comes back, in order, so that -n cuts the reports where it cuts the items.
 */
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "base/share.h"
#include "jsonl/jsonl.h"
#include "text/adapter.h"
#include "text/exact.h"
#include "text/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct {
    const char *task, *split, *id, *gold;
    struct opt_list input;
    int64_t count, samples;
} opt = {.count = INT64_MAX};

static const struct opt_spec specs[] = {
    {0, "split", OPT_STR, &opt.split, .arg = "NAME", .help = "this part of the data (the adapter's first)"},
    {'n', "count", OPT_INT, &opt.count, .min = 1, .max = 1LL << 53, .arg = "N", .help = "at most N items"},
    {0, "samples", OPT_INT, &opt.samples, .min = 1, .max = 1 << 20, .arg = "K", .help = "K records of each item, ID#1 to ID#K"},
    {'t', "task", OPT_STR, &opt.task, .arg = "NAME", .help = "jsonl: the items' task (chat)"},
    {0, "id", OPT_STR, &opt.id, .arg = "PATH", .help = "jsonl: the row's member that is the id"},
    {0, "input", OPT_LIST, &opt.input, .arg = "[NAME=]PATH", .help = "jsonl: a row's member that goes into input; may be given again"},
    {0, "gold", OPT_STR, &opt.gold, .arg = "PATH", .help = "jsonl: the row's member that is the gold answer"},
    {.type = OPT_END, .arg = "NAME [FILE...]"},
};

/* The exit status of the process; 128 and the signal's number if one ended it. */
static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The path of the data, which are fetched if they are not here yet. The caller frees it. */
static char *data_path(const struct adapter *adapter, const struct adapter_source *source)
{
    struct buf path = {0}, script = {0};
    struct err err;
    pid_t pid;
    bool ours = source->url[0] == '\0';
    if (adapter_beside(adapter, source, &path, &err) < 0 ||
        (path.len == 0 && share_path(&path, ours ? SHARE_CONFIGS : SHARE_DATA, source->file, &err) < 0))
        die(EXIT_CANNOT, &err);
    if (ours || access(path.ptr, F_OK) == 0)
        return path.ptr;
    if (share_path(&script, SHARE_ITEMS, "fetch.sh", &err) < 0)
        die(EXIT_CANNOT, &err);
    char *argv[] = {"bash", script.ptr, path.ptr, (char *)source->file, (char *)source->sha256, (char *)source->url, NULL};
    if ((errno = posix_spawnp(&pid, "bash", NULL, NULL, argv, environ)) != 0)
        err_errno(&err, "bash"), die(EXIT_CANNOT, &err);
    if (wait_for(pid) != 0) // it said why
        exit(EXIT_CANNOT);
    buf_release(&script);
    return path.ptr;
}

/* What an id says of the part of the data: --split, else the file's name up to its first dot; the usual, of standard input. */
static struct str split_of(const char *usual, struct str file)
{
    const char *slash = memrchr(file.ptr, '/', file.len), *base = slash ? slash + 1 : file.ptr;
    const char *dot = memchr(base, '.', (size_t)(file.ptr + file.len - base));
    if (opt.split)
        return str_of(opt.split);
    if (str_is(file, "-"))
        return str_of(usual);
    return (struct str){base, (size_t)((dot && dot > base ? dot : file.ptr + file.len) - base)};
}

static void add_row(const char *usual, const char *where, struct str text, struct str exact, const char *error, struct buf *out)
{
    const char *colon = strrchr(where, ':');
    struct str file = {where, (size_t)(colon - where)};
    json_object(out);
    json_key(out, "where"), json_cstr(out, where);
    if (error)
        json_key(out, "error"), json_cstr(out, error);
    else {
        json_key(out, "split"), json_str(out, split_of(usual, file));
        json_key(out, "line"), json_raw(out, str_of(colon + 1));
        json_key(out, "text"), json_str(out, text);
        if (exact.len > 0)
            json_key(out, "exact"), json_str(out, exact);
    }
    json_object_end(out);
    buf_add_char(out, '\n');
}

/* Sends a row a line: text where it is one, else error; "fatal" where no more can be read. */
static int feed(const char *usual, char **paths, enum rows_form form, int fd)
{
    enum { ENOUGH = 64 << 10 };
    struct err err = {0};
    struct buf out = {0}, exact = {0};
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_FAILED;
    struct rows *in = rows_open(paths, form, &err);
    while (in && (got = rows_next(in, &rec, &err)) != JSONL_END && got != JSONL_FAILED && !out.failed) {
        buf_clear(&exact);
        if (got == JSONL_RECORD && exact_hide(rec->line, &exact, &err) < 0)
            got = JSONL_BAD;
        add_row(usual, rows_where(in), rec->line, buf_str(&exact), got == JSONL_BAD ? err.msg : NULL, &out);
        out.failed = out.failed || exact.failed;
        if (out.len >= ENOUGH) {
            if (out_all(fd, out.ptr, out.len, &err) < 0)
                return EXIT_CANNOT;
            buf_clear(&out);
        }
    }
    if (got == JSONL_FAILED)
        json_object(&out), json_key(&out, "fatal"), json_cstr(&out, err.msg), json_object_end(&out);
    rows_close(in);
    if (out.failed)
        err_nomem(&err), warn("%s", err.msg);
    int rc = out.failed || out_all(fd, out.ptr, out.len, &err) < 0 ? EXIT_CANNOT : EXIT_DONE;
    buf_release(&out);
    buf_release(&exact);
    return rc;
}

static void write_options(struct buf *out)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"task", opt.task}, {"id", opt.id}, {"gold", opt.gold}};
    json_object(out);
    json_key(out, "samples"), json_int(out, opt.samples);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (texts[i].value)
            json_key(out, texts[i].name), json_cstr(out, texts[i].value);
    if (opt.input.count > 0) {
        json_key(out, "input"), json_array(out);
        for (size_t i = 0; i < opt.input.count; i++)
            json_cstr(out, opt.input.items[i]);
        json_array_end(out);
    }
    json_object_end(out);
    buf_add_char(out, '\0');
}

static pid_t start_jq(const struct adapter *adapter, int in, int out, struct err *err)
{
    struct buf program = {0}, options = {0};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    write_options(&options);
    if (adapter_program(adapter, &program, err) < 0 || options.failed || posix_spawn_file_actions_init(&actions) != 0)
        return err_nomem(err);
    char *argv[] = {"jq", "-nc", "--argjson", "opt", options.ptr, program.ptr, NULL};
    if (posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) != 0)
        err_nomem(err);
    else if ((errno = posix_spawnp(&pid, "jq", &actions, NULL, argv, environ)) != 0) {
        err_errno(err, "jq, which lm-items runs");
        pid = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    buf_release(&program);
    buf_release(&options);
    return pid;
}

/* Prints the item in one line of jq's; shown is for it to use. */
static int take(const struct jsonl_record *rec, struct buf *shown, struct err *err)
{
    struct str text, where = STR("-");
    struct jsonl_member item;
    jval_str_at(rec->root, "/where", &where);
    if (jval_str_at(rec->root, "/fatal", &text))
        err_set(err, ERR_IO, "%.*s", STR_ARG(text)), die(EXIT_CANNOT, err);
    if (jval_str_at(rec->root, "/error", &text))
        return err_set(err, ERR_PARSE, "%.*s: %.*s", STR_ARG(where), STR_ARG(text));
    if (!jval_str_at(rec->root, "/text", &text)) {
        if (!jsonl_member(rec, "item", &item) || !jval_str_at(rec->root, "/item/id", &text) || text.len == 0 ||
            str_starts(text, STR(EXACT_MARK)))
            return err_set(err, ERR_PARSE, "%.*s: the adapter made no item with an id", STR_ARG(where));
        buf_clear(shown);
        text = exact_show(item.value, shown) ? buf_str(shown) : item.value;
        if (shown->failed)
            err_nomem(err), die(EXIT_CANNOT, err);
    }
    if (out_write(text.ptr, text.len, err) < 0 || out_write("\n", 1, err) < 0)
        die(EXIT_CANNOT, err);
    return 0;
}

/* Reads from standard input, where jq's output has been put. */
static int take_all(bool *cut, struct err *err)
{
    char *nothing[] = {NULL};
    int64_t left = opt.samples > 0 && opt.count < INT64_MAX / opt.samples ? opt.count * opt.samples : opt.count;
    int status = EXIT_DONE;
    struct buf shown = {0};
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_RECORD;
    struct jsonl_reader *in = jsonl_open(nothing, err);
    if (!in)
        die(EXIT_CANNOT, err);
    while (left > 0 && (got = jsonl_next(in, &rec, err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, err);
        if (got == JSONL_BAD || take(rec, &shown, err) < 0) {
            warn("%s", err->msg);
            status = EXIT_SOME_FAILED;
        } else
            left--;
    }
    *cut = got != JSONL_END;
    buf_release(&shown);
    jsonl_close(in);
    return status;
}

static int convert(const struct adapter *adapter, const char *usual, char **paths, struct err *err)
{
    int rows[2], items[2];
    enum rows_form form;
    bool cut;
    if (adapter_rows(adapter, &form, err) < 0)
        return -1;
    if (pipe2(rows, O_CLOEXEC) < 0 || pipe2(items, O_CLOEXEC) < 0)
        return err_errno(err, "pipe");
    pid_t jq = start_jq(adapter, rows[0], items[1], err);
    if (jq < 0)
        return -1;
    close(rows[0]);
    close(items[1]);
    pid_t feeder = fork();
    if (feeder < 0)
        return err_errno(err, "fork");
    if (feeder == 0) {
        close(items[0]);
        _exit(feed(usual, paths, form, rows[1]));
    }
    close(rows[1]);
    if (dup2(items[0], STDIN_FILENO) < 0)
        return err_errno(err, "dup2");
    close(items[0]);
    int status = take_all(&cut, err);
    close(STDIN_FILENO); // if -n cut it, the others end here
    int jq_status = wait_for(jq), fed = wait_for(feeder);
    if (!cut && jq_status != 0)
        return err_set(err, ERR_IO, "jq ended with status %d", jq_status);
    return !cut && fed != 0 ? err_set(err, ERR_IO, "not all rows could be read") : status;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    char **paths = opt_parse(argc, argv, specs, "make items of a data set");
    if (!paths[0])
        opt_fail("which data set? (a NAME, such as prompts, sharegpt, or jsonl with a FILE of rows)");
    struct adapter adapter = {0};
    struct adapter_source source;
    char *fetched[] = {NULL, NULL};
    if (adapter_load(&adapter, *paths++, &err) < 0)
        err.kind == ERR_MISSING ? opt_fail("%s", err.msg) : die(EXIT_CANNOT, &err);
    int has_source = adapter_source(&adapter, *paths ? NULL : opt.split, &source, &err);
    if (has_source < 0)
        opt_reject("--split", &err);
    if (!*paths && has_source) {
        fetched[0] = data_path(&adapter, &source);
        paths = fetched;
        if (source.url[0] != '\0' && !opt.split)
            opt.split = source.split; // an id does not change with how the data came here
    }
    int status = convert(&adapter, has_source ? source.split : adapter.name, paths, &err);
    adapter_release(&adapter);
    free(fetched[0]);
    if (status < 0 || out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
