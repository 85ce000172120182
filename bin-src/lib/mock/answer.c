/* mock/answer.c: see answer.h */
#include "mock/answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "mock/fault.h"

#include <stdlib.h>

enum {
    HELD_MAX = 256 << 10, // bytes that a client has not taken, over which an answer waits
    ROUNDS = 64,          // steps that are due at once, in one turn
    TOOL_PIECE = 8,       // bytes of arguments a token
};
#define SPLIT_GAP_NS (100 * NS_PER_US)
#define SLOW_HEADERS_NS NS_PER_S

static const uint64_t placed_faults = FAULT_BIT(FAULT_RESET) | FAULT_BIT(FAULT_STALL) | FAULT_BIT(FAULT_TRUNCATE) | FAULT_BIT(FAULT_EARLY_END) |
                                      FAULT_BIT(FAULT_ERROR_EVENT) | FAULT_BIT(FAULT_ERROR_FIELD) | FAULT_BIT(FAULT_BAD_CHUNK) |
                                      FAULT_BIT(FAULT_GARBAGE) | FAULT_BIT(FAULT_NON_UTF8);

static bool has(const struct answer *answer, enum fault fault)
{
    return fault_in(answer->faults, fault);
}

/* --- bytes to the socket --- */

static size_t drip_left(const struct answer *answer)
{
    return answer->drip.len - answer->drip_at;
}

static void give_up(struct answer *answer)
{
    answer->then = ANSWER_NEVER; // server.h will say that the client is gone
    answer->drip_at = answer->drip.len;
}

/* Counts those events of a write just done whose data did not all go out with it. */
static void count_held(struct answer *answer)
{
    size_t count = answer->times.len / sizeof(int64_t);
    answer->held += (int64_t)(count - (answer->settled > answer->written ? answer->settled : answer->written));
    answer->written = count;
}

/* Writes what is in out, at once or in pieces, and empties it. */
static void emit(struct answer *answer)
{
    struct buf *out = &answer->shop->out;
    answer->emitted += out->len;
    if (out->failed || answer->shop->json.failed || answer->shop->event.failed) {
        answer->then = ANSWER_END;
        answer->end = SERVER_RESET;
        answer->drip_at = answer->drip.len;
    } else if (answer->drip_every > 0) {
        if (drip_left(answer) == 0) {
            buf_clear(&answer->drip);
            answer->drip_at = 0;
            answer->drip_due_ns = 0;
        }
        buf_add_str(&answer->drip, buf_str(out));
        if (answer->drip.failed)
            give_up(answer);
    } else if (out->len > 0) {
        if (server_write(answer->conn, out->ptr, out->len) < 0)
            give_up(answer);
        else
            count_held(answer);
    }
    buf_clear(out);
}

static void write_piece(struct answer *answer, int64_t now_ns)
{
    size_t len = drip_left(answer) < answer->drip_every ? drip_left(answer) : answer->drip_every;
    if (server_write(answer->conn, answer->drip.ptr + answer->drip_at, len) < 0) {
        give_up(answer);
        return;
    }
    answer->drip_at += len;
    answer->drip_due_ns = now_ns + answer->drip_gap_ns;
    if (drip_left(answer) == 0) { // what slow headers or a stall set is over
        answer->drip_every = has(answer, FAULT_SPLIT) ? (size_t)answer->script.every : 0;
        answer->drip_gap_ns = SPLIT_GAP_NS;
    }
}

/* The event whose data end so many bytes into the answer will be written: its time is to come. */
static void mark(struct answer *answer, uint64_t end)
{
    if (answer->shop->journal)
        buf_add(&answer->times, &(int64_t){-(int64_t)end}, sizeof(int64_t));
}

void answer_wrote(struct answer *answer, uint64_t sent, int64_t at_ns)
{
    int64_t *times = (int64_t *)(void *)answer->times.ptr;
    size_t count = answer->times.len / sizeof(int64_t);
    answer->written_ns = at_ns;
    while (answer->settled < count && (uint64_t)-times[answer->settled] <= sent)
        times[answer->settled++] = at_ns;
    if (answer->blocked) {
        answer->blocked = false;
        loop_timer_set(answer->shop->loop, &answer->timer, clock_ns());
    }
}

/* --- pieces of an answer --- */

static void add_chunk(struct answer *answer, struct str text)
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
    if (!has(answer, FAULT_NO_SPACE))
        buf_add_char(event, ' ');
    buf_add_str(event, value);
    buf_add_str(event, eol);
}

