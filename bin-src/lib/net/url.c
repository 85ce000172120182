/* net/url.c: see url.h */
#include "net/url.h"

#include <curl/curl.h>

static void add_base64(struct buf *out, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        unsigned word = 0;
        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (i + k < bytes.len ? (unsigned char)bytes.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, i + k > bytes.len ? '=' : digits[word >> (18 - 6 * k) & 63]);
    }
}

/* Adds the part, if the URL has it. */
static bool add_part(struct buf *out, CURLU *parsed, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(parsed, part, &text, flags);
    out->failed |= code == CURLUE_OUT_OF_MEMORY;
    if (code != CURLUE_OK || !text)
        return false;
    buf_add_str(out, str_of(text));
    curl_free(text);
    return true;
}

/* Where the last part of a path begins, its slash included; its length, if it has none. */
static size_t last_part(struct str path)
{
    const char *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
    return slash ? (size_t)(slash - path.ptr) : path.len;
}

/* Does it end with /vN? */
static bool has_version(struct str path)
{
    size_t at = last_part(path);
    return path.len - at >= 3 && path.ptr[at + 1] == 'v' && path.ptr[at + 2] >= '0' && path.ptr[at + 2] <= '9';
}

/* People paste the URL that a request goes to: of the path, the API's own below /vN goes. */
static void cut_endpoint(struct buf *base)
{
    static const char *const endpoints[] = {"/chat/completions", "/completions", "/embeddings", "/models"};
    for (size_t i = 0; i < COUNT(endpoints); i++) {
        struct str end = str_of(endpoints[i]);
        if (base->len <= end.len || memcmp(base->ptr + base->len - end.len, end.ptr, end.len) != 0)
            continue;
        if (has_version((struct str){base->ptr, base->len - end.len})) {
            base->len -= end.len;
            return;
        }
    }
}

static void set_base(struct url *url, CURLU *parsed)
{
    add_part(&url->base, parsed, CURLUPART_PATH, 0);
    while (url->base.len > 0 && url->base.ptr[url->base.len - 1] == '/')
        url->base.len--;
    cut_endpoint(&url->base);
    if (!has_version(buf_str(&url->base)))
        buf_add_str(&url->base, STR("/v1"));
}

static void set_authority(struct url *url, CURLU *parsed)
{
    struct buf user = {0};
    if (add_part(&user, parsed, CURLUPART_USER, CURLU_URLDECODE)) {
        buf_add_char(&user, ':');
        add_part(&user, parsed, CURLUPART_PASSWORD, CURLU_URLDECODE);
        buf_add_str(&url->authority, STR("Basic "));
        add_base64(&url->authority, buf_str(&user));
    }
    url->authority.failed |= user.failed;
    buf_release(&user);
}

static void set_query(struct url *url, CURLU *parsed)
{
    struct buf query = {0};
    if (add_part(&query, parsed, CURLUPART_QUERY, 0) && query.len > 0)
        buf_addf(&url->query, "?%.*s", STR_ARG(buf_str(&query)));
    url->query.failed |= query.failed;
    buf_release(&query);
}

/* Takes text apart. libcurl guesses ftp for "ftp.host": without a scheme it is http. */
static CURLUcode parse(CURLU *parsed, const char *text, struct buf *scheme)
{
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
    if (code != CURLUE_OK)
        return code;
    add_part(scheme, parsed, CURLUPART_SCHEME, 0);
    if (scheme->len > 0 && (strncasecmp(text, scheme->ptr, scheme->len) != 0 || text[scheme->len] != ':')) {
        code = curl_url_set(parsed, CURLUPART_SCHEME, "http", 0);
        buf_clear(scheme);
        buf_add_str(scheme, STR("http"));
    }
    return scheme->failed ? CURLUE_OUT_OF_MEMORY : code;
}

static bool any_failed(struct url *url)
{
    return url->origin.failed || url->host.failed || url->base.failed || url->query.failed || url->shown.failed || url->authority.failed;
}

static int set_parts(struct url *url, CURLU *parsed, struct str scheme, struct err *err)
{
    struct buf port = {0};
    add_part(&url->host, parsed, CURLUPART_HOST, 0);
    if (add_part(&port, parsed, CURLUPART_PORT, 0))
        buf_addf(&url->host, ":%.*s", STR_ARG(buf_str(&port)));
    url->host.failed |= port.failed;
    buf_release(&port);
    buf_addf(&url->origin, "%.*s://%.*s", STR_ARG(scheme), STR_ARG(buf_str(&url->host)));
    set_base(url, parsed);
    set_query(url, parsed);
    set_authority(url, parsed);
    buf_addf(&url->shown, "%.*s%.*s", STR_ARG(buf_str(&url->origin)), STR_ARG(buf_str(&url->base)));
    buf_add_char(&url->origin, '\0'); // for libcurl; not counted
    url->origin.len -= !url->origin.failed;
    return any_failed(url) ? err_nomem(err) : 0;
}

int url_parse(struct url *url, const char *text, struct err *err)
{
    CURLU *parsed = curl_url();
    struct buf scheme = {0};
    *url = (struct url){0};
    if (!parsed)
        return err_nomem(err);
    CURLUcode code = parse(parsed, text, &scheme);
    url->tls = str_eq(buf_str(&scheme), STR("https"));
    bool is_http = url->tls || str_eq(buf_str(&scheme), STR("http"));
    int rc;
    if (code == CURLUE_OUT_OF_MEMORY)
        rc = err_nomem(err);
    else if (code != CURLUE_OK || !is_http || strpbrk(text, " \r\n\t"))
        rc = err_set(err, ERR_PARSE, "not a URL such as http://127.0.0.1:8000/v1"); // its text may hold a key
    else
        rc = set_parts(url, parsed, buf_str(&scheme), err);
    buf_release(&scheme);
    curl_url_cleanup(parsed);
    if (rc < 0)
        url_release(url);
    return rc;
}

void url_release(struct url *url)
{
    struct buf *parts[] = {&url->origin, &url->host, &url->base, &url->query, &url->shown, &url->authority};
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_release(parts[i]);
}
