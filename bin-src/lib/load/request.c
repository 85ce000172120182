/* load/request.c: see request.h */
#include "load/request.h"

#include "load/session.h"
#include "net/header.h"
#include "openai/blanks.h"

#include <stdlib.h>

enum { ID_MAX = 200 };

struct requester {
    const struct load_options *options;
    struct buf *heads; // of requests, up to what each has of its own: of each target, one for each api
    size_t head_count;
    struct body_change *changes; // the options', and room for a model
    struct jdoc *doc;
    int64_t targeted;         // requests that went to the targets in turn
    bool user_names_requests; // by a header X-Request-Id
};

/* A header of ours, unless the user gave one of that name. */
static void add_ours(struct buf *head, struct str given, const char *name, struct str value)
{
    if (!header_has(given, name))
        buf_addf(head, "%s: %.*s\r\n", name, STR_ARG(value));
}

static void make_head(struct requester *requester, size_t target, enum openai_api api)
{
    const struct url *url = &requester->options->targets->each[target].url;
    struct str given = buf_str(&requester->options->targets->each[target].headers);
    struct buf *head = &requester->heads[target * OPENAI_API_COUNT + api];
    buf_addf(head, "POST %.*s%s%.*s HTTP/1.1\r\n", STR_ARG(buf_str(&url->base)), openai_paths[api], STR_ARG(buf_str(&url->query)));
    add_ours(head, given, "Host", buf_str(&url->host));
    add_ours(head, given, "Content-Type", STR("application/json"));
    add_ours(head, given, "User-Agent", STR("lmutils/" LM_VERSION));
    buf_add_str(head, given);
}

/* The record's id as a header's value: what has no place there is written %XX. */
static void add_id(struct buf *head, struct str id)
{
    for (size_t i = 0; i < id.len && i < ID_MAX; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (c > 0x20 && c < 0x7f && c != '%')
            buf_add_char(head, (char)c);
        else
            buf_addf(head, "%%%02X", c);
    }
}

static int make_body(struct requester *requester, struct job *job, struct str body, const struct model *model, struct err *err)
{
    size_t count = requester->options->change_count;
    if (model) {
        requester->changes[count++] = (struct body_change){STR("model"), model->json};
        job->asked_model = model->name;
    }
    if (count == 0) {
        job->body = body;
        return 0;
    }
    if (body_write(requester->doc, body, requester->changes, count, &job->changed, err) < 0)
        return -1;
    if (!buf_reserve(&job->changed, JDOC_PADDING)) // it may be parsed again
        return err_nomem(err);
    job->body = buf_str(&job->changed);
    return 0;
}

/* When a record is due that says so itself. */
static int read_at(struct requester *requester, struct job *job, struct jval record, struct err *err)
{
    int64_t at_ns;
    if (!jval_int_at(record, "/at_ns", &at_ns) || at_ns < 0 || (double)at_ns / requester->options->speed > (double)(INT64_MAX / 4))
        return err_set(err, ERR_PARSE, "at_ns: not a whole number from 0 on, or beyond all time");
    job->timing.due_ns = requester->options->speed == 1 ? at_ns : (int64_t)((double)at_ns / requester->options->speed);
    return 0;
}

/* Finds what answers of its session a turn's body leaves open. */
static int find_blanks(struct requester *requester, struct job *job, struct err *err)
{
    if (!job->turn || job->api != OPENAI_CHAT)
        return 0;
    if (blanks_find(requester->doc, job->body, &job->blanks, err) < 0)
        return -1;
    return session_check(job->turn, buf_str(&job->blanks), err);
}

/* What goes by the session, so that it stays with one server and one model, or else by the place or the turn. */
static int64_t place_of(struct jval record, int64_t else_by, bool *has_session)
{
    struct str session;
    *has_session = jval_str_at(record, "/session/id", &session);
    if (!*has_session)
        return else_by;
    uint64_t hash = str_hash(session);
    return (int64_t)((hash ^ hash >> 32) * 0x9e3779b97f4a7c15u >> 33); // names that differ in a digit differ in its high bits
}

