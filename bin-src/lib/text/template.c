/* text/template.c: see template.h */
#include "text/template.h"

#include "base/json.h"

#include <stdlib.h>

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_ANSWER, ROLE_COUNT };
static const char *const roles[ROLE_COUNT] = {
    [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant", [ROLE_ANSWER] = "answer"};

/* A piece of a part: text as it is, or the path of a member. */
struct piece {
    bool is_path;
    struct buf text; // a path: its names, with a zero byte behind each
};

struct part {
    enum role role;
    size_t line; // where it begins
    struct piece *pieces;
    size_t count;
    struct buf message; // once one was written: what is the same in all, up to the content or with it
};

struct example {
    struct buf id, body; // body: messages with commas between, or text
};

struct template
{
    enum template_form form;
    struct part *parts; // [answer] is among them
    size_t count;
    struct example *examples;
    size_t example_count;
    struct buf text; // of the part or prompt that is being rendered
};

/* A zeroed element more, or NULL. */
static void *grow(void **array, size_t *count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(*count + 1, size, &bytes))
        return NULL;
    char *grown = realloc(*array, bytes);
    if (!grown)
        return NULL;
    *array = grown;
    return memset(grown + size * (*count)++, 0, size);
}

static void part_release(struct part *part)
{
    for (size_t i = 0; i < part->count; i++)
        buf_release(&part->pieces[i].text);
    free(part->pieces);
    buf_release(&part->message);
}

void template_free(struct template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        part_release(&t->parts[i]);
    for (size_t i = 0; i < t->example_count; i++) {
        buf_release(&t->examples[i].id);
        buf_release(&t->examples[i].body);
    }
    free(t->parts);
    free(t->examples);
    buf_release(&t->text);
    free(t);
}

/* Adds text to the part, behind its last piece if that is text. */
static int add_text(struct part *part, const char *text, size_t len, struct err *err)
{
    struct piece *last = part->count > 0 ? &part->pieces[part->count - 1] : NULL;
    if (len == 0)
        return 0;
    if ((!last || last->is_path) && !(last = grow((void **)&part->pieces, &part->count, sizeof *last)))
        return err_nomem(err);
    buf_add(&last->text, text, len);
    return last->text.failed ? err_nomem(err) : 0;
}

static int add_path(struct part *part, struct str path, struct err *err)
{
    struct piece *piece = grow((void **)&part->pieces, &part->count, sizeof *piece);
    if (!piece)
        return err_nomem(err);
    piece->is_path = true;
    while (true) {
        const char *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot ? (size_t)(dot - path.ptr) : path.len;
        if (len == 0)
            return err_set(err, ERR_PARSE, "{{...}}: not a path such as input.question");
        buf_add(&piece->text, path.ptr, len);
        buf_add_char(&piece->text, '\0');
        if (!dot)
            return piece->text.failed ? err_nomem(err) : 0;
        path = (struct str){dot + 1, path.len - len - 1};
    }
}

/* Takes one line of a part, its line end too, which is a line feed however the file has it. */
static int add_line(struct part *part, struct str line, struct err *err)
{
    bool crlf = line.len > 1 && memcmp(line.ptr + line.len - 2, "\r\n", 2) == 0;
    line.len -= crlf ? 2 : 0;
    size_t from = 0, at = str_starts(line, STR("\\[")) ? ++from : 0;
    while (at < line.len) {
        struct str rest = {line.ptr + at, line.len - at};
        if (str_starts(rest, STR("\\{{"))) {
            if (add_text(part, line.ptr + from, at - from, err) < 0)
                return -1;
            from = at + 1;
            at += 3;
        } else if (str_starts(rest, STR("{{"))) {
            const char *end = memmem(rest.ptr, rest.len, "}}", 2);
            if (!end)
                return err_set(err, ERR_PARSE, "\"{{\" without \"}}\" in its line (\\{{ is \"{{\" itself)");
            struct str path = str_trim((struct str){rest.ptr + 2, (size_t)(end - rest.ptr) - 2});
            if (add_text(part, line.ptr + from, at - from, err) < 0 || add_path(part, path, err) < 0)
                return -1;
            from = at = (size_t)(end - line.ptr) + 2;
        } else
            at++;
    }
    if (add_text(part, line.ptr + from, line.len - from, err) < 0)
        return -1;
    return crlf ? add_text(part, "\n", 1, err) : 0;
}

/* 1: the line begins a part; 0: it is text; -1: it looks like a part and is none of the four. */
static int begins_part(struct str line, enum role *role, struct err *err)
{
    struct str trimmed = str_trim(line);
    if (trimmed.len < 3 || line.ptr[0] != '[' || trimmed.ptr[trimmed.len - 1] != ']')
        return 0;
    struct str name = {trimmed.ptr + 1, trimmed.len - 2};
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 'a' || name.ptr[i] > 'z')
            return 0;
    for (int i = 0; i < ROLE_COUNT; i++)
        if (str_is(name, roles[i])) {
            *role = (enum role)i;
            return 1;
        }
    return err_set(err, ERR_PARSE, "[%.*s]: none of [system], [user], [assistant], [answer] (\\[ at the start of a line is \"[\" itself)",
                   name.len < 40 ? (int)name.len : 40, name.ptr);
}

