/*
 * synth/arrivals.c: appends "at_ns" to records, when lm-send is to send them
 *
 * A session's later turns are sent when the turn before was answered: they take no arrival, and pass as they came.
 */
#include "base/json.h"
#include "jsonl/jsonl.h"
#include "record/own.h"
#include "synth/synth.h"

#include <stdlib.h>
#include <string.h>

static bool is_later_turn(const struct jsonl_record *rec)
{
    int64_t turn;
    return jval_int_at(rec->root, "/session/turn", &turn) && turn > 0;
}

/* Appends at_ns and writes the record, which goes out as it came where it cannot have it. */
static int place(const struct synth_options *options, struct jsonl_record *rec, int64_t at_ns, const char *where, struct err *err)
{
    static const char *const own[] = {"at_ns", NULL};
    struct own_place there;
    struct err why;
    if (own_claim(rec, own, options->own_flags, &there, &why) == 0) {
        own_cut(rec, &there);
        json_int(jsonl_append(rec, "at_ns"), at_ns);
    } else
        options->report(where, &why);
    return jsonl_write(rec, err);
}

/* The next record, at most -n of them; what is none is reported. 1, 0 at the end, -1. */
static int next(const struct synth_options *options, struct jsonl_reader *in, int64_t *taken, struct jsonl_record **rec, struct err *err)
{
    enum jsonl_got got;
    while ((options->count == 0 || *taken < options->count) && (got = jsonl_next(in, rec, err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            return -1;
        if (got == JSONL_RECORD) {
            ++*taken;
            return 1;
        }
        options->report(jsonl_where(in), err);
    }
    return 0;
}

static int stream(const struct synth_options *options, struct jsonl_reader *in, struct err *err)
{
    struct arrivals arrivals;
    struct jsonl_record *rec;
    int64_t taken = 0;
    int more, rc = arrivals_init(&arrivals, &options->plan, err) < 0 ? err_prefix(err, "--rate: ") : 0;
    while (rc == 0 && (more = next(options, in, &taken, &rec, err)) != 0)
        if (more < 0)
            rc = -1;
        else if (is_later_turn(rec))
            rc = jsonl_write(rec, err);
        else
            rc = place(options, rec, arrivals_next_ns(&arrivals), jsonl_where(in), err);
    return rc;
}

/* The records of an input, to be gone through again: where the whole is stretched, how many there are must be known first. */
struct held {
    struct buf lines, lengths, wheres; // a size_t each; a string each, for messages
    size_t first_turns;
};

static int hold(const struct synth_options *options, struct jsonl_reader *in, struct held *held, struct err *err)
{
    struct jsonl_record *rec;
    int64_t taken = 0;
    int more;
    while ((more = next(options, in, &taken, &rec, err)) > 0) {
        buf_add_str(&held->lines, rec->line);
        buf_add(&held->lengths, &rec->line.len, sizeof rec->line.len);
        buf_add(&held->wheres, jsonl_where(in), strlen(jsonl_where(in)) + 1);
        held->first_turns += !is_later_turn(rec);
    }
    if (more == 0 && (!buf_reserve(&held->lines, JDOC_PADDING) || held->lines.failed || held->lengths.failed || held->wheres.failed))
        return err_nomem(err);
    return more;
}

static int place_held(const struct synth_options *options, const struct held *held, const int64_t *at_ns, struct err *err)
{
    struct jsonl_record rec = {0};
    struct jdoc *doc = jdoc_new();
    int rc = doc ? 0 : err_nomem(err);
    size_t at = 0, len;
    const char *where = held->wheres.ptr;
    for (size_t i = 0; rc == 0 && i < held->lengths.len / sizeof len; i++, at += len, where += strlen(where) + 1) {
        memcpy(&len, held->lengths.ptr + i * sizeof len, sizeof len);
        rc = jsonl_parse(doc, (struct str){held->lines.ptr + at, len}, &rec, err);
        if (rc == 0)
            rc = is_later_turn(&rec) ? jsonl_write(&rec, err) : place(options, &rec, *at_ns++, where, err);
    }
    buf_release(&rec.added);
    jdoc_free(doc);
    return rc;
}

static int stretch(const struct synth_options *options, struct jsonl_reader *in, struct err *err)
{
    struct held held = {0};
    int64_t *at_ns = NULL;
    int rc = hold(options, in, &held, err);
    if (rc == 0 && !(at_ns = calloc(held.first_turns + 1, sizeof *at_ns)))
        rc = err_nomem(err);
    if (rc == 0)
        rc = arrivals_exact_span(&options->plan, held.first_turns, at_ns, err) < 0 ? err_prefix(err, "--exact-span: ") : 0;
    if (rc == 0)
        rc = place_held(options, &held, at_ns, err);
    buf_release(&held.lines);
    buf_release(&held.lengths);
    buf_release(&held.wheres);
    free(at_ns);
    return rc;
}

int synth_arrivals(const struct synth_options *options, struct err *err)
{
    struct jsonl_reader *in = jsonl_open(options->paths, err);
    int rc = in ? (options->exact_span ? stretch : stream)(options, in, err) : -1;
    jsonl_close(in);
    return rc;
}
