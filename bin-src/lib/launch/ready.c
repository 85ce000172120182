/* launch/ready.c: see ready.h */
#include "launch/ready.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/num.h"
#include "jsonl/jdoc.h"
#include "net/fetch.h"
#include "openai/body.h"
#include "openai/reply.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

#define LOOK_NS (10 * NS_PER_S) // for /health and /v1/models; the real request may take all the time that is left
#define PAUSE_MIN_NS (100 * NS_PER_MS)
#define LINE_EVERY_NS (30 * NS_PER_S)
#define PAUSE_MAX_NS (5 * NS_PER_S)
_Static_assert(READY_STOPS_MAX <= FETCH_STOPS_MAX, "a request has room for all stops");

/* What came of one step of a try. */
enum step { STEP_DONE, STEP_LATER, STEP_NEVER, STEP_STOPPED };

struct probe {
    const struct ready_options *options;
    int64_t deadline_ns, next_line_ns; // the latter: when it is told again why it is not ready
    struct fetch fetch;
    struct jdoc *doc;
    struct buf body;   // the request's
    struct buf model;  // zero-terminated
    bool reached;      // something answered, once
};

/* Waits for so long, or until a stop is readable. */
static bool is_stopped(const struct ready_options *options, int64_t wait_ns)
{
    struct pollfd polls[READY_STOPS_MAX];
    for (size_t i = 0; i < options->stop_count; i++)
        polls[i] = (struct pollfd){.fd = options->stops[i], .events = POLLIN};
    return poll(polls, options->stop_count, (int)(wait_ns / NS_PER_MS)) > 0;
}

static enum step no_memory(struct err *err)
{
    err_nomem(err);
    return STEP_NEVER;
}

/* One request: a POST of probe->body, if that is not empty. STEP_DONE: *status and the answer are there. */
static enum step ask(struct probe *probe, enum fetch_place place, const char *path, int64_t limit_ns, long *status, struct err *err)
{
    const struct ready_options *options = probe->options;
    int64_t left_ns = probe->deadline_ns - clock_ns();
    struct fetch_request request = {.place = place, .path = path, .body = buf_str(&probe->body), .stop_count = options->stop_count,
                                    .method = probe->body.len > 0 ? FETCH_POST : FETCH_GET,
                                    .timeout_ns = limit_ns < left_ns ? limit_ns : left_ns};
    memcpy(request.stops, options->stops, sizeof options->stops);
    if (probe->body.failed)
        return no_memory(err);
    switch (fetch_do(&probe->fetch, &request, err)) {
    case FETCH_ANSWERED:
        probe->reached = true;
        *status = probe->fetch.status;
        return STEP_DONE;
    case FETCH_FAILED:
        return STEP_LATER;
    case FETCH_NEVER:
        return STEP_NEVER;
    case FETCH_STOPPED:
        break;
    }
    return STEP_STOPPED;
}

static bool parse_answer(struct probe *probe, struct jval *root)
{
    struct err ignored;
    struct buf *answer = &probe->fetch.answer;
    return buf_reserve(answer, JDOC_PADDING) && jdoc_parse(probe->doc, answer->ptr, answer->len, root, &ignored) == 0;
}

/* "/health: status 503 (Loading model)" */
static void explain_status(struct probe *probe, long status, struct err *err)
{
    struct str path = fetch_path(&probe->fetch);
    struct jval root;
    struct str words = {0};
    if (parse_answer(probe, &root))
        reply_why(root, &words);
    size_t len = 0;
    while (len < words.len && len < 200 && (unsigned char)words.ptr[len] >= ' ')
        len++;
    if (len > 0)
        err_set(err, ERR_NET, "%.*s: status %ld (%.*s)", STR_ARG(path), status, (int)len, words.ptr);
    else
        err_set(err, ERR_NET, "%.*s: status %ld", STR_ARG(path), status);
}

static bool is_absent(long status)
{
    return status == 404 || status == 405 || status == 501;
}

static bool is_refused(long status)
{
    return status == 401 || status == 403;
}

/* The request itself is called wrong: it will be so the next time. */
static bool is_wrong(long status)
{
    return status == 400 || status == 422 || is_absent(status);
}

/* *found: there is a /health. */
static enum step check_health(struct probe *probe, bool *found, struct err *err)
{
    long status = 0;
    buf_clear(&probe->body);
    enum step step = ask(probe, FETCH_BESIDE, "/health", LOOK_NS, &status, err);
    if (step != STEP_DONE)
        return step;
    *found = !is_absent(status);
    if (status == 200 || is_absent(status))
        return STEP_DONE;
    explain_status(probe, status, err);
    return is_refused(status) ? STEP_NEVER : STEP_LATER;
}

