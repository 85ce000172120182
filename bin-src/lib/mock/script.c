/* mock/script.c: see script.h */
#include "mock/script.h"

#include "base/num.h"
#include "jsonl/jsonl.h"
#include "mock/fault.h"

#include <math.h>
#include <stdlib.h>

const char *const script_usage_names[] = {
    [SCRIPT_USAGE_ASKED] = "asked", [SCRIPT_USAGE_ALWAYS] = "always", [SCRIPT_USAGE_NEVER] = "never", NULL};
const char *const script_role_names[] = {[SCRIPT_ROLE_WIRE] = "wire",
                                         [SCRIPT_ROLE_APART] = "apart",
                                         [SCRIPT_ROLE_JOINED] = "joined",
                                         [SCRIPT_ROLE_EARLY] = "early",
                                         [SCRIPT_ROLE_NONE] = "none",
                                         NULL};
_Static_assert(COUNT(script_usage_names) == SCRIPT_USAGE_COUNT + 1 && COUNT(script_role_names) == SCRIPT_ROLE_COUNT + 1, "all have names");

void script_init(struct script *script)
{
    *script = (struct script){.per_event = 1, .per_write = 1, .every = 7, .retry_after_s = 1, .for_ns = -1};
}

/* --- one member --- */

static int read_time(struct jval value, struct distribution *out, struct err *err)
{
    struct str text;
    double ms;
    if (jval_str(value, &text))
        return distribution_parse_ns(out, text, err);
    if (!jval_double(value, &ms) || !(ms >= 0 && ms <= 1e9))
        return err_set(err, ERR_RANGE, "neither a number of ms nor a distribution");
    *out = (struct distribution){DISTRIBUTION_FIXED, ms * NS_PER_MS, 0};
    return 0;
}

static int read_ttft(struct script *script, struct jval value, struct err *err)
{
    return read_time(value, &script->ttft, err);
}

static int read_itl(struct script *script, struct jval value, struct err *err)
{
    return read_time(value, &script->itl, err);
}

static int read_int(struct jval value, int64_t min, int64_t max, int64_t *out, struct err *err)
{
    int64_t read;
    if (!jval_int(value, &read) || read < min || read > max)
        return err_set(err, ERR_RANGE, "not a whole number from %lld to %lld", (long long)min, (long long)max);
    *out = read;
    return 0;
}

static int read_ns(struct jval value, int64_t *out, struct err *err)
{
    double ms;
    if (!jval_double(value, &ms) || !(ms >= 0 && ms <= 1e9))
        return err_set(err, ERR_RANGE, "not a number of ms");
    *out = llrint(ms * NS_PER_MS);
    return 0;
}

static int read_tokens(struct script *script, struct jval value, struct err *err)
{
    struct str text;
    int64_t count = 0;
    script->tokens_are = SCRIPT_TOKENS_EXACT;
    if (jval_str(value, &text))
        return distribution_parse(&script->tokens, text, err);
    if (read_int(value, 0, SCRIPT_TOKENS_MAX, &count, err) < 0)
        return -1;
    script->tokens = (struct distribution){DISTRIBUTION_FIXED, (double)count, 0};
    return 0;
}

static int read_text(struct script *script, struct jval value, struct err *err)
{
    if (!jval_str(value, &script->text))
        return err_set(err, ERR_PARSE, "no string");
    script->has_text = true;
    return 0;
}

static int read_tool_calls(struct script *script, struct jval value, struct err *err)
{
    struct jval call;
    struct str text;
    if (jval_type(value) != JTYPE_ARRAY)
        return err_set(err, ERR_PARSE, "no array");
    for (struct jiter it = jval_items(value); jiter_next(&it, NULL, &call);)
        if (!jval_str_at(call, "/name", &text) || !jval_str_at(call, "/arguments", &text))
            return err_set(err, ERR_PARSE, "a call needs a name and arguments, both strings");
    script->tool_calls = value;
    script->has_tool_calls = jval_count(value) > 0;
    return 0;
}

static int read_name(struct jval value, const char *const *names, size_t count, size_t *place, struct err *err)
{
    struct str text;
    if (!jval_str(value, &text))
        return err_set(err, ERR_PARSE, "no string");
    for (size_t i = 0; i < count; i++)
        if (str_is(text, names[i])) {
            *place = i;
            return 0;
        }
    return err_set(err, ERR_PARSE, "\"%.*s\" is none of its names", text.len < 40 ? (int)text.len : 40, text.ptr);
}

static int read_finish(struct script *script, struct jval value, struct err *err)
{
    size_t place;
    if (read_name(value, wire_finish_names, WIRE_FINISH_COUNT, &place, err) < 0)
        return -1;
    script->finish = (enum wire_finish)place;
    return 0;
}

static int read_usage(struct script *script, struct jval value, struct err *err)
{
    size_t place;
    if (read_name(value, script_usage_names, SCRIPT_USAGE_COUNT, &place, err) < 0)
        return -1;
    script->usage = (enum script_usage)place;
    return 0;
}

static int read_role(struct script *script, struct jval value, struct err *err)
{
    size_t place;
    if (read_name(value, script_role_names, SCRIPT_ROLE_COUNT, &place, err) < 0)
        return -1;
    script->role = (enum script_role)place;
    return 0;
}

static int read_fault(struct script *script, struct jval value, struct err *err)
{
    struct str text;
    script->says_fault = true;
    script->faults = 0;
    if (jval_is_null(value))
        return 0;
    if (!jval_str(value, &text))
        return err_set(err, ERR_PARSE, "neither a string nor null");
    return fault_parse(text, &script->faults, err);
}

static int read_reasoning(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 0, SCRIPT_TOKENS_MAX, &script->reasoning, err);
}

