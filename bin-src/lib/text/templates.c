/* text/templates.c: see templates.h */
#include "text/templates.h"

#include "base/file.h"
#include "base/share.h"
#include "jsonl/jsonl.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_FILE = 16 << 20 }; // bytes of a template

struct templates {
    const struct templates_options *options;
    struct named {
        struct template *template; // NULL: there is none
        struct named *next;
        char task[]; // "": for all
    } * first;
};

struct templates *templates_new(const struct templates_options *options, struct err *err)
{
    struct templates *templates = calloc(1, sizeof *templates);
    if (!templates)
        err_nomem(err);
    else
        templates->options = options;
    return templates;
}

void templates_free(struct templates *templates)
{
    struct named *named = templates ? templates->first : NULL;
    for (struct named *next; named; named = next) {
        next = named->next;
        template_free(named->template);
        free(named);
    }
    free(templates);
}

/* Takes the first items of the examples' file that are of the task, one more than are wanted: an item is none of its own. */
static int read_examples(const struct templates_options *options, struct template *template, const char *task, struct err *err)
{
    char *paths[] = {(char *)options->examples, NULL};
    struct jsonl_reader *in = jsonl_open(paths, err);
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_END;
    struct str own;
    if (!in)
        return -1;
    while (template_examples(template) <= options->shots && (got = jsonl_next(in, &rec, err)) == JSONL_RECORD) {
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
    if (template_examples(template) < options->shots)
        return err_set(err, ERR_MISSING, "%s: --shots %zu: has %zu%s%s", options->examples, options->shots, template_examples(template),
                       task[0] ? " of task " : "", task);
    return 0;
}

static struct template *load(const struct templates_options *options, const char *path, const char *task, struct err *err)
{
    struct buf text = {0};
    struct template *template = NULL;
    if (file_read(path, MAX_FILE, &text, err) == 0) {
        template = template_parse(buf_str(&text), options->form, err);
        if (!template && err->kind == ERR_PARSE)
            err_prefix(err, "%s:", path);
    }
    if (template && ((options->system && template_set_system(template, *options->system, err) < 0) ||
                     (options->shots > 0 && read_examples(options, template, task, err) < 0))) {
        template_free(template);
        template = NULL;
    }
    buf_release(&text);
    return template;
}

/* Loads the task's template, if there is one. */
static int load_named(const struct templates_options *options, struct named *named, struct err *err)
{
    struct buf path = {0};
    char file[256];
    bool by_task = !options->path;
    bool fits = (size_t)snprintf(file, sizeof file, "%s.txt", named->task) < sizeof file && !strchr(named->task, '/');
    int rc = by_task ? share_path(&path, SHARE_PROMPTS, fits ? file : "", err) : 0;
    if (rc == 0 && (!by_task || (fits && access(path.ptr, F_OK) == 0))) {
        named->template = load(options, by_task ? path.ptr : options->path, named->task, err);
        rc = named->template ? 0 : -1;
    }
    buf_release(&path);
    return rc;
}

static struct named *add(struct templates *templates, struct str task, struct err *err)
{
    struct named *named = calloc(1, sizeof *named + task.len + 1);
    if (!named) {
        err_nomem(err);
        return NULL;
    }
    memcpy(named->task, task.ptr, task.len);
    named->next = templates->first;
    templates->first = named;
    return load_named(templates->options, named, err) < 0 ? NULL : named;
}

int templates_find(struct templates *templates, struct jval record, struct template **out, struct err *err)
{
    const struct templates_options *options = templates->options;
    struct str task = str_of(options->task ? options->task : "chat");
    struct named *named = templates->first;
    struct jval own;
    if (options->path)
        task = STR("");
    else if (!options->task && jval_member(record, "task", &own) && !jval_str(own, &task)) {
        err_set(err, ERR_PARSE, "task: not a string");
        return 0;
    }
    while (named && !str_is(task, named->task))
        named = named->next;
    if (!named && !(named = add(templates, task, err)))
        return -1;
    if (!named->template)
        err_set(err, ERR_MISSING, "task: no template for \"%.60s\" (--template FILE)", named->task);
    *out = named->template;
    return named->template != NULL;
}
