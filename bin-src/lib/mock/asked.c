/* mock/asked.c: see asked.h */
#include "mock/asked.h"

enum { DEPTH_MAX = 64, TOP_MAX = 20 };

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int64_t asked_words(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !is_blank(text.ptr[i]) && (i == 0 || is_blank(text.ptr[i - 1]));
    return count;
}

/* All text within the value; a number is a token id. Members named so are what a message says, and not its form. */
static int64_t count_tokens(struct jval value, int depth)
{
    struct str text, name = {"", 0};
    struct jval item;
    int64_t count = 0;
    if (jval_str(value, &text))
        return asked_words(text);
    if (jval_type(value) == JTYPE_INT)
        return 1;
    if (depth == DEPTH_MAX)
        return 0;
    bool is_object = jval_type(value) == JTYPE_OBJECT;
    for (struct jiter it = jval_items(value); jiter_next(&it, is_object ? &name : NULL, &item);)
        if (!is_object || str_is(name, "content") || str_is(name, "text"))
            count += count_tokens(item, depth + 1);
    return count;
}

int64_t asked_tokens(struct jval prompt)
{
    return count_tokens(prompt, 0);
}

/* Strings, or lists of token ids; a list of ids is one prompt. */
static bool holds_prompts(struct jval prompt)
{
    struct jval first;
    struct jiter iter = jval_items(prompt);
    return jval_type(prompt) == JTYPE_ARRAY && jiter_next(&iter, NULL, &first) &&
           (jval_type(first) == JTYPE_STR || jval_type(first) == JTYPE_ARRAY);
}

static void read_logprobs(struct asked *request, struct jval root)
{
    struct jval value;
    bool wanted;
    int64_t top = 0;
    request->logprobs = -1;
    if (!jval_member(root, "logprobs", &value))
        return;
    if (request->api == WIRE_CHAT && jval_bool(value, &wanted) && wanted) {
        jval_int_at(root, "/top_logprobs", &top);
        request->logprobs = top;
    } else if (request->api == WIRE_COMPLETIONS && jval_int(value, &top))
        request->logprobs = top;
    if (request->logprobs > TOP_MAX)
        request->logprobs = TOP_MAX;
}

static bool flag_at(struct jval root, const char *path)
{
    struct jval value;
    bool set = false;
    return jval_at(root, path, &value) && jval_bool(value, &set) && set;
}

static int read_max_tokens(struct asked *request, struct jval root, struct err *err)
{
    static const char *const names[] = {"max_completion_tokens", "max_tokens"};
    struct jval value;
    request->max_tokens = -1;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!jval_member(root, names[i], &value) || jval_is_null(value))
            continue;
        if (!jval_int(value, &request->max_tokens) || request->max_tokens < 1)
            return err_set(err, ERR_RANGE, "%s must be a whole number, at least 1", names[i]);
        return 0;
    }
    return 0;
}

int asked_read(struct asked *request, enum wire_api api, struct jval root, struct err *err)
{
    static const char *const names[] = {[WIRE_CHAT] = "messages", [WIRE_COMPLETIONS] = "prompt", [WIRE_EMBEDDINGS] = "input"};
    const char *what = names[api];
    struct jval prompt;
    struct str format = {"", 0};
    *request = (struct asked){.api = api, .model = {"", 0}};
    if (jval_type(root) != JTYPE_OBJECT)
        return err_set(err, ERR_PARSE, "the body is no object");
    if (!jval_member(root, what, &prompt) || (jval_type(prompt) != JTYPE_ARRAY && (api == WIRE_CHAT || jval_type(prompt) != JTYPE_STR)))
        return err_set(err, ERR_MISSING, "%s must be %san array", what, api == WIRE_CHAT ? "" : "a string or ");
    if (read_max_tokens(request, root, err) < 0)
        return -1;
    request->prompt = prompt;
    request->prompt_tokens = count_tokens(prompt, 0);
    request->is_batch = api != WIRE_CHAT && holds_prompts(prompt);
    request->dimensions = -1;
    jval_int_at(root, "/dimensions", &request->dimensions);
    request->base64 = jval_str_at(root, "/encoding_format", &format) && str_is(format, "base64");
    request->stream = api != WIRE_EMBEDDINGS && flag_at(root, "/stream");
    request->include_usage = flag_at(root, "/stream_options/include_usage");
    request->continuous_usage = flag_at(root, "/stream_options/continuous_usage_stats");
    request->token_ids = flag_at(root, "/return_token_ids");
    read_logprobs(request, root);
    jval_str_at(root, "/model", &request->model);
    request->has_script = jval_member(root, "mock", &request->script) && !jval_is_null(request->script);
    return 0;
}
