/*
 * net/header.h: headers that a user adds to requests
 *
 *     struct buf headers = {0};
 *     if (header_add(&headers, "X-Team: blue", &err) < 0 || header_add(&headers, "@more-headers.txt", &err) < 0) ...
 */
#ifndef NET_HEADER_H
#define NET_HEADER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"

/* Adds "Name: value", or each line of @FILE, with CRLF behind. ERR_PARSE: no header, one that would smuggle in another, or
 * one that says how long the body is. */
int header_add(struct buf *out, const char *given, struct err *err);
/* All that an option was given, each blotted out on the command line: it may be a key. */
int header_add_all(struct buf *out, const struct opt_list *given, struct err *err);
/* Adds "Authorization: Bearer KEY", or without a key what the URL gives (net/url.h), unless there is such a header. */
int header_add_authorization(struct buf *out, struct str key, struct str authority, struct err *err);

/* Is there a header of that name? */
bool header_has(struct str headers, const char *name);

#endif
