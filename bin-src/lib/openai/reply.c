/* openai/reply.c: see reply.h */
#include "openai/reply.h"

#include "base/json.h"
#include "openai/embedding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOOL_ID, TOOL_NAME, TOOL_ARGUMENTS, TOOL_PARTS, TOOLS_MAX = 1024 };

void reply_init(struct reply *reply, enum openai_api api)
{
    *reply = (struct reply){.api = api, .prompt_tokens = -1, .completion_tokens = -1, .ids = -1};
}

void reply_release(struct reply *reply)
{
    struct buf *parts[] = {&reply->text, &reply->reasoning, &reply->finish_reason, &reply->model, &reply->usage, &reply->logprobs,
                           &reply->embedding, &reply->message};
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_release(parts[i]);
    for (size_t i = 0; i < reply->tool_count * TOOL_PARTS; i++)
        buf_release(&reply->tools[i]);
    free(reply->tools);
    reply->tools = NULL;
    reply->tool_count = 0;
}

void reply_reset(struct reply *reply)
{
    struct reply before = *reply;
    reply_release(reply);
    reply_init(reply, before.api);
    reply->parts = before.parts;
    reply->is_part = before.is_part;
    reply->part_count = before.part_count;
    for (size_t i = 0; i < reply->part_count; i++)
        reply_reset(reply->parts[i]);
}

void reply_fail(struct reply *reply, enum failure failure, const char *fmt, ...)
{
    char text[512];
    if (reply->failure != FAILURE_NONE)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    reply->failure = failure;
    buf_add_str(&reply->message, str_of(text));
}

static void set(struct buf *buf, struct str text)
{
    buf_clear(buf);
    buf_add_str(buf, text);
}

/* --- failures that the server reports --- */

bool reply_why(struct jval root, struct str *why)
{
    static const char *const paths[] = {"/error/message", "/message", "/error", "/detail"};
    for (size_t i = 0; i < COUNT(paths); i++)
        if (jval_str_at(root, paths[i], why))
            return true;
    return false;
}

static void take_error(struct reply *reply, enum failure failure, struct jval error)
{
    struct str message;
    if (jval_str(error, &message) || jval_str_at(error, "/message", &message) || jval_str_at(error, "/error/message", &message)) {
        reply_fail(reply, failure, "%.*s", message.len < 400 ? (int)message.len : 400, message.ptr);
        return;
    }
    struct buf text = {0};
    jval_write(error, &text);
    reply_fail(reply, failure, "%.*s", text.len < 400 ? (int)text.len : 400, text.ptr ? text.ptr : "");
    buf_release(&text);
}

/* --- tokens --- */

static void take_counts(struct reply *reply, struct jval usage)
{
    int64_t count;
    if (jval_int_at(usage, "/prompt_tokens", &count) && count >= 0)
        reply->prompt_tokens = count;
    if (jval_int_at(usage, "/completion_tokens", &count) && count >= 0 && reply->api != OPENAI_EMBEDDINGS) // where vLLM says 0
        reply->completion_tokens = count;
}

/* Usage in an event is that of its one choice (vLLM's continuous usage, llama.cpp's last event), so of a batch one
 * part's; else it is the whole's. */
enum usage_of { USAGE_OF_ALL, USAGE_OF_CHOICE };

static void take_usage(struct reply *reply, struct jval usage, enum usage_of whose)
{
    struct reply *only = reply->first_seen;
    if (jval_type(usage) != JTYPE_OBJECT)
        return;
    if (reply->part_count > 0 && whose == USAGE_OF_CHOICE && only && !only->next_seen) {
        take_counts(only, usage);
        return;
    }
    buf_clear(&reply->usage);
    jval_write(usage, &reply->usage);
    take_counts(reply, usage);
}

static void take_ids(struct reply *reply, struct jval choice)
{
    struct jval ids;
    if (jval_member(choice, "token_ids", &ids) && jval_type(ids) == JTYPE_ARRAY)
        reply->ids = (reply->ids < 0 ? 0 : reply->ids) + (int64_t)jval_count(ids);
}

