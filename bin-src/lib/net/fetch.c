/* net/fetch.c: see fetch.h */
#include "net/fetch.h"

#include "base/clock.h"
#include "base/num.h"
#include "net/header.h"

#include <curl/curl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX (64 << 20)
#define CONNECT_NS (5 * NS_PER_S)
#define LOOK_NS (10 * NS_PER_S) // it looks at the stops at least so often; they wake it besides

static size_t keep_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *answer = arg;
    if (answer->len + size * count > ANSWER_MAX)
        return 0;
    buf_add(answer, bytes, size * count);
    return answer->failed ? 0 : count;
}

/* Before it is closed, a connection says how far away the server is. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct fetch *fetch = arg;
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size > offsetof(struct tcp_info, tcpi_min_rtt) &&
        info.tcpi_rtt > 0 && info.tcpi_min_rtt < UINT32_MAX) // no reading: 0 and all ones
        fetch->rtt_ns = (int64_t)info.tcpi_min_rtt * NS_PER_US;
    return close(fd);
}

static enum fetch_got no_memory(struct err *err)
{
    err_nomem(err);
    return FETCH_NEVER;
}

static void aim(struct fetch *fetch, enum fetch_place place, const char *path)
{
    struct str base = buf_str(&fetch->url.base);
    buf_clear(&fetch->target);
    buf_add_str(&fetch->target, buf_str(&fetch->url.origin));
    if (place == FETCH_BESIDE)
        base.len = (size_t)((char *)memrchr(base.ptr, '/', base.len) - base.ptr); // url_parse: it ends with /v and a number
    buf_add_str(&fetch->target, base);
    buf_add_str(&fetch->target, str_of(path));
    buf_add_str(&fetch->target, buf_str(&fetch->url.query));
    buf_add_char(&fetch->target, '\0');
}

struct str fetch_path(const struct fetch *fetch)
{
    struct str path = str_of(fetch->target.ptr + fetch->url.origin.len);
    path.len -= fetch->url.query.len;
    return path;
}

static enum fetch_got explain_failure(const struct fetch *fetch, CURLcode code, struct err *err)
{
    long os = 0;
    struct str path = fetch_path(fetch);
    curl_easy_getinfo(fetch->curl, CURLINFO_OS_ERRNO, &os);
    if (code == CURLE_OUT_OF_MEMORY || fetch->answer.failed)
        return no_memory(err);
    if (code == CURLE_COULDNT_CONNECT && os != 0)
        err_set(err, ERR_NET, "%s", strerror((int)os));
    else if (code == CURLE_OPERATION_TIMEDOUT)
        err_set(err, ERR_TIMEOUT, "%.*s: no answer in time", STR_ARG(path));
    else
        err_set(err, ERR_NET, "%.*s: %s", STR_ARG(path), curl_easy_strerror(code));
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ? FETCH_NEVER : FETCH_FAILED;
}

/* Has the request that is set up done, and waits for the network and the stops at once. Not FETCH_STOPPED: *code says
 * what came of it. */
static enum fetch_got perform(struct fetch *fetch, const struct fetch_request *request, CURLcode *code)
{
    struct curl_waitfd stops[FETCH_STOPS_MAX];
    bool stopped = false;
    int running = 1, left;
    for (size_t i = 0; i < request->stop_count; i++)
        stops[i] = (struct curl_waitfd){.fd = request->stops[i], .events = CURL_WAIT_POLLIN};
    *code = CURLE_OUT_OF_MEMORY; // what curl_multi_* fails of
    CURLMcode state = curl_multi_add_handle(fetch->multi, fetch->curl);
    while (state == CURLM_OK && !stopped) {
        state = curl_multi_perform(fetch->multi, &running);
        if (state != CURLM_OK || running == 0)
            break;
        state = curl_multi_poll(fetch->multi, stops, (unsigned)request->stop_count, (int)(LOOK_NS / NS_PER_MS), NULL);
        for (size_t i = 0; i < request->stop_count && state == CURLM_OK; i++)
            stopped = stopped || stops[i].revents != 0;
    }
    const CURLMsg *done = curl_multi_info_read(fetch->multi, &left);
    if (done)
        *code = done->data.result;
    curl_multi_remove_handle(fetch->multi, fetch->curl);
    return stopped ? FETCH_STOPPED : FETCH_ANSWERED;
}

