/* synth/tokenizer.c: see tokenizer.h */
#include "synth/tokenizer.h"

#include "base/json.h"
#include "jsonl/jdoc.h"
#include "net/header.h"
#include "openai/reply.h"

#include <curl/curl.h>
#include <stdlib.h>

enum { ANSWER_MAX = 256 << 20, CONNECT_S = 10, TIMEOUT_S = 120 };
enum dialect { UNKNOWN, VLLM, LLAMA_CPP };

struct tokenizer {
    const struct tokenizer_options *options;
    enum dialect dialect;
    CURL *curl;
    struct curl_slist *headers;
    struct buf target; // zero-terminated
    struct buf body, answer;
    struct jdoc *doc;
};

static size_t keep_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *answer = arg;
    if (answer->len + size * count > ANSWER_MAX)
        return 0;
    buf_add(answer, bytes, size * count);
    return answer->failed ? 0 : count;
}

/* Each line of the text, which ends with CRLF, is a header. */
static int add_headers(struct tokenizer *tokenizer, struct str lines, struct err *err)
{
    while (lines.len > 0) {
        size_t len = (size_t)((const char *)memchr(lines.ptr, '\r', lines.len) - lines.ptr);
        char *line = strndup(lines.ptr, len);
        struct curl_slist *longer = line ? curl_slist_append(tokenizer->headers, line) : NULL;
        free(line);
        if (!longer)
            return err_nomem(err);
        tokenizer->headers = longer;
        lines = (struct str){lines.ptr + len + 2, lines.len - len - 2};
    }
    return 0;
}

static int make_headers(struct tokenizer *tokenizer, struct err *err)
{
    struct buf lines = {0};
    buf_add_str(&lines, tokenizer->options->headers);
    buf_add_str(&lines, STR("Content-Type: application/json\r\nExpect:\r\n")); // libcurl would wait for leave to send a long text
    int rc = header_add_authorization(&lines, tokenizer->options->key, buf_str(&tokenizer->options->url->authority), err);
    if (rc == 0)
        rc = lines.failed ? err_nomem(err) : add_headers(tokenizer, buf_str(&lines), err);
    buf_release(&lines);
    return rc;
}

static int make_target(struct tokenizer *tokenizer, struct err *err)
{
    struct str base = buf_str(&tokenizer->options->url->base);
    base.len = (size_t)((const char *)memrchr(base.ptr, '/', base.len) - base.ptr); // url_parse: it ends with /v and a number
    buf_add_str(&tokenizer->target, buf_str(&tokenizer->options->url->origin));
    buf_add_str(&tokenizer->target, base);
    buf_add_str(&tokenizer->target, STR("/tokenize"));
    buf_add_str(&tokenizer->target, buf_str(&tokenizer->options->url->query));
    buf_add_char(&tokenizer->target, '\0');
    return tokenizer->target.failed ? err_nomem(err) : 0;
}

static int set_up(struct tokenizer *tokenizer, struct err *err)
{
    CURL *curl = tokenizer->curl;
    if (!curl || !tokenizer->doc)
        return err_nomem(err);
    if (make_target(tokenizer, err) < 0 || make_headers(tokenizer, err) < 0)
        return -1;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, tokenizer->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &tokenizer->answer);
    return curl_easy_setopt(curl, CURLOPT_URL, tokenizer->target.ptr) == CURLE_OK ? 0 : err_nomem(err);
}

struct tokenizer *tokenizer_open(const struct tokenizer_options *options, struct err *err)
{
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer) {
        err_nomem(err);
        return NULL;
    }
    tokenizer->options = options;
    tokenizer->curl = curl_easy_init();
    tokenizer->doc = jdoc_new();
    if (set_up(tokenizer, err) == 0)
        return tokenizer;
    tokenizer_close(tokenizer);
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    curl_easy_cleanup(tokenizer->curl);
    curl_slist_free_all(tokenizer->headers);
    buf_release(&tokenizer->target);
    buf_release(&tokenizer->body);
    buf_release(&tokenizer->answer);
    jdoc_free(tokenizer->doc);
    free(tokenizer);
}

