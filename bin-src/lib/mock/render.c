/* mock/render.c: see render.h */
#include "mock/render.h"

#include "base/json.h"
#include "base/num.h"

/* The event whose data end so many bytes into the answer will be written: its time is to come. */
static void mark(struct answer *answer, uint64_t end)
{
    if (answer->shop->journal)
        buf_add(&answer->times, &(int64_t){-(int64_t)end}, sizeof(int64_t));
}

/* --- HTTP and SSE --- */

void render_chunk(struct answer *answer, struct str text)
{
    struct buf *out = &answer->shop->out;
    char digits[20];
    size_t at = sizeof digits;
    if (!answer->chunked) {
        buf_add_str(out, text);
        return;
    }
    digits[--at] = '\n';
    digits[--at] = '\r';
    for (size_t left = text.len; left > 0; left >>= 4)
        digits[--at] = "0123456789abcdef"[left & 15];
    buf_add(out, digits + at, sizeof digits - at);
    buf_add_str(out, text);
    buf_add(out, "\r\n", 2);
}

static void add_field(struct answer *answer, const char *name, struct str value, struct str eol)
{
    struct buf *event = &answer->shop->event;
    buf_add_str(event, str_of(name));
    if (!answer_has(answer, FAULT_NO_SPACE))
        buf_add_char(event, ' ');
    buf_add_str(event, value);
    buf_add_str(event, eol);
}

static void add_extras(struct answer *answer, struct str eol)
{
    struct buf *event = &answer->shop->event;
    if (answer_has(answer, FAULT_COMMENTS)) {
        buf_add_str(event, STR(": keep-alive"));
        buf_add_str(event, eol);
        buf_add_str(event, eol);
    }
    if (answer_has(answer, FAULT_NAMED)) {
        char id[24];
        add_field(answer, "event:", STR("message"), eol);
        add_field(answer, "id:", (struct str){id, num_format_int(id, answer->at.event)}, eol);
        add_field(answer, "retry:", STR("1000"), eol);
    }
}

void render_event(struct answer *answer, const char *field, struct str value, enum render_counted counted)
{
    struct buf *event = &answer->shop->event, *out = &answer->shop->out;
    struct str eol = answer_has(answer, FAULT_CRLF) ? STR("\r\n") : STR("\n");
    buf_clear(event);
    if (answer->faults)
        add_extras(answer, eol);
    if (answer_has(answer, FAULT_MULTI_LINE) && value.len > 2) { // blanks, and so line ends, may stand inside an object's braces
        add_field(answer, field, (struct str){value.ptr, 1}, eol);
        add_field(answer, field, (struct str){value.ptr + 1, value.len - 2}, eol);
        value = (struct str){value.ptr + value.len - 1, 1};
    }
    add_field(answer, field, value, eol);
    buf_add_str(event, eol);
    render_chunk(answer, buf_str(event));
    if (counted == RENDER_COUNTED)
        mark(answer, answer->emitted + out->len - (answer->chunked ? 2 : 0) - 2 * eol.len);
}

static const char *reason_of(int status)
{
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 429 ? "Too Many Requests"
           : status == 500 ? "Internal Server Error"
                           : "Service Unavailable";
}

void render_head(struct answer *answer, const char *type, int64_t length)
{
    struct buf *out = &answer->shop->out;
    if (answer_has(answer, FAULT_INTERIM))
        buf_add_str(out, STR("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"));
    buf_addf(out, "HTTP/1.%d %d %s\r\nserver: lm-mock\r\ncontent-type: %s\r\n", answer_has(answer, FAULT_HTTP10) ? 0 : 1, answer->status,
             reason_of(answer->status), answer_has(answer, FAULT_CONTENT_TYPE) ? "text/html; charset=utf-8" : type);
    if (answer->status == 429)
        buf_addf(out, "retry-after: %lld\r\n", (long long)answer->script.retry_after_s);
    if (length >= 0)
        buf_addf(out, "content-length: %lld\r\n", (long long)length);
    if (answer->chunked)
        buf_add_str(out, STR("transfer-encoding: chunked\r\n"));
    if (answer->end == SERVER_CLOSE && !answer_has(answer, FAULT_SILENT_CLOSE) && !answer_has(answer, FAULT_SHORT_LENGTH))
        buf_add_str(out, STR("connection: close\r\n"));
    buf_add_str(out, STR("\r\n"));
    answer->head_done = true;
}

void render_json(struct answer *answer, enum render_counted counted)
{
    render_event(answer, "data:", buf_str(&answer->shop->json), counted);
}

void render_turn_to(struct answer *answer, int64_t prompt, struct answer_place place)
{
    answer->prompt_at = prompt;
    answer->at = place;
}

