/*
 * lm-prompt: make the request of each item
 *
 * Reads items and appends "api" and "request", the body that lm-send sends. The words come from a template
 * (text/template.h): --template's, else the one in pipelines/prompts/ that is named like the item's task. An item with
 * input.messages, a turn of a conversation, has them already.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "record/own.h"
#include "text/conversation.h"
#include "text/sampling.h"
#include "text/templates.h"

#include <math.h>
#include <stdio.h>

enum api { API_CHAT, API_COMPLETIONS, API_EMBEDDINGS };
static const char *const apis[] = {[API_CHAT] = "chat", [API_COMPLETIONS] = "completions", [API_EMBEDDINGS] = "embeddings", NULL};
static const char *const texts[] = {[API_CHAT] = "messages", [API_COMPLETIONS] = "prompt", [API_EMBEDDINGS] = "input"};
enum { MAX_FILE = 16 << 20 }; // bytes of a system message

static struct {
    const char *task, *template, *examples, *system, *system_file, *model, *max_tokens, *extra;
    int api;
    int64_t shots, seed, logprobs;
    double temperature, top_p;
    struct opt_list stop;
    bool ignore_eos, no_stream, no_usage, replace;
} opt = {.extra = "{}", .seed = -1, .logprobs = -1, .temperature = NAN, .top_p = NAN};

static const struct opt_spec specs[] = {
    {'t', "task", OPT_STR, &opt.task, .arg = "NAME", .help = "the template of task NAME, not of the item's own"},
    {0, "template", OPT_STR, &opt.template, .arg = "FILE", .help = "this template for all items"},
    {'m', "model", OPT_STR, &opt.model, .arg = "NAME", .help = "the body's model (else lm-send's -m, or what the server has)"},
    {0, "api", OPT_CHOICE, &opt.api, .choices = apis, .help = "messages, one prompt text, or a text to embed (chat)"},
    {0, "system", OPT_STR, &opt.system, .arg = "TEXT", .help = "the system message, not the template's; empty: none"},
    {0, "system-file", OPT_STR, &opt.system_file, .arg = "FILE", .help = "the system message is what the file holds"},
    {0, "shots", OPT_INT, &opt.shots, .max = 1000, .arg = "K", .help = "put K solved examples in front (0)"},
    {0, "examples", OPT_STR, &opt.examples, .arg = "FILE", .help = "items to take the examples from, the first ones"},
    {0, "temperature", OPT_DOUBLE, &opt.temperature, .max = 100, .arg = "X", .help = "the body's temperature"},
    {0, "top-p", OPT_DOUBLE, &opt.top_p, .max = 1, .arg = "X", .help = "the body's top_p"},
    {0, "max-tokens", OPT_STR, &opt.max_tokens, .arg = "N|PATH",
     .help = "the body's max_tokens; meta.output_tokens: what the item has there"},
    {0, "ignore-eos", OPT_FLAG, &opt.ignore_eos, .help = "the body's ignore_eos: the answer ends at max_tokens, not before"},
    {0, "seed", OPT_INT, &opt.seed, .max = 9007199254740991, .arg = "N", .help = "the body's seed"},
    {0, "stop", OPT_LIST, &opt.stop, .arg = "TEXT", .help = "a text to stop at; may be given again"},
    {0, "logprobs", OPT_INT, &opt.logprobs, .max = 1000, .arg = "N", .help = "ask for log-probabilities, and N alternatives"},
    {0, "extra", OPT_STR, &opt.extra, .arg = "JSON", .help = "an object whose members go into the body, last word on each"},
    {0, "no-stream", OPT_FLAG, &opt.no_stream, .help = "ask for one answer, not a stream"},
    {0, "no-usage", OPT_FLAG, &opt.no_usage, .help = "do not ask the stream for usage"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "cut an api or request that is there, and what follows it"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

struct prompter {
    struct str system; // of --system or --system-file
    struct templates_options options; // which has where the former is, if it was given
    struct templates *templates;
    struct sampling sampling;
    char max_tokens_at[256]; // "/meta/output_tokens"; "": the same for all
    struct jdoc *extra_doc;
    struct jval extra;
    struct buf body; // of the record at hand
};

static void read_extra(struct prompter *prompter)
{
    static const char *const ours[] = {"messages", "prompt", "input", "model"};
    struct jsonl_record extra = {0};
    struct buf text = {0};
    struct err err;
    prompter->extra_doc = jdoc_new();
    if (!prompter->extra_doc || !buf_reserve(&text, strlen(opt.extra) + JDOC_PADDING))
        err_nomem(&err), die(EXIT_CANNOT, &err);
    buf_add_str(&text, str_of(opt.extra));
    if (jsonl_parse(prompter->extra_doc, buf_str(&text), &extra, &err) < 0)
        opt_reject("--extra", &err);
    for (size_t i = 0; i < COUNT(ours); i++)
        if (jsonl_has(&extra, ours[i]))
            opt_fail("--extra: %s: is not for it to set", ours[i]);
    prompter->extra = extra.root;
    buf_release(&text); // its values are the document's
}

/* A number, or the names of members with dots between. */
static void read_max_tokens(struct prompter *prompter)
{
    struct err err;
    char *at = prompter->max_tokens_at;
    if (!opt.max_tokens)
        return;
    bool is_path = strspn(opt.max_tokens, "+-.0123456789") == 0;
    if (!is_path && num_int(str_of(opt.max_tokens), 1, 1 << 30, &prompter->sampling.max_tokens, &err) < 0)
        opt_reject("--max-tokens", &err);
    if (is_path && (size_t)snprintf(at, sizeof prompter->max_tokens_at, "/%s", opt.max_tokens) >= sizeof prompter->max_tokens_at)
        opt_fail("--max-tokens: too long");
    for (; is_path && *at; at++)
        *at = *at == '.' ? '/' : *at;
}

