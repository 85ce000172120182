/* mock/answer.c: see answer.h */
#include "mock/answer.h"

#include "base/clock.h"
#include "base/num.h"
#include "mock/embed.h"
#include "mock/plan.h"
#include "mock/render.h"

#include <stdlib.h>

enum {
    HELD_MAX = 256 << 10, // bytes that a client has not taken, over which an answer waits
    ROUNDS = 64,          // steps that are due at once, in one turn
};
#define SPLIT_GAP_NS (100 * NS_PER_US)
#define SLOW_HEADERS_NS NS_PER_S

static const uint64_t placed_faults = FAULT_BIT(FAULT_RESET) | FAULT_BIT(FAULT_STALL) | FAULT_BIT(FAULT_TRUNCATE) |
                                      FAULT_BIT(FAULT_EARLY_END) | FAULT_BIT(FAULT_ERROR_EVENT) | FAULT_BIT(FAULT_ERROR_FIELD) |
                                      FAULT_BIT(FAULT_BAD_CHUNK) | FAULT_BIT(FAULT_GARBAGE) | FAULT_BIT(FAULT_NON_UTF8);
/* Those that cut the body of an answer that is not streamed, chunked or not. */
static const uint64_t whole_cuts = FAULT_BIT(FAULT_RESET) | FAULT_BIT(FAULT_STALL) | FAULT_BIT(FAULT_TRUNCATE) | FAULT_BIT(FAULT_ENDLESS);

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
    if (answer->then != ANSWER_STEP) {
        // Something of this answer is lost: nothing more of it may follow.
    } else if (out->failed || answer->shop->json.failed || answer->shop->event.failed) {
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
        answer->drip_every = answer_has(answer, FAULT_SPLIT) ? (size_t)answer->script.every : 0;
        answer->drip_gap_ns = SPLIT_GAP_NS;
    }
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

/* --- the end --- */

static bool says_usage(const struct answer *answer)
{
    return answer->script.usage != SCRIPT_USAGE_NEVER && !answer_has(answer, FAULT_NO_USAGE) &&
           (answer->script.usage == SCRIPT_USAGE_ALWAYS || answer->request.include_usage);
}

/* How the connection goes on after an answer that was as it should be. */
static enum server_end usual_end(const struct answer *answer)
{
    static const uint64_t closing =
        FAULT_BIT(FAULT_CONNECTION_CLOSE) | FAULT_BIT(FAULT_SILENT_CLOSE) | FAULT_BIT(FAULT_HTTP10) | FAULT_BIT(FAULT_SHORT_LENGTH);
    bool closes = !answer->keep_alive || answer->faults & closing || (answer->request.stream && answer->http_minor == 0);
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
    struct str usual = STR("0\r\n\r\n"), trailers = STR("0\r\nx-tokens: 1\r\nx-more: 2\r\n\r\n");
    if (answer->chunked)
        buf_add_str(&answer->shop->out, answer_has(answer, FAULT_TRAILERS) ? trailers : usual);
}

static void add_done(struct answer *answer)
{
    if (!answer_has(answer, FAULT_NO_DONE)) {
        uint64_t faults = answer->faults;
        answer->faults &= ~FAULT_BIT(FAULT_MULTI_LINE);
        render_event(answer, "data:", STR("[DONE]"), RENDER_BESIDE);
        answer->faults = faults;
    }
}

