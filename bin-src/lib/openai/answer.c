/* openai/answer.c: see answer.h */
#include "openai/answer.h"

#include "record/timing.h"

enum { ERROR_BODY_MAX = 1 << 20 };

void answer_init(struct answer *answer, enum openai_api api, enum answer_asked asked)
{
    *answer = (struct answer){.asked = asked, .status = -1, .headers_ns = TIMING_NEVER, .first_ns = TIMING_NEVER,
                              .last_ns = TIMING_NEVER, .byte_ns = TIMING_NEVER};
    reply_init(&answer->reply, api);
    http_init(&answer->http, HTTP_RESPONSE);
}

void answer_release(struct answer *answer)
{
    reply_release(&answer->reply);
    http_release(&answer->http);
    sse_release(&answer->sse);
    buf_release(&answer->body);
    buf_release(&answer->chunks);
}

size_t answer_chunk_count(const struct answer *answer)
{
    return answer->chunks.len / sizeof(int64_t);
}

/*
 * The time of a chunk. One packet may bring several; a chunk without content (the role before, the finish behind) and
 * its neighbour with content get different times all the same, 1 ns apart: so a record tells which chunks lie between
 * first_ns and last_ns.
 */
static int64_t time_of_chunk(const struct answer *answer, int64_t at_ns, bool content)
{
    if (answer->chunks.len == 0)
        return at_ns;
    int64_t before_ns = answer_chunks_ns(answer)[answer_chunk_count(answer) - 1];
    before_ns += content != answer->last_had_content;
    return at_ns > before_ns ? at_ns : before_ns;
}

static int take_event(struct answer *answer, struct jdoc *doc, const struct sse_event *event, struct err *err)
{
    int seen;
    if (reply_event(&answer->reply, doc, event->data, event->is_error, &seen, err) < 0)
        return -1;
    if (!(seen & REPLY_CHOICES))
        return 0;
    bool content = seen & REPLY_CONTENT;
    int64_t at_ns = time_of_chunk(answer, event->arrived_ns, content);
    answer->last_had_content = content;
    buf_add(&answer->chunks, &at_ns, sizeof at_ns);
    if (content && answer->first_ns == TIMING_NEVER)
        answer->first_ns = at_ns;
    if (content)
        answer->last_ns = at_ns;
    return answer->chunks.failed ? err_nomem(err) : 0;
}

static int take_events(struct answer *answer, struct jdoc *doc, struct str body, int64_t at_ns, struct err *err)
{
    struct sse_event event;
    int got;
    while ((got = sse_next(&answer->sse, &body, at_ns, &event)) > 0)
        if (take_event(answer, doc, &event, err) < 0)
            return -1;
    if (got == 0)
        return 0;
    if (answer->sse.line.len <= SSE_EVENT_MAX && answer->sse.held.len <= SSE_EVENT_MAX)
        return err_nomem(err);
    reply_fail(&answer->reply, FAILURE_PARSE, "an event over %d MiB", SSE_EVENT_MAX >> 20);
    sse_reset(&answer->sse);
    return 0;
}

/* What is over the limit is counted, and not kept. */
static int take_body(struct answer *answer, struct str body, struct err *err)
{
    size_t max = answer->status == 200 ? REPLY_MAX : ERROR_BODY_MAX;
    if (answer->body.len + body.len > max) {
        reply_fail(&answer->reply, FAILURE_PARSE, "a body over %zu MiB", max >> 20);
        return 0;
    }
    buf_add_str(&answer->body, body);
    return answer->body.failed ? err_nomem(err) : 0;
}

static void take_head(struct answer *answer, int64_t at_ns)
{
    struct str type = {"", 0};
    answer->status = answer->http.status;
    answer->headers_ns = at_ns;
    if (answer->headless) {
        answer->http.state = HTTP_IN_LENGTH;
        answer->http.left = 0;
    }
    http_header(&answer->http, "content-type", &type);
    const char *semicolon = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;
    if (semicolon)
        type.len = (size_t)(semicolon - type.ptr);
    type = str_trim(type);
    bool is_stream = str_is_nocase(type, "text/event-stream"), is_json = str_is_nocase(type, "application/json");
    answer->streamed = answer->status == 200 && (is_stream || (answer->asked == ANSWER_STREAM && !is_json));
    if (answer->status != 200 || answer->asked == ANSWER_EITHER || (answer->asked == ANSWER_STREAM ? is_stream : is_json))
        return;
    reply_fail(&answer->reply, FAILURE_PARSE, "asked for %s stream, got content type \"%.*s\"", answer->asked == ANSWER_STREAM ? "a" : "no",
               type.len < 80 ? (int)type.len : 80, type.ptr);
}

static int finish_status(struct answer *answer, struct jdoc *doc, struct err *err)
{
    struct jval root;
    struct str says = str_trim(buf_str(&answer->body)), message;
    if (jdoc_parse(doc, answer->body.ptr, answer->body.len, &root, err) == 0) {
        if (reply_why(root, &message))
            says = message;
    } else if (err->kind == ERR_NOMEM)
        return -1;
    reply_fail(&answer->reply, FAILURE_HTTP_STATUS, "%d%s%.*s", answer->status, says.len > 0 ? ": " : "",
               says.len < 400 ? (int)says.len : 400, says.ptr);
    return 0;
}

/* The message is whole: what does it amount to? */
static int finish(struct answer *answer, struct jdoc *doc, struct err *err)
{
    struct sse_event event;
    if (!buf_reserve(&answer->body, JDOC_PADDING))
        return err_nomem(err);
    if (answer->status != 200)
        return finish_status(answer, doc, err);
    if (answer->streamed && sse_end(&answer->sse, &event) > 0 && take_event(answer, doc, &event, err) < 0)
        return -1;
    if (!answer->streamed && reply_body(&answer->reply, doc, buf_str(&answer->body), err) < 0)
        return -1;
    if (answer->reply.api != OPENAI_EMBEDDINGS)
        reply_end(&answer->reply, answer->streamed);
    return 0;
}

enum answer_got answer_take(struct answer *answer, struct jdoc *doc, struct str *input, int64_t at_ns, struct err *err)
{
    struct str body;
    if (input->len > 0)
        answer->byte_ns = at_ns;
    for (;;)
        switch (http_next(&answer->http, input, &body, err)) {
        case HTTP_MORE:
            return ANSWER_MORE;
        case HTTP_HEAD:
            take_head(answer, at_ns);
            break;
        case HTTP_BODY:
            answer->bytes += body.len;
            if ((answer->streamed ? take_events(answer, doc, body, at_ns, err) : take_body(answer, body, err)) < 0)
                return ANSWER_FAILED;
            break;
        case HTTP_DONE:
            return finish(answer, doc, err) < 0 ? ANSWER_FAILED : ANSWER_WHOLE;
        case HTTP_BAD:
            reply_fail(&answer->reply, FAILURE_PARSE, "%s", err->msg);
            return ANSWER_FAILED;
        }
}

enum answer_got answer_end(struct answer *answer, struct jdoc *doc, struct err *err)
{
    struct sse_event event;
    if (http_end(&answer->http, err) == HTTP_DONE)
        return finish(answer, doc, err) < 0 ? ANSWER_FAILED : ANSWER_WHOLE;
    struct err ignored;
    if (answer->streamed && sse_end(&answer->sse, &event) > 0 && take_event(answer, doc, &event, &ignored) < 0) {
        *err = ignored;
        return ANSWER_FAILED;
    }
    if (!answer->streamed || !answer->reply.done)
        return ANSWER_FAILED;
    reply_end(&answer->reply, true);
    return ANSWER_WHOLE;
}
