/* text/adapter.c: see adapter.h */
#include "text/adapter.h"

#include "base/file.h"
#include "base/share.h"
#include "text/exact.h"

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_ADAPTER = 100 << 10 }; // it becomes one argument of jq

/* What stands around an adapter: the first on its first line, so that jq's line numbers are the adapter's. */
static const char before[] =
    "def unchanged: \"unchanged\"; def written: if type == \"string\" then ltrimstr(\"" EXACT_MARK "\") else tojson"
    " | split(\"\\\"" EXACT_MARK "\") | .[0] + ([.[1:][] | sub(\"\\\"\"; \"\")] | add) end;"
    " def string($name): .[$name] | if type == \"string\" then . elif . == null then "
    "error(\"\\($name): is missing\") else error(\"\\($name): is not a string\") end;"
    // Without regular expressions: jq would spend most of a trace's time in them. [try ...][0], since jq 1.6 has a bare try
    // catch what later steps raise, too.
    " def digits: [try tonumber catch -1][0] as $n | if $n >= 0 and $n < 1e15 and ($n | tostring) == . then $n else null end;"
    " def whole($name): .[$name] | if type == \"string\" then digits elif type == \"number\" and . == floor and . >= 0 then . else null end"
    " | if . == null then error(\"\\($name): is not a whole number, 0 or more\") else . end;"
    " def seconds($name): split(\".\") | (.[0] // \"\" | digits) as $s | (\"1\\(.[1] // \"\")000000000\" | .[:10] | digits) as $ns"
    " | if length > 2 or $s == null or $ns == null then error(\"\\($name): is no time in seconds\") else [$s, $ns] end;"
    " def ns_after($first; $name): (seconds($name)) as $to | ($first | seconds($name)) as $from | [$to[0] - $from[0], $to[1] - $from[1]]"
    " | if .[1] < 0 then [.[0] - 1, .[1] + 1000000000] else . end"
    " | if .[0] < 0 then error(\"\\($name): is before the first row\") elif .[0] == 0 then .[1]"
    " else \"" EXACT_MARK "\\(.[0])\" + (\"\\(.[1] + 1000000000)\" | .[1:]) end;"
    " def convert($split; $line; $opt; $exact; $first): ";
static const char behind[] =
    "\n; foreach inputs as $row (null; . // (if $row.text then (try ($row.text | fromjson) catch null) else null end); . as $first | $row"
    " | if .text == null then . else try (.text | fromjson"
    " | (if $row.exact then $row.exact | fromjson else . end) as $exact | convert($row.split; $row.line; $opt; $exact; $first)"
    " | if $opt.samples == 0 then {where: $row.where} + if . == \"unchanged\" then {text: $row.text} else {item: .} end"
    " else (if . == \"unchanged\" then $exact else . end) | .id as $id | range(1; $opt.samples + 1) as $k"
    " | .id = \"\\($id)#\\($k)\" | .meta.item = $id | {where: $row.where, item: .} end)"
    " catch {where: $row.where, error: (if type == \"string\" then . else tojson end)} end)";

static int unknown(const char *name, struct err *err)
{
    struct buf pattern = {0}, known = {0};
    glob_t found;
    if (share_path(&pattern, SHARE_ITEMS, "*.jq", err) == 0) {
        if (glob(pattern.ptr, 0, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++) {
                const char *base = strrchr(found.gl_pathv[i], '/') + 1;
                buf_addf(&known, "%s%.*s", i ? ", " : "", (int)strlen(base) - 3, base);
            }
            globfree(&found);
        }
        err_set(err, ERR_MISSING, "%.80s: no such adapter (known: %.*s; or a path that ends in .jq)%s", name, STR_ARG(buf_str(&known)),
                strstr(name, ".json") ? "; of a file of rows make items by: jsonl FILE" : "");
    }
    buf_release(&pattern);
    buf_release(&known);
    return -1;
}

/* By its path, which ends in .jq, and not by the name of one that came with lmutils. */
static bool is_own(const char *name)
{
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".jq") == 0;
}

int adapter_load(struct adapter *adapter, const char *name, struct err *err)
{
    char file[128];
    struct buf path = {0};
    adapter->name = name;
    if (is_own(name))
        return file_read(name, MAX_ADAPTER, &adapter->text, err);
    if (strchr(name, '/') || (size_t)snprintf(file, sizeof file, "%s.jq", name) >= sizeof file)
        return unknown(name, err);
    int rc = share_path(&path, SHARE_ITEMS, file, err);
    if (rc == 0)
        rc = access(path.ptr, F_OK) != 0 ? unknown(name, err) : file_read(path.ptr, MAX_ADAPTER, &adapter->text, err);
    buf_release(&path);
    return rc;
}

void adapter_release(struct adapter *adapter)
{
    buf_release(&adapter->text);
}

int adapter_source(const struct adapter *adapter, const char *split, struct adapter_source *source, struct err *err)
{
    struct buf known = {0};
    bool found = false;
    for (const char *line = adapter->text.ptr; line && !found; line = strchr(line, '\n')) {
        *source = (struct adapter_source){0};
        line += *line == '\n';
        if (sscanf(line, "# data: %31s %127s %79[0-9a-f] %511[^ \n]", source->split, source->file, source->sha256, source->url) < 2)
            continue;
        buf_addf(&known, "%s%s", known.len ? ", " : "", source->split);
        found = !split || strcmp(split, source->split) == 0;
    }
    if (!found && known.len > 0)
        err_set(err, ERR_MISSING, "%s has no split \"%.80s\" (it has %.*s)", adapter->name, split, STR_ARG(buf_str(&known)));
    int rc = found ? 1 : known.len > 0 ? -1 : 0;
    buf_release(&known);
    return rc;
}

int adapter_rows(const struct adapter *adapter, enum rows_form *form, struct err *err)
{
    static const char mark[] = "# rows: ";
    const char *line = adapter->text.ptr;
    *form = ROWS_LINES;
    while (line && strncmp(line, mark, sizeof mark - 1) != 0)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!line)
        return 0;
    line += sizeof mark - 1;
    size_t len = strcspn(line, " \r\n");
    for (int i = 0; i < ROWS_FORM_COUNT; i++)
        if (str_is((struct str){line, len}, rows_forms[i])) {
            *form = (enum rows_form)i;
            return 0;
        }
    return err_set(err, ERR_PARSE, "%s: rows: %.*s: is none of lines, values, csv", adapter->name, len < 40 ? (int)len : 40, line);
}

int adapter_beside(const struct adapter *adapter, const struct adapter_source *source, struct buf *path, struct err *err)
{
    const char *slash = strrchr(adapter->name, '/');
    if (source->url[0] != '\0' || !is_own(adapter->name))
        return 0;
    if (slash && source->file[0] != '/')
        buf_add(path, adapter->name, (size_t)(slash - adapter->name) + 1);
    buf_add(path, source->file, strlen(source->file) + 1);
    return path->failed ? err_nomem(err) : 0;
}

int adapter_program(const struct adapter *adapter, struct buf *program, struct err *err)
{
    buf_add(program, before, sizeof before - 1);
    buf_add_str(program, buf_str(&adapter->text));
    buf_add(program, behind, sizeof behind); // with its zero byte
    return program->failed ? err_nomem(err) : 0;
}