static struct part *add_part(struct template *t, enum role role, size_t line)
{
    struct part *part = grow((void **)&t->parts, &t->count, sizeof *part);
    if (part)
        part->role = role, part->line = line;
    return part;
}

/* Drops the line ends at the part's end; its start has none, since empty lines are not added before the first other. */
static int end_part(struct part *part, struct err *err)
{
    struct piece *last = part->count > 0 ? &part->pieces[part->count - 1] : NULL;
    while (last && !last->is_path && last->text.len > 0 && strchr("\r\n", last->text.ptr[last->text.len - 1]))
        last->text.len--;
    return last ? 0 : err_set(err, ERR_PARSE, "%zu: [%s]: is empty", part->line, roles[part->role]);
}

static int check_parts(const struct template *t, struct err *err)
{
    size_t asks = 0, answers = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        asks += part->role == ROLE_USER;
        answers += part->role == ROLE_ANSWER;
        if (part->role == ROLE_SYSTEM && i > 0 && t->parts[i - 1].role != ROLE_SYSTEM)
            return err_set(err, ERR_PARSE, "%zu: [system]: stands behind another part", part->line);
        if (answers > 1)
            return err_set(err, ERR_PARSE, "%zu: [answer]: is there twice", part->line);
    }
    return asks > 0 ? 0 : err_set(err, ERR_PARSE, "1: has no [user] part");
}

static struct str next_line(struct str *text)
{
    const char *newline = memchr(text->ptr, '\n', text->len);
    struct str line = {text->ptr, newline ? (size_t)(newline - text->ptr) + 1 : text->len};
    *text = (struct str){text->ptr + line.len, text->len - line.len};
    return line;
}

/* No part line so far: what was read is a comment if one comes, and the [user] part if none does. */
static bool has_part_line(struct str text)
{
    struct err ignored;
    enum role role;
    while (text.len > 0)
        if (begins_part(next_line(&text), &role, &ignored) != 0)
            return true;
    return false;
}

static int parse(struct template *t, struct str text, struct err *err)
{
    text = str_skip_bom(text);
    struct part *part = has_part_line(text) ? NULL : add_part(t, ROLE_USER, 1);
    enum role role = ROLE_USER;
    for (size_t number = 1; text.len > 0; number++) {
        struct str line = next_line(&text);
        int begins = begins_part(line, &role, err);
        if (begins < 0)
            return err_prefix(err, "%zu: ", number);
        if (begins > 0) {
            if (part && end_part(part, err) < 0)
                return -1;
            if (!(part = add_part(t, role, number)))
                return err_nomem(err);
        } else if (part && (part->count > 0 || str_trim(line).len > 0) && add_line(part, line, err) < 0)
            return err->kind == ERR_NOMEM ? -1 : err_prefix(err, "%zu: ", number);
    }
    if (!part)
        return err_nomem(err);
    return end_part(part, err) < 0 ? -1 : check_parts(t, err);
}

