/* tap/seen.c: see seen.h */
#include "tap/seen.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

struct seen *seen_new(void)
{
    return calloc(1, sizeof(struct seen));
}

void seen_free(struct seen *seen)
{
    buf_release(&seen->id);
    buf_release(&seen->secret);
    buf_release(&seen->body);
    answer_release(&seen->answer);
    free(seen);
}

static void write_id(const struct seen *seen, const char *client, struct buf *out)
{
    char text[PACKET_END_SIZE + 24];
    snprintf(text, sizeof text, "%s/%llu", client, (unsigned long long)seen->number);
    json_key(out, "id"), json_str(out, seen->id.len > 0 ? buf_str(&seen->id) : str_of(text));
}

static void write_meta(const struct seen *seen, const char *client, struct buf *out)
{
    const struct reply *reply = &seen->answer.reply;
    json_key(out, "meta"), json_object(out);
    json_key(out, "client"), json_cstr(out, client);
    json_key(out, "request_bytes"), json_int(out, (int64_t)seen->body_bytes);
    if (seen->answer.status >= 0)
        json_key(out, "response_bytes"), json_int(out, (int64_t)seen->answer.bytes);
    if (reply->has_text)
        json_key(out, "text_bytes"), json_int(out, (int64_t)reply->text.len);
    if (reply->has_reasoning)
        json_key(out, "reasoning_bytes"), json_int(out, (int64_t)reply->reasoning.len);
    json_object_end(out);
}

/* Servers quote what they refuse: the words are theirs for all kinds but one. */
static struct str message_without_text(const struct seen *seen)
{
    switch (seen->answer.reply.failure) {
    case FAILURE_TRUNCATED:
        return buf_str(&seen->answer.reply.message);
    case FAILURE_PARSE:
        return STR("what the server sent is not what was to come");
    case FAILURE_HTTP_STATUS:
    case FAILURE_ERROR_EVENT:
        return STR("the server says why");
    case FAILURE_NONE:
    case FAILURE_CONNECT:
    case FAILURE_TLS:
    case FAILURE_TIMEOUT:
    case FAILURE_CANCELLED:
    case FAILURE_NO_TOKENS:
    case FAILURE_COUNT:
        break;
    }
    return STR("");
}

static void write_response(const struct seen *seen, const struct seen_form *form, struct buf *scratch, struct buf *out)
{
    struct response response;
    char url[PACKET_END_SIZE + 16], server[PACKET_END_SIZE];
    packet_format_end(&seen->server, server);
    snprintf(url, sizeof url, "http://%s/v1", server);
    reply_response(&seen->answer.reply, &response, scratch);
    response.status = seen->answer.status;
    response.url = str_of(url);
    if (form->shows == SEEN_LENGTHS) {
        response.text = response.reasoning = response.tool_calls = response.logprobs = (struct str){NULL, 0};
        response.message = message_without_text(seen);
    }
    json_key(out, "response"), response_write(&response, out);
    out->failed |= scratch->failed || seen->answer.reply.message.failed;
}

static void write_timing(const struct seen *seen, const struct seen_form *form, struct buf *out)
{
    const struct answer *answer = &seen->answer;
    struct timing timing = timing_none();
    timing.start = form->start;
    timing.start_ns = form->start_ns;
    timing.load = form->load;
    timing.syn_ns = seen->syn_ns;
    timing.sent_ns = seen->sent_ns;
    timing.headers_ns = answer->headers_ns;
    timing.first_ns = answer->first_ns;
    timing.last_ns = answer->last_ns;
    timing.end_ns = seen->end_ns;
    timing.partial = seen->partial;
    if (answer->status >= 0)
        timing.clock = TIMING_CLOCK_PACKET;
    if (answer->streamed) {
        timing.chunks_ns = answer->chunks.ptr ? answer_chunks_ns(answer) : (const int64_t[]){0};
        timing.chunk_count = answer_chunk_count(answer);
        timing.late = 0;
    }
    json_key(out, "timing"), timing_write(&timing, out);
}

void seen_write(const struct seen *seen, const struct seen_form *form, struct buf *scratch, struct buf *out)
{
    char client[PACKET_END_SIZE];
    packet_format_end(&seen->client, client);
    json_object(out);
    write_id(seen, client, out);
    write_meta(seen, client, out);
    json_key(out, "api"), json_cstr(out, openai_apis[seen->answer.reply.api]);
    if (form->shows == SEEN_TEXTS && seen->body.len > 0)
        json_key(out, "request"), json_raw(out, buf_str(&seen->body));
    write_response(seen, form, scratch, out);
    write_timing(seen, form, out);
    json_object_end(out);
    buf_add_char(out, '\n');
}