/* --- logprobs: [{token, bytes, logprob, top}] out of the two forms --- */

static void write_bytes(struct buf *out, struct jval entry, struct str token)
{
    struct jval bytes;
    json_key(out, "bytes");
    if (jval_member(entry, "bytes", &bytes) && jval_type(bytes) == JTYPE_ARRAY) {
        jval_write(bytes, out);
        return;
    }
    json_array(out);
    for (size_t i = 0; i < token.len; i++)
        json_int(out, (unsigned char)token.ptr[i]);
    json_array_end(out);
}

/* Has it a log-probability? */
static bool write_token(struct buf *out, struct jval entry)
{
    struct str token = {"", 0};
    double logprob;
    jval_str_at(entry, "/token", &token);
    json_key(out, "token"), json_str(out, token);
    write_bytes(out, entry, token);
    if (!jval_double_at(entry, "/logprob", &logprob))
        return false;
    json_key(out, "logprob"), json_double(out, logprob);
    return true;
}

/* A token that has none is the first of a prompt that is said again (echo): then these are not the answer's alone. */
static void count_scored(struct reply *reply, bool scored)
{
    if (reply->scored >= 0)
        reply->scored = scored ? reply->scored + 1 : -1;
}

/* chat, and llama.cpp everywhere: {"content":[{token, logprob, bytes, top_logprobs:[...]}]} */
static void take_content_logprobs(struct reply *reply, struct jval content)
{
    struct buf *out = &reply->logprobs;
    struct jval entry, top, other;
    for (struct jiter iter = jval_items(content); jiter_next(&iter, NULL, &entry);) {
        json_object(out);
        count_scored(reply, write_token(out, entry));
        json_key(out, "top"), json_array(out);
        if (jval_member(entry, "top_logprobs", &top))
            for (struct jiter each = jval_items(top); jiter_next(&each, NULL, &other);) {
                json_object(out);
                write_token(out, other);
                json_object_end(out);
            }
        json_array_end(out);
        json_object_end(out);
    }
}

static bool write_named(struct buf *out, struct str token, struct jval logprob)
{
    double value;
    json_key(out, "token"), json_str(out, token);
    json_key(out, "bytes"), json_array(out);
    for (size_t i = 0; i < token.len; i++)
        json_int(out, (unsigned char)token.ptr[i]);
    json_array_end(out);
    if (!jval_double(logprob, &value))
        return false;
    json_key(out, "logprob"), json_double(out, value);
    return true;
}

/* completions: parallel arrays {"tokens":[], "token_logprobs":[], "top_logprobs":[{token:logprob}]} */
static void take_parallel_logprobs(struct reply *reply, struct jval tokens, struct jval object)
{
    struct buf *out = &reply->logprobs;
    struct jval token, logprobs, tops, logprob, top, other;
    struct str text, name;
    if (!jval_member(object, "token_logprobs", &logprobs))
        return;
    struct jiter each_logprob = jval_items(logprobs), each_top = {0};
    if (jval_member(object, "top_logprobs", &tops))
        each_top = jval_items(tops);
    for (struct jiter iter = jval_items(tokens); jiter_next(&iter, NULL, &token) && jiter_next(&each_logprob, NULL, &logprob);) {
        text = (struct str){"", 0};
        jval_str(token, &text);
        json_object(out);
        count_scored(reply, write_named(out, text, logprob));
        json_key(out, "top"), json_array(out);
        if (jiter_next(&each_top, NULL, &top) && jval_type(top) == JTYPE_OBJECT)
            for (struct jiter each = jval_items(top); jiter_next(&each, &name, &other);) {
                json_object(out);
                write_named(out, name, other);
                json_object_end(out);
            }
        json_array_end(out);
        json_object_end(out);
    }
}