static void finish_stream(struct answer *answer)
{
    const struct wire *wire = answer->wire.wire;
    enum wire_api api = answer->wire.api;
    bool always = wire->usage_in_finish[api] && !answer_has(answer, FAULT_NO_USAGE) && answer->script.usage != SCRIPT_USAGE_NEVER;
    if (!answer_has(answer, FAULT_NO_CHOICES) && (wire->finish_apart[api] || answer->at.event == 0)) {
        for (int64_t i = 0; i < answer_prompts(answer); i++) {
            emit(answer);
            render_turn_to(answer, i, answer->at);
            render_choice(answer, &(struct wire_choice){api == WIRE_CHAT ? WIRE_DELTA : WIRE_TEXT,
                                                     .text = api == WIRE_CHAT ? STR("{}") : STR(""),
                                                     .finish = answer->finish,
                                                     .usage = always ? &answer->usage : NULL});
        }
    }
    if (says_usage(answer) && !wire->usage_in_finish[api]) {
        buf_clear(&answer->shop->json);
        wire_usage_event(&answer->wire, &answer->usage, &answer->shop->json);
        render_json(answer, RENDER_BESIDE);
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
    bool field = answer_has(answer, FAULT_ERROR_FIELD);
    struct buf *json = &answer->shop->json;
    buf_clear(json);
    const char *type = answer->wire.kind == WIRE_LLAMA_CPP ? "server_error" : "InternalServerError";
    wire_error(answer->wire.kind, 500, type, "the mock was told to fail", json);
    render_event(answer, field ? "error:" : "data:", buf_str(json), RENDER_BESIDE);
    if (!field && answer->wire.wire->done_after_error)
        add_done(answer);
    add_last_chunk(answer);
    end_with(answer, SERVER_CLOSE);
}

static void add_bad_chunk(struct answer *answer)
{
    buf_add_str(&answer->shop->out, STR("zz\r\n"));
}

/* Does what is due at this place. True: the step is over with it. */
static bool fault_step(struct answer *answer)
{
    if (answer_has(answer, FAULT_GARBAGE)) {
        answer->faults &= ~FAULT_BIT(FAULT_GARBAGE);
        render_event(answer, "data:", STR("{\"choices\":[{\"delta\":{\"content"), RENDER_BESIDE);
    }
    if (answer_has(answer, FAULT_NON_UTF8)) {
        answer->faults &= ~FAULT_BIT(FAULT_NON_UTF8);
        render_choice(answer, &(struct wire_choice){.text = STR("\xff\xfe\x80")});
    }
    if (answer_has(answer, FAULT_RESET))
        end_with(answer, SERVER_RESET);
    else if (answer_has(answer, FAULT_TRUNCATE))
        end_with(answer, SERVER_CLOSE);
    else if (answer_has(answer, FAULT_BAD_CHUNK)) {
        add_bad_chunk(answer);
        end_with(answer, SERVER_CLOSE);
    } else if (answer_has(answer, FAULT_EARLY_END)) {
        add_last_chunk(answer);
        end_with(answer, usual_end(answer));
    } else if (answer_has(answer, FAULT_ERROR_EVENT) || answer_has(answer, FAULT_ERROR_FIELD))
        error_in_stream(answer);
    else if (answer_has(answer, FAULT_STALL))
        stall(answer);
    else
        return false;
    return true;
}

static bool fault_is_due(const struct answer *answer)
{
    return answer->faults & placed_faults && (answer->at.event >= answer->script.after || !answer_has_more(answer));
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
    render_head(answer, "text/event-stream; charset=utf-8", answer_has(answer, FAULT_SHORT_LENGTH) ? 1000000000 : -1);
    if (answer_has(answer, FAULT_SLOW_HEADERS))
        drip_head(answer);
    if (answer->wire.kind == WIRE_LLAMA_CPP && answer_prompts(answer) > 1)
        render_event(answer, "data:", STR("null"), RENDER_BESIDE); // an event that holds nothing
    if (!answer->role_done && answer->script.role == SCRIPT_ROLE_EARLY)
        render_role(answer);
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

/* The next token, or tokens, of each prompt, in writes of their own. */
static void token_step(struct answer *answer)
{
    struct answer_place before = answer->at;
    for (int64_t i = 0; i < answer_prompts(answer); i++) {
        if (i > 0)
            emit(answer);
        render_turn_to(answer, i, before);
        render_token_event(answer);
    }
}

static void stream_step(struct answer *answer)
{
    if (!answer->head_done && head_step(answer))
        return;
    for (int64_t i = 0; i < answer->script.per_write && (answer_has_more(answer) || i == 0); i++) {
        if (fault_is_due(answer) && fault_step(answer))
            return;
        if (!answer->role_done) {
            render_role(answer);
            if (!role_is_joined(answer))
                emit(answer);
        }
        if (answer_has_more(answer))
            token_step(answer);
    }
    if (!answer_has_more(answer)) {
        if (!fault_is_due(answer) || !fault_step(answer))
            finish_stream(answer);
        return;
    }
    emit(answer);
    answer->due_ns += distribution_draw_ns(&answer->script.itl, &answer->rng);
}

/* What an answer that is not streamed says to the prompt at hand, onto json. */
static void render_whole_choice(struct answer *answer)
{
    struct buf reasoning = {0};
    struct wire_whole whole = {.index = answer->prompt_at, .finish = answer->finish};
    if (answer->script.reasoning > 0) {
        render_take_tokens(answer, answer->script.reasoning);
        buf_add_str(&reasoning, buf_str(&answer->shop->piece));
    }
    render_take_tokens(answer, answer->tokens);
    whole.reasoning = buf_str(&reasoning);
    whole.text = answer_has(answer, FAULT_NON_UTF8) ? STR("\xff\xfe\x80") : buf_str(&answer->shop->piece);
    whole.logprobs = render_logprobs(answer);
    whole.tool_calls = buf_str(&answer->tools);
    answer->usage.completion += answer->tool_events;
    wire_whole(&answer->wire, &whole, &answer->shop->json);
    if (reasoning.failed)
        answer->shop->json.failed = true;
    buf_release(&reasoning);
}

/* And to all prompts. */
static void render_choices(struct answer *answer)
{
    struct answer_place before = answer->at;
    wire_open(&answer->wire, &answer->shop->json);
    for (int64_t i = 0; i < answer_prompts(answer) && !answer_has(answer, FAULT_NO_CHOICES); i++) {
        render_turn_to(answer, i, before);
        render_whole_choice(answer);
    }
}

/* An answer that is not streamed, into json. */
static void render_whole(struct answer *answer)
{
    struct buf *json = &answer->shop->json;
    bool says = !answer_has(answer, FAULT_NO_USAGE) && answer->script.usage != SCRIPT_USAGE_NEVER;
    const struct wire_usage *usage = says ? &answer->usage : NULL;
    buf_clear(json);
    if (answer_has(answer, FAULT_ERROR_EVENT) || answer_has(answer, FAULT_ERROR_FIELD))
        wire_error(answer->wire.kind, 500, "InternalServerError", "the mock was told to fail", json);
    else if (answer->wire.api == WIRE_EMBEDDINGS)
        wire_vectors(&answer->wire, answer_has(answer, FAULT_NO_CHOICES) ? STR("[]") : buf_str(&answer->text), usage, json);
    else {
        render_choices(answer);
        wire_close(&answer->wire, usage, json);
    }
}

/* The head of an answer that is not streamed; length as for render_head. */
static void whole_head(struct answer *answer, int64_t length)
{
    render_head(answer, "application/json", length);
    if (answer_has(answer, FAULT_SLOW_HEADERS))
        drip_head(answer);
}

/* Faults that want a body in chunks: half of it is one, and then they come. */
static void whole_in_chunks(struct answer *answer)
{
    struct buf *json = &answer->shop->json;
    whole_head(answer, -1);
    render_chunk(answer, (struct str){json->ptr, json->len / 2});
    if (answer_has(answer, FAULT_BAD_CHUNK)) {
        add_bad_chunk(answer);
        end_with(answer, SERVER_CLOSE);
    } else {
        add_last_chunk(answer);
        end_with(answer, usual_end(answer));
    }
}

/* An answer that is not streamed, in one write. Faults of a place have theirs in the middle of the body. */
static void whole_step(struct answer *answer)
{
    // HTTP/1.0 has no chunks: a bad one is an end in mid-body there.
    const uint64_t cutting = whole_cuts | FAULT_BIT(FAULT_BAD_CHUNK);
    struct buf *out = &answer->shop->out, *json = &answer->shop->json;
    render_whole(answer);
    if (answer->chunked) {
        whole_in_chunks(answer);
        return;
    }
    if (answer_has(answer, FAULT_GARBAGE) || answer_has(answer, FAULT_EARLY_END))
        json->len /= 2;
    whole_head(answer, (int64_t)json->len + (answer_has(answer, FAULT_SHORT_LENGTH) ? 1000 : 0));
    size_t first = answer->faults & cutting ? json->len / 2 : json->len;
    buf_add(out, json->ptr, first);
    if (answer_has(answer, FAULT_STALL) && answer->script.for_ns >= 0) {
        emit(answer);
        buf_add(out, json->ptr + first, json->len - first);
        answer->drip_every = json->len;
        emit(answer);
        answer->drip_due_ns = clock_ns() + answer->script.for_ns;
        end_with(answer, usual_end(answer));
    } else if (answer_has(answer, FAULT_STALL) || answer_has(answer, FAULT_ENDLESS)) {
        emit(answer);
        answer->then = ANSWER_NEVER;
    } else
        end_with(answer, answer_has(answer, FAULT_RESET) ? SERVER_RESET : first < json->len ? SERVER_CLOSE : usual_end(answer));
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
        journal_add(shop->journal, answer, JOURNAL_SERVED);
    server_set_data(conn, NULL);
    server_done(conn, end);
    shop->over(answer, shop->context);
    put_back(answer);
}

void answer_gone(struct answer *answer)
{
    struct answer_shop *shop = answer->shop;
    if (shop->journal)
        journal_add(shop->journal, answer, JOURNAL_GONE);
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
    if (answer_has(answer, FAULT_REFUSE))
        end_with(answer, SERVER_RESET);
    else if (answer_has(answer, FAULT_DROP) || (answer_has(answer, FAULT_STALE) && server_requests(answer->conn) > 1))
        end_with(answer, SERVER_CLOSE);
    else if (answer_has(answer, FAULT_HANG))
        answer->then = ANSWER_NEVER;
    else if (answer_has(answer, FAULT_BAD_HTTP)) {
        buf_add_str(&answer->shop->out, STR("HTTP?! what is this\r\ncontent-length: 2\r\n\r\nno"));
        end_with(answer, SERVER_CLOSE);
    } else
        for (size_t i = 0; i < COUNT(errors); i++)
            if (answer_has(answer, errors[i].fault)) {
                answer->status = errors[i].status;
                answer->chunked = false;
                buf_clear(&answer->shop->json);
                wire_error(answer->wire.kind, answer->status, errors[i].type, "the mock was told to fail", &answer->shop->json);
                render_head(answer, "application/json", (int64_t)answer->shop->json.len);
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

static struct answer *take_spare(struct answer_shop *shop)
{
    struct answer *answer = shop->spare;
    if (!answer)
        return calloc(1, sizeof *answer);
    shop->spare = answer->next;
    struct answer kept = *answer;
    *answer = (struct answer){.text = kept.text, .tools = kept.tools, .prompts = kept.prompts, .drip = kept.drip,
                               .id = kept.id, .model = kept.model};
    answer->times = kept.times;
    answer->wire.open = kept.wire.open;
    answer->wire.close = kept.wire.close;
    struct buf *bufs[] = {&answer->text, &answer->tools, &answer->prompts, &answer->drip, &answer->id, &answer->model, &answer->times};
    for (size_t i = 0; i < COUNT(bufs); i++)
        buf_clear(bufs[i]);
    return answer;
}

static void set_identity(struct answer *answer, const struct http *head, const char *model, int64_t number)
{
    static const char *const prefixes[] = {[WIRE_CHAT] = "chatcmpl-", [WIRE_COMPLETIONS] = "cmpl-", [WIRE_EMBEDDINGS] = "embd-"};
    static const char *const objects[][2] = {[WIRE_CHAT] = {"chat.completion", "chat.completion.chunk"},
                                             [WIRE_COMPLETIONS] = {"text_completion", "text_completion"},
                                             [WIRE_EMBEDDINGS] = {"list", "list"}};
    const struct asked *request = &answer->request;
    struct str id;
    struct buf *full = &answer->shop->piece;
    buf_clear(full);
    buf_add_str(full, str_of(prefixes[request->api]));
    if (http_header(head, "x-request-id", &id)) {
        buf_add_str(&answer->id, id);
        buf_add_str(full, id);
    } else
        buf_addf(full, "%016llx", (unsigned long long)number);
    buf_add_str(&answer->model, request->model.len > 0 ? request->model : str_of(model));
    wire_begin(&answer->wire, answer->shop->wire, request->api, objects[request->api][request->stream], buf_str(full),
               buf_str(&answer->model), clock_utc_ns() / NS_PER_S);
}

static void note_prompts(struct answer *answer, const struct asked *request)
{
    struct jval prompt;
    if (request->is_batch)
        for (struct jiter iter = jval_items(request->prompt); jiter_next(&iter, NULL, &prompt);)
            buf_add(&answer->prompts, &(int64_t){asked_tokens(prompt)}, sizeof(int64_t));
}

/* Streams are, where the client's HTTP has chunks, and so are those faults of another answer that a Content-Length could
 * not show. */
static bool is_chunked(const struct answer *answer)
{
    bool chunk_fault = answer_has(answer, FAULT_BAD_CHUNK) || answer_has(answer, FAULT_EARLY_END);
    bool wanted = answer->request.stream || (chunk_fault && !(answer->faults & whole_cuts));
    return wanted && answer->http_minor > 0 && !answer_has(answer, FAULT_HTTP10) && !answer_has(answer, FAULT_SHORT_LENGTH);
}

struct answer *answer_new(struct answer_shop *shop, struct server_conn *conn, const struct http *head, const struct asked *request,
                          const struct script *script, const char *model, int64_t number, int64_t seed, struct err *err)
{
    struct answer *answer = take_spare(shop);
    if (!answer) {
        err_nomem(err);
        return NULL;
    }
    answer->shop = shop;
    answer->number = number;
    answer->conn = conn;
    answer->script = *script;
    answer->request = *request;
    answer->faults = script->faults;
    answer->rng = rng_stream(seed, "mock times", number);
    answer->keep_alive = head->keep_alive;
    answer->http_minor = head->minor;
    answer->usage.prompt = request->prompt_tokens;
    set_identity(answer, head, model, number);
    struct rng rng = rng_stream(seed, "mock tokens", number);
    if (request->api == WIRE_EMBEDDINGS)
        embed_write(request, &answer->text);
    else
        plan_answer(answer, script, &rng);
    note_prompts(answer, request);
    answer->end = usual_end(answer);
    answer->chunked = is_chunked(answer);
    answer->role_done = request->api != WIRE_CHAT || script->role == SCRIPT_ROLE_NONE || answer_has(answer, FAULT_NO_CHOICES);
    if (answer_has(answer, FAULT_SPLIT)) {
        answer->drip_every = (size_t)script->every;
        answer->drip_gap_ns = SPLIT_GAP_NS;
    }
    if (answer->text.failed || answer->tools.failed || answer->wire.open.failed || answer->wire.close.failed || answer->model.failed ||
        answer->prompts.failed) {
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
        struct buf *own[] = {&answer->text, &answer->tools, &answer->prompts, &answer->drip, &answer->id, &answer->model, &answer->times};
        for (size_t i = 0; i < COUNT(own); i++)
            buf_release(own[i]);
        wire_release(&answer->wire);
        free(answer);
    }
    for (size_t i = 0; i < COUNT(bufs); i++)
        buf_release(bufs[i]);
}
