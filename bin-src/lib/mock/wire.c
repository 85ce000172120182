/* mock/wire.c: see wire.h */
#include "mock/wire.h"

#include "base/json.h"

const char *const wire_names[] = {[WIRE_VLLM] = "vllm", [WIRE_SGLANG] = "sglang", [WIRE_LLAMA_CPP] = "llama.cpp", NULL};
const char *const wire_finish_names[] = {
    [WIRE_UNFINISHED] = "",
    [WIRE_STOP] = "stop",
    [WIRE_LENGTH] = "length",
    [WIRE_TOOL_CALLS] = "tool_calls",
    [WIRE_CONTENT_FILTER] = "content_filter",
    [WIRE_ABORT] = "abort",
};
_Static_assert(COUNT(wire_finish_names) == WIRE_FINISH_COUNT, "every finish reason has a name");

static const struct wire wires[] = {
    [WIRE_VLLM] = {
        .role = "{\"role\":\"assistant\",\"content\":\"\"}",
        .reasoning = "reasoning",
        .done_after_error = true,
        .choice_end = {"}", ",\"stop_reason\":null}"},
        .last_choice_end = {",\"stop_reason\":null}", ",\"stop_reason\":null}"},
        .event_end = {"", ""},
    },
    [WIRE_SGLANG] = {
        .role = "{\"role\":\"assistant\",\"content\":\"\"}",
        .finish_apart = {true, false},
        .reasoning = "reasoning_content",
        .done_after_error = true,
        .choice_end = {",\"matched_stop\":null}", ",\"matched_stop\":null}"},
        .last_choice_end = {",\"matched_stop\":151645}", ",\"matched_stop\":151645}"},
        .event_end = {"", ",\"usage\":null"},
    },
    [WIRE_LLAMA_CPP] = {
        .role = "{\"role\":\"assistant\",\"content\":null}",
        .role_joined = true,
        .head_waits = true,
        .finish_apart = {true, true},
        .usage_in_finish = {false, true},
        .reasoning = "reasoning_content",
        .choice_end = {"}", "}"},
        .last_choice_end = {"}", "}"},
        .event_end = {"", ""},
    },
};
_Static_assert(COUNT(wires) == WIRE_COUNT && COUNT(wire_names) == WIRE_COUNT + 1, "every wire has a line and a name");

const struct wire *wire_of(enum wire_kind kind)
{
    return &wires[kind];
}

static void add_identity(struct buf *out, const char *object, struct str id, struct str model, int64_t created_s)
{
    json_key(out, "id"), json_str(out, id);
    json_key(out, "object"), json_cstr(out, object);
    json_key(out, "created"), json_int(out, created_s);
    json_key(out, "model"), json_str(out, model);
}

void wire_begin(struct wire_answer *answer, enum wire_kind kind, enum wire_api api, const char *object, struct str id, struct str model,
                int64_t created_s)
{
    answer->wire = &wires[kind];
    answer->kind = kind;
    answer->api = api;
    buf_clear(&answer->open);
    buf_clear(&answer->close);
    if (api == WIRE_EMBEDDINGS) {
        json_object(&answer->open);
        add_identity(&answer->open, object, id, model, created_s);
        return;
    }
    if (kind == WIRE_LLAMA_CPP) { // it sorts the names of an object
        buf_add_str(&answer->open, STR("{\"choices\":["));
        buf_add_str(&answer->close, STR(","));
        add_identity(&answer->close, object, id, model, created_s);
        buf_add_str(&answer->close, STR(",\"system_fingerprint\":\"mock\""));
        return;
    }
    json_object(&answer->open);
    add_identity(&answer->open, object, id, model, created_s);
    buf_add_str(&answer->open, STR(",\"choices\":["));
    buf_add_str(&answer->close, str_of(answer->wire->event_end[api]));
}

void wire_release(struct wire_answer *answer)
{
    buf_release(&answer->open);
    buf_release(&answer->close);
}

void wire_vectors(const struct wire_answer *answer, struct str data, const struct wire_usage *usage, struct buf *json)
{
    buf_add_str(json, buf_str(&answer->open));
    json_key(json, "data"), json_raw(json, data);
    if (usage) {
        json_key(json, "usage"), json_object(json);
        json_key(json, "prompt_tokens"), json_int(json, usage->prompt);
        json_key(json, "total_tokens"), json_int(json, usage->prompt);
        if (answer->kind == WIRE_VLLM)
            json_key(json, "completion_tokens"), json_int(json, 0);
        json_object_end(json);
    }
    json_object_end(json);
}

static void add_usage(const struct wire_usage *usage, struct buf *json)
{
    json_object(json);
    json_key(json, "prompt_tokens"), json_int(json, usage->prompt);
    json_key(json, "total_tokens"), json_int(json, usage->prompt + usage->completion);
    json_key(json, "completion_tokens"), json_int(json, usage->completion);
    if (usage->reasoning > 0) {
        json_key(json, "completion_tokens_details"), json_object(json);
        json_key(json, "reasoning_tokens"), json_int(json, usage->reasoning);
        json_object_end(json);
    }
    json_object_end(json);
}