struct template *template_parse(struct str text, enum template_form form, struct err *err)
{
    struct template *t = calloc(1, sizeof *t);
    if (!t) {
        err_nomem(err);
        return NULL;
    }
    t->form = form;
    if (parse(t, text, err) == 0)
        return t;
    template_free(t);
    return NULL;
}

int template_set_system(struct template *t, struct str text, struct err *err)
{
    size_t old = 0;
    while (old < t->count && t->parts[old].role == ROLE_SYSTEM)
        part_release(&t->parts[old++]);
    memmove(t->parts, t->parts + old, (t->count - old) * sizeof *t->parts);
    t->count -= old;
    if (text.len == 0)
        return 0;
    if (!add_part(t, ROLE_SYSTEM, 0))
        return err_nomem(err);
    memmove(t->parts + 1, t->parts, (t->count - 1) * sizeof *t->parts);
    t->parts[0] = (struct part){.role = ROLE_SYSTEM};
    return add_text(&t->parts[0], text.ptr, text.len, err);
}

/* The element of an array, by its number in digits. */
static bool element(struct jval array, const char *digits, struct jval *value)
{
    char *end;
    unsigned long wanted = strtoul(digits, &end, 10);
    struct jiter iter = jval_items(array);
    if (*end != '\0' || digits[0] < '0' || digits[0] > '9')
        return false;
    do {
        if (!jiter_next(&iter, NULL, value))
            return false;
    } while (wanted-- > 0);
    return true;
}

static bool look_up(struct jval record, const struct buf *path, struct jval *value)
{
    *value = record;
    for (const char *name = path->ptr; name < path->ptr + path->len; name += strlen(name) + 1) {
        struct jval inside = *value;
        if (jval_type(inside) == JTYPE_ARRAY ? !element(inside, name, value) : !jval_member(inside, name, value))
            return false;
    }
    return !jval_is_null(*value);
}

static int missing(const struct buf *path, struct err *err)
{
    char name[128];
    size_t len = path->len - 1 < sizeof name ? path->len - 1 : sizeof name;
    for (size_t i = 0; i < len; i++)
        name[i] = path->ptr[i] == '\0' ? '.' : path->ptr[i];
    return err_set(err, ERR_MISSING, "%.*s: is missing", (int)len, name);
}

/* Adds the part's text for the record to out. */
static int render_part(const struct part *part, struct jval record, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct piece *piece = &part->pieces[i];
        struct jval value;
        struct str text;
        if (!piece->is_path)
            buf_add_str(out, buf_str(&piece->text));
        else if (!look_up(record, &piece->text, &value))
            return missing(&piece->text, err);
        else if (jval_str(value, &text))
            buf_add_str(out, text);
        else {
            struct buf json = {0}; // of its own: the writer looks at the byte before it
            jval_write(value, &json);
            buf_add_str(out, buf_str(&json));
            out->failed |= json.failed;
            buf_release(&json);
        }
    }
    return 0;
}

static int add_content(struct template *t, const struct part *part, struct jval record, struct buf *message, struct err *err)
{
    buf_clear(&t->text);
    if (render_part(part, record, &t->text, err) < 0)
        return -1;
    json_str(message, buf_str(&t->text));
    json_object_end(message);
    return t->text.failed || message->failed ? err_nomem(err) : 0;
}

static int add_message(struct template *t, struct part *part, struct jval record, struct buf *out, struct err *err)
{
    bool alike = part->count == 1 && !part->pieces[0].is_path;
    if (part->message.len == 0) {
        json_object(&part->message);
        json_key(&part->message, "role");
        json_cstr(&part->message, roles[part->role == ROLE_ANSWER ? ROLE_ASSISTANT : part->role]);
        json_key(&part->message, "content");
        if (part->message.failed)
            return err_nomem(err);
        if (alike && add_content(t, part, record, &part->message, err) < 0)
            return -1;
    }
    json_raw(out, buf_str(&part->message));
    return alike ? 0 : add_content(t, part, record, out, err);
}