static void read_system(struct prompter *prompter)
{
    static struct buf text;
    struct err err;
    if (opt.system_file && file_read(opt.system_file, MAX_FILE, &text, &err) < 0)
        die(EXIT_CANNOT, &err);
    prompter->system = opt.system ? str_of(opt.system) : str_trim(str_skip_bom(buf_str(&text)));
}

static void set_up(struct prompter *prompter)
{
    struct err err;
    prompter->sampling = (struct sampling){.form = opt.api == API_CHAT ? TEMPLATE_CHAT : TEMPLATE_TEXT,
                                           .temperature = opt.temperature,
                                           .top_p = opt.top_p,
                                           .max_tokens = -1,
                                           .seed = opt.seed,
                                           .logprobs = opt.logprobs,
                                           .stop = opt.stop.items,
                                           .stop_count = opt.stop.count,
                                           .ignore_eos = opt.ignore_eos,
                                           .stream = opt.api == API_EMBEDDINGS ? SAMPLING_UNSAID
                                                     : opt.no_stream           ? SAMPLING_WHOLE
                                                     : opt.no_usage            ? SAMPLING_STREAM
                                                                               : SAMPLING_STREAM_USAGE};
    read_max_tokens(prompter);
    read_extra(prompter);
    read_system(prompter);
    prompter->options = (struct templates_options){.form = prompter->sampling.form,
                                                   .path = opt.template,
                                                   .task = opt.task,
                                                   .system = opt.system || opt.system_file ? &prompter->system : NULL,
                                                   .examples = opt.examples,
                                                   .shots = (size_t)opt.shots};
    prompter->templates = templates_new(&prompter->options, &err);
    if (!prompter->templates)
        die(EXIT_CANNOT, &err);
}

