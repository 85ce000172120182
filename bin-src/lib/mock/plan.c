/* mock/plan.c: see plan.h */
#include "mock/plan.h"

#include "base/json.h"

enum { TOOL_PIECE = 8 }; // bytes of arguments a token

static void add_tool_delta(struct answer *answer, int64_t call, struct str name, struct str arguments)
{
    struct buf delta = {0};
    json_object(&delta);
    json_key(&delta, "tool_calls"), json_array(&delta), json_object(&delta);
    json_key(&delta, "index"), json_int(&delta, call);
    if (name.len > 0) {
        json_key(&delta, "id"), buf_addf(&delta, "\"call_%lld\"", (long long)call);
        json_key(&delta, "type"), json_cstr(&delta, "function");
    }
    json_key(&delta, "function"), json_object(&delta);
    if (name.len > 0)
        json_key(&delta, "name"), json_str(&delta, name);
    json_key(&delta, "arguments"), json_str(&delta, arguments);
    json_object_end(&delta), json_object_end(&delta), json_array_end(&delta), json_object_end(&delta);
    buf_add_str(&answer->tools, buf_str(&delta));
    buf_add_char(&answer->tools, '\n');
    if (delta.failed)
        answer->tools.failed = true;
    buf_release(&delta);
    answer->tool_events++;
}

static void stream_tool_call(struct answer *answer, int64_t call, struct str name, struct str arguments)
{
    add_tool_delta(answer, call, name, STR(""));
    while (arguments.len > 0) {
        size_t len = arguments.len < TOOL_PIECE ? arguments.len : TOOL_PIECE;
        while (len < arguments.len && ((unsigned char)arguments.ptr[len] & 0xc0) == 0x80)
            len++;
        add_tool_delta(answer, call, STR(""), (struct str){arguments.ptr, len});
        arguments = (struct str){arguments.ptr + len, arguments.len - len};
    }
}

static void whole_tool_call(struct answer *answer, int64_t call, struct str name, struct str arguments)
{
    struct buf *out = &answer->tools;
    json_object(out);
    json_key(out, "id"), buf_addf(out, "\"call_%lld\"", (long long)call);
    json_key(out, "type"), json_cstr(out, "function");
    json_key(out, "function"), json_object(out);
    json_key(out, "name"), json_str(out, name);
    json_key(out, "arguments"), json_str(out, arguments);
    json_object_end(out), json_object_end(out);
    answer->tool_events += 1 + (int64_t)((arguments.len + TOOL_PIECE - 1) / TOOL_PIECE);
}

static void set_tools(struct answer *answer, const struct script *script)
{
    struct jval call;
    struct str name, arguments;
    int64_t at = 0;
    buf_clear(&answer->tools);
    answer->tool_events = 0;
    if (!script->has_tool_calls || answer->request.api != WIRE_CHAT || answer_has(answer, FAULT_NO_CHOICES))
        return;
    if (!answer->request.stream)
        json_array(&answer->tools);
    for (struct jiter it = jval_items(script->tool_calls); jiter_next(&it, NULL, &call); at++) {
        jval_str_at(call, "/name", &name);
        jval_str_at(call, "/arguments", &arguments);
        if (answer->request.stream)
            stream_tool_call(answer, at, name, arguments);
        else
            whole_tool_call(answer, at, name, arguments);
    }
    if (!answer->request.stream)
        json_array_end(&answer->tools);
}

static void set_text(struct answer *answer, const struct script *script)
{
    buf_clear(&answer->text);
    if (!script->has_text)
        return;
    json_str(&answer->text, script->text);
    if (answer->text.failed)
        return;
    answer->text.len -= 2; // its quotes
    memmove(answer->text.ptr, answer->text.ptr + 1, answer->text.len);
}

static int64_t words_of(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] != ' ' ? i == 0 || text.ptr[i - 1] == ' ' : i + 1 == text.len; // blanks at the end are one
    return count;
}

static void set_tokens(struct answer *answer, const struct script *script, struct rng *rng)
{
    const struct asked *request = &answer->request;
    int64_t asked = request->max_tokens, most = script->has_text ? words_of(buf_str(&answer->text)) : INT64_MAX;
    if (answer_has(answer, FAULT_NO_CHOICES))
        answer->tokens = 0;
    else if (script->has_text && script->tokens_are != SCRIPT_TOKENS_EXACT)
        answer->tokens = most;
    else if (script->tokens_are != SCRIPT_TOKENS_UNSAID)
        answer->tokens = (int64_t)(distribution_draw(&script->tokens, rng) + 0.5);
    else if (script->has_tool_calls && request->api == WIRE_CHAT)
        answer->tokens = 0;
    else
        answer->tokens = asked >= 0 ? asked : SCRIPT_TOKENS_DEFAULT;
    if (script->tokens_are == SCRIPT_TOKENS_BOUNDED && !script->has_text && asked >= 0 && asked < answer->tokens)
        answer->tokens = asked;
    if (answer->tokens > most)
        answer->tokens = most;
    if (answer->tokens > SCRIPT_TOKENS_MAX)
        answer->tokens = SCRIPT_TOKENS_MAX;
    answer->finish = asked >= 0 && answer->tokens >= asked ? WIRE_LENGTH : answer->tool_events > 0 ? WIRE_TOOL_CALLS : WIRE_STOP;
    if (script->finish != WIRE_UNFINISHED)
        answer->finish = script->finish;
    if (answer_has(answer, FAULT_NO_FINISH))
        answer->finish = WIRE_UNFINISHED;
    if (answer_has(answer, FAULT_ENDLESS) && request->stream)
        answer->tokens = INT64_MAX;
    if (answer_has(answer, FAULT_REASONING))
        answer->script.reasoning = answer->tokens;
}

void plan_answer(struct answer *answer, const struct script *script, struct rng *rng)
{
    set_text(answer, script);
    set_tools(answer, script);
    set_tokens(answer, script, rng);
}
