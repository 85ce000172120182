/* record/response.c: see response.h */
#include "record/response.h"

#include "base/json.h"

const char *const failure_names[FAILURE_COUNT] = {
    [FAILURE_CONNECT] = "connect",     [FAILURE_TLS] = "tls",           [FAILURE_HTTP_STATUS] = "http_status",
    [FAILURE_ERROR_EVENT] = "error_event", [FAILURE_TIMEOUT] = "timeout", [FAILURE_CANCELLED] = "cancelled",
    [FAILURE_TRUNCATED] = "truncated", [FAILURE_PARSE] = "parse",       [FAILURE_NO_TOKENS] = "no_tokens",
};

struct response response_none(void)
{
    return (struct response){.status = -1, .prompt_tokens = -1, .completion_tokens = -1};
}

static void write_text(struct buf *out, const char *key, struct str text)
{
    if (text.ptr)
        json_key(out, key), json_str(out, text);
}

static void write_raw(struct buf *out, const char *key, struct str json)
{
    if (json.ptr)
        json_key(out, key), json_raw(out, json);
}

void response_write(const struct response *response, struct buf *out)
{
    json_object(out);
    write_text(out, "text", response->text);
    write_text(out, "reasoning", response->reasoning);
    write_raw(out, "tool_calls", response->tool_calls);
    write_text(out, "finish_reason", response->finish_reason);
    if (response->status >= 0)
        json_key(out, "status"), json_int(out, response->status);
    write_text(out, "model", response->model);
    write_text(out, "asked_model", response->asked_model);
    write_text(out, "url", response->url);
    write_raw(out, "usage", response->usage);
    if (response->tokens_source) {
        json_key(out, "tokens"), json_object(out);
        if (response->prompt_tokens >= 0)
            json_key(out, "prompt"), json_int(out, response->prompt_tokens);
        if (response->completion_tokens >= 0)
            json_key(out, "completion"), json_int(out, response->completion_tokens);
        json_key(out, "source"), json_cstr(out, response->tokens_source);
        json_object_end(out);
    }
    write_raw(out, "logprobs", response->logprobs);
    write_raw(out, "embedding", response->embedding);
    if (response->batch.id.ptr) {
        json_key(out, "batch"), json_object(out);
        json_key(out, "id"), json_str(out, response->batch.id);
        json_key(out, "index"), json_int(out, (int64_t)response->batch.index);
        json_key(out, "size"), json_int(out, (int64_t)response->batch.size);
        json_object_end(out);
    }
    if (response->cancelled)
        json_key(out, "cancelled"), json_bool(out, true);
    if (response->failure != FAILURE_NONE) {
        json_key(out, "error"), json_object(out);
        json_key(out, "kind"), json_cstr(out, failure_names[response->failure]);
        json_key(out, "message"), json_str(out, response->message.ptr ? response->message : STR(""));
        json_object_end(out);
    }
    json_object_end(out);
}
