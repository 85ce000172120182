/*
 * net/url.h: a server's base URL, taken apart
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/buf.h"
#include "base/err.h"

struct url {
    struct buf origin;    // "https://host:8443": what to connect to
    struct buf host;      // "host:8443", as the Host field has it
    struct buf base;      // "/v1": the path without a final slash; "" for none
    struct buf query;     // "?api-version=1", or ""
    struct buf shown;     // what may stand in a record: no user, no query
    struct buf authority; // "Basic dXNlcjpwdw==" where the URL had a user, else ""
    bool tls;
};

/*
 * Takes "http://host:8000/v1" or without the "/v1"; http:// is added where there is no scheme. The API's paths are
 * below base, which ends with /v1 (unless some other /vN stands there); /health and the like are beside it. What names
 * an endpoint below /vN (/v1/chat/completions, /v1/models) is cut.
 */
int url_parse(struct url *url, const char *text, struct err *err);
void url_release(struct url *url);

#endif