/* The value of "messages", "prompt" or "input": a turn of a conversation has its own, where no template was asked for. */
static int write_text(struct prompter *prompter, const struct jsonl_record *rec, struct buf *body, struct err *err)
{
    struct jval messages;
    if (!opt.template && !opt.task && jval_at(rec->root, "/input/messages", &messages)) {
        if (opt.api != API_CHAT || opt.shots > 0)
            return err_set(err, ERR_PARSE, "input.messages: is for chat, without examples");
        return conversation_write(messages, prompter->options.system, body, err);
    }
    struct template *template;
    int found = templates_find(prompter->templates, rec->root, &template, err);
    if (found < 0)
        die(EXIT_CANNOT, err);
    return found ? template_render(template, rec->root, (size_t)opt.shots, body, err) : -1;
}

static int find_max_tokens(struct prompter *prompter, const struct jsonl_record *rec, struct err *err)
{
    int64_t *max_tokens = &prompter->sampling.max_tokens;
    if (prompter->max_tokens_at[0] == '\0' || (jval_int_at(rec->root, prompter->max_tokens_at, max_tokens) && *max_tokens > 0))
        return 0;
    struct jval there;
    if (!jval_at(rec->root, prompter->max_tokens_at, &there))
        return err_set(err, ERR_MISSING, "has no %s (--max-tokens)", opt.max_tokens);
    return err_set(err, ERR_PARSE, "%s: is not a whole number above 0 (--max-tokens)", opt.max_tokens);
}

/* Appends "api" and "request". On failure the record is as it came. */
static int prompt(struct prompter *prompter, struct jsonl_record *rec, struct err *err)
{
    static const char *const own[] = {"api", "request", NULL};
    struct own_place place;
    struct buf *body = &prompter->body;
    if (own_claim(rec, own, OWN_REQUEST | (opt.replace ? OWN_REPLACE : 0), &place, err) < 0)
        return -1;
    if (find_max_tokens(prompter, rec, err) < 0)
        return -1;
    buf_clear(body);
    json_object(body);
    if (opt.model)
        json_key(body, "model"), json_cstr(body, opt.model);
    json_key(body, texts[opt.api]);
    if (write_text(prompter, rec, body, err) < 0)
        return -1;
    sampling_write(&prompter->sampling, prompter->extra, body);
    json_object_end(body);
    if (body->failed)
        return err_nomem(err);
    own_cut(rec, &place);
    json_cstr(jsonl_append(rec, "api"), apis[opt.api]);
    json_raw(jsonl_append(rec, "request"), buf_str(body));
    return 0;
}

static void check_options(void)
{
    if (opt.shots > 0 && !opt.examples)
        opt_fail("--shots: needs --examples FILE");
    bool samples = opt.max_tokens || opt.ignore_eos || opt.seed >= 0 || opt.logprobs >= 0 || !isnan(opt.temperature) || !isnan(opt.top_p) ||
                   opt.stop.count > 0 || opt.no_stream || opt.no_usage;
    if (opt.api == API_EMBEDDINGS && samples)
        opt_fail("--api embeddings: nothing is generated, so that nothing else can be said of how (--extra sets members)");
    if (opt.system && opt.system_file)
        opt_fail("--system and --system-file: only one of them");
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct prompter prompter = {0};
    struct jsonl_record *rec;
    enum jsonl_got got;
    int status = EXIT_DONE;
    char **paths = opt_parse(argc, argv, specs, "make the request of each item");
    check_options();
    set_up(&prompter);
    struct jsonl_reader *in = jsonl_open(paths, &err);
    if (!in)
        die(EXIT_CANNOT, &err);
    while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            die(EXIT_CANNOT, &err);
        if (got == JSONL_BAD || prompt(&prompter, rec, &err) < 0) {
            if (err.kind == ERR_NOMEM)
                die(EXIT_CANNOT, &err);
            warn("%s: %s", jsonl_where(in), err.msg);
            status = EXIT_SOME_FAILED;
        }
        if (got == JSONL_RECORD && jsonl_write(rec, &err) < 0)
            die(EXIT_CANNOT, &err);
    }
    jsonl_close(in);
    templates_free(prompter.templates);
    jdoc_free(prompter.extra_doc);
    buf_release(&prompter.body);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
