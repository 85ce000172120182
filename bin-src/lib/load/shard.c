/* load/shard.c: see shard.h */
#include "load/shard.h"

#include "base/num.h"

int shard_parse(struct str text, struct shard *shard, struct err *err)
{
    const char *slash = memchr(text.ptr, '/', text.len);
    if (!slash)
        return err_set(err, ERR_PARSE, "\"%.*s\" is not a shard, as 2/3 is: the second of three",
                       text.len < 40 ? (int)text.len : 40, text.ptr);
    struct str number = {text.ptr, (size_t)(slash - text.ptr)}, count = {slash + 1, text.len - number.len - 1};
    if (num_int(count, 1, SHARDS_MAX, &shard->count, err) < 0)
        return -1;
    return num_int(number, 1, shard->count, &shard->number, err);
}

bool shard_has(const struct shard *shard, int64_t place)
{
    return shard->count == 0 || place % shard->count == shard->number - 1;
}
