/*
 * record/check.c: see check.h
 *
 * First the tables: what each member must be. Then the code that holds a value against its shape, then what members
 * say of each other, which no table has.
 */
#include "record/check.h"

#include "base/clock.h"
#include "base/num.h"
#include "record/response.h"
#include "record/timing.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum kind {
    ANY,
    STRING,
    NAME, // a string that is not empty
    WORD, // one of words
    UTC,  // 2026-11-24T07:43:00.123456789Z
    BOOLEAN,
    WHOLE,   // an integer
    NATURAL, // an integer, 0 or more
    NUMBER,
    AMOUNT, // a number, 0 or more
    SHARD,  // "2/3"
    TIMES,  // an array of NATURAL, none less than the one before
    ARRAY,  // of items
    OBJECT, // with members
    TEXT_OR_ARRAY,
    TEXT_ARRAY_OR_NULL,
    EACH_OR_ONE, // an object of items' members, or an array of such
};

struct shape {
    enum kind kind;
    const char *const *words;     // WORD: ends with NULL
    size_t word_count;            // else so many, of which some may be NULL
    const struct member *members; // OBJECT: ends with a NULL name
    const struct shape *items;
    size_t count; // ARRAY: just so many; 0: any
    bool or_null;
};

enum { MUST = 1 };
struct member {
    const char *name;
    size_t len;
    struct shape shape;
    unsigned flags;
};

// clang-format off
#define MEMBER(name_, ...) {.name = name_, .len = sizeof(name_) - 1, .shape = {__VA_ARGS__}}
#define NEEDED(name_, ...) {.name = name_, .len = sizeof(name_) - 1, .shape = {__VA_ARGS__}, .flags = MUST}
#define WORDS(...) .kind = WORD, .words = (const char *const[]){__VA_ARGS__, NULL}
#define LAST {.name = NULL}
// clang-format on

static const struct shape string = {.kind = STRING}, number = {.kind = NUMBER}, natural = {.kind = NATURAL}, object = {.kind = OBJECT};

/* ---- request, session ---- */

static const struct member message_members[] = {NEEDED("role", NAME), MEMBER("content", TEXT_ARRAY_OR_NULL), LAST};
static const struct shape message = {.kind = OBJECT, .members = message_members};
static const struct member request_members[] = {
    MEMBER("model", STRING),
    MEMBER("messages", ARRAY, .items = &message),
    MEMBER("prompt", TEXT_OR_ARRAY),
    MEMBER("input", TEXT_OR_ARRAY),
    MEMBER("stream", BOOLEAN, .or_null = true),
    MEMBER("stream_options", OBJECT, .or_null = true),
    LAST,
};
static const struct member session_members[] = {NEEDED("id", NAME), NEEDED("turn", NATURAL), MEMBER("think_ns", NATURAL), LAST};

/* ---- response ---- */

#define TOKEN \
    NEEDED("token", STRING), MEMBER("bytes", ARRAY, .items = &natural, .or_null = true), NEEDED("logprob", NUMBER, .or_null = true)
static const struct member top_members[] = {TOKEN, LAST};
static const struct shape top = {.kind = OBJECT, .members = top_members};
static const struct member logprob_members[] = {TOKEN, MEMBER("top", ARRAY, .items = &top), LAST};
static const struct shape logprob = {.kind = OBJECT, .members = logprob_members};
static const struct member tokens_members[] = {MEMBER("prompt", NATURAL), MEMBER("completion", NATURAL),
                                               NEEDED("source", WORDS("usage", "ids", "tokenizer")), LAST};
static const struct member error_members[] = {NEEDED("kind", WORD, .words = failure_names, .word_count = FAILURE_COUNT),
                                              MEMBER("message", STRING), LAST};
