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

/* Adds "Name: value", or each line of @FILE, with CRLF behind. ERR_PARSE: no header, or one that would smuggle in another. */
int header_add(struct buf *out, const char *given, struct err *err);

#endif
