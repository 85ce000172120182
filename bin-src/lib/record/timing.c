/* record/timing.c: see timing.h */
#include "record/timing.h"

#include "base/json.h"

#include <stdlib.h>

const char *const timing_clocks[TIMING_CLOCK_COUNT] = {
    [TIMING_CLOCK_PACKET] = "packet",
    [TIMING_CLOCK_KERNEL] = "kernel",
    [TIMING_CLOCK_TLS] = "tls",
    [TIMING_CLOCK_READ] = "read",
};

/* The members that are one number each, in the order they are written. */
static const struct {
    const char *name;
    size_t offset;
} times[] = {
    {"due_ns", offsetof(struct timing, due_ns)},
    {"syn_ns", offsetof(struct timing, syn_ns)},         {"sent_ns", offsetof(struct timing, sent_ns)},
    {"connected_ns", offsetof(struct timing, connected_ns)}, {"headers_ns", offsetof(struct timing, headers_ns)},
    {"first_ns", offsetof(struct timing, first_ns)},     {"last_ns", offsetof(struct timing, last_ns)},
    {"end_ns", offsetof(struct timing, end_ns)},         {"late", offsetof(struct timing, late)},
    {"read_lag_ns", offsetof(struct timing, read_lag_ns)},
};
enum { BEFORE_CHUNKS = 8 };

static int64_t *slot(const struct timing *timing, size_t i)
{
    return (int64_t *)((char *)timing + times[i].offset);
}

struct timing timing_none(void)
{
    struct timing timing = {.clock = TIMING_CLOCK_COUNT, .cpu = -1};
    for (size_t i = 0; i < COUNT(times); i++)
        *slot(&timing, i) = TIMING_NEVER;
    return timing;
}

static void write_times(const struct timing *timing, size_t from, size_t to, struct buf *out)
{
    for (size_t i = from; i < to; i++)
        if (*slot(timing, i) != TIMING_NEVER)
            json_key(out, times[i].name), json_int(out, *slot(timing, i));
}

static void write_attempts(const struct timing *timing, struct buf *out)
{
    json_key(out, "attempts"), json_array(out);
    for (size_t i = 0; i < timing->attempt_count; i++) {
        const struct timing_attempt *attempt = &timing->attempts[i];
        json_object(out);
        json_key(out, "sent_ns"), json_int(out, attempt->sent_ns);
        json_key(out, "end_ns"), json_int(out, attempt->end_ns);
        json_key(out, "kind"), json_cstr(out, attempt->kind);
        if (attempt->status > 0)
            json_key(out, "status"), json_int(out, attempt->status);
        json_object_end(out);
    }
    json_array_end(out);
}

void timing_write(const struct timing *timing, struct buf *out)
{
    json_object(out);
    json_key(out, "start"), json_str(out, timing->start);
    if (timing->start_ns != TIMING_NEVER)
        json_key(out, "start_ns"), json_int(out, timing->start_ns);
    json_key(out, "load"), json_raw(out, timing->load);
    write_times(timing, 0, BEFORE_CHUNKS, out);
    if (timing->chunks_ns) {
        json_key(out, "chunks_ns"), json_array(out);
        for (size_t i = 0; i < timing->chunk_count; i++)
            json_int(out, timing->chunks_ns[i]);
        json_array_end(out);
    }
    if (timing->attempt_count > 0)
        write_attempts(timing, out);
    if (timing->clock < TIMING_CLOCK_COUNT)
        json_key(out, "clock"), json_cstr(out, timing_clocks[timing->clock]);
    write_times(timing, BEFORE_CHUNKS, COUNT(times), out);
    if (timing->cpu >= 0)
        json_key(out, "cpu"), json_double(out, timing->cpu);
    if (timing->warmup)
        json_key(out, "warmup"), json_bool(out, true);
    if (timing->partial)
        json_key(out, "partial"), json_bool(out, true);
    json_object_end(out);
}

static int read_chunks(struct jval value, struct timing *timing, int64_t **chunks, size_t *room, struct err *err)
{
    long count = jval_ints(value, *chunks, *room);
    if (count < 0)
        return err_set(err, ERR_PARSE, "timing.chunks_ns: not an array of whole numbers");
    if ((size_t)count > *room || !*chunks) {
        size_t more = (size_t)count + (size_t)count / 2 + 64;
        int64_t *grown = realloc(*chunks, more * sizeof *grown);
        if (!grown)
            return err_nomem(err);
        *chunks = grown;
        *room = more;
        jval_ints(value, *chunks, *room);
    }
    timing->chunks_ns = *chunks;
    timing->chunk_count = (size_t)count;
    return 0;
}

static int read_member(struct str name, struct jval value, struct timing *timing, struct err *err)
{
    struct str text;
    for (size_t i = 0; i < COUNT(times); i++)
        if (str_is(name, times[i].name))
            return jval_int(value, slot(timing, i)) ? 0 : err_set(err, ERR_PARSE, "timing.%s: not a whole number", times[i].name);
    if (str_is(name, "start"))
        return jval_str(value, &timing->start) ? 0 : err_set(err, ERR_PARSE, "timing.start: not a string");
    if (str_is(name, "start_ns"))
        return jval_int(value, &timing->start_ns) ? 0 : err_set(err, ERR_PARSE, "timing.start_ns: not a whole number");
    if (str_is(name, "cpu"))
        return jval_double(value, &timing->cpu) ? 0 : err_set(err, ERR_PARSE, "timing.cpu: not a number");
    if (str_is(name, "warmup"))
        return jval_bool(value, &timing->warmup) ? 0 : err_set(err, ERR_PARSE, "timing.warmup: neither true nor false");
    if (str_is(name, "partial"))
        return jval_bool(value, &timing->partial) ? 0 : err_set(err, ERR_PARSE, "timing.partial: neither true nor false");
    if (str_is(name, "clock")) {
        if (jval_str(value, &text))
            for (int i = 0; i < TIMING_CLOCK_COUNT; i++)
                if (str_is(text, timing_clocks[i]))
                    timing->clock = (enum timing_clock)i;
        return timing->clock < TIMING_CLOCK_COUNT ? 0 : err_set(err, ERR_PARSE, "timing.clock: none of packet, kernel, tls, read");
    }
    return 0; // of others nothing is asked
}

int timing_read(struct jval record, struct timing *timing, int64_t **chunks, size_t *room, struct err *err)
{
    struct jval object, value;
    struct str name;
    *timing = timing_none();
    if (!jval_member(record, "timing", &object) || jval_type(object) != JTYPE_OBJECT)
        return err_set(err, ERR_MISSING, "has no \"timing\" (lm-send makes it)");
    for (struct jiter iter = jval_items(object); jiter_next(&iter, &name, &value);)
        if ((str_is(name, "chunks_ns") ? read_chunks(value, timing, chunks, room, err) : read_member(name, value, timing, err)) < 0)
            return -1;
    return 0;
}