/* What the last request set is set again. */
static void set_request(CURL *curl, const struct fetch_request *request)
{
    int64_t timeout_ns = request->timeout_ns;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ns < NS_PER_MS ? 1L : (long)(timeout_ns / NS_PER_MS));
    if (request->method == FETCH_POST) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.ptr ? request->body.ptr : "");
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
}

enum fetch_got fetch_do(struct fetch *fetch, const struct fetch_request *request, struct err *err)
{
    CURLcode code;
    aim(fetch, request->place, request->path);
    buf_clear(&fetch->answer);
    fetch->rtt_ns = -1;
    if (fetch->target.failed || curl_easy_setopt(fetch->curl, CURLOPT_URL, fetch->target.ptr) != CURLE_OK)
        return no_memory(err);
    set_request(fetch->curl, request);
    if (perform(fetch, request, &code) == FETCH_STOPPED)
        return FETCH_STOPPED;
    if (code != CURLE_OK) {
        enum fetch_got got = explain_failure(fetch, code, err);
        str_conceal(str_of(err->msg), str_of(fetch->key));
        return got;
    }
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &fetch->status);
    return FETCH_ANSWERED;
}

/* Adds each line of the text, which ends in CRLF. */
static int add_headers(struct fetch *fetch, struct str lines, struct err *err)
{
    while (lines.len > 0) {
        size_t len = (size_t)((const char *)memchr(lines.ptr, '\r', lines.len) - lines.ptr);
        char *line = strndup(lines.ptr, len);
        struct curl_slist *longer = line ? curl_slist_append(fetch->headers, line) : NULL;
        free(line);
        if (!longer)
            return err_nomem(err);
        fetch->headers = longer;
        lines = (struct str){lines.ptr + len + 2, lines.len - len - 2};
    }
    return 0;
}

/* The user's, and what else is wanted. */
static int make_headers(struct fetch *fetch, const struct fetch_options *options, struct err *err)
{
    struct buf lines = {0};
    struct str key = str_trim(str_of(fetch->key));
    buf_add_str(&lines, options->headers);
    if (!header_has(options->headers, "Content-Type"))
        buf_add_str(&lines, STR("Content-Type: application/json\r\n"));
    if (!header_has(options->headers, "Expect"))
        buf_add_str(&lines, STR("Expect:\r\n")); // else libcurl waits for leave to send a long body
    int rc = header_add_authorization(&lines, key, buf_str(&fetch->url.authority), err);
    if (rc == 0)
        rc = add_headers(fetch, buf_str(&lines), err);
    buf_release(&lines);
    return rc;
}

void fetch_set_connection(void *curl)
{
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_NS / NS_PER_MS));
}

static void set_options(struct fetch *fetch, const struct fetch_options *options)
{
    CURL *curl = fetch->curl;
    fetch_set_connection(curl);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, options->insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fetch->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &fetch->answer);
    if (options->connections == FETCH_FRESH) {
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, fetch);
    }
}

int fetch_init(struct fetch *fetch, const struct fetch_options *options, struct err *err)
{
    *fetch = (struct fetch){.key = options->key ? options->key : "", .rtt_ns = -1};
    if (url_parse(&fetch->url, options->url, err) < 0)
        return err_prefix(err, "the server's URL: ");
    if (options->cacert && access(options->cacert, R_OK) < 0)
        return err_errno(err, "%s", options->cacert);
    if (!(fetch->multi = curl_multi_init()) || !(fetch->curl = curl_easy_init()))
        return err_nomem(err);
    if (make_headers(fetch, options, err) < 0)
        return -1;
    set_options(fetch, options);
    if (options->cacert && curl_easy_setopt(fetch->curl, CURLOPT_CAINFO, options->cacert) != CURLE_OK)
        return err_nomem(err);
    return 0;
}

void fetch_release(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->curl);
    curl_multi_cleanup(fetch->multi);
    curl_slist_free_all(fetch->headers);
    url_release(&fetch->url);
    buf_release(&fetch->target);
    buf_release(&fetch->answer);
}