static void add_timings(const struct wire_usage *usage, struct buf *json)
{
    buf_add_str(json, STR(",\"timings\":{\"prompt_n\":"));
    json_int(json, usage->prompt);
    buf_add_str(json, STR(",\"predicted_n\":"));
    json_int(json, usage->completion);
    buf_add_char(json, '}');
}

void wire_open(const struct wire_answer *answer, struct buf *json)
{
    buf_add_str(json, buf_str(&answer->open));
}

static void add_index(int64_t index, struct buf *json)
{
    buf_add_str(json, STR("{\"index\":"));
    json_int(json, index);
    buf_add_char(json, ',');
}

/* All behind the choices. */
void wire_close(const struct wire_answer *answer, const struct wire_usage *usage, struct buf *json)
{
    buf_add_char(json, ']');
    if (!usage || answer->kind == WIRE_LLAMA_CPP) // which has no null for usage to be in the way
        buf_add_str(json, buf_str(&answer->close));
    if (usage) {
        buf_add_str(json, STR(",\"usage\":"));
        add_usage(usage, json);
        if (answer->kind == WIRE_LLAMA_CPP)
            add_timings(usage, json);
    }
    buf_add_char(json, '}');
}

static void add_finish(enum wire_finish finish, struct buf *json)
{
    if (finish == WIRE_UNFINISHED) {
        buf_add_str(json, STR(",\"finish_reason\":null"));
        return;
    }
    buf_add_str(json, STR(",\"finish_reason\":\""));
    buf_add_str(json, str_of(wire_finish_names[finish]));
    buf_add_char(json, '"');
}

static void add_content(const struct wire_answer *answer, const struct wire_choice *choice, struct buf *json)
{
    if (answer->api == WIRE_COMPLETIONS) {
        buf_add_str(json, STR("\"text\":\""));
        buf_add_str(json, choice->text);
        buf_add_char(json, '"');
        return;
    }
    buf_add_str(json, STR("\"delta\":"));
    switch (choice->what) {
    case WIRE_TEXT:
        buf_add_str(json, STR("{\"content\":\""));
        break;
    case WIRE_REASONING:
        buf_add_str(json, STR("{\""));
        buf_add_str(json, str_of(answer->wire->reasoning));
        buf_add_str(json, STR("\":\""));
        break;
    case WIRE_DELTA:
        buf_add_str(json, choice->text);
        return;
    }
    buf_add_str(json, choice->text);
    buf_add_str(json, STR("\"}"));
}

static void add_logprobs(struct str logprobs, struct buf *json)
{
    buf_add_str(json, STR(",\"logprobs\":"));
    buf_add_str(json, logprobs.len > 0 ? logprobs : STR("null"));
}

void wire_event(const struct wire_answer *answer, const struct wire_choice *choice, struct buf *json)
{
    const char *const *end = choice->finish == WIRE_UNFINISHED ? answer->wire->choice_end : answer->wire->last_choice_end;
    buf_add_str(json, buf_str(&answer->open));
    add_index(choice->index, json);
    add_content(answer, choice, json);
    add_logprobs(choice->logprobs, json);
    add_finish(choice->finish, json);
    if (choice->ids.len > 0) {
        buf_add_str(json, STR(",\"token_ids\":"));
        buf_add_str(json, choice->ids);
    }
    buf_add_str(json, str_of(end[answer->api]));
    wire_close(answer, choice->usage, json);
}

void wire_usage_event(const struct wire_answer *answer, const struct wire_usage *usage, struct buf *json)
{
    buf_add_str(json, buf_str(&answer->open));
    wire_close(answer, usage, json);
}

void wire_error(enum wire_kind kind, int status, const char *type, const char *message, struct buf *json)
{
    json_object(json);
    if (kind == WIRE_SGLANG)
        json_key(json, "object"), json_cstr(json, "error");
    json_key(json, "error"), json_object(json);
    if (kind == WIRE_LLAMA_CPP)
        json_key(json, "code"), json_int(json, status);
    json_key(json, "message"), json_cstr(json, message);
    json_key(json, "type"), json_cstr(json, type);
    if (kind != WIRE_LLAMA_CPP) {
        json_key(json, "param"), json_null(json);
        json_key(json, "code"), json_int(json, status);
    }
    json_object_end(json);
    json_object_end(json);
}

static void add_quoted(struct str escaped, struct buf *json)
{
    buf_add_char(json, '"');
    buf_add_str(json, escaped);
    buf_add_char(json, '"');
}