static enum step take_model(struct probe *probe, struct str name, struct err *err)
{
    buf_clear(&probe->model);
    buf_add_str(&probe->model, name);
    buf_add_char(&probe->model, '\0');
    return probe->model.failed ? no_memory(err) : STEP_DONE;
}

/* Finds the wanted model in the list that was answered, or the first. */
static enum step choose_model(struct probe *probe, struct err *err)
{
    const char *wanted = probe->options->model;
    struct jval root, list, item;
    struct str name;
    struct buf others = {0};
    if (!parse_answer(probe, &root) || !jval_member(root, "data", &list)) {
        err_set(err, ERR_NET, "the list of models is none");
        return STEP_LATER;
    }
    for (struct jiter it = jval_items(list); jiter_next(&it, NULL, &item);) {
        if (!jval_str_at(item, "/id", &name))
            continue;
        if (!wanted || str_is(name, wanted)) {
            buf_release(&others);
            return take_model(probe, name, err);
        }
        buf_addf(&others, "%s%.*s", others.len ? ", " : "", STR_ARG(name));
    }
    bool none = others.len == 0 && !others.failed;
    if (none)
        err_set(err, ERR_NET, "no model is served yet");
    else
        err_set(err, ERR_NET, "wrong model name: \"%.120s\" is not served, but %.*s", wanted, STR_ARG(buf_str(&others)));
    buf_release(&others);
    return none ? STEP_LATER : STEP_NEVER; // a router's list is empty until its first server is there
}

static enum step check_models(struct probe *probe, bool has_health, struct err *err)
{
    long status = 0;
    buf_clear(&probe->body);
    enum step step = ask(probe, FETCH_API, "/models", LOOK_NS, &status, err);
    if (step != STEP_DONE)
        return step;
    if (status == 200)
        return choose_model(probe, err);
    if (is_absent(status) && has_health && probe->options->model)
        return take_model(probe, str_of(probe->options->model), err);
    explain_status(probe, status, err);
    return is_refused(status) ? STEP_NEVER : STEP_LATER;
}

/* Asks for one token. STEP_DONE, and *status is not 200: err says what the server said. */
static enum step ask_token(struct probe *probe, enum openai_api api, long *status, struct err *err)
{
    struct jval root, choices;
    enum step step = ask(probe, FETCH_API, openai_paths[api], INT64_MAX, status, err);
    if (step != STEP_DONE)
        return step;
    if (*status != 200) {
        explain_status(probe, *status, err);
        return STEP_DONE;
    }
    if (!parse_answer(probe, &root) || !jval_member(root, "choices", &choices) || jval_count(choices) == 0) {
        err_set(err, ERR_NET, "%.*s: the answer has no choices", STR_ARG(fetch_path(&probe->fetch)));
        return STEP_LATER;
    }
    return STEP_DONE;
}

static void write_body(struct probe *probe, const char *key, struct str value)
{
    buf_clear(&probe->body);
    json_object(&probe->body);
    json_key(&probe->body, "model"), json_cstr(&probe->body, probe->model.ptr);
    json_key(&probe->body, key), json_raw(&probe->body, value);
    json_key(&probe->body, "max_tokens"), json_int(&probe->body, 1);
    json_object_end(&probe->body);
}

static enum step check_answer(struct probe *probe, struct err *err)
{
    long status = 0;
    write_body(probe, "messages", STR("[{\"role\":\"user\",\"content\":\"Hi\"}]"));
    enum step step = ask_token(probe, OPENAI_CHAT, &status, err);
    if (step == STEP_DONE && is_wrong(status)) { // a model without a chat template, or a server without chat
        struct err of_chat = *err;
        write_body(probe, "prompt", STR("\"Hi\""));
        step = ask_token(probe, OPENAI_COMPLETIONS, &status, err);
        if (step == STEP_DONE && is_wrong(status))
            err_prefix(err, "%s; ", of_chat.msg);
    }
    if (step != STEP_DONE || status == 200)
        return step;
    return is_wrong(status) || is_refused(status) ? STEP_NEVER : STEP_LATER;
}