/* The part as a message, or as text behind what is there and a line end. */
static int add_rendered(struct template *t, struct part *part, struct jval record, struct buf *out, struct err *err)
{
    if (t->form == TEMPLATE_CHAT)
        return add_message(t, part, record, out, err);
    if (out->len > 0 && out->ptr[out->len - 1] != '\n')
        buf_add_char(out, '\n');
    return render_part(part, record, out, err);
}

int template_add_example(struct template *t, struct jval item, struct err *err)
{
    struct part *answer = NULL;
    size_t last = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->parts[i].role == ROLE_ANSWER)
            answer = &t->parts[i];
        else
            last = i;
    if (!answer)
        return err_set(err, ERR_MISSING, "the template has no [answer] part, which examples need");
    struct example *example = grow((void **)&t->examples, &t->example_count, sizeof *example);
    if (!example)
        return err_nomem(err);
    struct str id = STR("");
    jval_str_at(item, "/id", &id);
    buf_add_str(&example->id, id);
    for (size_t i = 0; i < t->count; i++) {
        enum role role = t->parts[i].role;
        if (role == ROLE_SYSTEM || role == ROLE_ANSWER || (role == ROLE_ASSISTANT && i == last))
            continue;
        if (add_rendered(t, &t->parts[i], item, &example->body, err) < 0)
            return -1;
    }
    if (add_rendered(t, answer, item, &example->body, err) < 0)
        return -1;
    return example->id.failed || example->body.failed ? err_nomem(err) : 0;
}

size_t template_examples(const struct template *t)
{
    return t->example_count;
}

static int add_examples(const struct template *t, struct jval record, size_t shots, struct buf *out, struct err *err)
{
    struct str own = STR("");
    if (shots == 0)
        return 0;
    if (!jval_str_at(record, "/meta/item", &own))
        jval_str_at(record, "/id", &own);
    size_t used = 0;
    for (size_t i = 0; i < t->example_count && used < shots; i++) {
        struct str id = buf_str(&t->examples[i].id), body = buf_str(&t->examples[i].body);
        if (id.len > 0 && str_eq(id, own))
            continue;
        used++;
        if (t->form == TEMPLATE_CHAT)
            json_raw(out, body);
        else
            buf_add_str(out, body), buf_add_str(out, STR("\n\n"));
    }
    return used == shots ? 0 : err_set(err, ERR_MISSING, "%zu examples other than itself, %zu are wanted", used, shots);
}

/* Everything, onto out: messages, or text. */
static int add_all(struct template *t, struct jval record, size_t shots, struct buf *out, struct err *err)
{
    size_t at = 0;
    for (; at < t->count && t->parts[at].role == ROLE_SYSTEM; at++)
        if (add_rendered(t, &t->parts[at], record, out, err) < 0)
            return -1;
    if (t->form == TEMPLATE_TEXT && at > 0)
        buf_add_str(out, STR("\n\n"));
    if (add_examples(t, record, shots, out, err) < 0)
        return -1;
    for (; at < t->count; at++)
        if (t->parts[at].role != ROLE_ANSWER && add_rendered(t, &t->parts[at], record, out, err) < 0)
            return -1;
    return 0;
}

int template_render(struct template *t, struct jval record, size_t shots, struct buf *out, struct err *err)
{
    if (t->form == TEMPLATE_CHAT) {
        json_array(out);
        if (add_all(t, record, shots, out, err) < 0)
            return -1;
        json_array_end(out);
    } else {
        buf_clear(&t->text);
        if (add_all(t, record, shots, &t->text, err) < 0)
            return -1;
        json_str(out, buf_str(&t->text));
    }
    return out->failed || t->text.failed ? err_nomem(err) : 0;
}
