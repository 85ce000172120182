/*
 * net/fetch.h: one request at a time to a server's API, or beside it
 *
 *     struct fetch fetch;
 *     if (fetch_init(&fetch, &(struct fetch_options){.url = "http://127.0.0.1:8000/v1"}, &err) < 0) ...
 *     struct fetch_request request = {.place = FETCH_BESIDE, .path = "/metrics", .timeout_ns = 5 * NS_PER_S};
 *     if (fetch_do(&fetch, &request, &err) == FETCH_ANSWERED && fetch.status == 200)
 *         ... fetch.answer
 *     fetch_release(&fetch);
 *
 * For questions, not for load: by libcurl, blocking. It reads no proxy from the environment. Messages hold no key, and no
 * user of a URL.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "net/url.h"

#include <stdint.h>

#define FETCH_STOPS_MAX 4

enum fetch_connections {
    FETCH_KEPT,  // a connection serves as many requests as it lives for
    FETCH_FRESH, // each request has its own, whose round trip is known (rtt_ns)
};

struct fetch_options {
    const char *url;     // of the server, with or without /v1 (net/url.h)
    const char *key;     // sent as a bearer token; NULL: none
    struct str headers;  // more of them, each with CRLF (net/header.h)
    const char *cacert;  // certificates to trust; NULL: the system's
    bool insecure;       // any certificate will do
    enum fetch_connections connections;
};

/* Members are for reading. */
struct fetch {
    struct url url;
    struct buf target;   // URL of the last request, zero-terminated
    struct buf answer;   // the body that came last
    long status;         // of it
    int64_t rtt_ns;      // the least round trip that the kernel saw on the connection; below 0: not known
    const char *key;     // the caller's
    void *multi, *curl, *headers; // libcurl's
};

/* Where a request goes: below the base URL (/v1), or beside that. */
enum fetch_place { FETCH_API, FETCH_BESIDE };
enum fetch_method { FETCH_GET, FETCH_POST };

struct fetch_request {
    enum fetch_place place;
    const char *path;
    enum fetch_method method;
    struct str body;     // of a POST: JSON, or empty
    int64_t timeout_ns;
    int stops[FETCH_STOPS_MAX]; // file descriptors; when one is readable, the request is given up
    size_t stop_count;
};

enum fetch_got {
    FETCH_ANSWERED,
    FETCH_FAILED,  // err says why (ERR_TIMEOUT: no answer in time; else ERR_NET); another try may do better
    FETCH_NEVER,   // likewise, but it will not: a certificate that is not trusted, no memory (ERR_NOMEM)
    FETCH_STOPPED,
};

/* options may go when it returns, all but the key. Release it in either case. */
int fetch_init(struct fetch *fetch, const struct fetch_options *options, struct err *err);
void fetch_release(struct fetch *fetch);

enum fetch_got fetch_do(struct fetch *fetch, const struct fetch_request *request, struct err *err);

/* "/v1/models": the path that the last request went to. */
struct str fetch_path(const struct fetch *fetch);

/* How a handle of libcurl (a CURL *) connects, here and where more is wanted of it than a fetch. */
void fetch_set_connection(void *curl);

#endif