static const struct member batch_members[] = {NEEDED("id", ANY), NEEDED("index", NATURAL), NEEDED("size", NATURAL), LAST};
static const struct member response_members[] = {
    MEMBER("text", STRING),
    MEMBER("reasoning", STRING),
    MEMBER("tool_calls", ARRAY, .items = &object),
    MEMBER("finish_reason", STRING, .or_null = true),
    MEMBER("status", NATURAL),
    MEMBER("model", STRING),
    MEMBER("asked_model", STRING),
    MEMBER("url", STRING),
    MEMBER("usage", OBJECT, .or_null = true),
    MEMBER("tokens", OBJECT, .members = tokens_members),
    MEMBER("logprobs", ARRAY, .items = &logprob),
    MEMBER("embedding", ARRAY, .items = &number),
    MEMBER("batch", OBJECT, .members = batch_members),
    MEMBER("cancelled", BOOLEAN),
    MEMBER("error", OBJECT, .members = error_members),
    LAST,
};

/* ---- timing ---- */

static const struct member cancel_members[] = {NEEDED("share", AMOUNT), MEMBER("chunks", NATURAL), MEMBER("after", STRING), LAST};
static const struct member model_members[] = {NEEDED("name", STRING), MEMBER("weight", AMOUNT), LAST};
static const struct shape model = {.kind = OBJECT, .members = model_members};
static const struct member load_members[] = {
    NEEDED("mode", WORDS("open", "closed", "at", "tap")),
    MEMBER("concurrency", NATURAL),
    MEMBER("rate_rps", AMOUNT),
    MEMBER("arrivals", STRING),
    MEMBER("burstiness", AMOUNT),
    MEMBER("think_ns", NATURAL),
    MEMBER("speed", AMOUNT),
    MEMBER("seed", WHOLE),
    MEMBER("shard", SHARD),
    MEMBER("urls", ARRAY, .items = &string),
    MEMBER("batch", NATURAL),
    MEMBER("cancel", OBJECT, .members = cancel_members),
    MEMBER("models", ARRAY, .items = &model),
    MEMBER("set", OBJECT),
    MEMBER("interface", STRING),
    MEMBER("file", STRING),
    MEMBER("ports", ARRAY, .items = &natural),
    LAST,
};
static const struct member attempt_members[] = {NEEDED("sent_ns", NATURAL), NEEDED("end_ns", NATURAL),
                                                NEEDED("kind", WORD, .words = failure_names, .word_count = FAILURE_COUNT),
                                                MEMBER("status", NATURAL), LAST};
static const struct shape attempt = {.kind = OBJECT, .members = attempt_members};
static const struct member timing_members[] = {
    NEEDED("start", UTC),
    MEMBER("start_ns", NATURAL),
    MEMBER("load", OBJECT, .members = load_members),
    MEMBER("due_ns", NATURAL),
    MEMBER("syn_ns", NATURAL),
    MEMBER("sent_ns", NATURAL),
    MEMBER("connected_ns", NATURAL),
    MEMBER("headers_ns", NATURAL),
    MEMBER("first_ns", NATURAL),
    MEMBER("last_ns", NATURAL),
    MEMBER("end_ns", NATURAL),
    MEMBER("chunks_ns", TIMES),
    MEMBER("attempts", ARRAY, .items = &attempt),
    MEMBER("clock", WORD, .words = timing_clocks, .word_count = TIMING_CLOCK_COUNT),
    MEMBER("late", NATURAL),
    MEMBER("read_lag_ns", NATURAL),
    MEMBER("cpu", AMOUNT),
    MEMBER("warmup", BOOLEAN),
    MEMBER("partial", BOOLEAN),
    LAST,
};

/* ---- answer, run, score, route ---- */

#define ANSWER \
    MEMBER("value", STRING), MEMBER("unscorable", STRING), MEMBER("how", STRING), MEMBER("span", ARRAY, .items = &natural, .count = 2)
static const struct member other_members[] = {ANSWER, LAST};
static const struct shape other = {.kind = OBJECT, .members = other_members};
static const struct member answer_members[] = {ANSWER, MEMBER("others", ARRAY, .items = &other), LAST};
static const struct member run_members[] = {NEEDED("verdict", WORDS("passed", "failed", "timeout", "killed", "sandbox-error")),
                                            MEMBER("wall_ms", AMOUNT), LAST};