/* Servers pass over members that they do not know, so that the first request can be both. */
static void write_body(struct tokenizer *tokenizer, struct str text)
{
    struct buf *body = &tokenizer->body;
    buf_clear(body);
    json_object(body);
    if (tokenizer->dialect != LLAMA_CPP) {
        if (tokenizer->options->model)
            json_key(body, "model"), json_cstr(body, tokenizer->options->model);
        json_key(body, "prompt"), json_str(body, text);
        json_key(body, "add_special_tokens"), json_bool(body, tokenizer->options->special);
    }
    if (tokenizer->dialect != VLLM) {
        json_key(body, "content"), json_str(body, text);
        json_key(body, "add_special"), json_bool(body, tokenizer->options->special);
    }
    json_object_end(body);
}

/* "http://host:8000: /tokenize: why"; a key that the server quotes is not shown. */
static int fail(struct tokenizer *tokenizer, enum err_kind kind, struct str why, struct err *err)
{
    size_t len = 0;
    while (len < why.len && len < 200 && (unsigned char)why.ptr[len] >= ' ')
        len++;
    err_set(err, kind, "%.*s: /tokenize: %.*s", STR_ARG(buf_str(&tokenizer->options->url->shown)), (int)len, why.ptr);
    str_conceal(str_of(err->msg), tokenizer->options->key);
    return -1;
}

static int fail_status(struct tokenizer *tokenizer, long status, bool parsed, struct jval root, struct err *err)
{
    struct str why = {0};
    struct buf text = {0};
    buf_addf(&text, "status %ld", status);
    if (status == 404 || status == 405 || status == 501)
        buf_add_str(&text, STR(": the server does not tell how it counts; without --url lengths are words"));
    else if (parsed && reply_why(root, &why))
        buf_addf(&text, " (%.*s)", STR_ARG(why));
    bool refused = tokenizer->dialect != UNKNOWN && (status == 400 || status == 413 || status == 422);
    int rc = fail(tokenizer, refused ? ERR_RANGE : ERR_NET, buf_str(&text), err);
    buf_release(&text);
    return rc;
}

int64_t tokenizer_count(struct tokenizer *tokenizer, struct str text, struct err *err)
{
    struct jval root = {0}, tokens;
    struct err ignored;
    int64_t count;
    long status = 0;
    write_body(tokenizer, text);
    buf_clear(&tokenizer->answer);
    if (tokenizer->body.failed)
        return err_nomem(err);
    curl_easy_setopt(tokenizer->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)tokenizer->body.len);
    curl_easy_setopt(tokenizer->curl, CURLOPT_POSTFIELDS, tokenizer->body.ptr);
    CURLcode code = curl_easy_perform(tokenizer->curl);
    if (code == CURLE_OUT_OF_MEMORY || tokenizer->answer.failed || !buf_reserve(&tokenizer->answer, JDOC_PADDING))
        return err_nomem(err);
    if (code != CURLE_OK)
        return fail(tokenizer, ERR_NET, str_of(curl_easy_strerror(code)), err);
    curl_easy_getinfo(tokenizer->curl, CURLINFO_RESPONSE_CODE, &status);
    bool parsed = jdoc_parse(tokenizer->doc, tokenizer->answer.ptr, tokenizer->answer.len, &root, &ignored) == 0;
    if (!parsed && ignored.kind == ERR_NOMEM)
        return err_nomem(err);
    if (status != 200)
        return fail_status(tokenizer, status, parsed, root, err);
    if (!parsed || !jval_member(root, "tokens", &tokens) || jval_type(tokens) != JTYPE_ARRAY)
        return fail(tokenizer, ERR_NET, STR("the answer has no tokens"), err);
    bool counted = jval_int_at(root, "/count", &count);
    if (tokenizer->dialect == UNKNOWN)
        tokenizer->dialect = counted ? VLLM : LLAMA_CPP;
    return counted ? count : (int64_t)jval_count(tokens);
}
