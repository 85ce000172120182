/* jsonl/jsonl.c: see jsonl.h */
#include "jsonl/jsonl.h"

#include "base/json.h"
#include "base/out.h"
#include "jsonl/input.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BUFFER = 256 << 10 };

struct jsonl_reader {
    char *const *paths;
    const char *name;
    struct input *file; // NULL: none is open
    bool stdin_only;
    char *buffer; // holds cap bytes, and the padding behind them
    size_t cap, at, end; // [at, end) is read and not yet handed out
    size_t from; // of the line that was read last
    bool ended;   // nothing more comes from file
    uint64_t line;
    char where[512];
    struct jdoc *doc;
    struct jsonl_record record;
};

/* Opens the next file of the list, if there is one. */
static int open_next(struct jsonl_reader *reader, struct err *err)
{
    if (reader->stdin_only) {
        reader->stdin_only = false;
        reader->name = "-";
    } else if (*reader->paths)
        reader->name = *reader->paths++;
    else
        return 0;
    reader->file = input_open(reader->name, err);
    reader->line = 0;
    reader->ended = false;
    return reader->file ? 0 : -1;
}

struct jsonl_reader *jsonl_open(char *const *paths, struct err *err)
{
    struct jsonl_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        err_nomem(err);
        return NULL;
    }
    reader->paths = paths;
    reader->stdin_only = !*paths;
    reader->cap = FIRST_BUFFER;
    reader->buffer = malloc(FIRST_BUFFER + JDOC_PADDING);
    reader->doc = jdoc_new();
    if (!reader->buffer || !reader->doc)
        err_nomem(err);
    else if (open_next(reader, err) == 0)
        return reader;
    jsonl_close(reader);
    return NULL;
}

void jsonl_close(struct jsonl_reader *reader)
{
    if (!reader)
        return;
    input_close(reader->file);
    buf_release(&reader->record.added);
    jdoc_free(reader->doc);
    free(reader->buffer);
    free(reader);
}

/* Makes room behind end: moves what is left to the front, and grows if that is not enough. */
static int make_room(struct jsonl_reader *reader, struct err *err)
{
    if (reader->at > 0) {
        memmove(reader->buffer, reader->buffer + reader->at, reader->end - reader->at);
        reader->end -= reader->at;
        reader->at = 0;
    }
    if (reader->end < reader->cap / 2)
        return 0;
    size_t cap = reader->cap * 2;
    char *grown = cap > reader->cap ? realloc(reader->buffer, cap + JDOC_PADDING) : NULL;
    if (!grown)
        return err_nomem(err);
    reader->buffer = grown;
    reader->cap = cap;
    return 0;
}

static int read_more(struct jsonl_reader *reader, struct err *err)
{
    if (make_room(reader, err) < 0)
        return -1;
    long got = input_read(reader->file, reader->buffer + reader->end, reader->cap - reader->end, err);
    if (got < 0)
        return -1;
    reader->end += (size_t)got;
    reader->ended = got == 0;
    return 0;
}