static const struct member score_members[] = {MEMBER("correct", BOOLEAN),
                                              NEEDED("verdict", WORDS("correct", "wrong", "unscorable", "failed", "ungraded")),
                                              MEMBER("reason", STRING), LAST};
static const struct member route_members[] = {MEMBER("policy", STRING),     MEMBER("model", STRING),       MEMBER("confidence", NUMBER),
                                              MEMBER("escalated", BOOLEAN), MEMBER("probability", AMOUNT), LAST};

/* The members whose form is the same in all tasks. */
enum top_member {
    TOP_ID,
    TOP_TASK,
    TOP_META,
    TOP_API,
    TOP_REQUEST,
    TOP_AT_NS,
    TOP_SESSION,
    TOP_RESPONSE,
    TOP_TIMING,
    TOP_ANSWER,
    TOP_RUN,
    TOP_SCORE,
    TOP_ROUTE,
    TOP_COUNT
};
static const struct member record_members[] = {
    [TOP_ID] = NEEDED("id", NAME),
    [TOP_TASK] = MEMBER("task", NAME),
    [TOP_META] = MEMBER("meta", OBJECT),
    [TOP_API] = MEMBER("api", WORDS("chat", "completions", "embeddings")),
    [TOP_REQUEST] = MEMBER("request", OBJECT, .members = request_members),
    [TOP_AT_NS] = MEMBER("at_ns", NATURAL),
    [TOP_SESSION] = MEMBER("session", OBJECT, .members = session_members),
    [TOP_RESPONSE] = MEMBER("response", OBJECT, .members = response_members),
    [TOP_TIMING] = MEMBER("timing", OBJECT, .members = timing_members),
    [TOP_ANSWER] = MEMBER("answer", OBJECT, .members = answer_members),
    [TOP_RUN] = MEMBER("run", OBJECT, .members = run_members),
    [TOP_SCORE] = MEMBER("score", OBJECT, .members = score_members),
    [TOP_ROUTE] = MEMBER("route", OBJECT, .members = route_members),
    [TOP_COUNT] = LAST,
};

/* ---- input and gold of the tasks ---- */

static const struct member question_members[] = {NEEDED("question", STRING), LAST};
static const struct member problem_members[] = {NEEDED("problem", STRING), LAST};
static const struct member choices_members[] = {NEEDED("question", STRING), NEEDED("choices", ARRAY, .items = &string, .count = 4),
                                                MEMBER("subject", STRING), LAST};
static const struct member squad_members[] = {NEEDED("question", STRING), NEEDED("context", STRING), MEMBER("title", STRING), LAST};
static const struct shape edge = {.kind = ARRAY, .count = 3};
static const struct member graph_members[] = {NEEDED("directed", BOOLEAN),
                                              NEEDED("nodes", ANY),
                                              NEEDED("edges", ARRAY, .items = &edge),
                                              NEEDED("source", ANY),
                                              NEEDED("target", ANY),
                                              NEEDED("prompt", STRING),
                                              LAST};
static const struct member path_members[] = {NEEDED("path", ARRAY, .or_null = true), NEEDED("weight", NUMBER, .or_null = true), LAST};
static const struct shape path = {.kind = OBJECT, .members = path_members};
static const struct member code_members[] = {MEMBER("task_id", STRING), NEEDED("prompt", STRING), NEEDED("entry_point", STRING),
                                             NEEDED("test", STRING), LAST};
static const struct member prompt_members[] = {MEMBER("prompt", STRING), MEMBER("messages", ARRAY, .items = &message),
                                               MEMBER("unit", WORDS("words", "tokens")), LAST};

