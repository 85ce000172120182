/*
 * lm-prompt: make the request of each item
 *
 * Reads items and appends "api" and "request", the body that lm-send sends. The words come from a template
 * (text/template.h): --template's, else the one in pipelines/prompts/ that is named like the item's task.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/opt.h"
#include "base/out.h"
#include "base/share.h"
#include "record/own.h"
#include "text/sampling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum api { API_CHAT, API_COMPLETIONS, API_EMBEDDINGS };
static const char *const apis[] = {[API_CHAT] = "chat", [API_COMPLETIONS] = "completions", [API_EMBEDDINGS] = "embeddings", NULL};
static const char *const texts[] = {[API_CHAT] = "messages", [API_COMPLETIONS] = "prompt", [API_EMBEDDINGS] = "input"};
enum { MAX_FILE = 16 << 20 }; // bytes of a template, a system message

static struct {
    const char *task, *template, *examples, *system, *system_file, *model, *extra;
    int api;
    int64_t shots, max_tokens, seed, logprobs;
    double temperature, top_p;
    struct opt_list stop;
    bool no_stream, no_usage, replace;
} opt = {.extra = "{}", .max_tokens = -1, .seed = -1, .logprobs = -1, .temperature = NAN, .top_p = NAN};

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
    {0, "max-tokens", OPT_INT, &opt.max_tokens, .min = 1, .max = 1 << 30, .arg = "N", .help = "the body's max_tokens"},
    {0, "seed", OPT_INT, &opt.seed, .max = 9007199254740991, .arg = "N", .help = "the body's seed"},
    {0, "stop", OPT_LIST, &opt.stop, .arg = "TEXT", .help = "a text to stop at; may be given again"},
    {0, "logprobs", OPT_INT, &opt.logprobs, .max = 1000, .arg = "N", .help = "ask for log-probabilities, and N alternatives"},
    {0, "extra", OPT_STR, &opt.extra, .arg = "JSON", .help = "an object whose members go into the body, last word on each"},
    {0, "no-stream", OPT_FLAG, &opt.no_stream, .help = "ask for one answer, not a stream"},
    {0, "no-usage", OPT_FLAG, &opt.no_usage, .help = "do not ask the stream for usage"},
    {0, "replace", OPT_FLAG, &opt.replace, .help = "cut an api or request that is there, and what follows it"},
    {.type = OPT_END, .arg = "[FILE...]"},
};

/* The templates in use, one a task. */
struct prompter {
    struct named {
        struct template *template; // NULL: there is none
        struct named *next;
        char task[]; // "": for all
    } * first;
    struct buf tail; // the body's members behind the text, each with a comma in front
    struct buf body; // of the record at hand
};

/* The members that are alike in all bodies. */
static void make_tail(struct buf *tail)
{
    static const char *const ours[] = {"messages", "prompt", "input", "model"};
    struct sampling sampling = {.form = opt.api == API_CHAT ? TEMPLATE_CHAT : TEMPLATE_TEXT,
                                .temperature = opt.temperature,
                                .top_p = opt.top_p,
                                .max_tokens = opt.max_tokens,
                                .seed = opt.seed,
                                .logprobs = opt.logprobs,
                                .stop = opt.stop.items,
                                .stop_count = opt.stop.count,
                                .stream = opt.api == API_EMBEDDINGS ? SAMPLING_UNSAID
                                          : opt.no_stream           ? SAMPLING_WHOLE
                                          : opt.no_usage            ? SAMPLING_STREAM
                                                                    : SAMPLING_STREAM_USAGE};
    struct jdoc *doc = jdoc_new();
    struct jsonl_record extra = {0};
    struct buf text = {0};
    struct err err;
    if (!doc || !buf_reserve(&text, strlen(opt.extra) + JDOC_PADDING))
        err_nomem(&err), die(EXIT_CANNOT, &err);
    buf_add_str(&text, str_of(opt.extra));
    if (jsonl_parse(doc, buf_str(&text), &extra, &err) < 0)
        opt_reject("--extra", &err);
    for (size_t i = 0; i < COUNT(ours); i++)
        if (jsonl_has(&extra, ours[i]))
            opt_fail("--extra: %s: is not for it to set", ours[i]);
    buf_add_char(tail, ',');
    sampling_write(&sampling, extra.root, tail);
    if (tail->len == 1) // nothing follows the comma
        buf_clear(tail);
    buf_release(&text);
    jdoc_free(doc);
}