static void take_logprobs(struct reply *reply, struct jval logprobs)
{
    struct jval inner;
    if (jval_member(logprobs, "content", &inner) && jval_type(inner) == JTYPE_ARRAY)
        take_content_logprobs(reply, inner);
    else if (jval_member(logprobs, "tokens", &inner) && jval_type(inner) == JTYPE_ARRAY)
        take_parallel_logprobs(reply, inner, logprobs);
}

/* --- what the model said --- */

static bool take_text(struct reply *reply, struct buf *buf, bool *has, struct jval value)
{
    struct str text;
    if (!jval_str(value, &text))
        return false;
    *has = true;
    if (buf->len + text.len > REPLY_MAX)
        reply_fail(reply, FAILURE_PARSE, "an answer over %d MiB", REPLY_MAX >> 20);
    else
        buf_add_str(buf, text);
    return text.len > 0;
}

static bool grow_tools(struct reply *reply, size_t count)
{
    struct buf *grown = realloc(reply->tools, count * TOOL_PARTS * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + reply->tool_count * TOOL_PARTS, 0, (count - reply->tool_count) * TOOL_PARTS * sizeof *grown);
    reply->tools = grown;
    reply->tool_count = count;
    return true;
}

/* One call, or the next piece of one. */
static int take_tool(struct reply *reply, struct jval call, size_t place)
{
    static const char *const paths[TOOL_PARTS] = {[TOOL_ID] = "/id", [TOOL_NAME] = "/function/name",
                                                  [TOOL_ARGUMENTS] = "/function/arguments"};
    struct jval arguments;
    int64_t index;
    struct str text;
    if (jval_int_at(call, "/index", &index) && index >= 0)
        place = (size_t)index;
    if (place >= TOOLS_MAX) {
        reply_fail(reply, FAILURE_PARSE, "over %d tool calls", TOOLS_MAX);
        return 0;
    }
    if (place >= reply->tool_count && !grow_tools(reply, place + 1))
        return -1;
    for (size_t i = 0; i < TOOL_PARTS; i++) {
        struct buf *part = &reply->tools[place * TOOL_PARTS + i];
        if (!jval_str_at(call, paths[i], &text) || part->len + text.len > REPLY_MAX)
            continue;
        if (i != TOOL_ARGUMENTS)
            buf_clear(part); // said again, it is the same
        buf_add_str(part, text);
        if (part->failed)
            return -1;
    }
    struct buf *part = &reply->tools[place * TOOL_PARTS + TOOL_ARGUMENTS];
    if (part->len == 0 && jval_at(call, paths[TOOL_ARGUMENTS], &arguments) && jval_type(arguments) == JTYPE_OBJECT)
        jval_write(arguments, part); // some servers send what should be a string as it is
    return part->failed ? -1 : 0;
}

/* A delta or a message. Reasoning has two names, by server and version. */
static int take_message(struct reply *reply, struct jval message, int *seen)
{
    struct jval value, call;
    bool content = false;
    if (jval_member(message, "content", &value))
        content |= take_text(reply, &reply->text, &reply->has_text, value);
    if ((jval_member(message, "reasoning_content", &value) && !jval_is_null(value)) || jval_member(message, "reasoning", &value))
        content |= take_text(reply, &reply->reasoning, &reply->has_reasoning, value);
    if (jval_member(message, "tool_calls", &value)) {
        size_t place = 0;
        for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &call); place++) {
            if (take_tool(reply, call, place) < 0)
                return -1;
            content = true;
        }
    }
    if (content)
        *seen |= REPLY_CONTENT;
    return 0;
}

/* --- whose it is --- */

static void forget_seen(struct reply *reply)
{
    for (struct reply *seen = reply->first_seen; seen; seen = seen->next_seen)
        seen->seen = 0;
    reply->first_seen = NULL;
}

static void note_seen(struct reply *reply, struct reply *whose, int what)
{
    if (whose->seen == 0) {
        whose->next_seen = reply->first_seen;
        reply->first_seen = whose;
    }
    whose->seen |= what;
    whose->has_choices = true;
}