static const struct {
    const char *task;
    struct member input, gold;
} tasks[] = {
    {"gsm8k", MEMBER("input", OBJECT, .members = question_members), MEMBER("gold", STRING)},
    {"math", MEMBER("input", OBJECT, .members = problem_members), MEMBER("gold", STRING)},
    {"mmlu", MEMBER("input", OBJECT, .members = choices_members), MEMBER("gold", WORDS("A", "B", "C", "D"))},
    {"squad", MEMBER("input", OBJECT, .members = squad_members), MEMBER("gold", ARRAY, .items = &string)},
    {"graph", MEMBER("input", OBJECT, .members = graph_members), MEMBER("gold", EACH_OR_ONE, .items = &path)},
    {"code", MEMBER("input", OBJECT, .members = code_members), MEMBER("gold", STRING)},
    {"chat", MEMBER("input", OBJECT, .members = prompt_members), MEMBER("gold", ANY)},
    {"trace", MEMBER("input", OBJECT, .members = prompt_members), MEMBER("gold", ANY)},
};

/* ---- a value and its shape ---- */

struct check {
    char *ids; // all of them, one after the other
    size_t ids_len, ids_cap;
    struct seen {
        uint64_t hash;
        size_t at, len; // len 0: the place is free, since no id is empty
    } * seen;
    size_t places, count;
    const struct check_report *report; // of the record at hand
    int64_t last_chunk;                // the last of its chunks_ns; below 0: it has none
};

/* Where a value stands: a member's name, or a place in an array, and what it stands in. */
struct place {
    const struct place *in;
    const char *name; // NULL: the place index
    size_t index;
};

static void add_path(struct buf *out, const struct place *place)
{
    if (place->in)
        add_path(out, place->in);
    if (place->name)
        buf_addf(out, "%s%s", out->len > 0 ? "." : "", place->name);
    else
        buf_addf(out, "[%zu]", place->index);
}

__attribute__((format(printf, 4, 5))) static void tell(struct check *check, enum check_level level, const struct place *place,
                                                       const char *fmt, ...)
{
    struct buf member = {0};
    char why[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    add_path(&member, place);
    buf_add_char(&member, '\0');
    check->report->tell(check->report->arg, level, member.failed ? "?" : member.ptr, why);
    buf_release(&member);
}

#define PROBLEM(check, place, ...) tell(check, CHECK_PROBLEM, place, __VA_ARGS__)

static void check_word(struct check *check, const struct place *place, const struct shape *shape, struct jval value)
{
    struct str text;
    char known[200] = "";
    size_t count = shape->word_count, len = 0;
    if (!jval_str(value, &text)) {
        PROBLEM(check, place, "is not a string");
        return;
    }
    while (!shape->word_count && shape->words[count])
        count++;
    for (size_t i = 0; i < count; i++)
        if (shape->words[i] && str_is(text, shape->words[i]))
            return;
    for (size_t i = 0; i < count && len < sizeof known; i++)
        if (shape->words[i])
            len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len ? ", " : "", shape->words[i]);
    PROBLEM(check, place, "\"%.*s\" is none of %s", text.len < 40 ? (int)text.len : 40, text.ptr, known);
}

static void check_times(struct check *check, const struct place *place, struct jval value)
{
    struct jval item;
    int64_t before = 0, at;
    size_t index = 0;
    if (jval_type(value) != JTYPE_ARRAY) {
        PROBLEM(check, place, "is not an array");
        return;
    }
    for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &item); index++) {
        struct place here = {place, NULL, index};
        if (!jval_int(item, &at) || at < 0) {
            PROBLEM(check, &here, "is not an integer, 0 or more");
            return; // the others will be like it
        }
        if (at < before) {
            PROBLEM(check, &here, "%" PRId64 " is less than the %" PRId64 " before it", at, before);
            return;
        }
        check->last_chunk = before = at;
    }
}

static void check_value(struct check *check, const struct place *place, const struct shape *shape, struct jval value);

