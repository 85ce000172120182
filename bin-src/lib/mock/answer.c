/* mock/answer.c: see answer.h */
#include "mock/answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t split_pause_ns = NS_PER_US * 100, default_for_ns = NS_PER_S;
enum { SPLIT_EVERY = 7, HEAD_PIECES = 4 };

struct answer {
    struct answer_context *context;
    struct server_conn *conn;
    struct loop_timer timer;
    void (*next)(struct answer *answer); // what the timer's tick does
    struct script script;
    struct asked request;
    struct wire_answer wire;
    struct rng rng;
    int64_t number, received_ns, due_ns;
    int64_t index, count;   // the next token, and how many there are
    size_t text_at;         // of the script's own text
    bool role_said, chunked, gave_fault;
    struct buf text, tools, id; // escaped; JSON; the client's
    struct buf out;         // what the next write carries
    size_t out_at;          // of it, where writes are split
    void (*after_out)(struct answer *answer);
    uint64_t queued;        // bytes handed to the socket, or held behind it
    struct buf ends;        // uint64_t: where each event with choices ends, in the answer's bytes
    struct buf times;       // int64_t: when the write that carried its end was made
};

static bool has(const struct answer *answer, enum fault fault)
{
    return fault_in(answer->script.faults, fault);
}

/* --- the end --- */

static void log_answer(const struct answer *answer, int64_t now_ns)
{
    struct buf line = {0};
    struct buf names = {0};
    json_object(&line);
    json_key(&line, "id"), json_str(&line, buf_str(&answer->id));
    json_key(&line, "request"), json_int(&line, answer->number);
    json_key(&line, "port"), json_int(&line, server_peer_port(answer->conn));
    json_key(&line, "received_ns"), json_int(&line, answer->received_ns);
    json_key(&line, "writes_ns"), json_array(&line);
    for (size_t i = 0; i < answer->times.len / sizeof(int64_t); i++)
        json_int(&line, ((const int64_t *)(const void *)answer->times.ptr)[i]);
    json_array_end(&line);
    if (answer->script.faults) {
        fault_names(answer->script.faults, &names);
        json_key(&line, "fault"), json_str(&line, buf_str(&names));
    }
    json_key(&line, "end_ns"), json_int(&line, now_ns);
    json_object_end(&line);
    buf_add_char(&line, '\n');
    if (!line.failed)
        answer->context->log(answer->context->user, buf_str(&line));
    buf_release(&names);
    buf_release(&line);
}

static void release(struct answer *answer)
{
    struct buf *parts[] = {&answer->text, &answer->tools, &answer->id, &answer->out, &answer->ends, &answer->times};
    answer->context->running--;
    loop_timer_stop(answer->context->loop, &answer->timer);
    wire_release(&answer->wire);
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_release(parts[i]);
    free(answer);
}

static void end(struct answer *answer, enum server_end how)
{
    struct server_conn *conn = answer->conn;
    if (answer->context->log)
        log_answer(answer, clock_ns());
    server_set_data(conn, NULL);
    release(answer);
    server_done(conn, how);
}

void answer_gone(struct answer *answer)
{
    if (!answer)
        return;
    if (answer->context->log)
        log_answer(answer, clock_ns());
    release(answer);
}

/* --- writing --- */

static void tick(struct loop_timer *timer, int64_t now_ns)
{
    struct answer *answer = (struct answer *)((char *)timer - offsetof(struct answer, timer));
    (void)now_ns;
    answer->next(answer);
}

static void do_at(struct answer *answer, int64_t at_ns, void (*next)(struct answer *answer))
{
    answer->next = next;
    loop_timer_set(answer->context->loop, &answer->timer, at_ns);
}

void answer_wrote(struct answer *answer, uint64_t sent, int64_t at_ns)
{
    if (!answer || !answer->context->log)
        return;
    size_t known = answer->times.len / sizeof at_ns, count = answer->ends.len / sizeof sent;
    while (known < count && ((const uint64_t *)(const void *)answer->ends.ptr)[known] <= sent) {
        buf_add(&answer->times, &at_ns, sizeof at_ns);
        known++;
    }
}

