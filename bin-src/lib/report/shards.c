/* report/shards.c: see shards.h */
#include "report/shards.h"

#include "base/json.h"
#include "base/num.h"

#define MOST_SHARDS 65536

/* "2/3". */
static bool read_shard(struct jval load, int64_t *number, int64_t *count)
{
    struct str text;
    struct err ignored;
    const char *slash;
    if (!jval_str_at(load, "/shard", &text) || !(slash = memchr(text.ptr, '/', text.len)))
        return false;
    struct str first = {text.ptr, (size_t)(slash - text.ptr)}, second = {slash + 1, text.len - first.len - 1};
    return num_int(second, 1, MOST_SHARDS, count, &ignored) == 0 && num_int(first, 1, *count, number, &ignored) == 0;
}

int shards_note(struct shards *shards, struct jval load, struct err *err)
{
    int64_t number, count;
    if (!read_shard(load, &number, &count))
        return 0;
    if (count > shards->count) {
        size_t more = (size_t)(count - shards->count);
        if (!buf_reserve(&shards->marks, more))
            return err_nomem(err);
        memset(shards->marks.ptr + shards->marks.len, 0, more);
        shards->marks.len += more;
        shards->count = count;
    }
    shards->there += !shards->marks.ptr[number - 1];
    shards->marks.ptr[number - 1] = 1;
    return 0;
}

void shards_write_load(struct jval load, struct buf *out)
{
    struct str name;
    struct jval value;
    if (jval_type(load) != JTYPE_OBJECT) {
        jval_write(load, out);
        return;
    }
    json_object(out);
    for (struct jiter iter = jval_items(load); jiter_next(&iter, &name, &value);)
        if (!str_is(name, "shard"))
            json_key_str(out, name), jval_write(value, out);
    json_object_end(out);
}

void shards_release(struct shards *shards)
{
    buf_release(&shards->marks);
}