static void check_array(struct check *check, const struct place *place, const struct shape *shape, struct jval value)
{
    struct jval item;
    struct place here = {place, NULL, 0};
    if (jval_type(value) != JTYPE_ARRAY) {
        PROBLEM(check, place, "is not an array");
        return;
    }
    for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &item); here.index++)
        if (shape->items)
            check_value(check, &here, shape->items, item);
    if (shape->count > 0 && here.index != shape->count)
        PROBLEM(check, place, "has %zu elements, not %zu", here.index, shape->count);
}

static const struct member *find_member(const struct member *members, struct str name)
{
    for (; members->name; members++)
        if (members->len == name.len && memcmp(members->name, name.ptr, name.len) == 0)
            return members;
    return NULL;
}

/* Bit i of the result: members[i] is there. */
static uint32_t check_members(struct check *check, const struct place *place, const struct member *members, struct jval value)
{
    uint32_t seen = 0;
    struct str name;
    struct jval inside;
    for (struct jiter iter = jval_items(value); jiter_next(&iter, &name, &inside);) {
        const struct member *member = find_member(members, name);
        if (!member)
            continue;
        seen |= (uint32_t)1 << (member - members);
        check_value(check, &(struct place){place, member->name, 0}, &member->shape, inside);
    }
    for (size_t i = 0; members[i].name; i++)
        if (members[i].flags & MUST && !(seen >> i & 1))
            PROBLEM(check, &(struct place){place, members[i].name, 0}, "is missing");
    return seen;
}

static void check_object(struct check *check, const struct place *place, const struct shape *shape, struct jval value)
{
    if (jval_type(value) != JTYPE_OBJECT)
        PROBLEM(check, place, "is not an object");
    else if (shape->members)
        check_members(check, place, shape->members, value);
}

/* "K/N", the K-th of N. */
static bool is_shard(struct str text)
{
    struct err ignored;
    int64_t place, count;
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    if (!slash)
        return false;
    struct str first = {text.ptr, (size_t)(slash - text.ptr)}, second = {slash + 1, text.len - first.len - 1};
    return num_int(second, 1, INT64_MAX, &count, &ignored) == 0 && num_int(first, 1, count, &place, &ignored) == 0;
}

/* What is wrong with a value that is one thing, or NULL. */
static const char *fault(enum kind kind, struct jval value)
{
    enum jtype type = jval_type(value);
    struct str text;
    int64_t whole;
    double any;
    bool is_text = jval_str(value, &text), is_whole = jval_int(value, &whole);
    switch (kind) {
    case STRING:
        return is_text ? NULL : "is not a string";
    case NAME:
        return !is_text ? "is not a string" : text.len == 0 ? "is empty" : NULL;
    case UTC:
        return is_text && clock_parse_utc(text, &whole) ? NULL : "is not a time such as \"2026-11-24T07:43:00.123456789Z\"";
    case SHARD:
        return is_text && is_shard(text) ? NULL : "is not a shard such as \"2/3\"";
    case BOOLEAN:
        return type == JTYPE_BOOL ? NULL : "is neither true nor false";
    case WHOLE:
        return is_whole || type == JTYPE_INT ? NULL : "is not an integer";
    case NATURAL: // jval_int fails for an integer beyond its range: one above all others
        return (is_whole ? whole >= 0 : type == JTYPE_INT) ? NULL : "is not an integer, 0 or more";
    case NUMBER:
        return jval_double(value, &any) ? NULL : "is not a number";
    case AMOUNT:
        return jval_double(value, &any) && any >= 0 ? NULL : "is not a number, 0 or more";
    case TEXT_OR_ARRAY:
        return is_text || type == JTYPE_ARRAY ? NULL : "is neither a string nor an array";
    case TEXT_ARRAY_OR_NULL:
        return is_text || type == JTYPE_ARRAY || type == JTYPE_NULL ? NULL : "is none of string, array, null";
    case ANY:
    case WORD:
    case TIMES:
    case ARRAY:
    case OBJECT:
    case EACH_OR_ONE:
        break;
    }
    return NULL;
}