static enum step try_once(struct probe *probe, struct err *err)
{
    bool has_health = false;
    enum step step = check_health(probe, &has_health, err);
    if (step == STEP_DONE)
        step = check_models(probe, has_health, err);
    return step == STEP_DONE ? check_answer(probe, err) : step;
}

static int open_probe(struct probe *probe, struct err *err)
{
    const struct ready_options *options = probe->options;
    struct fetch_options fetch = {.url = options->url, .key = options->key, .headers = options->headers, .cacert = options->cacert,
                                  .insecure = options->insecure};
    if (fetch_init(&probe->fetch, &fetch, err) < 0)
        return -1;
    return (probe->doc = jdoc_new()) ? 0 : err_nomem(err);
}

static void close_probe(struct probe *probe)
{
    fetch_release(&probe->fetch);
    jdoc_free(probe->doc);
    buf_release(&probe->body);
    buf_release(&probe->model);
}

static void say_waiting(struct probe *probe, const char *why)
{
    int64_t now_ns = clock_ns();
    if (now_ns < probe->next_line_ns) {
        log_debug("not ready yet", log_kv("why", why));
        return;
    }
    probe->next_line_ns = now_ns + LINE_EVERY_NS;
    log_info("still waiting", log_kv("why", why));
}

/* Tries until a try ends the wait; err has the reason of the last. */
static enum ready keep_trying(struct probe *probe, struct err *err)
{
    const struct ready_options *options = probe->options;
    int64_t pause_ns = PAUSE_MIN_NS;
    for (int64_t tries = 1;; tries++) {
        enum step step = try_once(probe, err);
        if (step != STEP_DONE)
            str_conceal(str_of(err->msg), str_of(options->key ? options->key : "")); // a server may quote it
        switch (step) {
        case STEP_DONE:
            return READY_YES;
        case STEP_STOPPED:
            return READY_STOPPED;
        case STEP_NEVER:
            return READY_NO;
        case STEP_LATER:
            break;
        }
        err->kind = ERR_TIMEOUT;
        const char *how = probe->reached ? "not ready" : "unreachable";
        int64_t left_ns = probe->deadline_ns - clock_ns();
        if (options->retries != READY_NO_LIMIT && tries > options->retries) {
            err_prefix(err, "%s after %lld %s: ", how, (long long)tries, tries == 1 ? "try" : "tries");
            return READY_NO;
        }
        if (left_ns > 0)
            say_waiting(probe, err->msg);
        if (left_ns > 0 && is_stopped(options, pause_ns < left_ns ? pause_ns : left_ns))
            return READY_STOPPED;
        if (left_ns <= pause_ns) {
            err_prefix(err, "timed out, %s for %.3g s: ", how, (double)options->timeout_ns / 1e9);
            return READY_NO;
        }
        pause_ns = pause_ns * 3 / 2 < PAUSE_MAX_NS ? pause_ns * 3 / 2 : PAUSE_MAX_NS;
    }
}

enum ready ready_wait(const struct ready_options *options, char **model, struct err *err)
{
    struct probe probe = {.options = options, .deadline_ns = clock_ns() + options->timeout_ns,
                          .next_line_ns = clock_ns() + LINE_EVERY_NS};
    enum ready ready = READY_NO;
    *model = NULL;
    if (open_probe(&probe, err) == 0) {
        ready = keep_trying(&probe, err);
        if (ready == READY_NO && err->kind != ERR_NOMEM)
            err_prefix(err, "%.*s: ", STR_ARG(buf_str(&probe.fetch.url.shown)));
    }
    if (ready == READY_YES && !(*model = strdup(probe.model.ptr))) {
        err_nomem(err);
        ready = READY_NO;
    }
    close_probe(&probe);
    return ready;
}

int ready_is_free(const char *url, struct err *err)
{
    struct url parsed;
    if (url_parse(&parsed, url, err) < 0)
        return err_prefix(err, "the server's URL: ");
    CURL *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl) {
        fetch_set_connection(curl);
        curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
        code = curl_easy_setopt(curl, CURLOPT_URL, parsed.origin.ptr);
    }
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    // Nothing but the connection counts: a certificate that we would not trust is somebody's, too.
    int rc = 0;
    if (code == CURLE_OUT_OF_MEMORY)
        rc = err_nomem(err);
    else if (code == CURLE_OK || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION)
        rc = err_set(err, ERR_EXISTS, "something listens at %.*s already (a server's {port} would be a free one)",
                     STR_ARG(buf_str(&parsed.host)));
    url_release(&parsed);
    return rc;
}