int requester_address(struct requester *requester, struct job *job, struct err *err)
{
    const struct load_options *options = requester->options;
    if (!job->has_target)
        job->target = (size_t)(requester->targeted++ % (int64_t)options->targets->count);
    if (options->targets->count > 1)
        job->url = buf_str(&options->targets->each[job->target].url.shown);
    buf_add_str(&job->head, buf_str(&requester->heads[job->target * OPENAI_API_COUNT + job->api]));
    if (!requester->user_names_requests) {
        buf_add_str(&job->head, STR("X-Request-Id: "));
        add_id(&job->head, job->id.len > 0 ? buf_str(&job->id) : STR("-"));
        buf_add_str(&job->head, STR("\r\n"));
    }
    buf_addf(&job->head, "Content-Length: %zu\r\n\r\n", job->body.len);
    return job->head.failed || job->changed.failed ? err_nomem(err) : 0;
}

int requester_make(struct requester *requester, struct job *job, const struct jsonl_record *rec, int64_t place, struct err *err)
{
    const struct load_options *options = requester->options;
    const struct model *model = NULL;
    struct jsonl_member request;
    struct jval body, stream;
    struct str id = {"", 0};
    if (!jval_member(rec->root, "request", &body) || jval_type(body) != JTYPE_OBJECT)
        return err_set(err, ERR_MISSING, "has no \"request\" that is an object (lm-prompt makes it)");
    if (body_api(rec->root, &job->api, err) < 0)
        return -1;
    if (requester->options->mode == LOAD_AT && !turn_is_later(job->turn) && read_at(requester, job, rec->root, err) < 0)
        return -1;
    jval_str_at(rec->root, "/id", &id);
    buf_add_str(&job->id, id);
    if (jval_member(body, "stream", &stream))
        jval_bool(stream, &job->stream);
    for (size_t i = 0; i < requester->options->change_count; i++)
        if (str_eq(requester->options->changes[i].name, STR("stream")))
            job->stream = str_eq(requester->options->changes[i].value, STR("true"));
    job->stream = job->stream && job->api != OPENAI_EMBEDDINGS;
    job->cancel = cancel_draw(options->cancel, options->seed, place);
    int64_t turn = place_of(rec->root, place, &job->has_target);
    if (job->has_target)
        job->target = (size_t)(turn % (int64_t)options->targets->count);
    if (options->models->count > 0)
        model = &options->models->models[models_pick(options->models, options->seed, turn)];
    jsonl_member(rec, "request", &request);
    // The value as it stands in our copy of the line.
    request.value.ptr = job->line.ptr + (request.value.ptr - rec->line.ptr);
    reply_init(&job->reply, job->api);
    if (job->id.failed)
        return err_nomem(err);
    return make_body(requester, job, request.value, model, err) < 0 ? -1 : find_blanks(requester, job, err);
}

struct requester *requester_new(const struct load_options *options)
{
    struct requester *requester = calloc(1, sizeof *requester);
    if (!requester)
        return NULL;
    requester->options = options;
    requester->doc = jdoc_new();
    requester->head_count = options->targets->count * OPENAI_API_COUNT;
    requester->heads = calloc(requester->head_count, sizeof *requester->heads);
    requester->changes = calloc(options->change_count + 1, sizeof *requester->changes);
    requester->user_names_requests = header_has(buf_str(&options->targets->each[0].headers), "X-Request-Id");
    bool ok = requester->doc && requester->heads && requester->changes;
    if (ok && options->change_count > 0)
        memcpy(requester->changes, options->changes, options->change_count * sizeof *requester->changes);
    for (size_t i = 0; ok && i < requester->head_count; i++) {
        make_head(requester, i / OPENAI_API_COUNT, (enum openai_api)(i % OPENAI_API_COUNT));
        ok = !requester->heads[i].failed;
    }
    if (ok)
        return requester;
    requester_free(requester);
    return NULL;
}

void requester_free(struct requester *requester)
{
    if (!requester)
        return;
    for (size_t i = 0; requester->heads && i < requester->head_count; i++)
        buf_release(&requester->heads[i]);
    free(requester->heads);
    free(requester->changes);
    jdoc_free(requester->doc);
    free(requester);
}