static void check_value(struct check *check, const struct place *place, const struct shape *shape, struct jval value)
{
    if (shape->or_null && jval_is_null(value))
        return;
    if (shape->kind == WORD)
        check_word(check, place, shape, value);
    else if (shape->kind == TIMES)
        check_times(check, place, value);
    else if (shape->kind == ARRAY || (shape->kind == EACH_OR_ONE && jval_type(value) == JTYPE_ARRAY))
        check_array(check, place, shape, value);
    else if (shape->kind == OBJECT)
        check_object(check, place, shape, value);
    else if (shape->kind == EACH_OR_ONE)
        check_object(check, place, shape->items, value);
    else {
        const char *why = fault(shape->kind, value);
        if (why)
            PROBLEM(check, place, "%s", why);
    }
}

/* ---- what members say of each other ---- */

/* The array of what has been seen, so that it is at most half full. */
static int make_places(struct check *check, struct err *err)
{
    size_t places = check->places ? check->places * 2 : 1024;
    if (check->count * 2 < check->places)
        return 0;
    struct seen *seen = calloc(places, sizeof *seen);
    if (!seen)
        return err_nomem(err);
    for (size_t i = 0; i < check->places; i++) {
        if (check->seen[i].len == 0)
            continue;
        size_t to = check->seen[i].hash & (places - 1);
        while (seen[to].len > 0)
            to = (to + 1) & (places - 1);
        seen[to] = check->seen[i];
    }
    free(check->seen);
    check->seen = seen;
    check->places = places;
    return 0;
}

static int keep_id(struct check *check, struct str id, struct err *err)
{
    if (id.len > check->ids_cap - check->ids_len) {
        size_t cap = (check->ids_cap + id.len) * 2 + 4096;
        char *grown = realloc(check->ids, cap);
        if (!grown)
            return err_nomem(err);
        check->ids = grown;
        check->ids_cap = cap;
    }
    memcpy(check->ids + check->ids_len, id.ptr, id.len);
    check->ids_len += id.len;
    check->count++;
    return 0;
}

static int check_id(struct check *check, struct jval record, struct err *err)
{
    static const struct place place = {NULL, "id", 0};
    struct str id, item;
    if (!jval_str_at(record, "/id", &id) || id.len == 0)
        return 0;
    if (jval_str_at(record, "/meta/item", &item) && !(id.len > item.len && str_starts(id, item) && strchr("#@", id.ptr[item.len])))
        PROBLEM(check, &place, "is not meta.item with #k or @... behind it");
    uint64_t hash = str_hash(id);
    hash ^= hash >> 32;
    if (make_places(check, err) < 0)
        return -1;
    size_t at = hash & (check->places - 1);
    for (; check->seen[at].len > 0; at = (at + 1) & (check->places - 1))
        if (check->seen[at].hash == hash && str_eq(id, (struct str){check->ids + check->seen[at].at, check->seen[at].len})) {
            PROBLEM(check, &place, "\"%.*s\" was there before", id.len < 100 ? (int)id.len : 100, id.ptr);
            return 0;
        }
    check->seen[at] = (struct seen){hash, check->ids_len, id.len};
    return keep_id(check, id, err);
}

static void check_task(struct check *check, struct jval record)
{
    struct str task;
    struct jval value;
    if (!jval_str_at(record, "/task", &task))
        return;
    for (size_t i = 0; i < COUNT(tasks); i++) {
        const struct member *const both[] = {&tasks[i].input, &tasks[i].gold};
        if (!str_is(task, tasks[i].task))
            continue;
        for (size_t j = 0; j < COUNT(both); j++)
            if (jval_member(record, both[j]->name, &value))
                check_value(check, &(struct place){NULL, both[j]->name, 0}, &both[j]->shape, value);
    }
}