/* Takes the first items of the examples' file that are of the task, one more than are wanted: an item is none of its own. */
static int read_examples(struct template *template, const char *task, struct err *err)
{
    char *paths[] = {(char *)opt.examples, NULL};
    struct jsonl_reader *in = jsonl_open(paths, err);
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_END;
    struct str own;
    if (!in)
        return -1;
    while (template_examples(template) <= (size_t)opt.shots && (got = jsonl_next(in, &rec, err)) == JSONL_RECORD) {
        if (task[0] != '\0' && jval_str_at(rec->root, "/task", &own) && !str_is(own, task))
            continue;
        if (template_add_example(template, rec->root, err) < 0)
            got = JSONL_BAD;
        if (got == JSONL_BAD)
            break;
    }
    if (got == JSONL_BAD)
        err_prefix(err, "%s: ", jsonl_where(in));
    jsonl_close(in);
    if (got == JSONL_BAD || got == JSONL_FAILED)
        return -1;
    if (template_examples(template) < (size_t)opt.shots)
        return err_set(err, ERR_MISSING, "%s: --shots %lld: has %zu%s%s", opt.examples, (long long)opt.shots, template_examples(template),
                       task[0] ? " of task " : "", task);
    return 0;
}

static int set_system(struct template *template, struct err *err)
{
    struct buf text = {0};
    if (opt.system)
        return template_set_system(template, str_of(opt.system), err);
    if (!opt.system_file)
        return 0;
    int rc = file_read(opt.system_file, MAX_FILE, &text, err);
    if (rc == 0)
        rc = template_set_system(template, str_trim(str_skip_bom(buf_str(&text))), err);
    buf_release(&text);
    return rc;
}

static struct template *load_template(const char *path, const char *task, struct err *err)
{
    struct buf text = {0};
    struct template *template = NULL;
    if (file_read(path, MAX_FILE, &text, err) == 0) {
        template = template_parse(buf_str(&text), opt.api == API_CHAT ? TEMPLATE_CHAT : TEMPLATE_TEXT, err);
        if (!template && err->kind == ERR_PARSE)
            err_prefix(err, "%s:", path);
    }
    if (template && (set_system(template, err) < 0 || (opt.shots > 0 && read_examples(template, task, err) < 0))) {
        template_free(template);
        template = NULL;
    }
    buf_release(&text);
    return template;
}

/* Adds the task's template; one that is there and cannot be used ends the program. */
static struct named *add_template(struct prompter *prompter, struct str task)
{
    struct err err;
    struct buf path = {0};
    struct named *named = xcalloc(1, sizeof *named + task.len + 1);
    memcpy(named->task, task.ptr, task.len);
    named->next = prompter->first;
    prompter->first = named;
    if (!opt.template) {
        char file[256];
        bool fits = (size_t)snprintf(file, sizeof file, "%s.txt", named->task) < sizeof file && !strchr(named->task, '/');
        if (share_path(&path, SHARE_PROMPTS, fits ? file : "", &err) < 0)
            die(EXIT_CANNOT, &err);
        if (!fits || access(path.ptr, F_OK) != 0) {
            buf_release(&path);
            return named;
        }
    }
    named->template = load_template(opt.template ? opt.template : path.ptr, named->task, &err);
    if (!named->template)
        die(EXIT_CANNOT, &err);
    buf_release(&path);
    return named;
}

/* The template for a record: NULL if its task has none. */
static struct template *template_for(struct prompter *prompter, const struct jsonl_record *rec, struct err *err)
{
    struct str task = str_of(opt.task ? opt.task : "chat");
    struct named *named = prompter->first;
    struct jval own;
    if (opt.template)
        task = STR("");
    else if (!opt.task && jval_member(rec->root, "task", &own) && !jval_str(own, &task))
        return err_set(err, ERR_PARSE, "task: not a string"), NULL;
    while (named && !str_is(task, named->task))
        named = named->next;
    if (!named)
        named = add_template(prompter, task);
    if (!named->template)
        err_set(err, ERR_MISSING, "task: no template for \"%.60s\" (--template FILE)", named->task);
    return named->template;
}

static void release(struct prompter *prompter)
{
    for (struct named *named = prompter->first, *next; named; named = next) {
        next = named->next;
        template_free(named->template);
        free(named);
    }
    buf_release(&prompter->tail);
    buf_release(&prompter->body);
}

/* Appends "api" and "request". On failure the record is as it came. */
static int prompt(struct prompter *prompter, struct jsonl_record *rec, struct err *err)
{
    static const char *const own[] = {"api", "request", NULL};
    struct own_place place;
    struct buf *body = &prompter->body;
    if (own_claim(rec, own, OWN_REQUEST | (opt.replace ? OWN_REPLACE : 0), &place, err) < 0)
        return -1;
    struct template *template = template_for(prompter, rec, err);
    if (!template)
        return -1;
    buf_clear(body);
    json_object(body);
    if (opt.model)
        json_key(body, "model"), json_cstr(body, opt.model);
    json_key(body, texts[opt.api]);
    if (template_render(template, rec->root, (size_t)opt.shots, body, err) < 0)
        return -1;
    buf_add_str(body, buf_str(&prompter->tail));
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
    bool samples = opt.max_tokens >= 0 || opt.seed >= 0 || opt.logprobs >= 0 || !isnan(opt.temperature) || !isnan(opt.top_p) ||
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
    make_tail(&prompter.tail);
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
    release(&prompter);
    if (out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    return status;
}