/* Of a batch, what the prompt at hand has so far. */
static const struct wire_usage *own_usage(struct answer *answer)
{
    if (answer->prompts.len == 0)
        return &answer->usage;
    answer->prompt_usage = (struct wire_usage){answer_prompt_tokens(answer), answer->at.token, 0};
    return &answer->prompt_usage;
}

void render_choice(struct answer *answer, const struct wire_choice *choice)
{
    struct wire_choice whole = *choice;
    bool says = answer->script.usage != SCRIPT_USAGE_NEVER && !answer_has(answer, FAULT_NO_USAGE);
    whole.index = answer->prompt_at;
    if (whole.usage || (answer->request.continuous_usage && says))
        whole.usage = own_usage(answer);
    buf_clear(&answer->shop->json);
    wire_event(&answer->wire, &whole, &answer->shop->json);
    render_json(answer, RENDER_COUNTED);
}

void render_role(struct answer *answer)
{
    answer->role_done = true;
    render_choice(answer, &(struct wire_choice){WIRE_DELTA, .text = str_of(answer->wire.wire->role)});
}

/* --- tokens --- */

static struct str next_word(struct answer *answer)
{
    if (answer->text.len == 0) // of a batch, an answer begins at the word that counts its prompt's
        return wire_word(answer->at.token + (answer->prompts.len > 0 ? answer_prompt_tokens(answer) - 1 : 0));
    size_t from = answer->at.text, at = from;
    while (at < answer->text.len && answer->text.ptr[at] == ' ')
        at++;
    while (at < answer->text.len && answer->text.ptr[at] != ' ')
        at++;
    answer->at.text = at;
    return (struct str){answer->text.ptr + from, at - from};
}

static bool is_reasoning(const struct answer *answer)
{
    return answer->at.token < answer->script.reasoning;
}

void render_take_tokens(struct answer *answer, int64_t most)
{
    struct buf *piece = &answer->shop->piece, *tokens = &answer->shop->tokens;
    bool reasoning = is_reasoning(answer);
    buf_clear(piece);
    buf_clear(tokens);
    while (most-- > 0 && answer->at.token < answer->tokens && is_reasoning(answer) == reasoning) {
        struct str word = next_word(answer);
        struct wire_token token = {word, answer->at.token, answer->at.offset};
        buf_add_str(piece, word);
        if (answer->request.logprobs >= 0)
            buf_add(tokens, &token, sizeof token);
        answer->at.token++;
        answer->at.offset += (int64_t)word.len;
        answer->usage.completion++;
        answer->usage.reasoning += reasoning;
    }
}

struct str render_logprobs(struct answer *answer)
{
    struct buf *tokens = &answer->shop->tokens, *extra = &answer->shop->extra;
    if (answer->request.logprobs < 0)
        return STR("");
    buf_clear(extra);
    wire_logprobs(answer->wire.kind, answer->wire.api, (const struct wire_token *)(void *)tokens->ptr,
                  tokens->len / sizeof(struct wire_token), (int)answer->request.logprobs, extra);
    return buf_str(extra);
}

/* JSON of the ids of the tokens from first on, if they are asked for. */
static struct str ids_from(struct answer *answer, int64_t first)
{
    struct buf *ids = &answer->shop->ids;
    if (!answer->request.token_ids)
        return STR("");
    buf_clear(ids);
    json_array(ids);
    for (int64_t id = first; id < answer->at.token; id++)
        json_int(ids, id + 1000);
    json_array_end(ids);
    return buf_str(ids);
}

static enum wire_finish finish_now(const struct answer *answer)
{
    return answer_has_more(answer) || answer->wire.wire->finish_apart[answer->wire.api] ? WIRE_UNFINISHED : answer->finish;
}

static void add_tool_event(struct answer *answer)
{
    const char *from = answer->tools.ptr + answer->tool_at;
    size_t len = (size_t)((const char *)memchr(from, '\n', answer->tools.len - answer->tool_at) - from);
    answer->tool_at += len + 1;
    answer->usage.completion++;
    render_choice(answer, &(struct wire_choice){WIRE_DELTA, .text = {from, len}, .finish = finish_now(answer)});
}

void render_token_event(struct answer *answer)
{
    if (answer_has(answer, FAULT_EMPTY_DELTAS) && answer->at.event > 0)
        render_choice(answer, &(struct wire_choice){.text = STR("")});
    answer->at.event++;
    if (answer->at.token == answer->tokens) {
        add_tool_event(answer);
        return;
    }
    struct wire_choice choice = {is_reasoning(answer) && answer->wire.api == WIRE_CHAT ? WIRE_REASONING : WIRE_TEXT, .text = {"", 0}};
    int64_t first = answer->at.token;
    render_take_tokens(answer, answer->script.per_event);
    choice.text = buf_str(&answer->shop->piece);
    choice.logprobs = render_logprobs(answer);
    choice.ids = ids_from(answer, first);
    choice.finish = finish_now(answer);
    render_choice(answer, &choice);
}