/* The body holds what its API sends: messages, prompt or input. */
static void check_api(struct check *check, struct jval record)
{
    static const struct place place = {NULL, "request", 0};
    static const char *const apis[] = {"chat", "completions", "embeddings"}, *const texts[] = {"messages", "prompt", "input"};
    struct str api = STR("");
    struct jval request, value;
    if (!jval_member(record, "request", &request) || jval_type(request) != JTYPE_OBJECT)
        return;
    if (!jval_str_at(record, "/api", &api)) {
        for (size_t i = 0; i < COUNT(texts); i++)
            if (jval_member(request, texts[i], &value))
                return;
        PROBLEM(check, &place, "has none of messages, prompt, input");
    }
    for (size_t i = 0; i < COUNT(apis); i++)
        if (str_is(api, apis[i]) && !jval_member(request, texts[i], &value))
            PROBLEM(check, &(struct place){&place, texts[i], 0}, "is missing, and api is %s", apis[i]);
    if (jval_member(request, "messages", &value) && jval_type(value) == JTYPE_ARRAY && jval_count(value) == 0)
        PROBLEM(check, &(struct place){&place, "messages", 0}, "is empty");
}

/* syn <= sent <= connected <= headers <= first <= last <= end, of those that are there, and no chunk after the end. */
static void check_order(struct check *check, struct jval timing)
{
    static const struct place place = {NULL, "timing", 0};
    static const char *const names[] = {"syn_ns", "sent_ns", "connected_ns", "headers_ns", "first_ns", "last_ns", "end_ns"};
    const char *before = NULL;
    int64_t at, then = 0;
    struct jval value;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!jval_member(timing, names[i], &value) || !jval_int(value, &at))
            continue;
        if (before && at < then)
            PROBLEM(check, &(struct place){&place, names[i], 0}, "%" PRId64 " is before %s, %" PRId64, at, before, then);
        before = names[i];
        then = at;
    }
    if (before && strcmp(before, "end_ns") == 0 && check->last_chunk > then)
        PROBLEM(check, &(struct place){&place, "chunks_ns", 0}, "%" PRId64 " is behind end_ns, %" PRId64, check->last_chunk, then);
}

static void check_timing(struct check *check, struct jval record)
{
    static const struct place place = {NULL, "timing", 0};
    struct jval timing, value;
    if (!jval_member(record, "timing", &timing) || jval_type(timing) != JTYPE_OBJECT)
        return;
    check_order(check, timing);
    if (!jval_member(timing, "start_ns", &value) && !jval_at(timing, "/load/file", &value)) // of a capture file nobody knows it
        PROBLEM(check, &(struct place){&place, "start_ns", 0}, "is missing");
    if (!jval_member(record, "response", &value) || jval_member(value, "error", &value) || jval_at(record, "/response/cancelled", &value))
        return;
    static const char *const needed[] = {"sent_ns", "end_ns"};
    for (size_t i = 0; i < COUNT(needed); i++)
        if (!jval_member(timing, needed[i], &value))
            PROBLEM(check, &(struct place){&place, needed[i], 0}, "is missing, and the request did not fail");
}

static void check_response(struct check *check, struct jval record)
{
    static const struct place place = {NULL, "response", 0}, at_batch = {&place, "batch", 0};
    int64_t index, size;
    if (jval_int_at(record, "/response/batch/index", &index) && jval_int_at(record, "/response/batch/size", &size) && index >= size)
        PROBLEM(check, &(struct place){&at_batch, "index", 0}, "%" PRId64 " is not below size, %" PRId64, index, size);
}

static void check_answer(struct check *check, struct jval record)
{
    static const struct place place = {NULL, "answer", 0}, at_span = {&place, "span", 0};
    struct jval answer, value;
    struct str text;
    int64_t span[2];
    if (!jval_member(record, "answer", &answer) || jval_type(answer) != JTYPE_OBJECT)
        return;
    if (jval_member(answer, "value", &value) == jval_member(answer, "unscorable", &value))
        PROBLEM(check, &place, "has not just one of value and unscorable");
    if (!jval_member(answer, "span", &value) || jval_ints(value, span, 2) != 2)
        return;
    if (span[0] > span[1])
        PROBLEM(check, &at_span, "ends before it begins");
    else if (jval_str_at(record, "/response/text", &text) && (uint64_t)span[1] > text.len)
        PROBLEM(check, &at_span, "ends at byte %" PRId64 " of a text of %zu", span[1], text.len);
}

