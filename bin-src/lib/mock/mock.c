/* mock/mock.c: see mock.h */
#include "mock/mock.h"

#include "base/clock.h"
#include "base/json.h"
#include "mock/answer.h"

#include <stdlib.h>

struct line {
    struct answer *first, *last;
};

struct mock {
    struct mock_options options;
    struct loop *loop;
    struct server *server;
    struct jdoc *body;
    struct answer_shop shop;
    struct line waiting, running; // for a slot; in one
    struct script_file scripts;
    struct buf reply; // scratch
    struct {
        int64_t arrived, running, waiting, prompt_tokens, generation_tokens, finished;
    } counts;
};

/* --- slots --- */

static void join(struct line *line, struct answer *answer)
{
    answer->next = NULL;
    answer->prev = line->last;
    *(line->last ? &line->last->next : &line->first) = answer;
    line->last = answer;
}

static void leave(struct line *line, struct answer *answer)
{
    *(answer->prev ? &answer->prev->next : &line->first) = answer->next;
    *(answer->next ? &answer->next->prev : &line->last) = answer->prev;
}

static void wait_for_slot(struct mock *mock, struct answer *answer)
{
    join(&mock->waiting, answer);
    answer->waits = true;
    mock->counts.waiting++;
}

static void take_slot(struct mock *mock, struct answer *answer)
{
    if (answer->waits) {
        leave(&mock->waiting, answer);
        answer->waits = false;
        mock->counts.waiting--;
    }
    join(&mock->running, answer);
    mock->counts.running++;
    mock->counts.prompt_tokens += answer->usage.prompt;
}

static void on_over(struct answer *answer, void *context)
{
    struct mock *mock = context;
    if (answer->waits) { // and the client left
        leave(&mock->waiting, answer);
        mock->counts.waiting--;
        return;
    }
    leave(&mock->running, answer);
    mock->counts.running--;
    mock->counts.finished++;
    mock->counts.generation_tokens += answer->usage.completion;
    struct answer *next = mock->waiting.first;
    if (next) {
        take_slot(mock, next);
        answer_start_soon(next);
    }
}

/* --- answers that are no stream --- */

static void reply(struct mock *mock, struct server_conn *conn, const struct http *head, const char *status, const char *type)
{
    struct buf out = {0};
    buf_addf(&out, "HTTP/1.1 %s\r\nserver: lm-mock\r\ncontent-type: %s\r\ncontent-length: %zu\r\n%s\r\n", status, type, mock->reply.len,
             head->keep_alive ? "" : "connection: close\r\n");
    if (!str_is(head->method, "HEAD"))
        buf_add_str(&out, buf_str(&mock->reply));
    if (out.failed || mock->reply.failed)
        server_done(conn, SERVER_RESET);
    else {
        server_write(conn, out.ptr, out.len);
        server_done(conn, SERVER_KEEP);
    }
    buf_release(&out);
}

static void reply_error(struct mock *mock, struct server_conn *conn, const struct http *head, int code, const char *status,
                        const char *type, const char *message)
{
    buf_clear(&mock->reply);
    wire_error(mock->options.wire, code, type, message, &mock->reply);
    reply(mock, conn, head, status, "application/json");
}

static void reply_health(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    (void)body;
    buf_clear(&mock->reply);
    if (mock->options.wire == WIRE_LLAMA_CPP)
        buf_add_str(&mock->reply, STR("{\"status\":\"ok\"}"));
    reply(mock, conn, head, "200 OK", "application/json");
}

static void reply_models(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    struct buf *json = &mock->reply;
    const char *model = mock->options.model;
    (void)body;
    buf_clear(json);
    json_object(json);
    json_key(json, "object"), json_cstr(json, "list");
    json_key(json, "data"), json_array(json), json_object(json);
    json_key(json, "id"), json_cstr(json, model);
    json_key(json, "object"), json_cstr(json, "model");
    json_key(json, "created"), json_int(json, 0);
    json_key(json, "owned_by"), json_cstr(json, wire_names[mock->options.wire]);
    json_key(json, "root"), json_cstr(json, model);
    json_key(json, "parent"), json_null(json);
    json_key(json, "max_model_len"), json_int(json, 131072);
    json_object_end(json), json_array_end(json), json_object_end(json);
    reply(mock, conn, head, "200 OK", "application/json");
}