static int read_per_event(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 1, 1000, &script->per_event, err);
}

static int read_per_write(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 1, 1000, &script->per_write, err);
}

static int read_headers(struct script *script, struct jval value, struct err *err)
{
    script->has_headers = true;
    return read_ns(value, &script->headers_ns, err);
}

static int read_after(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 0, SCRIPT_TOKENS_MAX, &script->after, err);
}

static int read_for(struct script *script, struct jval value, struct err *err)
{
    return read_ns(value, &script->for_ns, err);
}

static int read_every(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 1, 1 << 20, &script->every, err);
}

static int read_retry_after(struct script *script, struct jval value, struct err *err)
{
    return read_int(value, 0, 86400, &script->retry_after_s, err);
}

static const struct {
    const char *name;
    int (*read)(struct script *script, struct jval value, struct err *err);
} members[] = {
    {"ttft_ms", read_ttft},       {"itl_ms", read_itl},       {"tokens", read_tokens},       {"text", read_text},
    {"reasoning", read_reasoning}, {"tool_calls", read_tool_calls}, {"finish", read_finish}, {"usage", read_usage},
    {"per_event", read_per_event}, {"per_write", read_per_write}, {"role", read_role},       {"headers_ms", read_headers},
    {"fault", read_fault},        {"after", read_after},      {"for_ms", read_for},          {"every", read_every},
    {"retry_after_s", read_retry_after},
};

int script_apply(struct script *script, struct jval object, struct err *err)
{
    struct str name;
    struct jval value;
    if (jval_type(object) != JTYPE_OBJECT)
        return err_set(err, ERR_PARSE, "a script is an object");
    for (struct jiter it = jval_items(object); jiter_next(&it, &name, &value);) {
        size_t i = 0;
        while (i < COUNT(members) && !str_is(name, members[i].name))
            i++;
        if (i == COUNT(members))
            return err_set(err, ERR_PARSE, "%.*s: no such member of a script", name.len < 40 ? (int)name.len : 40, name.ptr);
        if (members[i].read(script, value, err) < 0)
            return err_prefix(err, "%s: ", members[i].name);
    }
    return 0;
}

/* --- a file of them --- */

/* Adds a line's object, in a document of its own, since a script's text lives there. */
static int add_line(struct script_file *file, struct str line, struct err *err)
{
    struct jdoc **docs = reallocarray(file->docs, file->count + 1, sizeof *docs);
    file->docs = docs ? docs : file->docs;
    struct jval *scripts = docs ? reallocarray(file->scripts, file->count + 1, sizeof *scripts) : NULL;
    if (!scripts)
        return err_nomem(err);
    file->scripts = scripts;
    struct jdoc *doc = docs[file->count] = jdoc_new();
    struct buf copy = {0};
    buf_add_str(&copy, line);
    int rc = doc && buf_reserve(&copy, JDOC_PADDING) ? jdoc_parse(doc, copy.ptr, copy.len, &scripts[file->count], err) : err_nomem(err);
    buf_release(&copy);
    if (rc < 0)
        jdoc_free(doc);
    else
        file->count++;
    return rc;
}

static int add_lines(struct script_file *file, struct jsonl_reader *reader, struct err *err)
{
    struct jsonl_record *rec;
    enum jsonl_got got;
    while ((got = jsonl_next(reader, &rec, err)) != JSONL_END) {
        struct script tried;
        script_init(&tried);
        if (got == JSONL_FAILED)
            return -1;
        if (got == JSONL_BAD || script_apply(&tried, rec->root, err) < 0)
            return err_prefix(err, "%s: ", jsonl_where(reader));
        if (add_line(file, rec->line, err) < 0)
            return -1;
    }
    return 0;
}

int script_file_read(struct script_file *file, const char *path, struct err *err)
{
    char *paths[] = {(char *)path, NULL};
    struct jsonl_reader *reader = jsonl_open(paths, err);
    *file = (struct script_file){0};
    int rc = reader ? add_lines(file, reader, err) : -1;
    jsonl_close(reader);
    if (rc == 0 && file->count == 0)
        rc = err_set(err, ERR_MISSING, "%s: no script in it", path);
    if (rc < 0)
        script_file_release(file);
    return rc;
}

void script_file_release(struct script_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        jdoc_free(file->docs[i]);
    free(file->docs);
    free(file->scripts);
    *file = (struct script_file){0};
}

/* --- drawn faults --- */

int script_draws_add(struct script_draws *draws, struct str text, struct err *err)
{
    const char *colon = memchr(text.ptr, ':', text.len);
    size_t len = colon ? (size_t)(colon - text.ptr) : text.len;
    double share = 1, before = draws->count > 0 ? draws->at[draws->count - 1].upto : 0;
    uint64_t faults;
    if (fault_parse((struct str){text.ptr, len}, &faults, err) < 0)
        return -1;
    if (colon && num_double((struct str){colon + 1, text.len - len - 1}, 0, 1, &share, err) < 0)
        return -1;
    if (before + share > 1 + 1e-9)
        return err_set(err, ERR_RANGE, "the shares add up to more than 1 (faults joined by a comma come together)");
    if (draws->count == COUNT(draws->at))
        return err_set(err, ERR_RANGE, "more than %zu faults to draw from", COUNT(draws->at));
    draws->at[draws->count].faults = faults;
    draws->at[draws->count++].upto = before + share;
    return 0;
}

uint64_t script_draw(const struct script_draws *draws, struct rng *rng)
{
    if (draws->count == 0)
        return 0;
    double at = rng_uniform(rng);
    for (size_t i = 0; i < draws->count; i++)
        if (at < draws->at[i].upto)
            return draws->at[i].faults;
    return 0;
}