static void write_piece(struct answer *answer)
{
    size_t every = answer->script.every > 0 ? (size_t)answer->script.every : SPLIT_EVERY, left = answer->out.len - answer->out_at;
    size_t len = left < every ? left : every;
    server_write(answer->conn, answer->out.ptr + answer->out_at, len);
    answer->out_at += len;
    if (answer->out_at < answer->out.len) {
        do_at(answer, clock_ns() + split_pause_ns, write_piece);
        return;
    }
    buf_clear(&answer->out);
    answer->after_out(answer);
}

/* Writes what was put, in one write(2) unless writes are to be split, and goes on with then. */
static void flush(struct answer *answer, void (*then)(struct answer *answer))
{
    answer->queued += answer->out.len;
    if (has(answer, FAULT_SPLIT) && answer->out.len > 0) {
        answer->out_at = 0;
        answer->after_out = then;
        write_piece(answer);
        return;
    }
    if (answer->out.len > 0)
        server_write(answer->conn, answer->out.ptr, answer->out.len);
    buf_clear(&answer->out);
    then(answer);
}

/* A write of its own, whatever the faults. */
static void write_now(struct answer *answer)
{
    answer->queued += answer->out.len;
    if (answer->out.len > 0)
        server_write(answer->conn, answer->out.ptr, answer->out.len);
    buf_clear(&answer->out);
}

static void put_chunk(struct answer *answer, struct str bytes)
{
    if (answer->chunked)
        buf_addf(&answer->out, "%zx\r\n", bytes.len);
    buf_add_str(&answer->out, bytes);
    if (answer->chunked)
        buf_add_str(&answer->out, STR("\r\n"));
}

static void put_lines(struct answer *answer, struct buf *event, const char *field, struct str json)
{
    const char *eol = has(answer, FAULT_CRLF) ? "\r\n" : "\n", *blank = has(answer, FAULT_NO_SPACE) ? "" : " ";
    if (has(answer, FAULT_COMMENTS))
        buf_addf(event, ": keep-alive%s%s", eol, eol);
    if (has(answer, FAULT_NAMED))
        buf_addf(event, "event: message%sid: %lld%sretry: 1000%s", eol, (long long)answer->index, eol, eol);
    size_t cut = 0;
    if (has(answer, FAULT_MULTI_LINE)) // at commas between members, where a line feed is but a blank
        for (int i = 0; i < 2; i++) {
            const char *comma = memmem(json.ptr + cut, json.len - cut, ",\"", 2);
            if (!comma)
                break;
            size_t to = (size_t)(comma + 1 - json.ptr);
            buf_addf(event, "%s:%s%.*s%s", field, blank, (int)(to - cut), json.ptr + cut, eol);
            cut = to;
        }
    buf_add_str(event, str_of(field));
    buf_add_char(event, ':');
    buf_add_str(event, str_of(blank));
    buf_add(event, json.ptr + cut, json.len - cut);
    buf_add_str(event, str_of(eol));
    buf_add_str(event, str_of(eol));
}

enum event_kind { WITH_CHOICES, WITHOUT_CHOICES };

static void put_event(struct answer *answer, const char *field, struct str json, enum event_kind kind)
{
    static const char plain[] = "data: ";
    uint64_t usual = FAULT_BIT(FAULT_COMMENTS) | FAULT_BIT(FAULT_NAMED) | FAULT_BIT(FAULT_MULTI_LINE) | FAULT_BIT(FAULT_CRLF) | FAULT_BIT(FAULT_NO_SPACE);
    if (!(answer->script.faults & usual) && strcmp(field, "data") == 0) { // as nearly all are
        if (answer->chunked)
            buf_addf(&answer->out, "%zx\r\n", json.len + sizeof plain - 1 + 2);
        buf_add(&answer->out, plain, sizeof plain - 1);
        buf_add_str(&answer->out, json);
        buf_add_str(&answer->out, answer->chunked ? STR("\n\n\r\n") : STR("\n\n"));
    } else {
        struct buf event = {0};
        put_lines(answer, &event, field, json);
        put_chunk(answer, buf_str(&event));
        buf_release(&event);
    }
    uint64_t ends = answer->queued + answer->out.len;
    if (kind == WITH_CHOICES && answer->context->log)
        buf_add(&answer->ends, &ends, sizeof ends);
}

/* --- the head --- */