/* Of the answers that are over, and of those under way so far. */
static int64_t generated(const struct mock *mock)
{
    int64_t tokens = mock->counts.generation_tokens;
    for (const struct answer *answer = mock->running.first; answer; answer = answer->next)
        tokens += answer->usage.completion;
    return tokens;
}

static void reply_metrics(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    const struct {
        const char *name, *type;
        int64_t value;
    } series[] = {{"vllm:num_requests_running", "gauge", mock->counts.running},
                  {"vllm:num_requests_waiting", "gauge", mock->counts.waiting},
                  {"vllm:prompt_tokens_total", "counter", mock->counts.prompt_tokens},
                  {"vllm:generation_tokens_total", "counter", generated(mock)},
                  {"vllm:request_success_total", "counter", mock->counts.finished}};
    (void)body;
    buf_clear(&mock->reply);
    for (size_t i = 0; i < COUNT(series); i++)
        buf_addf(&mock->reply, "# TYPE %s %s\n%s{model_name=\"%s\"} %lld\n", series[i].name, series[i].type, series[i].name,
                 mock->options.model, (long long)series[i].value);
    reply(mock, conn, head, "200 OK", "text/plain; version=0.0.4; charset=utf-8");
}

static void reply_tokenize(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    struct jval root;
    struct str text;
    struct err err;
    if (jdoc_parse(mock->body, body.ptr, body.len, &root, &err) < 0 ||
        !(jval_str_at(root, "/prompt", &text) || jval_str_at(root, "/content", &text))) {
        reply_error(mock, conn, head, 400, "400 Bad Request", "BadRequestError", "a prompt or content, a string, is wanted");
        return;
    }
    int64_t count = asked_words(text);
    buf_clear(&mock->reply);
    json_object(&mock->reply);
    json_key(&mock->reply, "count"), json_int(&mock->reply, count);
    json_key(&mock->reply, "max_model_len"), json_int(&mock->reply, 131072);
    json_key(&mock->reply, "tokens"), json_array(&mock->reply);
    for (int64_t i = 0; i < count; i++)
        json_int(&mock->reply, 1000 + i);
    json_array_end(&mock->reply), json_object_end(&mock->reply);
    reply(mock, conn, head, "200 OK", "application/json");
}

/* --- generation --- */

static int read_request(struct mock *mock, enum wire_api api, struct str body, int64_t k, struct asked *request, struct script *script,
                        struct err *err)
{
    const struct script_file *file = &mock->scripts;
    struct jval root;
    *script = mock->options.script;
    if (jdoc_parse(mock->body, body.ptr, body.len, &root, err) < 0 || asked_read(request, api, root, err) < 0 ||
        (file->count > 0 && script_apply(script, file->scripts[(size_t)k % file->count], err) < 0))
        return -1;
    if (request->has_script && script_apply(script, request->script, err) < 0)
        return err_prefix(err, "mock: ");
    if (!script->says_fault && mock->options.draws.count > 0) {
        struct rng rng = rng_stream(mock->options.seed, "mock faults", k);
        script->faults = script_draw(&mock->options.draws, &rng);
    }
    return 0;
}

static void generate(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body, enum wire_api api)
{
    struct asked request;
    struct script script;
    struct err err;
    int64_t received_ns = clock_ns(), k = mock->counts.arrived++;
    struct answer *answer = NULL;
    if (read_request(mock, api, body, k, &request, &script, &err) == 0)
        answer = answer_new(&mock->shop, conn, head, &request, &script, mock->options.model, k, mock->options.seed, &err);
    if (!answer && err.kind == ERR_NOMEM)
        reply_error(mock, conn, head, 503, "503 Service Unavailable", "ServiceUnavailableError", "out of memory");
    else if (!answer)
        reply_error(mock, conn, head, 400, "400 Bad Request", "BadRequestError", err.msg);
    if (!answer)
        return;
    answer->received_ns = received_ns;
    server_set_data(conn, answer);
    if (mock->options.slots > 0 && mock->counts.running >= mock->options.slots) {
        wait_for_slot(mock, answer);
        return;
    }
    take_slot(mock, answer);
    answer_start(answer, received_ns);
}

