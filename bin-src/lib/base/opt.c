/* base/opt.c: see opt.h */
#include "base/opt.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef LM_VERSION
#define LM_VERSION "0"
#endif

enum { MEANS_QUIET, MEANS_VERBOSE, MEANS_HELP, MEANS_VERSION, MEANS_LIST, MEANS_COUNT };

static bool meant[MEANS_COUNT]; // the process has one command line
static const struct opt_spec everywhere[] = {
    {'q', "quiet", OPT_FLAG, &meant[MEANS_QUIET], .help = "only warnings and errors on stderr"},
    {'v', "verbose", OPT_FLAG, &meant[MEANS_VERBOSE], .help = "say more on stderr"},
    {0, "help", OPT_FLAG, &meant[MEANS_HELP], .help = "print this and exit"},
    {0, "version", OPT_FLAG, &meant[MEANS_VERSION], .help = "print the version and exit"},
    {.type = OPT_END},
};
static const struct opt_spec hidden[] = {
    {0, "list-options", OPT_FLAG, &meant[MEANS_LIST], .help = "print the table of options"},
};

const char *const opt_formats[] = {"text", "json", "csv", "md", NULL};

void opt_fail(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    log_error(text);
    if (log_form() == LOG_TEXT) // JSON has an object a line and no other
        dprintf(2, "try %s --help\n", program_invocation_short_name);
    exit(EXIT_USAGE);
}

void opt_reject(const char *option, const struct err *err)
{
    if (err->kind == ERR_NOMEM)
        die(EXIT_CANNOT, err);
    opt_fail("%s: %s", option, err->msg);
}

void opt_conceal(const char *value)
{
    if (value[0] != '@')
        memset((char *)value, 'x', strlen(value));
}

static void add_choices(struct buf *out, const struct opt_spec *spec, const char *between)
{
    for (size_t i = 0; spec->choices[i]; i++)
        buf_addf(out, "%s%s", i ? between : "", spec->choices[i]);
}

static void add_argument(struct buf *out, const struct opt_spec *spec)
{
    if (spec->type == OPT_CHOICE && !spec->arg)
        add_choices(out, spec, "|");
    else if (spec->type == OPT_DURATION && !spec->arg)
        buf_add_str(out, STR("TIME"));
    else if (spec->type != OPT_FLAG)
        buf_add_str(out, str_of(spec->arg ? spec->arg : "VALUE"));
}

static void add_help_lines(struct buf *out, const struct opt_spec *specs)
{
    enum { COLUMN = 30 };
    for (; specs->type != OPT_END; specs++) {
        size_t from = out->len;
        if (specs->letter)
            buf_addf(out, "  -%c, --%s", specs->letter, specs->name);
        else
            buf_addf(out, "      --%s", specs->name);
        if (specs->type != OPT_FLAG)
            buf_add_char(out, ' ');
        add_argument(out, specs);
        if (out->len - from >= COLUMN)
            buf_addf(out, "\n%*s", COLUMN, "");
        else
            buf_addf(out, "%*s", (int)(COLUMN - (out->len - from)), "");
        buf_addf(out, "%s\n", specs->help);
    }
}

static const char *operands_of(const struct opt_spec *specs)
{
    while (specs->type != OPT_END)
        specs++;
    return specs->arg ? specs->arg : "";
}

/* letter, name, argument, choices, help: with tabs between, for completions and tests */
static void add_list(struct buf *out, const struct opt_spec *specs)
{
    for (; specs->type != OPT_END; specs++) {
        buf_addf(out, "%c\t%s\t", specs->letter ? specs->letter : '-', specs->name);
        add_argument(out, specs);
        buf_add_char(out, '\t');
        if (specs->type == OPT_CHOICE)
            add_choices(out, specs, " ");
        buf_addf(out, "\t%s\n", specs->help);
    }
}

static _Noreturn void print_and_exit(struct buf *text)
{
    struct err err;
    if (text->failed)
        err_nomem(&err), die(EXIT_CANNOT, &err);
    if (out_write(text->ptr, text->len, &err) < 0 || out_finish(&err) < 0)
        die(EXIT_CANNOT, &err);
    exit(EXIT_DONE);
}

static void answer_questions(const struct opt_spec *specs, const char *summary)
{
    struct buf text = {0};
    if (meant[MEANS_HELP]) {
        buf_addf(&text, "%s: %s\n\nusage: %s [option...] %s\n\n", program_invocation_short_name, summary, program_invocation_short_name,
                 operands_of(specs));
        add_help_lines(&text, specs);
        add_help_lines(&text, everywhere);
        buf_addf(&text, "\nThe manual: man %s, and man lmutils for all programs.\n", program_invocation_short_name);
        print_and_exit(&text);
    }
    if (meant[MEANS_VERSION]) {
        buf_addf(&text, "%s (lmutils) %s\n", program_invocation_short_name, LM_VERSION);
        print_and_exit(&text);
    }
    if (meant[MEANS_LIST]) {
        add_list(&text, specs);
        add_list(&text, everywhere);
        print_and_exit(&text);
    }
    log_set_level(meant[MEANS_VERBOSE] ? LOG_DEBUG : meant[MEANS_QUIET] ? LOG_WARN : LOG_INFO);
}