static void add_message(const struct wire_answer *answer, const struct wire_whole *whole, struct buf *json)
{
    buf_add_str(json, STR("\"message\":{\"role\":\"assistant\",\"content\":"));
    if (whole->text.len == 0 && whole->tool_calls.len > 0)
        buf_add_str(json, STR("null"));
    else
        add_quoted(whole->text, json);
    if (whole->reasoning.len > 0) {
        json_key(json, answer->wire->reasoning);
        add_quoted(whole->reasoning, json);
    }
    if (whole->tool_calls.len > 0)
        json_key(json, "tool_calls"), buf_add_str(json, whole->tool_calls);
    buf_add_char(json, '}');
}

void wire_whole(const struct wire_answer *answer, const struct wire_whole *whole, struct buf *json)
{
    if (whole->index > 0)
        buf_add_char(json, ',');
    add_index(whole->index, json);
    if (answer->api == WIRE_CHAT)
        add_message(answer, whole, json);
    else
        buf_add_str(json, STR("\"text\":")), add_quoted(whole->text, json);
    add_logprobs(whole->logprobs, json);
    add_finish(whole->finish, json);
    buf_add_str(json, str_of(answer->wire->last_choice_end[answer->api]));
}

/* --- log probabilities --- */

/* Of the alternative that comes in place rank; 0 is the token itself. Multiples of 1/8, which any parser reads back. */
static double logprob_of(const struct wire_token *token, int rank)
{
    return -0.125 * (double)(1 + token->index % 8) - 0.5 * rank;
}

static struct str alternative(const struct wire_token *token, int rank)
{
    return rank == 0 ? token->text : wire_word(token->index + rank + 1);
}

/* The bytes of an escaped text are known where nothing is escaped. */
static void add_bytes(struct str text, struct buf *json)
{
    json_key(json, "bytes");
    if (memchr(text.ptr, '\\', text.len)) {
        json_null(json);
        return;
    }
    json_array(json);
    for (size_t i = 0; i < text.len; i++)
        json_int(json, (unsigned char)text.ptr[i]);
    json_array_end(json);
}

static void add_entry(const struct wire_token *token, int rank, struct buf *json)
{
    struct str text = alternative(token, rank);
    json_key(json, "token"), add_quoted(text, json);
    json_key(json, "logprob"), json_double(json, logprob_of(token, rank));
    add_bytes(text, json);
}

static void add_chat_shape(enum wire_kind kind, const struct wire_token *tokens, size_t count, int top, struct buf *json)
{
    buf_add_str(json, STR("{\"content\":["));
    for (size_t i = 0; i < count; i++) {
        json_object(json);
        if (kind == WIRE_LLAMA_CPP)
            json_key(json, "id"), json_int(json, tokens[i].index);
        add_entry(&tokens[i], 0, json);
        json_key(json, "top_logprobs"), json_array(json);
        for (int rank = 0; rank < top; rank++) {
            json_object(json);
            add_entry(&tokens[i], rank, json);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    buf_add_str(json, STR("]}"));
}

static void add_completions_shape(const struct wire_token *tokens, size_t count, int top, struct buf *json)
{
    json_object(json);
    json_key(json, "text_offset"), json_array(json);
    for (size_t i = 0; i < count; i++)
        json_int(json, tokens[i].offset);
    json_array_end(json);
    json_key(json, "token_logprobs"), json_array(json);
    for (size_t i = 0; i < count; i++)
        json_double(json, logprob_of(&tokens[i], 0));
    json_array_end(json);
    json_key(json, "tokens"), buf_add_char(json, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add_str(json, i ? STR(",") : STR(""));
        add_quoted(tokens[i].text, json);
    }
    json_array_end(json);
    json_key(json, "top_logprobs"), json_array(json);
    for (size_t i = 0; i < count; i++) {
        json_object(json);
        for (int rank = 0; rank < (top > 0 ? top : 1); rank++) {
            buf_add_str(json, rank ? STR(",") : STR(""));
            add_quoted(alternative(&tokens[i], rank), json);
            buf_add_char(json, ':');
            json_double(json, logprob_of(&tokens[i], rank));
        }
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

void wire_logprobs(enum wire_kind kind, enum wire_api api, const struct wire_token *tokens, size_t count, int top, struct buf *json)
{
    if (api == WIRE_CHAT || kind == WIRE_LLAMA_CPP)
        add_chat_shape(kind, tokens, count, top, json);
    else
        add_completions_shape(tokens, count, top, json);
}

/* --- the text --- */

static const char *const words[] = {
    " The", " mock", " server", " says", " one", " word", " for", " each", " token", " that", " it", " was", " asked", " to", " write,",
    " and", " it", " says", " them", " in", " the", " same", " order", " every", " time,", " so", " that", " a", " reader", " can",
    " tell", " at", " once", " which", " word", " is", " missing,", " which", " came", " twice,", " and", " where", " a", " stream",
    " was", " cut", " off", " before", " its", " end;", " after", " that", " it", " begins", " again", " with", " the", " first", " of",
    " these", " words", " as", " it", " stands.",
};

struct str wire_word(int64_t k)
{
    const char *word = words[(uint64_t)k % COUNT(words)];
    return str_of(k == 0 ? word + 1 : word);
}