/* The next line without its line feed. 1: got one, 0: there is none, -1: cannot read on. */
static int next_line(struct jsonl_reader *reader, struct str *line, struct err *err)
{
    size_t searched = 0;
    while (reader->file) {
        char *from = reader->buffer + reader->at;
        size_t have = reader->end - reader->at;
        char *newline = have > searched ? memchr(from + searched, '\n', have - searched) : NULL;
        if (newline || (reader->ended && have > 0)) {
            size_t len = newline ? (size_t)(newline - from) : have;
            *line = (struct str){from, len};
            reader->from = reader->at;
            reader->at += len + (newline ? 1 : 0);
            if (reader->line++ == 0)
                *line = str_skip_bom(*line);
            if (line->len > 0 || newline)
                return 1;
            searched = 0; // the mark was all
            continue;
        }
        searched = have;
        if (!reader->ended) {
            if (read_more(reader, err) < 0)
                return -1;
            continue;
        }
        input_close(reader->file);
        reader->file = NULL;
        if (open_next(reader, err) < 0)
            return -1;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static int fail_twice(struct str name, struct err *err)
{
    return err_set(err, ERR_PARSE, "\"%.*s\" is there twice", name.len < 80 ? (int)name.len : 80, name.ptr);
}

static int check_many_names(struct jval root, struct err *err)
{
    size_t count = jval_count(root), n = 0;
    struct str *names = malloc(count * sizeof *names);
    struct jval value;
    int rc = 0;
    if (!names)
        return err_nomem(err);
    for (struct jiter iter = jval_items(root); jiter_next(&iter, &names[n], &value); n++)
        ;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count && rc == 0; i++)
        if (str_eq(names[i - 1], names[i]))
            rc = fail_twice(names[i], err);
    free(names);
    return rc;
}

/* Sorting costs more than comparing all pairs while there are as few names as a record has. */
static int check_names(struct jval root, struct err *err)
{
    enum { FEW = 24 };
    struct str names[FEW + 1];
    struct jval value;
    size_t n = 0;
    for (struct jiter iter = jval_items(root); jiter_next(&iter, &names[n], &value); n++) {
        if (n == FEW)
            return check_many_names(root, err);
        for (size_t i = 0; i < n; i++)
            if (str_eq(names[i], names[n]))
                return fail_twice(names[n], err);
    }
    return 0;
}

/* What a line begins with that is no JSON and does not look so: what people feed to it is most often some other kind
 * of file. Up to 20 characters as they can be printed. */
static int show_start(struct str line, struct err *err)
{
    enum { SHOWN = 20 };
    size_t len = 0, count = 0;
    if (str_skip_bom(line).len < line.len)
        return err_set(err, ERR_PARSE, "no JSON object (it begins with a byte order mark)");
    for (; len < line.len && (unsigned char)line.ptr[len] >= ' ' && line.ptr[len] != 0x7f; len++)
        if (((unsigned char)line.ptr[len] & 0xc0) != 0x80 && count++ == SHOWN) // what continues a character is none
            break;
    if (len == 0)
        return err_set(err, ERR_PARSE, "no JSON object");
    return err_set(err, ERR_PARSE, "no JSON object (it begins with: %.*s%s)", (int)len, line.ptr, len < line.len ? "..." : "");
}

int jsonl_parse(struct jdoc *doc, struct str line, struct jsonl_record *rec, struct err *err)
{
    buf_clear(&rec->added);
    rec->line = line;
    struct str trimmed = str_trim(line);
    if (trimmed.len == 0)
        return err_set(err, ERR_PARSE, "an empty line");
    if (jdoc_parse(doc, line.ptr, line.len, &rec->root, err) < 0)
        return err->kind == ERR_PARSE && trimmed.ptr[0] != '{' ? show_start(trimmed, err) : -1;
    if (jval_type(rec->root) != JTYPE_OBJECT)
        return err_set(err, ERR_PARSE, "not an object");
    const char *close = memrchr(line.ptr, '}', line.len); // what stands behind it can only be blanks
    rec->cut = (size_t)(close - line.ptr);
    struct jiter members = jval_items(rec->root);
    rec->empty = members.at == members.end;
    return check_names(rec->root, err);
}

enum jsonl_got jsonl_next(struct jsonl_reader *reader, struct jsonl_record **rec, struct err *err)
{
    struct str line;
    int got = next_line(reader, &line, err);
    if (got < 0)
        return JSONL_FAILED;
    if (got == 0)
        return JSONL_END;
    *rec = &reader->record;
    if (jsonl_parse(reader->doc, line, &reader->record, err) < 0)
        return err->kind == ERR_NOMEM ? JSONL_FAILED : JSONL_BAD;
    return JSONL_RECORD;
}

enum jsonl_got jsonl_join(struct jsonl_reader *reader, struct jsonl_record **rec, struct err *err)
{
    size_t len = reader->at - reader->from;
    reader->at = reader->from; // so that it stays in the buffer
    while (!reader->ended)
        if (read_more(reader, err) < 0)
            return JSONL_FAILED;
    struct str text = str_skip_bom((struct str){reader->buffer + reader->at, reader->end - reader->at});
    *rec = &reader->record;
    if (jsonl_parse(reader->doc, text, &reader->record, err) == 0) {
        reader->at = reader->end;
        return JSONL_RECORD;
    }
    reader->from = reader->at;
    reader->at += len;
    return err->kind == ERR_NOMEM ? JSONL_FAILED : JSONL_BAD;
}

const char *jsonl_name(const struct jsonl_reader *reader)
{
    return reader->name;
}

const char *jsonl_where(const struct jsonl_reader *reader)
{
    char *where = (char *)reader->where; // a scratch text, no state
    snprintf(where, sizeof reader->where, "%s:%llu", reader->name, (unsigned long long)reader->line);
    return where;
}

bool jsonl_has(const struct jsonl_record *rec, const char *name)
{
    struct jval value;
    return jval_member(rec->root, name, &value);
}

static size_t skip_blanks(struct str line, size_t at)
{
    while (at < line.len && strchr(" \t\r\n", line.ptr[at]))
        at++;
    return at;
}

/* Behind the string that begins at its quote. The line was parsed: the string ends. */
static size_t skip_string(struct str line, size_t at)
{
    for (at++; at < line.len && line.ptr[at] != '"'; at++)
        if (line.ptr[at] == '\\')
            at++;
    return at + 1;
}

/* Behind the value that begins here. */
static size_t skip_value(struct str line, size_t at)
{
    size_t depth = 0;
    do {
        char c = line.ptr[at];
        if (c == '"') {
            at = skip_string(line, at);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        else if (depth == 0) { // a number, true, false or null
            while (at < line.len && !strchr(",}] \t\r\n", line.ptr[at]))
                at++;
            return at;
        }
        at++;
    } while (depth > 0 && at < line.len);
    return at;
}

struct jsonl_walk jsonl_members(const struct jsonl_record *rec)
{
    return (struct jsonl_walk){skip_blanks(rec->line, 0), jval_items(rec->root)};
}

bool jsonl_each(const struct jsonl_record *rec, struct jsonl_walk *walk, struct jsonl_member *member)
{
    struct str line = rec->line;
    struct jval parsed;
    if (walk->at >= rec->cut || !jiter_next(&walk->names, &member->name, &parsed))
        return false;
    member->kept = walk->at + (line.ptr[walk->at] == '{');
    member->from = skip_blanks(line, walk->at + 1);
    if (member->from >= rec->cut) // cut down to the brace
        return false;
    size_t value = skip_blanks(line, skip_blanks(line, skip_string(line, member->from)) + 1); // over the colon
    size_t end = skip_value(line, value);
    member->value = (struct str){line.ptr + value, end - value};
    walk->at = skip_blanks(line, end);
    return true;
}

bool jsonl_member(const struct jsonl_record *rec, const char *name, struct jsonl_member *member)
{
    for (struct jsonl_walk walk = jsonl_members(rec); jsonl_each(rec, &walk, member);)
        if (str_is(member->name, name))
            return true;
    return false;
}

bool jsonl_element(struct str array, size_t *at, struct str *element)
{
    size_t from = skip_blanks(array, *at + 1); // over the bracket, or the comma
    if (from >= array.len || array.ptr[from] == ']')
        return false;
    size_t end = skip_value(array, from);
    *element = (struct str){array.ptr + from, end - from};
    *at = skip_blanks(array, end);
    return true;
}

struct buf *jsonl_append(struct jsonl_record *rec, const char *name)
{
    if (rec->added.len > 0 || !rec->empty)
        buf_add_char(&rec->added, ',');
    json_key(&rec->added, name);
    return &rec->added;
}

void jsonl_cut(struct jsonl_record *rec, const struct jsonl_member *member)
{
    if (member->from >= rec->cut)
        return;
    rec->cut = member->kept;
    rec->empty = rec->line.ptr[member->kept - 1] == '{';
    buf_clear(&rec->added);
}

int jsonl_format(const struct jsonl_record *rec, struct buf *out, struct err *err)
{
    const char *close = memrchr(rec->line.ptr, '}', rec->line.len);
    buf_add(out, rec->line.ptr, rec->cut);
    buf_add_str(out, buf_str(&rec->added));
    buf_add(out, close, rec->line.len - (size_t)(close - rec->line.ptr));
    buf_add_char(out, '\n');
    return rec->added.failed || out->failed ? err_nomem(err) : 0;
}

int jsonl_write(const struct jsonl_record *rec, struct err *err)
{
    if (rec->added.failed)
        return err_nomem(err);
    const char *close = memrchr(rec->line.ptr, '}', rec->line.len);
    if (out_write(rec->line.ptr, rec->cut, err) < 0 || out_write(rec->added.ptr, rec->added.len, err) < 0 ||
        out_write(close, rec->line.len - (size_t)(close - rec->line.ptr), err) < 0)
        return -1;
    return out_write("\n", 1, err);
}