static const char *reason_of(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

void answer_plain(struct server_conn *conn, int status, const char *type, struct str body, const char *more_headers)
{
    struct buf out = {0};
    buf_addf(&out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status, reason_of(status), type, body.len, more_headers);
    buf_add_str(&out, body);
    server_write(conn, out.ptr, out.len);
    buf_release(&out);
}

static void put_head(struct answer *answer, size_t body_len)
{
    struct buf *out = &answer->out;
    const char *type = has(answer, FAULT_CONTENT_TYPE) ? "text/html" : answer->request.stream ? "text/event-stream; charset=utf-8" : "application/json";
    if (has(answer, FAULT_INTERIM))
        buf_add_str(out, STR("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"));
    answer->chunked = answer->request.stream && !has(answer, FAULT_HTTP10);
    buf_addf(out, "HTTP/1.%d 200 OK\r\nContent-Type: %s\r\n", has(answer, FAULT_HTTP10) ? 0 : 1, type);
    if (has(answer, FAULT_CONNECTION_CLOSE))
        buf_add_str(out, STR("Connection: close\r\n"));
    if (answer->chunked)
        buf_add_str(out, STR("Transfer-Encoding: chunked\r\n"));
    else if (!answer->request.stream && !has(answer, FAULT_HTTP10))
        buf_addf(out, "Content-Length: %zu\r\n", body_len + (has(answer, FAULT_SHORT_LENGTH) ? 64 : 0));
    buf_add_str(out, STR("\r\n"));
}

/* --- the tail --- */

static void idle(struct answer *answer)
{
    (void)answer; // until the client goes
}

static void endless(struct answer *answer)
{
    do_at(answer, clock_ns() + 10 * NS_PER_MS, endless);
    put_chunk(answer, STR(": and so on\n\n"));
    write_now(answer);
}

static void finish(struct answer *answer)
{
    bool closes = has(answer, FAULT_HTTP10) || has(answer, FAULT_CONNECTION_CLOSE) || has(answer, FAULT_SILENT_CLOSE) || has(answer, FAULT_SHORT_LENGTH);
    end(answer, closes ? SERVER_CLOSE : SERVER_KEEP);
}

static void put_end_of_body(struct answer *answer)
{
    if (answer->chunked)
        buf_add_str(&answer->out, has(answer, FAULT_TRAILERS) ? STR("0\r\nX-Trailer: one\r\n\r\n") : STR("0\r\n\r\n"));
}

static struct wire_usage usage_of(const struct answer *answer)
{
    bool all = has(answer, FAULT_REASONING);
    int64_t reasoning = all ? answer->index : answer->script.reasoning < answer->index ? answer->script.reasoning : answer->index;
    return (struct wire_usage){answer->request.prompt_tokens, answer->index, reasoning};
}

static bool gives_usage(const struct answer *answer)
{
    if (has(answer, FAULT_NO_USAGE) || answer->script.usage == SCRIPT_USAGE_NEVER)
        return false;
    return answer->script.usage == SCRIPT_USAGE_ALWAYS || !answer->request.stream || answer->request.include_usage;
}

/* Behind the last token: usage, [DONE], the body's end, in one write. */
static void put_tail(struct answer *answer)
{
    struct wire_usage usage = usage_of(answer);
    struct buf *json = &answer->context->scratch;
    if (gives_usage(answer) && !answer->wire.wire->usage_in_finish[answer->request.api]) {
        buf_clear(json);
        wire_usage_event(&answer->wire, &usage, json);
        put_event(answer, "data", buf_str(json), WITHOUT_CHOICES);
    }
    if (has(answer, FAULT_ENDLESS)) {
        flush(answer, endless);
        return;
    }
    if (!has(answer, FAULT_NO_DONE))
        put_event(answer, "data", STR("[DONE]"), WITHOUT_CHOICES);
    put_end_of_body(answer);
    flush(answer, finish);
}

/* --- faults at a place in the stream --- */

static void close_now(struct answer *answer)
{
    end(answer, SERVER_CLOSE);
}

static void go_on(struct answer *answer);

static void give_error(struct answer *answer, const char *field)
{
    struct buf *json = &answer->context->scratch;
    buf_clear(json);
    wire_error(answer->context->wire, 500, "InternalServerError", "the mock was told to fail", json);
    put_event(answer, field, buf_str(json), WITHOUT_CHOICES);
    if (answer->wire.wire->done_after_error)
        put_event(answer, "data", STR("[DONE]"), WITHOUT_CHOICES);
    put_end_of_body(answer);
    flush(answer, finish);
}

/* True: the fault took the answer over. */
static bool give_fault(struct answer *answer)
{
    if (answer->gave_fault || answer->index < answer->script.after || !answer->script.faults)
        return false;
    answer->gave_fault = true;
    if (has(answer, FAULT_RESET))
        end(answer, SERVER_RESET);
    else if (has(answer, FAULT_STALL)) {
        if (answer->script.for_ns >= 0)
            do_at(answer, answer->due_ns = clock_ns() + answer->script.for_ns, go_on);
        else
            do_at(answer, INT64_MAX / 2, idle);
    } else if (has(answer, FAULT_TRUNCATE))
        close_now(answer);
    else if (has(answer, FAULT_EARLY_END)) {
        put_end_of_body(answer);
        flush(answer, finish);
    } else if (has(answer, FAULT_ERROR_EVENT))
        give_error(answer, "data");
    else if (has(answer, FAULT_ERROR_FIELD))
        give_error(answer, "error");
    else if (has(answer, FAULT_BAD_CHUNK)) {
        buf_add_str(&answer->out, STR("what\r\ndata: x\n\n\r\n"));
        flush(answer, close_now);
    } else {
        if (has(answer, FAULT_GARBAGE))
            put_event(answer, "data", STR("{\"choices\":[{\"index\":0,"), WITHOUT_CHOICES);
        if (has(answer, FAULT_NON_UTF8))
            put_event(answer, "data", STR("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xff\xfe\"}}]}"), WITHOUT_CHOICES);
        return false;
    }
    return true;
}

/* --- tokens --- */

/* The next token's text, escaped. */
static struct str next_text(struct answer *answer)
{
    if (!answer->script.has_text)
        return wire_word(answer->index);
    struct str all = buf_str(&answer->text);
    size_t from = answer->text_at, to = from;
    while (to < all.len && (to == from || all.ptr[to] != ' '))
        to++;
    answer->text_at = to;
    return (struct str){all.ptr + from, to - from};
}

static void put_choice(struct answer *answer, const struct wire_choice *choice)
{
    struct buf *json = &answer->context->scratch;
    buf_clear(json);
    wire_event(&answer->wire, choice, json);
    put_event(answer, "data", buf_str(json), has(answer, FAULT_NO_CHOICES) ? WITHOUT_CHOICES : WITH_CHOICES);
}

static void put_role(struct answer *answer)
{
    answer->role_said = true;
    if (answer->request.api == WIRE_CHAT && answer->script.role != SCRIPT_ROLE_NONE && !has(answer, FAULT_NO_CHOICES))
        put_choice(answer, &(struct wire_choice){.what = WIRE_DELTA, .text = str_of(answer->wire.wire->role)});
}

static enum wire_finish finish_of(const struct answer *answer)
{
    if (has(answer, FAULT_NO_FINISH))
        return WIRE_UNFINISHED;
    if (answer->script.finish != WIRE_UNFINISHED)
        return answer->script.finish;
    if (answer->tools.len > 0)
        return WIRE_TOOL_CALLS;
    return answer->request.max_tokens >= 0 && answer->count >= answer->request.max_tokens ? WIRE_LENGTH : WIRE_STOP;
}

static bool is_reasoning(const struct answer *answer)
{
    return answer->request.api == WIRE_CHAT && (has(answer, FAULT_REASONING) || answer->index < answer->script.reasoning);
}

/* One event, of as many tokens as go in one. */
static void put_tokens(struct answer *answer)
{
    struct wire_token tokens[32];
    struct buf text = {0}, logprobs = {0};
    size_t count = 0;
    bool reasoning = is_reasoning(answer), apart = answer->wire.wire->finish_apart[answer->request.api];
    int64_t first = answer->index;
    struct str one = {"", 0};
    do {
        one = next_text(answer);
        if (count < COUNT(tokens))
            tokens[count++] = (struct wire_token){one, answer->index, (int64_t)answer->text_at};
        if (answer->script.per_event > 1)
            buf_add_str(&text, one);
        answer->index++;
    } while (answer->index < answer->count && answer->index - first < answer->script.per_event && is_reasoning(answer) == reasoning);
    if (answer->request.logprobs >= 0)
        wire_logprobs(answer->context->wire, answer->request.api, tokens, count, (int)answer->request.logprobs, &logprobs);
    bool last = answer->index >= answer->count && answer->tools.len == 0;
    struct wire_usage usage = usage_of(answer);
    struct wire_choice choice = {.what = reasoning ? WIRE_REASONING : WIRE_TEXT,
                                 .text = answer->script.per_event > 1 ? buf_str(&text) : one,
                                 .logprobs = buf_str(&logprobs),
                                 .finish = last && !apart ? finish_of(answer) : WIRE_UNFINISHED,
                                 .usage = answer->request.continuous_usage ? &usage : NULL};
    put_choice(answer, &choice);
    answer->context->generated += answer->index - first;
    if (has(answer, FAULT_EMPTY_DELTAS) && answer->index < answer->count)
        put_choice(answer, &(struct wire_choice){.what = WIRE_TEXT, .text = {"", 0}});
    buf_release(&text);
    buf_release(&logprobs);
}

static void put_finish(struct answer *answer)
{
    enum wire_api api = answer->request.api;
    struct wire_usage usage = usage_of(answer);
    if (answer->tools.len > 0) {
        struct buf delta = {0};
        buf_addf(&delta, "{\"tool_calls\":%.*s}", STR_ARG(buf_str(&answer->tools)));
        put_choice(answer, &(struct wire_choice){.what = WIRE_DELTA, .text = buf_str(&delta),
                                                 .finish = answer->wire.wire->finish_apart[api] ? WIRE_UNFINISHED : finish_of(answer)});
        buf_release(&delta);
    }
    if (!answer->wire.wire->finish_apart[api])
        return;
    bool chat = api == WIRE_CHAT;
    put_choice(answer, &(struct wire_choice){.what = chat ? WIRE_DELTA : WIRE_TEXT,
                                             .text = str_of(chat ? answer->wire.wire->finish_delta : ""), .finish = finish_of(answer),
                                             .usage = answer->wire.wire->usage_in_finish[api] ? &usage : NULL});
}

static void after_token(struct answer *answer);

/* The tick of a token. */
static void go_on(struct answer *answer)
{
    if (give_fault(answer))
        return;
    if (!answer->role_said) {
        put_role(answer);
        if (answer->script.role == SCRIPT_ROLE_APART || (answer->script.role == SCRIPT_ROLE_WIRE && !answer->wire.wire->role_joined))
            write_now(answer);
    }
    if (has(answer, FAULT_NO_CHOICES))
        answer->index = answer->count;
    for (int64_t i = 0; i < answer->script.per_write && answer->index < answer->count; i++)
        put_tokens(answer);
    flush(answer, after_token);
}

static void after_token(struct answer *answer)
{
    if (answer->index < answer->count) {
        answer->due_ns += distribution_draw_ns(&answer->script.itl, &answer->rng);
        do_at(answer, answer->due_ns, go_on);
        return;
    }
    if (give_fault(answer))
        return;
    if (!has(answer, FAULT_NO_CHOICES))
        put_finish(answer);
    put_tail(answer);
}

/* --- the beginning --- */

static void start_stream(struct answer *answer)
{
    bool early = answer->script.role == SCRIPT_ROLE_EARLY;
    put_head(answer, 0);
    if (early)
        put_role(answer);
    do_at(answer, answer->due_ns, go_on);
    if (!answer->wire.wire->head_waits || early || answer->script.has_headers) {
        write_now(answer);
    }
}

static void slow_head(struct answer *answer)
{
    size_t piece = answer->out.len / HEAD_PIECES + 1, left = answer->out.len - answer->out_at, len = left < piece ? left : piece;
    int64_t pause_ns = (answer->script.for_ns >= 0 ? answer->script.for_ns : default_for_ns) / HEAD_PIECES;
    server_write(answer->conn, answer->out.ptr + answer->out_at, len);
    answer->out_at += len;
    if (answer->out_at < answer->out.len) {
        do_at(answer, clock_ns() + pause_ns, slow_head);
        return;
    }
    answer->queued += answer->out.len;
    buf_clear(&answer->out);
    do_at(answer, answer->due_ns, go_on);
}

static void start_slowly(struct answer *answer)
{
    put_head(answer, 0);
    answer->out_at = 0;
    slow_head(answer);
}

static void give_whole(struct answer *answer)
{
    struct buf text = {0}, reasoning = {0}, json = {0};
    while (answer->index < answer->count) {
        struct str one = next_text(answer);
        buf_add_str(is_reasoning(answer) ? &reasoning : &text, one);
        answer->index++;
    }
    answer->context->generated += answer->count;
    struct wire_usage usage = usage_of(answer);
    struct wire_whole whole = {.text = buf_str(&text), .reasoning = buf_str(&reasoning), .tool_calls = buf_str(&answer->tools),
                               .finish = finish_of(answer), .usage = gives_usage(answer) ? &usage : NULL, .no_choices = has(answer, FAULT_NO_CHOICES)};
    wire_whole(&answer->wire, &whole, &json);
    if (has(answer, FAULT_ERROR_EVENT)) {
        buf_clear(&json);
        wire_error(answer->context->wire, 500, "InternalServerError", "the mock was told to fail", &json);
    }
    put_head(answer, json.len);
    if (has(answer, FAULT_GARBAGE))
        json.ptr[0] = '<';
    if (has(answer, FAULT_TRUNCATE) || has(answer, FAULT_RESET))
        json.len /= 2;
    buf_add_str(&answer->out, buf_str(&json));
    buf_release(&text);
    buf_release(&reasoning);
    buf_release(&json);
    flush(answer, has(answer, FAULT_TRUNCATE) ? close_now : finish);
}

/* What is done in place of an answer. True: it was. */
static bool give_none(struct answer *answer)
{
    static const struct {
        enum fault fault;
        int status;
    } statuses[] = {{FAULT_HTTP_400, 400}, {FAULT_HTTP_429, 429}, {FAULT_HTTP_500, 500}, {FAULT_HTTP_503, 503}};
    char retry[64] = "";
    if (has(answer, FAULT_REFUSE))
        end(answer, SERVER_RESET);
    else if (has(answer, FAULT_DROP) || (has(answer, FAULT_STALE) && server_requests(answer->conn) > 1))
        close_now(answer);
    else if (has(answer, FAULT_HANG))
        do_at(answer, INT64_MAX / 2, idle);
    else if (has(answer, FAULT_BAD_HTTP)) {
        buf_add_str(&answer->out, STR("HTTP/one point one: all is well\r\n\r\n"));
        flush(answer, close_now);
    } else {
        for (size_t i = 0; i < COUNT(statuses); i++) {
            if (!has(answer, statuses[i].fault))
                continue;
            struct buf json = {0};
            if (statuses[i].status == 429)
                snprintf(retry, sizeof retry, "Retry-After: %lld\r\n", (long long)answer->script.retry_after_s);
            wire_error(answer->context->wire, statuses[i].status, "mock_error", "the mock was told to refuse", &json);
            answer_plain(answer->conn, statuses[i].status, "application/json", buf_str(&json), retry);
            buf_release(&json);
            end(answer, SERVER_KEEP);
            return true;
        }
        return false;
    }
    return true;
}

static int64_t count_of(struct answer *answer)
{
    const struct script *script = &answer->script;
    if (script->has_text) {
        int64_t count = 0;
        for (size_t at = 0; at < answer->text.len; count++) {
            size_t to = at + 1;
            while (to < answer->text.len && answer->text.ptr[to] != ' ')
                to++;
            at = to;
        }
        return count;
    }
    if (answer->tools.len > 0 && script->tokens_are == SCRIPT_TOKENS_UNSAID)
        return 0;
    int64_t asked = answer->request.max_tokens;
    if (script->tokens_are == SCRIPT_TOKENS_UNSAID)
        return asked >= 0 ? asked : SCRIPT_TOKENS_DEFAULT;
    int64_t drawn = (int64_t)(distribution_draw(&script->tokens, &answer->rng) + 0.5);
    return script->tokens_are == SCRIPT_TOKENS_BOUNDED && asked >= 0 && drawn > asked ? asked : drawn;
}

static int read_script(struct answer *answer, struct err *err)
{
    struct answer_context *context = answer->context;
    answer->script = context->script;
    if (!answer->script.says_fault)
        answer->script.faults |= script_draw(context->draws, &answer->rng);
    if (context->script_count > 0 && script_apply(&answer->script, context->scripts[answer->number % (int64_t)context->script_count], err) < 0)
        return -1;
    if (answer->request.has_script && script_apply(&answer->script, answer->request.script, err) < 0)
        return -1;
    if (answer->script.has_text) {
        struct buf quoted = {0};
        json_str(&quoted, answer->script.text);
        if (quoted.len > 2)
            buf_add(&answer->text, quoted.ptr + 1, quoted.len - 2);
        buf_release(&quoted);
    }
    if (answer->script.has_tool_calls && answer->request.api == WIRE_CHAT) {
        struct str name, arguments;
        struct jval call;
        int64_t index = 0;
        json_array(&answer->tools);
        for (struct jiter it = jval_items(answer->script.tool_calls); jiter_next(&it, NULL, &call); index++) {
            name = arguments = (struct str){"", 0};
            jval_str_at(call, "/name", &name);
            jval_str_at(call, "/arguments", &arguments);
            buf_addf(&answer->tools, "%s{\"index\":%lld,\"id\":\"call_%lld\",\"type\":\"function\",\"function\":{", index ? "," : "", (long long)index,
                     (long long)index);
            json_key(&answer->tools, "name"), json_str(&answer->tools, name);
            json_key(&answer->tools, "arguments"), json_str(&answer->tools, arguments);
            buf_add_str(&answer->tools, STR("}}"));
        }
        json_array_end(&answer->tools);
    }
    return 0;
}

static void refuse(struct server_conn *conn, struct answer_context *context, const char *why)
{
    struct buf json = {0};
    wire_error(context->wire, 400, "invalid_request_error", why, &json);
    answer_plain(conn, 400, "application/json", buf_str(&json), "");
    buf_release(&json);
    server_done(conn, SERVER_KEEP);
}

static void begin(struct answer *answer)
{
    struct answer_context *context = answer->context;
    bool chat = answer->request.api == WIRE_CHAT, stream = answer->request.stream;
    char id[48];
    snprintf(id, sizeof id, "%s-%lld", chat ? "chatcmpl" : "cmpl", (long long)answer->number);
    wire_begin(&answer->wire, context->wire, answer->request.api, !chat ? "text_completion" : stream ? "chat.completion.chunk" : "chat.completion",
               str_of(id), answer->request.model.len > 0 ? answer->request.model : context->model, clock_utc_ns() / NS_PER_S);
    answer->count = count_of(answer);
    answer->due_ns = answer->received_ns + distribution_draw_ns(&answer->script.ttft, &answer->rng);
    if (give_none(answer))
        return;
    if (!stream) {
        for (int64_t i = 1; i < answer->count; i++)
            answer->due_ns += distribution_draw_ns(&answer->script.itl, &answer->rng);
        do_at(answer, answer->due_ns, give_whole);
    } else if (has(answer, FAULT_SLOW_HEADERS))
        start_slowly(answer);
    else if (answer->script.has_headers)
        do_at(answer, answer->received_ns + answer->script.headers_ns, start_stream);
    else
        start_stream(answer);
}

void answer_start(struct answer_context *context, struct server_conn *conn, enum wire_api api, struct str id, struct str body)
{
    struct answer *answer = calloc(1, sizeof *answer);
    struct jval root;
    struct err err = {0};
    if (!answer) {
        refuse(conn, context, "out of memory");
        return;
    }
    *answer = (struct answer){.context = context, .conn = conn, .timer = {.fire = tick}, .number = context->requests++, .received_ns = clock_ns()};
    answer->rng = rng_stream(context->seed, "mock", answer->number);
    context->running++;
    if (jdoc_parse(context->doc, body.ptr, body.len, &root, &err) < 0 || asked_read(&answer->request, api, root, &err) < 0 ||
        read_script(answer, &err) < 0) {
        release(answer);
        refuse(conn, context, err.msg);
        return;
    }
    buf_add_str(&answer->id, id);
    server_set_data(conn, answer);
    begin(answer);
}