static void add_extras(struct answer *answer, struct str eol)
{
    struct buf *event = &answer->shop->event;
    if (has(answer, FAULT_COMMENTS)) {
        buf_add_str(event, STR(": keep-alive"));
        buf_add_str(event, eol);
        buf_add_str(event, eol);
    }
    if (has(answer, FAULT_NAMED)) {
        char id[24];
        add_field(answer, "event:", STR("message"), eol);
        add_field(answer, "id:", (struct str){id, num_format_int(id, answer->event_at)}, eol);
        add_field(answer, "retry:", STR("1000"), eol);
    }
}

enum counted { EVENT_COUNTS, EVENT_BESIDE }; // those with choices count

/* An event of the field ("data:") and its value, as a chunk of its own. */
static void add_event(struct answer *answer, const char *field, struct str value, enum counted counted)
{
    struct buf *event = &answer->shop->event, *out = &answer->shop->out;
    struct str eol = has(answer, FAULT_CRLF) ? STR("\r\n") : STR("\n");
    buf_clear(event);
    if (answer->faults)
        add_extras(answer, eol);
    if (has(answer, FAULT_MULTI_LINE) && value.len > 2) { // blanks, and so line ends, may stand inside an object's braces
        add_field(answer, field, (struct str){value.ptr, 1}, eol);
        add_field(answer, field, (struct str){value.ptr + 1, value.len - 2}, eol);
        value = (struct str){value.ptr + value.len - 1, 1};
    }
    add_field(answer, field, value, eol);
    buf_add_str(event, eol);
    add_chunk(answer, buf_str(event));
    if (counted == EVENT_COUNTS)
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

/* The head; length below 0: chunked, or until the connection ends. */
static void add_head(struct answer *answer, const char *type, int64_t length)
{
    struct buf *out = &answer->shop->out;
    if (has(answer, FAULT_INTERIM))
        buf_add_str(out, STR("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"));
    buf_addf(out, "HTTP/1.%d %d %s\r\nserver: lm-mock\r\ncontent-type: %s\r\n", has(answer, FAULT_HTTP10) ? 0 : 1, answer->status,
             reason_of(answer->status), has(answer, FAULT_CONTENT_TYPE) ? "text/html; charset=utf-8" : type);
    if (answer->status == 429)
        buf_addf(out, "retry-after: %lld\r\n", (long long)answer->script.retry_after_s);
    if (length >= 0)
        buf_addf(out, "content-length: %lld\r\n", (long long)length);
    if (answer->chunked)
        buf_add_str(out, STR("transfer-encoding: chunked\r\n"));
    if (answer->end == SERVER_CLOSE && !has(answer, FAULT_SILENT_CLOSE) && !has(answer, FAULT_SHORT_LENGTH))
        buf_add_str(out, STR("connection: close\r\n"));
    buf_add_str(out, STR("\r\n"));
    answer->head_done = true;
}

static void add_json(struct answer *answer, enum counted counted)
{
    add_event(answer, "data:", buf_str(&answer->shop->json), counted);
}

static void add_choice(struct answer *answer, const struct wire_choice *choice)
{
    struct wire_choice whole = *choice;
    if (!whole.usage && answer->request.continuous_usage && answer->script.usage != SCRIPT_USAGE_NEVER && !has(answer, FAULT_NO_USAGE))
        whole.usage = &answer->usage;
    buf_clear(&answer->shop->json);
    wire_event(&answer->wire, &whole, &answer->shop->json);
    add_json(answer, EVENT_COUNTS);
}

static void add_role(struct answer *answer)
{
    answer->role_done = true;
    add_choice(answer, &(struct wire_choice){WIRE_DELTA, .text = str_of(answer->wire.wire->role)});
}

/* --- tokens --- */

static bool more(const struct answer *answer)
{
    return answer->token_at < answer->tokens || answer->tool_at < answer->tools.len;
}

static struct str next_word(struct answer *answer)
{
    if (answer->text.len == 0)
        return wire_word(answer->token_at);
    size_t from = answer->text_at, at = from;
    while (at < answer->text.len && answer->text.ptr[at] == ' ')
        at++;
    while (at < answer->text.len && answer->text.ptr[at] != ' ')
        at++;
    answer->text_at = at;
    return (struct str){answer->text.ptr + from, at - from};
}

static bool is_reasoning(const struct answer *answer)
{
    return answer->token_at < answer->script.reasoning;
}

/* Counts tokens and gathers their text in piece, and themselves in tokens: at most so many, all reasoning or none. */
static void take_tokens(struct answer *answer, int64_t most)
{
    struct buf *piece = &answer->shop->piece, *tokens = &answer->shop->tokens;
    bool reasoning = is_reasoning(answer);
    buf_clear(piece);
    buf_clear(tokens);
    while (most-- > 0 && answer->token_at < answer->tokens && is_reasoning(answer) == reasoning) {
        struct str word = next_word(answer);
        struct wire_token token = {word, answer->token_at, answer->offset};
        buf_add_str(piece, word);
        if (answer->request.logprobs >= 0)
            buf_add(tokens, &token, sizeof token);
        answer->token_at++;
        answer->offset += (int64_t)word.len;
        answer->usage.completion++;
        answer->usage.reasoning += reasoning;
    }
}

static struct str logprobs_of_tokens(struct answer *answer)
{
    struct buf *tokens = &answer->shop->tokens, *extra = &answer->shop->extra;
    if (answer->request.logprobs < 0)
        return STR("");
    buf_clear(extra);
    wire_logprobs(answer->wire.kind, answer->wire.api, (const struct wire_token *)(void *)tokens->ptr, tokens->len / sizeof(struct wire_token),
                  (int)answer->request.logprobs, extra);
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
    for (int64_t id = first; id < answer->token_at; id++)
        json_int(ids, id + 1000);
    json_array_end(ids);
    return buf_str(ids);
}

static enum wire_finish finish_now(const struct answer *answer)
{
    return more(answer) || answer->wire.wire->finish_apart[answer->wire.api] ? WIRE_UNFINISHED : answer->finish;
}

static void add_tool_event(struct answer *answer)
{
    const char *from = answer->tools.ptr + answer->tool_at;
    size_t len = (size_t)((const char *)memchr(from, '\n', answer->tools.len - answer->tool_at) - from);
    answer->tool_at += len + 1;
    answer->usage.completion++;
    add_choice(answer, &(struct wire_choice){WIRE_DELTA, .text = {from, len}, .finish = finish_now(answer)});
}

static void add_token_event(struct answer *answer)
{
    if (has(answer, FAULT_EMPTY_DELTAS) && answer->event_at > 0)
        add_choice(answer, &(struct wire_choice){.text = STR("")});
    answer->event_at++;
    if (answer->token_at == answer->tokens) {
        add_tool_event(answer);
        return;
    }
    struct wire_choice choice = {is_reasoning(answer) && answer->wire.api == WIRE_CHAT ? WIRE_REASONING : WIRE_TEXT, .text = {"", 0}};
    int64_t first = answer->token_at;
    take_tokens(answer, answer->script.per_event);
    choice.text = buf_str(&answer->shop->piece);
    choice.logprobs = logprobs_of_tokens(answer);
    choice.ids = ids_from(answer, first);
    choice.finish = finish_now(answer);
    add_choice(answer, &choice);
}

/* --- the end --- */

static bool says_usage(const struct answer *answer)
{
    return answer->script.usage != SCRIPT_USAGE_NEVER && !has(answer, FAULT_NO_USAGE) &&
           (answer->script.usage == SCRIPT_USAGE_ALWAYS || answer->request.include_usage);
}

/* How the connection goes on after an answer that was as it should be. */
static enum server_end usual_end(const struct answer *answer)
{
    bool closes = !answer->keep_alive || has(answer, FAULT_CONNECTION_CLOSE) || has(answer, FAULT_SILENT_CLOSE) || has(answer, FAULT_HTTP10) ||
                  has(answer, FAULT_SHORT_LENGTH) || (answer->request.stream && answer->http_minor == 0);
    return closes ? SERVER_CLOSE : SERVER_KEEP;
}

static void end_with(struct answer *answer, enum server_end end)
{
    emit(answer);
    if (answer->then == ANSWER_STEP) { // the client is still there
        answer->then = ANSWER_END;
        answer->end = end;
    }
}

static void add_last_chunk(struct answer *answer)
{
    if (answer->chunked)
        buf_add_str(&answer->shop->out, has(answer, FAULT_TRAILERS) ? STR("0\r\nx-tokens: 1\r\nx-more: 2\r\n\r\n") : STR("0\r\n\r\n"));
}

static void add_done(struct answer *answer)
{
    if (!has(answer, FAULT_NO_DONE)) {
        uint64_t faults = answer->faults;
        answer->faults &= ~FAULT_BIT(FAULT_MULTI_LINE);
        add_event(answer, "data:", STR("[DONE]"), EVENT_BESIDE);
        answer->faults = faults;
    }
}

static void finish_stream(struct answer *answer)
{
    const struct wire *wire = answer->wire.wire;
    enum wire_api api = answer->wire.api;
    bool always = wire->usage_in_finish[api] && !has(answer, FAULT_NO_USAGE) && answer->script.usage != SCRIPT_USAGE_NEVER;
    if (!has(answer, FAULT_NO_CHOICES) && (wire->finish_apart[api] || answer->event_at == 0)) {
        emit(answer);
        add_choice(answer, &(struct wire_choice){api == WIRE_CHAT ? WIRE_DELTA : WIRE_TEXT,
                                                 .text = api == WIRE_CHAT ? STR("{}") : STR(""),
                                                 .finish = answer->finish,
                                                 .usage = always ? &answer->usage : NULL});
    }
    if (says_usage(answer) && !wire->usage_in_finish[api]) {
        buf_clear(&answer->shop->json);
        wire_usage_event(&answer->wire, &answer->usage, &answer->shop->json);
        add_json(answer, EVENT_BESIDE);
    }
    add_done(answer);
    add_last_chunk(answer);
    end_with(answer, usual_end(answer));
}

/* --- faults --- */

static void stall(struct answer *answer)
{
    emit(answer);
    answer->faults &= ~FAULT_BIT(FAULT_STALL);
    if (answer->then == ANSWER_STEP && answer->script.for_ns < 0)
        answer->then = ANSWER_NEVER;
    else
        answer->due_ns += answer->script.for_ns;
}

static void error_in_stream(struct answer *answer)
{
    bool field = has(answer, FAULT_ERROR_FIELD);
    struct buf *json = &answer->shop->json;
    buf_clear(json);
    wire_error(answer->wire.kind, 500, answer->wire.kind == WIRE_LLAMA_CPP ? "server_error" : "InternalServerError", "the mock was told to fail",
               json);
    add_event(answer, field ? "error:" : "data:", buf_str(json), EVENT_BESIDE);
    if (!field && answer->wire.wire->done_after_error)
        add_done(answer);
    add_last_chunk(answer);
    end_with(answer, SERVER_CLOSE);
}

/* Does what is due at this place. True: the step is over with it. */
static bool fault_step(struct answer *answer)
{
    struct buf *out = &answer->shop->out;
    if (has(answer, FAULT_GARBAGE)) {
        answer->faults &= ~FAULT_BIT(FAULT_GARBAGE);
        add_event(answer, "data:", STR("{\"choices\":[{\"delta\":{\"content"), EVENT_BESIDE);
    }
    if (has(answer, FAULT_NON_UTF8)) {
        answer->faults &= ~FAULT_BIT(FAULT_NON_UTF8);
        add_choice(answer, &(struct wire_choice){.text = STR("\xff\xfe\x80")});
    }
    if (has(answer, FAULT_RESET))
        end_with(answer, SERVER_RESET);
    else if (has(answer, FAULT_TRUNCATE))
        end_with(answer, SERVER_CLOSE);
    else if (has(answer, FAULT_BAD_CHUNK)) {
        buf_add_str(out, STR("zz\r\n"));
        end_with(answer, SERVER_CLOSE);
    } else if (has(answer, FAULT_EARLY_END)) {
        add_last_chunk(answer);
        end_with(answer, usual_end(answer));
    } else if (has(answer, FAULT_ERROR_EVENT) || has(answer, FAULT_ERROR_FIELD))
        error_in_stream(answer);
    else if (has(answer, FAULT_STALL))
        stall(answer);
    else
        return false;
    return true;
}

static bool fault_is_due(const struct answer *answer)
{
    return answer->faults & placed_faults && (answer->event_at >= answer->script.after || !more(answer));
}

/* --- steps --- */

static void drip_head(struct answer *answer)
{
    answer->drip_every = answer->shop->out.len / 4 + 1;
    answer->drip_gap_ns = (answer->script.for_ns < 0 ? SLOW_HEADERS_NS : answer->script.for_ns) / 3;
    emit(answer);
}

/* The head. True: nothing else is due yet. */
static bool head_step(struct answer *answer)
{
    add_head(answer, "text/event-stream; charset=utf-8", has(answer, FAULT_SHORT_LENGTH) ? 1000000000 : -1);
    if (has(answer, FAULT_SLOW_HEADERS))
        drip_head(answer);
    if (!answer->role_done && answer->script.role == SCRIPT_ROLE_EARLY)
        add_role(answer);
    if (answer->due_ns >= answer->first_ns)
        return false;
    emit(answer);
    answer->due_ns = answer->first_ns;
    return true;
}

static bool role_is_joined(const struct answer *answer)
{
    return answer->script.role == SCRIPT_ROLE_JOINED || (answer->script.role == SCRIPT_ROLE_WIRE && answer->wire.wire->role_joined);
}

static void stream_step(struct answer *answer)
{
    if (!answer->head_done && head_step(answer))
        return;
    for (int64_t i = 0; i < answer->script.per_write && (more(answer) || i == 0); i++) {
        if (fault_is_due(answer) && fault_step(answer))
            return;
        if (!answer->role_done) {
            add_role(answer);
            if (!role_is_joined(answer))
                emit(answer);
        }
        if (more(answer))
            add_token_event(answer);
    }
    if (!more(answer)) {
        if (!fault_is_due(answer) || !fault_step(answer))
            finish_stream(answer);
        return;
    }
    emit(answer);
    answer->due_ns += distribution_draw_ns(&answer->script.itl, &answer->rng);
}

/* What an answer that is not streamed says, into json. */
static void render_whole(struct answer *answer)
{
    struct buf reasoning = {0};
    struct wire_whole whole = {.finish = answer->finish, .no_choices = has(answer, FAULT_NO_CHOICES)};
    if (answer->script.reasoning > 0) {
        take_tokens(answer, answer->script.reasoning);
        buf_add_str(&reasoning, buf_str(&answer->shop->piece));
    }
    take_tokens(answer, answer->tokens);
    whole.reasoning = buf_str(&reasoning);
    whole.text = has(answer, FAULT_NON_UTF8) ? STR("\xff\xfe\x80") : buf_str(&answer->shop->piece);
    whole.logprobs = logprobs_of_tokens(answer);
    whole.tool_calls = buf_str(&answer->tools);
    answer->usage.completion += answer->tool_events;
    if (!has(answer, FAULT_NO_USAGE) && answer->script.usage != SCRIPT_USAGE_NEVER)
        whole.usage = &answer->usage;
    buf_clear(&answer->shop->json);
    if (has(answer, FAULT_ERROR_EVENT) || has(answer, FAULT_ERROR_FIELD))
        wire_error(answer->wire.kind, 500, "InternalServerError", "the mock was told to fail", &answer->shop->json);
    else
        wire_whole(&answer->wire, &whole, &answer->shop->json);
    if (reasoning.failed)
        answer->shop->json.failed = true;
    buf_release(&reasoning);
}

/* An answer that is not streamed, in one write. Faults of a place have theirs in the middle of the body. */
static void whole_step(struct answer *answer)
{
    static const uint64_t cutting = FAULT_BIT(FAULT_RESET) | FAULT_BIT(FAULT_STALL) | FAULT_BIT(FAULT_TRUNCATE) | FAULT_BIT(FAULT_EARLY_END) |
                                    FAULT_BIT(FAULT_BAD_CHUNK) | FAULT_BIT(FAULT_ENDLESS);
    struct buf *out = &answer->shop->out, *json = &answer->shop->json;
    render_whole(answer);
    if (has(answer, FAULT_GARBAGE))
        json->len /= 2;
    add_head(answer, "application/json", (int64_t)json->len + (has(answer, FAULT_SHORT_LENGTH) ? 1000 : 0));
    if (has(answer, FAULT_SLOW_HEADERS))
        drip_head(answer);
    size_t first = answer->faults & cutting ? json->len / 2 : json->len;
    buf_add(out, json->ptr, first);
    if (has(answer, FAULT_STALL) && answer->script.for_ns >= 0) {
        emit(answer);
        buf_add(out, json->ptr + first, json->len - first);
        answer->drip_every = json->len;
        emit(answer);
        answer->drip_due_ns = clock_ns() + answer->script.for_ns;
        end_with(answer, usual_end(answer));
    } else if (has(answer, FAULT_STALL) || has(answer, FAULT_ENDLESS)) {
        emit(answer);
        answer->then = ANSWER_NEVER;
    } else
        end_with(answer, has(answer, FAULT_RESET) ? SERVER_RESET : first < json->len ? SERVER_CLOSE : usual_end(answer));
}

/* --- the log --- */

static void add_times(const struct answer *answer, struct buf *line)
{
    const int64_t *times = (const int64_t *)(const void *)answer->times.ptr;
    bool several = false;
    json_key(line, "writes_ns"), json_array(line);
    for (size_t i = 0; i < answer->settled; i++)
        if (i == 0 || times[i] != times[i - 1])
            json_int(line, times[i]);
        else
            several = true;
    json_array_end(line);
    if (!several)
        return;
    json_key(line, "events"), json_array(line);
    for (size_t i = 0, from = 0; i < answer->settled; i++)
        if (i + 1 == answer->settled || times[i + 1] != times[i]) {
            json_int(line, (int64_t)(i + 1 - from));
            from = i + 1;
        }
    json_array_end(line);
}

enum left { LEFT_NOT, LEFT_EARLY };

static void add_to_journal(const struct answer *answer, enum left left)
{
    struct buf *line = &answer->shop->journal->held;
    struct buf names = {0};
    json_object(line);
    if (answer->id.len > 0)
        json_key(line, "id"), json_str(line, buf_str(&answer->id));
    json_key(line, "port"), json_int(line, server_peer_port(answer->conn));
    json_key(line, "model"), json_str(line, buf_str(&answer->model));
    json_key(line, "received_ns"), json_int(line, answer->received_ns);
    if (answer->head_done)
        json_key(line, "status"), json_int(line, answer->status);
    json_key(line, "tokens"), json_int(line, answer->usage.completion);
    if (answer->request.stream)
        add_times(answer, line);
    if (answer->held > 0)
        json_key(line, "held"), json_int(line, answer->held);
    size_t unsent = answer->times.len / sizeof(int64_t) - answer->settled;
    if (unsent > 0)
        json_key(line, "unsent"), json_int(line, (int64_t)unsent);
    if (answer->script.faults) {
        fault_names(answer->script.faults, &names);
        json_key(line, "fault"), json_str(line, buf_str(&names));
    }
    if (left == LEFT_EARLY)
        json_key(line, "gone"), json_bool(line, true);
    json_key(line, "end_ns"), json_int(line, answer->end == SERVER_KEEP && answer->written_ns > 0 ? answer->written_ns : clock_ns());
    json_object_end(line);
    buf_add_char(line, '\n');
    buf_release(&names);
}

/* --- its life --- */

static void put_back(struct answer *answer)
{
    loop_timer_stop(answer->shop->loop, &answer->timer);
    answer->next = answer->shop->spare;
    answer->shop->spare = answer;
}

static void over(struct answer *answer)
{
    struct server_conn *conn = answer->conn;
    enum server_end end = answer->end;
    struct answer_shop *shop = answer->shop;
    if (shop->journal)
        add_to_journal(answer, LEFT_NOT);
    server_set_data(conn, NULL);
    server_done(conn, end);
    shop->over(answer, shop->context);
    put_back(answer);
}

void answer_gone(struct answer *answer)
{
    struct answer_shop *shop = answer->shop;
    if (shop->journal)
        add_to_journal(answer, LEFT_EARLY);
    shop->over(answer, shop->context);
    put_back(answer);
}

/* Does all that is due. The answer may be over when this returns. */
static void run(struct answer *answer, int64_t now_ns)
{
    for (int rounds = 0;; rounds++) {
        bool drips = drip_left(answer) > 0, ends = !drips && answer->then == ANSWER_END;
        if (!drips && answer->then == ANSWER_NEVER)
            return;
        size_t held = server_held(answer->conn);
        if (held > HELD_MAX || (ends && held > 0 && answer->end != SERVER_RESET)) {
            answer->blocked = true;
            return;
        }
        int64_t due_ns = drips ? answer->drip_due_ns : ends ? now_ns : answer->due_ns;
        if (due_ns > now_ns || (rounds >= ROUNDS && !ends)) {
            loop_timer_set(answer->shop->loop, &answer->timer, due_ns > now_ns ? due_ns : clock_ns());
            return;
        }
        if (ends) {
            over(answer);
            return;
        }
        if (drips)
            write_piece(answer, now_ns);
        else if (answer->request.stream)
            stream_step(answer);
        else
            whole_step(answer);
    }
}

static void on_due(struct loop_timer *timer, int64_t now_ns)
{
    run((struct answer *)timer, now_ns);
}

/* Answers that are none, or an error. */
static bool start_fault(struct answer *answer)
{
    static const struct {
        enum fault fault;
        int status;
        const char *type;
    } errors[] = {{FAULT_HTTP_400, 400, "BadRequestError"},
                  {FAULT_HTTP_429, 429, "RateLimitError"},
                  {FAULT_HTTP_500, 500, "InternalServerError"},
                  {FAULT_HTTP_503, 503, "ServiceUnavailableError"}};
    if (has(answer, FAULT_REFUSE))
        end_with(answer, SERVER_RESET);
    else if (has(answer, FAULT_DROP) || (has(answer, FAULT_STALE) && server_requests(answer->conn) > 1))
        end_with(answer, SERVER_CLOSE);
    else if (has(answer, FAULT_HANG))
        answer->then = ANSWER_NEVER;
    else if (has(answer, FAULT_BAD_HTTP)) {
        buf_add_str(&answer->shop->out, STR("HTTP?! what is this\r\ncontent-length: 2\r\n\r\nno"));
        end_with(answer, SERVER_CLOSE);
    } else
        for (size_t i = 0; i < COUNT(errors); i++)
            if (has(answer, errors[i].fault)) {
                answer->status = errors[i].status;
                answer->chunked = false;
                buf_clear(&answer->shop->json);
                wire_error(answer->wire.kind, answer->status, errors[i].type, "the mock was told to fail", &answer->shop->json);
                add_head(answer, "application/json", (int64_t)answer->shop->json.len);
                buf_add_str(&answer->shop->out, buf_str(&answer->shop->json));
                end_with(answer, usual_end(answer));
                break;
            }
    return answer->then != ANSWER_STEP;
}

void answer_start(struct answer *answer, int64_t now_ns)
{
    answer->timer.fire = on_due;
    const struct script *script = &answer->script;
    int64_t ttft_ns = distribution_draw_ns(&script->ttft, &answer->rng);
    answer->first_ns = now_ns + ttft_ns;
    buf_clear(&answer->shop->out);
    answer->status = 200;
    if (!start_fault(answer) && answer->request.stream) {
        int64_t head_ns = script->has_headers ? script->headers_ns : answer->wire.wire->head_waits ? ttft_ns : 0;
        answer->due_ns = now_ns + (head_ns < ttft_ns ? head_ns : ttft_ns);
    } else if (answer->then == ANSWER_STEP) {
        answer->due_ns = answer->first_ns;
        for (int64_t i = 1; i < answer->tokens; i++)
            answer->due_ns += distribution_draw_ns(&script->itl, &answer->rng);
    }
    run(answer, now_ns);
}

static void on_start(struct loop_timer *timer, int64_t now_ns)
{
    answer_start((struct answer *)timer, now_ns);
}

void answer_start_soon(struct answer *answer)
{
    answer->timer.fire = on_start;
    loop_timer_set(answer->shop->loop, &answer->timer, clock_ns());
}

/* --- what will be said --- */

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
    if (!script->has_tool_calls || answer->request.api != WIRE_CHAT || has(answer, FAULT_NO_CHOICES))
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

static void set_tokens(struct answer *answer, const struct script *script, const struct request *request, struct rng *rng)
{
    int64_t asked = request->max_tokens, most = script->has_text ? words_of(buf_str(&answer->text)) : INT64_MAX;
    if (has(answer, FAULT_NO_CHOICES))
        answer->tokens = 0;
    else if (script->tokens_are != SCRIPT_TOKENS_UNSAID)
        answer->tokens = (int64_t)(distribution_draw(&script->tokens, rng) + 0.5);
    else if (script->has_text)
        answer->tokens = most;
    else if (script->has_tool_calls && request->api == WIRE_CHAT)
        answer->tokens = 0;
    else
        answer->tokens = asked >= 0 ? asked : SCRIPT_TOKENS_DEFAULT;
    if (script->tokens_are != SCRIPT_TOKENS_EXACT && asked >= 0 && asked < answer->tokens)
        answer->tokens = asked;
    if (answer->tokens > most)
        answer->tokens = most;
    if (answer->tokens > SCRIPT_TOKENS_MAX)
        answer->tokens = SCRIPT_TOKENS_MAX;
    answer->finish = asked >= 0 && answer->tokens >= asked ? WIRE_LENGTH : answer->tool_events > 0 ? WIRE_TOOL_CALLS : WIRE_STOP;
    if (script->finish != WIRE_UNFINISHED)
        answer->finish = script->finish;
    if (has(answer, FAULT_NO_FINISH))
        answer->finish = WIRE_UNFINISHED;
    if (has(answer, FAULT_ENDLESS) && request->stream)
        answer->tokens = INT64_MAX;
    if (has(answer, FAULT_REASONING))
        answer->script.reasoning = answer->tokens;
}

static struct answer *take_spare(struct answer_shop *shop)
{
    struct answer *answer = shop->spare;
    if (!answer)
        return calloc(1, sizeof *answer);
    shop->spare = answer->next;
    struct answer kept = *answer;
    *answer = (struct answer){.text = kept.text, .tools = kept.tools, .drip = kept.drip, .id = kept.id, .model = kept.model, .times = kept.times};
    answer->wire.open = kept.wire.open;
    answer->wire.close = kept.wire.close;
    struct buf *bufs[] = {&answer->text, &answer->tools, &answer->drip, &answer->id, &answer->model, &answer->times};
    for (size_t i = 0; i < COUNT(bufs); i++)
        buf_clear(bufs[i]);
    return answer;
}

static void set_identity(struct answer *answer, const struct http *head, const char *model, int64_t number)
{
    static const char *const prefixes[] = {[WIRE_CHAT] = "chatcmpl-", [WIRE_COMPLETIONS] = "cmpl-"};
    static const char *const objects[][2] = {[WIRE_CHAT] = {"chat.completion", "chat.completion.chunk"},
                                             [WIRE_COMPLETIONS] = {"text_completion", "text_completion"}};
    const struct request *request = &answer->request;
    struct str id;
    struct buf *full = &answer->shop->piece;
    buf_clear(full);
    buf_add_str(full, str_of(prefixes[request->api]));
    if (http_header(head, "x-request-id", &id)) {
        buf_add_str(&answer->id, id);
        buf_add_str(full, id);
    } else
        buf_addf(full, "%016llx", (unsigned long long)number);
    buf_add_str(&answer->model, model ? str_of(model) : request->model.len > 0 ? request->model : STR("mock"));
    wire_begin(&answer->wire, answer->shop->wire, request->api, objects[request->api][request->stream], buf_str(full), buf_str(&answer->model),
               clock_utc_ns() / NS_PER_S);
}

struct answer *answer_new(struct answer_shop *shop, struct server_conn *conn, const struct http *head, const struct request *request,
                          const struct script *script, const char *model, int64_t number, int64_t seed, struct err *err)
{
    struct answer *answer = take_spare(shop);
    if (!answer) {
        err_nomem(err);
        return NULL;
    }
    answer->shop = shop;
    answer->conn = conn;
    answer->script = *script;
    answer->request = *request;
    answer->faults = script->faults;
    answer->rng = rng_stream(seed, "mock times", number);
    answer->keep_alive = head->keep_alive;
    answer->http_minor = head->minor;
    answer->usage.prompt = request->prompt_tokens;
    set_identity(answer, head, model, number);
    set_text(answer, script);
    set_tools(answer, script);
    struct rng rng = rng_stream(seed, "mock tokens", number);
    set_tokens(answer, script, request, &rng);
    answer->end = usual_end(answer);
    answer->chunked = request->stream && head->minor > 0 && !has(answer, FAULT_HTTP10) && !has(answer, FAULT_SHORT_LENGTH);
    answer->role_done = request->api != WIRE_CHAT || script->role == SCRIPT_ROLE_NONE || has(answer, FAULT_NO_CHOICES);
    if (has(answer, FAULT_SPLIT)) {
        answer->drip_every = (size_t)script->every;
        answer->drip_gap_ns = SPLIT_GAP_NS;
    }
    if (answer->text.failed || answer->tools.failed || answer->wire.open.failed || answer->wire.close.failed || answer->model.failed) {
        put_back(answer);
        err_nomem(err);
        return NULL;
    }
    return answer;
}

void answer_shop_release(struct answer_shop *shop)
{
    struct buf *bufs[] = {&shop->out, &shop->event, &shop->json, &shop->piece, &shop->extra, &shop->ids, &shop->tokens};
    while (shop->spare) {
        struct answer *answer = shop->spare;
        shop->spare = answer->next;
        struct buf *own[] = {&answer->text, &answer->tools, &answer->drip, &answer->id, &answer->model, &answer->times};
        for (size_t i = 0; i < COUNT(own); i++)
            buf_release(own[i]);
        wire_release(&answer->wire);
        free(answer);
    }
    for (size_t i = 0; i < COUNT(bufs); i++)
        buf_release(bufs[i]);
}
