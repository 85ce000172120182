/*
 * load/target.h: the servers that requests go to
 *
 *     struct targets targets;
 *     if (targets_init(&targets, urls, url_count, "http://127.0.0.1:8000/v1", &err) < 0) ...   // which URL, and what is wrong
 *     if (targets_add_headers(&targets, headers, key, &err) < 0) ...
 *     targets_release(&targets);
 */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "net/url.h"

struct target {
    struct url url;
    struct buf headers; // the user's and the key's: lines of HTTP, each with CRLF
};

struct targets {
    struct target *each;
    size_t count; // at least 1
};

/* usual: taken where there is no URL, or an empty one. */
int targets_init(struct targets *targets, const char *const *urls, size_t count, const char *usual, struct err *err);
/* headers: the user's, alike for all; key: empty where there is none, and then a URL's user stands for it. */
int targets_add_headers(struct targets *targets, struct str headers, struct str key, struct err *err);
void targets_release(struct targets *targets);

/* Does the URL hold what may be a key? */
bool target_holds_key(const struct target *target);

#endif