static int set_choice(const struct opt_spec *spec, const char *text, struct err *err)
{
    for (int i = 0; spec->choices[i]; i++)
        if (strcmp(text, spec->choices[i]) == 0) {
            *(int *)spec->value = i;
            return 0;
        }
    struct buf known = {0};
    add_choices(&known, spec, ", ");
    err_set(err, ERR_PARSE, "\"%.80s\" is none of %.*s", text, STR_ARG(buf_str(&known)));
    buf_release(&known);
    return -1;
}

static void add_to_list(struct opt_list *list, const char *text)
{
    const char **items = xcalloc(list->count + 1, sizeof *items);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count++] = text;
    free(list->items);
    list->items = items;
}

static int set(const struct opt_spec *spec, const char *text, struct err *err)
{
    bool bounded = spec->min != 0 || spec->max != 0;
    switch (spec->type) {
    case OPT_FLAG:
        *(bool *)spec->value = true;
        return 0;
    case OPT_STR:
        *(const char **)spec->value = text;
        return 0;
    case OPT_LIST:
        add_to_list(spec->value, text);
        return 0;
    case OPT_INT:
        return num_int(str_of(text), bounded ? (int64_t)spec->min : 0, bounded ? (int64_t)spec->max : INT64_MAX, spec->value, err);
    case OPT_DOUBLE:
        return num_double(str_of(text), bounded ? spec->min : 0, bounded ? spec->max : 1e300, spec->value, err);
    case OPT_DURATION:
        return num_duration_ns(str_of(text), spec->value, err);
    case OPT_CHOICE:
        return set_choice(spec, text, err);
    case OPT_END:
        break;
    }
    return err_set(err, ERR_PARSE, "no such option");
}

static const struct opt_spec *by_letter(const struct opt_spec *specs, char letter)
{
    for (; specs->type != OPT_END; specs++)
        if (specs->letter == letter)
            return specs;
    return NULL;
}

/* Counts in *found how many names begin so; a whole name is the only one. */
static const struct opt_spec *by_name(const struct opt_spec *specs, struct str name, const struct opt_spec *so_far, int *found)
{
    for (; specs->type != OPT_END; specs++) {
        if (str_is(name, specs->name)) {
            *found = 1;
            return specs;
        }
        if (str_starts(str_of(specs->name), name)) {
            so_far = specs;
            ++*found;
        }
    }
    return so_far;
}

/* Takes argv[*at], which begins with "--", and its value, which may be the next. */
static void parse_long(char **argv, int *at, const struct opt_spec *specs)
{
    const char *given = argv[*at] + 2, *equals = strchr(given, '=');
    struct str name = {given, equals ? (size_t)(equals - given) : strlen(given)};
    const struct opt_spec *const tables[] = {specs, everywhere};
    const struct opt_spec *spec = str_is(name, hidden->name) ? hidden : NULL; // never by a shorter name
    int found = spec ? 1 : 0;
    for (size_t i = 0; spec != hidden && i < COUNT(tables); i++) {
        spec = by_name(tables[i], name, spec, &found);
        if (found == 1 && spec && str_is(name, spec->name))
            break;
    }
    if (found == 0)
        opt_fail("--%.*s: no such option", STR_ARG(name));
    if (found > 1)
        opt_fail("--%.*s: could mean more than one option", STR_ARG(name));
    if (spec->type == OPT_FLAG && equals)
        opt_fail("--%s: takes no value", spec->name);
    const char *value = spec->type == OPT_FLAG ? "" : equals ? equals + 1 : argv[++*at];
    if (!value)
        opt_fail("--%s: needs a value", spec->name);
    struct err err;
    if (set(spec, value, &err) < 0)
        opt_fail("--%s: %s", spec->name, err.msg);
}

/* Takes argv[*at], letters behind one "-", and the last one's value. */
static void parse_letters(char **argv, int *at, const struct opt_spec *specs)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        const struct opt_spec *spec = by_letter(specs, *letter);
        struct err err;
        if (!spec && !(spec = by_letter(everywhere, *letter)))
            opt_fail("-%c: no such option", *letter);
        if (spec->type == OPT_FLAG) {
            set(spec, "", &err);
            continue;
        }
        const char *value = letter[1] ? letter + 1 : argv[++*at];
        if (!value)
            opt_fail("-%c: needs a value", *letter);
        if (set(spec, value, &err) < 0)
            opt_fail("-%c: %s", spec->letter, err.msg);
        return;
    }
}

static bool in_order(const struct opt_spec *specs)
{
    while (specs->type != OPT_END)
        specs++;
    return specs->in_order;
}

char **opt_parse(int argc, char **argv, const struct opt_spec *specs, const char *summary)
{
    static char **operands; // lives as long as argv does
    operands = xcalloc((size_t)argc + 1, sizeof *operands);
    int count = 0, at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strncmp(argv[at], "--", 2) == 0)
            parse_long(argv, &at, specs);
        else if (argv[at][0] == '-' && argv[at][1] != '\0')
            parse_letters(argv, &at, specs);
        else if (in_order(specs))
            break;
        else
            operands[count++] = argv[at];
    }
    while (at < argc)
        operands[count++] = argv[at++];
    answer_questions(specs, summary);
    return operands;
}
