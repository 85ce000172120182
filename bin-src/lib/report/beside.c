/* report/beside.c: see beside.h */
#include "report/beside.h"

#include "jsonl/jsonl.h"

/* Gives each object of the file to take; tells what is none, and what take does not want. */
static int read_lines(struct beside *beside, const char *path, int (*take)(struct beside *, struct jval, struct err *), struct err *err)
{
    char *paths[] = {(char *)path, NULL};
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_FAILED;
    struct jsonl_reader *in = jsonl_open(paths, err);
    if (!in)
        return -1;
    while ((got = jsonl_next(in, &rec, err)) == JSONL_RECORD || got == JSONL_BAD) {
        if (got == JSONL_RECORD && take(beside, rec->root, err) == 0)
            continue;
        if (err->kind == ERR_NOMEM)
            break;
        beside->tell(jsonl_where(in), err->msg);
    }
    jsonl_close(in);
    return got == JSONL_END ? 0 : -1;
}

static int take_price(struct beside *beside, struct jval object, struct err *err)
{
    return prices_add(&beside->prices, object, err);
}

static int take_sample(struct beside *beside, struct jval sample, struct err *err)
{
    return watched_add_sample(beside->watched, sample, err);
}

/* From the first line; what is wrong with it is told when all are read. */
static int find_server(struct beside *beside, struct err *err)
{
    char *paths[] = {(char *)beside->watch_path, NULL};
    struct jsonl_record *rec;
    struct jsonl_reader *in = jsonl_open(paths, err);
    if (!in)
        return -1;
    enum jsonl_got got = jsonl_next(in, &rec, err);
    int rc = got == JSONL_FAILED ? -1 : got == JSONL_RECORD ? watched_of(beside->watched, rec->root, err) : 0;
    jsonl_close(in);
    return rc;
}

int beside_open(struct beside *beside, struct err *err)
{
    if (beside->watch_path && !(beside->watched = watched_new(beside->profile)))
        return err_nomem(err);
    if (beside->watch_path && find_server(beside, err) < 0)
        return -1;
    return beside->price_path ? read_lines(beside, beside->price_path, take_price, err) : 0;
}

void beside_release(struct beside *beside)
{
    watched_free(beside->watched);
    prices_release(&beside->prices);
    beside->watched = NULL;
}

int beside_add(struct beside *beside, struct jval record, const struct measured *request, struct err *err)
{
    if (beside->price_path)
        prices_charge(&beside->prices, record, request);
    return beside->watched ? watched_add_request(beside->watched, record, request, err) : 0;
}

int beside_finish(struct beside *beside, struct err *err)
{
    if (!beside->watched)
        return 0;
    return read_lines(beside, beside->watch_path, take_sample, err) < 0 ? -1 : watched_finish(beside->watched, err);
}

void beside_write_json(const struct beside *beside, const struct summary *summary, struct buf *out)
{
    if (beside->watched)
        watched_write_json(beside->watched, out);
    if (beside->price_path)
        prices_write_json(&beside->prices, summary, out);
}

void beside_write_table(const struct beside *beside, const struct summary *summary, enum grid_style style, struct buf *out)
{
    if (beside->watched)
        watched_write_table(beside->watched, style, out);
    if (beside->price_path)
        prices_write_table(&beside->prices, summary, style, out);
}
