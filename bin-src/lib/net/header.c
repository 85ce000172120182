/* net/header.c: see header.h */
#include "net/header.h"

#include "base/file.h"

enum { MAX_FILE = 1 << 20 };

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* A token of RFC 9110, 5.6.2. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c != '\0' && strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.len > 0;
}

static int add_line(struct buf *out, struct str line, struct err *err)
{
    line = str_trim(line);
    if (line.len == 0)
        return 0;
    const char *colon = memchr(line.ptr, ':', line.len);
    struct str name = {line.ptr, colon ? (size_t)(colon - line.ptr) : 0};
    if (!is_name(name) || has_control(line))
        return err_set(err, ERR_PARSE, "not a header such as 'Name: value'"); // not shown: it may be a key
    if (str_is_nocase(name, "Content-Length") || str_is_nocase(name, "Transfer-Encoding"))
        return err_set(err, ERR_PARSE, "%.*s: is not for the user to set", STR_ARG(name));
    buf_addf(out, "%.*s\r\n", STR_ARG(line));
    return out->failed ? err_nomem(err) : 0;
}

bool header_has(struct str headers, const char *name)
{
    while (headers.len > 0) {
        const char *end = memchr(headers.ptr, '\n', headers.len), *colon = memchr(headers.ptr, ':', headers.len);
        size_t len = end ? (size_t)(end - headers.ptr) + 1 : headers.len;
        if (colon && str_is_nocase((struct str){headers.ptr, (size_t)(colon - headers.ptr)}, name))
            return true;
        headers = (struct str){headers.ptr + len, headers.len - len};
    }
    return false;
}

int header_add_all(struct buf *out, const struct opt_list *given, struct err *err)
{
    for (size_t i = 0; i < given->count; i++) {
        if (header_add(out, given->items[i], err) < 0)
            return -1;
        opt_conceal(given->items[i]);
    }
    return 0;
}

int header_add_authorization(struct buf *out, struct str key, struct str authority, struct err *err)
{
    if (header_has(buf_str(out), "Authorization"))
        return 0;
    if (has_control(key))
        return err_set(err, ERR_PARSE, "the API key holds a line break, or another character that no key has");
    if (key.len > 0)
        buf_addf(out, "Authorization: Bearer %.*s\r\n", STR_ARG(key));
    else if (authority.len > 0)
        buf_addf(out, "Authorization: %.*s\r\n", STR_ARG(authority));
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