/* Whom the choice or datum is for; of a batch it is the only one of its part, and *index then 0. NULL: for none. */
static struct reply *owner_of(struct reply *reply, struct jval item, int64_t *index)
{
    *index = 0;
    jval_int_at(item, "/index", index);
    if (reply->part_count == 0)
        return reply;
    if (*index < 0 || (uint64_t)*index >= reply->part_count) {
        reply_fail(reply, FAILURE_PARSE, "an answer %lld to a batch of %zu", (long long)*index, reply->part_count);
        return NULL;
    }
    struct reply *part = reply->parts[*index];
    *index = 0;
    return part;
}

static int take_choice(struct reply *reply, struct jval choice, int64_t index, int *seen)
{
    struct str reason;
    struct jval value;
    uint64_t bit = index >= 0 && index < 64 ? 1ull << index : 0;
    reply->open_choices |= bit & ~reply->ended_choices;
    if (jval_str_at(choice, "/finish_reason", &reason)) {
        reply->open_choices &= ~bit;
        reply->ended_choices |= bit;
        if (index == 0)
            set(&reply->finish_reason, reason);
    }
    if (index != 0)
        return 0;
    take_ids(reply, choice);
    if (jval_member(choice, "logprobs", &value))
        take_logprobs(reply, value);
    if (jval_member(choice, "delta", &value) || jval_member(choice, "message", &value))
        return take_message(reply, value, seen);
    if (jval_member(choice, "text", &value) && take_text(reply, &reply->text, &reply->has_text, value))
        *seen |= REPLY_CONTENT;
    return 0;
}

/* Out of memory shows here, whichever piece met it. */
static int check_memory(const struct reply *reply, struct err *err)
{
    const struct buf *parts[] = {&reply->text, &reply->reasoning, &reply->finish_reason, &reply->model, &reply->usage, &reply->logprobs,
                                 &reply->embedding};
    for (size_t i = 0; i < COUNT(parts); i++)
        if (parts[i]->failed)
            return err_nomem(err);
    return 0;
}

static int take_choices(struct reply *reply, struct jval choices, int *seen, struct err *err)
{
    struct jval choice;
    int64_t index;
    for (struct jiter each = jval_items(choices); jiter_next(&each, NULL, &choice);) {
        struct reply *owner = owner_of(reply, choice, &index);
        int what = REPLY_CHOICES;
        if (!owner)
            continue;
        if (take_choice(owner, choice, index, &what) < 0)
            return err_nomem(err);
        note_seen(reply, owner, what);
        reply->has_choices = true;
        *seen |= what;
        if (check_memory(owner, err) < 0)
            return -1;
    }
    return 0;
}

/* {"data":[{"index":0,"embedding":[...]}]} */
static int take_data(struct reply *reply, struct jval data, int *seen, struct err *err)
{
    struct jval item, vector;
    int64_t index;
    for (struct jiter each = jval_items(data); jiter_next(&each, NULL, &item);) {
        struct reply *owner = owner_of(reply, item, &index);
        if (!owner || index != 0 || !jval_member(item, "embedding", &vector))
            continue;
        buf_clear(&owner->embedding);
        const char *why = embedding_write(vector, &owner->embedding);
        if (why)
            reply_fail(owner, FAILURE_PARSE, "%s", why);
        note_seen(reply, owner, REPLY_CHOICES);
        reply->has_choices = true;
        *seen |= REPLY_CHOICES;
        if (check_memory(owner, err) < 0)
            return -1;
    }
    return 0;
}