static void check_score(struct check *check, struct jval record)
{
    static const struct place place = {NULL, "score", 0}, at_correct = {&place, "correct", 0};
    struct str verdict;
    struct jval value;
    bool correct = false;
    if (!jval_str_at(record, "/score/verdict", &verdict))
        return;
    bool there = jval_at(record, "/score/correct", &value) && jval_bool(value, &correct);
    if (str_is(verdict, "ungraded") && there)
        PROBLEM(check, &at_correct, "is there, and the verdict is ungraded");
    else if ((str_is(verdict, "correct") || str_is(verdict, "wrong")) && !there)
        PROBLEM(check, &at_correct, "is missing, and the verdict is %.*s", STR_ARG(verdict));
    else if (there && correct != str_is(verdict, "correct"))
        PROBLEM(check, &at_correct, "is %s, and the verdict is %.*s", correct ? "true" : "false", STR_ARG(verdict));
}

/* Could the line hold an integer beyond 2^53, which has 16 digits or more? Any 16 digits in a row stand on one of every
 * 16th byte, so that no more bytes than those are looked at where there are few digits. */
static bool has_long_number(struct str line)
{
    for (size_t i = 15; i < line.len; i += 16) {
        size_t from = i, to = i;
        if (line.ptr[i] < '0' || line.ptr[i] > '9')
            continue;
        while (from > 0 && line.ptr[from - 1] >= '0' && line.ptr[from - 1] <= '9')
            from--;
        while (to < line.len && line.ptr[to] >= '0' && line.ptr[to] <= '9')
            to++;
        if (to - from >= 16)
            return true;
    }
    return false;
}

static void note_long_numbers(struct check *check, const struct place *place, struct jval value)
{
    const int64_t most = 1LL << 53;
    struct str name;
    struct jval inside;
    int64_t whole;
    char *text = NULL;
    bool members = jval_type(value) == JTYPE_OBJECT;
    if (jval_type(value) == JTYPE_INT && (!jval_int(value, &whole) || whole > most || whole < -most))
        tell(check, CHECK_NOTE, place, "is an integer beyond 2^53, which jq 1.6 and others round");
    struct place here = {place, NULL, 0};
    for (struct jiter iter = jval_items(value); jiter_next(&iter, members ? &name : NULL, &inside); here.index++) {
        enum jtype type = jval_type(inside);
        if (type != JTYPE_INT && type != JTYPE_ARRAY && type != JTYPE_OBJECT)
            continue;
        if (members)
            here.name = text = strndup(name.ptr, name.len);
        note_long_numbers(check, &here, inside);
        free(text);
        text = NULL;
    }
}

struct check *check_new(void)
{
    return calloc(1, sizeof(struct check));
}

void check_free(struct check *check)
{
    if (!check)
        return;
    free(check->ids);
    free(check->seen);
    free(check);
}

int check_record(struct check *check, const struct jsonl_record *rec, const struct check_report *report, struct err *err)
{
    check->report = report;
    check->last_chunk = -1;
    static void (*const agree[TOP_COUNT])(struct check *, struct jval) = {[TOP_TASK] = check_task,
                                                                          [TOP_REQUEST] = check_api,
                                                                          [TOP_RESPONSE] = check_response,
                                                                          [TOP_TIMING] = check_timing,
                                                                          [TOP_ANSWER] = check_answer,
                                                                          [TOP_SCORE] = check_score};
    uint32_t seen = check_members(check, NULL, record_members, rec->root);
    for (size_t i = 0; i < TOP_COUNT; i++)
        if (agree[i] && seen >> i & 1)
            agree[i](check, rec->root);
    if (has_long_number(rec->line))
        note_long_numbers(check, NULL, rec->root);
    return check_id(check, rec->root, err);
}
