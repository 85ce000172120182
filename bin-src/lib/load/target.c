/* load/target.c: see target.h */
#include "load/target.h"

#include "net/header.h"

#include <stdlib.h>

int targets_init(struct targets *targets, const char *const *urls, size_t count, const char *usual, struct err *err)
{
    *targets = (struct targets){.count = count > 0 ? count : 1};
    targets->each = calloc(targets->count, sizeof *targets->each);
    if (!targets->each)
        return err_nomem(err);
    for (size_t i = 0; i < targets->count; i++)
        if (url_parse(&targets->each[i].url, count > 0 && *urls[i] ? urls[i] : usual, err) < 0)
            return -1;
    return 0;
}

int targets_add_headers(struct targets *targets, struct str headers, struct str key, struct err *err)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct target *target = &targets->each[i];
        buf_add_str(&target->headers, headers);
        if (header_add_authorization(&target->headers, key, buf_str(&target->url.authority), err) < 0)
            return -1;
        if (target->headers.failed)
            return err_nomem(err);
    }
    return 0;
}

void targets_release(struct targets *targets)
{
    for (size_t i = 0; targets->each && i < targets->count; i++) {
        url_release(&targets->each[i].url);
        buf_release(&targets->each[i].headers);
    }
    free(targets->each);
    *targets = (struct targets){0};
}

bool target_holds_key(const struct target *target)
{
    return target->url.authority.len + target->url.query.len > 0;
}