static int take_object(struct reply *reply, struct jval root, bool is_error, enum usage_of whose, int *seen, struct err *err)
{
    struct jval value, usage;
    struct str name, says;
    bool has_usage = false;
    forget_seen(reply);
    if (is_error)
        take_error(reply, FAILURE_ERROR_EVENT, root);
    if (jval_type(root) != JTYPE_OBJECT) {
        reply_fail(reply, FAILURE_PARSE, "an event that is no object");
        return 0;
    }
    for (struct jiter iter = jval_items(root); jiter_next(&iter, &name, &value);) {
        if (str_eq(name, STR("choices")) && reply->api != OPENAI_EMBEDDINGS) {
            if (take_choices(reply, value, seen, err) < 0)
                return -1;
        } else if (str_eq(name, STR("data")) && reply->api == OPENAI_EMBEDDINGS) {
            if (take_data(reply, value, seen, err) < 0)
                return -1;
        } else if (str_eq(name, STR("usage"))) {
            usage = value;
            has_usage = true;
        } else if (str_eq(name, STR("error")) && !jval_is_null(value))
            take_error(reply, FAILURE_ERROR_EVENT, value);
        else if (str_eq(name, STR("object")) && jval_str(value, &says) && str_is(says, "error"))
            take_error(reply, FAILURE_ERROR_EVENT, root);
        else if (str_eq(name, STR("model")) && reply->model.len == 0) {
            struct str model;
            if (jval_str(value, &model))
                set(&reply->model, model);
        }
    }
    if (has_usage) // once it is known whose it is
        take_usage(reply, usage, whose);
    return check_memory(reply, err);
}

int reply_event(struct reply *reply, struct jdoc *doc, struct str data, bool is_error, int *seen, struct err *err)
{
    struct jval root;
    *seen = 0;
    forget_seen(reply);
    if (str_eq(str_trim(data), STR("[DONE]"))) {
        reply->done = true;
        *seen = REPLY_DONE;
        return 0;
    }
    if (jdoc_parse(doc, data.ptr, data.len, &root, err) < 0) {
        if (err->kind == ERR_NOMEM)
            return -1;
        reply_fail(reply, is_error ? FAILURE_ERROR_EVENT : FAILURE_PARSE, "an event that is %s: %.*s", err->msg,
                   data.len < 100 ? (int)data.len : 100, data.ptr);
        return 0;
    }
    if (jval_is_null(root) && !is_error) // as llama.cpp begins a stream for several prompts
        return 0;
    return take_object(reply, root, is_error, USAGE_OF_CHOICE, seen, err);
}

int reply_body(struct reply *reply, struct jdoc *doc, struct str body, struct err *err)
{
    struct jval root, each;
    int seen = 0;
    if (jdoc_parse(doc, body.ptr, body.len, &root, err) < 0) {
        if (err->kind == ERR_NOMEM)
            return -1;
        reply_fail(reply, FAILURE_PARSE, "a body that is %s: %.*s", err->msg, body.len < 100 ? (int)body.len : 100, body.ptr);
        return 0;
    }
    if (reply->part_count == 0 || jval_type(root) != JTYPE_ARRAY)
        return take_object(reply, root, false, USAGE_OF_ALL, &seen, err);
    for (struct jiter iter = jval_items(root); jiter_next(&iter, NULL, &each);) // llama.cpp: an answer for each prompt
        if (take_object(reply, each, false, USAGE_OF_CHOICE, &seen, err) < 0)
            return -1;
    return 0;
}

static void end_one(struct reply *reply, bool streamed)
{
    if (!reply->has_choices)
        reply_fail(reply, FAILURE_NO_TOKENS, "no %s in the answer", reply->api == OPENAI_EMBEDDINGS ? "data" : "choices");
    else if (reply->api == OPENAI_EMBEDDINGS)
        return;
    else if (reply->open_choices != 0)
        reply_fail(reply, FAILURE_TRUNCATED, "ended without a finish_reason");
    else if (streamed && !reply->done && reply->finish_reason.len == 0)
        reply_fail(reply, FAILURE_TRUNCATED, "ended without [DONE]");
}

