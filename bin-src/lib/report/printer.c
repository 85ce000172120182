/* report/printer.c: see printer.h */
#include "report/printer.h"

#include "base/json.h"

static void write_member(const char *member, struct str value, struct buf *out)
{
    json_key(out, "group"), json_object(out);
    json_key(out, "member"), json_cstr(out, member);
    if (value.len > 0)
        json_key(out, "value"), json_raw(out, value);
    json_object_end(out);
}

static void write_json(const struct printer *printer, const struct group *group, struct buf *out)
{
    json_object(out);
    if (printer->by)
        write_member(printer->by, group->key, out);
    summary_write_json(group->summary, out);
    beside_write_json(printer->beside, group->summary, out);
    json_object_end(out);
}

/* The key as people read it: a string without its quotes. */
static struct str key_shown(struct str key)
{
    if (key.len == 0)
        return STR("(missing)");
    bool plain = key.len >= 2 && key.ptr[0] == '"' && !memchr(key.ptr, '\\', key.len);
    return plain ? (struct str){key.ptr + 1, key.len - 2} : key;
}

static int add_row(struct printer *printer, struct str name, struct buf *json, struct err *err)
{
    struct jval root;
    struct jdoc *doc = jdoc_new();
    size_t len = json->len;
    int rc = doc && buf_reserve(json, JDOC_PADDING) ? jdoc_parse(doc, json->ptr, len, &root, err) : err_nomem(err);
    if (rc == 0)
        rows_add(&printer->rows, name, root);
    jdoc_free(doc);
    return rc;
}

static enum grid_style style_of(const struct printer *printer)
{
    return printer->format == FORMAT_MD ? GRID_MARKDOWN : GRID_TEXT;
}

static void begin_rows(struct printer *printer)
{
    printer->rows.heading = printer->by ? printer->by : "file";
    printer->rows.style = style_of(printer);
    printer->rows.plan = printer->plan;
}

static void write_detailed(struct printer *printer, const struct group *group)
{
    struct buf *out = printer->out;
    bool markdown = printer->format == FORMAT_MD;
    if (printer->detailed++ > 0)
        buf_add_char(out, '\n');
    if (printer->by) {
        buf_addf(out, markdown ? "### %s: " : "%s: ", printer->by);
        buf_add_str(out, group->key.len > 0 ? group->key : STR("(missing)"));
        buf_add_str(out, markdown ? STR("\n\n") : STR("\n"));
    }
    summary_write_table(group->summary, style_of(printer), out);
    beside_write_table(printer->beside, group->summary, style_of(printer), out);
}

/* One whose JSON text is there. */
static int add(struct printer *printer, struct str name, struct buf *json, struct err *err)
{
    if (json->failed)
        return err_nomem(err);
    switch (printer->format) {
    case FORMAT_TEXT:
    case FORMAT_MD:
        begin_rows(printer);
        return add_row(printer, name, json, err);
    case FORMAT_JSON:
        buf_add_str(printer->out, buf_str(json));
        buf_add_char(printer->out, '\n');
        return 0;
    case FORMAT_CSV:
        return csv_add(&printer->csv, buf_str(json), err);
    }
    return 0;
}

int printer_group(struct printer *printer, struct group *group, struct err *err)
{
    struct buf json = {0};
    if (!printer->by && printer->foreign > 0 && summary_is_empty(group->summary))
        return 0; // there were no records, and nobody expected any
    if (summary_finish(group->summary, err) < 0)
        return -1;
    bool people = printer->format == FORMAT_TEXT || printer->format == FORMAT_MD;
    if (people && (!printer->by || printer->detail == PRINTER_DETAILED)) {
        write_detailed(printer, group);
        return printer->out->failed ? err_nomem(err) : 0;
    }
    write_json(printer, group, &json);
    int rc = add(printer, key_shown(group->key), &json, err);
    buf_release(&json);
    return rc == 0 && printer->out->failed ? err_nomem(err) : rc;
}

/* The summary with the file for its group, unless it is one of a group already. */
static void write_foreign(const char *file, struct jval summary, struct buf *json)
{
    struct jval value, group;
    struct str name;
    json_object(json);
    if (!jval_member(summary, "group", &group)) {
        struct buf text = {0};
        json_cstr(&text, file);
        write_member("file", buf_str(&text), json);
        json->failed = json->failed || text.failed;
        buf_release(&text);
    }
    for (struct jiter iter = jval_items(summary); jiter_next(&iter, &name, &value);)
        json_key_str(json, name), jval_write(value, json);
    json_object_end(json);
}

int printer_foreign(struct printer *printer, const char *file, struct jval summary, struct err *err)
{
    struct buf json = {0}, name = {0};
    struct jval value;
    struct str text;
    buf_addf(&name, "%s", file);
    if (jval_at(summary, "/group/value", &value)) {
        buf_add_str(&name, STR(": "));
        if (jval_str(value, &text))
            buf_add_str(&name, text);
        else
            jval_write(value, &name);
    }
    write_foreign(file, summary, &json);
    printer->foreign++;
    int rc = name.failed ? err_nomem(err) : add(printer, buf_str(&name), &json, err);
    buf_release(&json);
    buf_release(&name);
    return rc;
}

int printer_end(struct printer *printer, struct err *err)
{
    if (printer->format == FORMAT_CSV)
        return csv_write(&printer->csv, printer->out, err);
    if (printer->rows.grid.cells > 0 && printer->detailed > 0)
        buf_add_char(printer->out, '\n'); // behind what was detailed
    rows_write(&printer->rows, printer->out);
    return printer->out->failed ? err_nomem(err) : 0;
}

void printer_release(struct printer *printer)
{
    csv_release(&printer->csv);
    rows_release(&printer->rows);
}