static void generate_chat(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    generate(mock, conn, head, body, WIRE_CHAT);
}

static void generate_completions(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    generate(mock, conn, head, body, WIRE_COMPLETIONS);
}

static void embed(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body)
{
    generate(mock, conn, head, body, WIRE_EMBEDDINGS);
}

/* --- requests --- */

static const struct {
    const char *method, *path;
    void (*serve)(struct mock *mock, struct server_conn *conn, const struct http *head, struct str body);
} routes[] = {
    {"POST", "/v1/chat/completions", generate_chat},
    {"POST", "/v1/completions", generate_completions},
    {"POST", "/v1/embeddings", embed},
    {"POST", "/tokenize", reply_tokenize},
    {"GET", "/health", reply_health},
    {"GET", "/v1/models", reply_models},
    {"GET", "/metrics", reply_metrics},
};

static bool has_key(const struct mock *mock, const struct http *head)
{
    struct str given, key = mock->options.api_key;
    return key.len == 0 || (http_header(head, "authorization", &given) && str_starts(given, STR("Bearer ")) &&
                            str_eq((struct str){given.ptr + 7, given.len - 7}, key));
}

static void on_request(struct server_conn *conn, const struct http *head, struct str body, void *context)
{
    struct mock *mock = context;
    struct str path = head->target;
    const char *query = memchr(path.ptr, '?', path.len);
    bool known = false;
    if (query)
        path.len = (size_t)(query - path.ptr);
    if (str_starts(path, STR("/v1/")) && !has_key(mock, head)) {
        reply_error(mock, conn, head, 401, "401 Unauthorized", "AuthenticationError", "a wrong key, or none");
        return;
    }
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!str_is(path, routes[i].path))
            continue;
        known = true;
        if (str_is(head->method, routes[i].method) || (str_is(head->method, "HEAD") && str_is(STR("GET"), routes[i].method))) {
            routes[i].serve(mock, conn, head, body);
            return;
        }
    }
    if (known)
        reply_error(mock, conn, head, 405, "405 Method Not Allowed", "BadRequestError", "this path has another method");
    else
        reply_error(mock, conn, head, 404, "404 Not Found", "NotFoundError", "no such path");
}

static void on_gone(struct server_conn *conn, void *context)
{
    (void)context;
    answer_gone(server_data(conn));
}

static void on_wrote(struct server_conn *conn, uint64_t sent, int64_t at_ns, void *context)
{
    struct answer *answer = server_data(conn);
    (void)context;
    if (answer)
        answer_wrote(answer, sent, at_ns);
}

/* --- its life --- */

struct mock *mock_new(struct loop *loop, const struct mock_options *options, struct err *err)
{
    struct mock *mock = calloc(1, sizeof *mock);
    if (!mock) {
        err_nomem(err);
        return NULL;
    }
    mock->options = *options;
    mock->loop = loop;
    mock->shop = (struct answer_shop){.loop = loop, .journal = options->journal, .wire = options->wire, .over = on_over, .context = mock};
    mock->body = jdoc_new();
    int rc = mock->body ? 0 : err_nomem(err);
    if (rc == 0 && options->script_path)
        rc = script_file_read(&mock->scripts, options->script_path, err);
    if (rc == 0) {
        mock->server = server_new(loop,
                                  &(struct server_options){.host = options->host,
                                                           .port = options->port,
                                                           .request = on_request,
                                                           .gone = on_gone,
                                                           .wrote = on_wrote,
                                                           .context = mock},
                                  err);
        rc = mock->server ? 0 : -1;
    }
    if (rc == 0)
        return mock;
    mock_free(mock);
    return NULL;
}

void mock_free(struct mock *mock)
{
    if (!mock)
        return;
    while (mock->waiting.first)
        answer_gone(mock->waiting.first);
    while (mock->running.first)
        answer_gone(mock->running.first);
    server_free(mock->server);
    answer_shop_release(&mock->shop);
    jdoc_free(mock->body);
    script_file_release(&mock->scripts);
    buf_release(&mock->reply);
    free(mock);
}

int mock_port(const struct mock *mock)
{
    return server_port(mock->server);
}
