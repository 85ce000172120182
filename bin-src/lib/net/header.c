/* net/header.c: see header.h */
#include "net/header.h"

#include "base/file.h"

enum { MAX_FILE = 1 << 20 };

static int add_line(struct buf *out, struct str line, struct err *err)
{
    line = str_trim(line);
    if (line.len == 0)
        return 0;
    if (!memchr(line.ptr, ':', line.len) || memchr(line.ptr, '\n', line.len) || memchr(line.ptr, '\r', line.len))
        return err_set(err, ERR_PARSE, "not a header such as 'Name: value'"); // not shown: it may be a key
    buf_addf(out, "%.*s\r\n", STR_ARG(line));
    return out->failed ? err_nomem(err) : 0;
}

int header_add(struct buf *out, const char *given, struct err *err)
{
    struct buf file = {0};
    if (given[0] != '@')
        return add_line(out, str_of(given), err);
    int rc = file_read(given + 1, MAX_FILE, &file, err);
    for (struct str rest = buf_str(&file); rc == 0 && rest.len > 0;) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        if (add_line(out, (struct str){rest.ptr, len}, err) < 0)
            rc = err_prefix(err, "%s: ", given + 1);
        rest = (struct str){rest.ptr + len + (end ? 1 : 0), rest.len - len - (end ? 1 : 0)};
    }
    buf_release(&file);
    return rc;
}