void reply_end(struct reply *reply, bool streamed)
{
    bool any_whole = false;
    if (reply->part_count == 0) {
        end_one(reply, streamed);
        return;
    }
    if (reply->failure != FAILURE_NONE) // which is why parts lack something
        return;
    for (size_t i = 0; i < reply->part_count; i++) {
        struct reply *part = reply->parts[i];
        part->done = reply->done;
        end_one(part, streamed);
        any_whole |= part->failure == FAILURE_NONE;
    }
    if (!any_whole)
        reply_fail(reply, reply->parts[0]->failure, "%.*s", STR_ARG(buf_str(&reply->parts[0]->message)));
}

int reply_share(const struct reply *reply, struct err *err)
{
    for (size_t i = 0; i < reply->part_count; i++) {
        struct reply *part = reply->parts[i];
        set(&part->model, buf_str(&reply->model));
        if (i == 0 && reply->usage.len > 0)
            set(&part->usage, buf_str(&reply->usage));
        if (reply->failure != FAILURE_NONE)
            reply_fail(part, reply->failure, "%.*s", STR_ARG(buf_str(&reply->message)));
        if (check_memory(part, err) < 0)
            return -1;
    }
    return 0;
}

static struct str text_or_none(const struct buf *buf, bool has)
{
    return has ? buf_str(buf) : (struct str){NULL, 0};
}

static void write_tools(const struct reply *reply, struct buf *out)
{
    json_array(out);
    for (size_t i = 0; i < reply->tool_count; i++) {
        const struct buf *parts = &reply->tools[i * TOOL_PARTS];
        if (parts[TOOL_ID].len + parts[TOOL_NAME].len + parts[TOOL_ARGUMENTS].len == 0) // an index that nobody used
            continue;
        json_object(out);
        if (parts[TOOL_ID].len > 0)
            json_key(out, "id"), json_str(out, buf_str(&parts[TOOL_ID]));
        json_key(out, "type"), json_cstr(out, "function");
        json_key(out, "function"), json_object(out);
        json_key(out, "name"), json_str(out, buf_str(&parts[TOOL_NAME]));
        json_key(out, "arguments"), json_str(out, buf_str(&parts[TOOL_ARGUMENTS]));
        json_object_end(out);
        json_object_end(out);
    }
    json_array_end(out);
}

void reply_response(const struct reply *reply, struct response *response, struct buf *scratch)
{
    *response = response_none();
    response->embedding = text_or_none(&reply->embedding, reply->embedding.len > 0);
    bool is_empty_text = reply->api != OPENAI_EMBEDDINGS && reply->has_choices && !reply->has_reasoning && reply->tool_count == 0;
    response->text = text_or_none(&reply->text, reply->has_text || is_empty_text);
    response->reasoning = text_or_none(&reply->reasoning, reply->has_reasoning);
    response->finish_reason = text_or_none(&reply->finish_reason, reply->finish_reason.len > 0);
    response->model = text_or_none(&reply->model, reply->model.len > 0);
    response->usage = text_or_none(&reply->usage, reply->usage.len > 0);
    buf_clear(scratch);
    if (reply->tool_count > 0)
        write_tools(reply, scratch);
    size_t tools = scratch->len;
    if (reply->logprobs.len > 0)
        buf_addf(scratch, "[%.*s]", STR_ARG(buf_str(&reply->logprobs)));
    response->tool_calls = tools > 0 ? (struct str){scratch->ptr, tools} : (struct str){NULL, 0};
    response->logprobs = scratch->len > tools ? (struct str){scratch->ptr + tools, scratch->len - tools} : (struct str){NULL, 0};
    if (reply->prompt_tokens >= 0 || reply->completion_tokens >= 0) {
        response->prompt_tokens = reply->prompt_tokens;
        response->completion_tokens = reply->completion_tokens;
        response->tokens_source = "usage";
    } else if (reply->ids >= 0) {
        response->completion_tokens = reply->ids;
        response->tokens_source = "ids";
    } else if (reply->is_part && reply->scored > 0) {
        response->completion_tokens = reply->scored;
        response->tokens_source = "ids";
    }
    response->failure = reply->failure;
    response->message = buf_str(&reply->message);
}
